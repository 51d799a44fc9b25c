"""All types of records, by name; the name's case matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite.kept_objects import KEPT
from counterfoil_mocks.erp.netsuite.objects import BUSINESS, KEEP, MEMBER
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.fieldmap import ObjectMap

TYPES: Mapping[str, ObjectMap] = {each.name: each for each in (*BUSINESS, *KEPT)}


FIRST = {"payment": "customerPayment", "service_item": "serviceSaleItem"}
"""Entities that several types share, and the type of a record that says none."""


def is_of(each: ObjectMap, record: Record) -> bool:
    """Whether a record of its entity is of a type."""
    for name, value in each.where.items():
        if record[name] != value:
            return False
    first = FIRST.get(each.entity)
    return first is None or each.kept(record).get(MEMBER, first) == each.name


def conditions(each: ObjectMap, table: Any) -> Iterator[sa.ColumnElement[bool]]:
    """The same, as a query asks."""
    yield from each.conditions(table)
    if each.entity in FIRST:
        yield told(table, each.entity) == each.name


def told(table: Any, entity: str) -> sa.ColumnElement[Any]:
    """The type of each record of an entity that several types share."""
    return sa.func.coalesce(sa.func.json_extract(table.c.custom, f'$."{KEEP}"."{MEMBER}"'), FIRST[entity])


def transactions(types: Mapping[str, ObjectMap]) -> tuple[ObjectMap, ...]:
    """Those that are transactions."""
    return tuple(each for each in types.values() if each.about["family"] == "transaction")
