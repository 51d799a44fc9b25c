"""F-38: state is saved and the event is lost."""

from __future__ import annotations

from counterfoil.reference.engine import Engine
from counterfoil.reference.errors import Trouble
from counterfoil.reference.event import Event
from counterfoil.reference.flows import Handler
from counterfoil.reference.mutants import Mutant


class CommitsFirst(Engine):
    """Commits, then acts; what fails in between leaves no trace."""

    def park(self, seq: int, event: Event, trouble: Trouble, severity: str, attempts: int) -> None:
        self.state.inbox.move(seq, "DONE")

    def wait(self, seq: int, event: Event, trouble: Trouble, handler: Handler, attempts: int) -> None:
        self.state.inbox.move(seq, "DONE")


MUTANT = Mutant(
    id="F-38",
    title="The event is marked as done before its effects: when they fail, it is gone.",
    invariants=(
        "INV-44",
        "INV-14",
    ),
    scenarios=("S-39",),
    parts={"engine": CommitsFirst},
)
