"""Stripe's own client takes coupons: which may be used, what they take off, and whose the discounts are."""

from __future__ import annotations

from typing import Any

import pytest
from stripe_clock import DAY, payer

stripe = pytest.importorskip("stripe")


@pytest.fixture
def acme(client: Any) -> Any:
    """A customer whose card works."""
    return payer(client, name="Acme")


def coupon(client: Any, percent: int = 50, **fields: Any) -> Any:
    """A coupon for a share, once."""
    return client.v1.coupons.create({"percent_off": percent, "duration": "once", **fields})


def draft(client: Any, owner: Any, *lines: dict[str, Any], **fields: Any) -> Any:
    """A draft with some lines."""
    made = client.v1.invoices.create({"customer": owner.id, "currency": "usd", **fields})
    return client.v1.invoices.add_lines(made.id, {"lines": list(lines)}) if lines else made


def test_a_coupon_that_is_used_up_or_too_old_takes_nothing_off(client: Any, clock: Any, acme: Any) -> None:
    v1 = client.v1
    single = coupon(client, max_redemptions=1)
    draft(client, acme, discounts=[{"coupon": single.id}])
    spent = v1.coupons.retrieve(single.id)
    assert (spent.times_redeemed, spent.valid) == (1, False)
    with pytest.raises(stripe.InvalidRequestError, match="is used up") as caught:
        draft(client, acme, discounts=[{"coupon": single.id}])
    assert (caught.value.code, caught.value.param) == ("coupon_expired", "discounts[0][coupon]")
    dated = coupon(client, redeem_by=acme.created + DAY)
    late = v1.customers.create({"name": "Late", "test_clock": clock.id})
    with pytest.raises(stripe.InvalidRequestError, match="has expired"):
        draft(client, late, discounts=[{"coupon": dated.id}])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        coupon(client, redeem_by=100)
    assert caught.value.param == "redeem_by"


def test_an_amount_in_one_currency_is_not_taken_off_another(client: Any, acme: Any) -> None:
    euros = client.v1.coupons.create({"amount_off": 500, "currency": "eur", "duration": "once"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        draft(client, acme, discounts=[{"coupon": euros.id}])
    assert caught.value.param == "discounts[0][coupon]"
    assert client.v1.invoices.list({"customer": acme.id}).data == []


def test_a_coupon_for_some_products_leaves_the_others_alone(client: Any, acme: Any) -> None:
    v1 = client.v1
    price = v1.prices.create({"currency": "usd", "unit_amount": 1000, "product_data": {"name": "Advice"}})
    half = coupon(client, applies_to={"products": [price.product]})
    lines = ({"pricing": {"price": price.id}, "quantity": 1}, {"amount": 1000, "description": "Travel"})
    made = draft(client, acme, *lines, discounts=[{"coupon": half.id}])
    assert made.total == 1500
    shown = v1.coupons.retrieve(half.id, {"expand": ["applies_to"]})
    assert shown.applies_to.products == [price.product]


def test_a_discount_says_what_it_belongs_to_and_outlives_its_coupon(client: Any, acme: Any, retainer: Any) -> None:
    v1 = client.v1
    half = coupon(client, duration="forever")
    made = draft(client, acme, discounts=[{"coupon": half.id}])
    found = v1.invoices.retrieve(made.id, {"expand": ["discounts"]}).discounts[0]
    assert (found.customer, found.invoice, found.source.coupon) == (acme.id, made.id, half.id)
    items = [{"price": retainer.id, "discounts": [{"coupon": half.id}]}]
    retained = v1.subscriptions.create({"customer": acme.id, "items": items})
    assert v1.invoices.retrieve(retained.latest_invoice).total == 5000
    of_item = v1.subscriptions.retrieve(retained.id, {"expand": ["items.data.discounts"]})["items"].data[0]
    assert (of_item.discounts[0].subscription, of_item.discounts[0].subscription_item) == (retained.id, of_item.id)
    v1.coupons.delete(half.id)
    assert v1.invoices.add_lines(made.id, {"lines": [{"amount": 3000}]}).total == 1500


def test_a_quote_with_a_discount_becomes_an_invoice_with_it(client: Any, acme: Any) -> None:
    v1 = client.v1
    price = v1.prices.create({"currency": "usd", "unit_amount": 1000, "product_data": {"name": "Advice"}})
    rate = v1.tax_rates.create({"display_name": "Tax", "percentage": 10, "inclusive": False})
    lines = [{"price": price.id, "quantity": 10, "tax_rates": [rate.id]}]
    made = v1.quotes.create({"customer": acme.id, "line_items": lines, "discounts": [{"coupon": coupon(client).id}]})
    details = made.total_details
    assert (made.amount_subtotal, details.amount_discount, details.amount_tax) == (10000, 5000, 500)
    assert (made.amount_total, v1.quotes.line_items.list(made.id).data[0].amount_total) == (5500, 5500)
    v1.quotes.finalize_quote(made.id)
    assert v1.invoices.retrieve(v1.quotes.accept(made.id).invoice).total == 5500


def test_a_quote_of_what_recurs_from_a_later_day_becomes_a_schedule(client: Any, acme: Any, retainer: Any) -> None:
    v1 = client.v1
    later = {"effective_date": acme.created + 10 * DAY, "trial_period_days": 7}
    lines = [{"price": retainer.id}]
    made = v1.quotes.create({"customer": acme.id, "line_items": lines, "subscription_data": later})
    assert made.subscription_data.trial_period_days == 7
    v1.quotes.finalize_quote(made.id)
    taken = v1.quotes.accept(made.id)
    assert (taken.subscription, taken.invoice) == (None, None)
    schedule = v1.subscription_schedules.retrieve(taken.subscription_schedule)
    phase = schedule.phases[0]
    assert (schedule.status, phase.start_date) == ("not_started", later["effective_date"])
    assert phase.trial_end == later["effective_date"] + 7 * DAY


def test_a_phase_brings_its_own_discounts_and_taxes(client: Any, acme: Any, retainer: Any) -> None:
    v1 = client.v1
    rate = v1.tax_rates.create({"display_name": "Tax", "percentage": 10, "inclusive": False})
    phase = {"items": [{"price": retainer.id, "tax_rates": [rate.id]}], "discounts": [{"coupon": coupon(client).id}]}
    made = v1.subscription_schedules.create({"customer": acme.id, "start_date": "now", "phases": [phase]})
    invoice = v1.invoices.retrieve(v1.subscriptions.retrieve(made.subscription).latest_invoice)
    assert (invoice.total_discount_amounts[0].amount, invoice.total) == (5000, 5500)
    assert made.phases[0]["items"][0].tax_rates[0].id == rate.id
    phase["discounts"] = [{"coupon": "nope"}]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.subscription_schedules.create({"customer": acme.id, "start_date": "now", "phases": [phase]})
    assert caught.value.param == "phases[0][discounts][0][coupon]"
