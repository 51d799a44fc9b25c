"""Dates of billing schedules. Pure functions over `YYYY-MM-DD` text."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from itertools import pairwise


def add_months(day: str, months: int) -> str:
    """The same day of the month so many months on; the month's last day where it is shorter. Count from the anchor, so that the 31st
    comes back after February."""
    start = date.fromisoformat(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])).isoformat()


def first_of_next_month(day: str) -> str:
    """The first of the month after a date."""
    return add_months(day[:8] + "01", 1)


def anchors(start: str, end: str) -> list[str]:
    """Start and every month after it, up to end."""
    found = [start]
    while (following := add_months(start, len(found))) <= end:
        found.append(following)
    return found


def split(whole: int, parts: int) -> list[int]:
    """Equal parts with cumulative rounding, half up; they always sum to `whole`."""
    upto = [(2 * whole * k + parts) // (2 * parts) for k in range(parts + 1)]
    return [after - before for before, after in pairwise(upto)]


def whole_months(start: str, end: str) -> bool:
    """Whether a span is made of whole calendar months, more than one of them."""
    last = date.fromisoformat(end)
    return start[8:] == "01" and last.day == monthrange(last.year, last.month)[1] and start[:7] < end[:7]
