"""Hypothesis makes lists of steps until one breaks an invariant."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from counterfoil.exploring.deeds import DEEDS
from counterfoil.exploring.telling import Step, Told

LONGEST = 12
MOST = 100_000
SELLING = tuple(name for name in DEEDS if name.startswith("sell_"))

Teller = Callable[[list[Step]], Told]


class Found(Exception):
    """A story broke something."""

    def __init__(self, told: Told) -> None:
        super().__init__(", ".join(told.broken))
        self.told = told


class OutOfTime(Exception):
    """The time is up."""


def step_of(name: str) -> st.SearchStrategy[Step]:
    """A deed with any of its numbers."""
    numbers = st.tuples(*(st.integers(0, highest) for highest in DEEDS[name].highest))
    return numbers.map(lambda found: Step(name, found))


def stories() -> st.SearchStrategy[list[Step]]:
    """A sale, and what follows from it: weighted, so that most of it makes sense."""
    sale = st.one_of(*(step_of(name) for name in SELLING for _ in range(DEEDS[name].weight)))
    anything = st.one_of(*(step_of(name) for name in DEEDS for _ in range(DEEDS[name].weight)))
    return st.tuples(sale, st.lists(anything, min_size=5, max_size=LONGEST - 1)).map(
        lambda found: [found[0], *found[1]]
    )


def search(
    tell: Teller, *, number: int, seconds: float, done: Callable[[Told], object] = lambda told: None
) -> Told | None:
    """The first telling that breaks something, None when there is none within so many seconds. number: the seed of the search."""
    limit = time.monotonic() + seconds

    @seed(number)
    @settings(
        max_examples=MOST,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(stories())
    def once(steps: list[Step]) -> None:
        if time.monotonic() >= limit:
            raise OutOfTime
        told = tell(steps)
        done(told)
        if told.broken:
            raise Found(told)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)
            once()
    except Found as found:
        return found.told
    except OutOfTime:
        pass
    except BaseExceptionGroup as several:
        for each in several.exceptions:
            if isinstance(each, Found):
                return each.told
        raise
    return None
