"""The business clock of a landscape, and the only place that looks at the wall clock.

Instants are RFC 3339 UTC text with milliseconds (`2026-01-05T15:00:00.001Z`): they sort, compare and read as they are.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

TICK = timedelta(milliseconds=1)


def render(moment: datetime) -> str:
    """An aware datetime as instant text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(instant: str) -> datetime:
    """Instant text, or a bare date (midnight UTC), as an aware datetime; raises ValueError."""
    moment = datetime.fromisoformat(instant.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def milliseconds_of(instant: str) -> int:
    """Instant text as milliseconds since the epoch."""
    return round(parse(instant).timestamp() * 1000)


def render_milliseconds(milliseconds: int) -> str:
    """Milliseconds since the epoch as instant text."""
    seconds, rest = divmod(milliseconds, 1000)
    return render(datetime.fromtimestamp(seconds, UTC) + rest * TICK)


def later(instant: str, **span: float) -> str:
    """The instant `span` (timedelta's words) later."""
    return render(parse(instant) + timedelta(**span))


@lru_cache(maxsize=64)
def zone(tz: str) -> ZoneInfo:
    """An IANA zone."""
    return ZoneInfo(tz)


def business_date(instant: str, tz: str) -> str:
    """The date of an instant in a legal entity's zone; the only way from instant to date."""
    return parse(instant).astimezone(zone(tz)).date().isoformat()


def instant_of(day: str, tz: str, hour: int = 0, minute: int = 0) -> str:
    """The instant of a local wall time on a business date."""
    local = datetime.combine(date.fromisoformat(day), datetime.min.time(), zone(tz)).replace(hour=hour, minute=minute)
    return render(local)


def period_of(day: str) -> str:
    """`YYYY-MM` of a business date."""
    return day[:7]


def period_end(period: str) -> str:
    """The last date of a period."""
    year, month = int(period[:4]), int(period[5:7])
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).isoformat()


def add_days(day: str, days: int) -> str:
    """A date `days` later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def wall() -> float:
    """Seconds since the epoch, for what real clients check against real time."""
    return time.time()


def monotonic() -> float:
    """Seconds on a clock that never runs backwards, for measuring how long things take."""
    return time.monotonic()


class Clock:
    """Stands still unless told; every write moves it by one millisecond, so that timestamps are ordered and repeatable."""

    now: str
    _moment: datetime
    _second: str
    _milliseconds: int

    def __init__(self, start: str) -> None:
        self.reset(start)

    def tick(self) -> str:
        """Move by one millisecond and return the new now."""
        self._moment += TICK
        self._milliseconds += 1
        if self._milliseconds < 1000:
            self.now = f"{self._second}.{self._milliseconds:03d}Z"
        else:
            self._show()
        return self.now

    def _show(self) -> None:
        self.now = render(self._moment)
        self._second, self._milliseconds = self.now[:-5], self._moment.microsecond // 1000

    def move_to(self, instant: str) -> None:
        """Move forward; a past instant leaves the clock where it is (time never runs backwards)."""
        moment = parse(instant)
        if moment > self._moment:
            self._moment = moment
            self._show()

    def release(self) -> None:
        """The deed that ticked is committed."""

    def take_back(self, before: str) -> None:
        """The deed that ticked has failed: stand where it began."""
        self.reset(before)

    def reset(self, instant: str) -> None:
        """Set the clock, also backwards: only a restore does this."""
        self._moment = parse(instant)
        self._show()

    @property
    def milliseconds(self) -> int:
        """Milliseconds since the epoch."""
        return int(self._moment.timestamp() * 1000)
