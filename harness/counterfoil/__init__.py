"""Counterfoil, a testbed for quote-to-cash integrations: the harness and its public API.

A name of the API is imported when it is first used: what only serves systems, or only prints its help, needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from counterfoil.client import Broken, Control, Refused
    from counterfoil.money import amount, eur, gbp, jpy, kwd, total, usd
    from counterfoil.stories import Story, scenario
    from counterfoil.world import NotSettled, World

__all__ = [
    "Broken",
    "Control",
    "NotSettled",
    "Refused",
    "Story",
    "World",
    "amount",
    "eur",
    "gbp",
    "jpy",
    "kwd",
    "scenario",
    "total",
    "usd",
]

HOMES = {
    "client": ("Broken", "Control", "Refused"),
    "money": ("amount", "eur", "gbp", "jpy", "kwd", "total", "usd"),
    "stories": ("Story", "scenario"),
    "world": ("NotSettled", "World"),
}
"""The modules that the names live in."""


def __getattr__(name: str) -> Any:
    for home, names in HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
