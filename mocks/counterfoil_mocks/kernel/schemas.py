"""JSON schemas of what a role shows and reads: its records, the shapes that read bodies, and what all roles share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from counterfoil_mocks.kernel import auth, webhooks, wire
from counterfoil_mocks.kernel.fields import COMMON, Entity, Field, Record
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.kernel.role import Role

PLACE = "#/components/schemas/"
"""Where a document keeps its schemas."""
ALWAYS = ("id", "version", "created_at", "updated_at")
NEVER_NULL = ("json", "refs", "object", "lines", "state")


def ref(name: str) -> Record:
    """A reference to a component schema."""
    return {"$ref": PLACE + name}


class _Plain(GenerateJsonSchema):
    """JSON schemas without the titles that only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


# what is read


def _or_null(schema: Record, never: bool) -> Record:
    if never:
        return schema
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _decimal(each: Field) -> Record:
    return {"type": "string", "pattern": rf"^-?[0-9]+\.[0-9]{{{len(str(each.scale)) - 1}}}$"}


SHOWN: dict[str, Callable[[Field], Record]] = {
    "text": lambda each: {"type": "string"},
    "zone": lambda each: {"type": "string"},
    "integer": lambda each: {"type": "integer"},
    "boolean": lambda each: {"type": "boolean"},
    "date": lambda each: {"type": "string", "format": "date"},
    "instant": lambda each: {"type": "string", "format": "date-time"},
    "money": lambda each: ref("Money"),
    "decimal": _decimal,
    "choice": lambda each: {"enum": list(each.choices)},
    "state": lambda each: {"enum": list(each.choices)},
    "ref": lambda each: {"type": "string"},
    "json": lambda each: {"type": "array", "items": {"type": "string"}},
    "refs": lambda each: {"type": "array", "items": ref("ExtRef")},
    "object": lambda each: {"type": "object"},
    "lines": lambda each: {"type": "array", "items": ref(wire.title_of(each.entity.name))} if each.entity else {},
}
"""How a field of each kind is shown."""


def shown(fields: Iterable[Field], doc: str = "") -> Record:
    """The schema of a record with these fields, as callers get it."""
    properties = {}
    for each in fields:
        schema = _or_null(SHOWN[each.kind](each), each.kind in NEVER_NULL or each.name in ALWAYS)
        properties[each.name] = {**schema, "description": each.doc} if each.doc else schema
    made: Record = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {**made, "description": doc} if doc else made


def closed(properties: Mapping[str, Any], required: Iterable[str] | None = None) -> Record:
    """The schema of an object with these members and no others; all of them are required unless it is said which."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def _fixed_schemas() -> dict[str, Record]:
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    refusal = closed({"field": text, "detail": text, "remedy": {"type": ["string", "null"]}}, ("field", "detail"))
    problem = closed(
        {
            "type": {"type": "string", "format": "uri"},
            "title": text,
            "status": {"type": "integer"},
            "detail": {**text, "description": "What is wrong, in a sentence."},
            "code": text,
            "field": {**text, "description": "Path of the member at fault."},
            "remedy": {**text, "description": "What to do next."},
            "errors": {"type": "array", "items": refusal},
            "error": {**text, "description": "RFC 6749 (5.2)."},
            "error_description": text,
        },
        ("type", "title", "status", "detail", "code"),
    )
    webhook = {
        "id": text,
        "url": text,
        "types": texts,
        "active": {"type": "boolean"},
        "failures": {"type": "integer"},
        "created_at": {"type": "string", "format": "date-time"},
    }
    return {
        "Problem": problem,
        "Event": closed({"id": text, "type": text, "key": {"type": ["string", "null"]}}),
        "Webhook": closed(webhook),
        "NewWebhook": closed({**webhook, "secret": {**text, "description": "Shown here and never again."}}),
        "Token": closed(
            {
                "access_token": text,
                "token_type": {"const": "Bearer"},
                "expires_in": {"type": "integer", "description": "Seconds."},
                "refresh_token": {**text, "description": "Works once."},
            }
        ),
    }


# what is written


def shape_of(operation: Operation) -> wire.Shape | None:
    """The shape of an operation's body, where it has one of its own."""
    if operation.kind == "action" and operation.action is not None:
        return wire.action_shape(operation.action)
    if operation.entity is not None and operation.kind in ("create", "replace"):
        return wire.create_shape(operation.entity)
    if operation.entity is not None and operation.kind == "update":
        return wire.patch_shape(operation.entity)
    return {"create_webhook": webhooks.SHAPE, "token": auth.SHAPE}.get(operation.name)


def _bulk(entity: Entity, schemas: Mapping[str, Record], most: int) -> Record:
    title = wire.title_of(entity.name)
    create, patch = schemas[f"{title}Create"], schemas[f"{title}Patch"]
    new = closed({"op": {"const": "create"}, **create["properties"]}, ["op", *create.get("required", ())])
    more = {
        "op": {"const": "update"},
        "id": {"type": "string", "minLength": 1, "description": "Native id or business key."},
        "version": {"type": "integer", "description": "The version that the caller has seen."},
    }
    items = {"type": "array", "minItems": 1, "maxItems": most}
    return closed(
        {
            "all_or_none": {"type": "boolean", "default": False},
            "items": {**items, "items": {"oneOf": [new, closed({**more, **patch["properties"]}, ("op", "id"))]}},
        },
        ("items",),
    )


def schemas_of(role: Role, operations: Sequence[Operation]) -> dict[str, Record]:
    """All that the document of a role's face refers to, by name."""
    shapes = {shape.name: shape for each in operations if (shape := shape_of(each)) is not None}
    inputs: list[Any] = [(name, "validation", shape.adapter) for name, shape in shapes.items()]
    _, found = TypeAdapter.json_schemas(inputs, ref_template=PLACE + "{model}", schema_generator=_Plain)
    schemas: dict[str, Record] = dict(found.get("$defs", {}))
    for entity in role.entities:
        title = wire.title_of(entity.name)
        schemas[title] = shown((*COMMON, *entity.fields), entity.doc)
        for child in entity.children:
            if child.entity is not None:
                schemas[wire.title_of(child.entity.name)] = shown(child.entity.columns)
        page = closed({"items": {"type": "array", "items": ref(title)}, "next": {"type": ["string", "null"]}})
        schemas[f"{title}Page"] = page
        done = closed({"success": {"const": True}, "record": ref(title)})
        failed = closed({"success": {"const": False}, "error": ref("Problem")})
        if any(each.kind == "bulk" and each.entity is entity for each in operations):
            schemas[f"{title}Bulk"] = _bulk(entity, schemas, role.batch)
            schemas[f"{title}BulkResults"] = closed({"results": {"type": "array", "items": {"oneOf": [done, failed]}}})
        schemas[f"{title}Deed"] = closed({"record": ref(title), "events": {"type": "array", "items": ref("Event")}})
    return dict(sorted({**schemas, **_fixed_schemas()}.items()))


def shared() -> dict[str, Record]:
    """What records of all roles refer to: an amount, and a reference to another system."""
    _, found = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter(kind)) for name, kind in (("money", wire.MONEY), ("ref", wire.EXT_REF))],
        ref_template=PLACE + "{model}",
        schema_generator=_Plain,
    )
    return dict(found.get("$defs", {}))
