"""The life of invoices: finalised, sent, paid, voided, given up; previews; their payments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.documents import GIVEN
from counterfoil_mocks.billing.model import INVOICE as DOCUMENT
from counterfoil_mocks.billing.stripe import balances, drafts, payments
from counterfoil_mocks.billing.stripe.billing_objects import INVOICE, LINE_FIELDS, LINE_UPDATE, shown_line
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import invalid, missing
from counterfoil_mocks.billing.stripe.lists import limit_of
from counterfoil_mocks.billing.stripe.params import ANY, BOOL, LISTED, TEXT
from counterfoil_mocks.billing.stripe.payments import Declined
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.kernel.tx import perform
from counterfoil_mocks.protocols.conversion import of_epoch

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

NO_WAY_TO_PAY = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more"
    " information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority."
)
RETRIES = (3 * 86400, 5 * 86400, 7 * 86400)
"""Seconds from one failed attempt to the next; after the last one nothing more is tried."""
FROZEN = ("address", "email", "name", "phone", "shipping", "tax_exempt", "tax_ids")


def mark(desk: Desk, id: str, status: str, said: Record) -> Record:
    """Write a status of Stripe's beside the document's own."""
    record = desk.record(INVOICE, id)
    assert record is not None
    return desk.change("invoice", id, {**said, "status": status, "seen": record["status"]})


def transitions(desk: Desk, id: str, name: str) -> Record:
    """The moments of an invoice's life, with one more."""
    return {"transitions": {**(desk.kept("invoice", id).get("transitions") or {}), name: desk.now}}


def finalize(desk: Desk, id: str, auto_advance: bool | None = None) -> Record:
    """A draft becomes final: it gets its number and its addressee; what the customer has to his credit is used; nothing due is paid."""
    found = desk.get("invoice", id)
    if found["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    desk.at(found["test_clock"])
    now, mine = desk.now, desk.kept("invoice", id)
    if mine.get("wanted_number"):
        drafts.check_number(desk, mine["wanted_number"], id)
    _replace_revised(desk, found)
    customer = desk.get("customer", found["customer"])
    record = desk.tx.get(DOCUMENT, id)
    if record["status"] == "DRAFT":
        perform(desk.tx, "approve_invoice", id, {})
    if record["rounding_policy"] != GIVEN:  # the business drew it up, and numbers it
        perform(desk.tx, "issue_invoice", id, {})
        return desk.get("invoice", id)
    number = mine.get("wanted_number") or f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    if not mine.get("wanted_number"):
        customer = desk.change(
            "customer", customer["id"], {"next_invoice_sequence": customer["next_invoice_sequence"] + 1}
        )
    day = of_epoch(now)[:10]
    perform(desk.tx, "issue_invoice", id, {"invoice_no": number, "issue_date": day})
    due_on = of_epoch(found["due_date"])[:10] if found["due_date"] else day
    desk.tx.update(DOCUMENT, desk.tx.get(DOCUMENT, id), {"due": due_on}, event="")
    due, ending = balances.applied(desk, customer, found["total"], id)
    advancing = found["auto_advance"] if auto_advance is None else auto_advance
    automatic = found["collection_method"] == "charge_automatically"
    said = {
        "effective_at": found["effective_at"] or now,
        "starting_balance": customer["balance"],
        "ending_balance": ending,
        "due": due,
        "auto_advance": advancing,
        "automatically_finalizes_at": None,
        "next_payment_attempt": (found["next_payment_attempt"] or now) if advancing and automatic and due else None,
        **{f"customer_{name}": desk.face.of_customer(customer["id"], name) for name in FROZEN},
        **transitions(desk, id, "finalized_at"),
    }
    made = mark(desk, id, "open", said)
    return made if due else settled(desk, id, 0)


def _replace_revised(desk: Desk, revision: Record) -> None:
    """The invoice that a revision takes the place of is void first: what it used of the balance is there for the new one."""
    old = (revision["from_invoice"] or {}).get("invoice")
    if old:
        void(desk, old, {})
        desk.change("invoice", old, {"latest_revision": revision["id"]})


def settled(desk: Desk, id: str, paid: int, said: Record | None = None) -> Record:
    """Write that an invoice is paid, and how much."""
    record = desk.tx.get(DOCUMENT, id)
    if record["status"] != "WRITTEN_OFF":
        perform(desk.tx, "record_ar_status", id, {"ar_status": "PAID", "paid": paid})
    else:
        desk.tx.update(DOCUMENT, record, {"paid": paid}, event="")
    from counterfoil_mocks.billing.stripe import subscriptions

    _withdraw(desk, id, "automatic")
    more = {"next_payment_attempt": None, "auto_advance": False, **transitions(desk, id, "paid_at"), **(said or {})}
    mark(desk, id, "paid", more)
    subscriptions.after_payment(desk, id)
    return desk.get("invoice", id)


def pay(desk: Desk, id: str, given: Record) -> Any:
    """Collect what is due; a draft is finalised first. The answer is the invoice, or a refusal (402) after which what was done stays."""
    found = desk.get("invoice", id)
    desk.at(found["test_clock"])
    if found["status"] == "paid":
        raise invalid("Invoice is already paid")
    if found["status"] == "void":
        raise invalid("You cannot pay an invoice that is void.")
    if found["status"] == "draft":
        found = finalize(desk, id)
        if found["status"] == "paid":
            return found
    if given.get("paid_out_of_band"):
        return settled(desk, id, found["amount_due"])
    try:
        return attempt(desk, id, given.get("payment_method") or given.get("source"))
    except Declined as declined:
        return declined.answer()


def attempt(desk: Desk, id: str, method_id: str | None = None) -> Record:
    """Charge the customer for what is left; raises Declined with the failure written, Refused where there is no way to pay."""
    found = desk.get("invoice", id)
    customer = desk.get("customer", found["customer"])
    of_sub = (found["parent"] or {}).get("subscription_details") or {}
    subscription = desk.find("subscription", of_sub["subscription"]) if of_sub.get("subscription") else None
    wanted = method_id or found["default_payment_method"] or (subscription or {}).get("default_payment_method")
    method = payments.method_for(desk, wanted, customer)
    if method is None:
        raise invalid(NO_WAY_TO_PAY, None, "resource_missing")
    if method["customer"] not in (None, customer["id"]):
        raise payments.not_his(method["id"], "payment_method")
    left = found["amount_remaining"]
    intent, payment = intended(desk, found)
    intent = desk.change(
        "payment_intent",
        intent["id"],
        {"amount": left, "payment_method": method["id"], "status": "requires_confirmation"},
    )
    count = {"attempted": True, "attempt_count": found["attempt_count"] + 1}
    try:
        intent = payments.collect(desk, intent, method, customer)
    except Declined as declined:
        _failed(desk, found, count)
        raise Declined({**declined.error, "message": declined.error["message"]}) from None
    if intent["status"] == "requires_action":
        mark(desk, id, "open", {**count, "next_payment_attempt": None})  # it is the customer's turn
        desk.tell("invoice", id, "invoice.payment_action_required")
        raise Declined(
            {
                "type": "card_error",
                "code": "invoice_payment_intent_requires_action",
                "message": "Payment for this invoice requires additional user action before it can be completed successfully. Payment can be"
                " completed using the PaymentIntent associated with the invoice. For more details see: https://stripe.com/docs/billing/"
                "subscriptions/overview#requires-action",
                "payment_intent": intent,
            }
        )
    return _received(desk, payment, left, count)


def intended(desk: Desk, found: Record) -> tuple[Record, Record]:
    """The payment intent of an invoice, and the payment that it is for: one of each, whatever number of attempts."""
    for payment in desk.all("invoice_payment", invoice=found["id"], status="open"):
        intent = desk.find("payment_intent", payment["payment"].get("payment_intent") or "")
        if payment["is_default"] and intent is not None and intent["status"] not in ("succeeded", "canceled"):
            return intent, desk.change(
                "invoice_payment", payment["id"], {"amount_requested": found["amount_remaining"]}
            )
    intent = payments.new_intent(
        desk,
        {
            "amount": found["amount_remaining"],
            "currency": found["currency"],
            "customer": found["customer"],
            "description": f"Invoice {found['number']}",
        },
    )
    payment = desk.insert(
        "invoice_payment",
        {
            "amount_requested": found["amount_remaining"],
            "currency": found["currency"],
            "invoice": found["id"],
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        },
    )
    return intent, payment


def _received(desk: Desk, payment: Record, amount: int, said: Record | None = None) -> Record:
    """A payment has come in: its invoice is paid, or the part of it that this is."""
    moments = {"canceled_at": None, "paid_at": desk.now}
    desk.change(
        "invoice_payment", payment["id"], {"status": "paid", "amount_paid": amount, "status_transitions": moments}
    )
    found = desk.get("invoice", payment["invoice"])
    total = found["amount_paid"] + amount
    if total < found["amount_due"]:
        perform(desk.tx, "record_ar_status", found["id"], {"ar_status": "PARTIALLY_PAID", "paid": total})
        return mark(desk, found["id"], "open", said or {})
    over = total - found["amount_due"]
    made = settled(desk, found["id"], total, {**(said or {}), **({"amount_overpaid": over} if over else {})})
    if over:
        desk.tell("invoice", found["id"], "invoice.overpaid")
    return made


def _withdraw(desk: Desk, id: str, reason: str) -> None:
    """Nothing more is to be collected for an invoice: the payment that waits is called off with its intent."""
    for payment in desk.all("invoice_payment", invoice=id, status="open"):
        moments = {"canceled_at": desk.now, "paid_at": None}
        desk.change("invoice_payment", payment["id"], {"status": "canceled", "status_transitions": moments})
        intent = desk.find("payment_intent", payment["payment"].get("payment_intent") or "")
        if payment["is_default"] and intent is not None and intent["status"] not in ("succeeded", "canceled"):
            said = {"status": "canceled", "canceled_at": desk.now, "cancellation_reason": reason}
            desk.change("payment_intent", intent["id"], said)


def collected(desk: Desk, intent: Record) -> None:
    """A payment intent has succeeded by itself: the invoices that wait for it are paid."""
    for payment in payments.paid_by(desk, intent["id"]):
        if payment["status"] == "open":
            _received(desk, payment, intent["amount_received"])


def _failed(desk: Desk, found: Record, count: Record) -> None:
    """A failed attempt: the next one comes after some days, as long as the schedule goes."""
    automatic = found["collection_method"] == "charge_automatically" and found["auto_advance"]
    number = count["attempt_count"] - 1
    following = desk.now + RETRIES[number] if automatic and number < len(RETRIES) else None
    mark(desk, found["id"], "open", {**count, "next_payment_attempt": following})
    desk.tell("invoice", found["id"], "invoice.payment_failed")


def void(desk: Desk, id: str, given: Record) -> Record:
    """An open invoice is void for good; its items stay on it."""
    found = desk.get("invoice", id)
    desk.at(found["test_clock"])
    if found["status"] == "paid" or found["amount_paid"]:
        raise invalid("Invoices with `paid` payments cannot be voided.")
    if found["status"] not in ("open", "uncollectible"):
        raise invalid("You can only pass in open invoices. This invoice isn't open.")
    record = desk.tx.get(DOCUMENT, id)
    if record["status"] != "WRITTEN_OFF":
        perform(desk.tx, "void_invoice", id, {"reason": "Voided by an API client"})
    balances.unapplied(desk, found)
    _withdraw(desk, id, "void_invoice")
    return mark(
        desk, id, "void", {"auto_advance": False, "next_payment_attempt": None, **transitions(desk, id, "voided_at")}
    )


def give_up(desk: Desk, id: str, given: Record) -> Record:
    """An open invoice is bad debt; it can still be paid or voided."""
    found = desk.get("invoice", id)
    desk.at(found["test_clock"])
    if found["status"] == "uncollectible":
        raise invalid("This invoice has already been marked uncollectible.")
    if found["status"] != "open":
        raise invalid("You can only pass in open invoices. This invoice isn't open.")
    perform(desk.tx, "record_ar_status", id, {"ar_status": "WRITTEN_OFF"})
    said = {"auto_advance": False, "next_payment_attempt": None, **transitions(desk, id, "marked_uncollectible_at")}
    return mark(desk, id, "uncollectible", said)


def send(desk: Desk, id: str, given: Record) -> Record:
    """Mail an invoice: only an event here. A draft is finalised first."""
    found = desk.get("invoice", id, param="invoice")
    if found["status"] == "draft":
        found = finalize(desk, id)
    elif found["status"] != "open":
        raise invalid(
            "This invoice cannot be sent right now. It can be sent once it is finalized, and while it is open.",
            "invoice",
        )
    if found["collection_method"] != "send_invoice":
        raise invalid("You can only manually send an invoice if its collection method is 'send_invoice'.")
    desk.tell("invoice", id, "invoice.sent")
    return found


def attach_payment(desk: Desk, id: str, given: Record) -> Record:
    """A payment intent that has succeeded pays for an invoice."""
    found = desk.get("invoice", id)
    desk.at(found["test_clock"])
    intent = desk.named("payment_intent", given.get("payment_intent") or "", "payment_intent")
    if found["status"] not in ("open", "uncollectible"):
        raise invalid("You can only attach payments to open invoices.")
    if intent["currency"] != found["currency"]:
        raise invalid(
            f"The currency of the payment (`{intent['currency']}`) must be its invoice's (`{found['currency']}`).",
            "payment_intent",
        )
    if payments.paid_by(desk, intent["id"]):
        raise invalid("This PaymentIntent is already attached to an invoice.", "payment_intent")
    payment = desk.insert(
        "invoice_payment",
        {
            "amount_requested": intent["amount"],
            "currency": intent["currency"],
            "invoice": id,
            "is_default": False,
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        },
    )
    return _received(desk, payment, intent["amount_received"]) if intent["status"] == "succeeded" else found


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes of an invoice's life."""
    one = "/v1/invoices/{id}"

    def finalized(desk: Desk, id: str, given: Record) -> Record:
        return finalize(desk, id, given.get("auto_advance"))

    def lines(desk: Desk, id: str, given: Record) -> Record:
        from counterfoil_mocks.billing.stripe.billing_objects import lines_of

        record = desk.record(INVOICE, id)
        if record is None:
            raise missing("invoice", id, param="invoice")
        return paged([shown_line(line) for line in lines_of(record, face)], given, f"/v1/invoices/{id}/lines")

    def line(desk: Desk, id: str, given: Record) -> Record:
        return shown_line(drafts.update_line(desk, id, desk.params["line"], given))

    payable = {
        "payment_method": TEXT,
        "paid_out_of_band": BOOL,
        "forgive": BOOL,
        "source": TEXT,
        "off_session": BOOL,
        "mandate": TEXT,
    }
    yield face.post("issue_invoice", f"{one}/finalize", {"auto_advance": BOOL}, finalized, entity="invoice")
    yield face.post("pay_invoice", f"{one}/pay", payable, pay, entity="invoice")
    yield face.post("send_invoice", f"{one}/send", {}, send, entity="invoice")
    yield face.post("void_invoice", f"{one}/void", {}, void, entity="invoice")
    yield face.post("write_off_invoice", f"{one}/mark_uncollectible", {}, give_up, entity="invoice")
    attached = {"payment_intent": TEXT, "payment_record": TEXT}
    yield face.post("attach_payment", f"{one}/attach_payment", attached, attach_payment, entity="invoice")
    more = {"invoice_metadata": ANY, "lines": [LINE_UPDATE]}
    yield face.post(
        "add_invoice_lines",
        f"{one}/add_lines",
        {**more, "lines": [LINE_FIELDS]},
        drafts.add_lines,
        ("lines",),
        "invoice",
    )
    yield face.post("update_invoice_lines", f"{one}/update_lines", more, drafts.update_lines, ("lines",), "invoice")
    removed = {**more, "lines": [{"id": TEXT, "behavior": TEXT}]}
    yield face.post("remove_invoice_lines", f"{one}/remove_lines", removed, drafts.remove_lines, ("lines",), "invoice")
    yield face.post("update_invoice_line", f"{one}/lines/{{line}}", LINE_FIELDS, line, entity="invoice")
    yield face.read("list_invoice_line", f"{one}/lines", LISTED, lines, entity="invoice")


def paged(found: list[Record], given: Record, url: str) -> Record:
    """A page of things that are already in their order."""
    limit, start, stop = limit_of(given), 0, len(found)
    ids = [each["id"] for each in found]
    for name in ("starting_after", "ending_before"):
        if given.get(name) and given[name] not in ids:
            raise missing("object", given[name], param=name, status=400)
    if given.get("starting_after") in ids:
        start = ids.index(given["starting_after"]) + 1
    if given.get("ending_before") in ids:
        stop = ids.index(given["ending_before"])
        start = max(0, stop - limit)
    page = found[start : min(stop, start + limit)]
    more = start > 0 if given.get("ending_before") in ids else start + limit < len(found)
    return {"object": "list", "url": url, "has_more": more, "data": page}
