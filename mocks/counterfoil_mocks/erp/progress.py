"""Measures of progress: cumulative revenue of a contract line. Pure arithmetic, rounded once, on the cumulative figure only
(IFRS 15.39-45, B14-B19; domain §3.2-3.4, §3.7)."""

from __future__ import annotations

from datetime import date

from counterfoil_mocks.kernel import money


def by_effort(tp: int, spent: int, eac: int) -> int:
    """Cost-to-cost or hours: `round(tp × min(1, spent / eac))`.

    tp: transaction price in minor units. spent, eac: to date and at completion, both in the same unit (minor units or minutes).
    """
    if spent <= 0 or eac <= 0:
        return 0 if spent <= 0 else tp
    return money.half_up(tp * min(spent, eac), eac)


def at_completion(spent: int, to_go: int | None, budget: int | None) -> int | None:
    """Estimate at completion: what is spent plus what is still to go, once somebody has said so; the budget until then."""
    return budget if to_go is None else spent + to_go


def loss_to_come(tp: int, eac: int, spent: int, recognised: int) -> int:
    """What a line will still lose: its loss at completion less the loss that revenue and cost show already (IAS 37)."""
    whole = eac - tp
    return max(whole - (spent - recognised), 0) if whole > 0 else 0


def by_output(tp: int, done: int, whole: int) -> int:
    """Output method: price × stand-alone weight of what was accepted ÷ all weights."""
    return money.half_up(tp * min(done, whole), whole) if whole else 0


def by_day(tp: int, start: str, end: str, upto: str) -> int:
    """Straight line by day, both ends included, actual/actual: cumulative revenue at the end of the day `upto`."""
    first, last, now = date.fromisoformat(start), date.fromisoformat(end), date.fromisoformat(upto)
    days = (last - first).days + 1
    elapsed = min(max((now - first).days + 1, 0), days)
    return money.half_up(tp * elapsed, days)


def by_month(tp: int, start: str, end: str, upto: str) -> int:
    """Straight line by whole calendar months: every month that has begun by `upto` counts in full."""
    months = _months(start, end)
    return money.half_up(tp * min(max(_months(start, upto), 0), months), months)


def _months(start: str, end: str) -> int:
    return (int(end[:4]) - int(start[:4])) * 12 + int(end[5:7]) - int(start[5:7]) + 1
