"""Money that moves: payment methods, payment intents with their charges, refunds and disputes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.stripe import cards, catalogue
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import alter, make, merged
from counterfoil_mocks.billing.stripe.errors import Refused, invalid, missing, needed
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.kinds import KINDS
from counterfoil_mocks.billing.stripe.params import BOOL, INT, META, TEXT
from counterfoil_mocks.billing.stripe.payment_objects import (
    CHARGE,
    CONFIRM,
    PAYMENT_INTENT,
    PAYMENT_METHOD,
)
from counterfoil_mocks.billing.stripe.totals import half_up
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

WHOLE_UNITS = {"ugx": 100}
"""Currencies without smaller units that are sent with two zeros all the same."""
MOST = 99_999_999
"""Most minor units of a charge that an API client asks for."""
LEAST = 50
"""Least minor units of a charge in a currency of two places."""


class Declined(Exception):
    """A charge that the issuer refuses; what was done so far stays. error: as Stripe tells it."""

    def __init__(self, error: Record) -> None:
        super().__init__(error["message"])
        self.error = error

    def answer(self) -> Answer:
        """The refusal as an answer: the deed is committed all the same."""
        return Answer(402, {"error": self.error})


# payment methods


def clone(desk: Desk, token: str, customer: str | None = None) -> Record:
    """A payment method of its own for a test token; raises Refused for a token that nobody knows."""
    name = cards.named(token)
    if name is None:
        raise missing("PaymentMethod", token, param="payment_method", status=400)
    fingerprint = chars(16, desk.system.name, name)
    return desk.insert(
        "payment_method",
        {"type": "card", "card": cards.shown(name, fingerprint), "customer": customer, "behaviour": name},
    )


@PAYMENT_METHOD.on_create
def create_method(desk: Desk, given: Record) -> Record:
    """A payment method of a card's token or number, or of another type as it is described."""
    if not given.get("type"):
        raise needed("type")
    if given["type"] != "card":
        return make(desk, PAYMENT_METHOD, given)
    card = given.get("card") or {}
    if not isinstance(card, dict) or not (card.get("token") or card.get("number")):
        raise needed("card")
    made = clone(desk, str(card.get("token") or card["number"]))
    said = {
        name: value for name, value in given.items() if name in ("billing_details", "metadata") and value is not None
    }
    return alter(desk, PAYMENT_METHOD, made, said) if said else made


def attach(desk: Desk, id: str, customer: Record) -> Record:
    """Attach a payment method, or a clone of a test token, to a customer; raises Declined."""
    found = desk.find("payment_method", id)
    if found is None:
        name = cards.named(id)
        if name is None:
            raise missing("PaymentMethod", id, param="payment_method")
        if cards.CARDS[name].attach:
            raise Declined(cards.declined(cards.CARDS[name].attach))
        return clone(desk, id, customer["id"])
    behaviour = desk.kept("payment_method", found["id"]).get("behaviour")
    if behaviour and cards.CARDS[behaviour].attach:
        raise Declined(cards.declined(cards.CARDS[behaviour].attach))
    if found["customer"] is None and desk.kept("payment_method", found["id"]).get("detached"):
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be"
            " used again.",
            "payment_method",
        )
    if found["customer"] not in (None, customer["id"]):
        raise invalid("The payment method you provided has already been attached to a customer.", "payment_method")
    return desk.change("payment_method", found["id"], {"customer": customer["id"]})


def method_for(desk: Desk, id: str | None, customer: Record | None, param: str = "payment_method") -> Record | None:
    """The payment method that a caller names (a test token is cloned), else the customer's default; None where there is none."""
    if id:
        return desk.find("payment_method", id) or (clone(desk, id) if cards.named(id) else _no_method(id, param))
    default = customer and (customer["invoice_settings"]["default_payment_method"] or customer["default_source"])
    return desk.find("payment_method", default) if default else None


def not_his(id: str, param: str) -> Refused:
    """A payment method is another customer's, or nobody's."""
    return invalid(
        f"The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer.",
        param,
        "resource_missing",
    )


def _no_method(id: str, param: str) -> Record:
    raise missing("PaymentMethod", id, param=param, status=400)


# intents


@PAYMENT_INTENT.on_create
def create_intent(desk: Desk, given: Record) -> Any:
    """An intent, confirmed at once where that is asked for."""
    _check_amount(given["amount"], given["currency"])
    customer = desk.named("customer", given["customer"], "customer") if given.get("customer") else None
    said = {
        name: value
        for name, value in given.items()
        if name in PAYMENT_INTENT.map.by_name and name != "metadata" and value is not None
    }
    said["currency"] = catalogue.currency(given["currency"])
    said["metadata"] = merged({}, given.get("metadata") or {})
    if given.get("automatic_payment_methods"):
        said["automatic_payment_methods"] = {"allow_redirects": "always", **given["automatic_payment_methods"]}
    if given.get("payment_method"):
        method = method_for(desk, given["payment_method"], customer)
        said |= {"payment_method": method and method["id"], "status": "requires_confirmation"}
    made = new_intent(desk, said)
    return confirm(desk, made["id"], given) if given.get("confirm") else made


def new_intent(desk: Desk, said: Record) -> Record:
    """Write an intent with its client secret."""
    id = desk.new_id("payment_intent")
    secret = f"{id}_secret_{chars(22, desk.system.world.seed, id)}"
    return desk.insert("payment_intent", {**said, "id": id, "client_secret": secret})


def _check_amount(amount: int, ccy: str) -> None:
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer")
    if ccy.lower() == "usd" and amount < LEAST:
        raise invalid("Amount must be at least $0.50 usd", "amount", "amount_too_small")
    if ccy.lower() == "usd" and amount > MOST:
        raise invalid("Amount must be no more than $999,999.99", "amount", "amount_too_large")
    check_places(amount, ccy)


def check_places(amount: int, ccy: str) -> None:
    """Refuse to move parts of a currency that no bank moves: thousandths, and hundredths of what has none any more."""
    coarse = 10 if money.KNOWN.get(ccy.upper()) == 3 else WHOLE_UNITS.get(ccy.lower(), 1)
    if amount % coarse:
        nearest, digits = ("ten", "last digit is 0") if coarse == 10 else ("hundred", "last two digits are 0")
        raise invalid(
            f"Amounts in {ccy.lower()} must be rounded to the nearest {nearest}: their {digits}.",
            "amount",
            "parameter_invalid_integer",
        )


@PAYMENT_INTENT.on_change
def change_intent(desk: Desk, before: Record, given: Record) -> Record:
    """An intent changed while it is open."""
    if before["status"] in ("succeeded", "canceled") and set(given) - {
        "metadata",
        "description",
        "expand",
        "receipt_email",
    }:
        raise unexpected(before, "updated")
    if given.get("amount") is not None or given.get("currency"):
        amount = given["amount"] if given.get("amount") is not None else before["amount"]
        _check_amount(amount, given.get("currency") or before["currency"])
    if given.get("payment_method"):
        method = method_for(desk, given["payment_method"], None)
        given = {**given, "payment_method": method and method["id"]}
    return ready(desk, "payment_intent", alter(desk, PAYMENT_INTENT, before, given))


def ready(desk: Desk, name: str, changed: Record) -> Record:
    """An intent that has been given its payment method waits to be confirmed."""
    if changed["payment_method"] and changed["status"] == "requires_payment_method":
        return desk.change(name, changed["id"], {"status": "requires_confirmation"})
    return changed


def unexpected(intent: Record, deed: str) -> Refused:
    """The refusal of what the status of an intent, of either kind, does not allow."""
    name = str(intent["object"])
    held: Record = {name: intent}
    return Refused(
        400,
        f"This {name.title().replace('_', '')}'s status is {intent['status']}, so it could not be {deed}.",
        code=f"{name}_unexpected_state",
        **held,
    )


def confirm(desk: Desk, id: str, given: Record) -> Any:
    """Try to collect; the answer is the intent, or a refusal (402) after which what was done stays."""
    intent = desk.get("payment_intent", id)
    if intent["status"] in ("succeeded", "canceled", "requires_capture"):
        raise unexpected(intent, "confirmed")
    customer = desk.find("customer", intent["customer"]) if intent["customer"] else None
    method = method_for(desk, given.get("payment_method") or intent["payment_method"], None)
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a"
            " payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
            None,
            "payment_intent_unexpected_state",
        )
    future = given.get("setup_future_usage") or intent["setup_future_usage"]
    off_session = str(given.get("off_session") or "false").lower() != "false"
    alone = off_session or bool(given.get("error_on_requires_action"))
    try:
        done = collect(desk, intent, method, customer, alone=alone)
        if future and customer is not None and method["customer"] is None:
            attach(desk, method["id"], customer)
    except Declined as declined:
        return declined.answer()
    if done["status"] == "succeeded":
        from counterfoil_mocks.billing.stripe import invoices

        invoices.collected(desk, done)
    return done


def collect(desk: Desk, intent: Record, method: Record, customer: Record | None, *, alone: bool = False) -> Record:
    """Charge a payment method for an intent; raises Declined, with everything about the failure written.

    alone: the customer is not there to do what his bank may want of him; the charge is declined then.
    """
    name = desk.kept("payment_method", method["id"]).get("behaviour") or "visa"
    fate = cards.CARDS[name].charge
    if fate == "action" and alone:
        fate = "authentication_required"
    if fate == "action":
        return desk.change(
            "payment_intent",
            intent["id"],
            {
                "status": "requires_action",
                "payment_method": method["id"],
                "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}},
            },
        )
    fails = bool(fate) and fate != "dispute"
    manual = intent["capture_method"] == "manual"
    charge = _charge(desk, intent, method, customer, fate if fails else "", captured=not manual)
    if fails:
        error = cards.declined(fate, charge=charge["id"])
        told = {**error, "payment_method": method}
        intent = desk.change(
            "payment_intent",
            intent["id"],
            {
                "status": "requires_payment_method",
                "payment_method": None,
                "latest_charge": charge["id"],
                "last_payment_error": told,
            },
        )
        desk.tell("payment_intent", intent["id"], "payment_intent.payment_failed")
        raise Declined({**error, "payment_intent": intent, "payment_method": method})
    done: Record = {
        "payment_method": method["id"],
        "latest_charge": charge["id"],
        "last_payment_error": None,
        "next_action": None,
    }
    if manual:
        done |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    else:
        done |= {"status": "succeeded", "amount_received": intent["amount"]}
    intent = desk.change("payment_intent", intent["id"], done)
    if fate == "dispute":
        from counterfoil_mocks.billing.stripe import refunds

        refunds.dispute(desk, charge)
    return intent


def _charge(
    desk: Desk, intent: Record, method: Record, customer: Record | None, decline: str, *, captured: bool
) -> Record:
    card = method["card"] or {}
    error = cards.declined(decline) if decline else {}
    outcome = {
        "advice_code": "try_again_later" if decline else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline or None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "The bank returned the decline code." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }
    made = desk.insert(
        "charge",
        {
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if captured and not decline else 0,
            "billing_details": method["billing_details"],
            "captured": captured and not decline,
            "currency": intent["currency"],
            "customer": customer and customer["id"],
            "description": intent["description"],
            "failure_code": error.get("code"),
            "failure_message": error.get("message"),
            "metadata": intent["metadata"],
            "outcome": outcome,
            "paid": not decline,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {
                "card": {
                    name: card.get(name) for name in ("brand", "country", "exp_month", "exp_year", "funding", "last4")
                },
                "type": method["type"],
            },
            "status": "failed" if decline else "succeeded",
        },
    )
    if decline or not captured:
        return made
    return desk.change("charge", made["id"], {"balance_transaction": booked(desk, made, made["amount"], "charge")})


def booked(desk: Desk, source: Record, amount: int, type: str) -> str:
    """Book an amount on the account's balance, less the fee of a charge; the id of the entry."""
    from decimal import Decimal

    fee = half_up(Decimal(amount) * 29 / 1000) + 30 if type == "charge" else 0
    made = desk.insert(
        "balance_transaction",
        {
            "amount": amount,
            "available_on": desk.now,
            "currency": source["currency"],
            "fee": fee,
            "fee_details": [
                {
                    "amount": fee,
                    "application": None,
                    "currency": source["currency"],
                    "description": "Stripe processing fees",
                    "type": "stripe_fee",
                }
            ]
            if fee
            else [],
            "net": amount - fee,
            "reporting_category": type,
            "source": source["id"],
            "type": type,
        },
    )
    return str(made["id"])


@CHARGE.on_create
def create_charge(desk: Desk, given: Record) -> Any:
    """A charge in the old way, by a source."""
    made = create_intent(desk, {
        "amount": given["amount"], "currency": given["currency"], "customer": given.get("customer"),
        "payment_method": given.get("source"), "description": given.get("description"), "metadata": given.get("metadata"),
        "capture_method": "manual" if given.get("capture") is False else "automatic",
    })  # fmt: skip
    done = confirm(desk, made["id"], {})
    return done if isinstance(done, Answer) else desk.get("charge", done["latest_charge"])


def paid_by(desk: Desk, intent: str) -> list[Record]:
    """The payments of invoices that a payment intent is for."""
    kind = KINDS["invoice_payment"]
    table = desk.system.table(kind.map.entity).sql
    mine = kind.asked["payment"](table, {"payment_intent": intent})
    clauses = [table.c.system == desk.system.name, *kind.conditions(table), mine]
    return [desk.shown(kind, record) for record in desk.select(kind, clauses, newest=False)]


def in_words(amount: int, ccy: str) -> str:
    """An amount as Stripe's sentences have it: `$40.00`."""
    signs = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
    shown = money.major(amount, ccy.upper())
    return f"{signs[ccy]}{shown}" if ccy in signs else f"{shown} {ccy.upper()}"


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes that are more than plain objects."""

    def attach_method(desk: Desk, id: str, given: Record) -> Any:
        if not given.get("customer"):
            raise needed("customer")
        customer = desk.named("customer", given["customer"], "customer")
        try:
            return attach(desk, id, customer)
        except Declined as declined:
            return declined.answer()

    def detach_method(desk: Desk, id: str, given: Record) -> Record:
        found = desk.get("payment_method", id)
        if found["customer"] is None:
            raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
        owner = desk.find("customer", found["customer"])
        if owner is not None and owner["invoice_settings"]["default_payment_method"] == id:
            desk.change(
                "customer",
                owner["id"],
                {"invoice_settings": {**owner["invoice_settings"], "default_payment_method": None}},
            )
        return desk.change("payment_method", id, {"customer": None, "detached": True})

    def cancel_intent(desk: Desk, id: str, given: Record) -> Record:
        intent = desk.get("payment_intent", id)
        if intent["status"] in ("succeeded", "canceled"):
            raise unexpected(intent, "canceled")
        return desk.change(
            "payment_intent",
            id,
            {
                "status": "canceled",
                "canceled_at": desk.now,
                "cancellation_reason": given.get("cancellation_reason"),
                "amount_capturable": 0,
            },
        )

    def capture_charge(desk: Desk, id: str, given: Record) -> Record:
        charge = desk.get("charge", id)
        if charge["captured"]:
            raise invalid(f"Charge {id} has already been captured.", None, "charge_already_captured")
        asked = {} if given.get("amount") is None else {"amount_to_capture": given["amount"]}
        capture_intent(desk, charge["payment_intent"], asked)
        return desk.get("charge", id)

    def capture_intent(desk: Desk, id: str, given: Record) -> Record:
        intent = desk.get("payment_intent", id)
        if intent["status"] != "requires_capture":
            raise unexpected(intent, "captured")
        amount = (
            given["amount_to_capture"] if given.get("amount_to_capture") is not None else intent["amount_capturable"]
        )
        if not 1 <= amount <= intent["amount_capturable"]:
            raise invalid(
                f"The amount to capture ({in_words(amount, intent['currency'])}) must be between 1 and what is authorized"
                f" ({in_words(intent['amount_capturable'], intent['currency'])}).",
                "amount_to_capture",
                "amount_too_large" if amount > 0 else "parameter_invalid_integer",
            )
        charge = desk.get("charge", intent["latest_charge"])
        entry = booked(desk, charge, amount, "charge")
        desk.change("charge", charge["id"], {"captured": True, "amount_captured": amount, "balance_transaction": entry})
        return desk.change(
            "payment_intent", id, {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        )

    yield face.post("attach_payment_method", "/v1/payment_methods/{id}/attach", {"customer": TEXT}, attach_method)
    yield face.post("detach_payment_method", "/v1/payment_methods/{id}/detach", {}, detach_method)
    yield face.post("confirm_payment_intent", "/v1/payment_intents/{id}/confirm", CONFIRM, confirm)
    yield face.post(
        "cancel_payment_intent", "/v1/payment_intents/{id}/cancel", {"cancellation_reason": TEXT}, cancel_intent
    )
    yield face.post(
        "capture_charge", "/v1/charges/{id}/capture", {"amount": INT, "receipt_email": TEXT}, capture_charge
    )
    captured = {"amount_to_capture": INT, "final_capture": BOOL, "metadata": META, "statement_descriptor": TEXT}
    yield face.post("capture_payment_intent", "/v1/payment_intents/{id}/capture", captured, capture_intent)
