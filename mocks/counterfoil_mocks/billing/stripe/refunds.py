"""Money that goes back: refunds, and disputes of charges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import merged
from counterfoil_mocks.billing.stripe.errors import invalid
from counterfoil_mocks.billing.stripe.payment_objects import DISPUTE, REFUND
from counterfoil_mocks.billing.stripe.payments import booked, check_places, in_words
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace


@REFUND.on_create
def create_refund(desk: Desk, given: Record) -> Record:
    """Give a charge back, wholly or in part. It alone does not change the invoice: the accounting step is a credit note."""
    if not given.get("payment_intent") and not given.get("charge"):
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    id = given.get("charge")
    if not id:
        intent = desk.named("payment_intent", given["payment_intent"], "payment_intent")
        id = intent["latest_charge"]
        if id is None or intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", "payment_intent"
            )
    charge = desk.named("charge", id, "charge")
    if charge["disputed"]:
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", None, "charge_disputed")
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", None, "charge_already_refunded")
    amount = given["amount"] if given.get("amount") is not None else left
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer")
    if amount > left:
        raise invalid(
            f"Refund amount ({in_words(amount, charge['currency'])}) is greater than unrefunded amount on charge"
            f" ({in_words(left, charge['currency'])})",
            "amount",
        )
    check_places(amount, charge["currency"])
    return refund(desk, charge, amount, given.get("reason"), given.get("metadata") or {})


def refund(desk: Desk, charge: Record, amount: int, reason: str | None, metadata: Record | None = None) -> Record:
    """Write a refund of a charge."""
    made = desk.insert(
        "refund",
        {
            "amount": amount,
            "charge": charge["id"],
            "currency": charge["currency"],
            "customer": charge["customer"],
            "metadata": merged({}, metadata or {}),
            "payment_intent": charge["payment_intent"],
            "reason": reason,
        },
    )
    made = desk.change("refund", made["id"], {"balance_transaction": booked(desk, made, -amount, "refund")})
    refunded = charge["amount_refunded"] + amount
    desk.change(
        "charge", charge["id"], {"amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]}
    )
    desk.tell("charge", charge["id"], "charge.refunded")
    return made


def dispute(desk: Desk, charge: Record) -> Record:
    """The card's owner disputes a charge."""
    made = desk.insert(
        "dispute",
        {
            "amount": charge["amount"],
            "charge": charge["id"],
            "currency": charge["currency"],
            "evidence_details": {
                "due_by": desk.now + 7 * 86400,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "payment_intent": charge["payment_intent"],
        },
    )
    desk.change("charge", charge["id"], {"disputed": True})
    desk.tell("dispute", made["id"], "charge.dispute.funds_withdrawn")
    return made


@DISPUTE.on_change
def change_dispute(desk: Desk, before: Record, given: Record) -> Record:
    """Evidence for a dispute."""
    _check_open(before)
    said: Record = {}
    if given.get("metadata") is not None:
        said["metadata"] = merged(before["metadata"], given["metadata"])
    if given.get("evidence"):
        said["evidence"] = {**before["evidence"], **given["evidence"]}
        said["evidence_details"] = {**before["evidence_details"], "has_evidence": True}
    if given.get("submit", True) and given.get("evidence"):
        said["status"] = "under_review"
        said["evidence_details"] = {
            **said["evidence_details"],
            "submission_count": before["evidence_details"]["submission_count"] + 1,
        }
    return desk.change("dispute", before["id"], said) if said else before


def _check_open(found: Record) -> None:
    if found["status"] in ("won", "lost", "warning_closed"):
        raise invalid("This dispute is already closed")


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes that are more than plain objects."""

    def cancel_refund(desk: Desk, id: str, given: Record) -> Record:
        found = desk.get("refund", id)
        raise invalid(f"Refund {found['id']} has status {found['status']} and cannot be canceled.")

    def close_dispute(desk: Desk, id: str, given: Record) -> Record:
        _check_open(desk.get("dispute", id))
        return desk.change("dispute", id, {"status": "lost"})

    yield face.post("cancel_refund", "/v1/refunds/{id}/cancel", {}, cancel_refund)
    yield face.post("close_dispute", "/v1/disputes/{id}/close", {}, close_dispute)
