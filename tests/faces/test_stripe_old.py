"""Clients of the API's older versions: what they send, read and expand in their own words."""

from __future__ import annotations

from typing import Any

import pytest
import stripe_clock

pytest.importorskip("stripe")

OLD = {"stripe_version": "2024-06-20"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def payer(client: Any) -> Any:
    """A customer whose card works."""
    return stripe_clock.payer(client)


@pytest.fixture
def old(stripe_face: Any, billing: dict[str, Any]) -> Any:
    """A raw request in an older version."""

    def call(method: str, path: str, body: str | None = None, version: str = OLD["stripe_version"]) -> Any:
        key = f"Bearer {billing['credentials']['api_key']}"
        sent = {"Authorization": key, "Content-Type": FORM, "Stripe-Version": version}
        return stripe_face.call(method, path, None if body is None else body.encode(), sent, base=billing["url"])

    return call


def test_what_is_expanded_speaks_the_old_words_too(old: Any, payer: Any, retainer: Any) -> None:
    expand = "expand[]=latest_invoice.payment_intent.latest_charge"
    said = f"customer={payer.id}&items[0][price]={retainer.id}&{expand}"
    made = old("POST", "/v1/subscriptions", said).json
    invoice = made["latest_invoice"]
    intent = invoice["payment_intent"]
    assert (invoice["subscription"], intent["status"]) == (made["id"], "succeeded")
    assert (intent["invoice"], intent["latest_charge"]["invoice"]) == (invoice["id"], invoice["id"])
    assert old("GET", f"/v1/charges/{invoice['charge']}?expand[]=invoice").json["invoice"]["paid"] is True
    today = old("GET", f"/v1/charges/{invoice['charge']}?expand[]=invoice", version="2026-10-28.endive")
    assert today.status == 400


def test_a_subscription_has_a_plan_a_quantity_and_a_discount(old: Any, client: Any, payer: Any, retainer: Any) -> None:
    half = client.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    said = f"customer={payer.id}&items[0][price]={retainer.id}&items[0][quantity]=2&coupon={half.id}"
    made = old("POST", "/v1/subscriptions", said + "&expand[]=latest_invoice").json
    assert (made["plan"]["id"], made["quantity"]) == (retainer.id, 2)
    assert made["discount"]["coupon"]["percent_off"] == 50
    (line,) = made["latest_invoice"]["lines"]["data"]
    assert (line["plan"]["id"], line["subscription_item"]) == (retainer.id, made["items"]["data"][0]["id"])
    assert made["latest_invoice"]["total"] == 10000


@pytest.mark.by_test("upcoming_invoice")
def test_the_next_invoice_is_asked_for_where_it_used_to_be(old: Any, client: Any, payer: Any, retainer: Any) -> None:
    made = client.v1.subscriptions.create({"customer": payer.id, "items": [{"price": retainer.id}]})
    item = made["items"].data[0].id
    path = f"/v1/invoices/upcoming?customer={payer.id}&subscription={made.id}"
    next_one = old("GET", path).json
    assert (next_one["subscription"], next_one["total"]) == (made.id, 10000)
    more = f"{path}&subscription_items[0][id]={item}&subscription_items[0][quantity]=3&subscription_proration_behavior=none"
    assert old("GET", more).json["total"] == 30000
    assert client.v1.subscriptions.retrieve(made.id)["items"].data[0].quantity == 1
    assert old("GET", path, version="2026-10-28.endive").status == 404


@pytest.mark.parametrize(("word", "active"), [("True", True), ("False", False), ("true", True)])
def test_python_s_own_truths_are_read(old: Any, word: str, active: bool) -> None:
    assert old("POST", "/v1/products", f"name=Hour&active={word}").json["active"] is active
    assert old("POST", "/v1/products", "name=Hour&active=1").json["error"]["param"] == "active"
