"""Customers: what Stripe asks of one, and what the business wants besides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from counterfoil_mocks.billing.stripe import balances, payments, subscriptions
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import altered, merged, whole
from counterfoil_mocks.billing.stripe.errors import invalid
from counterfoil_mocks.billing.stripe.kind import folded
from counterfoil_mocks.billing.stripe.objects import ADDRESS, CUSTOMER
from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

LONGEST_NAME = 120
DEFAULT_CURRENCY = "usd"
"""The account's own."""
PREFIX = re.compile(r"[A-Z0-9]{3,12}")
DEFAULT_COUNTRY = "US"
CUSTOMER_IDS = "CUS"


def prefix_of(id: str) -> str:
    """What the invoice numbers of a customer begin with, where nobody chose it."""
    return ids.encode(ids.digest(id, "prefix"), ids.CROCKFORD, 8)


@CUSTOMER.on_create
def create(desk: Desk, given: Record) -> Record:
    """A new customer. The business wants a name and a country; where Stripe's caller gives none, stand-ins are kept."""
    said = {name: value for name, value in given.items() if name != "expand" and value is not None}
    said["metadata"] = merged({}, said.get("metadata") or {})
    said["address"] = whole(said.get("address"), tuple(ADDRESS))
    said.setdefault("email", None)
    said["shipping"] = _shipping(said.get("shipping"))
    method, source = said.pop("payment_method", None), said.pop("source", None)
    tax_ids, balance, clock = said.pop("tax_id_data", None) or [], said.pop("balance", 0), said.get("test_clock")
    if clock is not None:
        desk.named("test_helpers.test_clock", clock, "test_clock")
        desk.at(clock)
    settings = said.get("invoice_settings") or {}
    if "invoice_settings" in said:
        said["invoice_settings"] = _settings(folded(CUSTOMER.map.by_name["invoice_settings"].default, settings))
    _check_prefix(desk, said.get("invoice_prefix"), "")
    id = desk.new_id(CUSTOMER_IDS)
    said["invoice_prefix"] = said.get("invoice_prefix") or prefix_of(id)
    made = desk.insert("customer", _named(said), {**_columns(_named(said), {}), "id": id})
    for each in tax_ids:
        balances.add_tax_id(desk, made["id"], each)
    if balance:
        desk.change("customer", made["id"], {"currency": DEFAULT_CURRENCY})
        balances.move(desk, made["id"], balance, "initial", DEFAULT_CURRENCY)
    wanted = [each for each in (method, source, settings.get("default_payment_method")) if each]
    if wanted:
        attached = {each: payments.attach(desk, each, made)["id"] for each in wanted}
        default = settings.get("default_payment_method")
        if default:
            known = desk.get("customer", made["id"])["invoice_settings"]
            desk.change(
                "customer", made["id"], {"invoice_settings": {**known, "default_payment_method": attached[default]}}
            )
        if source:
            desk.change("customer", made["id"], {"default_source": attached[source]})
    return desk.get("customer", made["id"])


@CUSTOMER.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """A customer changed."""
    desk.at(before["test_clock"])
    said = altered(before, given)
    balance, source = said.pop("balance", None), said.pop("source", None)
    default = (given.get("invoice_settings") or {}).get("default_payment_method")
    if default:
        method = desk.named("payment_method", default, "invoice_settings[default_payment_method]")
        if method["customer"] != before["id"]:
            raise payments.not_his(default, "invoice_settings[default_payment_method]")
    if source:
        said["default_source"] = payments.attach(desk, source, before)["id"]
    _check_prefix(desk, said.get("invoice_prefix"), before["id"])
    if "invoice_settings" in said:
        said["invoice_settings"] = _settings(said["invoice_settings"])
    if "shipping" in said:
        said["shipping"] = _shipping(said["shipping"])
    if balance is not None and balance != before["balance"]:
        ccy = before["currency"] or DEFAULT_CURRENCY
        desk.change("customer", before["id"], {"currency": ccy})
        balances.move(desk, before["id"], balance - before["balance"], "adjustment", ccy)
        before = desk.get("customer", before["id"])
    if isinstance(said.get("address"), dict):
        said["address"] = whole(said["address"], tuple(ADDRESS))
    if "name" in said:
        said = _named({**said, "email": said.get("email", before["email"])})
    return desk.change("customer", before["id"], said, _columns(said, before)) if said else before


def _check_prefix(desk: Desk, prefix: str | None, mine: str) -> None:
    """Two customers whose numbers begin alike would get the same ones."""
    if prefix is None:
        return
    if not PREFIX.fullmatch(prefix):
        raise invalid("Invalid invoice_prefix: must be 3 to 12 uppercase letters or numbers", "invoice_prefix")
    if any(each["id"] != mine for each in desk.all("customer", invoice_prefix=prefix)):
        raise invalid(f"The invoice prefix `{prefix}` is already used by another customer.", "invoice_prefix")


def _settings(said: Record | None) -> Record:
    """How a customer's invoices look, with all leaves."""
    said = folded(CUSTOMER.map.by_name["invoice_settings"].default, said or {})
    return {**said, "rendering_options": whole(said["rendering_options"], ("amount_tax_display", "template"))}


def _shipping(said: Record | None) -> Record | None:
    if not said:
        return None
    return {"phone": None, **said, "address": whole(said.get("address") or {}, tuple(ADDRESS))}


@CUSTOMER.on_remove
def remove(desk: Desk, customer: Record) -> None:
    """His subscriptions are cancelled, what waits for an invoice is gone, and his invoices do nothing by themselves any more."""
    desk.at(customer["test_clock"])
    for each in desk.all("subscription", customer=customer["id"]):
        if each["status"] not in ("canceled", "incomplete_expired"):
            subscriptions.end(desk, each["id"], {"status": "canceled", "canceled_at": desk.now})
    for each in desk.all("subscription_schedule", customer=customer["id"], status="not_started"):
        desk.change("subscription_schedule", each["id"], {"status": "canceled", "canceled_at": desk.now})
    for status in ("draft", "open"):
        for each in desk.all("invoice", customer=customer["id"], status=status):
            waits = each["automatically_finalizes_at"] or each["next_payment_attempt"]
            if waits:
                still = {"auto_advance": False, "automatically_finalizes_at": None, "next_payment_attempt": None}
                desk.change("invoice", each["id"], still)
    for each in desk.all("invoiceitem", customer=customer["id"], invoice=None):
        desk.remove("invoiceitem", each["id"])


def _named(said: Record) -> Record:
    """A stand-in for a name that is not given, and the mark that it is none."""
    if said.get("name"):
        return {**said, "unnamed": False}
    return {**said, "name": said.get("email") or said.get("description") or "Unnamed customer", "unnamed": True}


def _columns(said: Record, before: Record) -> Record:
    """What the business reads of a customer."""
    columns: Record = {}
    if "name" in said:
        full = said["name"]
        columns = {"name": _short(full), "name_full": full if len(full) > LONGEST_NAME else None}
    country = (said.get("address") or {}).get("country")
    if country and len(country) == 2:
        columns["country"] = country.upper()
    elif not before:
        columns["country"] = DEFAULT_COUNTRY
    if "preferred_locales" in said:
        columns["language"] = next(iter(said["preferred_locales"] or ()), "")[:10] or None
    return columns


def _short(name: str) -> str:
    """As much of a name as the business keeps, to the end of a word."""
    if len(name) <= LONGEST_NAME:
        return name
    cut = name[: LONGEST_NAME + 1].rsplit(" ", 1)[0].rstrip()
    return cut if 0 < len(cut) <= LONGEST_NAME else name[:LONGEST_NAME]


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes that are more than plain objects."""

    def drop_discount(desk: Desk, id: str, given: Record) -> Record:
        found = desk.get("customer", id)
        desk.change("customer", id, {"discount": None})
        return {**(found["discount"] or {"object": "discount"}), "deleted": True}

    yield face.post(
        "delete_customer_discount", "/v1/customers/{id}/discount", {}, drop_discount, entity="customer", method="DELETE"
    )
