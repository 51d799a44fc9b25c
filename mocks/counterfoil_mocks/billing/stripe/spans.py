"""Periods of subscriptions: months keep to the anchor's day, where a month is shorter its last day stands in."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

LENGTHS = {"day": 86400, "week": 7 * 86400, "month": 31 * 86400, "year": 366 * 86400}
"""The longest that an interval can be, in seconds."""


def after(anchor: int, interval: str, steps: int) -> int:
    """The moment so many intervals after an anchor: 31 January, then 28 February, then 31 March."""
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in ("day", "week"):
        return int((start + timedelta(days=steps * (7 if interval == "week" else 1))).timestamp())
    months = start.month - 1 + steps * (12 if interval == "year" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def configured(config: Mapping[str, int | None], now: int) -> int:
    """The next moment that an anchor's configuration means: a day of the month (its last where it is shorter), of a month, at a time."""
    at = datetime.fromtimestamp(now, UTC)
    said = {name: value for name, value in config.items() if value is not None}
    clock = {name: said.get(name, getattr(at, name)) for name in ("hour", "minute", "second")}
    step = 12 if "month" in said else 1
    months = at.year * 12 + said.get("month", at.month) - 1
    while True:
        year, month = months // 12, months % 12 + 1
        day = min(said.get("day_of_month", at.day), calendar.monthrange(year, month)[1])
        found = int(at.replace(year=year, month=month, day=day, **clock).timestamp())
        if found > now:
            return found
        months += step


def period_after(anchor: int, moment: int, interval: str, count: int) -> int:
    """The first end of a period, counted from an anchor, that lies after a moment."""
    steps = 0
    if anchor <= moment:
        steps = max(0, (moment - anchor) // (LENGTHS[interval] * count) - 1)
    while after(anchor, interval, steps * count) <= moment:
        steps += 1
    return after(anchor, interval, steps * count)


def shown(moment: int) -> str:
    """A date as descriptions have it: `8 Feb 2026`."""
    found = datetime.fromtimestamp(moment, UTC)
    return f"{found.day:02d} {found:%b %Y}"
