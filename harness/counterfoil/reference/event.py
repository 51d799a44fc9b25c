"""Events as they come in: CloudEvents 1.0 in structured mode, signed as Standard Webhooks says."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

PREFIX = "com.counterfoil."
Record = dict[str, Any]


def type_named(short: str) -> str:
    """A type of events in full: `com.counterfoil.crm.opportunity.closed_won.v1`."""
    return f"{PREFIX}{short}.v1"


class BadEvent(Exception):
    """A delivery that is no event."""


class BadSignature(Exception):
    """A delivery that is not signed, or wrongly, or too long ago."""


@dataclass(frozen=True)
class Event:
    """One event. system: where it comes from, by name. type: without prefix and version, `crm.opportunity.closed_won`.

    record: what `data.after` showed; good for finding the record, never for what it says now. extra: the rest of `data`.
    """

    system: str
    source: str
    id: str
    type: str
    key: str
    flow: str
    version: int
    time: str
    traceparent: str | None
    record: Record
    extra: Record
    polled: bool = False
    legal_entity: str | None = None

    @property
    def name(self) -> str:
        """What makes two deliveries the same event."""
        return f"{self.source}|{self.id}"

    @property
    def record_id(self) -> str:
        """Native id of the record that it is about."""
        return str(self.record.get("id") or self.key)


def verify(body: bytes, headers: Mapping[str, str], secret: str, tolerance: int) -> None:
    """Check a delivery's signature and time; raises BadSignature. source: Standard Webhooks."""
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        raise BadSignature("webhook-id and webhook-timestamp are missing or malformed")
    if abs(time.time() - int(stamp)) > tolerance:
        raise BadSignature("webhook-timestamp is too far from now")
    signed = f"{message}.{stamp}.".encode() + body
    wanted = base64.b64encode(hmac.digest(_key(secret), signed, "sha256"))
    for each in headers.get("webhook-signature", "").split():
        version, _, given = each.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), wanted):
            return
    raise BadSignature("no signature matches")


@lru_cache(maxsize=64)
def _key(secret: str) -> bytes:
    raw = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return raw.encode()


def parse(system: str, body: bytes) -> Event:
    """The event in a delivery's body; raises BadEvent naming the member that is missing."""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadEvent(f"the body is not JSON: {error}") from error
    if not isinstance(envelope, dict):
        raise BadEvent("the body is not a JSON object")
    return from_envelope(system, envelope)


def from_envelope(system: str, envelope: Mapping[str, Any]) -> Event:
    """The event that an envelope stands for; raises BadEvent."""
    for name in ("id", "source", "type"):
        if not isinstance(envelope.get(name), str) or not envelope[name]:
            raise BadEvent(f"the attribute {name} is missing")
    data = envelope.get("data")
    after = data.get("after") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(after, dict):
        raise BadEvent("data.after is missing")
    key = str(envelope.get("businesskey") or envelope.get("subject") or after.get("id") or envelope["id"])
    version = str(envelope.get("entityversion") or 0)
    return Event(
        system=system,
        source=envelope["source"],
        id=envelope["id"],
        type=envelope["type"].removeprefix(PREFIX).removesuffix(".v1"),
        key=key,
        flow=str(envelope.get("correlationid") or envelope.get("partitionkey") or key),
        version=int(version) if version.isdecimal() else 0,
        time=str(envelope.get("time") or ""),
        traceparent=envelope.get("traceparent"),
        record=after,
        extra={name: value for name, value in data.items() if name != "after"},
        legal_entity=envelope.get("legalentity"),
    )


def of_record(system: str, type_: str, record: Record, extra: Record | None = None) -> Event:
    """The event that a polled record stands for: the same record in the same version is the same event. extra: what more is known of it."""
    key = str(record.get("key") or record["id"])
    return Event(
        system=system,
        source=f"poll:{system}",
        id=f"{type_}:{record['id']}:{record['version']}",
        type=type_,
        key=key,
        flow=str(record.get("contract_no") or record.get("opp_no") or key),
        version=int(record["version"]),
        time=str(record["updated_at"]),
        traceparent=None,
        record=record,
        extra=extra or {},
        polled=True,
    )
