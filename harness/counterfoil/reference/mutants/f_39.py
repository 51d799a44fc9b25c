"""F-39: an event whose parent is not there yet is dropped."""

from __future__ import annotations

from counterfoil.reference.engine import Engine
from counterfoil.reference.errors import Missing
from counterfoil.reference.event import Event
from counterfoil.reference.flows import Handler
from counterfoil.reference.mutants import Mutant


class DropsOrphans(Engine):
    """`if not parent: return 200`."""

    def wait(self, seq: int, event: Event, trouble: Missing, handler: Handler, attempts: int) -> None:
        self.end(seq, event, "DONE")


MUTANT = Mutant(
    id="F-39",
    title="An event that comes before its parent is answered 200 and dropped.",
    invariants=("INV-24", "INV-44"),
    scenarios=("S-39",),
    parts={"engine": DropsOrphans},
)
