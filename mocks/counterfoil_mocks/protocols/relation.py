"""What query languages see: views (a vendor's objects) with columns, each an expression over canonical tables.

A value in SQL is always exact: numbers are integers scaled by a power of ten, dates and instants are text that sorts, booleans are 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from counterfoil_mocks.kernel import money

Expression = Callable[[sa.FromClause], sa.ColumnElement[Any]]
Conditions = Callable[[sa.FromClause, bool], Iterable[sa.ColumnElement[Any]]]
"""(rows, whether deleted ones count) → what makes a row one of the view's."""

MONEY_PLACES = 4
"""Decimal places in which amounts of all currencies are compared and added."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a view.

    kind: text, choice, boolean, number, date, instant, id or json. sql: its value. places: a number's decimal digits (the value in SQL
    is scaled by 10 to that power). words: of a choice, stored code → the vendor's word.
    type: what the vendor calls its type. refers: views that an id in it is of; relation: the name of that way (`Account` of `AccountId`).
    display: what people see instead of an id. member: of the record's custom fields, where the value is just that. about: whatever else the vendor's describe calls say.
    """

    name: str
    kind: str
    sql: Expression
    places: int = 0
    words: Mapping[str, str] = field(default_factory=dict)
    type: str = ""
    refers: tuple[str, ...] = ()
    relation: str = ""
    display: Expression | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    member: str = ""


@dataclass(frozen=True)
class Children:
    """The way from a record to those that refer to it. view: theirs; by: their column."""

    name: str
    view: str
    by: str


@dataclass(frozen=True, eq=False)
class View:
    """One of a vendor's objects as a table. rows: what it selects from, freshly aliased. where: which of those rows are its own.
    key: the column that identifies a row."""

    name: str
    rows: Callable[[], sa.FromClause]
    where: Conditions
    columns: tuple[Column, ...]
    children: tuple[Children, ...] = ()
    key: str = "Id"

    @cached_property
    def pattern(self) -> Pattern:
        """What it is made of."""
        return Pattern(self)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by lower-case name."""
        return {each.name.lower(): each for each in self.columns}

    @cached_property
    def by_relation(self) -> dict[str, Column]:
        """Columns that lead to another view, by the lower-case name of the way."""
        return {each.relation.lower(): each for each in self.columns if each.relation}

    @cached_property
    def by_child(self) -> dict[str, Children]:
        """Ways to children by lower-case name."""
        return {each.name.lower(): each for each in self.children}


class Pattern:
    """What a composed view is made of. parts: its selects, none where it is one table's rows."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.rows = view.rows()
        source = getattr(self.rows, "element", None)
        self.parts: Sequence[sa.Select[Any]] = source.selects if isinstance(source, sa.CompoundSelect) else ()  # type: ignore[assignment]
        self._read: dict[str, frozenset[str]] = {}

    def read(self, name: str) -> frozenset[str]:
        """The columns of the rows that a column of the view is made of, and what is displayed for it."""
        if name not in self._read:
            column = self.view.by_name[name]
            display = [] if column.display is None else [column.display(self.rows)]
            self._read[name] = frozenset(self._columns(column.sql(self.rows), *display))
        return self._read[name]

    def marks(self, deleted: bool) -> frozenset[str]:
        """The columns by which a row is known to be the view's."""
        return frozenset(self._columns(*self.view.where(self.rows, deleted)))

    def key(self, name: str) -> str:
        """The column of the rows that a column of the view is as it is; empty where it is worked out of some."""
        value = self.view.by_name[name].sql(self.rows)
        return str(value.key) if isinstance(value, sa.ColumnClause) else ""

    def keeps(self, name: str) -> bool:
        """Whether the business keeps a column as it is. A type or a mark, which many rows share, is worked out."""
        key = self.key(name)
        made = [part.selected_columns[key] for part in self.parts if key]
        return bool(key) and (
            not made or any(isinstance(getattr(each, "element", each), sa.ColumnClause) for each in made)
        )

    def _columns(self, *expressions: sa.ColumnElement[Any]) -> Iterator[str]:
        for each in (part for expression in expressions for part in visitors.iterate(expression)):
            if isinstance(each, sa.ColumnClause) and each.table is self.rows:
                yield str(each.key)


class Catalog(Protocol):
    """All views of a vendor."""

    def find(self, name: str) -> View | None:
        """A view by its name in any case."""


class Views:
    """A catalog of views that are there from the start."""

    def __init__(self, views: Iterable[View]) -> None:
        self._views = {each.name.lower(): each for each in views}

    def find(self, name: str) -> View | None:
        """A view by its name in any case."""
        return self._views.get(name.lower())

    def __iter__(self) -> Iterator[View]:
        return iter(self._views.values())


def stored(name: str) -> Expression:
    """A column of the canonical table as it is."""
    return lambda rows: rows.c[name]


def constant(value: str | int | None) -> Expression:
    """The same value in every row."""
    return lambda rows: sa.null() if value is None else sa.literal(value)


def amount(name: str, ccy: str = "ccy") -> Expression:
    """Minor units of any currency as an integer with `MONEY_PLACES` decimal places."""
    factors = {code: 10 ** (MONEY_PLACES - places) for code, places in money.EXPONENTS.items()}
    usual = 10 ** (MONEY_PLACES - 2)
    unusual = {code: factor for code, factor in factors.items() if factor != usual}
    return lambda rows: rows.c[name] * sa.case(unusual, value=rows.c[ccy], else_=sa.literal(usual))


def custom(name: str, *, places: int | None = None, within: Sequence[str] = ()) -> Expression:
    """A member of the record's custom fields. places: it is a number, to be scaled so; within: the members around it."""
    path = "$" + "".join(f'."{step}"' for step in (*within, name))
    if places is None:
        return lambda rows: sa.func.json_extract(rows.c.custom, path)
    factor = 10**places
    return lambda rows: sa.cast(sa.func.round(sa.func.json_extract(rows.c.custom, path) * factor), sa.BigInteger)


def unscaled(value: int | float, places: int) -> Decimal:
    """A scaled integer, or an average of such, as a decimal."""
    exact = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    return exact.scaleb(-places)


def made_up(rows: Iterable[Mapping[str, Any]]) -> Callable[[], sa.FromClause]:
    """Rows that are in no table."""
    selects = [
        sa.select(
            *(
                sa.literal(value).label(name) if value is not None else sa.null().label(name)
                for name, value in row.items()
            )
        )
        for row in rows
    ]
    union = sa.union_all(*selects) if len(selects) > 1 else selects[0]
    return lambda: _real(union.subquery())


def _real(rows: Any) -> sa.FromClause:
    found: sa.FromClause = sa.select(*rows.c).where(rows.c.id.is_not(None)).subquery()
    return found
