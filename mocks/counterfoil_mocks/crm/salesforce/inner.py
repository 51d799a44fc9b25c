"""Lines that live within a document of the business (an offer, a rate card, a change order), written as objects of their own: each write is
a write of the document, by its role, and refused where the document is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.crm.salesforce import errors, values, views
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, line_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import changed

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.desk import Desk

PLACE = "Sort_Order__c"


@dataclass(frozen=True)
class Within:
    """Where the lines of an object live. parent: the field that names the document; list: its field; named: the object's field → the
    line's (`*` in front of an amount); by: what tells a line from the others."""

    parent: str
    list: str
    named: Mapping[str, str]
    by: str = "position"

    def column(self, field: str) -> str:
        """The line's name for a field of the object."""
        return self.named[field].lstrip("*")

    def keyed(self, document: Record) -> dict[Any, Record]:
        """The lines of a document by what tells them from one another."""
        lines = document.get(self.list) or []
        return {line[self.by] if self.by != "position" else at: line for at, line in enumerate(lines, 1)}

    def field(self, column: str) -> str:
        """The object's name for a field of the line."""
        return next((field for field in reversed(list(self.named)) if self.column(field) == column), column)


INNER: dict[str, Within] = {
    "SOW_Line__c": Within("Quote__c", "lines", views.SOW, "line_no"),
    "Milestone__c": Within("Quote__c", "milestones", views.MILESTONE, "ms_code"),
    "Rate_Card_Row__c": Within("Rate_Card__c", "rows", views.CARD_ROW, "level"),
    "Change_Order_Line__c": Within("Change_Order__c", "deltas", views.DELTA),
    "Change_Order_Milestone__c": Within("Change_Order__c", "milestones", views.AMENDMENT),
}
"""By object."""


def create(desk: Desk, each: SObject, given: Mapping[str, Any]) -> str:
    """A new line at the end of its document; returns its id. Raises Refused."""
    within = INNER[each.name]
    said = desk.read(each, given, None)
    lacking = values.required(each, said)
    if lacking:
        raise errors.missing(lacking)
    document = desk.record(_parent(each), said.pop(within.parent))
    lines = document[within.list]
    line = _line(desk, each, document, said)
    if within.by == "line_no" and line.get("line_no") is None:
        line["line_no"] = max((one["line_no"] or 0 for one in lines), default=0) + 1
    place = line[within.by] if within.by != "position" else len(lines) + 1
    if within.by != "position" and any(one[within.by] == place for one in lines):
        field = within.field(within.by)
        raise Refused(400, "DUPLICATE_VALUE", f"duplicate value found: {field} duplicates value on record", [])
    _write(desk, each, document, [*lines, line])
    found = line_id(each.prefix, document["id"], place)
    assert found is not None
    return found


def update(desk: Desk, each: SObject, record_id: str, given: Mapping[str, Any]) -> None:
    """Change fields of a line. Raises Refused."""
    document, at = _place(desk, each, record_id)
    said = desk.read(each, given, document)
    emptied = [one.name for one in each.fields if one.name in said and said[one.name] is None and "R" in one.marks]
    if emptied:
        raise errors.missing(emptied)
    lines = list(document[INNER[each.name].list])
    lines[at] = {**lines[at], **_line(desk, each, document, said)}
    _write(desk, each, document, lines)


def delete(desk: Desk, each: SObject, record_id: str) -> None:
    """Take a line out of its document. Raises Refused."""
    document, at = _place(desk, each, record_id)
    lines = document[INNER[each.name].list]
    _write(desk, each, document, [*lines[:at], *lines[at + 1 :]])


def _parent(each: SObject) -> SObject:
    return views.OBJECTS[each.by_name[INNER[each.name].parent.lower()].refers[0].lower()]


def _place(desk: Desk, each: SObject, record_id: str) -> tuple[Record, int]:
    """The document of a line, and the line's place in it from 0; raises Refused."""
    within = INNER[each.name]
    found = (
        desk.face.reader.find(each, long_id(record_id), desk.version, [within.parent, PLACE])
        if is_id(record_id)
        else None
    )
    if found is None:
        raise errors.not_found()
    if found[1][within.parent] is None:
        message = "What a contract sells is changed by a change order."
        raise Refused(400, "INSUFFICIENT_ACCESS_OR_READONLY", message, [])
    return desk.record(_parent(each), found[1][within.parent]), int(found[1][PLACE]) - 1


def _line(desk: Desk, each: SObject, document: Record, said: Mapping[str, Any]) -> Record:
    within = INNER[each.name]
    inner = desk.entity(_parent(each)).by_name[within.list].entity
    assert inner is not None
    return {
        within.column(name): values.stored(
            each.by_name[name.lower()], inner.by_name[within.column(name)], value, document["ccy"]
        )
        for name, value in said.items()
    }


def _write(desk: Desk, each: SObject, document: Record, lines: list[Record]) -> None:
    within = INNER[each.name]
    try:
        changed(desk.tx, desk.entity(_parent(each)), document["id"], {within.list: lines})
    except Problem as problem:
        raise errors.of(problem, lambda path: within.field(path.rpartition(".")[2])) from None
