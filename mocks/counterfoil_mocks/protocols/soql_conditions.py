"""Conditions of SOQL as expression trees: literals by the type of the field they are compared with, date ranges on the business clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.protocols import periods
from counterfoil_mocks.protocols.query import (
    Among,
    Both,
    Call,
    Compare,
    Either,
    IsNull,
    Like,
    Literal,
    Unless,
    Value,
)
from counterfoil_mocks.protocols.relation import Column
from counterfoil_mocks.protocols.soql_grammar import (
    Function,
    Path,
    SoqlError,
    Statement,
    Test,
    Written,
    like_pattern,
    pointed,
    unescaped,
)

if TYPE_CHECKING:
    from counterfoil_mocks.protocols.query import Query

ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
NULL = Literal(None, "null")
NESTED = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions."
)
MOST_SEMI_JOINS = 2


@dataclass(frozen=True)
class Today:
    """The business date and the zone that days are counted in."""

    day: date
    zone: ZoneInfo

    def instant(self, day: date) -> str:
        """The instant at which a day begins."""
        return clock.render(datetime.combine(day, time(), self.zone))


def long_id(value: str) -> str:
    """The 18 characters of an id that may be given with 15."""
    if len(value) != 15:
        return value
    tail = ""
    for at in range(0, 15, 5):
        tail += CHECKSUM[sum(1 << bit for bit, each in enumerate(value[at : at + 5]) if "A" <= each <= "Z")]
    return value + tail


class Conditions:
    """Makes trees of tests. meant: what an expression means, and the column that its type comes from; planned: an inner query and what is looked up
    in its rows; search: fields that no query filters by may be looked into, as searches do."""

    def __init__(
        self,
        text: str,
        today: Today,
        meant: Callable[[Path | Function], tuple[Value, Column]],
        planned: Callable[[Statement, Path | Function], Query],
        search: bool = False,
    ) -> None:
        self.text = text
        self.today = today
        self.meant = meant
        self.planned = planned
        self.search = search

    def tree(self, test: Test) -> Value:
        """A condition; raises SoqlError."""
        match test.kind:
            case "both":
                return Both(tuple(self.tree(each) for each in test.parts))
            case "either":
                return Either(tuple(self.tree(each) for each in test.parts))
            case "negation":
                return Unless(self.tree(test.parts[0]))
            case "comparison":
                return self._comparison(*test.parts)
            case "like":
                return self._like(*test.parts)
            case "among":
                found = self._among(*test.parts)
            case "semi_join":
                found = self._semi_join(*test.parts)
            case _:
                found = self._includes(*test.parts)
        return Unless(found) if test.negated else found

    def refuse(self, code: str, written: Written, sentence: str) -> SoqlError:
        """A refusal that points at a literal."""
        return SoqlError(code, pointed(self.text, written.place, sentence))

    def _comparison(self, expression: Path | Function, sign: str, written: Written) -> Value:
        value, column = self._filterable(expression, written)
        if written.kind == "word" and written.text.upper() == "NULL":
            if sign not in ("=", "!="):
                raise self.refuse("INVALID_FIELD", written, f"invalid operator on {column.type or column.kind} field")
            nothing: Value = IsNull(value)
            if column.kind == "boolean":
                nothing = Either((nothing, Compare("=", value, Literal(False, "boolean"))))
            return nothing if sign == "=" else Unless(nothing)
        span = self._span(column, written)
        if span is not None:
            return _within(value, column, sign, span, self.today)
        literal = self._literal(column, written)
        if column.kind == "boolean" and sign not in ("=", "!="):
            raise self.refuse("INVALID_FIELD", written, "invalid operator on boolean field")
        if sign == "!=":
            return Unless(_equal(value, literal))
        return _equal(value, literal) if sign == "=" else Compare(sign, value, literal)

    def _like(self, expression: Path | Function, written: Written) -> Value:
        value, column = self._filterable(expression, written)
        if column.kind not in ("text", "choice") or written.kind != "string":
            raise self.refuse("INVALID_FIELD", written, f"invalid operator on {column.type or column.kind} field")
        return Like(value, Literal(like_pattern(written.text), "text"))

    def _among(self, expression: Path | Function, literals: tuple[Written, ...]) -> Value:
        value, column = self._filterable(expression, literals[0])
        parts: list[Value] = []
        plain: list[Value] = []
        for written in literals:
            span = self._span(column, written)
            if span is not None:
                parts.append(_within(value, column, "=", span, self.today))
                continue
            literal = self._literal(column, written)
            parts += [IsNull(value)] if literal.value is None else []
            plain += [] if literal.value is None else [literal]
        if plain:
            parts.append(Among(value, tuple(plain)))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _semi_join(self, expression: Path | Function, statement: Statement) -> Value:
        value, _ = self.meant(expression)
        return Among(value, self.planned(statement, expression))

    def _includes(self, expression: Path | Function, literals: tuple[Written, ...]) -> Value:
        value, column = self._filterable(expression, literals[0])
        if column.type != "multipicklist":
            raise self.refuse("INVALID_FIELD", literals[0], "includes and excludes are for multipicklist fields")
        whole = Call("||", (Literal(";", "text"), value, Literal(";", "text")))
        alternatives = []
        for written in literals:
            members = self._string(column, written).split(";")
            each = [Like(whole, Literal(f"%;{_literally(member)};%", "text")) for member in members]
            alternatives.append(Both(tuple(each)))
        return Either(tuple(alternatives))

    def _filterable(self, expression: Path | Function, written: Written) -> tuple[Value, Column]:
        value, column = self.meant(expression)
        if not (filterable(column) or self.search):
            raise self.refuse("INVALID_FIELD", written, f"field '{column.name}' can not be filtered in a query call")
        return value, column

    # literals

    def _span(self, column: Column, written: Written) -> periods.Span | None:
        if column.kind not in ("date", "instant") or written.kind not in ("word", "counted"):
            return None
        name, _, count = written.text.partition(":")
        try:
            return periods.span(name, int(count) if count else None, self.today.day)
        except (ValueError, OverflowError):
            raise self.refuse("MALFORMED_QUERY", written, f"invalid date literal: {written.text}") from None

    def _literal(self, column: Column, written: Written) -> Literal:
        word = written.text.upper()
        if written.kind == "word" and word == "NULL":
            return NULL
        match column.kind:
            case "number":
                return self._number(column, written)
            case "boolean":
                if written.kind != "word" or word not in ("TRUE", "FALSE"):
                    raise self._mistyped(column, written)
                return Literal(word == "TRUE", "boolean")
            case "date" | "instant":
                return self._moment(column, written)
            case "id":
                return self._id(column, written)
            case _:
                return Literal(self._string(column, written), "text")

    def _mistyped(self, column: Column, written: Written) -> SoqlError:
        quoted = written.kind == "string"
        kind = "dateTime" if column.kind == "instant" else column.type or column.kind
        should = "should not be enclosed in quotes" if quoted else "should be enclosed in quotes"
        tail = f" and {should}" if quoted != (column.kind in ("text", "choice", "id")) else ""
        sentence = f"value of filter criterion for field '{column.name}' must be of type {kind}{tail}"
        return self.refuse("INVALID_FIELD", written, sentence)

    def _string(self, column: Column, written: Written) -> str:
        if written.kind != "string":
            raise self._mistyped(column, written)
        return unescaped(written.text)

    def _number(self, column: Column, written: Written) -> Literal:
        if written.kind not in ("number", "priced"):
            raise self._mistyped(column, written)
        return Literal(Decimal(written.text[3:] if written.kind == "priced" else written.text), "number")

    def _moment(self, column: Column, written: Written) -> Literal:
        wanted = "datetime" if column.kind == "instant" else "date"
        if written.kind != wanted:
            raise self._mistyped(column, written)
        try:
            moment = clock.parse(written.text.replace("z", "Z").replace("t", "T"))
        except (ValueError, OverflowError):
            raise self.refuse("MALFORMED_QUERY", written, f"invalid date: {written.text}") from None
        return Literal(clock.render(moment) if wanted == "datetime" else written.text, column.kind)

    def _id(self, column: Column, written: Written) -> Literal:
        value = self._string(column, written)
        if value and not ID.fullmatch(value):
            raise self.refuse("INVALID_QUERY_FILTER_OPERATOR", written, f"invalid ID field: {value}")
        return Literal(long_id(value), "id")


def filterable(column: Column) -> bool:
    """Whether queries may filter, sort and group by a column."""
    return column.kind != "json" and column.about.get("filterable") is not False


def check_semi_joins(where: Test) -> None:
    """Raises ValueError, with Salesforce's words, where semi-joins stand, or are as many, as it does not allow."""
    found = list(_semi_joins(where))
    if len(found) > MOST_SEMI_JOINS:
        raise ValueError(f"Maximum {MOST_SEMI_JOINS} semi join sub-selects are allowed")
    for each in found:
        inner = each.parts[1].where
        if inner is not None and list(_semi_joins(inner)):
            raise ValueError("Nesting of semi join sub-selects is not supported")


def _semi_joins(test: Test, *, top: bool = True) -> Iterator[Test]:
    if test.kind == "semi_join":
        yield test
    if test.kind not in ("both", "either", "negation"):
        return
    for each in test.parts:
        found = list(_semi_joins(each, top=False))
        if found and test.kind == "negation":
            raise ValueError("Semi join sub-selects are not allowed with the 'NOT' operator")
        if found and test.kind == "either":
            raise ValueError("Semi join sub-selects are not allowed with the 'OR' operator" if top else NESTED)
        yield from found


def _equal(value: Value, literal: Literal) -> Value:
    """An empty string is the same as nothing: it is stored as null."""
    return IsNull(value) if literal.value == "" else Compare("=", value, literal)


def _literally(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _within(value: Value, column: Column, sign: str, span: periods.Span, today: Today) -> Value:
    """A comparison with a range of days."""

    def edge(day: date) -> Literal:
        return Literal(day.isoformat() if column.kind == "date" else today.instant(day), column.kind)

    start, end = edge(span.start), edge(span.end)
    inside = Both((Compare(">=", value, start), Compare("<", value, end)))
    match sign:
        case "=":
            return inside
        case "!=":
            return Unless(inside)
        case "<":
            return Compare("<", value, start)
        case "<=":
            return Compare("<", value, end)
        case ">":
            return Compare(">=", value, end)
        case _:
            return Compare(">=", value, start)


def business_day(now: str, zone: str) -> Today:
    """Today as a user in a zone has it."""
    return Today(date.fromisoformat(clock.business_date(now, zone)), ZoneInfo(zone))
