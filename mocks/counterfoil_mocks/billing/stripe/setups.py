"""Setup intents: a payment method saved for later charges, before any is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.stripe import cards, payments
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import alter, merged
from counterfoil_mocks.billing.stripe.errors import invalid
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.params import TEXT
from counterfoil_mocks.billing.stripe.payment_objects import SET_UP, SETUP_INTENT
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace


@SETUP_INTENT.on_create
def create(desk: Desk, given: Record) -> Any:
    """An intent to save a payment method, confirmed at once where that is asked for."""
    if given.get("customer"):
        desk.named("customer", given["customer"], "customer")
    said = {name: value for name, value in given.items() if name in SETUP_INTENT.map.by_name and value is not None}
    said["metadata"] = merged({}, given.get("metadata") or {})
    if given.get("payment_method"):
        said |= {"payment_method": _method(desk, given["payment_method"]), "status": "requires_confirmation"}
    id = desk.new_id("setup_intent")
    said |= {"id": id, "client_secret": f"{id}_secret_{chars(22, desk.system.world.seed, id)}"}
    made = desk.insert("setup_intent", said)
    return confirm(desk, made["id"], {}) if given.get("confirm") else made


def _method(desk: Desk, name: str) -> str:
    found = payments.method_for(desk, name, None)
    assert found is not None
    return str(found["id"])


@SETUP_INTENT.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """An intent changed while it is open."""
    if before["status"] in ("succeeded", "canceled") and set(given) - {"metadata", "description", "expand"}:
        raise payments.unexpected(before, "updated")
    if given.get("customer"):
        desk.named("customer", given["customer"], "customer")
    if given.get("payment_method"):
        given = {**given, "payment_method": _method(desk, given["payment_method"])}
    return payments.ready(desk, "setup_intent", alter(desk, SETUP_INTENT, before, given))


def confirm(desk: Desk, id: str, given: Record) -> Any:
    """Save the payment method to the customer; the answer is the intent, or a refusal (402) after which what was done stays."""
    intent = desk.get("setup_intent", id)
    if intent["status"] in ("succeeded", "canceled"):
        raise payments.unexpected(intent, "confirmed")
    name = given.get("payment_method") or intent["payment_method"]
    if name is None:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method and"
            " then confirm it again.",
            None,
            "setup_intent_unexpected_state",
        )
    method = desk.get("payment_method", _method(desk, name))
    behaviour = cards.CARDS[desk.kept("payment_method", method["id"]).get("behaviour") or "visa"]
    if behaviour.charge == "action":
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        said = {"status": "requires_action", "payment_method": method["id"], "next_action": action}
        return desk.change("setup_intent", id, said)
    customer = desk.find("customer", intent["customer"]) if intent["customer"] else None
    try:
        if behaviour.attach:
            raise payments.Declined(cards.declined(behaviour.attach))
        if customer is not None:
            payments.attach(desk, method["id"], customer)
    except payments.Declined as declined:
        failed = {"status": "requires_payment_method", "payment_method": None}
        told = desk.change(
            "setup_intent", id, {**failed, "last_setup_error": {**declined.error, "payment_method": method}}
        )
        desk.tell("setup_intent", id, "setup_intent.setup_failed")
        return payments.Declined({**declined.error, "setup_intent": told, "payment_method": method}).answer()
    done = {"status": "succeeded", "payment_method": method["id"], "last_setup_error": None, "next_action": None}
    return desk.change("setup_intent", id, done)


def cancel(desk: Desk, id: str, given: Record) -> Record:
    """An intent that is not wanted any more."""
    intent = desk.get("setup_intent", id)
    if intent["status"] in ("succeeded", "canceled"):
        raise payments.unexpected(intent, "canceled")
    reason = given.get("cancellation_reason")
    return desk.change("setup_intent", id, {"status": "canceled", "cancellation_reason": reason, "next_action": None})


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes of an intent's life."""
    one = "/v1/setup_intents/{id}"
    yield face.post("confirm_setup_intent", f"{one}/confirm", SET_UP, confirm)
    yield face.post("cancel_setup_intent", f"{one}/cancel", {"cancellation_reason": TEXT}, cancel)
