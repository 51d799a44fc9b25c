"""Previews: what the next invoice would be. Everything is done as in earnest and then undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.stripe import (
    customers,
    discounts,
    drafts,
    items,
    subscription_changes,
    subscriptions,
    versions,
)
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import needed
from counterfoil_mocks.billing.stripe.objects import (
    ADDRESS,
    AUTOMATIC_TAX,
    DISCOUNTS,
    INVOICE_ITEM,
    ISSUER,
    PRORATION,
    SHIPPING,
    TAX_ID_DATA,
)
from counterfoil_mocks.billing.stripe.params import BOOL, TEXT, TIME, Spec, checked, words
from counterfoil_mocks.billing.stripe.subscription_objects import ADDED_ITEM, BILLING_MODE, PHASE, SUB_ITEM
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

SPEC: Spec = {
    "customer": TEXT,
    "subscription": TEXT,
    "currency": TEXT,
    "discounts": DISCOUNTS,
    "invoice_items": [{**(INVOICE_ITEM.create or {}), "invoiceitem": TEXT}],
    "subscription_details": {
        "items": [SUB_ITEM],
        "proration_behavior": PRORATION,
        "proration_date": TIME,
        "cancel_at": TIME,
        "cancel_at_period_end": BOOL,
        "cancel_now": BOOL,
        "default_tax_rates": [TEXT],
        "billing_cycle_anchor": TEXT,
        "start_date": TIME,
        "trial_end": TEXT,
        "resume_at": TEXT,
        "billing_mode": BILLING_MODE,
    },
    "schedule": TEXT,
    "schedule_details": {
        "phases": [PHASE],
        "end_behavior": words("release cancel"),
        "proration_behavior": PRORATION,
        "billing_mode": BILLING_MODE,
    },
    "customer_details": {
        "address": ADDRESS,
        "shipping": SHIPPING,
        "tax": {"ip_address": TEXT},
        "tax_exempt": words("none exempt reverse"),
        "tax_ids": [TAX_ID_DATA],
    },
    "automatic_tax": AUTOMATIC_TAX,
    "issuer": ISSUER,
    "preview_mode": TEXT,
    "on_behalf_of": TEXT,
    "add_invoice_items": [ADDED_ITEM],
}


class _Undone(Exception):
    """The preview is drawn; nothing of it stays."""


def drawn(desk: Desk, given: Record) -> Record:
    """The invoice that would come, as if it were made now."""
    subscription = None
    named = given.get("subscription")
    if given.get("schedule"):
        named = desk.named("subscription_schedule", given["schedule"], "schedule")["subscription"]
    if named:
        subscription = desk.named("subscription", named, "subscription")
    customer = _customer(desk, given, subscription)
    desk.at(customer["test_clock"])
    details = given.get("subscription_details") or {}
    phases = (given.get("schedule_details") or {}).get("phases")
    if phases and subscription is None:
        details = {**details, "items": phases[0].get("items"), "discounts": phases[0].get("discounts")}
    if given.get("discounts"):
        details = {**details, "discounts": given["discounts"]}
    for number, each in enumerate(given.get("invoice_items") or ()):
        worth = items.priced(desk, each, each.get("currency"), f"invoice_items[{number}]")
        desk.insert("invoiceitem", {**items.item_of(desk, each, worth), "customer": customer["id"]})
    if subscription is not None:
        return _of_subscription(desk, subscription, details)
    if details.get("items"):
        prices = [
            subscriptions.price_in(desk, each, f"subscription_details[items][{n}]")
            for n, each in enumerate(details["items"])
        ]
        subscriptions.check(prices, "subscription_details[items]")
        said: Record = {"collection_method": "charge_automatically"}
        begun = subscriptions.begun(desk, customer, {"items": details["items"], **details}, said, prices, None)
        return subscriptions.billed(desk, begun, subscriptions.first_lines(desk, begun), "upcoming")
    ccy = given.get("currency") or customer["currency"]
    waiting = [
        each
        for each in desk.all("invoiceitem", customer=customer["id"], invoice=None)
        if ccy is None or each["currency"] == ccy
    ]
    ccy = ccy or (waiting[0]["currency"] if waiting else "usd")
    invoice = drafts.draft(desk, customer, {"currency": ccy, "billing_reason": "upcoming"}, given.get("discounts"))
    return drafts.take_items(desk, invoice["id"], waiting)


def _customer(desk: Desk, given: Record, subscription: Record | None) -> Record:
    """Whose invoice it would be; somebody who is only described, or is described otherwise, is so for the preview."""
    id, said = (subscription or {}).get("customer") or given.get("customer"), given.get("customer_details")
    if not id:
        if not said:
            raise needed("customer")
        known = {name: said[name] for name in ("address", "shipping", "tax_exempt") if said.get(name)}
        return customers.create(desk, {**known, "tax_id_data": said.get("tax_ids")})
    found = desk.named("customer", id, "customer")
    exempt = (said or {}).get("tax_exempt")
    return desk.change("customer", id, {"tax_exempt": exempt}) if exempt else found


def _of_subscription(desk: Desk, subscription: Record, details: Record) -> Record:
    if details.get("discounts"):
        off = discounts.redeemed(
            desk, details["discounts"], "discounts", subscription["customer"], subscription["currency"]
        )
        subscription = desk.change("subscription", subscription["id"], {"discounts": off})
    if details.get("cancel_now"):
        prorated = details.get("proration_behavior", "create_prorations") != "none"
        subscription_changes.cancel(desk, subscription["id"], {"prorate": prorated})
        return subscriptions.billed(desk, desk.get("subscription", subscription["id"]), [], "upcoming")
    if details.get("cancel_at_period_end"):
        return subscriptions.billed(desk, subscription, [], "upcoming")
    if details.get("items"):
        said = {
            name: details[name]
            for name in ("items", "proration_behavior", "proration_date")
            if details.get(name) is not None
        }
        if said.get("proration_behavior") == "always_invoice":
            said["proration_behavior"] = "create_prorations"
            changed = subscription_changes.change(desk, subscription, said)
            return subscriptions.billed(desk, changed, [], "upcoming")
        subscription_changes.change(desk, subscription, said)
    end = min(item["current_period_end"] for item in subscription["items"]["data"])
    if desk.clock is not None:
        desk.at(desk.clock, end)
    subscriptions.renew(desk, subscription["id"])
    made = desk.get("subscription", subscription["id"])
    return desk.get("invoice", made["latest_invoice"])


def _of_old(said: Record) -> Record:
    """The parameters of old in the words of today: what began with `subscription_` is a hash now, and a coupon one of many discounts."""
    given = {name: value for name, value in said.items() if not name.startswith("subscription_") and name != "coupon"}
    details = {
        name.removeprefix("subscription_"): value for name, value in said.items() if name.startswith("subscription_")
    }
    details.update(details.pop("details", None) or {})
    if details:
        given["subscription_details"] = details
    if said.get("coupon"):
        given["discounts"] = [{"coupon": said["coupon"]}]
    return given


def operations(face: StripeFace) -> Iterable[Operation]:
    """The one route of previews, and the one that it took the place of in March 2025."""

    def upcoming(ask: Ask) -> Answer:
        if not versions.old(ask.request.header(b"stripe-version")):
            raise face.unknown(ask.request)
        return answered(ask, checked(SPEC, _of_old(ask.body or {})))

    def preview(ask: Ask) -> Answer:
        return answered(ask, checked(SPEC, ask.body or {}))

    def answered(ask: Ask, given: Record) -> Answer:
        found: list[Any] = []
        try:
            with Tx(face.system, ask.origin) as tx:
                found.append(drawn(Desk(face, tx), given))
                raise _Undone
        except _Undone:
            invoice = found[0]
        id = f"upcoming_{invoice['id']}"
        lines = invoice["lines"]
        shown = {
            **lines,
            "data": [{**line, "invoice": id} for line in lines["data"]],
            "url": f"/v1/invoices/{id}/lines",
        }
        return face.looked(ask, {**invoice, "id": id, "lines": shown, "billing_reason": "upcoming"})

    yield Operation(
        "upcoming_invoice", "GET", "/v1/invoices/upcoming", upcoming, "Preview an invoice in the words of old"
    )
    yield Operation("preview_invoice", "POST", "/v1/invoices/create_preview", preview, "Preview an invoice")
