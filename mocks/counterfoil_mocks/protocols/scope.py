"""What stands in a query's reach: its sources, what a name means among them, and what is known of a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.protocols.query import Field, Literal
from counterfoil_mocks.protocols.relation import Column, View


class Unanswerable(LookupError):
    """A query that means nothing over this catalog. why: view, column, ambiguous, function or type; name: of what is at fault."""

    def __init__(self, why: str, name: str, detail: str = "") -> None:
        super().__init__(detail or f"{why} {name!r}")
        self.why = why
        self.name = name


@dataclass(frozen=True)
class Typed:
    """An expression with what is known of its value. raw: of a choice, the stored code; literal: the literal that it is."""

    sql: sa.ColumnElement[Any]
    kind: str
    places: int = 0
    column: Column | None = None
    raw: sa.ColumnElement[Any] | None = None
    literal: Literal | None = None


@dataclass(frozen=True)
class Shape:
    """A column of an answer: its name, and what its values are."""

    name: str
    kind: str
    places: int
    column: Column | None


class Rows:
    """A source within a query: a view's rows or those of another query."""

    def __init__(self, rows: sa.FromClause, view: View | None, shapes: Sequence[Shape] = ()) -> None:
        self.rows = rows
        self.view = view
        self._shapes = {each.name.lower(): (position, each) for position, each in enumerate(shapes)}

    def find(self, name: str) -> Typed | None:
        """A column by its name in any case."""
        if self.view is None:
            found = self._shapes.get(name.lower())
            if found is None:
                return None
            position, shape = found
            return Typed(self.rows.c[f"c{position}"], shape.kind, shape.places, shape.column)
        column = self.view.by_name.get(name.lower())
        return None if column is None else self.of(column)

    def of(self, column: Column) -> Typed:
        """A column of the view."""
        sql = column.sql(self.rows)
        if column.kind == "choice" and column.words:
            return Typed(sa.case(dict(column.words), value=sql, else_=sql), "choice", 0, column, sql)
        return Typed(sql, column.kind, column.places, column)

    @property
    def names(self) -> list[str]:
        """All column names."""
        if self.view is not None:
            return [each.name for each in self.view.columns]
        return [shape.name for _, shape in self._shapes.values()]


@dataclass
class Scope:
    """The sources that names in a query can mean; those of the query around it as well."""

    around: Scope | None = None
    sources: dict[str, Rows] = field(default_factory=dict)

    def find(self, each: Field) -> tuple[Rows, Typed]:
        """What a name means; raises Unanswerable."""
        scope: Scope | None = self
        while scope is not None:
            if each.source:
                rows = scope.sources.get(each.source.lower())
                found = [] if rows is None else [(rows, rows.find(each.name))]
            else:
                found = [(rows, rows.find(each.name)) for rows in scope.sources.values()]
            known = [(rows, typed) for rows, typed in found if typed is not None]
            if len(known) > 1:
                raise Unanswerable("ambiguous", each.name)
            if known:
                return known[0]
            scope = scope.around
        raise Unanswerable("column", f"{each.source}.{each.name}" if each.source else each.name)
