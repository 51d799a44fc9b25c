"""The firm's days: dates as ordinals while business is drawn, texts when it is written, and instants in office hours."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from counterfoil_mocks.firm.companies import COMPANIES, CONTINENT, OFFICE, Company
from counterfoil_mocks.kernel import clock

HOLIDAYS = {
    "US": ("01-01", "07-04", "11-27", "11-28", "12-24", "12-25", "12-26"),
    "GB": ("01-01", "12-25", "12-26"),
    "DE": ("01-01", "05-01", "10-03", "12-24", "12-25", "12-26"),
}
"""Month and day, the same every year."""


@lru_cache(maxsize=8192)
def iso(day: int) -> str:
    """The date text of an ordinal."""
    return date.fromordinal(day).isoformat()


def ordinal(day: str) -> int:
    """The ordinal of a date text."""
    return date.fromisoformat(day).toordinal()


def moment(day: int, company: Company, minute: int = 0) -> str:
    """An instant so many minutes (up to 539) into a company's office day."""
    hour, rest = divmod(minute, 60)
    return f"{iso(day)}T{OFFICE.get(company.country, CONTINENT) + hour:02d}:{rest:02d}:00.000Z"


@lru_cache(maxsize=8192)
def is_workday(day: int, country: str) -> bool:
    """Monday to Friday and no holiday."""
    return date.fromordinal(day).weekday() < 5 and iso(day)[5:] not in HOLIDAYS.get(country, ())


def workday(day: int, country: str, step: int = 1) -> int:
    """The day itself, or the next (step −1: the last) workday."""
    while not is_workday(day, country):
        day += step
    return day


@lru_cache(maxsize=512)
def month_end(day: int) -> int:
    """The last day of a day's month."""
    return ordinal(clock.period_end(iso(day)[:7]))


def firsts_after(day: int, last: int) -> list[int]:
    """The firsts of month after `day`, up to `last`."""
    found, first = [], month_end(day) + 1
    while first <= last:
        found.append(first)
        first = month_end(first) + 1
    return found


def eve_of(now: str) -> int:
    """The last day of the month before `now`: the seeded business ends there. `now` is read in the first company's zone."""
    today = clock.business_date(now, COMPANIES["CF-US"].tz)
    return ordinal(f"{today[:7]}-01") - 1
