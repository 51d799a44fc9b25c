"""Stripe's search: `field:'value'` clauses joined by AND or by OR, compiled to SQL over the tables."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import invalid
from counterfoil_mocks.billing.stripe.kind import KEEP, Kind
from counterfoil_mocks.billing.stripe.lists import created, limit_of
from counterfoil_mocks.billing.stripe.meanings import MEANINGS
from counterfoil_mocks.kernel.fields import Record

CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[a-z_][\w.]*)(?:\[(?P<quote>["'])(?P<key>.+?)(?P=quote)\])?\s*(?P<sign>>=|<=|:|~|>|<)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w.-]+)\s*"""
)
JOINT = re.compile(r"(AND|OR)\s", re.IGNORECASE)
BOUNDS = {">": ("gt",), "<": ("lt",), ">=": ("gte",), "<=": ("lte",), ":": ("gte", "lte")}
CARD = "payment_method_details.card."
SIGNS = {">": "__gt__", "<": "__lt__", ">=": "__ge__", "<=": "__le__"}


def found(desk: Desk, kind: Kind, given: Record) -> Record:
    """A page of what a query finds, the newest first: `{"object": "search_result", …}`."""
    table = desk.system.table(kind.map.entity).sql
    clauses = [
        table.c.system == desk.system.name,
        *kind.conditions(table),
        condition(kind, table, given["query"] or ""),
    ]
    limit, start = limit_of(given), _start(given.get("page"))
    end = start + limit
    records = desk.select(kind, clauses, limit=None if desk.hidden is not None else end + 1)
    if desk.hidden is not None:
        records = [record for record in records if not desk.hidden(record)]
    more = end < len(records)
    return {
        "object": "search_result",
        "data": [kind.map.shown(record, desk.face) for record in records[start:end]],
        "has_more": more,
        "next_page": _page(end) if more else None,
        "url": f"{kind.path}/search",
    }


def _page(start: int) -> str:
    return base64.urlsafe_b64encode(f"at:{start}".encode()).decode().rstrip("=")


def _start(page: str | None) -> int:
    if not page:
        return 0
    try:
        text = base64.urlsafe_b64decode(page + "=" * (-len(page) % 4)).decode()
        return int(text.removeprefix("at:"))
    except (binascii.Error, ValueError):
        raise invalid("Invalid page token.", "page") from None


def condition(kind: Kind, table: sa.FromClause, query: str) -> sa.ColumnElement[bool]:
    """A query as a condition on a table; raises Refused."""
    at, parts, joints = 0, [], set()
    while True:
        clause = CLAUSE.match(query, at)
        if clause is None:
            raise invalid(
                'We were unable to parse your search query. Try using the format `metadata["key"]:"value"` to query for metadata or'
                ' key:"value" to query for other fields.',
                "query",
            )
        parts.append(_clause(kind, table, clause))
        at = clause.end()
        if at >= len(query.rstrip()):
            break
        joint = JOINT.match(query, at)
        if joint is None:
            joints.add("AND")  # clauses side by side are joined by AND
            continue
        joints.add(joint[1].upper())
        at = joint.end()
    if len(joints) > 1:
        raise invalid("You cannot mix AND and OR in one search query.", "query")
    return sa.or_(*parts) if "OR" in joints else sa.and_(*parts)


def _clause(kind: Kind, table: sa.FromClause, clause: re.Match[str]) -> sa.ColumnElement[bool]:
    name, sign, raw = clause["field"], clause["sign"], clause["value"]
    if name == "created" and name in kind.searched and clause["key"] is None:
        if raw == "null":  # every object has been created
            return sa.true() if clause["not"] else sa.false()
        if sign not in BOUNDS:
            raise invalid(f"Field `{name}` does not support `{sign}`.", "query")
        moment = _number(re.sub(r"^(['\"])(.*)\1$", r"\2", raw))
        found = sa.and_(*created(table, dict.fromkeys(BOUNDS[sign], moment)))
        return sa.not_(found) if clause["not"] else found
    column, numeric = _column(kind, table, name, clause["key"])
    if raw == "null":
        made = sa.or_(column.is_(None), column == "")
        return sa.not_(made) if clause["not"] else made
    value: Any = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw[0] in "\"'" else raw
    if sign == "~":
        if len(value) < 3:
            raise invalid("Substring search requires at least three characters.", "query")
        made = sa.func.small_letters(column).contains(value.lower(), autoescape=True)
    elif sign == ":":
        made = _equal(column, name, value)
    else:
        if not numeric:
            raise invalid(f"Field `{name}` does not support `{sign}`.", "query")
        made = getattr(column, SIGNS[sign])(_number(value))
    return sa.or_(made.is_(None), sa.not_(made)) if clause["not"] else made


def _column(kind: Kind, table: sa.FromClause, name: str, key: str | None) -> tuple[Any, bool]:
    if name == "metadata" and key is not None:
        plain = sa.func.json_extract(table.c.custom, f'$."{key}"')
        meant = MEANINGS.get(kind.name, {}).get(key)
        if meant is None or meant.field.kind != "text":
            return plain, False
        return sa.func.coalesce(table.c[meant.column], plain), False
    if name not in kind.searched or key is not None:
        known = ", ".join((*kind.searched, "metadata"))
        raise invalid(
            f"Field `{name}` is an unsupported search field for resource `{kind.name}s`. Searchable fields: {known}.",
            "query",
        )
    if name.startswith(CARD):
        return sa.cast(sa.func.json_extract(table.c.custom, f"$.{KEEP}.{name}"), sa.Text), False
    if name in ("subscription", "canceled_at"):
        found = sa.func.json_extract(table.c.custom, f"$.{KEEP}.{name}")
        return (sa.cast(found, sa.BigInteger), True) if name == "canceled_at" else (found, False)
    if name == "name" and kind.name == "customer":
        return sa.func.coalesce(table.c.name_full, table.c.name), False
    if name == "total" and kind.name == "invoice":
        return table.c.total, True
    numeric = name in ("amount",)
    return kind.map.expression(kind.map.by_name[name], table), numeric


def _equal(column: Any, name: str, value: str) -> Any:
    if value in ("true", "false"):
        return column == (value == "true")
    if name in ("amount", "total", "canceled_at"):
        return column == _number(value)
    if name == "currency":
        return sa.func.small_letters(column) == value.lower()
    return sa.func.small_letters(column) == value.lower()


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise invalid(f"Invalid number in search query: {value}", "query") from None
