"""Conversions between stored values and the ways in which vendors write them. Stored: see `kernel/fields.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Conversion:
    """One way of writing a value.

    kind: text, integer, number, boolean, date, instant, id, choice or json, for describes and for the literals of query languages.
    show: (stored value, its record) → vendor's value. read: (vendor's value, values around it) → stored value; raises ValueError with
    a sentence. sql: what a query compares and selects, from the column and its table, where that is not the stored value itself.
    """

    kind: str
    show: Callable[[Any, Record], Any]
    read: Callable[[Any, Record], Any]
    sql: Callable[[sa.ColumnElement[Any], sa.FromClause], sa.ColumnElement[Any]] | None = None


def same(value: Any, record: Record) -> Any:
    """As it is."""
    return value


def number(value: Decimal | str) -> Any:
    """A decimal as a JSON number with exactly its digits."""
    return orjson.Fragment(str(value))


def exact(value: Any) -> Decimal:
    """A JSON number or numeric text as a decimal; raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError(f"{value!r} is not a number")
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not found.is_finite():
        raise ValueError(f"{value!r} is not a number")
    return found


def _text(value: Any, record: Record) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def _integer(value: Any, record: Record) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not re.fullmatch(r"-?\d{1,16}", str(value)):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _boolean(value: Any, record: Record) -> bool:
    if value in (True, False, "true", "false"):
        return value in (True, "true")
    raise ValueError(f"{value!r} is neither true nor false")


def _day(value: Any, record: Record) -> str:
    if not isinstance(value, str) or not DAY.fullmatch(value[:10]):
        raise ValueError(f"{value!r} is not a date")
    clock.parse(value[:10])
    return value[:10]


def _instant(value: Any, record: Record) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not an instant")
    return clock.render(clock.parse(value))


@lru_cache(4096)
def epoch(instant: str) -> int:
    """Seconds since 1970 of an instant."""
    return int(clock.parse(instant).timestamp())


def of_epoch(seconds: int) -> str:
    """The instant of seconds since 1970."""
    return clock.later("1970-01-01T00:00:00.000Z", seconds=seconds)


PLAIN = Conversion("json", same, same)
TEXT = Conversion("text", same, _text)
ID = Conversion("id", same, _text)
INTEGER = Conversion("integer", same, _integer)
BOOLEAN = Conversion("boolean", same, _boolean)
DATE = Conversion("date", same, _day)
INSTANT = Conversion("instant", same, _instant)
EPOCH = Conversion(
    "instant", lambda value, record: epoch(value), lambda value, record: of_epoch(_integer(value, record))
)
LOWER = Conversion("text", lambda value, record: value.lower(), lambda value, record: _text(value, record).upper())
"""A code that we write in capitals and the vendor in small letters."""
MINOR = Conversion("integer", same, _integer)
"""An amount in minor units, as it is stored."""


@lru_cache(4096)
def in_major(minor: int, places: int) -> Any:
    """Minor units as a JSON number of major ones."""
    return number(Decimal(minor).scaleb(-places) if places else Decimal(minor))


def major(ccy: str = "ccy") -> Conversion:
    """An amount in major units as a JSON number; `ccy` names the field that holds its currency."""

    def show(value: int, record: Record) -> Any:
        return in_major(value, money.exponent(record[ccy]))

    def read(value: Any, around: Record) -> int:
        places = money.exponent(around.get(ccy) or "USD")
        scaled = exact(value) * 10**places
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value!r} has more than {places} decimal places")
        return int(scaled)

    def sql(column: sa.ColumnElement[Any], table: sa.FromClause) -> sa.ColumnElement[Any]:
        return sa.cast(column, sa.Float) / sa.func.power_of_ten(sa.func.exponent_of(table.c[ccy]))

    return Conversion("number", show, read, sql)


def decimal(scale: int) -> Conversion:
    """A scaled integer as a JSON number."""

    def show(value: int, record: Record) -> Any:
        return number((Decimal(value) / scale).normalize().__format__("f"))

    def read(value: Any, around: Record) -> int:
        return money.scaled(exact(value), scale)

    def sql(column: sa.ColumnElement[Any], table: sa.FromClause) -> sa.ColumnElement[Any]:
        return sa.cast(column, sa.Float) / scale

    return Conversion("number", show, read, sql)


PRICE = decimal(money.PRICE_SCALE)
QUANTITY = decimal(money.QTY_SCALE)
RATE = decimal(money.RATE_SCALE)


def choice(names: Mapping[str, str]) -> Conversion:
    """A closed list: stored value → the vendor's word. Where several stored values have one word, it is read as the first."""
    back = {word: stored for stored, word in reversed(tuple(names.items()))}

    def read(value: Any, around: Record) -> str:
        if not isinstance(value, str) or value not in back:
            raise ValueError(f"{value!r} is not one of {', '.join(back)}")
        return str(back[value])

    def sql(column: sa.ColumnElement[Any], table: sa.FromClause) -> sa.ColumnElement[Any]:
        return sa.case(names, value=column, else_=column)

    return Conversion("choice", lambda value, record: names.get(value, value), read, sql)
