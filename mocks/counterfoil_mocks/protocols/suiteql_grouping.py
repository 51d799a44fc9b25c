"""What a grouped query may show and sort by: what it is grouped by, and aggregates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from counterfoil_mocks.protocols.query import Aggregate, Call, Exists, Field, Item, Literal, Query, Scalar, Select
from counterfoil_mocks.protocols.relation import Catalog
from counterfoil_mocks.protocols.suiteql_values import SuiteQlError


def check_grouped(select: Select, catalog: Catalog) -> None:
    """See that each row of a grouped query has one value of all that it shows; raises SuiteQlError."""
    shown = [item.value for item in select.items]
    _check_placed(select, shown)
    if not select.group and not _aggregated([*shown, select.having]):
        if _aggregated([each.value for each in select.order]):
            raise SuiteQlError("An aggregate to sort by needs GROUP BY.")
        return
    groups = [_placed(each, select, catalog) for each in select.group]
    for value in [*shown, *([select.having] if select.having else []), *(each.value for each in select.order)]:
        for field in loose(_placed(value, select, catalog), groups):
            raise SuiteQlError(f"Field '{field.name}' is neither in GROUP BY nor within an aggregate.")


def _aggregated(values: Iterable[Any]) -> bool:
    return any(isinstance(each, Aggregate) for value in values for each in parts(value))


def _check_placed(select: Select, shown: Iterable[Any]) -> None:
    """See that aggregates stand where rows are grouped already, and not within each other, and ROWNUM where it can be counted."""
    for value in [select.where, *(source.on for source in select.sources), *select.group]:
        if any(isinstance(each, Call) and each.name == "rownum" for each in parts(value)):
            raise SuiteQlError("ROWNUM is compared by <, <= or = 1 beside other conditions.")
        if any(isinstance(each, Aggregate) for each in parts(value)):
            raise SuiteQlError("An aggregate is not allowed here; use HAVING.")
    for value in [*shown, select.having, *(each.value for each in select.order)]:
        for each in parts(value):
            if isinstance(each, Aggregate) and any(isinstance(inner, Aggregate) for inner in parts(each.argument)):
                raise SuiteQlError("An aggregate is not allowed within an aggregate.")


def parts(value: Any) -> Iterable[Any]:
    """A value and what it is made of, down to the queries in it."""
    yield value
    for inner in within(value):
        yield from parts(inner)


def within(value: Any) -> Iterable[Any]:
    """What a value is made of directly."""
    if isinstance(value, tuple):
        yield from value
    elif is_dataclass(value) and not isinstance(value, (Field, Literal, Scalar, Exists, Select, Item)):
        yield from (getattr(value, each.name) for each in fields(value))


def loose(value: Any, groups: list[Any]) -> Iterable[Field]:
    """Fields that may have several values in a group."""
    if value in groups or isinstance(value, Aggregate):
        return
    if isinstance(value, Field):
        if replace(value, label=False) not in groups:
            yield value
        return
    for inner in within(value):
        yield from loose(inner, groups)


def _placed(value: Any, select: Select, catalog: Catalog) -> Any:
    """A value whose fields say in lower case what they are of, so that the same ones are equal."""
    if isinstance(value, Field):
        return replace(
            value, name=value.name.lower(), source=value.source.lower() or _source_of(value, select, catalog)
        )
    if isinstance(value, tuple):
        return tuple(_placed(each, select, catalog) for each in value)
    if is_dataclass(value) and not isinstance(value, (Literal, Scalar, Exists, Select, type)):
        return replace(
            value, **{each.name: _placed(getattr(value, each.name), select, catalog) for each in fields(value)}
        )
    return value


def _source_of(field: Field, select: Select, catalog: Catalog) -> str:
    for source in select.sources:
        if field.name.lower() in _names(source.view, catalog):
            return source.alias.lower()
    return ""


def _names(view: str | Query, catalog: Catalog) -> set[str]:
    if isinstance(view, str):
        found = catalog.find(view)
        return set() if found is None else {each.name.lower() for each in found.columns}
    return {item.name.lower() for item in view.items} if isinstance(view, Select) else _names(view.parts[0], catalog)
