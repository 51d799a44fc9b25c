"""Lists: filters, order and paging. Every shape of question is compiled to SQL once; order is `updated_at, id`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
import sqlalchemy as sa

from counterfoil_mocks.kernel import money, wire
from counterfoil_mocks.kernel.errors import Problem, invalid
from counterfoil_mocks.kernel.fields import COMMON, Entity, Field, Record
from counterfoil_mocks.kernel.statements import compiled
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.kernel.table import Table

MOST_PARAMETERS = 50
FURTHEST = 10**9
NOT_FILTERED = ("json", "refs", "object", "lines")
INTEGER = re.compile(r"[+-]?[0-9]{1,16}")

Query = Sequence[tuple[str, str]]


def parsed(query_string: bytes) -> Query:
    """The parameters of a query string; raises Problem 422 where there are too many or they are not text."""
    if not query_string:
        return ()
    try:
        return parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict"
        )
    except ValueError as error:
        raise Problem(
            422,
            "INVALID_QUERY",
            f"The query string cannot be read: {error}.",
            remedy=f"Give at most {MOST_PARAMETERS} percent-encoded UTF-8 parameters.",
        ) from None


def filters_of(entity: Entity) -> dict[str, Field]:
    """The fields that a list may be filtered on."""
    return _filters(entity)


@lru_cache(maxsize=512)
def _filters(entity: Entity) -> dict[str, Field]:
    return {each.name: each for each in (*COMMON, *entity.columns) if each.kind not in NOT_FILTERED}


def page(
    system: System,
    entity: Entity,
    query: Query,
    hidden: Callable[[Record], bool] | None = None,
    *,
    as_json: bool = False,
) -> Record:
    """One page: `{"items": [wire records], "next": text or None}`; raises Problem 422 for a parameter that cannot be taken.

    hidden: records that this caller must not see yet. as_json: give the records as JSON text for `orjson` to take over.
    """
    style, most = system.role.page
    wanted = Wanted(most)
    known = _filters(entity)
    for name, value in query:
        take = PARAMETERS.get(name)
        if (take is not None and name not in PAGING) or name == style:
            PARAMETERS[name](wanted, value)
        elif name in known:
            wanted.where.setdefault(name, []).append(_filter_value(system, known[name], value))
        else:
            raise invalid(
                name, "is not a parameter of this list", f"Filter on a field, or use updated_since, limit or {style}."
            )
    table = system.table(entity.name)
    glance = as_json and hidden is None
    rows = _rows(table, system.name, wanted, glance)
    following = None
    if len(rows) > wanted.limit:
        del rows[wanted.limit :]
        following = str(wanted.offset + wanted.limit) if style == "offset" else cursor(*rows[-1][:2])
    if glance:
        return {
            "items": [orjson.Fragment(row[2] or table.rendered(system.name, row[1])) for row in rows],
            "next": following,
        }
    records = [table.load(row[2:], system.name) for row in rows]
    if hidden is not None:
        records = [record for record in records if not hidden(record)]
    return {"items": [entity.to_wire(record, True) for record in records], "next": following}


class Wanted:
    """What a list is asked for."""

    __slots__ = ("after", "deleted", "limit", "offset", "since", "where")

    def __init__(self, most: int) -> None:
        self.limit = most
        self.offset = 0
        self.after: tuple[str, str] | None = None
        self.since: str | None = None
        self.deleted = False
        self.where: dict[str, list[Any]] = {}


def cursor(updated_at: str, record_id: str) -> str:
    """Where the next page begins, as opaque text."""
    return base64.urlsafe_b64encode(f"{updated_at}|{record_id}".encode()).decode().rstrip("=")


def _take_cursor(wanted: Wanted, value: str) -> None:
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True).decode()
        updated_at, _, record_id = text.partition("|")
        wanted.after = (wire.instant(updated_at), record_id)
    except (binascii.Error, ValueError):
        raise invalid("cursor", f"{value!r} is not one that a list gave", "Take it from `next`.") from None


def _take_limit(wanted: Wanted, value: str) -> None:
    if not INTEGER.fullmatch(value) or not 1 <= int(value) <= wanted.limit:
        raise invalid("limit", f"{value!r} is not a number from 1 to {wanted.limit}")
    wanted.limit = int(value)


def _take_offset(wanted: Wanted, value: str) -> None:
    if not INTEGER.fullmatch(value) or not 0 <= int(value) <= FURTHEST:
        raise invalid("offset", f"{value!r} is not a number from 0 to {FURTHEST}", "Take it from `next`.")
    wanted.offset = int(value)


def _take_since(wanted: Wanted, value: str) -> None:
    try:
        wanted.since = wire.instant(value.replace(" ", "+") if "T" in value else f"{value}T00:00:00Z")
    except ValueError:
        raise invalid("updated_since", f"{value!r} is not an instant", "Write it as 2026-01-31T09:30:00Z.") from None


def _take_deleted(wanted: Wanted, value: str) -> None:
    wanted.deleted = _boolean("include_deleted", value)


PAGING = ("cursor", "offset")
PARAMETERS: dict[str, Callable[[Wanted, str], None]] = {
    "cursor": _take_cursor,
    "offset": _take_offset,
    "limit": _take_limit,
    "updated_since": _take_since,
    "include_deleted": _take_deleted,
}


def _boolean(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(name, f"{value!r} is neither true nor false")
    return value == "true"


def _filter_value(system: System, each: Field, value: str) -> Any:
    """The stored value that a parameter stands for; an empty parameter stands for null."""
    if value == "":
        return None
    if each.kind in ("integer", "money"):
        if not INTEGER.fullmatch(value):
            raise invalid(each.name, f"{value!r} is not a whole number")
        return int(value)
    if each.kind == "boolean":
        return int(_boolean(each.name, value))
    if each.kind in ("choice", "state") and value not in each.choices:
        raise invalid(each.name, f"{value!r} is not one of its values", f"One of {', '.join(each.choices)}.")
    try:
        if each.kind == "decimal":
            return money.scaled(value, each.scale) if len(value) < 20 else _refuse()
        if each.kind == "instant":
            return wire.instant(value.replace(" ", "+"))
    except ValueError as error:
        raise invalid(each.name, f"{value!r} is not a {each.kind}", str(error)) from None
    if each.kind == "ref":
        target = system.table(each.target)
        if target.by_id(system.name, value) is None:
            found = target.by_key(system.name, value)
            return value if found is None else found["id"]
    return value


def _refuse() -> Any:
    raise ValueError("too long")


def _rows(table: Table, system: str, wanted: Wanted, glance: bool) -> list[Any]:
    """One row more than the page holds, if there is one: `updated_at`, `id`, then the record's columns, or what a glance shows."""
    shape = tuple(
        (name, sum(value is not None for value in values), None in values) for name, values in wanted.where.items()
    )
    names = ("shown",) if glance else table.names
    text = _statement(table, names, shape, wanted.since is not None, wanted.after is not None, wanted.deleted)
    bound: Record = {"system": system, "row_limit": wanted.limit + 1, "row_offset": wanted.offset}
    for name, values in wanted.where.items():
        for index, value in enumerate(value for value in values if value is not None):
            bound[f"{name}_{index}"] = value
    if wanted.since is not None:
        bound["since"] = wanted.since
    if wanted.after is not None:
        bound["after_at"], bound["after_id"] = wanted.after
    found: list[Any] = table.store.connection.execute(text, bound).fetchall()
    return found


@lru_cache(maxsize=1024)
def _statement(
    table: Table,
    names: tuple[str, ...],
    shape: tuple[tuple[str, int, bool], ...],
    since: bool,
    after: bool,
    deleted: bool,
) -> str:
    columns = table.sql.c
    clauses: list[sa.ColumnElement[bool]] = [columns.system == sa.bindparam("system")]
    for name, count, null in shape:
        values: list[Any] = [sa.bindparam(f"{name}_{index}") for index in range(count)]
        each = table.asked(name)
        test = each == values[0] if count == 1 else each.in_(values) if count else sa.false()
        clauses.append(sa.or_(test, each.is_(None)) if null and count else each.is_(None) if null else test)
    if not deleted:
        clauses.append(columns.deleted_at.is_(None))
    if since:
        clauses.append(columns.updated_at >= sa.bindparam("since"))
    if after:
        clauses.append(
            sa.tuple_(columns.updated_at, columns.id) > sa.tuple_(sa.bindparam("after_at"), sa.bindparam("after_id"))
        )
    statement = sa.select(*(columns[name].label(None) for name in ("updated_at", "id", *names))).where(*clauses)
    statement = statement.order_by(columns.updated_at, columns.id)
    return compiled(statement.limit(sa.bindparam("row_limit")).offset(sa.bindparam("row_offset")))
