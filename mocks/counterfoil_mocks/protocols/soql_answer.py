"""Answers of SOQL: the rows of a plan, shown as Salesforce shows records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from counterfoil_mocks.protocols.relation import Children, View, unscaled
from counterfoil_mocks.protocols.scope import Shape
from counterfoil_mocks.protocols.soql_plan import Cell, Plan

Url = Callable[[str, str], str]
"""(object, id) → the record's url."""
More = Callable[["Answer", int], str]
"""Keeps the rows of an answer from a position on; gives the url of the next page."""
Fetched = Callable[[Children, Plan, Sequence[str]], dict[str, "Answer"]]
"""(way, plan of an inner query, ids of parents) → its answers by parent, for those that have any rows."""


class Asked(NamedTuple):
    """How an answer can be had again: the text that was asked, whether deleted records were too, and for the answer of an inner query the way
    to it, as names of relations with ids of parents."""

    text: str
    deleted: bool
    way: tuple[tuple[str, str], ...] = ()


@dataclass
class Answer:
    """The rows of a query, and how to show them. children: what answers the inner queries."""

    plan: Plan
    rows: Sequence[tuple[Any, ...]]
    shapes: Sequence[Shape]
    children: Fetched
    asked: Asked | None = None

    @property
    def total(self) -> int:
        """How many rows there are."""
        return int(self.rows[0][0]) if self.plan.count_only else len(self.rows)

    def records(self, start: int, stop: int, url: Url, more: More, child_page: int) -> list[dict[str, Any]]:
        """The records of some rows."""
        if self.plan.count_only:
            return []
        rows = self.rows[start:stop]
        children = [
            (way.name, self.children(way, plan, [row[self.plan.id_at] for row in rows]))
            for way, plan in self.plan.inner
        ]
        found = []
        for row in rows:
            record: dict[str, Any] = {}
            if self.plan.grouped:
                record["attributes"] = {"type": "AggregateResult"}
            else:
                record["attributes"] = _attributes(self.plan.view, row[self.plan.id_at], url)
            self._fill(record, row, url)
            for name, answers in children:
                mine = answers.get(row[self.plan.id_at])
                if mine is not None and self.asked is not None:
                    way = (*self.asked.way, (name, row[self.plan.id_at]))
                    mine.asked = self.asked._replace(way=way)
                record[name] = None if mine is None else _inner(mine, url, more, child_page)
            found.append(self._in_order(record))
        return found

    def inner(self, name: str, parent: str) -> Answer | None:
        """The answer of an inner query for one parent, if it has any rows."""
        found = next(((way, plan) for way, plan in self.plan.inner if way.name == name), None)
        return None if found is None else self.children(*found, [parent]).get(parent)

    def _in_order(self, record: dict[str, Any]) -> dict[str, Any]:
        wanted = {"attributes": record["attributes"]}
        for name in self.plan.order:
            if name in record:
                wanted[name] = record[name]
        return wanted | record

    def _fill(self, record: dict[str, Any], row: tuple[Any, ...], url: Url) -> None:
        missing: set[tuple[str, ...]] = set()
        for parent in self.plan.parents:
            *outer, last = parent.path
            there = parent.found(row)
            if tuple(outer) in missing or there is None:
                missing.add(parent.path)
                if tuple(outer) not in missing:
                    _place(record, outer)[last] = None
                continue
            _place(record, outer)[last] = {"attributes": _attributes(there[1], there[0], url)}
        for cell in self.plan.cells:
            *outer, last = cell.path
            if tuple(outer) in missing:
                continue
            _place(record, outer)[last] = self._value(cell, row)
        for each in self.plan.kinds:
            record[each.name] = None
            for parent, cells in each.kinds:
                there = parent.found(row)
                if there is not None:
                    made = {"attributes": _attributes(there[1], there[0], url)}
                    record[each.name] = made | {cell.path[-1]: self._value(cell, row) for cell in cells}
                    break

    def _value(self, cell: Cell, row: tuple[Any, ...]) -> Any:
        value = shown(row[cell.at], self.shapes[cell.at])
        if not cell.as_text or value is None:
            return value
        return formatted(value, self.shapes[cell.at], None if cell.ccy_at is None else row[cell.ccy_at])

    def flat(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A row by dotted names, for tables."""
        return {".".join(cell.path): self._value(cell, row) for cell in self.plan.cells}


def formatted(value: Any, shape: Shape, ccy: str | None) -> str:
    """A value as FORMAT shows it to a user of en_US: `USD 1,234.50`, `1/5/2026`, `1/5/2026, 3:04 PM`."""
    match shape.kind:
        case "number" if ccy is not None:
            return f"{ccy} {value:,.2f}"
        case "number":
            return f"{Decimal(str(value)).normalize():,f}"
        case "date" | "instant":
            at = datetime.fromisoformat(value)
            day = f"{at.month}/{at.day}/{at.year}"
            return day if shape.kind == "date" else f"{day}, {at.hour % 12 or 12}:{at.minute:02d} {at:%p}"
        case "boolean":
            return str(value).lower()
        case _:
            return str(value)


def _place(record: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for step in path:
        record = record.setdefault(step, {})
    return record


def _attributes(view: View, record_id: str, url: Url) -> dict[str, str]:
    return {"type": view.name, "url": url(view.name, record_id)}


def _inner(answer: Answer, url: Url, more: More, child_page: int) -> dict[str, Any]:
    records = answer.records(0, child_page, url, more, child_page)
    shown_list: dict[str, Any] = {"totalSize": answer.total, "done": answer.total <= child_page}
    if answer.total > child_page:
        shown_list["nextRecordsUrl"] = more(answer, child_page)
    return {**shown_list, "records": records}


def shown(value: Any, shape: Shape) -> Any:
    """A value of SQL as JSON has it."""
    if shape.kind == "boolean":
        return bool(value)
    if value is None:
        return None
    match shape.kind:
        case "number":
            return number(value, shape)
        case "instant":
            return instant(value)
        case "json":
            return orjson.loads(value)
        case _:
            return value


def instant(value: str) -> str:
    """An instant as answers write it."""
    return f"{value[:-1]}+0000" if value.endswith("Z") else value


WHOLE_TYPES = ("int", "number", "")
EXACT = 10**15
"""Below it a binary fraction shows all digits of a scaled number."""


def number(value: int | float, shape: Shape) -> int | float | Decimal:
    """A scaled number in its natural size: whole where the type is whole, else a decimal fraction exact to the last digit."""
    if type(value) is int and -EXACT < value < EXACT and shape.column is not None:
        if shape.column.type not in WHOLE_TYPES:
            return float(value / 10**shape.places)
        if not shape.places:
            return value
    exact = unscaled(value, shape.places)
    if (shape.column is None or shape.column.type in WHOLE_TYPES) and exact == exact.to_integral_value():
        return int(exact)
    near = float(exact)
    return near if Decimal(repr(near)) == exact or isinstance(value, float) else exact
