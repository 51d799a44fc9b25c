"""What both Bulk APIs do with rows: read them, tell which record each is about, do the deed, write answers as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.crm.salesforce.errors import Mistyped, Refused, of_row
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.crm.salesforce.soap import Raw
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.soql_answer import Answer

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace
    from counterfoil_mocks.crm.salesforce.desk import Desk

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
CSV = (("content-type", "text/csv"),)
NULL = "#N/A"
DAYS = 7


class Unreadable(Exception):
    """The rows cannot be read; its text says why, as the job shows it."""


def object_of(desk: Desk, name: Any) -> SObject:
    """The object that a job is about; raises Unreadable."""
    try:
        return desk.object(str(name))
    except Refused:
        raise Unreadable(f"Unable to find object: {name}") from None


def external_id(each: SObject, named: Any) -> str:
    """The field that an upsert goes by, as it is declared; raises Unreadable."""
    one = each.by_name.get(str(named or "").lower())
    if one is None or not ("X" in one.marks or one.name == "Id"):
        raise Unreadable(f"Field name provided, {named} does not match an External ID for {each.name}")
    return one.name


def table(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of CSV; raises Unreadable."""
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True) if row]
    except (csv.Error, ValueError):
        raise Unreadable("InvalidBatch : Unable to parse the data as CSV") from None
    return header, rows


def check_columns(face: SalesforceFace, each: SObject, names: Iterable[str]) -> None:
    """Whether an object has fields, or parents with fields (`Account.ERP_Customer_Id__c`), of these names; raises Unreadable."""
    for name in names:
        head, dot, tail = name.partition(".")
        one = each.by_relation.get(head.lower()) if dot else each.by_name.get(head.lower())
        kinds = [face.reader.catalog.find(kind) for kind in one.refers] if one is not None and dot else []
        if one is None or (dot and not any(kind is not None and tail.lower() in kind.by_name for kind in kinds)):
            raise Unreadable(f"InvalidBatch : Field name not found : {name}")


def from_cells(each: SObject, header: Sequence[str], row: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Id and fields of a row of CSV: an empty cell says nothing, `#N/A` empties the field. Raises Refused."""
    if len(row) != len(header):
        raise Refused(400, "INVALID_CSV_ROW", "The row has another number of columns than the header", [])
    record_id = ""
    given: dict[str, Any] = {}
    for name, cell in zip(header, row, strict=True):
        head, dot, tail = name.partition(".")
        if dot:
            if cell:
                given[head] = {tail: cell}
            continue
        one = each.by_name[name.lower()]
        if one.name == "Id":
            record_id = cell
        elif cell:
            given[one.name] = None if cell == NULL else cell
    return record_id, given


def written(
    desk: Desk, each: SObject, operation: str, external: str | None, record_id: str, given: Mapping[str, Any]
) -> tuple[str, bool]:
    """Do what a job asks for with one row; returns the record's id and whether it is new. Raises Refused."""
    try:
        return _written(desk, each, operation, external, record_id, given)
    except Mistyped as refused:
        raise refused.of_cell from None
    except Refused as refused:
        raise of_row(refused) from None


def _written(
    desk: Desk, each: SObject, operation: str, external: str | None, record_id: str, given: Mapping[str, Any]
) -> tuple[str, bool]:
    if operation == "insert":
        return desk.create(each, given), True
    if operation == "upsert" and external != "Id":
        one = each.by_name[str(external).lower()]
        value = next((value for name, value in given.items() if name.lower() == one.name.lower()), None)
        return desk.upsert(each, one, "" if value is None else str(value), given)
    if operation == "upsert" and not record_id:
        return desk.create(each, given), True
    if not record_id:
        raise Refused(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
    if operation == "delete":
        desk.delete(each, record_id)
    elif operation == "hardDelete":
        desk.purge(each, record_id)
    else:
        desk.update(each, record_id, given)
    return desk.raw(each, record_id)["id"], False  # type: ignore[index]


def remembered(shown: Record | None, now: str) -> bool:
    """Whether a job is still known: it is for a week. now: an instant of the business clock."""
    return shown is not None and str(shown["createdDate"])[:19] >= clock.later(now, days=-DAYS)[:19]


def told(refused: Refused) -> str:
    """A refusal as results in CSV write it: `CODE:message:fields --`."""
    return f"{refused.code}:{refused.detail}:{' '.join(refused.fields or ())} --"


def columns(answer: Answer) -> list[str]:
    """The header of an answer as CSV."""
    return [".".join(cell.path) for cell in answer.plan.cells]


def cells(answer: Answer) -> list[list[str]]:
    """The rows of an answer as CSV has them: date-times end in Z there."""
    times = [answer.shapes[cell.at].kind == "instant" for cell in answer.plan.cells]
    return [
        [
            text.replace("+0000", "Z") if timed else text
            for timed, text in zip(times, map(_text, answer.flat(row).values()), strict=True)
        ]
        for row in answer.rows
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return str(value)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ",", ending: str = "\n") -> Raw:
    """CSV with every cell quoted."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=ending)
    writer.writerow(header)
    writer.writerows(rows)
    return Raw(out.getvalue().encode())
