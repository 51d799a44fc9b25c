"""Stripe's events: which ones a deed announces, what they say, and how they are signed and tried again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.billing.stripe.auth import API_VERSION
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.objects import KINDS, Kind
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.protocols.conversion import epoch

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace
    from counterfoil_mocks.kernel.tx import Tx

RETRY_SECONDS = (300, 1500, 5400, 10800, 18000, *(43200,) * 6)
"""Gaps between attempts on the business clock: at once, 5 min, 30 min, 2 h, 5 h, 10 h, then every 12 h to three days."""


@dataclass(frozen=True)
class Told:
    """What is announced of a kind of object: when it is new, changed and gone; and when fields come to have values.

    moves: (event, field, values): announced when the field gets one of the values. updates: whether any change is told as well.
    """

    created: str = ""
    updated: str = ""
    deleted: str = ""
    moves: tuple[tuple[str, str, tuple[Any, ...]], ...] = ()


TOLD: dict[str, Told] = {
    "customer": Told("customer.created", "customer.updated", "customer.deleted"),
}
"""By kind of object."""


def announce(face: StripeFace, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
    """Announce what a deed did to Stripe's objects, whoever did it."""
    for entity, before, after in touched:
        kind = kind_of(entity, after)
        if kind is None or kind.name not in TOLD:
            continue
        told = TOLD[kind.name]
        now = kind.map.shown(after, face)
        old = None if before is None else kind.map.shown(before, face)
        if old is None:
            _tell(face, tx, entity, after, told.created, now)
        elif after["deleted_at"] is not None:
            _tell(face, tx, entity, after, told.deleted, now)
        elif changed := difference(old, now):
            _tell(face, tx, entity, after, told.updated, now, changed)
        for event, name, values in told.moves:
            if now.get(name) in values and (old or {}).get(name) != now.get(name):
                _tell(face, tx, entity, after, event, now)


def kind_of(entity: Entity, record: Record) -> Kind | None:
    """The kind of object that a record is."""
    if entity.name == "vendor_object":
        return KINDS.get(record["kind"]) if record["vendor"] == "stripe" else None
    return BY_ENTITY.get(entity.name)


BY_ENTITY = {kind.map.entity: kind for kind in KINDS.values() if kind.map.entity != "vendor_object"}


def _tell(
    face: StripeFace, tx: Tx, entity: Entity, record: Record, event: str, shown: Record, previous: Record | None = None
) -> None:
    if event:
        tell(face, tx, entity, record, event, shown, previous)


def tell(
    face: StripeFace, tx: Tx, entity: Entity, record: Record, event: str, shown: Record, previous: Record | None = None
) -> None:
    """Announce one event about an object as it is shown now."""
    system = tx.system
    number = system.next_number("event")
    id = f"evt_{chars(24, system.world.seed, system.world.epoch, system.name, number)}"
    request = face.request
    said = {"object": shown, "previous": previous}
    if request is not None:
        said["request"] = {"id": request.kept, "idempotency_key": request.header(b"idempotency-key")}
    tx.tell(entity, record, event, said, id=id)


def difference(before: Any, after: Any) -> Record:
    """The leaves that changed, with their old values; a leaf that is new was null."""
    changed: Record = {}
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and name != "lines":
            changed[name] = difference(old, new)
        else:
            changed[name] = old
    return changed


def envelope(row: Record, version: str | None = None, pending: int = 0) -> Record:
    """An event of the outbox as Stripe shows it."""
    said = orjson.loads(row["extra"])
    data: Record = {"object": said["object"]}
    if said.get("previous") is not None:
        data["previous_attributes"] = said["previous"]
    return {
        "id": row["id"],
        "object": "event",
        "api_version": version or API_VERSION,
        "created": epoch(row["at"]),
        "data": data,
        "livemode": False,
        "pending_webhooks": pending,
        "request": said.get("request") or {"id": None, "idempotency_key": None},
        "type": row["type"],
    }


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of `Stripe-Signature`; the key is the whole secret, its prefix included."""
    signed = str(timestamp).encode() + b"." + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def headers(subscription: Mapping[str, Any], body: bytes, *, bad_signature: bool) -> dict[str, str]:
    """The headers of one attempt; its time is on the wall clock, because clients check it against theirs."""
    signed = body + b" " if bad_signature else body
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "accept": "*/*; q=0.5, application/xml",
        "cache-control": "no-cache",
        "stripe-signature": signature(subscription["secret"], int(clock.wall()), signed),
    }
