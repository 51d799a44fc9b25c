"""Expectations: what a scenario says must now be so. They are collected with their evidence; one that fails does not end
the story unless it was required."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from counterfoil.client import Refused
from counterfoil.money import readable


@dataclass(frozen=True)
class Expectation:
    """One sentence, what was found and what should have been. at: business instant of the look."""

    sentence: str
    held: bool
    actual: Any = None
    expected: Any = None
    at: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> str:
        """The sentence and, when it does not hold, both values."""
        if self.held:
            return self.sentence
        return f"{self.sentence}: expected {readable(self.expected)}, found {readable(self.actual)}"


class Unmet(AssertionError):
    """A required expectation does not hold: the story cannot go on."""


class Expectations:
    """The collection of one scenario."""

    def __init__(self) -> None:
        self.seen: list[Expectation] = []

    @property
    def failed(self) -> list[Expectation]:
        """Those that do not hold."""
        return [each for each in self.seen if not each.held]

    def add(self, expectation: Expectation, *, required: bool = False) -> bool:
        """Keep one; raises Unmet where it was required and does not hold. Returns whether it holds."""
        self.seen.append(expectation)
        if required and not expectation.held:
            raise Unmet(expectation.describe())
        return expectation.held

    @contextmanager
    def refusal(self, code: str, at: str) -> Iterator[None]:
        """Expect that the block is refused with a code (or an HTTP status, as text)."""
        sentence = f"The deed is refused with {code}"
        try:
            yield
        except Refused as refused:
            held = code in (refused.code, str(refused.status))
            found = f"{refused.status} {refused.code}"
            self.add(Expectation(sentence, held, found, code, at, {"detail": refused.detail}))
        else:
            self.add(Expectation(sentence, False, "the deed was done", code, at))
