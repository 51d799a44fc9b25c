"""Older versions of the API: callers from before March 2025 still get the names that have gone since."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from counterfoil_mocks.billing.stripe import payments, subscriptions
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import invalid
from counterfoil_mocks.kernel.fields import Record

BASIL = b"2025-03-31"
CLOVER = b"2025-09-30"
"""Since then the length of a phase is its `duration`."""
PHASED = ("create_subscription_schedule", "update_subscription_schedule")
VERSION = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(\.[a-z]+)?(; ?[\w=-]+)*")
"""A date, since 2024 with the release's name; what is tried out before it is released stands behind."""


def known(version: str) -> bool:
    """Whether a text is a version as there are some."""
    return VERSION.fullmatch(version) is not None


def check(version: str | None, param: str | None = None) -> None:
    """Refuse what is no version of any API; a newer one than ours is a newer client's, and may speak."""
    if version and not known(version):
        raise invalid(f"Invalid Stripe API version: {version}", param)


def old(version: bytes | str | None) -> bool:
    """Whether a version is from before the names went."""
    return before(version, BASIL)


def before(version: bytes | str | None, release: bytes) -> bool:
    """Whether a version is older than a release."""
    if version is None:
        return False
    raw = version.encode() if isinstance(version, str) else version
    return raw[:10] < release


def heard(version: str | None, operation: str, said: Record) -> Record:
    """Parameters in the words of today. Raises Refused.

    Before March 2025 an item's price was named and told by itself, and one coupon was what discounts are now.
    """
    if operation in PHASED and not before(version, CLOVER):
        for number, phase in enumerate(said.get("phases") or ()):
            if isinstance(phase, dict) and "iterations" in phase:
                at = f"phases[{number}][iterations]"
                raise invalid(f"Received unknown parameter: {at}", at, "parameter_unknown")
    if not old(version) or operation not in OLD_WORDS:
        return said
    said = dict(said)
    for name, told in OLD_WORDS[operation].items():
        if said.get(name):
            said |= told(said.pop(name))
    return said


ITEM_WORDS: Mapping[str, Callable[[Any], Record]] = {
    "price": lambda given: {"pricing": {"price": given}},
    "unit_amount": lambda given: {"unit_amount_decimal": given},
}
COUPON_WORDS: Mapping[str, Callable[[Any], Record]] = {
    "coupon": lambda given: {"discounts": [{"coupon": given}]},
    "promotion_code": lambda given: {"discounts": [{"promotion_code": given}]},
}
OLD_WORDS = {
    "create_invoiceitem": ITEM_WORDS,
    "update_invoiceitem": ITEM_WORDS,
    "create_subscription": COUPON_WORDS,
    "update_subscription": COUPON_WORDS,
}
"""By operation: parameters of old, and what they are now."""


def spoken(desk: Desk, payload: Any) -> Any:
    """An answer with the names of old beside those of today."""
    if isinstance(payload, list):
        return [spoken(desk, each) for each in payload]
    if not isinstance(payload, dict):
        return payload
    shown = {name: spoken(desk, each) for name, each in payload.items()}
    add = OLD_NAMES.get(str(payload.get("object")))
    return {**shown, **add(desk, payload)} if add else shown


def _invoice(desk: Desk, invoice: Record) -> Record:
    of_sub = (invoice.get("parent") or {}).get("subscription_details") or {}
    of_quote = (invoice.get("parent") or {}).get("quote_details") or {}
    found = desk.all("invoice_payment", invoice=invoice["id"])
    intent = found[-1]["payment"].get("payment_intent") if found else None
    charge = desk.find("payment_intent", intent) if intent else None
    exclusive = [tax for tax in invoice["total_taxes"] if tax["tax_behavior"] == "exclusive"]
    return {
        "application_fee_amount": None,
        "charge": charge and charge["latest_charge"],
        "paid": invoice["status"] == "paid",
        "paid_out_of_band": invoice["status"] == "paid" and not found and invoice["amount_paid"] > 0,
        "payment_intent": intent,
        "quote": of_quote.get("quote"),
        "subscription": of_sub.get("subscription"),
        "subscription_details": {"metadata": of_sub.get("metadata")},
        "tax": sum(tax["amount"] for tax in exclusive) if exclusive else None,
        "total_tax_amounts": [_tax(tax) for tax in invoice["total_taxes"]],
    }


def _tax(tax: Record) -> Record:
    return {
        "amount": tax["amount"],
        "inclusive": tax["tax_behavior"] == "inclusive",
        "tax_rate": tax["tax_rate_details"]["tax_rate"],
        "taxability_reason": None,
        "taxable_amount": tax["taxable_amount"],
    }


def _line(desk: Desk, line: Record) -> Record:
    price = _price(desk, line)
    quantity = line.get("quantity") or 1
    parent = line.get("parent") or {}
    of_item = parent.get("invoice_item_details") or {}
    of_sub = parent.get("subscription_item_details") or {}
    more = {"subscription_item": of_sub["subscription_item"]} if of_sub.get("subscription_item") else {}
    return {
        **more,
        **({"invoice_item": of_item["invoice_item"]} if of_item.get("invoice_item") else {}),
        "plan": subscriptions.plan_of(price) if price and price["recurring"] else None,
        "price": price,
        "proration": bool(((line.get("parent") or {}).get("invoice_item_details") or {}).get("proration")),
        "tax_amounts": [_tax(tax) for tax in line["taxes"]],
        "tax_rates": [],
        "type": "subscription"
        if (line.get("parent") or {}).get("type") == "subscription_item_details"
        else "invoiceitem",
        "unit_amount_excluding_tax": str(line["amount"] // quantity),
    }


def _subscription(desk: Desk, subscription: Record) -> Record:
    items = subscription["items"]["data"]
    first = items[0] if items else {}
    only = first if len(items) == 1 else {}
    off = [desk.find("discount", each) if isinstance(each, str) else each for each in subscription["discounts"][:1]]
    return {
        **{name: first.get(name) for name in ("current_period_start", "current_period_end")},
        **{name: only.get(name) for name in ("plan", "quantity")},
        "discount": {**off[0], **_discount(desk, off[0])} if off and off[0] else None,
    }


def _discount(desk: Desk, discount: Record) -> Record:
    coupon = discount["source"]["coupon"]
    return {"coupon": desk.find("coupon", coupon) if isinstance(coupon, str) else coupon}


def _charge(desk: Desk, charge: Record) -> Record:
    return _paying(desk, charge["payment_intent"])


def _intent(desk: Desk, intent: Record) -> Record:
    return _paying(desk, intent["id"])


def _paying(desk: Desk, intent: Any) -> Record:
    """The invoice that money is for."""
    id = intent["id"] if isinstance(intent, dict) else intent
    found = payments.paid_by(desk, id) if id else []
    return {"invoice": found[0]["invoice"] if found else None}


def _item(desk: Desk, item: Record) -> Record:
    price = _price(desk, item)
    subscription = ((item.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    unit = price and price["unit_amount"]
    return {
        "plan": None,
        "price": price,
        "subscription": subscription,
        "unit_amount": unit,
        "unit_amount_decimal": price and price["unit_amount_decimal"],
    }


def _price(desk: Desk, priced: Record) -> Record | None:
    details = ((priced.get("pricing") or {}).get("price_details")) or {}
    return desk.find("price", details["price"]) if isinstance(details.get("price"), str) else details.get("price")


def _credit_note(desk: Desk, note: Record) -> Record:
    refunds = [each["refund"] for each in note["refunds"]]
    return {"refund": refunds[0] if refunds else None, "tax_amounts": [_tax(tax) for tax in note["total_taxes"]]}


OLD_NAMES = {
    "charge": _charge,
    "payment_intent": _intent,
    "discount": _discount,
    "credit_note": _credit_note,
    "invoiceitem": _item,
    "invoice": _invoice,
    "line_item": _line,
    "subscription": _subscription,
}
