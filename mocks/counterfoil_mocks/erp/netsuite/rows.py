"""What the rows of all tables of SuiteQL are selected with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite.columns import Declared, Value
from counterfoil_mocks.erp.netsuite.declared import RECORD
from counterfoil_mocks.erp.netsuite.record_types import TYPES
from counterfoil_mocks.erp.netsuite.table_columns import COLUMNS, CUSTOMS, RECORD_COLUMNS
from counterfoil_mocks.protocols.fieldmap import ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.system import System


class Rows:
    """Selects over the tables of the business. types: of records, by name."""

    def __init__(self, system: System, types: Mapping[str, ObjectMap] = TYPES) -> None:
        self.system = system
        self.name = system.name
        self.types = types
        self.columns = dict(COLUMNS)
        self.columns |= {name: RECORD_COLUMNS for name in types if name.startswith(RECORD)}
        self.declared = Declared(types, self.columns, self._id_of)

    def _table(self, entity: str) -> Any:
        return self.system.table(entity).sql.alias()

    def _lines(self, parent: str) -> Any:
        return self.system.table(parent).lines["lines"].sql.alias()

    def _id_of(self, entity: str, key: Value) -> Value:
        """The id of what has a business key."""
        each = self._table(entity)
        return sa.select(each.c.id).where(each.c.system == self.name, each.c.key == key).limit(1).scalar_subquery()

    def _company(self, code: Value) -> Value:
        return self._id_of("legal_entity", code)

    def _period_of(self, code: Value, day: Value) -> Value:
        return self._id_of("period", code.op("||")("/").op("||")(sa.func.substr(day, 1, 7)))

    def _customs(self, table: str, rows: Any, entity: str | None = None) -> dict[str, Any]:
        """Custom fields of a table's rows. entity: whose rows these are, where the table has several kinds; null in others."""
        found: dict[str, Any] = {}
        for each in CUSTOMS[table]:
            own = entity is None or each.entity.name == entity
            found |= each.values(rows) if own else {name: found.get(name) for name in each.columns()}
        return found

    def _live(self, each: Any) -> tuple[Value, ...]:
        return each.c.system == self.name, each.c.deleted_at.is_(None)

    @staticmethod
    def _selected(values: Mapping[str, Any]) -> list[Value]:
        return [
            (sa.null() if value is None else value if isinstance(value, sa.ColumnElement) else sa.literal(value)).label(
                name
            )
            for name, value in values.items()
        ]

    def _put(self, values: Mapping[str, Any], source: Any, *where: Any) -> sa.Select[Any]:
        return sa.select(*self._selected(values)).select_from(source).where(*where)

    def _all(self, values: Mapping[str, Any], each: Any) -> sa.FromClause:
        """All live rows of one table."""
        return self._put(values, each, *self._live(each)).subquery()
