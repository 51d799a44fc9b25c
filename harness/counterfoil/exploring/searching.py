"""Hypothesis makes lists of steps until one breaks an invariant."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from counterfoil.activity.deeds import DEEDS, Step
from counterfoil.exploring.telling import Told

SHORTEST, LONGEST = 10, 24
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
    """Perhaps a breakdown, a sale, and what follows from it: weighted, so that most of it makes sense.

    Deeds are quick and judging is slow, so stories are long; they are made shorter afterwards.
    """
    sale = weighted(SELLING)
    before: st.SearchStrategy[list[Step]] = st.lists(step_of("breakdown"), max_size=1)
    after = st.lists(weighted(tuple(DEEDS)), min_size=SHORTEST, max_size=LONGEST)
    return st.tuples(before, sale, after).map(lambda found: [*found[0], found[1], *found[2]])


def weighted(names: Sequence[str]) -> st.SearchStrategy[Step]:
    """One of these deeds, each as often as its weight says."""
    return st.sampled_from([name for name in names for _ in range(DEEDS[name].weight)]).flatmap(step_of)


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
