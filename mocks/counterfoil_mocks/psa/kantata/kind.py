"""What a kind of Kantata's objects is made of: its maps, associations, filters, orders and what callers must give. All of it is data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols import conversion
from counterfoil_mocks.protocols.conversion import Conversion, exact
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.view import View

VENDOR = KEEP = "kantata"
"""The vendor of its own objects, and the member of `custom` that holds what only Kantata knows."""

Condition = Callable[["View", ObjectMap, sa.FromClause, str], sa.ColumnElement[bool] | None]
"""(view, map, table, value given) → what rows must meet; None: nothing."""


@dataclass(frozen=True)
class Default:
    """A default filter: what rows must meet, and whether one record meets it, which a call for that record asks much faster."""

    condition: Condition
    holds: Callable[[View, Record], bool]


@dataclass(frozen=True)
class Link:
    """An association. key: the member that holds ids. kind: of what is there, empty where each record says it. get: the records, from one.

    column: whether the id is a column of the object, which is then always shown.
    """

    key: str
    kind: str
    get: Callable[[View, Record], list[Record]]
    column: bool = False
    only: bool = False

    @property
    def many(self) -> bool:
        """Whether it holds ids rather than one id."""
        return self.key.endswith("_ids")


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of object.

    key: its collection, and its map in the envelope. root: of bodies. subject: what events and references call it. noun: what canonical
    operations call it. maps: one for each entity that keeps such objects. required: attribute → sentence of the refusal. order: default.
    defaults: default filters by the parameters that override them. bulk: most records of a bulk create. graves: the parameter that lists
    what is deleted too, of a kind that several maps keep.
    """

    key: str
    root: str
    subject: str
    noun: str
    maps: tuple[ObjectMap, ...]
    links: Mapping[str, Link] = field(default_factory=dict)
    optional: Mapping[str, Callable[[Record, Any], Any]] = field(default_factory=dict)
    required: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Condition] = field(default_factory=dict)
    defaults: Mapping[tuple[str, ...], Default] = field(default_factory=dict)
    orders: tuple[str, ...] = ("created_at", "updated_at")
    order: tuple[str, str] = ("created_at", "desc")
    searched: tuple[str, ...] = ()
    verbs: str = "create list get update"
    bulk: int = 0
    graves: str = ""

    @cached_property
    def unasked(self) -> list[str]:
        """Fields of the maps that are shown only when they are asked for."""
        return [name for name in self.optional if any(name in each.by_name for each in self.maps)]

    def map_of(self, record: Record) -> ObjectMap:
        """The map of a record."""
        if len(self.maps) == 1:
            return self.maps[0]
        return next(each for each in self.maps if MARKS[each.entity] in record)


MARKS = {"task": "task_code", "milestone": "ms_code", "assignment": "employee_no", "vendor_object": "vendor"}
"""By entity: a column that only its records have, where several entities keep one kind of object."""


def kept(record: Record) -> Mapping[str, Any]:
    """What only Kantata knows of a record."""
    found: Mapping[str, Any] = record["custom"].get(KEEP) or {}
    return found


TIME = Conversion("instant", conversion.same, conversion.INSTANT.read)
REF = Conversion("id", conversion.same, lambda value, around: str(value))
NUMBER = Conversion("integer", lambda value, around: int(value), lambda value, around: str(value))
"""An id that is no association: a number in answers."""


def _truth(value: Any, around: Record) -> bool:
    found = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if found is None:
        raise ValueError(f"{value!r} is neither true nor false")
    return found


def _number(value: Any, around: Record) -> int | float:
    found = exact(value)
    return int(found) if found == found.to_integral_value() else float(found)


def _words(value: Any, around: Record) -> str:
    if isinstance(value, (bool, list, dict)):
        raise ValueError(f"{value!r} is not a text")
    return str(value)


TRUTH = Conversion("boolean", conversion.same, _truth)
"""True or false as JSON, forms and check boxes say it."""
WORDS = Conversion("text", conversion.same, _words)
"""A text; a number is one too."""
PERCENT = Conversion("number", conversion.same, _number)
"""A number that is no money."""
USUAL = {bool: TRUTH, int: conversion.INTEGER, str: WORDS}
"""How a field is read that only Kantata knows, by the type of what it is while nobody says otherwise."""


def mapped(name: str, entity: str, /, *fields: FieldMap, **defaults: Any) -> ObjectMap:
    """An object: id and instants, the fields that mean something, and the others with what they are while nobody says otherwise."""
    where = {"vendor": VENDOR, "kind": name} if entity == "vendor_object" else {}
    head = (
        FieldMap("created_at", computed=lambda record, face: face.local(record["created_at"])),
        FieldMap("updated_at", computed=lambda record, face: face.local(record["updated_at"])),
        *fields,
    )
    rest = tuple(
        FieldMap(each, conversion=USUAL.get(type(value), conversion.PLAIN), default=value)
        for each, value in defaults.items()
    )
    tail = FieldMap("id", "id", conversion.ID, creatable=False, updatable=False)
    return ObjectMap(name, entity, (*head, *rest, tail), where, keep=KEEP)


def computed(name: str, work: Callable[[Record, Any], Any]) -> FieldMap:
    """A field that is shown and never written."""
    return FieldMap(name, computed=work)


def equals(name: str) -> Condition:
    """A filter on a field of its own name; a list of ids, comma-separated, means any of them."""

    def condition(view: View, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
        each = map.by_name.get(name)
        if each is None or not value:
            return None
        expression = map.expression(each, table) if each.computed is None else _own(table, name)
        if value.lower() in ("true", "false"):
            return expression == (value.lower() == "true")
        return sa.cast(expression, sa.Text).in_([part.strip() for part in value.split(",")])

    return condition


def _own(table: sa.FromClause, name: str) -> sa.ColumnElement[Any]:
    """A member that only Kantata knows, of a field that is shown another way than it is kept."""
    return sa.func.json_extract(table.c.custom, f'$."{KEEP}"."{name}"')


def one_of(*choices: str) -> Conversion:
    """A text that is one of a few."""

    def read(value: Any, around: Record) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")
        return str(value)

    return Conversion("choice", conversion.same, read)


def snake(name: str) -> str:
    """A type of subject, `WorkspaceGroup` or `workspace_group`, in small letters."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def derived(
    key: str,
    root: str,
    subject: str,
    noun: str,
    *asked: str,
    verbs: str = "list get",
    links: Mapping[str, Link] | None = None,
) -> Kind:
    """A kind that is worked out of others. asked: fields that lists may filter by."""
    orders = ("id", "name")
    return Kind(
        key, root, subject, noun, (), links or {}, searched=asked, verbs=verbs, order=("id", "asc"), orders=orders
    )
