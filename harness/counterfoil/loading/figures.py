"""What a load's lines and samples come to: percentiles, rates, and how things stood over time. Pure functions."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from counterfoil.client import Record, Records
from counterfoil.flows import Span
from counterfoil.loading.crowd import DONE, FAILED, Line
from counterfoil.loading.plan import Plan

PERCENTILES = (("p50", 0.50), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
BUCKETS = 60
"""How many points a picture over time has at most."""
WHAT, NUMBER, NAME, OUTCOME, WHY, DUE, BEGUN, ENDED, TRACE = range(9)


def percentiles(seconds: Iterable[float]) -> Record:
    """How many there were and, by nearest rank, how long they took; None where there were none."""
    found = sorted(seconds)
    return {"count": len(found)} | {
        name: round(found[math.ceil(share * len(found)) - 1], 3) if found else None for name, share in PERCENTILES
    }


def rates(lines: Sequence[Line], plan: Plan, what: str, begin: float, seconds: float) -> Record:
    """What was intended within so many seconds and what was achieved of it: what was begun in time and answered. `not_begun` was due and
    found nobody free, `unanswered` was begun and failed; `under_way` was answered after the end; `late` is how long after it was due
    something began."""
    due = plan.due(what).by(seconds)
    mine = [each for each in lines if each[WHAT] == what]
    answered = sum(each[OUTCOME] != FAILED and each[BEGUN] <= begin + seconds for each in mine)
    return {
        "intended": due,
        "begun": len(mine),
        "answered": answered,
        "unanswered": sum(each[OUTCOME] == FAILED for each in mine),
        "under_way": sum(each[ENDED] > begin + seconds for each in mine),
        "not_begun": max(0, due - len(mine)),
        "intended_rate": round(due / seconds, 2),
        "achieved_rate": round(answered / seconds, 2),
        "late": percentiles(max(0.0, each[BEGUN] - each[DUE]) for each in mine),
    }


def by_name(lines: Sequence[Line], plan: Plan, what: str, begin: float, seconds: float) -> Records:
    """Each deed, or call, with how often it was done and how long it took since it was due; all of them last. Those that nobody began count
    there with the time that they had waited when the load ended, so that a stall does not hide what it kept from happening."""
    kinds: dict[str, list[Line]] = {}
    for each in lines:
        if each[WHAT] == what:
            kinds.setdefault(each[NAME], []).append(each)
    waited = []
    schedule = plan.due(what)
    numbers = {each[NUMBER] for each in lines if each[WHAT] == what}
    for number in range(schedule.by(seconds)):
        if number not in numbers and (due := schedule.due(number)) is not None:
            waited.append(max(0.0, seconds - due))
    rows = [_row(name, found) for name, found in sorted(kinds.items())]
    if rows:
        every = [each for found in kinds.values() for each in found]
        rows.append(_row("all", every) | percentiles([*(each[ENDED] - each[DUE] for each in every), *waited]))
    return rows


def _row(name: str, found: Sequence[Line]) -> Record:
    why = Counter(str(each[WHY]) for each in found if each[OUTCOME] != DONE)
    return {
        "name": name,
        "refused": sum(each[OUTCOME] not in (DONE, FAILED) for each in found),
        "failed": sum(each[OUTCOME] == FAILED for each in found),
        "why": dict(why.most_common(5)),
    } | percentiles(each[ENDED] - each[DUE] for each in found)


def late_by_trace(lines: Iterable[Line]) -> dict[str, float]:
    """By trace, how many seconds after it was due a deed began."""
    return {each[TRACE]: max(0.0, each[BEGUN] - each[DUE]) for each in lines if each[TRACE]}


def flow(spans: Sequence[Span]) -> Record:
    """A flow's figures; `open`: how many have begun and not ended."""
    found = percentiles(max(0.0, end - begun) for begun, end in spans if end is not None)
    return found | {"open": sum(end is None for _, end in spans)}


def over_time(
    lines: Sequence[Line], plan: Plan, begin: float, seconds: float, spans: Mapping[str, Sequence[Span]], until: float
) -> Records:
    """Points over the whole time, the drain included: deeds intended and answered a second, the 95th percentile of what was due, and
    of each flow how many cases were under way. One point falls on the load's end, so that each before it tells of a whole stretch; those
    after it have no rates."""
    drain = max(until - begin - seconds, 0.0)
    width = max(1.0, (seconds + drain) / BUCKETS)
    loaded = max(1, math.floor(seconds / width))
    ends = [seconds * (at + 1) / loaded for at in range(loaded)]
    ends += [seconds + min((at + 1) * width, drain) for at in range(math.ceil(drain / width))]
    schedule, answered, slow = plan.due("deed"), Counter[int](), [list[float]() for _ in ends]
    for each in lines:
        if each[WHAT] == "deed":
            answered[bisect.bisect_left(ends, each[ENDED] - begin)] += 1
            slow[min(bisect.bisect_left(ends, each[DUE] - begin), len(ends) - 1)].append(each[ENDED] - each[DUE])
    points, start = [], 0.0
    for at, end in enumerate(ends):
        took, loading = end - start, at < loaded
        points.append(
            {
                "second": round(end, 1),
                "intended_rate": round((schedule.by(end) - schedule.by(start)) / took, 2) if loading else None,
                "achieved_rate": round(answered[at] / took, 2) if loading else None,
                "p95": percentiles(slow[at])["p95"],
                "open": {name: under_way(found, begin + end) for name, found in spans.items()},
            }
        )
        start = end
    return points


def under_way(spans: Sequence[Span], at: float) -> int:
    """How many cases had begun and not ended at an instant."""
    return sum(begun <= at and (end is None or end > at) for begun, end in spans)


def peak(samples: Sequence[Mapping[str, Any]], name: str) -> float:
    """The largest value of a sample's member."""
    return max((each[name] for each in samples), default=0)
