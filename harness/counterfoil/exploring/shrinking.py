"""Make a story shorter while it still breaks the same invariant: greedily, latest steps first, within a limit of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from counterfoil.activity.deeds import Step
from counterfoil.exploring.telling import Told

Teller = Callable[[list[Step]], Told]


def shrink(
    told: Told, found: str, tell: Teller, *, seconds: float, done: Callable[[int], object] = lambda left: None
) -> Told:
    """The shortest telling that was found within so many seconds; `done` is told the number of steps left after each success.

    Hypothesis shrinks by re-running hundreds of times; a story takes seconds, so halves are thrown away first, then single steps,
    then numbers are lowered.
    """
    limit, best = time.monotonic() + seconds, told
    without = [step for number, step in enumerate(best.steps) if number not in best.refused]
    size = max(len(without) // 2, 1)
    if len(without) < len(best.steps):
        best = _try(without, found, tell, best)
    while time.monotonic() < limit:
        at, shorter = len(best.steps) - size, False
        while at >= -size + 1 and time.monotonic() < limit:
            low = max(at, 0)
            tried = _try(best.steps[:low] + best.steps[low + size :], found, tell, best)
            if tried is not best:
                best, shorter = tried, True
                done(len(best.steps))
            at -= size
        if size == 1 and not shorter:
            break
        size = max(size // 2, 1)
    for at, step in enumerate(best.steps):
        lower = replace(step, numbers=tuple(0 for _ in step.numbers))
        if lower != step and time.monotonic() < limit:
            best = _try([*best.steps[:at], lower, *best.steps[at + 1 :]], found, tell, best)
    return best


def _try(steps: list[Step], found: str, tell: Teller, best: Told) -> Told:
    if not steps or steps == best.steps:
        return best
    told = tell(steps)
    return told if found in told.broken else best
