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
from counterfoil_mocks.billing.stripe.kind import Kind
from counterfoil_mocks.billing.stripe.kinds import KINDS, kind_of
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.protocols.conversion import epoch

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace
    from counterfoil_mocks.kernel.tx import Tx

RETRY_SECONDS = (300, 1500, 5400, 10800, 18000, *(43200,) * 6)
"""Gaps between attempts on the business clock: at once, 5 min, 30 min, 2 h, 5 h, 10 h, then every 12 h to three days."""

SAME = {
    "invoice.finalized": "billing.invoice.issued",
    "invoice.voided": "billing.invoice.voided",
    "invoice.deleted": "billing.invoice.discarded",
    "credit_note.created": "billing.credit_memo.issued",
}
"""Our events by Stripe's, where both tell of the same."""


@dataclass(frozen=True)
class Told:
    """What is announced of a kind of object: when it is new, changed and gone; and when fields come to have values.

    first, then: (event, dotted field, values; none: any but null): announced when the field gets one of the values, before the news of
    the change and after it. When both are, they come in their order.
    """

    created: str = ""
    updated: str = ""
    deleted: str = ""
    quiet: tuple[str, ...] = ()
    """Fields whose change alone is no `updated`: their own events tell of it."""
    first: tuple[tuple[str, str, tuple[Any, ...]], ...] = ()
    then: tuple[tuple[str, str, tuple[Any, ...]], ...] = ()


def told(noun: str, *then: tuple[str, str, tuple[Any, ...]], deleted: bool = False) -> Told:
    """The usual three, and more."""
    return Told(f"{noun}.created", f"{noun}.updated", f"{noun}.deleted" if deleted else "", then=then)


TOLD: dict[str, Told] = {
    "customer": told("customer", deleted=True),
    "tax_id": told("customer.tax_id", deleted=True),
    "product": told("product", deleted=True),
    "price": told("price"),
    "coupon": told("coupon", deleted=True),
    "promotion_code": told("promotion_code"),
    "setup_intent": Told(
        "setup_intent.created",
        then=(
            ("setup_intent.succeeded", "status", ("succeeded",)),
            ("setup_intent.requires_action", "status", ("requires_action",)),
            ("setup_intent.canceled", "status", ("canceled",)),
        ),
    ),
    "tax_rate": told("tax_rate"),
    "invoiceitem": Told("invoiceitem.created", "", "invoiceitem.deleted"),
    "invoice": Told(
        "invoice.created",
        "invoice.updated",
        "invoice.deleted",
        first=(("invoice.finalized", "status_transitions.finalized_at", ()),),
        then=(
            ("invoice.paid", "status", ("paid",)),
            ("invoice.payment_succeeded", "status", ("paid",)),
            ("invoice.voided", "status", ("void",)),
            ("invoice.marked_uncollectible", "status", ("uncollectible",)),
        ),
    ),
    "credit_note": told("credit_note", ("credit_note.voided", "status", ("void",))),
    "invoice_payment": Told(then=(("invoice_payment.paid", "status", ("paid",)),)),
    "payment_method": Told(
        "",
        "payment_method.updated",
        "",
        quiet=("customer",),
        then=(("payment_method.attached", "customer", ()), ("payment_method.detached", "customer", (None,))),
    ),
    "payment_intent": Told(
        "payment_intent.created",
        then=(
            ("payment_intent.succeeded", "status", ("succeeded",)),
            ("payment_intent.requires_action", "status", ("requires_action",)),
            ("payment_intent.amount_capturable_updated", "status", ("requires_capture",)),
            ("payment_intent.canceled", "status", ("canceled",)),
        ),
    ),
    "charge": Told(
        "",
        "charge.updated",
        then=(("charge.succeeded", "status", ("succeeded",)), ("charge.failed", "status", ("failed",))),
    ),
    "refund": told("refund", ("refund.failed", "status", ("failed",))),
    "dispute": told("charge.dispute", ("charge.dispute.closed", "status", ("won", "lost"))),
    "subscription": Told(
        "customer.subscription.created",
        "customer.subscription.updated",
        then=(
            ("customer.subscription.deleted", "status", ("canceled", "incomplete_expired")),
            ("customer.subscription.paused", "status", ("paused",)),
        ),
    ),
    "subscription_schedule": told(
        "subscription_schedule",
        ("subscription_schedule.canceled", "status", ("canceled",)),
        ("subscription_schedule.released", "status", ("released",)),
        ("subscription_schedule.completed", "status", ("completed",)),
    ),
    "quote": Told(
        "quote.created",
        then=(
            ("quote.finalized", "status", ("open",)),
            ("quote.accepted", "status", ("accepted",)),
            ("quote.canceled", "status", ("canceled",)),
        ),
    ),
    "test_helpers.test_clock": Told(
        "test_helpers.test_clock.created",
        "",
        "test_helpers.test_clock.deleted",
        then=(
            ("test_helpers.test_clock.advancing", "status", ("advancing",)),
            ("test_helpers.test_clock.internal_failure", "status", ("internal_failure",)),
        ),
    ),
    "billing.meter": told(
        "billing.meter",
        ("billing.meter.deactivated", "status", ("inactive",)),
        ("billing.meter.reactivated", "status", ("active",)),
    ),
}
"""By kind of object."""


def announce(face: StripeFace, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
    """Announce what a deed did to Stripe's objects, whoever did it; then what its handlers wanted announced besides."""
    for entity, before, after in sorted(touched, key=_rank):
        kind = kind_of(entity, after)
        if kind is not None and kind.name in TOLD:
            _of_one(face, tx, kind, entity, before, after)
    for name, id, event in tx.asides:
        kind = KINDS[name]
        record = tx.system.table(kind.map.entity).by_id(tx.system.name, id)
        if record is not None:
            tell(face, tx, tx.system.role.by_name[kind.map.entity], record, event, kind.map.shown(record, face))


ORDER = (
    "customer",
    "invoiceitem",
    "charge",
    "payment_intent",
    "subscription",
    "invoice_payment",
    "invoice",
    "credit_note",
)


def _rank(touch: tuple[Entity, Record | None, Record]) -> int:
    kind = kind_of(touch[0], touch[2])
    return ORDER.index(kind.name) if kind is not None and kind.name in ORDER else -1


def _of_one(face: StripeFace, tx: Tx, kind: Kind, entity: Entity, before: Record | None, after: Record) -> None:
    said, now = TOLD[kind.name], kind.map.shown(after, face)
    old = None if before is None or kind.gone(before) else kind.map.shown(before, face)
    if kind.gone(after):
        _tell(face, tx, entity, after, said.deleted, now)
        return
    if old is None:
        _tell(face, tx, entity, after, said.created, now)
    _moves(face, tx, entity, after, said.first, old, now)
    changed = {} if old is None else difference(old, now)
    if set(changed) - set(said.quiet):
        _tell(face, tx, entity, after, said.updated, now, changed)
    _moves(face, tx, entity, after, said.then, old, now)


def _moves(
    face: StripeFace,
    tx: Tx,
    entity: Entity,
    after: Record,
    moves: Sequence[tuple[str, str, tuple[Any, ...]]],
    old: Record | None,
    now: Record,
) -> None:
    for event, path, values in moves:
        value, earlier = _at(now, path), None if old is None else _at(old, path)
        if (
            value != earlier
            and (value in values if values else value is not None)
            and not (old is None and value is None)
        ):
            _tell(face, tx, entity, after, event, now)


def _at(shown: Any, path: str) -> Any:
    for step in path.split("."):
        shown = (shown or {}).get(step)
    return shown


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
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Stripe-Signature": signature(subscription["secret"], int(clock.wall()), signed),
    }
