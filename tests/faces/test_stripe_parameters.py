"""Stripe's parameters within parameters: typed, refused by name where there are none such, and shown with all their leaves."""

from __future__ import annotations

from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


@pytest.fixture
def acme(client: Any) -> Any:
    """A customer whose card works."""
    card = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    return client.v1.customers.create({"name": "Acme", **card})


def test_a_hash_is_shown_with_all_its_leaves(client: Any, acme: Any) -> None:
    said = {
        "customer": acme.id,
        "rendering": {"pdf": {"page_size": "a4"}},
        "payment_settings": {"payment_method_types": ["card"]},
        "shipping_details": {"name": "Acme", "address": {"line1": "1 Quay"}},
    }
    made = client.v1.invoices.create(said)
    rest = dict.fromkeys(("amount_tax_display", "template", "template_version"))
    assert made.rendering.to_dict() == {**rest, "pdf": {"page_size": "a4"}}
    empty = {"default_mandate": None, "payment_method_options": None}
    assert made.payment_settings.to_dict() == {**empty, "payment_method_types": ["card"]}
    lines = {**dict.fromkeys(("line2", "city", "state", "postal_code", "country")), "line1": "1 Quay"}
    assert made.shipping_details.to_dict() == {"name": "Acme", "phone": None, "address": lines}
    changed = client.v1.invoices.update(made.id, {"shipping_details": {"name": "Acme", "address": {"city": "Lyon"}}})
    assert changed.shipping_details.address.line1 == "1 Quay"


def test_truths_and_numbers_within_a_hash_are_no_texts(client: Any, acme: Any) -> None:
    v1 = client.v1
    recurring = {"recurring": {"interval": "month"}, "product_data": {"name": "Retainer"}}
    price = v1.prices.create({"currency": "usd", "unit_amount": 10000, **recurring})
    made = v1.subscriptions.create(
        {
            "customer": acme.id,
            "items": [{"price": price.id}],
            "automatic_tax": {"enabled": True},
            "pending_invoice_item_interval": {"interval": "month", "interval_count": 2},
        }
    )
    assert made.automatic_tax.enabled is True
    assert made.automatic_tax.liability is None
    assert made.pending_invoice_item_interval.interval_count == 2
    settings = {"collection_method": "send_invoice", "invoice_settings": {"days_until_due": 14}}
    phase = {"items": [{"price": price.id}], "duration": {"interval": "month", "interval_count": 1}}
    said = {"customer": acme.id, "start_date": "now", "phases": [phase], "default_settings": settings}
    assert v1.subscription_schedules.create(said).default_settings.invoice_settings.days_until_due == 14
    first = v1.quotes.create({"customer": acme.id, "line_items": [{"price": price.id}]})
    revised = v1.quotes.create({"from_quote": {"quote": first.id, "is_revision": True}})
    assert revised.from_quote.is_revision is True


@pytest.mark.parametrize(
    ("service", "fields", "message", "param"),
    [
        ("invoices", {"rendering": {"foo": 1}}, "parameter: rendering[foo]", "rendering[foo]"),
        ("invoices", {"nmae": 1, "rendering": {"foo": 1}}, "parameters: nmae, rendering[foo]", "nmae"),
        ("quotes", {"subscription_data": {"days": 1}}, "parameter: subscription_data[days]", "subscription_data[days]"),
        ("subscription_schedules", {"default_settings": {"x": 1}}, "default_settings[x]", "default_settings[x]"),
    ],
)
def test_all_unknown_parameters_are_named_at_once(
    client: Any, acme: Any, service: str, fields: dict[str, Any], message: str, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        getattr(client.v1, service).create({"customer": acme.id, **fields})
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", param)
    assert str(caught.value.error.message).endswith(message)


def test_a_word_that_is_none_of_them_is_told_all_of_them(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="must be one of none, exempt, or reverse"):
        client.v1.customers.create({"tax_exempt": "perhaps"})


def refused(run: Any, *args: Any) -> tuple[str | None, str | None]:
    """Code and parameter of the refusal that a call gets."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        run(*args)
    return caught.value.code, caught.value.param


def test_a_price_that_is_described_by_halves_is_refused_where_it_stands(client: Any, acme: Any) -> None:
    v1 = client.v1
    missing, no_integer = "parameter_missing", "parameter_invalid_integer"
    half = {"name": "Hour", "default_price_data": {"unit_amount": 5}}
    assert refused(v1.products.create, half) == (missing, "default_price_data[currency]")
    price = {"currency": "usd", "product_data": {"name": "Hour"}}
    often = {**price, "unit_amount": 5, "recurring": {"interval_count": 2}}
    assert refused(v1.prices.create, often) == (missing, "recurring[interval]")
    tiered = {**price, "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": [{"up_to": "x", "unit_amount": 5}]}
    assert refused(v1.prices.create, tiered) == (no_integer, "tiers[0][up_to]")
    lines = {"customer": acme.id, "line_items": [{"price_data": {"unit_amount": 5}}]}
    assert refused(v1.quotes.create, lines) == (missing, "line_items[0][price_data][currency]")


def test_a_subscription_takes_only_what_recurs_and_an_anchor_that_there_is(client: Any, acme: Any) -> None:
    v1 = client.v1
    price = {"currency": "usd", "unit_amount": 5, "product_data": {"name": "Hour"}}
    once = v1.prices.create(price)
    monthly = v1.prices.create({**price, "recurring": {"interval": "month"}})
    items, terms = [{"price": monthly.id}], {"collection_method": "send_invoice", "days_until_due": 3}
    made = v1.subscriptions.create({"customer": acme.id, "items": items, **terms})
    more = {"items": [{"price": once.id}]}
    assert refused(v1.subscriptions.update, made.id, more) == (None, "items[0][price]")
    swapped = {"items": [{"id": made["items"].data[0].id, "price": once.id}]}
    assert refused(v1.subscriptions.update, made.id, swapped) == (None, "items[0][price]")
    config = {"customer": acme.id, "items": items, "billing_cycle_anchor_config": {"day_of_month": 32}}
    where = ("parameter_invalid_integer", "billing_cycle_anchor_config[day_of_month]")
    assert refused(v1.subscriptions.create, config) == where


def test_a_chosen_id_is_free_again_once_it_is_deleted(client: Any) -> None:
    v1 = client.v1
    spring = {"id": "SPRING", "percent_off": 10, "duration": "once"}
    v1.coupons.create(spring)
    assert refused(v1.coupons.create, spring) == ("resource_already_exists", "id")
    assert refused(v1.products.create, {"id": "SPRING", "name": "Hour"}) == ("resource_already_exists", "id")
    v1.coupons.delete("SPRING")
    assert v1.coupons.create({**spring, "percent_off": 20}).percent_off == 20
    events = [each.type for each in v1.events.list({"limit": 20}).data if each.data.object.id == "SPRING"]
    assert events == ["coupon.created", "coupon.deleted", "coupon.created"]


def test_an_empty_text_in_an_array_is_none(client: Any) -> None:
    assert client.v1.customers.create({"preferred_locales": ["", "fr"]}).preferred_locales == ["fr"]
