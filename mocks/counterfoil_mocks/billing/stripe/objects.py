"""Stripe's objects: which canonical entity each is, its fields, and the parameters that make, change and list them. Data that code walks.

Objects that the business does not know (prices, payment intents…) are `vendor_object` records whose whole content is kept.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe.kind import KEEP, Kind, kept, mapped
from counterfoil_mocks.billing.stripe.params import (
    ANY,
    BOOL,
    DEC,
    EMAIL,
    INT,
    META,
    NAT,
    TEXT,
    TIME,
    Few,
    Hash,
    Short,
    Spec,
    Within,
    words,
)
from counterfoil_mocks.billing.stripe.vocabulary import TAX_IDS
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols import conversion
from counterfoil_mocks.protocols.conversion import Conversion
from counterfoil_mocks.protocols.fieldmap import FieldMap

ADDRESS: Spec = dict.fromkeys(("line1", "line2", "city", "state", "postal_code", "country"), TEXT)
SHIPPING: Spec = {"name": TEXT, "phone": TEXT, "address": ADDRESS}
PERIOD = Hash({"start": TIME, "end": TIME}, "start", "end")
CUSTOM_FIELDS = Few(Hash({"name": Short(40), "value": Short(140)}, "name", "value"), 4)
TAX_ID_DATA = Hash({"type": TAX_IDS, "value": TEXT}, "type", "value")
BILLED_BY = words("charge_automatically send_invoice")
DISCOUNTS: list[Spec] = [{"coupon": TEXT, "discount": TEXT, "promotion_code": TEXT}]
ISSUER: Spec = {"type": words("account self"), "account": TEXT}
AUTOMATIC_TAX: Spec = {"enabled": BOOL, "liability": ISSUER}
TAX_DISPLAY = words("exclude_tax include_inclusive_tax")
SPAN = Hash({"interval": words("day week month year"), "interval_count": Within(1, 1095)}, "interval")
PRICE_DATA: Spec = {
    "currency": TEXT,
    "product": TEXT,
    "product_data": {
        **dict.fromkeys(("name", "description", "statement_descriptor", "tax_code", "unit_label"), TEXT),
        "images": [TEXT],
        "metadata": META,
    },
    "unit_amount": INT,
    "unit_amount_decimal": DEC,
    "tax_behavior": words("inclusive exclusive unspecified"),
    "recurring": SPAN,
}
CUSTOM_AMOUNT: Spec = {"enabled": BOOL, "maximum": INT, "minimum": INT, "preset": INT}
PRORATION = words("create_prorations none always_invoice")


def json_at(path: str) -> Any:
    """The condition that a kept member has a value."""
    return lambda table, value: sa.func.json_extract(table.c.custom, f"$.{KEEP}.{path}") == value


# customers


def _name(value: str, record: Record) -> str | None:
    if kept(record).get("unnamed"):
        return None
    return record["name_full"] or value


def _locales(record: Record, face: Any) -> list[str]:
    said = kept(record).get("preferred_locales")
    return said if said is not None else [record["language"]] if record["language"] else []


NAME = Conversion("text", _name, conversion.same)
TAX_EXEMPT = conversion.choice({"TAXABLE": "none", "EXEMPT": "exempt", "REVERSE_CHARGE_ELIGIBLE": "reverse"})


def _email(table: sa.FromClause) -> sa.ColumnElement[Any]:
    """What `face.email_of` finds: a customer's own address, else that of the first site that invoices go to."""
    columns = ("system", "customer", "kind", "email_invoices_to", "deleted_at", "created_at", "id")
    site = sa.table("site", *(sa.column(each) for each in columns), schema=getattr(table, "schema", None)).alias()
    mine = (
        sa.select(site.c.email_invoices_to)
        .where(
            site.c.customer == table.c.id,
            site.c.system == table.c.system,
            site.c.kind.in_(("BILL_TO", "BOTH")),
            site.c.deleted_at.is_(None),
        )
        .order_by(site.c.created_at, site.c.id)
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
    return sa.func.coalesce(sa.func.json_extract(table.c.custom, f"$.{KEEP}.email"), mine)


CUSTOMER_FIELDS: Spec = {
    **dict.fromkeys(("name", "phone", "description", "invoice_prefix", "source"), TEXT),
    "email": EMAIL,
    "address": ADDRESS,
    "shipping": SHIPPING,
    "balance": INT,
    "preferred_locales": [TEXT],
    "tax_exempt": words("none exempt reverse"),
    "next_invoice_sequence": INT,
    "invoice_settings": {
        "default_payment_method": TEXT,
        "footer": TEXT,
        "custom_fields": CUSTOM_FIELDS,
        "rendering_options": {"amount_tax_display": TAX_DISPLAY, "template": TEXT},
    },
    "tax": {"ip_address": TEXT, "validate_location": TEXT},
    "cash_balance": {"settings": {"reconciliation_mode": TEXT}},
    "validate": BOOL,
    "default_source": TEXT,
    "metadata": META,
}
CUSTOMER = Kind(
    "customer",
    mapped(
        "customer",
        "customer",
        FieldMap("name", "name", NAME),
        FieldMap("tax_exempt", "tax_status", TAX_EXEMPT),
        FieldMap("address", computed=lambda record, face: face.address_of(record)),
        FieldMap(
            "email",
            computed=lambda record, face: face.email_of(record),
            sql=lambda table: _email(table),  # noqa: PLW0108 (it stands below)
        ),
        FieldMap(
            "invoice_prefix",
            computed=lambda record, face: face.prefix_of(record),
            sql=lambda table: sa.func.json_extract(table.c.custom, f"$.{KEEP}.invoice_prefix"),
        ),
        FieldMap("preferred_locales", computed=_locales),
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=None,
        discount=None,
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        next_invoice_sequence=1,
        phone=None,
        shipping=None,
        test_clock=None,
    ),
    "customer",
    "/v1/customers",
    create={**CUSTOMER_FIELDS, "payment_method": TEXT, "test_clock": TEXT, "tax_id_data": [TAX_ID_DATA]},
    update=CUSTOMER_FIELDS,
    filters={"email": TEXT, "test_clock": TEXT},
    apart=("test_clock",),
    deletable=True,
    stub=True,
    searched=("created", "email", "name", "phone"),
)
TAX_ID = Kind(
    "tax_id",
    mapped(
        "tax_id",
        "vendor_object",
        country=None,
        customer=None,
        customer_account=None,
        owner=None,
        type=None,
        value=None,
        verification=None,
    ),
    "tax_id",
)
BALANCE_TRANSACTION_OF_CUSTOMER = Kind(
    "customer_balance_transaction",
    mapped(
        "customer_balance_transaction",
        "vendor_object",
        amount=0,
        checkout_session=None,
        credit_note=None,
        currency=None,
        customer=None,
        customer_account=None,
        description=None,
        ending_balance=0,
        invoice=None,
        type="adjustment",
    ),
    "customer balance transaction",
    update={"description": TEXT, "metadata": META},
)

# catalogue

PRODUCT = Kind(
    "product",
    mapped(
        "product",
        "vendor_object",
        FieldMap("updated", computed=lambda record, face: conversion.epoch(record["updated_at"])),
        active=True,
        default_price=None,
        description=None,
        images=[],
        marketing_features=[],
        name=None,
        package_dimensions=None,
        shippable=None,
        statement_descriptor=None,
        tax_code=None,
        type="service",
        unit_label=None,
        url=None,
    ),
    "product",
    "/v1/products",
    create={
        **dict.fromkeys(("id", "name", "description", "tax_code", "unit_label", "url", "statement_descriptor"), TEXT),
        "active": BOOL,
        "shippable": BOOL,
        "images": [TEXT],
        "marketing_features": [{"name": TEXT}],
        "default_price_data": {
            **{name: each for name, each in PRICE_DATA.items() if not name.startswith("product")},
            "metadata": META,
            "custom_unit_amount": CUSTOM_AMOUNT,
            "currency_options": ANY,
        },
        "default_price": TEXT,
        "package_dimensions": dict.fromkeys(("height", "length", "weight", "width"), DEC),
        "type": TEXT,
        "metadata": META,
    },
    required=("name",),
    filters={"active": BOOL, "ids": [TEXT], "type": TEXT, "url": TEXT, "shippable": BOOL},
    asked={"ids": lambda table, value: table.c.id.in_(value)},
    deletable=True,
    searched=("active", "description", "name", "shippable", "url"),
)
RECURRING = Hash(
    {
        **SPAN,
        "usage_type": words("licensed metered"),
        "meter": TEXT,
        "trial_period_days": INT,
        "aggregate_usage": TEXT,
    },
    "interval",
)
PRICE = Kind(
    "price",
    mapped(
        "price",
        "vendor_object",
        active=True,
        billing_scheme="per_unit",
        currency=None,
        custom_unit_amount=None,
        lookup_key=None,
        nickname=None,
        product=None,
        recurring=None,
        tax_behavior="unspecified",
        tiers_mode=None,
        transform_quantity=None,
        type="one_time",
        unit_amount=None,
        unit_amount_decimal=None,
    ),
    "price",
    "/v1/prices",
    create={
        **dict.fromkeys(("currency", "product", "nickname", "lookup_key"), TEXT),
        "active": BOOL,
        "billing_scheme": words("per_unit tiered"),
        "tiers_mode": words("graduated volume"),
        "tax_behavior": words("inclusive exclusive unspecified"),
        "unit_amount": NAT,
        "unit_amount_decimal": DEC,
        "transfer_lookup_key": BOOL,
        "product_data": {
            **dict.fromkeys(("id", "name", "statement_descriptor", "tax_code", "unit_label"), TEXT),
            "active": BOOL,
            "metadata": META,
        },
        "recurring": RECURRING,
        "tiers": [
            {
                "up_to": TEXT,
                "unit_amount": INT,
                "unit_amount_decimal": DEC,
                "flat_amount": INT,
                "flat_amount_decimal": DEC,
            }
        ],
        "transform_quantity": {"divide_by": INT, "round": words("up down")},
        "custom_unit_amount": CUSTOM_AMOUNT,
        "currency_options": ANY,
        "metadata": META,
    },
    update={
        **dict.fromkeys(("nickname", "lookup_key"), TEXT),
        "active": BOOL,
        "transfer_lookup_key": BOOL,
        "tax_behavior": words("inclusive exclusive unspecified"),
        "currency_options": ANY,
        "metadata": META,
    },
    required=("currency",),
    filters={
        "product": TEXT,
        "active": BOOL,
        "type": words("one_time recurring"),
        "currency": TEXT,
        "lookup_keys": Few(TEXT, 10),
        "recurring": {"interval": TEXT, "usage_type": TEXT, "meter": TEXT},
    },
    asked={
        "lookup_keys": lambda table, value: sa.func.json_extract(table.c.custom, f"$.{KEEP}.lookup_key").in_(value),
        "recurring": lambda table, value: sa.and_(
            *(
                sa.func.json_extract(table.c.custom, f"$.{KEEP}.recurring.{name}") == each
                for name, each in value.items()
            )
        ),
    },
    searched=("active", "currency", "lookup_key", "product", "type"),
)


def percentage(record: Record, face: Any) -> float:
    """The rate of a tax code in percent: of the whole amount, also where only a part of it is taxed."""
    return float(Decimal(record["rate"]) * record["taxable_fraction"] / money.RATE_SCALE / money.RATE_SCALE * 100)


TAX_RATE = Kind(
    "tax_rate",
    mapped(
        "tax_rate",
        "tax_code",
        FieldMap("percentage", computed=percentage),
        FieldMap("display_name", computed=lambda record, face: kept(record).get("display_name") or record["code"]),
        FieldMap(
            "jurisdiction", computed=lambda record, face: kept(record).get("jurisdiction") or record["jurisdiction"]
        ),
        FieldMap(
            "effective_percentage",
            computed=lambda record, face: (
                percentage(record, face) if kept(record).get("percentage") is not None else None
            ),
        ),
        active=True,
        country=None,
        description=None,
        flat_amount=None,
        inclusive=False,
        jurisdiction_level=None,
        rate_type="percentage",
        state=None,
        tax_type=None,
    ),
    "tax rate",
    "/v1/tax_rates",
    create={
        **dict.fromkeys(("display_name", "country", "state", "jurisdiction", "description", "tax_type"), TEXT),
        "percentage": DEC,
        "inclusive": BOOL,
        "active": BOOL,
        "metadata": META,
    },
    update={
        **dict.fromkeys(("display_name", "country", "state", "jurisdiction", "description", "tax_type"), TEXT),
        "active": BOOL,
        "metadata": META,
    },
    required=("display_name", "inclusive", "percentage"),
    filters={"active": BOOL, "inclusive": BOOL},
    operation="tax_code",
)

# invoice items

PRICING: Spec = {"price": TEXT}
ITEM_FIELDS: Spec = {
    **dict.fromkeys(("description", "currency"), TEXT),
    "amount": INT,
    "pricing": PRICING,
    "price_data": PRICE_DATA,
    "quantity": NAT,
    "quantity_decimal": DEC,
    "unit_amount_decimal": DEC,
    "period": PERIOD,
    "tax_rates": [TEXT],
    "tax_behavior": TEXT,
    "tax_code": TEXT,
    "discounts": DISCOUNTS,
    "discountable": BOOL,
    "metadata": META,
}
INVOICE_ITEM = Kind(
    "invoiceitem",
    mapped(
        "invoiceitem",
        "vendor_object",
        FieldMap(
            "date", computed=lambda record, face: kept(record).get("date") or conversion.epoch(record["created_at"])
        ),
        amount=0,
        currency=None,
        customer=None,
        customer_account=None,
        description=None,
        discountable=True,
        discounts=[],
        invoice=None,
        net_amount=0,
        parent=None,
        period=None,
        pricing=None,
        proration=False,
        proration_details=None,
        quantity=1,
        quantity_decimal="1",
        tax_rates=[],
        test_clock=None,
    ),
    "Invoice Item",
    "/v1/invoiceitems",
    create={**ITEM_FIELDS, "customer": TEXT, "invoice": TEXT, "subscription": TEXT},
    update=ITEM_FIELDS,
    required=("customer",),
    filters={"customer": TEXT, "pending": BOOL, "invoice": TEXT},
    asked={
        "pending": lambda table, value: (
            sa.func.json_extract(table.c.custom, f"$.{KEEP}.invoice").is_(None)
            if value
            else sa.func.json_extract(table.c.custom, f"$.{KEEP}.invoice").isnot(None)
        )
    },
    deletable=True,
)
