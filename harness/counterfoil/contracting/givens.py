"""Provider states of contracts that are written by hand: by name, each a few deeds over the control plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from counterfoil.client import Control, plural, segment

Record = dict[str, Any]


class Hands:
    """A person at the screens of all systems."""

    def __init__(self, control: Control) -> None:
        self.control = control

    def make(self, system: str, entity: str, **values: Any) -> Record:
        """A new record."""
        made: Record = self.control.post(f"/systems/{system}/{plural(entity)}", values)
        return made

    def do(self, system: str, action: str, **values: Any) -> Record:
        """A deed; returns the record that it was done to."""
        record: Record = self.control.post(f"/systems/{system}/actions/{action}", values)["record"]
        return record

    def get(self, system: str, entity: str, key: str) -> Record:
        """A record by id or key."""
        found: Record = self.control.get(f"/systems/{system}/{plural(entity)}/{segment(key)}")
        return found

    def one(self, system: str, entity: str, **where: Any) -> Record:
        """The first record that fits."""
        found: Record = self.control.get(f"/systems/{system}/{plural(entity)}", limit=1, **where)["items"][0]
        return found


GIVEN: dict[str, Callable[..., Record]] = {}
"""States by name. Each returns the values that requests take from it."""


def given(name: str) -> Callable[[Callable[..., Record]], Callable[..., Record]]:
    """Register a state."""

    def register(reach: Callable[..., Record]) -> Callable[..., Record]:
        GIVEN[name] = reach
        return reach

    return register
