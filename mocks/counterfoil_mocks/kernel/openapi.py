"""The OpenAPI 3.1 document of a native face, built from the table that serves it and the shapes that read its bodies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from counterfoil_mocks.kernel import events, pages, wire
from counterfoil_mocks.kernel.fields import Entity, Field, Record
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.schemas import closed, ref, schemas_of, shape_of

PROBLEM_MEDIA = "application/problem+json"
REASONS = {
    400: "The body cannot be read.",
    401: "No valid access token.",
    404: "There is no such record.",
    406: "The caller does not accept JSON.",
    409: "Not possible in the state that things are in.",
    410: "The window of 72 hours has left that place behind.",
    412: "The record has changed since the caller saw it.",
    413: "The body is too large.",
    415: "The body's media type is not read here.",
    422: "A value cannot be taken; `field` and `remedy` say which and what to do.",
    428: "`If-Match` is missing.",
    429: "Too many calls; `Retry-After` says when to come again.",
}
"""Every refusal there is, by status."""

SUCCESS_HEADERS = {"etag": "Version of the record.", "location": "Where the new record is."}
REFUSAL_HEADERS = {401: "www-authenticate", 429: "retry-after"}


def _parameter(place: str, name: str, schema: Record, doc: str = "", *, required: bool = False) -> Record:
    made: Record = {"name": name, "in": place, "required": required or place == "path", "schema": schema}
    return {**made, "description": doc} if doc else made


def _filter_schema(each: Field) -> Record:
    if each.kind in ("choice", "state"):
        return {"enum": list(each.choices)}
    if each.kind == "boolean":
        return {"type": "boolean"}
    if each.kind in ("integer", "money"):
        return {"type": "integer", "minimum": -(10**15), "maximum": 10**15}
    if each.kind == "instant":
        return {"type": "string", "format": "date-time"}
    return {"type": "string"}


def _list_parameters(role: Role, entity: Entity) -> list[Record]:
    style, most = role.page
    paging = {"type": "integer", "minimum": 0, "maximum": pages.FURTHEST} if style == "offset" else {"type": "string"}
    found = [
        _parameter("query", "limit", {"type": "integer", "minimum": 1, "maximum": most, "default": most}),
        _parameter("query", style, paging, "`next` of the page before."),
        _parameter("query", "updated_since", {"type": "string", "format": "date-time"}, "Changed then or later."),
        _parameter("query", "include_deleted", {"type": "boolean", "default": False}),
    ]
    filters = [
        _parameter("query", each.name, _filter_schema(each), each.doc)
        for each in pages.filters_of(entity).values()
        if each.indexed and each.name != "updated_at"
    ]
    return found + filters


FLOW = (
    _parameter("header", "X-Correlation-Id", {"type": "string"}, "Business flow that the call is part of."),
    _parameter("header", "X-Causation-Id", {"type": "string"}, "Event that caused the call."),
    _parameter("header", "traceparent", {"type": "string"}, "W3C trace context."),
)

REPLAY = (
    _parameter("query", "after", {"type": "string"}, "Id of the last event seen."),
    _parameter("query", "since", {"type": "string", "format": "date-time"}, "Events of then or later."),
    _parameter("query", "limit", {"type": "integer", "minimum": 1, "maximum": events.REPLAY_PAGE}),
)


def _parameters(role: Role, operation: Operation) -> list[Record]:
    found: list[Record] = []
    if "{id}" in operation.path:
        found.append(_parameter("path", "id", {"type": "string", "minLength": 1}, "Native id or business key."))
    if operation.kind == "list" and operation.entity is not None:
        found += _list_parameters(role, operation.entity)
    if operation.kind == "replay":
        found += REPLAY
    if operation.kind in ("update", "replace", "delete", "action") and _on_record(operation):
        needed = role.if_match and operation.kind != "action"
        found.append(
            _parameter("header", "If-Match", {"type": "string"}, "ETag of the record, or `*`.", required=needed)
        )
    if role.idempotency and operation.write and operation.method == "POST":
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        found.append(_parameter("header", "Idempotency-Key", schema, "The same call again gives the same answer."))
    if operation.write:
        found += FLOW
    return found


def _on_record(operation: Operation) -> bool:
    return operation.action is None or operation.action.subject is not None


# operations


def statuses(role: Role, operation: Operation) -> list[int]:
    """Every refusal that an operation can answer with."""
    found = {406, 429}
    if not operation.public or operation.kind == "token":
        found.add(401)
    if operation.body:
        found |= {400, 413, 415, 422}
    if operation.kind == "token":
        return sorted(found - {422})
    if operation.kind in ("list", "replay"):
        found.add(422)
    if operation.kind == "replay":
        found.add(410)
    if "{id}" in operation.path or (operation.kind == "action" and _on_record(operation)):
        found.add(404)
    if operation.write:
        found |= {404, 409, 422}
    if operation.name == "create_webhook":
        found.add(409)
    if operation.write and operation.kind not in ("create", "bulk") and _on_record(operation):
        found.add(412)
        if role.if_match and operation.kind != "action":
            found.add(428)
    return sorted(found)


def _answer_schema(operation: Operation) -> Record:
    if operation.kind == "document":
        return {"type": "object"}
    if operation.kind == "token":
        return ref("Token")
    if operation.kind == "replay":
        return closed({"items": {"type": "array", "items": {"type": "object"}}, "next": {"type": ["string", "null"]}})
    if operation.kind == "webhook":
        if operation.name == "list_webhook":
            return closed({"items": {"type": "array", "items": ref("Webhook")}, "next": {"type": "null"}})
        return ref("NewWebhook" if operation.name == "create_webhook" else "Webhook")
    assert operation.entity is not None
    suffix = {"list": "Page", "bulk": "BulkResults", "action": "Deed"}.get(operation.kind, "")
    return ref(wire.title_of(operation.entity.name) + suffix)


def _links(operation: Operation, names: Mapping[str, Operation]) -> Record:
    """What can be done with a record once it is there."""
    if operation.kind not in ("create", "webhook") or operation.method != "POST":
        return {}
    thing = operation.name.removeprefix("create_")
    known = [name for kind in ("get", "update", "replace", "delete") if (name := f"{kind}_{thing}") in names]
    deeds = [
        each.name
        for each in names.values()
        if each.action is not None and each.action.subject is not None and each.action.subject is operation.entity
    ]
    return {
        **{name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in known},
        **{name: {"operationId": name, "requestBody": {"id": "$response.body#/id"}} for name in deeds},
    }


def _success(operation: Operation, names: Mapping[str, Operation]) -> Record:
    made: Record = {
        "description": operation.summary.splitlines()[0],
        "content": {"application/json": {"schema": _answer_schema(operation)}},
    }
    sent = ["location"] if operation.status == 201 else []
    if operation.kind in ("get", "create", "update", "replace", "delete"):
        sent.append("etag")
    if sent:
        made["headers"] = {
            name: {"description": SUCCESS_HEADERS[name], "required": True, "schema": {"type": "string"}}
            for name in sent
        }
    links = _links(operation, names)
    return {**made, "links": links} if links else made


def _body(operation: Operation) -> Record:
    shape = shape_of(operation)
    if shape is None and operation.entity is not None:
        name = wire.title_of(operation.entity.name) + "Bulk"
    else:
        name = shape.name if shape else ""
    media = ["application/json"] + (["application/x-www-form-urlencoded"] if operation.kind == "token" else [])
    return {"required": True, "content": {each: {"schema": ref(name)} for each in media}}


MERGED: Record = {
    "description": "The record was merged into another one, which `Location` leads to.",
    "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
    "content": {
        "application/json": {"schema": closed({"merged_into": {"type": "string"}, "key": {"type": ["string", "null"]}})}
    },
}


def _described(role: Role, operation: Operation, names: Mapping[str, Operation]) -> Record:
    first, _, rest = operation.summary.partition("\n")
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses(role, operation)}
    made: Record = {
        "operationId": operation.name,
        "summary": first.rstrip("."),
        "tags": [operation.entity.plural if operation.entity else operation.kind],
        "parameters": _parameters(role, operation),
        "responses": {str(operation.status): _success(operation, names), **refusals},
    }
    if operation.kind == "get":
        made["responses"]["301"] = MERGED
    if rest.strip():
        made["description"] = rest.strip()
    if operation.body:
        made["requestBody"] = _body(operation)
    if operation.public:
        made["security"] = []
    return made


def _refusal(status: int, reason: str) -> Record:
    made: Record = {"description": reason, "content": {PROBLEM_MEDIA: {"schema": ref("Problem")}}}
    header = REFUSAL_HEADERS.get(status)
    if header:
        made["headers"] = {header: {"required": True, "schema": {"type": "string"}}}
    return made


@lru_cache(maxsize=16)
def document(role: Role, title: str, description: str, found: tuple[Operation, ...]) -> Record:
    """The document of a role's native face with these operations."""
    names = {each.name: each for each in found}
    paths: dict[str, Record] = {}
    for each in sorted(found, key=lambda each: (each.path, each.method)):
        paths.setdefault(each.path, {})[each.method.lower()] = _described(role, each, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Counterfoil {title}, native face", "version": "1", "description": description},
        "servers": [{"url": "/native/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas_of(role, found),
            "responses": {str(status): _refusal(status, reason) for status, reason in REASONS.items()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
