"""Reads records through the same views that SOQL sees, so that no field has two meanings."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement

from counterfoil_mocks.crm.salesforce import computed, errors
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.crm.salesforce.views import Catalog
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols import running
from counterfoil_mocks.protocols.compiler import Compiler
from counterfoil_mocks.protocols.query import Query
from counterfoil_mocks.protocols.running import DIALECT
from counterfoil_mocks.protocols.scope import Rows, Shape, Typed
from counterfoil_mocks.protocols.soql_answer import instant, shown
from counterfoil_mocks.protocols.written import Written, dictionary

PLAIN = ("text", "choice", "id", "date")
BESIDE: dict[str, Callable[[sa.FromClause], sa.FromClause]] = {"Account": computed.beside_site}
"""What is looked up once for all fields of a record that are made of it."""
MOST_READINGS = 500
MOST_PACKED = 100


@dataclass(frozen=True)
class Reading:
    """How a record is read. text: the statement, whose first three columns say whether it is in the bin and give its custom fields and, as one list,
    what can be told so: a column takes the driver longer than its value takes the database. show: makes a record of its attributes and of
    what is in the list and behind it. members: by member of the custom fields, the field that is just that. compounds: kinds of addresses that
    are put together from their parts."""

    text: str
    show: Callable[[Record, Sequence[Any]], Record]
    members: dict[str, str]
    compounds: list[str]


class Reader:
    """Reads records by id. url: where a record of some version is."""

    def __init__(self, store: Store, catalog: Catalog, url: Callable[[str, str, str], str]) -> None:
        self.store = store
        self.schema = catalog.system.schema
        self.catalog = catalog
        self.url = url
        self.compiler = Compiler(catalog, ignore_case=True)
        self._readings: dict[tuple[str, tuple[str, ...] | None], Reading] = {}
        self._equipped: Store | None = None
        """The store that knows all functions of the statements so far."""

    def get(self, each: SObject, record_id: str, version: str, names: Sequence[str] | None = None) -> Record:
        """A record as Salesforce shows it; raises Refused 404."""
        if not is_id(record_id) or self.catalog.find(each.name) is None:
            raise errors.not_found()
        found = self.find(each, long_id(record_id), version, names)
        if found is None:
            raise errors.not_found()
        deleted_at, record = found
        if deleted_at:
            raise self.gone(deleted_at)
        return record

    def gone(self, deleted_at: str) -> Refused:
        """The refusal of a record that was deleted: it is in the bin, or nobody knows it any more."""
        return errors.deleted() if deleted_at >= self.catalog.bin_start else errors.not_found()

    def find(
        self, each: SObject, record_id: str, version: str, names: Sequence[str] | None = None
    ) -> tuple[str, Record] | None:
        """A record, also a deleted one, and when that was; nothing for a live one."""
        reading = self._reading(each, None if names is None else tuple(names))
        with self.store.local(self.schema) as store:
            if store is not self._equipped:
                running.equip(store)
                self._equipped = store
            row = store.connection.execute(reading.text, (record_id,)).fetchone()
        if row is None:
            return None
        attributes = {"type": each.name, "url": self.url(version, each.name, record_id)}
        record = reading.show(attributes, (*orjson.loads(row[2]), *row[3:]))
        for member, value in (orjson.loads(row[1]) if row[1] else {}).items():
            name = reading.members.get(member)
            if name is not None and value is not None:
                record[name] = value if type(value) is str else _as_sql(value)
        for kind in reading.compounds:
            record[f"{kind}Address"] = computed.compound(record, kind)
        return row[0] or "", record

    def _reading(self, each: SObject, names: tuple[str, ...] | None) -> Reading:
        known = self._readings.get((each.name, names))
        if known is not None:
            return known
        view = self.catalog.find(each.name)
        assert view is not None
        beside = BESIDE.get(each.name)
        table = view.rows() if beside is None else beside(view.rows())
        rows = Rows(table, view)
        wanted = [one.name for one in view.columns] if names is None else [self._name(each, name) for name in names]
        typed = [(name, one) for name in dict.fromkeys(wanted) if (one := rows.find(name)) is not None]
        members = {member: name for name, _ in typed if (member := view.by_name[name.lower()].member)}
        there = {name for name, _ in typed}
        compounds = [
            kind
            for kind, type_ in ((name.removesuffix("Address"), view.by_name[name.lower()].type) for name in there)
            if type_ == "address" and there >= {kind + part for part in computed.PARTS}
        ]
        apart = {*members.values(), *(f"{kind}Address" for kind in compounds)}
        asked = [(name, one) for name, one in typed if name not in apart]
        kept = self.catalog.system.table(each.entity).names if each.entity else ()
        packed = [(name, one) for name, one in asked if _packable(one, kept)][:MOST_PACKED]
        asked = [*packed, *(pair for pair in asked if pair not in packed)]
        deleted: sa.ColumnElement[Any] = table.c.deleted_at if each.entity else sa.null()
        custom: sa.ColumnElement[Any] = table.c.custom if members else sa.null()
        statement = sa.select(
            deleted,
            custom.label("own"),
            sa.func.json_array(*(one.sql for _, one in packed)),
            *(one.sql.label(f"c{at}") for at, (_, one) in enumerate(asked[len(packed) :])),
        )
        statement = statement.where(*self.catalog.belongs(each, table), table.c.id == sa.literal_column("?"))
        reading = Reading(
            str(statement.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})),
            self._shower(each, [name for name, _ in typed], asked),
            members,
            sorted(compounds),
        )
        if len(self._readings) > MOST_READINGS:
            self._readings.clear()
        self._readings[each.name, names], self._equipped = reading, None
        return reading

    def _shower(
        self, each: SObject, names: Sequence[str], asked: Sequence[tuple[str, Typed]]
    ) -> Callable[[Record, Sequence[Any]], Record]:
        """What makes a record of the values of what is asked; a field whose value comes from elsewhere has its default till then."""
        made = Written("attributes", "values")
        made.line(f"{', '.join(f'value{at}' for at in range(len(asked)))}, = values")
        shown = {name: _source(made, f"value{at}", name, one) for at, (name, one) in enumerate(asked)}
        users = {one.name for one in each.fields if one.default == "$user"}
        for name in names:
            shown.setdefault(name, made.value(self.catalog.org.user if name in users else None))
        made.line(f"return {dictionary([('attributes', 'attributes'), *((name, shown[name]) for name in names)])}")
        return made.function()

    @staticmethod
    def _name(each: SObject, name: str) -> str:
        one = each.by_name.get(name.strip().lower())
        if one is None:
            raise Refused(400, "INVALID_FIELD", f"No such column '{name.strip()}' on sobject of type {each.name}")
        return one.name

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.run(self.compiler.query(query)[0])

    def run(self, statement: sa.sql.ClauseElement) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with self.store.local(self.schema) as store:
            return running.run(store, statement)


def _packable(one: Typed, kept: Container[str]) -> bool:
    """Whether a list tells a value as it is: a column that is kept so, a whole number, one of a few words. Fractions would lose digits, and what comes
    out of JSON would be told as JSON again."""
    if isinstance(one.sql, sa.ColumnClause):
        return one.sql.name in kept
    if isinstance(one.sql, sa.Cast):
        return isinstance(one.sql.type, sa.Integer)
    return one.kind in ("boolean", "choice") and not any(map(_is_function, visitors.iterate(one.sql)))


def _is_function(part: Any) -> bool:
    return isinstance(part, FunctionElement)


def _source(made: Written, value: str, name: str, one: Typed) -> str:
    """What shows a value that is called so."""
    if one.kind in PLAIN:
        return value
    if one.kind == "boolean":
        return f"bool({value})"
    if one.kind == "instant":
        return f"None if {value} is None else {made.value(instant)}({value})"
    shape = Shape(name, one.kind, one.places, one.column)
    return f"None if {value} is None else {made.value(shown)}({value}, {made.value(shape)})"


def _as_sql(value: Any) -> Any:
    """A member of JSON that is no text as the database gives it."""
    if isinstance(value, bool):
        return int(value)
    return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else value
