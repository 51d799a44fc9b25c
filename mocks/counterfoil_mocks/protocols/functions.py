"""Functions that query languages offer, as SQL. Numbers are scaled integers (`places` decimal digits) until a division makes them real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.protocols.scope import Typed, Unanswerable
from counterfoil_mocks.protocols.sql_functions import DAY, DIGITS, INSTANT, NUMBER_FORM, ORACLE_PARTS, WORDED

MOST_PLACES = 8


def aligned(left: Typed, right: Typed) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Two numbers on one scale."""
    places = max(left.places, right.places)
    return at_places(left, places), at_places(right, places)


def at_places(each: Typed, places: int) -> sa.ColumnElement[Any]:
    """A number on another scale."""
    if each.places == places:
        return each.sql
    if each.places < places:
        return each.sql * sa.literal(10 ** (places - each.places), sa.BigInteger)
    return real(each) * sa.literal(float(10**places), sa.Float)


def real(each: Typed) -> sa.ColumnElement[Any]:
    """A number in its natural size."""
    return each.sql / sa.literal(float(10**each.places), sa.Float) if each.places else each.sql


def unified(values: list[Typed], last: Typed | None) -> tuple[list[Typed], Typed | None]:
    """Alternatives on one scale."""
    every = [*values, *([last] if last else [])]
    numbers = [each.places for each in every if each.kind == "number"]
    if len(set(numbers)) > 1:
        most = max(numbers)
        every = [
            replace(each, sql=at_places(each, most), places=most, literal=None) if each.kind == "number" else each
            for each in every
        ]
    return (every[: len(values)], every[-1] if last else None)


def call(name: str, arguments: list[Typed]) -> Typed:
    """A function of some values; raises Unanswerable for one that is not known or not for such values."""
    found = FUNCTIONS.get(name.lower())
    if found is None:
        raise Unanswerable("function", name)
    fewest, most, make = found
    if not fewest <= len(arguments) <= most:
        raise Unanswerable("function", name, f"{name} takes {fewest} to {most} arguments.")
    return make(arguments)


def _typed(sql: sa.ColumnElement[Any], kind: str, places: int = 0) -> Typed:
    return Typed(sql, kind, places)


def _need_numbers(values: Sequence[Typed]) -> None:
    for each in values:
        if each.kind not in ("number", "null"):
            raise Unanswerable("type", each.kind, f"A number is expected, not a {each.kind}.")


def _need_date(each: Typed) -> None:
    if each.kind not in ("date", "instant", "null"):
        raise Unanswerable("type", each.kind, f"A date is expected, not a {each.kind}.")


def _sum(values: list[Typed], sign: int) -> Typed:
    left, right = values
    if left.kind in ("date", "instant") and right.kind == "number":
        return _typed(sa.func.days_later(left.sql, real(right) * sign), left.kind)
    if left.kind in ("date", "instant") and right.kind in ("date", "instant") and sign < 0:
        return _typed(sa.func.days_between(left.sql, right.sql), "number")
    _need_numbers(values)
    one, other = aligned(left, right)
    return _typed(one + other if sign > 0 else one - other, "number", max(left.places, right.places))


def _product(values: list[Typed]) -> Typed:
    _need_numbers(values)
    left, right = values
    if left.places + right.places <= MOST_PLACES:
        return _typed(left.sql * right.sql, "number", left.places + right.places)
    return _typed(real(left) * real(right), "number")


def _quotient(values: list[Typed]) -> Typed:
    _need_numbers(values)
    left, right = (sa.cast(real(each), sa.Float) for each in values)
    return _typed(left / sa.func.nullif(right, 0), "number")


def _concatenated(values: list[Typed]) -> Typed:
    return _typed(_joined([sa.func.coalesce(text(each), "") for each in values]), "text")


def _joined(parts: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    """Texts one behind the other."""
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.op("||")(part)
    return joined


def text(each: Typed) -> sa.ColumnElement[Any]:
    """A value as text."""
    if each.kind == "number":
        return sa.func.number_text(real(each)) if each.places else sa.cast(each.sql, sa.Text)
    return each.sql


def _coalesced(values: list[Typed]) -> Typed:
    every, _ = unified(values, None)
    known = next((each for each in every if each.kind != "null"), every[0])
    return _typed(sa.func.coalesce(*(each.sql for each in every)), known.kind, known.places)


def _rounded(values: list[Typed]) -> Typed:
    digits = sa.literal(0) if len(values) == 1 else real(values[1])
    if values[0].kind in ("date", "instant"):
        return _typed(sa.func.substr(values[0].sql, 1, 10), "date")
    _need_numbers(values[:1])
    return _typed(sa.func.round_half_up(real(values[0]), digits), "number")


def _truncated(values: list[Typed]) -> Typed:
    if values[0].kind in ("date", "instant"):
        if len(values) == 1:
            return _typed(sa.func.substr(values[0].sql, 1, 10), "date")
        return _typed(sa.func.day_truncated(values[0].sql, values[1].sql), "date")
    _need_numbers(values[:1])
    digits = sa.literal(0) if len(values) == 1 else real(values[1])
    return _typed(sa.func.number_truncated(real(values[0]), digits), "number")


def _substring(values: list[Typed]) -> Typed:
    return _typed(sa.func.substr(text(values[0]), *(real(each) for each in values[1:])), "text")


def _textual(name: str) -> Callable[[list[Typed]], Typed]:
    return lambda values: _typed(getattr(sa.func, name)(*(text(each) for each in values)), "text")


def _numeric(name: str) -> Callable[[list[Typed]], Typed]:
    return lambda values: _typed(getattr(sa.func, name)(*(text(each) for each in values)), "number")


def _absolute(values: list[Typed]) -> Typed:
    _need_numbers(values)
    return _typed(sa.func.abs(values[0].sql), "number", values[0].places)


def _negated(values: list[Typed]) -> Typed:
    _need_numbers(values)
    return _typed(-values[0].sql, "number", values[0].places)


def _extreme(name: str) -> Callable[[list[Typed]], Typed]:
    """The greatest or least of some values; nothing where one of them is not there."""

    def make(values: list[Typed]) -> Typed:
        every, _ = unified(values, None)
        known = next((each for each in every if each.kind != "null"), every[0])
        if len(every) == 1:
            return every[0]
        return _typed(getattr(sa.func, name)(*(each.sql for each in every)), known.kind, known.places)

    return make


def _whole(steps: int) -> Callable[[list[Typed]], Typed]:
    """The whole number below (-1) or above (1)."""

    def make(values: list[Typed]) -> Typed:
        _need_numbers(values)
        cut = sa.func.number_truncated(real(values[0]), sa.literal(0))
        beyond = cut < real(values[0]) if steps > 0 else cut > real(values[0])
        return _typed(sa.case((beyond, cut + steps), else_=cut), "number")

    return make


def _remainder(values: list[Typed]) -> Typed:
    _need_numbers(values)
    one, other = aligned(*values)
    places = max(each.places for each in values)
    return _typed(sa.case((other == 0, one), else_=one % other), "number", places)


def _chosen(values: list[Typed]) -> Typed:
    """Oracle's NVL2(value, where it is there, where it is not)."""
    thens, last = unified([values[1]], values[2])
    assert last is not None
    known = next((each for each in (*thens, last) if each.kind != "null"), thens[0])
    there = values[0].sql.is_not(sa.null())
    return _typed(sa.case((there, thens[0].sql), else_=last.sql), known.kind, known.places)


def _last_day(values: list[Typed]) -> Typed:
    _need_date(values[0])
    return _typed(sa.func.month_ended(values[0].sql), values[0].kind)


def _nullif(values: list[Typed]) -> Typed:
    one, other = aligned(*values) if values[0].kind == "number" else (values[0].sql, values[1].sql)
    same = sa.case((one == other, sa.null()), else_=values[0].sql)
    return _typed(same, values[0].kind, values[0].places)


def _to_char(values: list[Typed]) -> Typed:
    if len(values) == 1:
        return _typed(text(values[0]), "text")
    if values[0].kind == "number":
        said = values[1].literal
        if said is None or NUMBER_FORM.fullmatch(str(said.value)) is None:
            raise Unanswerable(
                "type", "TO_CHAR", "This form of a number is not supported; use 9, 0, comma, point and FM."
            )
        return _typed(sa.func.number_written(real(values[0]), sa.literal(str(said.value))), "text")
    _need_date(values[0])
    moment, pattern = values[0].sql, values[1]
    anyhow = sa.func.date_written(moment, pattern.sql)
    parts = [] if pattern.literal is None else ORACLE_PARTS.findall(str(pattern.literal.value))
    if not parts or any(part == "%" or (part.upper() in WORDED and part not in DIGITS) for part in parts):
        return _typed(anyhow, "text")
    # Those digits stand in the value already: no function is asked for the most frequent of all forms.
    forms = {
        length: _joined([_digits(moment, part, length) if part in DIGITS else sa.literal(part) for part in parts])
        for length in (DAY, INSTANT)
    }
    return _typed(sa.case(forms, value=sa.func.length(moment), else_=anyhow), "text")


def _digits(moment: sa.ColumnElement[Any], part: str, length: int) -> sa.ColumnElement[Any]:
    """Some digits of a date or instant of that length in text; those of a time that it does not have are zeros."""
    start, count = DIGITS[part]
    return sa.func.substr(moment, start, count) if start < length else sa.literal("0" * count)


def _to_date(values: list[Typed]) -> Typed:
    pattern = values[1].sql if len(values) > 1 else sa.literal("MM/DD/YYYY")
    return _typed(sa.func.date_read(text(values[0]), pattern), "date")


def _to_number(values: list[Typed]) -> Typed:
    return _typed(sa.cast(text(values[0]), sa.Float), "number") if values[0].kind != "number" else values[0]


def _part(start: int, length: int) -> Callable[[list[Typed]], Typed]:
    def make(values: list[Typed]) -> Typed:
        _need_date(values[0])
        return _typed(sa.cast(sa.func.substr(values[0].sql, start, length), sa.Integer), "number")

    return make


def _called(name: str) -> Callable[[list[Typed]], Typed]:
    return lambda values: _typed(getattr(sa.func, name)(values[0].sql), "number")


def _day(values: list[Typed]) -> Typed:
    return _typed(sa.func.substr(values[0].sql, 1, 10), "date")


def _months_later(values: list[Typed]) -> Typed:
    _need_date(values[0])
    _need_numbers(values[1:])
    return _typed(sa.func.months_later(values[0].sql, real(values[1])), values[0].kind)


def _decoded(values: list[Typed]) -> Typed:
    """Oracle's DECODE(value, if1, then1, …, [else])."""
    subject, rest = values[0], values[1:]
    pairs = [(rest[at], rest[at + 1]) for at in range(0, len(rest) - 1, 2)]
    last = rest[-1] if len(rest) % 2 else None
    thens, last = unified([then for _, then in pairs], last)
    whens = [(subject.sql == when.sql, then.sql) for (when, _), then in zip(pairs, thens, strict=True)]
    return _typed(sa.case(*whens, else_=None if last is None else last.sql), thens[0].kind, thens[0].places)


FUNCTIONS: dict[str, tuple[int, int, Callable[[list[Typed]], Typed]]] = {
    "rownum": (0, 0, lambda values: _typed(sa.func.row_number().over(), "number")),
    "+": (2, 2, lambda values: _sum(values, 1)),
    "-": (2, 2, lambda values: _sum(values, -1)),
    "*": (2, 2, _product),
    "/": (2, 2, _quotient),
    "negative": (1, 1, _negated),
    "||": (2, 99, _concatenated),
    "coalesce": (1, 99, _coalesced),
    "nvl": (2, 2, _coalesced),
    "nvl2": (3, 3, _chosen),
    "greatest": (1, 99, _extreme("max")),
    "least": (1, 99, _extreme("min")),
    "mod": (2, 2, _remainder),
    "floor": (1, 1, _whole(-1)),
    "ceil": (1, 1, _whole(1)),
    "last_day": (1, 1, _last_day),
    "nullif": (2, 2, _nullif),
    "decode": (3, 99, _decoded),
    "round": (1, 2, _rounded),
    "trunc": (1, 2, _truncated),
    "abs": (1, 1, _absolute),
    "upper": (1, 1, _textual("upper_case")),
    "lower": (1, 1, _textual("lower_case")),
    "trim": (1, 1, _textual("trim")),
    "replace": (3, 3, _textual("replace")),
    "substr": (2, 3, _substring),
    "length": (1, 1, _numeric("length")),
    "instr": (2, 2, _numeric("instr")),
    "to_char": (1, 2, _to_char),
    "to_date": (1, 2, _to_date),
    "to_number": (1, 1, _to_number),
    "add_months": (2, 2, _months_later),
    "calendar_year": (1, 1, _part(1, 4)),
    "calendar_month": (1, 1, _part(6, 2)),
    "day_in_month": (1, 1, _part(9, 2)),
    "calendar_quarter": (1, 1, _called("quarter_of")),
    "day_in_week": (1, 1, _called("weekday_of")),
    "day_in_year": (1, 1, _called("yearday_of")),
    "week_in_year": (1, 1, _called("week_of")),
    "week_in_month": (1, 1, _called("week_of_month")),
    "hour_in_day": (1, 1, _part(12, 2)),
    "day_only": (1, 1, _day),
}
"""By lower-case name: fewest and most arguments, and what makes the SQL."""
