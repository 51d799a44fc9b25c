"""F-04: whether an event is known is looked up when it comes, and written down when it has been dealt with."""

from __future__ import annotations

import itertools

from counterfoil.reference.event import Event
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.mutants.f_03 import AddsUp, BillsAgain
from counterfoil.reference.state import Inbox


class LooksThenWrites(Inbox):
    """Knows an event only after it has been dealt with: a second copy that comes meanwhile is new."""

    count = itertools.count()

    def identity(self, event: Event) -> str:
        return f"{event.name}#{next(self.count)}"

    def take(self, event: Event) -> int | None:
        before = self._sql.execute(
            "SELECT 1 FROM inbox WHERE substr(name, 1, ?) = ? AND state = 'DONE'",
            (len(event.name) + 1, f"{event.name}#"),
        ).fetchone()
        return None if before is not None else super().take(event)


MUTANT = Mutant(
    id="F-04",
    title="The check for a known event and its note are apart: two copies that come together both pass.",
    invariants=("INV-42",),
    scenarios=("S-27",),
    parts={"inbox": LooksThenWrites, "invoicing": BillsAgain, "cash": AddsUp},
    faults=({"kind": "duplicate", "operation": "*.milestone.completed", "every": 1},),
)
