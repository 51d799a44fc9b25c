"""What columns of SuiteQL's tables are made of, and the columns that a landscape declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite.declared import line_of, of
from counterfoil_mocks.erp.netsuite.lists import LISTS
from counterfoil_mocks.erp.netsuite.objects import KEEP
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap
from counterfoil_mocks.protocols.relation import MONEY_PLACES, Expression, custom

Value = sa.ColumnElement[Any]
LINES = "transactionline"
MARKS = {
    "integer": ":n",
    "decimal": ":m",
    "percent": ":m",
    "money": ":m",
    "boolean": ":b",
    "date": ":d",
    "instant": ":t",
}
"""How columns of declared fields are marked, by their type."""


class Declared:
    """Columns of the fields that a landscape declares. tables: all that there are. id_of: the id of an entity's record by its key."""

    def __init__(
        self, types: Mapping[str, ObjectMap], tables: Mapping[str, str], id_of: Callable[[str, Value], Value]
    ) -> None:
        self.types = types
        self.tables = tables
        self.id_of = id_of
        self.by_table: dict[str, dict[str, FieldMap]] = {
            LINES: {one.name: one for one in of(line_of(types["invoice"]))}
        }
        for each in types.values():
            self.by_table.setdefault(table_of(each), {}).update({one.name: one for one in of(each)})

    def names(self, table: str) -> Iterable[str]:
        """Names of a table's columns."""
        return self.by_table.get(table, {})

    def marked(self, table: str) -> Iterable[str]:
        """A table's columns and how they are marked."""
        return (one.name + self._mark(one) for one in self.by_table.get(table, {}).values())

    def _mark(self, one: FieldMap) -> str:
        if not one.refers:
            return MARKS.get(kind_of(one), "")
        target = one.refers if one.refers in LISTS else table_of(self.types[one.refers])
        return f">{target}" if target in self.tables else ""

    def display(self, table: str, name: str) -> Expression | None:
        """What people see of a member of a custom list."""
        one = self.by_table.get(table, {}).get(name)
        if one is None or not one.about["declared"].choices:
            return None
        names = {str(number): label for number, label in enumerate(one.about["declared"].choices, 1)}
        return lambda rows: sa.case(names, value=rows.c[name])

    def of(self, table: str, rows: Any, *within: str) -> dict[str, Value]:
        """The values of a table's rows. within: the member of their custom fields that holds them."""
        found = {}
        for one in self.by_table.get(table, {}).values():
            kind = kind_of(one)
            if kind == "choice":
                value = custom("id", within=(*within, one.name))(rows)
            elif MARKS.get(kind) in (":m", ":n"):
                value = custom(one.name, within=within, places=0 if kind == "integer" else MONEY_PLACES)(rows)
            else:
                value = custom(one.name, within=within)(rows)
            found[one.name] = self._typed(one, value)
        return found

    def of_line(self, document: Any, line: Any) -> dict[str, Value]:
        """The values of a document's line, which the document holds by the line's number."""
        own = inside(line)
        found = {}
        for one in self.by_table[LINES].values():
            kind = kind_of(one)
            member = f'."{one.name}".id' if kind == "choice" else f'."{one.name}"'
            value: Value = sa.func.json_extract(document.c.custom, own.op("||")(member))
            if MARKS.get(kind) in (":m", ":n"):
                value = sa.cast(value, sa.BigInteger) if kind == "integer" else scaled(value)
            found[one.name] = self._typed(one, value)
        return found

    def _typed(self, one: FieldMap, found: Value) -> Value:
        """What is kept of a field as its column has it: checkboxes as 1 and 0, references as ids."""
        if kind_of(one) == "boolean":
            return sa.case((sa.cast(found, sa.Text).in_(("1", "true")), 1), else_=0)
        if not one.refers:
            return found
        if one.refers in LISTS:
            return coded(one.refers, found)
        target = self.types[one.refers]
        return self.id_of(target.entity, found) if "stored" in target.about else found


def inside(line: Any, sublist: str = "item") -> Value:
    """The path, in what is kept of a transaction, to what is kept of one of its lines."""
    return sa.literal(f"$.{KEEP}.{sublist}.").op("||")('"').op("||")(sa.cast(line.c.line_no, sa.Text)).op("||")('"')


def kind_of(one: FieldMap) -> str:
    """The type that a field is declared of."""
    return str(one.about["declared"].type)


def table_of(each: ObjectMap) -> str:
    """SuiteQL's table of a type of records."""
    if each.about["family"] == "transaction":
        return "transaction"
    return "item" if each.about["family"] == "item" else each.name.lower()


def ticked(name: str) -> Expression:
    """A checkbox as queries compare it."""
    return lambda rows: sa.case((rows.c[name] == 1, "T"), else_="F")


def coded(name: str, code: Value) -> Value:
    """The id of a list's row by what is stored."""
    return sa.case({row.stored: row.id for row in LISTS[name]}, value=code)


def scaled(found: Value) -> Value:
    """A number out of JSON as an exact integer with `MONEY_PLACES` decimal places."""
    return sa.cast(sa.func.round(sa.cast(found, sa.Float) * 10**MONEY_PLACES), sa.BigInteger)
