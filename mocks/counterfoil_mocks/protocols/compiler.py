"""Compiles the expression tree over a catalog of views to SQL (SQLAlchemy Core)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.protocols import composed, functions
from counterfoil_mocks.protocols.query import (
    Aggregate,
    Among,
    Both,
    Call,
    Case,
    Compare,
    Either,
    Exists,
    Field,
    IsNull,
    Like,
    Literal,
    Not,
    Query,
    Scalar,
    Select,
    Source,
    Union,
    Unless,
    Value,
)
from counterfoil_mocks.protocols.relation import Catalog
from counterfoil_mocks.protocols.scope import Rows, Scope, Shape, Typed, Unanswerable

OPERATORS: Mapping[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
TEXTS = ("text", "choice")


class Compiler:
    """Makes SQL of expression trees. ignore_case: whether texts that differ only in case are equal; read_date: how a text that is
    compared with a date is read, where that is allowed."""

    def __init__(
        self, catalog: Catalog, *, ignore_case: bool, read_date: Callable[[str], str | None] | None = None
    ) -> None:
        self.catalog = catalog
        self.ignore_case = ignore_case
        self.read_date = read_date

    # queries

    def query(
        self, query: Query, around: Scope | None = None
    ) -> tuple[sa.Select[Any] | sa.CompoundSelect[Any], list[Shape]]:
        """The statement of a query and the columns of its answer, which it names `c0`, `c1`…; raises Unanswerable."""
        return self._select(query, around) if isinstance(query, Select) else self._union(query, around)

    def _select(self, query: Select, around: Scope | None) -> tuple[sa.Select[Any], list[Shape]]:
        scope = Scope(around)
        rows, wheres = self._sources(query, scope)
        items = [self.value(each.value, scope) for each in query.items]
        statement = sa.select(*(each.sql.label(f"c{at}") for at, each in enumerate(items)))
        if rows is not None:
            statement = statement.select_from(rows)
        if query.where is not None:
            wheres.append(self.condition(query.where, scope))
        statement = statement.where(*wheres)
        if query.group:
            statement = statement.group_by(*(self._grouped(self.value(each, scope)) for each in query.group))
        if query.having is not None:
            statement = statement.having(self.condition(query.having, scope))
        if query.distinct:
            statement = statement.distinct()
        for each in query.order:
            statement = statement.order_by(
                self._ordered(self.value(each.value, scope), each.descending, each.nulls_first)
            )
        if query.limit is not None:
            statement = statement.limit(query.limit)
        if query.offset:
            statement = statement.limit(-1 if query.limit is None else query.limit).offset(query.offset)
        return statement, [_shape(item.name, each) for item, each in zip(query.items, items, strict=True)]

    def _sources(self, query: Select, scope: Scope) -> tuple[sa.FromClause | None, list[sa.ColumnElement[bool]]]:
        joined: sa.FromClause | None = None
        wheres: list[sa.ColumnElement[bool]] = []
        wanted, named = composed.wanted(self, query), composed.names(query)
        for source in query.sources:
            alias = source.alias.lower()
            rows, conditions = self._source(source, query.deleted, named, wanted.get(alias, ()))
            scope.sources[alias] = rows
            if joined is None:
                joined = rows.rows
                wheres += conditions
                continue
            if source.on is not None:
                conditions.append(self.condition(source.on, scope))
            on = sa.and_(*conditions) if conditions else sa.true()
            joined = joined.join(rows.rows, on, isouter=source.kind == "left")
        return joined, wheres

    def _source(
        self, source: Source, deleted: bool, named: frozenset[str], wanted: Sequence[composed.Wanted]
    ) -> tuple[Rows, list[Any]]:
        if not isinstance(source.view, str):
            statement, shapes = self.query(source.view)
            return Rows(statement.subquery(), None, shapes), []
        view = self.catalog.find(source.view)
        if view is None:
            raise Unanswerable("view", source.view)
        rows = composed.reduced(view, named, deleted, wanted)
        return Rows(rows, view), list(view.where(rows, deleted))

    def _union(self, query: Union, around: Scope | None) -> tuple[sa.CompoundSelect[Any] | sa.Select[Any], list[Shape]]:
        parts = [self.query(each, around) for each in query.parts]
        shapes = parts[0][1]
        for _, others in parts[1:]:
            if len(others) != len(shapes):
                raise Unanswerable("type", "UNION", "The parts of a UNION have different numbers of columns.")
        aligned = [_aligned(statement, own, shapes) for statement, own in parts]
        together = (sa.union if query.distinct else sa.union_all)(*aligned)
        inner = together.subquery()
        rows = Rows(inner, None, shapes)
        statement = sa.select(*inner.c)
        scope = Scope(around, {"": rows})
        for each in query.order:
            statement = statement.order_by(
                self._ordered(self.value(each.value, scope), each.descending, each.nulls_first)
            )
        if query.limit is not None or query.offset:
            statement = statement.limit(-1 if query.limit is None else query.limit).offset(query.offset)
        return statement, shapes

    def _grouped(self, each: Typed) -> sa.ColumnElement[Any]:
        return sa.collate(each.sql, "NOCASE") if self.ignore_case and each.kind in TEXTS else each.sql

    def _ordered(self, each: Typed, descending: bool, nulls_first: bool) -> sa.ColumnElement[Any]:
        sql: sa.ColumnElement[Any] = self._grouped(each)
        sql = sql.desc() if descending else sql.asc()
        return sql.nulls_first() if nulls_first else sql.nulls_last()

    # values

    def condition(self, value: Value, scope: Scope) -> sa.ColumnElement[bool]:
        """A condition; raises Unanswerable."""
        match value:
            case Both(parts):
                return sa.and_(sa.true(), *(self.condition(each, scope) for each in parts))
            case Either(parts):
                return sa.or_(sa.false(), *(self.condition(each, scope) for each in parts))
            case Not(inner):
                return sa.not_(self.condition(inner, scope))
            case Unless(inner):
                return self.condition(inner, scope).self_group().is_not(sa.true())
            case IsNull(inner):
                return self.value(inner, scope).sql.is_(None)
            case Exists(query):
                return self.query(query, scope)[0].exists()
            case Compare(sign, left, right):
                return self._compare(sign, self.value(left, scope), self.value(right, scope))
            case Like(inner, pattern):
                return self._like(self.value(inner, scope), self.value(pattern, scope))
            case Among(inner, choices):
                return self._among(self.value(inner, scope), choices, scope)
            case _:
                typed = self.value(value, scope)
                if typed.kind != "boolean":
                    raise Unanswerable("type", typed.kind, "A condition is expected.")
                return typed.sql == sa.literal(1)

    def value(self, value: Value, scope: Scope) -> Typed:
        """An expression with its type; raises Unanswerable."""
        match value:
            case Field():
                rows, typed = scope.find(value)
                if not value.label or typed.column is None or typed.column.display is None:
                    return typed
                return Typed(typed.column.display(rows.rows), "text", 0, typed.column)
            case Literal():
                return literal(value)
            case Call(name, arguments):
                return functions.call(name, [self.value(each, scope) for each in arguments])
            case Aggregate():
                return self._aggregate(value, scope)
            case Case(branches, otherwise):
                return self._case(branches, otherwise, scope)
            case Scalar(query):
                statement, shapes = self.query(query, scope)
                if len(shapes) != 1:
                    raise Unanswerable("type", "SELECT", "A subquery here has one column.")
                return Typed(statement.scalar_subquery(), shapes[0].kind, shapes[0].places, shapes[0].column)
            case _:
                return Typed(sa.case((self.condition(value, scope), 1), else_=0), "boolean")

    def _aggregate(self, value: Aggregate, scope: Scope) -> Typed:
        if value.argument is None:
            return Typed(sa.func.count(), "number")
        each = self.value(value.argument, scope)
        sql = self._grouped(each) if value.distinct else each.sql
        counted = sa.distinct(sql) if value.distinct else sql
        if value.name == "count":
            return Typed(sa.func.count(counted), "number")
        if value.name in ("sum", "avg") and each.kind != "number":
            raise Unanswerable("type", value.name, f"{value.name} needs a number.")
        return Typed(getattr(sa.func, value.name)(counted), each.kind, each.places, each.column)

    def _case(self, branches: Sequence[tuple[Value, Value]], otherwise: Value | None, scope: Scope) -> Typed:
        values = [self.value(each, scope) for _, each in branches]
        last = None if otherwise is None else self.value(otherwise, scope)
        values, last = functions.unified(values, last)
        whens = [(self.condition(when, scope), each.sql) for (when, _), each in zip(branches, values, strict=True)]
        known = next((each for each in (*values, *([last] if last else [])) if each.kind != "null"), values[0])
        return Typed(sa.case(*whens, else_=None if last is None else last.sql), known.kind, known.places)

    # comparing

    def _compare(self, sign: str, left: Typed, right: Typed) -> sa.ColumnElement[bool]:
        compare = OPERATORS[sign]
        if left.literal is not None and right.literal is None:
            return self._compare(FLIPPED[sign], right, left)
        if "null" in (left.kind, right.kind):
            return sa.cast(sa.null(), sa.Boolean)  # a condition upon what is not there is unknown
        right = self._fitting(left, right)
        if left.raw is not None and right.literal is not None and sign in ("=", "!="):
            codes = self._codes(left, right.literal)
            return left.raw.in_(codes) if sign == "=" else left.raw.not_in(codes)
        if left.kind == right.kind == "number":
            one, other = functions.aligned(left, right)
            return compare(one, other)
        if self.ignore_case and left.kind in TEXTS and right.kind in TEXTS:
            return compare(*self._folded(left, right))
        return compare(left.sql, right.sql)

    def _fitting(self, left: Typed, right: Typed) -> Typed:
        """A literal as what it is compared with: a number as the text of an id, a text as a number or a date."""
        given = right.literal
        if given is None or left.kind == right.kind:
            return right
        if left.kind in ("id", "text", "choice") and right.kind == "number":
            return literal(Literal(f"{Decimal(str(given.value)).normalize():f}", "text"))
        if left.kind == "number" and right.kind == "text":
            try:
                return literal(Literal(Decimal(str(given.value)), "number"))
            except InvalidOperation:
                raise Unanswerable("type", str(given.value), f"Invalid number: {given.value}") from None
        if left.kind in ("date", "instant") and right.kind == "text" and self.read_date is not None:
            day = self.read_date(str(given.value))
            if day is None:
                raise Unanswerable("type", str(given.value), f"Invalid date: {given.value}")
            return literal(Literal(day, left.kind))
        return right

    def _folded(self, left: Typed, right: Typed) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """Both sides so that case does not matter. SQLite's own collation knows ASCII and can use an index."""
        if right.literal is not None and str(right.literal.value).isascii():
            return sa.collate(left.sql, "NOCASE"), right.sql
        return sa.func.fold(left.sql), sa.func.fold(right.sql)

    def _codes(self, typed: Typed, wanted: Literal) -> list[Any]:
        """The stored codes of a choice whose word is the literal."""
        assert typed.column is not None
        text = str(wanted.value)
        if not self.ignore_case:
            return [code for code, word in typed.column.words.items() if word == text] or [text]
        return [code for code, word in typed.column.words.items() if word.casefold() == text.casefold()] or [text]

    def _among(self, typed: Typed, choices: tuple[Value, ...] | Query, scope: Scope) -> sa.ColumnElement[bool]:
        if not isinstance(choices, tuple):
            statement, shapes = self.query(choices, scope)
            if len(shapes) != 1:
                raise Unanswerable("type", "SELECT", "A subquery here has one column.")
            if typed.kind == shapes[0].kind == "number" and typed.places != shapes[0].places:
                inner = statement.subquery()
                other = Typed(inner.c[0], "number", shapes[0].places)
                one, aligned_other = functions.aligned(typed, other)
                return one.in_(sa.select(aligned_other))
            return typed.sql.in_(statement)
        values = [self._fitting(typed, self.value(each, scope)) for each in choices]
        known = [each.literal for each in values if each.literal is not None and each.kind != "null"]
        if len(known) != len(values) or typed.kind == "number":
            return sa.or_(sa.false(), *(self._compare("=", typed, each) for each in values))
        if typed.raw is not None:
            return typed.raw.in_([code for each in known for code in self._codes(typed, each)])
        texts = [each.value for each in known]
        if self.ignore_case and typed.kind in TEXTS:
            if all(str(each).isascii() for each in texts):
                return sa.collate(typed.sql, "NOCASE").in_(texts)
            return sa.func.fold(typed.sql).in_([str(each).casefold() for each in texts])
        return typed.sql.in_([int(each) if isinstance(each, bool) else each for each in texts])

    def _like(self, typed: Typed, pattern: Typed) -> sa.ColumnElement[bool]:
        value, wanted = typed.sql, pattern.sql
        if not self.ignore_case:
            return sa.ColumnElement.__eq__(sa.func.like_exactly(value, wanted), 1)
        if pattern.literal is None or not str(pattern.literal.value).isascii():
            value, wanted = sa.func.fold(value), sa.func.fold(wanted)
        matches: sa.ColumnElement[bool] = value.like(wanted, escape="\\")
        return matches


def literal(value: Literal) -> Typed:
    """A literal as an expression."""
    if value.value is None:
        return Typed(sa.null(), "null", literal=value)
    if isinstance(value.value, bool):
        return Typed(sa.literal(int(value.value)), "boolean", literal=value)
    if isinstance(value.value, Decimal):
        exponent = value.value.as_tuple().exponent
        places = max(0, -exponent) if isinstance(exponent, int) else 0
        scaled = int(value.value.scaleb(places))
        if abs(scaled) >= 2**63:
            return Typed(sa.literal(float(value.value)), "number", 0, literal=value)
        return Typed(sa.literal(scaled, sa.BigInteger), "number", places, literal=value)
    return Typed(sa.literal(value.value, sa.Text), value.kind, literal=value)


def _shape(name: str, each: Typed) -> Shape:
    return Shape(name, each.kind, each.places, each.column)


def _aligned(statement: Any, own: Sequence[Shape], shapes: Sequence[Shape]) -> Any:
    """A part of a union with its numbers scaled as those of the first part are."""
    if all(mine.places == first.places or mine.kind != "number" for mine, first in zip(own, shapes, strict=True)):
        return (
            statement
            if not statement._order_by_clauses and statement._limit_clause is None
            else statement.subquery().select()
        )
    inner = statement.subquery()
    columns = []
    for at, (mine, first) in enumerate(zip(own, shapes, strict=True)):
        typed = Typed(inner.c[f"c{at}"], mine.kind, mine.places)
        columns.append(
            (functions.at_places(typed, first.places) if mine.kind == "number" else typed.sql).label(f"c{at}")
        )
    return sa.select(*columns)
