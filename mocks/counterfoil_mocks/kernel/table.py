"""Tables of records: how the records of one entity are written to SQL and read from it.

Statements run as text on the driver's connection, which is where the speed comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import orjson
import sqlalchemy as sa

from counterfoil_mocks.kernel.fields import COMMON, JSON_KINDS, Entity, Record
from counterfoil_mocks.kernel.layout import Layout, is_whole
from counterfoil_mocks.kernel.statements import Glance, LineStatements, Statements, bound, compiled, placed

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.store import Store

MOST_STATEMENTS = 500
COUNTED = ("id", "deleted_at")
"""What stands in the index of `updated_at` behind it: those that are not deleted are counted without a look at each."""
DULL = ("state", "choice")
"""Kinds of fields that have one of few values: an index of one finds many records."""
EMPTY_JSON = {"json": "[]", "refs": "[]", "object": "{}"}


class KeyTaken(Exception):
    """A live record has this business key already."""


class Table:
    """Reads and writes the records of one entity in one schema. Holds compiled statements; knows no rules.

    The column `shown` keeps each record's wire form as JSON text, so that readers need not render it; it is null where it must be
    rendered anew (a trigger sees to it when SQL from elsewhere changes a row).
    """

    def __init__(self, store: Store, schema: str, entity: Entity) -> None:
        self.store = store
        self.schema = schema
        self.entity = entity
        self.fields = (*COMMON, *entity.columns)
        self.names = entity.names
        self.bools = tuple(each.name for each in self.fields if each.kind == "boolean")
        self.jsons = tuple((each.name, each.kind) for each in self.fields if each.kind in JSON_KINDS)
        self._json_columns = [(name, EMPTY_JSON[kind], dict if kind == "object" else list) for name, kind in self.jsons]
        self._json_places = [(1 + self.names.index(name), name, kind) for name, kind in self.jsons]
        indexes: dict[str, tuple[str, ...]] = {
            f"{entity.name}_{each.name}": (
                "system",
                each.name,
                *(COUNTED if each.name == "updated_at" else ("updated_at", "id")),
            )
            for each in self.fields
            if each.indexed and each.name != entity.key_field
        }
        columns = {"system": False, **{each.name: is_whole(each) for each in self.fields}, "shown": False}
        indexes |= {f"{entity.name}_{name}": ("system", name, "id") for name in entity.sorts}
        indexes |= {f"{entity.name}_{name}_folded": ("system", f"lower({name})", "id") for name in entity.folds}
        dull = {each.name for each in self.fields if each.kind in (*DULL, "boolean")}
        self.layout = Layout(schema, entity.name, columns, ("system", "id"), indexes, dull)
        self.lines = {
            each.name: LineTable(store, schema, each.entity) for each in entity.children if each.entity is not None
        }
        self._order = (*self.names, *self.lines)
        self._in_order = itemgetter(*self._order)
        self._updates: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}
        self._selects: dict[object, str] = {}
        self.asks = Statements(self.layout, self.names)
        self._ddls: dict[str, tuple[str, ...]] = {}

    def at(self, store: Store) -> Table:
        """The same table in another store: its statements are built once, however many stores there are."""
        same = copy(self)
        same.store = store
        same.lines = {name: line.at(store) for name, line in self.lines.items()}
        return same

    @property
    def sql(self) -> sa.Table:
        """The table of the records as SQLAlchemy knows it."""
        return self.layout.sql

    @property
    def layouts(self) -> list[Layout]:
        """Its tables in the database: that of the records, and one for each kind of line."""
        return [self.layout, *(each.layout for each in self.lines.values())]

    def create(self) -> None:
        """Create the tables and indexes that are missing; `Store.weigh` then says what these are worth."""
        self.store.define(self.ddl(self.store.dialect.name))

    def ddl(self, dialect: str) -> tuple[str, ...]:
        """Statements that create the tables and indexes that are missing, in the words of a database."""
        if dialect not in self._ddls:
            made = [statement for each in self.layouts for statement in each.ddl(dialect)]
            self._ddls[dialect] = (*made, self._trigger(dialect))
        return self._ddls[dialect]

    def _trigger(self, dialect: str) -> str:
        name = self.entity.name
        if dialect == "sqlite":
            return (
                f"CREATE TRIGGER IF NOT EXISTS {self.schema}.{name}_shown AFTER UPDATE ON {name}"
                " WHEN new.shown IS old.shown AND new.shown IS NOT NULL"
                f" BEGIN UPDATE {name} SET shown = NULL WHERE rowid = new.rowid; END"
            )
        return (
            f"CREATE OR REPLACE TRIGGER {name}_shown BEFORE UPDATE ON {self.schema}.{name}"
            " FOR EACH ROW EXECUTE FUNCTION control.forget_shown()"
        )

    def drop_indexes(self) -> None:
        """Take its indexes away until `create` makes them again, which is cheaper than keeping them while many rows come."""
        for each in self.layouts:
            for name in each.indexes:
                self.store.execute(f"DROP INDEX IF EXISTS {self.schema}.{name}")

    def load(self, row: Sequence[Any], system: str) -> Record:
        """A database row as a stored record, its lines read along."""
        record: Record = dict(zip(self.names, row))  # noqa: B905 (the check costs as much as the work)
        for name in self.bools:
            value = record[name]
            if value is not None:
                record[name] = value != 0
        for name, empty, kind in self._json_columns:
            value = record[name]
            record[name] = orjson.loads(value) if value and value != empty else kind()
        if self.lines:
            for name, lines in self.lines.items():
                record[name] = lines.read(system, record["id"])
        return record

    def row(self, system: str, record: Record, *, rendered: bool = True) -> list[Any]:
        """A record as a row of its table; `rendered`: with its wire form beside it."""
        values = [system, *map(record.get, self.names)]
        for position, name, kind in self._json_places:
            value = record.get(name)
            values[position] = orjson.dumps(value).decode() if value else EMPTY_JSON[kind]
        values.append(self.render(record) if rendered else None)
        return values

    def render(self, record: Record) -> str | None:
        """The wire form of a record as JSON text; None where the record is not all there."""
        try:
            wire = self.entity.to_wire(record)
            return orjson.dumps(dict(zip(self._order, self._in_order(wire)))).decode()  # noqa: B905 (as in `load`)
        except KeyError:
            return None

    def glance(self, system: str, id_or_key: str, *, key: bool = False) -> Glance | None:
        """The live record with this id or business key as readers get it. key: it looks like a key, which is tried first then."""
        execute, asked = self.store.connection.execute, (system, id_or_key)
        by_id, by_key = self.asks.glance, self.asks.glance_by_key
        for text in (by_key, by_id) if key else (by_id, by_key):
            row = execute(text, asked).fetchone()
            if row is not None and row[4] is None:
                break
        else:
            return None
        return Glance._make(row if row[5] is not None else (*row[:5], self.rendered(system, row[0])))

    def rendered(self, system: str, record_id: str) -> str:
        """The wire form, as JSON text, of a record that has not been rendered since it was last written."""
        found = self.by_id(system, record_id)
        assert found is not None
        return self.render(found) or ""

    def by_id(self, system: str, value: str) -> Record | None:
        """The record with this native id."""
        return self._one(self.asks.shown, "by_id", system, value)

    def by_key(self, system: str, value: str) -> Record | None:
        """The oldest live record with this business key."""
        return self._one(self.asks.shown_by_key, "by_key", system, value)

    def _one(self, shown: str, columns: str, system: str, value: str) -> Record | None:
        """A record, made of its wire form where that is there, lines and all: that takes less than its columns."""
        execute, asked = self.store.connection.execute, (system, value)
        row = execute(shown, asked).fetchone()
        if row is not None and row[0] is not None:
            return self.entity.from_wire(orjson.loads(row[0]))
        row = None if row is None else execute(getattr(self.asks, columns), asked).fetchone()
        return None if row is None else self.load(row, system)

    def live_id(self, system: str, id_or_key: str, *, key: bool = False) -> str | None:
        """The native id of the live record with this id, else of the oldest one with this business key. key: as in `glance`."""
        execute, asked = self.store.connection.execute, (system, id_or_key)
        by_id, by_key = self.asks.live_id, self.asks.id_of_key
        first, second = (by_key, by_id) if key else (by_id, by_key)
        row = execute(first, asked).fetchone() or execute(second, asked).fetchone()
        return None if row is None else str(row[0])

    def select(
        self,
        system: str,
        where: Mapping[str, Any] | None = None,
        *,
        order: Sequence[str] = ("updated_at", "id"),
        limit: int | None = None,
        offset: int = 0,
        deleted: bool = False,
    ) -> list[Record]:
        """Records that equal `where` in every named column (a list means any of its values), oldest change first."""
        bound: Record = {"system": system}
        shape = []
        for name, value in (where or {}).items():
            if isinstance(value, (list, tuple, set)):
                bound |= {f"{name}_{number}": each for number, each in enumerate(value)}
                shape.append((name, len(value)))
            else:
                bound |= {} if value is None else {f"{name}_0": value}
                shape.append((name, -1 if value is None else 1))
        if limit is not None:
            bound |= {"row_limit": limit, "row_offset": offset}
        text = self._select(tuple(shape), tuple(order), limit is not None, deleted)
        return [self.load(row, system) for row in self.store.connection.execute(text, bound).fetchall()]

    @cached_property
    def _whole(self) -> sa.TextClause:
        """All columns as one text: SQLAlchemy would take longer to write them than the database to read them."""
        return sa.text(", ".join(compiled(self.sql.c[name]) for name in self.names))

    def where(self, *clauses: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """A statement for `fetch`: the records that meet conditions on `self.sql`."""
        return sa.select(self._whole).select_from(self.sql).where(*clauses)

    def along(self, name: str) -> list[sa.ColumnElement[bool]]:
        """A condition that every record meets, and that opens the index of an order of vendors (`Entity.sorts`); none where there is no such
        index. For lists that ask for nothing else: others have a better one."""
        return [self.sql.c[name].is_not(None)] if name in self.entity.sorts else []

    def fetch(self, statement: sa.Select[Any], system: str) -> list[Record]:
        """The records that a statement made by `where` finds."""
        rows = self.store.connection.execute(*bound(statement)).fetchall()
        return [self.load(row, system) for row in rows]

    def asked(self, name: str) -> sa.ColumnElement[Any]:
        """The column that answers a question about a field: the key's, which has an index, where the field is the key."""
        found: sa.ColumnElement[Any] = self.sql.c["key" if name == self.entity.key_field else name]
        return found

    def _select(self, shape: tuple[tuple[str, int], ...], order: tuple[str, ...], limited: bool, deleted: bool) -> str:
        """The SQL of a question, built once. shape: each column with how many values it may have, -1 for null."""
        asked = (shape, order, limited, deleted)
        text = self._selects.get(asked)
        if text is not None:
            return text
        clauses: list[sa.ColumnElement[bool]] = [self.sql.c.system == sa.bindparam("system")]
        for name, count in shape:
            each = self.asked(name)
            values: list[Any] = [sa.bindparam(f"{name}_{number}") for number in range(count)]
            among = each.in_(values) if values else sa.false()
            clauses.append(each.is_(None) if count < 0 else each == values[0] if count == 1 else among)
        if not deleted:
            clauses.append(self.sql.c.deleted_at.is_(None))
        statement = sa.select(*(self.sql.c[name] for name in self.names)).where(*clauses)
        statement = statement.order_by(*(self.sql.c[name] for name in order))
        if limited:
            statement = statement.limit(sa.bindparam("row_limit")).offset(sa.bindparam("row_offset"))
        if len(self._selects) >= MOST_STATEMENTS:
            self._selects.clear()
        text = self._selects[asked] = compiled(statement)
        return text

    def insert(self, system: str, record: Record, *, unique: bool = False) -> str | None:
        """Write a new record and its lines; returns its wire form as JSON text. unique: raises KeyTaken where a live record has its key."""
        execute, row, place = self.store.write, self.row(system, record), (system, record["key"])
        if unique and self.store.distant:
            if not execute(self.asks.insert_unique, (*row, *place)).rowcount:
                raise KeyTaken
        elif unique and execute(self.asks.has_key, place).fetchone():
            raise KeyTaken
        else:
            execute(self.asks.insert, row)
        for name, lines in self.lines.items():
            lines.write(system, record["id"], record[name])
        shown: str | None = row[-1]
        return shown

    def insert_many(self, system: str, records: Sequence[Record], *, rendered: bool = False) -> None:
        """Write many new records at once (the firm's loader; no history, no events). What is not rendered now is rendered whenever
        it is read."""
        rows = [self.row(system, record, rendered=rendered) for record in records]
        self.store.connection.executemany(self.asks.insert, rows)
        for name, lines in self.lines.items():
            lines.write_many(system, [(record["id"], line) for record in records for line in record.get(name, ())])

    def update(self, system: str, record: Record, changed: Sequence[str]) -> None:
        """Write the changed columns and line tables of a record."""
        own = tuple(name for name in changed if name not in self.lines)
        if changed:
            known = self._updates.get(own)
            if known is None:
                statement = sa.update(self.sql).where(
                    self.sql.c.system == sa.bindparam("in_system"), self.sql.c.id == sa.bindparam("with_id")
                )
                known = placed(statement.values({name: sa.bindparam(name) for name in (*own, "shown")}))
                self._updates[own] = known
            text, order = known
            bound = {**record, "shown": self.render(record), "in_system": system, "with_id": record["id"]}
            for name, kind in self.jsons:
                if name in own:
                    value = record.get(name)
                    bound[name] = orjson.dumps(value).decode() if value else EMPTY_JSON[kind]
            self.store.connection.execute(text, tuple(map(bound.get, order)))
        for name, lines in self.lines.items():
            if name in changed:
                lines.clear(system, record["id"])
                lines.write(system, record["id"], record[name])

    def remove(self, system: str, record_id: str) -> None:
        """Take a record out for good: only a restore does this."""
        self.store.execute(
            f"DELETE FROM {self.schema}.{self.entity.name} WHERE system = ? AND id = ?", (system, record_id)
        )
        for lines in self.lines.values():
            lines.clear(system, record_id)


BUILT: dict[tuple[str, int], Table] = {}
"""The table of each schema and entity that any store has asked for, in no store."""


def table_of(store: Store, schema: str, entity: Entity) -> Table:
    """The table of an entity in a store."""
    place = (schema, id(entity))
    if place not in BUILT:
        BUILT[place] = Table(store, schema, entity).at(cast("Store", None))
    return BUILT[place].at(store)


class LineTable:
    """The lines of a document: rows ordered by position that live and die with it."""

    def __init__(self, store: Store, schema: str, entity: Entity) -> None:
        self.store = store
        self.names = entity.line_names
        self.bools = tuple(each.name for each in entity.columns if each.kind == "boolean")
        self.jsons = tuple(each.name for each in entity.columns if each.kind in JSON_KINDS)
        self._json_places = [(3 + self.names.index(name), name) for name in self.jsons]
        columns = {"system": False, "parent": False, "position": True}
        columns |= {each.name: is_whole(each) for each in entity.columns}
        indexes = {f"{entity.name}_{each.name}": ("system", each.name) for each in entity.columns if each.indexed}
        self.layout = Layout(schema, entity.name, columns, ("system", "parent", "position"), indexes)
        self.asks = LineStatements(self.layout, self.names)

    @property
    def sql(self) -> sa.Table:
        """The table as SQLAlchemy knows it."""
        return self.layout.sql

    def at(self, store: Store) -> LineTable:
        """The same lines in another store."""
        same = copy(self)
        same.store = store
        return same

    def read(self, system: str, parent: str) -> list[Record]:
        """All lines of a document."""
        rows = self.store.connection.execute(self.asks.read, (system, parent)).fetchall()
        lines: list[Record] = [dict(zip(self.names, row)) for row in rows]  # noqa: B905 (the check costs as much as the work)
        for line in lines:
            for name in self.bools:
                if line[name] is not None:
                    line[name] = bool(line[name])
            for name in self.jsons:
                line[name] = orjson.loads(line[name]) if line[name] else []
        return lines

    def _row(self, system: str, parent: str, position: int, line: Record) -> list[Any]:
        row = [system, parent, position, *map(line.get, self.names)]
        for place, name in self._json_places:
            row[place] = orjson.dumps(line.get(name) or []).decode()
        return row

    def write(self, system: str, parent: str, lines: Sequence[Record]) -> None:
        """Add lines in their order."""
        self.write_many(system, [(parent, line) for line in lines])

    def write_many(self, system: str, lines: Sequence[tuple[str, Record]]) -> None:
        """Add lines of many documents, each document's lines in order."""
        if lines:
            rows = [self._row(system, parent, position, line) for position, (parent, line) in enumerate(lines, 1)]
            self.store.connection.executemany(self.asks.insert, rows)

    def clear(self, system: str, parent: str) -> None:
        """Remove all lines of a document."""
        self.store.connection.execute(self.asks.clear, (system, parent))
