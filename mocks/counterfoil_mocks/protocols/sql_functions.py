"""What SQLite lacks: functions that connections are given, and the forms in which Oracle writes dates."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any


def _null_safe(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        return None if any(each is None for each in values) else function(*values)

    return run


@lru_cache(maxsize=256)
def _pattern(like: str) -> re.Pattern[str]:
    out, escaped = "", False
    for character in like:
        if escaped or character not in "\\%_":
            out, escaped = out + re.escape(character), False
        elif character == "\\":
            escaped = True
        else:
            out += ".*" if character == "%" else "."
    return re.compile(out, re.DOTALL)


ORACLE_PARTS = re.compile(r"YYYY|FF3|MM|DD|HH24|HH12|HH|MI|SS|MONTH|MON|DAY|DY|YY|Q|AM|PM|D|.", re.IGNORECASE)
STRPTIME = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S", "MONTH": "%B",
            "MON": "%b", "DAY": "%A", "DY": "%a", "YY": "%y", "AM": "%p", "PM": "%p"}  # fmt: skip
WORDED = {*STRPTIME, "Q", "D", "FF3"}
"""All parts of a pattern that stand for something."""
DIGITS = {"YYYY": (1, 4), "MM": (6, 2), "DD": (9, 2), "HH24": (12, 2), "MI": (15, 2), "SS": (18, 2), "FF3": (21, 3)}
"""Where the digits of a part begin in a date or an instant, and how many they are."""
DAY, INSTANT = len("2026-01-31"), len("2026-01-31T09:30:00.000Z")


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value.replace("Z", ""))


def date_written(value: str, pattern: str) -> str:
    """A date as an Oracle format, or one of `strftime`, writes it."""
    moment, out = _moment(value), ""
    if "%" in pattern:
        return moment.strftime(pattern)
    for part in ORACLE_PARTS.findall(pattern):
        known = STRPTIME.get(part.upper())
        if part.upper() == "Q":
            out += str((moment.month + 2) // 3)
        elif part.upper() == "FF3":
            out += f"{moment.microsecond // 1000:03d}"
        elif part.upper() == "D":
            out += str(moment.isoweekday() % 7 + 1)
        else:
            written = moment.strftime(known) if known else part
            out += written.upper() if known and part.isupper() and known in ("%B", "%b", "%A", "%a") else written
    return out


def date_read(value: str, pattern: str) -> str | None:
    """A date, with its time of day where that is not midnight, out of text in an Oracle format or one of `strptime`; None where it
    is none."""
    known = (
        pattern
        if "%" in pattern
        else "".join(STRPTIME.get(each.upper(), each) for each in ORACLE_PARTS.findall(pattern))
    )
    try:
        moment = datetime.strptime(value, known)  # noqa: DTZ007 (a date has no zone)
    except ValueError:
        return None
    midnight = moment.hour == moment.minute == moment.second == 0
    return moment.date().isoformat() if midnight else f"{moment.isoformat(timespec='milliseconds')}Z"


def _with_day(value: str, day: date) -> str:
    return day.isoformat() + value[10:]


def days_later(value: str, days: float) -> str:
    """A date or instant some days later."""
    return _with_day(value, date.fromordinal(date.fromisoformat(value[:10]).toordinal() + int(days)))


def months_later(value: str, months: float) -> str:
    """A date or instant some months later, on the month's last day where it has no such day."""
    day = date.fromisoformat(value[:10])
    year, month = divmod(day.year * 12 + day.month - 1 + int(months), 12)
    following = date(year + month // 11, (month + 1) % 12 + 1, 1)
    last = date.fromordinal(following.toordinal() - 1).day
    return _with_day(value, date(year, month + 1, min(day.day, last)))


def month_ended(value: str) -> str:
    """A date or instant on the last day of its month."""
    return days_later(months_later(f"{value[:8]}01{value[10:]}", 1), -1)


def days_between(later: str, earlier: str) -> int:
    """Days from one date to another."""
    return (date.fromisoformat(later[:10]) - date.fromisoformat(earlier[:10])).days


def day_truncated(value: str, unit: str) -> str:
    """The first day of a date's month, quarter or year."""
    day = date.fromisoformat(value[:10])
    unit = unit.upper()
    if unit in ("MM", "MONTH", "MON"):
        return day.replace(day=1).isoformat()
    if unit == "Q":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1).isoformat()
    if unit in ("YYYY", "YEAR", "YY"):
        return day.replace(month=1, day=1).isoformat()
    return day.isoformat()


def round_half_up(value: float, digits: float) -> float | int:
    """A number rounded half away from zero."""
    found = Decimal(repr(value)).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP)
    return int(found) if found == found.to_integral_value() else float(found)


def number_truncated(value: float, digits: float) -> float | int:
    """A number cut off."""
    scale = Decimal(1).scaleb(int(digits))
    found = (Decimal(repr(value)) * scale).to_integral_value("ROUND_DOWN") / scale
    return int(found) if found == found.to_integral_value() else float(found)


def number_text(value: float) -> str:
    """A number with no more digits than it needs."""
    return f"{Decimal(repr(value)).normalize():f}"


NUMBER_FORM = re.compile(r"(FM)?((?=[90,.]*[90])[90,]*(?:\.[90]*)?)", re.IGNORECASE)
"""How TO_CHAR may be asked to write a number."""


def number_written(value: float, pattern: str) -> str:
    """A number as an Oracle form of `9`, `0`, comma and point writes it: rounded, with a place for its sign unless the form begins with FM."""
    tight, form = pattern.upper().startswith("FM"), NUMBER_FORM.fullmatch(pattern)
    assert form is not None  # checked when the query was read
    whole, _, places = form[2].replace(",", "").partition(".")
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-len(places)), ROUND_HALF_UP)
    before, _, after = f"{abs(rounded):f}".partition(".")
    least = len(whole) - whole.index("0") if "0" in whole else 0
    before = before.lstrip("0").rjust(least, "0")
    if len(before) > len(whole):
        return "#" * (len(form[2]) + (0 if tight else 1))
    if "," in form[2] and before:
        before = f"{int(before):,}"
    if tight and places:
        kept = places.rindex("0") + 1 if "0" in places else 0
        after = after[:kept] + after[kept:].rstrip("0")
    found = ("-" if rounded < 0 else "" if tight else " ") + before + ("." + after if places else "")
    return found if tight else found.rjust(len(form[2]) + 1)


def _of_day(function: Callable[[date], int]) -> Callable[[str | None], int | None]:
    return lambda value: None if value is None else function(date.fromisoformat(value[:10]))


SQL: list[tuple[str, int, Callable[..., Any]]] = [
    ("fold", 1, lambda value: value.casefold() if isinstance(value, str) else value),
    ("upper_case", 1, lambda value: value if value is None else str(value).upper()),
    ("lower_case", 1, lambda value: value if value is None else str(value).lower()),
    ("like_exactly", 2, _null_safe(lambda value, like: int(_pattern(str(like)).fullmatch(str(value)) is not None))),
    ("date_written", 2, _null_safe(date_written)),
    ("date_read", 2, _null_safe(date_read)),
    ("days_later", 2, _null_safe(days_later)),
    ("months_later", 2, _null_safe(months_later)),
    ("month_ended", 1, _null_safe(month_ended)),
    ("days_between", 2, _null_safe(days_between)),
    ("day_truncated", 2, _null_safe(day_truncated)),
    ("round_half_up", 2, _null_safe(round_half_up)),
    ("number_truncated", 2, _null_safe(number_truncated)),
    ("number_written", 2, _null_safe(number_written)),
    ("number_text", 1, _null_safe(number_text)),
    ("quarter_of", 1, _of_day(lambda day: (day.month + 2) // 3)),
    ("weekday_of", 1, _of_day(lambda day: day.isoweekday() % 7 + 1)),
    ("yearday_of", 1, _of_day(lambda day: day.timetuple().tm_yday)),
    ("week_of", 1, _of_day(lambda day: (day.timetuple().tm_yday - 1) // 7 + 1)),
    ("week_of_month", 1, _of_day(lambda day: (day.day - 1) // 7 + 1)),
]
"""Functions that a connection is given: name, number of arguments, body."""


def offer(name: str, arity: int, function: Callable[..., Any]) -> None:
    """Give connections one more function, from their next use on."""
    if all(each[0] != name for each in SQL):
        SQL.append((name, arity, function))
