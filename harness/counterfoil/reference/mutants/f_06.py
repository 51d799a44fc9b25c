"""F-06: what an event carried when it was made is written when it is tried again."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.engine import Engine
from counterfoil.reference.event import Event
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

ATTEMPTS = "SELECT attempts FROM inbox WHERE name = ?"


class KeepsSnapshots(Work):
    """Reads no record again for a mirror that is tried again."""

    async def current(self, entity: str) -> Record:
        again = self.state.sql.execute(ATTEMPTS, (self.event.name,)).fetchone()[0] > 1
        return self.event.record if again and entity in ("customer", "site") else await super().current(entity)


class TriesAsItWas(Engine):
    """Tries an event again whatever has come since."""

    work = KeepsSnapshots

    def superseded(self, event: Event) -> bool:
        tried = self.state.sql.execute(ATTEMPTS, (event.name,)).fetchone()
        return super().superseded(event) and not (tried and tried[0])


MUTANT = Mutant(
    id="F-06",
    title="An event that is tried again is written as it was, not as its record is now.",
    invariants=(
        "INV-43",
        "INV-04",
    ),
    scenarios=("S-39",),
    parts={"engine": TriesAsItWas},
    faults=(
        {"kind": "status", "system": "psa", "operation": "update_customer", "status": 503, "nth": list(range(1, 9))},
    ),
)
