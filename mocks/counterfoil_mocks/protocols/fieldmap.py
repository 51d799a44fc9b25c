"""Field maps: which canonical entity a vendor's object is, and which canonical field each of its fields; data that code walks.

A face reads and shows records through them, and query languages compile through them to SQL. What the business does not know is kept in
the record's `custom` and given back as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import PLAIN, Conversion, same

Computed = Callable[[Record, Any], Any]
"""(stored record, whatever context the face shows it in) → the vendor's value."""
Expression = Callable[[sa.FromClause], sa.ColumnElement[Any]]
"""What a query reads for a field that is no plain column."""


@dataclass(frozen=True)
class FieldMap:
    """One field of a vendor's object.

    name: the vendor's, dotted where it is nested. column: the canonical field; empty: kept in `custom` under the vendor's name.
    conversion: between stored and vendor's value. computed: shown so, and never written. sql: how queries read it where that is no
    plain column. refers: the vendor object that an id in it is of; relation: the name by which queries walk there (`Account` of
    `AccountId`). required, creatable, updatable: what callers may and must do. default: shown where nothing is stored.
    about: whatever the vendor's describe calls say besides (label, length, picklist).
    """

    name: str
    column: str = ""
    conversion: Conversion = PLAIN
    computed: Computed | None = None
    sql: Expression | None = None
    refers: str = ""
    relation: str = ""
    required: bool = False
    creatable: bool = True
    updatable: bool = True
    default: Any = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The steps of a nested name."""
        return tuple(self.name.split("."))


@dataclass(frozen=True)
class ChildMap:
    """A list within an object or behind it. name: the vendor's (`lines`, `OpportunityLineItems`). column: the entity's field of lines,
    where they live within the record; else they are records of the object `of`, found by their field `by`."""

    name: str
    column: str = ""
    of: ObjectMap | None = None
    object: str = ""
    by: str = ""


@dataclass(frozen=True, eq=False)
class ObjectMap:
    """One of a vendor's objects.

    name: the vendor's. entity: the canonical entity (empty for lines). where: what a record must be to be one of them; new ones get it.
    keep: the member of `custom` that holds what the business does not know; empty: `custom` itself; None: unknown fields are refused.
    about: whatever else the face says of it (label, plural, id prefix).
    """

    name: str
    entity: str
    fields: tuple[FieldMap, ...]
    where: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[ChildMap, ...] = ()
    keep: str | None = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, FieldMap]:
        """Fields by the vendor's name."""
        return {each.name: each for each in self.fields}

    @cached_property
    def by_column(self) -> dict[str, FieldMap]:
        """Fields by the canonical name; the first where several show the same."""
        return {each.column: each for each in reversed(self.fields) if each.column}

    # showing

    def kept(self, record: Record) -> Mapping[str, Any]:
        """What the record holds that only this vendor knows."""
        custom: Mapping[str, Any] = record["custom"] or {}
        return custom.get(self.keep) or {} if self.keep else custom

    def value(self, each: FieldMap, record: Record, context: Any = None) -> Any:
        """One field of a stored record as the vendor shows it."""
        if each.computed is not None:
            return each.computed(record, context)
        if each.column:
            stored = record[each.column]
            return each.default if stored is None else each.conversion.show(stored, record)
        return self.kept(record).get(each.name, each.default)

    def shown(self, record: Record, context: Any = None) -> Record:
        """A stored record as the vendor's object, nested names unfolded."""
        template, plain, converted, computed, own, nested = self._plan
        made = template.copy()
        for name, column in plain:
            stored = record[column]
            if stored is not None:
                made[name] = stored
        for name, column, show in converted:
            stored = record[column]
            if stored is not None:
                made[name] = show(stored, record)
        for name, work in computed:
            made[name] = work(record, context)
        kept = self.kept(record)
        if kept:
            for name in own & kept.keys():
                made[name] = kept[name]
        return _unfolded(made) if nested else made

    @cached_property
    def _plan(self) -> tuple[Any, ...]:
        """The fields as `shown` wants them, which is where reading spends its time: what each is while nothing is stored, and where the
        others come from, by how they come."""
        columns = [each for each in self.fields if each.computed is None and each.column]
        return (
            {each.name: None if each.computed is not None else each.default for each in self.fields},
            [(each.name, each.column) for each in columns if each.conversion.show is same],
            [(each.name, each.column, each.conversion.show) for each in columns if each.conversion.show is not same],
            [(each.name, each.computed) for each in self.fields if each.computed is not None],
            {each.name for each in self.fields if each.computed is None and not each.column},
            any(len(each.path) > 1 for each in self.fields),
        )

    # reading

    def values(self, given: Mapping[str, Any], record: Record | None = None) -> Record:
        """Canonical values of what a caller gives: flat, by the vendor's names. record: the one that is changed; None: a new one.

        Raises Problem 400 with the vendor's name as `field`: UNKNOWN_FIELD, READ_ONLY_FIELD, MISSING_FIELD, INVALID_VALUE.
        """
        new = record is None
        found: Record = dict(self.where) if new else {}
        kept: Record = {}
        for name, value in given.items():
            each = self.by_name.get(name)
            if each is None:
                if self.keep is None:
                    raise Problem(400, "UNKNOWN_FIELD", f"{self.name} has no field {name!r}.", field=name)
                kept[name] = value
            elif each.computed is not None or not (each.creatable if new else each.updatable):
                raise Problem(400, "READ_ONLY_FIELD", f"{name} of {self.name} cannot be written.", field=name)
            elif not each.column:
                kept[name] = value
            else:
                found[each.column] = None if value is None else self._read(each, value, found, record)
        missing = [each.name for each in self.fields if new and each.required and given.get(each.name) is None]
        if missing:
            raise Problem(400, "MISSING_FIELD", f"{self.name} needs {missing[0]}.", field=missing[0])
        if kept:
            found["custom"] = self._custom(kept, record)
        return found

    @staticmethod
    def _read(each: FieldMap, value: Any, found: Record, record: Record | None) -> Any:
        try:
            return each.conversion.read(value, found if record is None else {**record, **found})
        except ValueError as error:
            raise Problem(400, "INVALID_VALUE", f"{each.name}: {error}", field=each.name) from None

    def _custom(self, kept: Record, record: Record | None) -> Record:
        before: Record = dict((record or {}).get("custom") or {})
        if not self.keep:
            return {**before, **kept}
        return {**before, self.keep: {**(before.get(self.keep) or {}), **kept}}

    def named(self, column: str) -> str:
        """What the vendor calls a canonical field, for refusals; the canonical name where it has none."""
        each = self.by_column.get(column)
        return column if each is None else each.name

    # asking

    def expression(self, each: FieldMap, table: sa.FromClause) -> sa.ColumnElement[Any]:
        """What a query reads for a field, in the vendor's units; raises LookupError for one that cannot be asked for."""
        if each.sql is not None:
            return each.sql(table)
        if each.column:
            column = table.c[each.column]
            return column if each.conversion.sql is None else each.conversion.sql(column, table)
        if each.computed is not None:
            raise LookupError(each.name)
        path = f'$."{self.keep}"."{each.name}"' if self.keep else f'$."{each.name}"'
        found = sa.func.json_extract(table.c.custom, path)
        if isinstance(each.default, bool):  # 1 or 0 in SQLite, a word in PostgreSQL
            said = sa.cast(found, sa.Text).in_(("1", "true"))
            return sa.case((found.is_(None), int(each.default)), (said, 1), else_=0)
        if isinstance(each.default, int):
            return sa.func.coalesce(sa.cast(found, sa.BigInteger), each.default)
        return (
            found
            if each.default is None or isinstance(each.default, (dict, list))
            else sa.func.coalesce(found, each.default)
        )

    def conditions(self, table: sa.FromClause) -> Iterator[sa.ColumnElement[bool]]:
        """What makes a row of the entity's table one of these objects; deleted and merged rows are none."""
        for name, value in self.where.items():
            yield table.c[name] == value
        yield table.c.deleted_at.is_(None)


def _unfolded(flat: Record) -> Record:
    """Dotted names as objects in objects."""
    made: Record = {}
    for name, value in flat.items():
        *outer, last = name.split(".")
        place = made
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return made
