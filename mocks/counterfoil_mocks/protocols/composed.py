"""Views that are put together of several tables, of which a query is to read no more than it needs.

The database works such a view out with all its columns before anything else is done with it, and no index leads into it from the other
side of a join. So its parts are made with the columns that the query names, and where the query says which rows of the other side
it wants, with the rows that these lead to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from counterfoil_mocks.protocols.query import Among, Both, Call, Compare, Field, Literal, Select, Value
from counterfoil_mocks.protocols.relation import View
from counterfoil_mocks.protocols.scope import Rows, Scope

if TYPE_CHECKING:
    from counterfoil_mocks.protocols.compiler import Compiler

SIGNS = ("=", "<", "<=", ">", ">=")


class Wanted(NamedTuple):
    """Which rows of a view a join can need. column: of the view; keys: the values of it that the other side has."""

    column: str
    keys: sa.CTE


def wanted(compiler: Compiler, query: Select) -> Mapping[str, Sequence[Wanted]]:
    """What a query says of the rows of composed views before they are read, by the alias of the source."""
    views = {
        source.alias.lower(): view
        for source in query.sources
        if isinstance(source.view, str) and (view := compiler.catalog.find(source.view)) is not None
    }
    if len(views) < 2 or len(views) < len(query.sources):
        return {}
    conditions = list(_parts(query.where))
    narrow: dict[str, list[Value]] = defaultdict(list)
    for each in conditions:
        field = _compared(each)
        alias = None if field is None else _owner(field, views)
        if field is not None and alias is not None and views[alias].pattern.keeps(field.name.lower()):
            narrow[alias].append(each)
    found: dict[str, list[Wanted]] = defaultdict(list)
    for each in (*conditions, *(part for source in query.sources for part in _parts(source.on))):
        for own, other in _links(each):
            alias, there = _owner(own, views), _owner(other, views)
            if alias is None or there is None or alias == there or not narrow[there]:
                continue
            if views[alias].pattern.parts and views[alias].pattern.key(own.name.lower()):
                keys = _keys(compiler, there, views[there], other, narrow[there], query.deleted)
                found[alias].append(Wanted(own.name.lower(), keys))
    return found


def _keys(
    compiler: Compiler, alias: str, view: View, field: Field, conditions: Sequence[Value], deleted: bool
) -> sa.CTE:
    """The values of a field in the rows that meet all conditions."""
    rows = reduced(view, names((field, *conditions)), deleted)
    scope = Scope(None, {alias: Rows(rows, view)})
    _, typed = scope.find(field)
    met = [compiler.condition(each, scope) for each in conditions]
    return sa.select(typed.sql.label("key")).where(*view.where(rows, deleted), *met).cte()


def reduced(view: View, named: frozenset[str], deleted: bool, wanted: Sequence[Wanted] = ()) -> sa.FromClause:
    """A view's rows; of a composed one the columns that are named, in small letters, and the rows that are wanted."""
    pattern = view.pattern
    if not pattern.parts:
        return view.rows()
    read = pattern.marks(deleted).union(*(pattern.read(name) for name in named if name in view.by_name))
    leads = [(pattern.key(each.column), each.keys.c.key) for each in wanted]
    reached = [
        part for part in pattern.parts if not any(isinstance(_value(part, name), sa.Null) for name, _ in leads)
    ] or pattern.parts[-1:]
    made = []
    for part in reached:
        own = part.selected_columns
        less = part.with_only_columns(*([own[key] for key in sorted(read)] or [own[0]]))
        made.append(less.where(*(_value(part, name).in_(sa.select(keys)) for name, keys in leads)))
    return sa.union_all(*made).subquery()


def _value(part: sa.Select[Any], name: str) -> sa.ColumnElement[Any]:
    """What a column of a part is the name of."""
    column = part.selected_columns[name]
    value: sa.ColumnElement[Any] = getattr(column, "element", column)
    return value


def names(tree: Any) -> frozenset[str]:
    """The names of all fields in a query, or in parts of one, in small letters."""
    if isinstance(tree, Field):
        return frozenset((tree.name.lower(),))
    if isinstance(tree, tuple):
        return frozenset().union(*map(names, tree))
    if is_dataclass(tree):
        return frozenset().union(*(names(getattr(tree, each.name)) for each in fields(tree)))
    return frozenset()


def _parts(condition: Value | None) -> Iterator[Value]:
    """The conditions that all must hold."""
    if isinstance(condition, Both):
        for each in condition.parts:
            yield from _parts(each)
    elif condition is not None:
        yield condition


def _compared(condition: Value) -> Field | None:
    """The field that a condition compares with values that are known, so that nulls do not meet it."""
    match condition:
        case Compare(sign, Field() as field, value) | Compare(sign, value, Field() as field) if sign in SIGNS:
            return field if not field.label and _known(value) else None
        case Among(Field() as field, tuple() as choices):
            return field if not field.label and all(map(_known, choices)) else None
        case _:
            return None


def _known(value: Value) -> bool:
    if isinstance(value, Call):
        return bool(value.arguments) and all(map(_known, value.arguments))
    return isinstance(value, Literal) and value.value is not None


def _links(condition: Value) -> Iterator[tuple[Field, Field]]:
    """The fields that a condition says are equal, either way."""
    match condition:
        case Compare("=", Field() as one, Field() as other) if not one.label and not other.label:
            yield one, other
            yield other, one


def _owner(field: Field, views: Mapping[str, View]) -> str | None:
    """The alias of the only view that a field is of."""
    if field.source:
        alias = field.source.lower()
        return alias if alias in views and field.name.lower() in views[alias].by_name else None
    found = [alias for alias, view in views.items() if field.name.lower() in view.by_name]
    return found[0] if len(found) == 1 else None
