"""Stripe's objects of what recurs: subscriptions and their schedules; and quotes, test clocks and usage."""

from __future__ import annotations

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe.kind import KEEP, Kind, kept, mapped
from counterfoil_mocks.billing.stripe.objects import (
    AUTOMATIC_TAX,
    BILLED_BY,
    DISCOUNTS,
    ISSUER,
    PRICE_DATA,
    PRORATION,
    SPAN,
)
from counterfoil_mocks.billing.stripe.params import (
    ANY,
    BOOL,
    DEC,
    INT,
    META,
    NAT,
    TEXT,
    TIME,
    Hash,
    Spec,
    Within,
    words,
)
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import epoch
from counterfoil_mocks.protocols.fieldmap import FieldMap

THRESHOLDS: Spec = {"amount_gte": INT, "reset_billing_cycle_anchor": BOOL}
SUB_ITEM: Spec = {
    "id": TEXT,
    "price": TEXT,
    "price_data": PRICE_DATA,
    "quantity": NAT,
    "tax_rates": [TEXT],
    "metadata": META,
    "deleted": BOOL,
    "clear_usage": BOOL,
    "discounts": DISCOUNTS,
    "billing_thresholds": {"usage_gte": INT},
}
_EDGE: Spec = {
    "type": words("max_item_period_start min_item_period_end phase_start phase_end timestamp"),
    "timestamp": TIME,
}
ADDED_ITEM: Spec = {
    "price": TEXT,
    "price_data": PRICE_DATA,
    "quantity": NAT,
    "tax_rates": [TEXT],
    "discounts": DISCOUNTS,
    "metadata": META,
    "period": {"start": _EDGE, "end": _EDGE},
}
SETTINGS: Spec = {"account_tax_ids": [TEXT], "days_until_due": INT, "issuer": ISSUER}
TRANSFER: Spec = {"amount_percent": DEC, "destination": TEXT}
BILLING_MODE: Spec = {
    "type": words("classic flexible"),
    "flexible": {"proration_discounts": words("included itemized")},
}
ANCHOR_CONFIG = Hash(
    {
        "day_of_month": Within(1, 31),
        "month": Within(1, 12),
        "hour": Within(0, 23),
        "minute": Within(0, 59),
        "second": Within(0, 59),
    },
    "day_of_month",
)
SUB_FIELDS: Spec = {
    **dict.fromkeys(("description", "default_payment_method", "default_source", "on_behalf_of"), TEXT),
    "items": [SUB_ITEM],
    "add_invoice_items": [ADDED_ITEM],
    "automatic_tax": AUTOMATIC_TAX,
    "cancel_at": (TIME,),
    "cancel_at_period_end": BOOL,
    "cancellation_details": {"comment": TEXT, "feedback": TEXT},
    "collection_method": BILLED_BY,
    "days_until_due": INT,
    "default_tax_rates": [TEXT],
    "discounts": DISCOUNTS,
    "invoice_settings": {"account_tax_ids": [TEXT], "issuer": ISSUER},
    "metadata": META,
    "off_session": BOOL,
    "payment_behavior": words("allow_incomplete default_incomplete error_if_incomplete pending_if_incomplete"),
    "payment_settings": {
        "payment_method_options": ANY,
        "payment_method_types": [TEXT],
        "save_default_payment_method": words("off on_subscription"),
    },
    "pending_invoice_item_interval": SPAN,
    "proration_behavior": PRORATION,
    "trial_end": TEXT,
    "trial_settings": {"end_behavior": {"missing_payment_method": words("cancel create_invoice pause")}},
    "transfer_data": TRANSFER,
    "billing_thresholds": THRESHOLDS,
}
SUBSCRIPTION = Kind(
    "subscription",
    mapped(
        "subscription",
        "vendor_object",
        FieldMap("items", computed=lambda record, face: _sub_items(record)),
        application=None,
        application_fee_percent=None,
        automatic_tax={"disabled_reason": None, "enabled": False, "liability": None},
        billing_cycle_anchor=None,
        billing_cycle_anchor_config=None,
        billing_mode={"type": "flexible"},
        billing_schedules=[],
        billing_thresholds=None,
        cancel_at=None,
        cancel_at_period_end=False,
        canceled_at=None,
        cancellation_details={"comment": None, "feedback": None, "reason": None},
        collection_method="charge_automatically",
        currency=None,
        customer=None,
        customer_account=None,
        days_until_due=None,
        default_payment_method=None,
        default_source=None,
        default_tax_rates=[],
        description=None,
        discounts=[],
        ended_at=None,
        invoice_settings={"account_tax_ids": None, "issuer": {"type": "self"}},
        latest_invoice=None,
        next_pending_invoice_item_invoice=None,
        on_behalf_of=None,
        pause_collection=None,
        payment_settings={
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        pending_invoice_item_interval=None,
        pending_setup_intent=None,
        pending_update=None,
        schedule=None,
        start_date=None,
        status="active",
        test_clock=None,
        transfer_data=None,
        trial_end=None,
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
        trial_start=None,
    ),
    "subscription",
    "/v1/subscriptions",
    create={
        **SUB_FIELDS,
        "customer": TEXT,
        "currency": TEXT,
        "backdate_start_date": TIME,
        "billing_cycle_anchor": TIME,
        "billing_cycle_anchor_config": ANCHOR_CONFIG,
        "billing_mode": BILLING_MODE,
        "trial_period_days": INT,
        "trial_from_plan": BOOL,
    },
    update={
        **SUB_FIELDS,
        "proration_date": TIME,
        "billing_cycle_anchor": TEXT,
        "pause_collection": {"behavior": words("keep_as_draft mark_uncollectible void"), "resumes_at": TIME},
    },
    required=("customer", "items"),
    filters={
        "customer": TEXT,
        "price": TEXT,
        "status": words("active all canceled ended incomplete incomplete_expired past_due paused trialing unpaid"),
        "collection_method": BILLED_BY,
        "test_clock": TEXT,
    },
    asked={
        "price": lambda table, value: (
            sa.func.instr(sa.func.json_extract(table.c.custom, f"$.{KEEP}.items"), f'"{value}"') > 0
        ),
        "status": lambda table, value: _sub_status(table, value),  # noqa: PLW0108 (it stands below)
    },
    searched=("created", "canceled_at", "status"),
    implied={"status": "_current"},
    apart=("customer", "test_clock"),
)
CURRENT = "_current"


def _sub_status(table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    status = sa.func.json_extract(table.c.custom, f"$.{KEEP}.status")
    if value == "all":
        return sa.true()
    if value == CURRENT:
        return status.not_in(("canceled", "incomplete_expired"))
    return status.in_(("canceled", "incomplete_expired")) if value == "ended" else status == value


def _sub_items(record: Record) -> Record:
    items = kept(record).get("items") or []
    return {
        "object": "list",
        "data": items,
        "has_more": False,
        "total_count": len(items),
        "url": f"/v1/subscription_items?subscription={record['id']}",
    }


PHASE: Spec = {
    "items": [
        {
            "price": TEXT,
            "price_data": PRICE_DATA,
            "quantity": NAT,
            "tax_rates": [TEXT],
            "metadata": META,
            "discounts": DISCOUNTS,
        }
    ],
    "add_invoice_items": [ADDED_ITEM],
    "duration": SPAN,
    "iterations": INT,
    "start_date": TEXT,
    "end_date": TEXT,
    "proration_behavior": PRORATION,
    "collection_method": BILLED_BY,
    "default_tax_rates": [TEXT],
    "default_payment_method": TEXT,
    "description": TEXT,
    "discounts": DISCOUNTS,
    "invoice_settings": SETTINGS,
    "billing_cycle_anchor": words("automatic phase_start"),
    "currency": TEXT,
    "trial": BOOL,
    "trial_end": TIME,
    "metadata": META,
}
DEFAULT_SETTINGS: Spec = {
    **dict.fromkeys(("default_payment_method", "description", "on_behalf_of"), TEXT),
    "application_fee_percent": DEC,
    "automatic_tax": AUTOMATIC_TAX,
    "billing_cycle_anchor": words("automatic phase_start"),
    "billing_thresholds": THRESHOLDS,
    "collection_method": BILLED_BY,
    "invoice_settings": SETTINGS,
    "transfer_data": TRANSFER,
}
SCHEDULE = Kind(
    "subscription_schedule",
    mapped(
        "subscription_schedule",
        "vendor_object",
        application=None,
        billing_mode={"type": "flexible"},
        canceled_at=None,
        completed_at=None,
        current_phase=None,
        customer=None,
        customer_account=None,
        default_settings={
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {"account_tax_ids": None, "days_until_due": None, "issuer": {"type": "self"}},
            "on_behalf_of": None,
            "transfer_data": None,
        },
        end_behavior="release",
        phases=[],
        released_at=None,
        released_subscription=None,
        status="not_started",
        subscription=None,
        test_clock=None,
    ),
    "subscription schedule",
    "/v1/subscription_schedules",
    create={
        "customer": TEXT,
        "start_date": TEXT,
        "end_behavior": words("release cancel none renew"),
        "phases": [PHASE],
        "from_subscription": TEXT,
        "default_settings": DEFAULT_SETTINGS,
        "billing_mode": BILLING_MODE,
        "metadata": META,
    },
    update={
        "end_behavior": words("release cancel none renew"),
        "phases": [PHASE],
        "default_settings": DEFAULT_SETTINGS,
        "proration_behavior": PRORATION,
        "metadata": META,
    },
    filters={"customer": TEXT, "scheduled": BOOL},
    asked={
        "scheduled": lambda table, value: (
            sa.func.json_extract(table.c.custom, f"$.{KEEP}.status") == "not_started"
            if value
            else sa.func.json_extract(table.c.custom, f"$.{KEEP}.status") != "not_started"
        )
    },
)
QUOTE_LINE: Spec = {
    "id": TEXT,
    "price": TEXT,
    "price_data": PRICE_DATA,
    "quantity": NAT,
    "tax_rates": [TEXT],
    "discounts": DISCOUNTS,
}
QUOTE_FIELDS: Spec = {
    **dict.fromkeys(("customer", "description", "footer", "header", "on_behalf_of"), TEXT),
    "line_items": [QUOTE_LINE],
    "collection_method": BILLED_BY,
    "default_tax_rates": [TEXT],
    "discounts": DISCOUNTS,
    "expires_at": TIME,
    "invoice_settings": {"days_until_due": INT, "issuer": ISSUER},
    "subscription_data": {
        "billing_mode": BILLING_MODE,
        "description": TEXT,
        "effective_date": TEXT,
        "metadata": META,
        "trial_period_days": INT,
    },
    "automatic_tax": AUTOMATIC_TAX,
    "metadata": META,
}
QUOTE = Kind(
    "quote",
    mapped(
        "quote",
        "vendor_object",
        amount_subtotal=0,
        amount_total=0,
        application=None,
        application_fee_amount=None,
        application_fee_percent=None,
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        collection_method="charge_automatically",
        computed={"recurring": None, "upfront": None},
        currency=None,
        customer=None,
        customer_account=None,
        default_tax_rates=[],
        description=None,
        discounts=[],
        expires_at=None,
        footer=None,
        from_quote=None,
        header=None,
        invoice=None,
        invoice_settings={"days_until_due": None, "issuer": {"type": "self"}},
        number=None,
        on_behalf_of=None,
        status="draft",
        status_transitions={"accepted_at": None, "canceled_at": None, "finalized_at": None},
        subscription=None,
        subscription_data={
            "billing_mode": {"type": "flexible"},
            "description": None,
            "effective_date": None,
            "trial_period_days": None,
        },
        subscription_schedule=None,
        test_clock=None,
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        transfer_data=None,
    ),
    "quote",
    "/v1/quotes",
    create={**QUOTE_FIELDS, "from_quote": {"quote": TEXT, "is_revision": BOOL}, "test_clock": TEXT},
    update=QUOTE_FIELDS,
    filters={"customer": TEXT, "status": words("accepted canceled draft open"), "test_clock": TEXT},
    apart=("customer", "test_clock"),
)
CLOCK = Kind(
    "test_helpers.test_clock",
    mapped(
        "test_helpers.test_clock",
        "vendor_object",
        deletes_after=None,
        frozen_time=None,
        name=None,
        status="ready",
        status_details={},
    ),
    "testclock",
    "/v1/test_helpers/test_clocks",
    filters={},
)
METER = Kind(
    "billing.meter",
    mapped(
        "billing.meter",
        "vendor_object",
        FieldMap("updated", computed=lambda record, face: epoch(record["updated_at"])),
        customer_mapping={"event_payload_key": "stripe_customer_id", "type": "by_id"},
        default_aggregation={"formula": "sum"},
        display_name=None,
        event_name=None,
        event_time_window=None,
        status="active",
        status_transitions={"deactivated_at": None},
        value_settings={"event_payload_key": "value"},
    ),
    "meter",
    "/v1/billing/meters",
    create={
        "display_name": TEXT,
        "event_name": TEXT,
        "default_aggregation": {"formula": words("sum count last")},
        "customer_mapping": {"type": TEXT, "event_payload_key": TEXT},
        "value_settings": {"event_payload_key": TEXT},
        "event_time_window": TEXT,
    },
    update={"display_name": TEXT},
    required=("display_name", "event_name", "default_aggregation"),
    filters={"status": words("active inactive")},
)
USAGE = Kind(
    "billing.meter_event",
    mapped("billing.meter_event", "vendor_object", event_name=None, identifier=None, payload={}, timestamp=None),
    "meter event",
)
