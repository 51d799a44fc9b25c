"""Counterfoil, a testbed for quote-to-cash integrations: the harness and its public API."""

from __future__ import annotations

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
