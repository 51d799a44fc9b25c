"""The filter language of collections: `companyName START_WITH "Acme" AND lastModifiedDate AFTER "1/31/2026"`.

The database narrows what there is down by the conditions that are on columns; what it finds is then tested by all of them, as the vendor
shows the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite.errors import Refused

TOKEN = re.compile(r'\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\],])|(?P<word>[^\s()\[\],"]+))')
Read = Callable[[str], Any]
"""Field name → value: text, Decimal, bool, None; raises KeyError."""
Test = Callable[[Read], bool]
Column = Callable[[str], sa.ColumnElement[Any] | None]
"""Field name → the column that holds what it shows; None where no column does."""
DEEPEST = 50

TEXT = ("IS", "CONTAIN", "START_WITH", "END_WITH", "ENDWITH", "STARTWITH")
NUMBER = ("EQUAL", "ANY_OF", "BETWEEN", "GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL", "WITHIN")
DATE = ("ON", "AFTER", "BEFORE", "ON_OR_AFTER", "ON_OR_BEFORE", "WITHIN")
OFFERED = {
    "text": TEXT,
    "number": NUMBER,
    "date": DATE,
    "instant": DATE,
    "boolean": ("IS",),
    "id": ("ANY_OF", "IS", "EQUAL"),
    "own_id": (*NUMBER, "IS"),
    "enum": ("ANY_OF", "IS"),
}
"""Operators by the kind of field."""


class Token(NamedTuple):
    """A piece of the text. quoted: it was in quotes, and is a value whatever it says."""

    text: str
    quoted: bool = False


class Filter(NamedTuple):
    """A condition. test: whether a record meets it. narrowed: what the database can ask for so that it finds all that do; None where
    it can ask for nothing."""

    test: Test
    narrowed: sa.ColumnElement[bool] | None = None


def wrong(detail: str) -> Refused:
    """400: the filter cannot be read."""
    return Refused(400, "INVALID_PARAMETER", f"Invalid search query: {detail}.", parameter="q")


def parsed(text: str, kind_of: Callable[[str], str | None], column: Column) -> Filter:
    """What a filter says. kind_of: of a field, None for one that there is not. Raises Refused 400."""
    return _Parser(text, kind_of, column).whole()


class _Parser:
    def __init__(self, text: str, kind_of: Callable[[str], str | None], column: Column) -> None:
        self.kind_of = kind_of
        self.column = column
        self.tokens: list[Token] = []
        self.at = 0
        self.depth = 0
        at, text = 0, text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise wrong(f"it cannot be read from {text[at : at + 20]!r} on")
            quoted = found["quoted"]
            self.tokens.append(
                Token(re.sub(r"\\(.)", r"\1", quoted[1:-1]), True) if quoted else Token(found["mark"] or found["word"])
            )
            at = found.end()

    def whole(self) -> Filter:
        """All of it."""
        found = self._either()
        if self.at < len(self.tokens):
            raise wrong(f"unexpected {self.tokens[self.at].text!r}")
        return found

    def _take(self) -> Token:
        if self.at >= len(self.tokens):
            raise wrong("it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _sees(self, word: str) -> bool:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if not token.quoted and token.text.upper() == word:
                self.at += 1
                return True
        return False

    def _either(self) -> Filter:
        parts = [self._both()]
        while self._sees("OR"):
            parts.append(self._both())
        narrowed = [part.narrowed for part in parts if part.narrowed is not None]
        return Filter(
            lambda read: any(part.test(read) for part in parts),
            sa.or_(*narrowed) if len(narrowed) == len(parts) else None,
        )

    def _both(self) -> Filter:
        parts = [self._one()]
        while self._sees("AND"):
            parts.append(self._one())
        narrowed = [part.narrowed for part in parts if part.narrowed is not None]
        return Filter(lambda read: all(part.test(read) for part in parts), sa.and_(*narrowed) if narrowed else None)

    def _one(self) -> Filter:
        if self._sees("("):
            self.depth += 1
            if self.depth > DEEPEST:
                raise wrong("it is nested too deeply")
            inner = self._either()
            if not self._sees(")"):
                raise wrong("a parenthesis is not closed")
            self.depth -= 1
            return inner
        field = self._take().text
        kind = self.kind_of(field)
        if kind is None:
            raise wrong(f"the field {field!r} does not exist")
        return self._comparison(field, kind)

    def _comparison(self, field: str, kind: str) -> Filter:
        said = self._take().text.upper()
        negative = said.endswith("_NOT")
        operator = said.removesuffix("_NOT")
        if operator == "EMPTY":
            return Filter(lambda read: (read(field) in (None, "")) is not negative)
        if operator not in OFFERED[kind]:
            raise wrong(f"the operator {said} does not fit the field {field!r}")
        values = [_literal(kind, value) for value in self._values()]
        compare = _compare(kind, operator, values)

        def test(read: Read) -> bool:
            value = read(field)
            found = value is not None and compare(value)
            return found is not negative

        return Filter(test, None if negative else self._narrowed(field, kind, operator, values))

    def _narrowed(self, field: str, kind: str, operator: str, values: list[Any]) -> sa.ColumnElement[bool] | None:
        column = self.column(field)
        if column is None or len(values) != 1:
            return None
        (wanted,) = values
        found: sa.ColumnElement[bool] | None = None
        if kind in ("date", "instant"):
            found = COMPARISONS[operator](sa.func.substr(column, 1, len(wanted)), wanted)
        elif kind == "text" and operator == "IS" and wanted.isascii():
            found = sa.func.lower(column) == wanted
        return found

    def _values(self) -> list[str]:
        if not self._sees("["):
            return [self._take().text]
        found = [self._take().text]
        while self._sees(","):
            found.append(self._take().text)
        if not self._sees("]"):
            raise wrong("a list is not closed")
        return found


def _literal(kind: str, text: str) -> Any:
    if kind in ("number", "own_id"):
        try:
            return Decimal(text)
        except InvalidOperation:
            raise wrong(f"{text!r} is not a number") from None
    if kind == "boolean":
        if text.lower() not in ("true", "false", "t", "f"):
            raise wrong(f"{text!r} is neither true nor false")
        return text.lower() in ("true", "t")
    if kind in ("date", "instant"):
        return _moment(text)
    return text.casefold()


def _moment(text: str) -> str:
    for pattern in ("%m/%d/%Y", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p"):
        try:
            found = datetime.strptime(text, pattern)  # noqa: DTZ007 (of the account, which has one zone)
        except ValueError:
            continue
        return found.strftime("%Y-%m-%d" if pattern == "%m/%d/%Y" else "%Y-%m-%dT%H:%M:%S")
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise wrong(f"{text!r} is not a date") from None
    return text[:19].replace(" ", "T")


def _compare(kind: str, operator: str, values: list[Any]) -> Callable[[Any], bool]:
    if operator in ("BETWEEN", "WITHIN"):
        if len(values) != 2:
            raise wrong(f"{operator} takes two values")
        low, high = values
        return lambda value: low <= _like(value, low) and _like(value, high) <= high
    if operator == "ANY_OF":
        return lambda value: _folded(kind, value) in values
    if len(values) != 1:
        raise wrong(f"{operator} takes one value")
    (wanted,) = values
    found = COMPARISONS[operator]
    if kind in ("date", "instant"):
        return lambda value: found(_like(value, wanted), wanted)
    return lambda value: found(_folded(kind, value), wanted)


def _folded(kind: str, value: Any) -> Any:
    return str(value).casefold() if kind in ("text", "id", "enum") else value


def _like(value: Any, wanted: Any) -> Any:
    """A moment no finer than the one it is compared with."""
    return value[: len(wanted)] if isinstance(value, str) else value


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "IS": lambda value, wanted: value == wanted,
    "EQUAL": lambda value, wanted: value == wanted,
    "ON": lambda value, wanted: value == wanted,
    "CONTAIN": lambda value, wanted: wanted in value,
    "START_WITH": lambda value, wanted: bool(value.startswith(wanted)),
    "STARTWITH": lambda value, wanted: bool(value.startswith(wanted)),
    "END_WITH": lambda value, wanted: bool(value.endswith(wanted)),
    "ENDWITH": lambda value, wanted: bool(value.endswith(wanted)),
    "GREATER": lambda value, wanted: value > wanted,
    "AFTER": lambda value, wanted: value > wanted,
    "GREATER_OR_EQUAL": lambda value, wanted: value >= wanted,
    "ON_OR_AFTER": lambda value, wanted: value >= wanted,
    "LESS": lambda value, wanted: value < wanted,
    "BEFORE": lambda value, wanted: value < wanted,
    "LESS_OR_EQUAL": lambda value, wanted: value <= wanted,
    "ON_OR_BEFORE": lambda value, wanted: value <= wanted,
}
