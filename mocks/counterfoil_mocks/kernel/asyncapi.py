"""JSON Schemas of events, and the AsyncAPI 3.0 document of what a system announces; built from the same declarations as the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from counterfoil_mocks.kernel import events, schemas, wire
from counterfoil_mocks.kernel.fields import COMMON, Record
from counterfoil_mocks.kernel.role import Role

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEFINITIONS = "#/$defs/"
TEXT: Record = {"type": "string"}
INSTANT: Record = {"type": "string", "format": "date-time"}


class Announced(Protocol):
    """One type of event: its full type, the entities that it can be about, what it says, further members of its data."""

    @property
    def name(self) -> str: ...
    @property
    def full(self) -> str: ...
    @property
    def entities(self) -> tuple[str, ...]: ...
    @property
    def doc(self) -> str: ...
    @property
    def extra(self) -> tuple[str, ...]: ...


def _definitions(role: Role, names: Iterable[str]) -> dict[str, Record]:
    """The schemas of these entities, of their rows and of what they share."""
    found: dict[str, Record] = {}
    for name in names:
        entity = role.by_name[name]
        found[wire.title_of(name)] = schemas.shown((*COMMON, *entity.fields), entity.doc)
        for child in entity.children:
            if child.entity is not None:
                found[wire.title_of(child.entity.name)] = schemas.shown(child.entity.columns)
    return dict(sorted((found | schemas.shared()).items()))


def _payload(event: Announced) -> Record:
    about = [schemas.ref(wire.title_of(each)) for each in event.entities]
    return {
        "type": "object",
        "properties": {
            "after": about[0] if len(about) == 1 else {"anyOf": about},
            "before": {"type": "object", "description": "Old values of what has changed."},
            "changed": {"type": "array", "items": TEXT, "description": "Names of the fields that have changed."},
            **{each: {"description": "Further fact, where there is one."} for each in event.extra},
        },
        "required": ["after", "before", "changed"],
    }


def _envelope(event: Announced, source: str) -> Record:
    optional = {
        "correlationid": {**TEXT, "description": "Business flow: contract or opportunity number."},
        "causationid": {**TEXT, "description": "Event that caused this one; absent where a person did."},
        "traceparent": {**TEXT, "description": "W3C trace context."},
        "businesskey": TEXT,
        "legalentity": TEXT,
    }
    required = {
        "specversion": {"const": "1.0"},
        "id": {**TEXT, "description": "With `source`, what makes two deliveries the same event."},
        "source": {**TEXT, "examples": [source]},
        "type": {"const": event.full},
        "subject": TEXT,
        "time": INSTANT,
        "recordedtime": INSTANT,
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"type": "string", "format": "uri"},
        "partitionkey": {**TEXT, "description": "Order is kept within it, as long as nothing fails."},
        "sequence": {"type": "string", "pattern": "^[0-9]{12}$"},
        "entityversion": {"type": "string", "pattern": "^[0-9]+$"},
        "data": _payload(event),
    }
    return {
        "type": "object",
        "description": event.doc,
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _moved(value: Any, target: str) -> Any:
    """The same JSON with its references leading to another place."""
    if isinstance(value, Mapping):
        return {
            key: target + each.removeprefix(schemas.PLACE) if key == "$ref" else _moved(each, target)
            for key, each in value.items()
        }
    return [_moved(each, target) for each in value] if isinstance(value, list) else value


def schema(role: Role, event: Announced) -> Record:
    """The JSON Schema of one type of event, envelope and all; needs no other file."""
    whole = {**_envelope(event, f"//cf-{role.name}"), "$defs": _definitions(role, event.entities)}
    return {
        "$schema": DIALECT,
        "$id": f"{events.SCHEMAS}/events/{event.full}.json",
        "title": event.full,
        **_moved(whole, DEFINITIONS),
    }


def document(role: Role, title: str, announced: Sequence[Announced]) -> Record:
    """What a role announces: one channel, a message for each type of event."""
    entities = dict.fromkeys(name for each in announced for name in each.entities)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Counterfoil {title}, events",
            "version": "1",
            "description": "CloudEvents 1.0 in structured mode, signed as Standard Webhooks says, posted to every subscriber at least "
            "once. Order is kept within a partition key, as long as nothing fails.",
        },
        "defaultContentType": events.CONTENT_TYPE,
        "channels": {
            "events": {
                "address": "{url}",
                "description": "The address that a subscription names (`POST /native/v1/webhooks`).",
                "parameters": {"url": {"description": "Where the subscriber listens."}},
                "messages": {each.name: {"$ref": f"#/components/messages/{each.name}"} for each in announced},
            }
        },
        "operations": {
            "announce": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "messages": [{"$ref": f"#/channels/events/messages/{each.name}"} for each in announced],
            }
        },
        "components": {
            "messages": {
                each.name: {
                    "name": each.full,
                    "summary": each.doc,
                    "contentType": events.CONTENT_TYPE,
                    "headers": {"$ref": "#/components/schemas/Headers"},
                    "payload": _envelope(each, f"//cf-{role.name}"),
                }
                for each in announced
            },
            "schemas": {"Headers": HEADERS, **_definitions(role, entities)},
        },
    }


HEADERS: Record = {
    "type": "object",
    "properties": {
        "webhook-id": {**TEXT, "description": "The event's id."},
        "webhook-timestamp": {"type": "string", "pattern": "^[0-9]+$", "description": "Seconds since 1970."},
        "webhook-signature": {"type": "string", "pattern": "^v1,", "description": "HMAC-SHA256 in base64."},
        "traceparent": TEXT,
    },
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
}
