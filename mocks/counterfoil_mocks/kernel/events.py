"""Events as the outside sees them: CloudEvents 1.0 in structured mode, signed as Standard Webhooks says.

An event is a row of the outbox that points at a row version; its envelope is rendered from the two when it is needed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache

import orjson

from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.errors import Problem, invalid
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.kernel.wire import instant

CONTENT_TYPE = "application/cloudevents+json"
REPLAY_HOURS = 72
REPLAY_PAGE = 100
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


def replay(system: System, query: Mapping[str, str]) -> Record:
    """The system's events of the last 72 business hours again, oldest first: `{"items": [envelopes], "next": id or None}`.

    query: `after` (id of the last event seen) or `since` (an instant), and `limit`. Raises Problem 410 for a place that the window
    has left behind or never knew: from there nobody can tell what was missed. source: domain §2.5.
    """
    for name in query:
        if name not in ("after", "since", "limit"):
            raise invalid(name, "is not a parameter of this list", "Use after, since or limit.")
    said = query.get("limit", str(REPLAY_PAGE))
    if not (said.isascii() and said.isdigit() and 1 <= len(said) <= 4 and 1 <= int(said) <= REPLAY_PAGE):
        raise invalid("limit", f"{said!r} is not a number from 1 to {REPLAY_PAGE}")
    limit = int(said)
    start = _start(system, query.get("after"), query.get("since"))
    where = "o.system = ? AND o.at >= ? AND o.seq > ? AND o.face = '' ORDER BY o.seq LIMIT ?"
    found = system.store.rows(EVENT_SQL.format(schema=system.schema, where=where), (system.name, *start, limit + 1))
    items = [envelope(system, row) for row in found[:limit]]
    return {"items": items, "next": items[-1]["id"] if len(found) > limit else None}


def _start(system: System, after: str | None, since: str | None) -> tuple[str, int]:
    """The instant and the number in the outbox that a replay begins at."""
    oldest = clock.later(system.clock.now, hours=-REPLAY_HOURS)
    if after is not None:
        row = system.store.execute(
            f"SELECT at, seq FROM {system.schema}.outbox WHERE id = ? AND system = ?", (after, system.name)
        ).fetchone()
        if row is None or row[0] < oldest:
            raise _left_behind(f"The event {after!r}", oldest)
        return oldest, int(row[1])
    if since is None:
        return oldest, 0
    try:
        at = instant(since.replace(" ", "+"))
    except ValueError:
        raise invalid("since", f"{since!r} is not an instant", "Write it as 2026-01-31T09:30:00Z.") from None
    if at < oldest:
        raise _left_behind(at, oldest)
    return at, 0


def _left_behind(what: str, oldest: str) -> Problem:
    return Problem(
        410,
        "REPLAY_WINDOW_EXCEEDED",
        f"{what} is not in the window of {REPLAY_HOURS} hours, which begins at {oldest}.",
        remedy="List the records that have changed since then; afterwards follow the events from now on.",
    )


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
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()


@lru_cache(maxsize=256)
def _key(secret: str) -> bytes:
    raw = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return raw.encode()


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
