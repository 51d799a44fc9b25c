"""How the Bulk API 1.0 writes jobs, batches and rows: in JSON, CSV or XML."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import orjson

from counterfoil_mocks.crm.salesforce import loading, several, soap
from counterfoil_mocks.crm.salesforce.loading import Unreadable
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.crm.salesforce.soap import Raw
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.soql_answer import Answer

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
TYPES = "http://www.w3.org/2001/XMLSchema-instance"
NIL = f"{{{TYPES}}}nil"
CONTENTS = ("CSV", "JSON", "XML")
"""What the rows of a job may be written in."""


def parsed(body: bytes) -> ElementTree.Element:
    """XML that may be trusted; raises ParseError."""
    if soap.UNFIT.search(body):
        raise ElementTree.ParseError
    return ElementTree.fromstring(body)


def local(element: ElementTree.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def read(content: str, body: bytes) -> tuple[list[str], list[Any]]:
    """Names and rows of a batch; rows of CSV as lists, all others as records. Raises Unreadable."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("InvalidBatch : The data is not UTF-8") from None
    if content == "CSV":
        return loading.table(text, ",")
    try:
        rows = orjson.loads(text) if content == "JSON" else [_record(each) for each in parsed(body)]
    except (orjson.JSONDecodeError, ElementTree.ParseError):
        raise Unreadable(f"InvalidBatch : Unable to parse the data as {content}") from None
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise Unreadable("InvalidBatch : The data is expected to be a list of records")
    names = {}
    for row in rows:
        for name, value in row.items():
            for inner in value if isinstance(value, dict) else ("",):
                if name != "attributes" and inner != "attributes":
                    names[f"{name}.{inner}" if inner else name] = True
    return list(names), rows


def _record(element: ElementTree.Element) -> Record:
    """A record of XML; a parent by external id is a record within a record."""
    found: Record = {}
    for each in element:
        inner = next((one for one in each if local(one) == "sObject"), None)
        nothing = each.get(NIL) in ("true", "1")
        value = None if nothing else each.text or ""
        found[local(each)] = value if inner is None else _record(inner)
    return found


def meant(each: SObject, header: list[str], row: Any) -> tuple[str, dict[str, Any]]:
    """Id and fields of a row."""
    if isinstance(row, list):
        return loading.from_cells(each, header, row)
    record_id = next((value for name, value in row.items() if name.lower() == "id"), None)
    return str(record_id or ""), several.without_id(row)


def timed(found: Answer, records: list[Record]) -> list[Record]:
    """Records with their days and moments as milliseconds since 1970, as this API has them in JSON."""
    paths = [cell.path for cell in found.plan.cells if found.shapes[cell.at].kind in ("date", "instant")]
    for record in records:
        for *outer, last in paths:
            place: Any = record
            for step in outer:
                place = (place or {}).get(step)
            if place and place.get(last):
                place[last] = _milliseconds(place[last])
    return records


def _milliseconds(shown: str) -> int:
    moment = dt.datetime.fromisoformat(shown.replace("+0000", "+00:00"))
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return int(moment.timestamp() * 1000)


def as_xml(name: str, *parts: Mapping[str, Any]) -> Raw:
    """An answer in XML: members one after the other, lists as members that come again."""
    inside = "".join(map(_members, parts))
    head = f'<?xml version="1.0" encoding="UTF-8"?><{name} xmlns="{NAMESPACE}" xmlns:xsi="{TYPES}">'
    return Raw(f"{head}{inside}</{name}>".encode())


def results(rows: Iterable[Record]) -> Raw:
    """What became of the rows of a batch, in XML."""
    shown = ({name: each[name] for name in ("id", "success", "created", "errors")} for each in rows)
    return as_xml("results", {"result": list(shown)})


def records(found: Iterable[Record]) -> Raw:
    """Records of an answer, in XML."""
    return as_xml("queryResult", {"records": list(found)})


def _members(shown: Mapping[str, Any]) -> str:
    written = []
    for name, value in shown.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping):
                written.append(_element(name, each))
            elif each is not None:
                written.append(f"<{name}>{escape(_text(each))}</{name}>")
    return "".join(written)


def _element(name: str, each: Mapping[str, Any]) -> str:
    """A member that has members: a record says which object it is of, and what of it is empty."""
    about = each.get("attributes")
    if about is None:
        return f"<{name}>{_members(each)}</{name}>"
    inside = f"<type>{about['type']}</type>"
    for field, value in each.items():
        if field != "attributes":
            inside += f'<{field} xsi:nil="true"/>' if value is None else _members({field: value})
    return f'<{name} xsi:type="sObject">{inside}</{name}>'


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"{text[:-5]}Z" if text.endswith(".000+0000") else text
