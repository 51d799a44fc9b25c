"""Stripe's reductions: coupons, the codes under which customers redeem them, and the discounts that they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe.kind import KEEP, Kind, kept, mapped
from counterfoil_mocks.billing.stripe.params import ANY, BOOL, DEC, INT, META, TEXT, TIME, Spec, words
from counterfoil_mocks.protocols.conversion import epoch
from counterfoil_mocks.protocols.fieldmap import FieldMap

RESTRICTIONS: Spec = {
    "currency_options": ANY,
    "first_time_transaction": BOOL,
    "minimum_amount": INT,
    "minimum_amount_currency": TEXT,
}


def redeemable(coupon: Mapping[str, Any], now: int) -> bool:
    """Whether a coupon is neither used up nor too old."""
    most, last = coupon.get("max_redemptions"), coupon.get("redeem_by")
    return (most is None or coupon.get("times_redeemed", 0) < most) and (last is None or now < last)


COUPON = Kind(
    "coupon",
    mapped(
        "coupon",
        "vendor_object",
        FieldMap("valid", computed=lambda record, face: redeemable(kept(record), epoch(face.system.clock.now))),
        amount_off=None,
        currency=None,
        duration="once",
        duration_in_months=None,
        max_redemptions=None,
        name=None,
        percent_off=None,
        redeem_by=None,
        times_redeemed=0,
    ),
    "coupon",
    "/v1/coupons",
    create={
        **dict.fromkeys(("id", "name", "currency"), TEXT),
        "percent_off": DEC,
        "amount_off": INT,
        "duration": words("once repeating forever"),
        "duration_in_months": INT,
        "max_redemptions": INT,
        "redeem_by": TIME,
        "applies_to": {"products": [TEXT]},
        "metadata": META,
    },
    update={"name": TEXT, "metadata": META, "currency_options": ANY},
    deletable=True,
)
PROMOTION_CODE = Kind(
    "promotion_code",
    mapped(
        "promotion_code",
        "vendor_object",
        active=True,
        code=None,
        customer=None,
        customer_account=None,
        expires_at=None,
        max_redemptions=None,
        promotion=None,
        restrictions={"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None},
        times_redeemed=0,
    ),
    "promotion code",
    "/v1/promotion_codes",
    create={
        **dict.fromkeys(("code", "customer", "customer_account"), TEXT),
        "active": BOOL,
        "expires_at": TIME,
        "max_redemptions": INT,
        "promotion": {"type": words("coupon"), "coupon": TEXT},
        "restrictions": RESTRICTIONS,
        "metadata": META,
    },
    update={"active": BOOL, "restrictions": {"currency_options": ANY}, "metadata": META},
    required=("promotion",),
    filters={"active": BOOL, "code": TEXT, "coupon": TEXT, "customer": TEXT},
    asked={
        "coupon": lambda table, value: sa.func.json_extract(table.c.custom, f"$.{KEEP}.promotion.coupon") == value,
        "code": lambda table, value: (
            sa.func.small_letters(sa.func.json_extract(table.c.custom, f"$.{KEEP}.code")) == value.lower()
        ),
    },
)
DISCOUNT = Kind(
    "discount",
    mapped(
        "discount",
        "vendor_object",
        checkout_session=None,
        customer=None,
        customer_account=None,
        end=None,
        invoice=None,
        invoice_item=None,
        promotion_code=None,
        source=None,
        start=None,
        subscription=None,
        subscription_item=None,
    ),
    "discount",
)
