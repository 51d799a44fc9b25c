"""Reads records through the same views that SOQL sees, so that no field has two meanings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.crm.salesforce import errors
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.crm.salesforce.views import Catalog
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols import compiler
from counterfoil_mocks.protocols.compiler import DIALECT, Compiler, Rows, Shape
from counterfoil_mocks.protocols.query import Query
from counterfoil_mocks.protocols.soql import shown

PLAIN = ("text", "choice", "id", "date")


class Reader:
    """Reads records by id. url: where a record of some version is."""

    def __init__(self, store: Store, catalog: Catalog, url: Callable[[str, str, str], str]) -> None:
        self.store = store
        self.catalog = catalog
        self.url = url
        self.compiler = Compiler(catalog, ignore_case=True)
        self._texts: dict[tuple[str, tuple[str, ...] | None], tuple[str, list[Shape]]] = {}

    def get(self, each: SObject, record_id: str, version: str, names: Sequence[str] | None = None) -> Record:
        """A record as Salesforce shows it; raises Refused 404."""
        if not is_id(record_id) or self.catalog.find(each.name) is None:
            raise errors.not_found()
        found = self.find(each, long_id(record_id), version, names)
        if found is None:
            raise errors.not_found()
        deleted, record = found
        if deleted:
            raise errors.deleted()
        return record

    def find(
        self, each: SObject, record_id: str, version: str, names: Sequence[str] | None = None
    ) -> tuple[bool, Record] | None:
        """A record, also one in the bin, and whether it is there."""
        text, shapes = self._text(each, None if names is None else tuple(names))
        with self.store.local() as store:
            compiler.equip(store)
            row = store.connection.execute(text, {"wanted": record_id}).fetchone()
        if row is None:
            return None
        record: Record = {"attributes": {"type": each.name, "url": self.url(version, each.name, record_id)}}
        for value, shape in zip(row[1:], shapes, strict=True):
            record[shape.name] = (
                value if (value is None and shape.kind != "boolean") or shape.kind in PLAIN else shown(value, shape)
            )
        return bool(row[0]), record

    def _text(self, each: SObject, names: tuple[str, ...] | None) -> tuple[str, list[Shape]]:
        known = self._texts.get((each.name, names))
        if known is not None:
            return known
        view = self.catalog.find(each.name)
        assert view is not None
        table = view.rows()
        rows = Rows(table, view)
        wanted = [one.name for one in view.columns] if names is None else [self._name(each, name) for name in names]
        typed = [(name, rows.find(name)) for name in dict.fromkeys(wanted)]
        deleted: sa.ColumnElement[Any] = table.c.deleted_at.is_not(None) if each.entity else sa.literal(0)
        statement = sa.select(
            deleted, *(one.sql.label(f"c{at}") for at, (_, one) in enumerate(typed) if one is not None)
        )
        statement = statement.where(*view.where(table, True), table.c.id == sa.literal_column(":wanted"))
        text = str(statement.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
        shapes = [Shape(name, one.kind, one.places, one.column) for name, one in typed if one is not None]
        if len(self._texts) > 500:
            self._texts.clear()
        self._texts[each.name, names] = text, shapes
        return text, shapes

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
        with self.store.local() as store:
            return compiler.run(store, statement)
