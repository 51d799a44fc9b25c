"""What an integration promises in seconds on the wall clock (`slo` of its descriptor), held against what the journal saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.world import World

EFFECTS = {
    "project_setup_seconds": ("crm.opportunity.closed_won", "psa.project.created", "A project follows a won deal"),
    "invoice_posting_seconds": ("billing.invoice.issued", "erp.invoice.posted", "A posting follows an issued invoice"),
}
"""By promise: the event that starts the watch, the one that stops it, and the sentence."""


def look(world: World, slo: Mapping[Any, float]) -> None:
    """Say of each promise whether it was kept throughout the story, by the slowest case (an effect that never came is not slow:
    the invariants speak of it)."""
    if not slo:
        return
    events = world.journal(kind="event", since=world.journal_start)
    for name, limit in slo.items():
        cause, effect, sentence = EFFECTS[name]
        began: dict[str, float] = {}
        slowest, key = 0.0, ""
        for each in events:
            kind = str(each["operation"]).removeprefix("com.counterfoil.").removesuffix(".v1")
            # an invoice is known by its number on both sides; a deal's project by the flow that they share
            about = str(each["key"] if name == "invoice_posting_seconds" else each["correlation_id"])
            if kind == cause:
                began.setdefault(about, float(each["wall"]))
            elif kind == effect and about in began:
                took = float(each["wall"]) - began.pop(about)
                slowest, key = max((slowest, key), (took, about))
        world.expect_that(f"{sentence} within {limit:g} s", slowest <= limit, promise=name, seconds=slowest, key=key)
