"""Custom fields of the account: what the business knows of a record and NetSuite has no field for.

The firm's own bundle has added them, as any firm's does: each is named like the business's field behind the prefix of its kind of record,
`custentity_tax_status`, `custbody_tax_point`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from counterfoil_mocks.kernel.fields import COMMON, Entity, Field
from counterfoil_mocks.protocols.conversion import (
    BOOLEAN,
    DATE,
    INSTANT,
    INTEGER,
    PLAIN,
    TEXT,
    Conversion,
    choice,
    decimal,
    major,
)
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap
from counterfoil_mocks.protocols.relation import amount

PREFIXES = {
    "customer": "custentity_",
    "addressBook": "custrecord_",
    "invoice": "custbody_",
    "creditMemo": "custbody_",
    "customerPayment": "custbody_",
    "customerDeposit": "custbody_",
    "customerRefund": "custbody_",
    "item": "custcol_",
    "subsidiary": "custrecord_",
    "salesTaxItem": "custrecord_",
    "serviceSaleItem": "custitem_",
}
"""By the name of a map."""
KEPT = ("key", "version", "source_key", "external_id")
"""What every record has of these."""
KINDS = {"text": TEXT, "zone": TEXT, "integer": INTEGER, "boolean": BOOLEAN, "date": DATE, "instant": INSTANT, "json": PLAIN,
         "ref": TEXT}  # fmt: skip
MARKS = {"boolean": ":b", "integer": ":n", "date": ":d", "instant": ":t", "money": ":m", "decimal": ":r"}
"""How SuiteQL's columns are marked, by the kind of field."""


def unsaid(entity: Entity, said: Iterable[str]) -> list[Field]:
    """Fields of an entity that the standard ones do not say."""
    known = {*said, "custom"}
    common = [each for each in COMMON if each.name in KEPT]
    return [each for each in (*entity.columns, *common) if each.name not in known]


def with_customs(each: ObjectMap, entity: Entity, *but: str, common: bool = True) -> ObjectMap:
    """A map with custom fields for all that it does not say yet. but: fields that it says in another way. common: also of every record's."""
    said = {one.column for one in each.fields if one.column} | {*but, *each.where}
    prefix = PREFIXES[each.name]
    customs = [
        FieldMap(
            prefix + field.name,
            field.name,
            conversion_of(field),
            creatable=not field.computed,
            updatable=not field.computed,
        )
        for field in unsaid(entity, said if common else {*said, *KEPT})
        if prefix + field.name not in each.by_name
    ]
    return replace(each, fields=(*each.fields, *customs))


def conversion_of(field: Field) -> Conversion:
    """How a custom field writes a value."""
    if field.kind == "money":
        return major(field.ccy)
    if field.kind == "decimal":
        return decimal(field.scale)
    if field.kind in ("choice", "state"):
        return choice({each: each for each in field.choices})
    return KINDS[field.kind]


class Customs(NamedTuple):
    """Custom fields of one entity, as a table of SuiteQL's has them."""

    prefix: str
    entity: Entity
    fields: tuple[Field, ...]

    def columns(self) -> dict[str, str]:
        """Names and how they are marked."""
        return {self.prefix + each.name: MARKS.get(each.kind, "") for each in self.fields}

    def values(self, rows: Any) -> dict[str, sa.ColumnElement[Any]]:
        """What they are read from."""
        return {
            self.prefix + each.name: amount(each.name, each.ccy)(rows) if each.kind == "money" else rows.c[each.name]
            for each in self.fields
        }


def of_map(each: ObjectMap, entity: Entity) -> Customs:
    """Those of a record."""
    known = {field.name: field for field in (*COMMON, *entity.columns)}
    prefix = PREFIXES[each.name]
    fields = tuple(known[one.column] for one in each.fields if one.column and one.name.startswith(prefix))
    return Customs(prefix, entity, fields)


def of_entity(prefix: str, entity: Entity, *said: str) -> Customs:
    """Those of what is no record: all but what standard columns say."""
    return Customs(prefix, entity, tuple(unsaid(entity, said)))
