"""F-07: the poll asks for what is newer than its cursor, and stamps have seconds."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.poller import Poller


class NewerOnly(Poller):
    """`where updated_at > cursor`, without an overlap."""

    def since(self, cursor: str | None) -> dict[str, str]:
        return {} if cursor is None else {"updated_since": cursor}

    def wanted(self, record: Record, cursor: str | None) -> bool:
        return cursor is None or record["updated_at"] > cursor


MUTANT = Mutant(
    id="F-07",
    title="The poll reads `updated_at > cursor`: records of the cursor's own second are never seen.",
    invariants=("INV-44", "INV-17"),
    scenarios=("S-41",),
    parts={"poller": NewerOnly},
)
