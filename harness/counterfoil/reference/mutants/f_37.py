"""F-37: after a long outage it goes on from now."""

from __future__ import annotations

from datetime import datetime, timedelta

from counterfoil.reference.connectors import Record
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.poller import Poller


class GoesOnFromNow(Poller):
    """Takes a cursor that is half a day behind for invalid, and what lies between for old news."""

    def wanted(self, record: Record, cursor: str | None) -> bool:
        if cursor is None:
            return True
        behind = datetime.fromisoformat(record["updated_at"]) - datetime.fromisoformat(cursor)
        return timedelta() < behind < timedelta(hours=12)


MUTANT = Mutant(
    id="F-37",
    title="A cursor older than the replay window is invalid, so reading goes on from now: what lies between is lost.",
    invariants=("INV-44",),
    scenarios=("S-40",),
    parts={"poller": GoesOnFromNow},
)
