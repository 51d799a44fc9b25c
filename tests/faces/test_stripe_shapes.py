"""Stripe's own types say which members an object has: ours has all that are always there, and none that they do not know."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


def members(kind: type) -> dict[str, str]:
    """The members that a type of the client declares, with their types as text."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("stripe."):
            found |= {name: str(type) for name, type in inspect.get_annotations(each).items()}
    return {name: type for name, type in found.items() if not name.startswith("_") and name != "OBJECT_NAME"}


def differences(shown: dict[str, Any], kind: type) -> set[str]:
    """Members that are not declared, and declared ones that are missing or null though they are never."""
    declared = members(kind)
    never = {
        name for name, type in declared.items() if "None" not in type and "Optional" not in type and name != "deleted"
    }
    return (shown.keys() - declared.keys()) | {name for name in never if shown.get(name) is None}


def test_objects_have_the_members_of_the_client_s_types(client: Any) -> None:
    v1 = client.v1
    card = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    owner = v1.customers.create({"name": "Acme", **card})
    price = v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 9000,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Retainer"},
        }
    )
    item = v1.invoice_items.create({"customer": owner.id, "amount": 500, "currency": "usd"})
    subscription = v1.subscriptions.create({"customer": owner.id, "items": [{"price": price.id}]})
    invoice = v1.invoices.retrieve(subscription.latest_invoice)
    paid = v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    intent = v1.payment_intents.retrieve(paid.payment.payment_intent)
    made = [
        owner,
        price,
        item,
        subscription,
        invoice,
        paid,
        intent,
        v1.products.retrieve(price.product),
        v1.charges.retrieve(intent.latest_charge),
        v1.refunds.create({"payment_intent": intent.id, "amount": 100}),
        v1.balance_transactions.list({"limit": 1}).data[0],
        v1.credit_notes.create({"invoice": invoice.id, "amount": 100}),
        v1.customers.tax_ids.create(owner.id, {"type": "eu_vat", "value": "FR12345678901"}),
        v1.customers.balance_transactions.create(owner.id, {"amount": -5, "currency": "usd"}),
        v1.tax_rates.create({"display_name": "Tax", "percentage": 10, "inclusive": False}),
        v1.coupons.create({"percent_off": 10, "duration": "once"}),
        v1.test_helpers.test_clocks.create({"frozen_time": 1769904000}),
        v1.events.list({"limit": 1}).data[0],
    ]
    wrong = {each["object"]: differences(each.to_dict(), type(each)) for each in made}
    assert {name: found for name, found in wrong.items() if found} == {}
