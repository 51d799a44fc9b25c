"""What a load is to be: how many deeds a second, for how long, in which shape, and when each of them is due. Runs nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from counterfoil.descriptor import Unreadable

SPAN = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")
LONGEST = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Shape:
    """How the rate runs over the time. parts: `(share of the time, rate at its begin, rate at its end)`, rates as shares of the
    highest. pace: which deeds are done how often. seconds: how long by default. month_end: business time stands at a month's last
    working day, and the month ends when the load is over."""

    doc: str
    parts: tuple[tuple[float, float, float], ...]
    pace: str = "ordinary"
    seconds: float = 60.0
    month_end: bool = False


SHAPES: Mapping[str, Shape] = {
    "steady": Shape("the same rate throughout", ((1.0, 1.0, 1.0),)),
    "ramp": Shape("from a tenth of the rate to the whole of it", ((1.0, 0.1, 1.0),)),
    "month-end": Shape(
        "a third of the rate, then the last hours of a month, then a third again",
        ((0.3, 0.33, 0.33), (0.1, 0.33, 1.0), (0.4, 1.0, 1.0), (0.2, 0.33, 0.33)),
        pace="month_end",
        month_end=True,
    ),
    "soak": Shape("the same rate for an hour, or as long as is said", ((1.0, 1.0, 1.0),), seconds=3600.0),
}


@dataclass(frozen=True)
class Plan:
    """A load, as it travels to the processes that make it.

    control, token: the control plane. rate: deeds a second at the highest; calls: API calls a second at the highest. users, clients:
    how many people do deeds and how many programs call at once. seconds: how long on the wall clock.
    """

    control: str
    rate: float
    seconds: float
    users: int
    shape: str = "steady"
    calls: float = 0.0
    clients: int = 0
    size: str = "S"
    token: str | None = None

    def as_data(self) -> dict[str, Any]:
        """The plan as JSON has it."""
        return asdict(self)

    def due(self, what: str) -> Schedule:
        """When what is due: `deed` or `call`."""
        return Schedule(SHAPES[self.shape], self.rate if what == "deed" else self.calls, self.seconds)


class Schedule:
    """When each of a load's deeds is due, in seconds from its begin: by the rate alone, never by how fast the last one was."""

    def __init__(self, shape: Shape, rate: float, seconds: float) -> None:
        self.seconds = seconds
        self._parts: list[tuple[float, float, float, float, float]] = []
        at = done = 0.0
        for share, first, last in shape.parts:
            span, begin, end = share * seconds, first * rate, last * rate
            self._parts.append((at, done, span, begin, end))
            at += span
            done += span * (begin + end) / 2
        self._all = done

    def due(self, number: int) -> float | None:
        """When a deed is due, the first of which is number 0; None for one that the time does not hold."""
        wanted = number + 0.5
        if wanted >= self._all:
            return None
        at, done, span, begin, end = [part for part in self._parts if part[1] <= wanted][-1]
        return at + _time_for(wanted - done, span, begin, end)

    def by(self, seconds: float) -> int:
        """How many are due until then."""
        count = 0.0
        for at, _, span, begin, end in self._parts:
            spent = min(max(seconds - at, 0.0), span)
            count += spent * begin + (end - begin) * spent * spent / (2 * span)
        return max(0, math.ceil(count - 0.5))


def _time_for(count: float, span: float, begin: float, end: float) -> float:
    """After how long so many are due, where the rate goes evenly from begin to end."""
    growth = (end - begin) / span
    if abs(growth) < 1e-12:
        return count / begin
    return (math.sqrt(begin * begin + 2 * growth * count) - begin) / growth


def seconds_of(text: str, option: str = "--duration") -> float:
    """`90`, `90s`, `10m` or `1h30m` as seconds; raises Unreadable, which names the option."""
    found = SPAN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise Unreadable(f"{option} {text}: write it as 90s, 10m or 1h30m")
    hours, minutes, rest = (float(each or 0) for each in found.groups())
    seconds = 3600 * hours + 60 * minutes + rest
    if not 1 <= seconds <= LONGEST:
        raise Unreadable(f"{option} {text}: from one second to a week")
    return seconds


def shape_of(name: str) -> Shape:
    """A shape by its name; raises Unreadable."""
    if name not in SHAPES:
        raise Unreadable(f"--shape {name}: a load has one of these shapes: {', '.join(SHAPES)}")
    return SHAPES[name]


def enough(rate: float) -> int:
    """How many people it takes, with spare ones: so many that each may take two seconds for a deed."""
    return 4 + math.ceil(2 * rate)
