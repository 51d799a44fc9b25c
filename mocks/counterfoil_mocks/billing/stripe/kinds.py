"""All kinds of Stripe's objects by name, and which of their fields can be expanded into what."""

from __future__ import annotations

from counterfoil_mocks.billing.stripe import (
    billing_objects,
    discount_objects,
    objects,
    payment_objects,
    subscription_objects,
)
from counterfoil_mocks.billing.stripe.kind import Kind
from counterfoil_mocks.kernel.fields import Entity, Record

KINDS: dict[str, Kind] = {
    each.name: each
    for module in (objects, discount_objects, payment_objects, billing_objects, subscription_objects)
    for each in vars(module).values()
    if isinstance(each, Kind)
}
BY_ENTITY = {kind.map.entity: kind for kind in KINDS.values() if kind.map.entity != "vendor_object"}


def kind_of(entity: Entity, record: Record) -> Kind | None:
    """The kind of object that a record is."""
    if entity.name == "vendor_object":
        return KINDS.get(record["kind"]) if record["vendor"] == "stripe" else None
    return BY_ENTITY.get(entity.name)


CLOCKED = {"test_clock": "test_helpers.test_clock", "customer": "customer"}
PRICED = {"pricing.price_details.price": "price"}

EXPANDS: dict[str, dict[str, str]] = {
    "customer": {
        "test_clock": "test_helpers.test_clock",
        "invoice_settings.default_payment_method": "payment_method",
        "default_source": "payment_method",
    },
    "tax_id": {"customer": "customer", "owner.customer": "customer"},
    "customer_balance_transaction": {"customer": "customer", "invoice": "invoice", "credit_note": "credit_note"},
    "product": {"default_price": "price"},
    "price": {"product": "product"},
    "discount": {"customer": "customer", "source.coupon": "coupon", "promotion_code": "promotion_code"},
    "promotion_code": {"customer": "customer", "promotion.coupon": "coupon"},
    "setup_intent": {"customer": "customer", "payment_method": "payment_method"},
    "invoiceitem": {**CLOCKED, **PRICED, "invoice": "invoice", "discounts": "discount"},
    "invoice": {
        **CLOCKED,
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "parent.subscription_details.subscription": "subscription",
        "parent.quote_details.quote": "quote",
        "from_invoice.invoice": "invoice",
        "latest_revision": "invoice",
        "subscription": "subscription",
        "charge": "charge",
        "payment_intent": "payment_intent",
        "total_discount_amounts.discount": "discount",
    },
    "line_item": {
        **PRICED,
        "discounts": "discount",
        "subscription": "subscription",
        "parent.invoice_item_details.invoice_item": "invoiceitem",
        "parent.subscription_item_details.subscription": "subscription",
        "discount_amounts.discount": "discount",
    },
    "invoice_payment": {
        "invoice": "invoice",
        "payment.payment_intent": "payment_intent",
        "payment.charge": "charge",
    },
    "credit_note": {
        "customer": "customer",
        "invoice": "invoice",
        "customer_balance_transaction": "customer_balance_transaction",
        "refund": "refund",
        "refunds.refund": "refund",
    },
    "credit_note_line_item": {},
    "payment_method": {"customer": "customer"},
    "payment_intent": {
        "invoice": "invoice",
        "customer": "customer",
        "payment_method": "payment_method",
        "latest_charge": "charge",
    },
    "charge": {
        "invoice": "invoice",
        "customer": "customer",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "refund": {"charge": "charge", "payment_intent": "payment_intent", "balance_transaction": "balance_transaction"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "balance_transaction": {},
    "subscription": {
        **CLOCKED,
        "default_payment_method": "payment_method",
        "latest_invoice": "invoice",
        "schedule": "subscription_schedule",
        "discounts": "discount",
        "pending_setup_intent": "setup_intent",
    },
    "subscription_item": {"price.product": "product", "discounts": "discount"},
    "subscription_schedule": {
        **CLOCKED,
        "subscription": "subscription",
        "phases.items.price": "price",
        "default_settings.default_payment_method": "payment_method",
    },
    "quote": {
        **CLOCKED,
        "invoice": "invoice",
        "subscription": "subscription",
        "subscription_schedule": "subscription_schedule",
        "discounts": "discount",
    },
    "item": {"price.product": "product"},
}
"""By object: the fields that hold ids (or lists of them) and the kinds that these name."""
