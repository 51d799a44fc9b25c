"""Stripe's lists: filters, newest first by order of creation, pages by the id of the last object seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import invalid, missing, too_small
from counterfoil_mocks.billing.stripe.kind import KEEP, Kind
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import of_epoch
from counterfoil_mocks.protocols.form import encoded

DEFAULT_LIMIT, MOST = 10, 100
BOUNDS: dict[str, Callable[[Any, Any], Any]] = {
    "gt": lambda column, value: column >= of_epoch(value + 1),
    "gte": lambda column, value: column >= of_epoch(value),
    "lt": lambda column, value: column < of_epoch(value),
    "lte": lambda column, value: column < of_epoch(value + 1),
}


SIGNS = {"gt": "__gt__", "gte": "__ge__", "lt": "__lt__", "lte": "__le__"}


def limit_of(given: Record) -> int:
    """How many objects a page holds; raises Refused, also where a page is to lie on two sides at once."""
    if given.get("starting_after") and given.get("ending_before"):
        raise invalid("Received both starting_after and ending_before parameters. Please pass in only one.")
    limit = given.get("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if limit > MOST:
        raise invalid(
            f"This value must be less than or equal to {MOST} (it currently is '{limit}').",
            "limit",
            "parameter_invalid_integer",
        )
    if limit < 1:
        raise too_small(limit, 1, "limit")
    return int(limit)


def url_of(path: str, given: Record) -> str:
    """The list's own address: with its filters, without its paging."""
    filters = {
        name: value
        for name, value in given.items()
        if name not in ("limit", "starting_after", "ending_before", "expand") and value is not None
    }
    return f"{path}?{urlencode(encoded(filters))}" if filters else path


def page(
    desk: Desk,
    kind: Kind,
    given: Record,
    *,
    path: str,
    where: Callable[[sa.FromClause], list[sa.ColumnElement[bool]]] | None = None,
    hidden: Callable[[Record], bool] | None = None,
) -> Record:
    """One page. given: checked parameters. where: further conditions. hidden: records that this caller must not see yet."""
    limit = limit_of(given)
    records = desk.system.table(kind.map.entity)
    table = records.sql
    asked = [
        *(where(table) if where else ()),
        *(
            condition
            for name, value in {**kind.implied, **given}.items()
            if name in kind.filters and value is not None
            for condition in filtered(kind, table, name, value)
        ),
    ]
    clauses = [table.c.system == desk.system.name, *kind.conditions(table), *(asked or records.along("created_at"))]
    clauses += created(table, given.get("created"))
    if kind.apart and not any(given.get(name) for name in kind.apart):
        clauses.append(sa.func.json_extract(table.c.custom, f"$.{KEEP}.test_clock").is_(None))
    backwards = given.get("ending_before") is not None
    cursor = given.get("ending_before") or given.get("starting_after")
    if cursor is not None:
        clauses.append(_beyond(desk, kind, table, cursor, backwards))
    found = desk.select(kind, clauses, newest=not backwards, limit=limit + 1)
    more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    if hidden is not None:
        found = [record for record in found if not hidden(record)]
    return {
        "object": "list",
        "url": url_of(path, given),
        "has_more": more,
        "data": [kind.map.shown(record, desk.face) for record in found],
    }


def filtered(kind: Kind, table: sa.FromClause, name: str, value: Any) -> list[sa.ColumnElement[bool]]:
    """The conditions of one filter."""
    special = kind.asked.get(name)
    if special is not None:
        return [special(table, value)]
    expression = kind.map.expression(kind.map.by_name[name], table)
    if isinstance(value, dict):
        return [getattr(expression, SIGNS[each])(bound) for each, bound in value.items()]
    return [expression.in_(value) if isinstance(value, list) else expression == value]


def created(table: sa.FromClause, given: Any) -> list[sa.ColumnElement[bool]]:
    """Conditions on the time of creation: of the test clock where the object has one, else of the business clock."""
    if given is None:
        return []
    bounds = given if isinstance(given, dict) else {"gte": given, "lte": given}
    own = sa.cast(sa.func.json_extract(table.c.custom, f"$.{KEEP}.created"), sa.BigInteger)
    return [
        sa.or_(
            sa.and_(own.is_(None), BOUNDS[name](table.c.created_at, value)),
            sa.and_(own.isnot(None), getattr(own, SIGNS[name])(value)),
        )
        for name, value in bounds.items()
        if value is not None
    ]


def _beyond(desk: Desk, kind: Kind, table: sa.FromClause, cursor: str, backwards: bool) -> sa.ColumnElement[bool]:
    record = desk.system.table(kind.map.entity).by_id(desk.system.name, cursor)
    if record is None:
        raise missing(kind.noun, cursor, param="ending_before" if backwards else "starting_after", status=400)
    columns = desk.order(kind)
    mine = sa.tuple_(*(table.c[name] for name in columns))
    its = sa.tuple_(*(sa.literal(record[name]) for name in columns))
    return mine > its if backwards else mine < its
