"""F-34: dead letters are written and never read."""

from __future__ import annotations

from counterfoil.reference.engine import Engine
from counterfoil.reference.errors import Trouble
from counterfoil.reference.event import Event
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.state import Inbox


class NobodyLooks(Engine):
    """Parks events, tells nobody, and replays nothing."""

    def alert(self, event: Event, trouble: Trouble, letter: str, severity: str, attempts: int) -> None:
        """Tell nobody."""

    def wake(self, event: Event, provided: list[str]) -> None:
        """Leave what is parked."""

    def replay(self, letter_id: str | None = None) -> int:
        return 0


class OnceOnly(Inbox):
    """Knows a parked event and leaves it parked, however often it comes."""

    def revive(self, name: str) -> int | None:
        return None


MUTANT = Mutant(
    id="F-34",
    title="Failed events are written to a dead-letter queue that has no consumer and raises no alert.",
    invariants=("INV-44", "INV-14"),
    scenarios=("S-39",),
    parts={"engine": NobodyLooks, "inbox": OnceOnly},
)
