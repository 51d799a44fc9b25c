"""Stripe's ids: a prefix for the kind of object and letters and digits that say nothing."""

from __future__ import annotations

from counterfoil_mocks.kernel import ids

PREFIXES: dict[str, tuple[str, int]] = {
    "CUS": ("cus_", 14),
    "INV": ("in_", 24),
    "CRM": ("cn_", 24),
    "TAX": ("txr_", 24),
    "product": ("prod_", 14),
    "subscription_item": ("si_", 14),
    "line_item": ("il_", 24),
    "invoiceitem": ("ii_", 24),
    "credit_note_line_item": ("cnli_", 24),
    "price": ("price_", 24),
    "subscription": ("sub_", 24),
    "subscription_schedule": ("sub_sched_", 24),
    "tax_id": ("txi_", 24),
    "customer_balance_transaction": ("cbtxn_", 24),
    "payment_intent": ("pi_", 24),
    "charge": ("ch_", 24),
    "refund": ("re_", 24),
    "dispute": ("du_", 24),
    "payment_method": ("pm_", 24),
    "event": ("evt_", 24),
    "webhook_endpoint": ("we_", 24),
    "test_helpers.test_clock": ("clock_", 24),
    "quote": ("qt_", 24),
    "invoice_payment": ("inpay_", 24),
    "balance_transaction": ("txn_", 24),
    "discount": ("di_", 24),
    "promotion_code": ("promo_", 24),
    "coupon": ("", 8),
    "billing.meter": ("mtr_", 24),
    "billing.meter_event": ("mev_", 24),
    "setup_intent": ("seti_", 24),
}
"""By the prefix of the canonical entity, or by the kind of object: prefix, and how many characters follow it."""


def id_style(prefix: str, number: int, milliseconds: int, parts: tuple[object, ...]) -> str:
    """A native id of a billing engine that speaks as Stripe; kinds that Stripe has no name for keep the engine's own."""
    if prefix not in PREFIXES:
        return ids.prefixed_ulid(prefix, number, milliseconds, parts)
    start, length = PREFIXES[prefix]
    return start + chars(length, *parts, number)


def chars(length: int, *parts: object) -> str:
    """So many letters and digits that depend on all parts."""
    tail = ids.encode(ids.digest(*parts), ids.BASE62, min(length, 20))
    return ("1P" + ids.encode(ids.digest(*parts, "head"), ids.BASE62, length))[: length - len(tail)] + tail
