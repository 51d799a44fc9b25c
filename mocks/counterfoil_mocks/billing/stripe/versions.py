"""Older versions of the API: callers from before March 2025 still get the names that have gone since."""

from __future__ import annotations

from typing import Any

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.kernel.fields import Record

BASIL = b"2025-03-31"


def old(version: bytes | str | None) -> bool:
    """Whether a version is from before the names went."""
    if version is None:
        return False
    raw = version.encode() if isinstance(version, str) else version
    return raw[:10] < BASIL


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
    details = ((line.get("pricing") or {}).get("price_details")) or {}
    price = desk.find("price", details["price"]) if isinstance(details.get("price"), str) else details.get("price")
    quantity = line.get("quantity") or 1
    return {
        "plan": None,
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
    return {name: first.get(name) for name in ("current_period_start", "current_period_end")}


OLD_NAMES = {"invoice": _invoice, "line_item": _line, "subscription": _subscription}
