"""What an integration promises in seconds on the wall clock (`slo` of its descriptor), held against what the journal saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.flows import POSTING, SETUP, kind_of
from counterfoil.world import World

PROMISED = {
    "project_setup_seconds": (SETUP, "A project follows a won deal"),
    "invoice_posting_seconds": (POSTING, "A posting follows an issued invoice"),
}
"""By promise: the flow that it is about, and the sentence."""


def look(world: World, slo: Mapping[Any, float]) -> None:
    """Say of each promise whether it was kept throughout the story, by the slowest case (an effect that never came is not slow:
    the invariants speak of it)."""
    if not slo:
        return
    events = world.journal(kind="event", since=world.journal_start)
    for name, limit in slo.items():
        flow, sentence = PROMISED[name]
        began: dict[str, float] = {}
        slowest, key = 0.0, ""
        for each in events:
            kind, about = kind_of(each), str(each[flow.about])
            if kind == flow.cause:
                began.setdefault(about, float(each["wall"]))
            elif kind == flow.effect and about in began:
                took = float(each["wall"]) - began.pop(about)
                slowest, key = max((slowest, key), (took, about))
        world.expect_that(f"{sentence} within {limit:g} s", slowest <= limit, promise=name, seconds=slowest, key=key)
