"""Several calls in one: collections, trees, batches, composites with references between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from counterfoil_mocks.crm.salesforce import errors, shapes
from counterfoil_mocks.crm.salesforce.desk import Desk
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

MOST_ROWS = 200
MOST_READ = 2000
MOST_CHUNKS = 10
"""Runs of rows of one object in a call."""
MOST_PARTS = 25
MOST_NODES = 500
"""Calls in one graph."""
MOST_QUERIES = 5
MOST_TYPES = 5
DEEPEST = 5
ROLLED_BACK = (
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
HALTED = "The transaction was rolled back since another operation in the same transaction failed."
REFERENCE = re.compile(r"@\{([^{}]*)\}")
Work = Callable[[int, Any], Record]


class Undone(Exception):
    """Nothing of it is kept."""


# collections


def rows(desk: Desk, items: Any, all_or_none: bool, work: Work) -> list[Record]:
    """Do the work on each row; a row that fails says so, and with `all_or_none` takes the others with it."""
    if not isinstance(items, list):
        raise Refused(400, "JSON_PARSER_ERROR", "records is expected to be a list")
    if len(items) > MOST_ROWS:
        message = f"record limit reached. cannot submit more than {MOST_ROWS} records into this call"
        raise Refused(400, "EXCEEDED_ID_LIMIT", message)
    if sum(1 for _ in groupby(items, _kind)) > MOST_CHUNKS:
        message = f"Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking."
        raise Refused(400, "LIMIT_EXCEEDED", message)
    with desk.as_one():
        return _worked(desk, items, all_or_none, work)


def _worked(desk: Desk, items: list[Any], all_or_none: bool, work: Work) -> list[Record]:
    if not all_or_none:
        return [_one(at, item, work) for at, item in enumerate(items)]
    results: list[Record] = []
    try:
        with desk.deed():
            results = [_one(at, item, work) for at, item in enumerate(items)]
            if not all(each["success"] for each in results):
                raise Undone
    except Undone:
        code, message = ROLLED_BACK
        undone = {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}
        return [undone if each["success"] else each for each in results]
    return results


def _one(at: int, item: Any, work: Work) -> Record:
    try:
        return work(at, item)
    except Refused as refused:
        return {"success": False, "errors": [errors.of_row(refused).row()]}


def _kind(item: Any) -> Any:
    """What a row says that it is."""
    attributes = item.get("attributes") if isinstance(item, Mapping) else None
    return attributes.get("type") if isinstance(attributes, Mapping) else None


def type_of(desk: Desk, item: Any) -> SObject:
    """The object of a row by its attributes."""
    kind = _kind(item)
    if not kind:
        raise Refused(400, "INVALID_INPUT", "Include an SObject type in the record's attributes.")
    try:
        return desk.object(str(kind))
    except Refused:
        raise Refused(400, "INVALID_TYPE", f"sObject type '{kind}' is not supported.") from None


def id_of(item: Mapping[str, Any]) -> str:
    """The id of a row, which clients spell in several ways."""
    found = next((value for name, value in item.items() if name.lower() == "id"), None)
    if not found:
        raise Refused(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
    if not is_id(found):
        raise Refused(400, "MALFORMED_ID", f"malformed id {found}", ["Id"])
    return long_id(str(found))


def without_id(item: Mapping[str, Any]) -> dict[str, Any]:
    """A row's fields."""
    return {name: value for name, value in item.items() if name.lower() != "id"}


def failed_by_plan(desk: Desk, at: int, fail_item: Any) -> None:
    """A row that a fault has marked."""
    if fail_item is not None and fail_item(at):
        raise errors.locked()


def _check_unique(references: list[Any]) -> None:
    """Whether every reference names one part of a call; raises Refused."""
    twice = next((each for at, each in enumerate(references) if each in references[:at]), None)
    if twice is not None:
        raise Refused(400, "INVALID_INPUT", f"Duplicate ReferenceId provided in the request: {twice}")


# trees


def tree(desk: Desk, name: str, body: Any) -> Answer:
    """Insert records with their children, all or nothing."""
    records = shapes.objects(body, "records")
    if not records:
        raise Refused(400, "INVALID_INPUT", "records is expected to be a list")
    flat = list(_flat(desk, desk.object(name), records, None, 1))
    if len(flat) > MOST_ROWS:
        raise Refused(
            400,
            "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {MOST_ROWS} records into this call",
        )
    _check_unique([reference for _, _, reference, *_ in flat])
    if len({each.name for each, *_ in flat}) > MOST_TYPES:
        raise Refused(400, "INVALID_INPUT", f"Only {MOST_TYPES} types of records can be inserted in one request.")
    made: dict[int, str] = {}
    results: list[Record] = []
    failures: list[Record] = []
    try:
        with desk.deed():
            for at, (each, fields, reference, parent, way) in enumerate(flat):
                given = dict(fields)
                if parent is not None:
                    if parent not in made:
                        continue
                    given[way] = made[parent]
                try:
                    made[at] = desk.create(each, given)
                    results.append({"referenceId": reference, "id": made[at]})
                except Refused as refused:
                    failures.append({"referenceId": reference, "errors": [refused.row()]})
            if failures:
                raise Undone
    except Undone:
        return Answer(400, {"hasErrors": True, "results": failures})
    return Answer(201, {"hasErrors": False, "results": results})


def _flat(
    desk: Desk,
    each: SObject,
    records: list[Any],
    parent: int | None,
    depth: int,
    way: str = "",
    start: list[int] | None = None,
) -> Iterator[tuple[SObject, dict[str, Any], str, int | None, str]]:
    """All records of a tree, parents first, each with the position of its parent."""
    count = start if start is not None else [0]
    if depth > DEEPEST:
        raise Refused(400, "INVALID_INPUT", f"Trees have at most {DEEPEST} levels.")
    for record in records:
        attributes = record.get("attributes") if isinstance(record, Mapping) else None
        if not isinstance(attributes, Mapping) or not attributes.get("referenceId"):
            raise Refused(400, "INVALID_INPUT", "Include a reference ID for each record in the request.")
        kind = str(attributes.get("type") or each.name)
        if kind.lower() != each.name.lower():
            raise Refused(400, "INVALID_INPUT", f"{kind} does not belong here; {each.name} is expected.")
        ways = {one.name.lower(): one for one in desk.face.catalog.ways_to(each)}
        children = {name: value for name, value in record.items() if isinstance(value, Mapping) and "records" in value}
        own = {name: value for name, value in record.items() if name not in children and name != "attributes"}
        mine, count[0] = count[0], count[0] + 1
        yield each, own, str(attributes["referenceId"]), parent, way
        for name, value in children.items():
            child = ways.get(name.lower())
            if child is None:
                raise Refused(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {each.name}")
            yield from _flat(desk, desk.object(child.view), value["records"], mine, depth + 1, child.by, count)


# batches


def batch(face: SalesforceFace, desk: Desk, body: Any) -> Answer:
    """Calls one after the other, each for itself."""
    parts = shapes.objects(body, "batchRequests")
    if not parts:
        raise Refused(400, "INVALID_INPUT", "batchRequests is expected to be a list")
    if len(parts) > MOST_PARTS:
        raise Refused(400, "LIMIT_EXCEEDED", f"The batch request exceeds the limit of {MOST_PARTS} subrequests.")
    results: list[Record] = []
    halted = False
    for part in parts:
        if halted:
            error = {"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per user request"}
            results.append({"statusCode": 412, "result": [error]})
            continue
        url = str(part.get("url", "")).removeprefix("/services/data/").lstrip("/")
        status, payload, _ = face.inner(
            desk, str(part.get("method", "GET")), f"/services/data/{url}", part.get("richInput"), {}
        )
        results.append({"statusCode": status, "result": payload})
        halted = status >= 400 and bool(body.get("haltOnError"))
    return Answer(200, {"hasErrors": any(each["statusCode"] >= 400 for each in results), "results": results})


# composites


def composite(face: SalesforceFace, desk: Desk, body: Any, most: int = MOST_PARTS) -> Answer:
    """Calls that may refer to one another's answers, as one transaction if asked for; at most so many of them."""
    parts = shapes.objects(body, "compositeRequest")
    if not parts:
        raise Refused(400, "INVALID_INPUT", "compositeRequest is expected to be a list")
    if len(parts) > most:
        raise Refused(400, "LIMIT_EXCEEDED", f"The composite request exceeds the limit of {most} subrequests.")
    _check_unique([part.get("referenceId") for part in parts])
    if sum("/query" in str(part.get("url")) for part in parts) > MOST_QUERIES:
        raise Refused(400, "LIMIT_EXCEEDED", f"The composite request exceeds the limit of {MOST_QUERIES} queries.")
    return Answer(200, {"compositeResponse": _together(face, desk, parts, bool(body.get("allOrNone")))})


def _together(face: SalesforceFace, desk: Desk, parts: list[Any], all_or_none: bool) -> list[Record]:
    results: list[Record] = []
    if not all_or_none:
        _run(face, desk, parts, results, stop=False)
        return results
    try:
        with desk.deed():
            _run(face, desk, parts, results, stop=True)
            if any(each["httpStatusCode"] >= 400 for each in results):
                raise Undone
    except Undone:
        halted = [{"errorCode": "PROCESSING_HALTED", "message": HALTED}]
        shown = [
            each
            if each["httpStatusCode"] >= 400
            else {**each, "body": halted, "httpHeaders": {}, "httpStatusCode": 400}
            for each in results
        ]
        rest = parts[len(results) :]
        return shown + [
            {"body": halted, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": part.get("referenceId")}
            for part in rest
        ]
    return results


def _run(face: SalesforceFace, desk: Desk, parts: list[Any], results: list[Record], *, stop: bool) -> None:
    answers: dict[str, Any] = {}
    for part in parts:
        reference = part.get("referenceId")
        if not isinstance(reference, str) or not re.fullmatch(r"\w+", reference):
            raise Refused(
                400,
                "INVALID_INPUT",
                f"Provided referenceId ({reference}) is invalid; use letters, digits and underscores.",
            )
        headers: Mapping[str, str] = {}
        try:
            url, body = _filled(part.get("url", ""), answers), _filled(part.get("body"), answers)
            status, payload, headers = face.inner(
                desk, str(part.get("method", "GET")), str(url), body, part.get("httpHeaders") or {}
            )
        except Refused as refused:
            status, payload = refused.status, refused.listed()
        if status < 400:
            answers[reference] = payload
        results.append(
            {"body": payload, "httpHeaders": dict(headers), "httpStatusCode": status, "referenceId": reference}
        )
        if status >= 400 and stop:
            return


def _filled(value: Any, answers: Mapping[str, Any]) -> Any:
    """A value with its references replaced."""
    if isinstance(value, Mapping):
        return {name: _filled(each, answers) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, answers) for each in value]
    if not isinstance(value, str):
        return value
    whole = REFERENCE.fullmatch(value)
    if whole:
        return _looked_up(whole[1], answers)
    return REFERENCE.sub(lambda match: str(_looked_up(match[1], answers)), value)


def _looked_up(reference: str, answers: Mapping[str, Any]) -> Any:
    name, *steps = re.findall(r"[^.\[\]]+", reference) or [""]
    found: Any = answers.get(name)
    if name not in answers:
        raise Refused(
            400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {reference} found in {name}"
        )
    here = name
    for step in steps:
        following = None
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            following = found[int(step)]
        elif isinstance(found, Mapping):
            following = next((value for key, value in found.items() if key.lower() == step.lower()), None)
        if following is None:
            message = f"Invalid reference specified. No value for {reference} found in {here}. {step}"
            raise Refused(400, "PROCESSING_HALTED", message)
        found, here = following, f"{here}.{step}"
    if name not in answers:
        raise Refused(
            400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {reference} found in {name}"
        )
    return found


def path_of(url: str) -> tuple[bytes, bytes]:
    """The raw path and query of a sub-request."""
    parts = urlsplit(url)
    return parts.path.encode(), parts.query.encode()
