"""Date literals of query languages (`THIS_MONTH`, `LAST_N_DAYS:30`): ranges of days on the business clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple


class Span(NamedTuple):
    """Days from `start` up to, but not with, `end`."""

    start: date
    end: date


def _month(day: date, months: int = 0) -> date:
    """The first day of the month so many months away."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _week(day: date, weeks: int = 0) -> date:
    """The Sunday that begins the week so many weeks away."""
    return day - timedelta(days=day.isoweekday() % 7) + timedelta(weeks=weeks)


def _quarter(day: date, quarters: int = 0) -> date:
    return _month(day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1), 3 * quarters)


def _year(day: date, years: int = 0) -> date:
    return date(day.year + years, 1, 1)


def _day(day: date, days: int = 0) -> date:
    return day + timedelta(days=days)


UNITS: dict[str, Callable[[date, int], date]] = {
    "DAY": _day,
    "WEEK": _week,
    "MONTH": _month,
    "QUARTER": _quarter,
    "FISCAL_QUARTER": _quarter,
    "YEAR": _year,
    "FISCAL_YEAR": _year,
}
MOST = 10_000


def span(name: str, count: int | None, today: date) -> Span | None:
    """The days of a literal; None for one that does not exist. count: what follows the colon.

    Raises ValueError and OverflowError for a count that leads nowhere.
    """
    name = name.upper()
    fixed = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
    if name in fixed and count is None:
        return Span(_day(today, fixed[name]), _day(today, fixed[name] + 1))
    if name in ("LAST_90_DAYS", "NEXT_90_DAYS") and count is None:
        return span(f"{name[:4]}_N_DAYS", 90, today)
    which, _, unit = name.partition("_")
    if count is None:
        start_of = UNITS.get(unit)
        offset = {"THIS": 0, "LAST": -1, "NEXT": 1}.get(which)
        if start_of is None or offset is None or unit == "DAY":
            return None
        return Span(start_of(today, offset), start_of(today, offset + 1))
    if not 0 <= count <= MOST:
        raise ValueError(f"{count} is out of range")
    return _counted(name, which, unit, count, today)


def _counted(name: str, which: str, unit: str, count: int, today: date) -> Span | None:
    if name.startswith("N_") and name.endswith("S_AGO"):
        start_of = UNITS.get(name[2:-5])
        return None if start_of is None else Span(start_of(today, -count), start_of(today, -count + 1))
    if which not in ("LAST", "NEXT") or not unit.startswith("N_") or not unit.endswith("S"):
        return None
    start_of = UNITS.get(unit[2:-1])
    if start_of is None:
        return None
    if unit == "N_DAYS":
        # The last n days include today; the next n begin tomorrow.
        return (
            Span(_day(today, -count), _day(today, 1))
            if which == "LAST"
            else Span(_day(today, 1), _day(today, count + 1))
        )
    if which == "LAST":
        return Span(start_of(today, -count), start_of(today, 0))
    return Span(start_of(today, 1), start_of(today, count + 1))
