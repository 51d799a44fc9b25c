"""Answers to single gets as they were given last, until something is written to their system."""

from __future__ import annotations

from collections.abc import Hashable

from counterfoil_mocks.kernel.operations import Answer
from counterfoil_mocks.kernel.system import System

MOST = 2_000
"""Answers that are kept at a time."""


class Remembered:
    """Answers by whatever tells calls from one another. All are forgotten at the next deed of the system, restore or minute of the
    business clock; where a system cannot tell its state, none is kept."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._state: Hashable = None
        self._answers: dict[Hashable, Answer] = {}

    def find(self, place: Hashable) -> Answer | None:
        """The answer of a place, None where it must be worked out."""
        state = self.system.state
        if state is None or state != self._state:
            self._answers.clear()
            self._state = state
            return None
        return self._answers.get(place)

    def keep(self, place: Hashable, answer: Answer) -> None:
        """Keep what has been worked out since `find`, unless something was written meanwhile."""
        if self._state is None or self.system.state != self._state:
            return
        if len(self._answers) >= MOST:
            self._answers.clear()
        self._answers[place] = answer
