"""Events as the outside sees them: CloudEvents 1.0 in structured mode, signed as Standard Webhooks says.

An event is a row of the outbox that points at a row version; its envelope is rendered from the two when it is needed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Any

import orjson

from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.kernel.tx import EVENT_PREFIX

CONTENT_TYPE = "application/cloudevents+json"
REPLAY_HOURS = 72
SCHEMAS = "https://schemas.counterfoil.test"
HOUSEKEEPING = ("version", "updated_at")
TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})(-.*)?"
)

EVENT_SQL = (
    "SELECT o.*, h.doc, h.before FROM {schema}.outbox o JOIN {schema}.history h ON h.seq = o.history_seq WHERE {where}"
)


def read(system: System, seq: int) -> Record | None:
    """The event with this number in the system's outbox, with the row version it is about."""
    found = system.store.rows(EVENT_SQL.format(schema=system.schema, where="o.seq = ?"), (seq,))
    return found[0] if found else None


def replay(system: System, since: str | None, limit: int) -> list[Record]:
    """Envelopes of the system's events after a business instant, oldest first; never older than 72 business hours."""
    oldest = clock.later(system.clock.now, hours=-REPLAY_HOURS)
    where = "o.system = ? AND o.at > ? ORDER BY o.seq LIMIT ?"
    start = max(oldest, since or oldest)
    rows = system.store.rows(EVENT_SQL.format(schema=system.schema, where=where), (system.name, start, limit))
    return [envelope(system, row) for row in rows]


def envelope(system: System, row: Record) -> Record:
    """The CloudEvents envelope of an event as `read` gives it."""
    entity = system.role.by_name[row["entity"]]
    event = {
        "specversion": "1.0",
        "id": row["id"],
        "source": source_of(system),
        "type": row["type"],
        "subject": row["key"] or row["record_id"],
        "time": row["at"],
        "recordedtime": row["at"],
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMAS}/{system.role.name}/{entity.name}/v1",
        "partitionkey": row["partition_key"] or row["record_id"],
        "sequence": f"{row['seq']:012d}",
        "correlationid": row["correlation_id"],
        "causationid": row["causation_id"],
        "traceparent": row["traceparent"],
        "businesskey": row["key"],
        "entityversion": str(row["version"]),
        "legalentity": row["legal_entity"],
        "data": payload(entity, row),
    }
    return {name: value for name, value in event.items() if value is not None}


def source_of(system: System) -> str:
    """The `source` attribute of a system's events."""
    return f"//cf-{system.name}"


def payload(entity: Entity, row: Record) -> Record:
    """`after`: the record; `before`: the old values of what changed; `changed`: the names of those fields; and the event's extras."""
    after: Record = orjson.loads(row["doc"])
    before: Record = orjson.loads(row["before"]) if row["before"] else {}
    changed = [name for name in before if name not in HOUSEKEEPING]
    old = entity.to_wire({**after, **before}) if before else {}
    extra: Record = orjson.loads(row["extra"]) if row["extra"] else {}
    return {"after": entity.to_wire(after), "before": {name: old[name] for name in changed}, "changed": changed} | extra


def body_of(system: System, row: Record) -> bytes:
    """The envelope as bytes: the same at every attempt."""
    return orjson.dumps(envelope(system, row))


def new_secret(*parts: object) -> str:
    """A signing secret, `whsec_` and 24 bytes in base64."""
    digits = ids.hexadecimal(24, *parts, "one") + ids.hexadecimal(24, *parts, "two")
    return "whsec_" + base64.b64encode(bytes.fromhex(digits)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a message: `v1,` and the HMAC-SHA256 in base64. source: Standard Webhooks."""
    raw = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        key = raw.encode()
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(row: Record, delivery_id: str, secret: str, body: bytes, *, bad_signature: bool = False) -> dict[str, str]:
    """The headers of one attempt. Its time is on the wall clock, its span in `traceparent` is the delivery's own."""
    timestamp = int(clock.wall())
    signed = body if not bad_signature else body + b" "
    sent = {
        "content-type": CONTENT_TYPE,
        "webhook-id": row["id"],
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, row["id"], timestamp, signed),
        "user-agent": "Counterfoil-Webhooks/1.0",
    }
    found = TRACEPARENT.fullmatch(row["traceparent"] or "")
    if found:
        sent["traceparent"] = f"00-{found['trace']}-{ids.hexadecimal(16, delivery_id)}-{found['flags']}"
    return sent


def catalogue(system: System) -> dict[str, list[str]]:
    """The event types that the entities of a system announce by themselves, by entity name, with prefix and version."""
    return {
        entity.name: [f"{EVENT_PREFIX}{name}.v1" for name in dict.fromkeys(entity.events.values()) if name]
        for entity in system.role.entities
    }


def shown(system: System, row: Record) -> dict[str, Any]:
    """An event as the control plane lists it."""
    return {
        "id": row["id"],
        "system": system.name,
        "type": row["type"],
        "key": row["key"],
        "at": row["at"],
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
    }
