"""Stripe's own client changes a subscription in other things than its items."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from stripe_clock import DAY, FEBRUARY, advance

stripe = pytest.importorskip("stripe")


def test_a_trial_is_given_later_and_what_was_paid_is_credited(
    client: Any, retainer: Any, clock: Any, owner: Any
) -> None:
    v1 = client.v1
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    advance(client, clock, FEBRUARY + 7 * DAY)
    tried = v1.subscriptions.update(made.id, {"trial_end": FEBRUARY + 14 * DAY})
    assert (tried.status, tried.trial_end, tried.billing_cycle_anchor) == (
        "trialing",
        FEBRUARY + 14 * DAY,
        FEBRUARY + 14 * DAY,
    )
    assert [each.amount for each in v1.invoice_items.list({"customer": owner.id, "pending": True}).data] == [-7500]
    advance(client, clock, FEBRUARY + 15 * DAY)
    after = v1.subscriptions.retrieve(made.id)
    assert (after.status, v1.invoices.retrieve(after.latest_invoice).total) == ("active", 2500)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.subscriptions.update(made.id, {"trial_end": FEBRUARY})
    assert caught.value.param == "trial_end"


def test_an_anchor_is_moved_to_now(client: Any, retainer: Any, clock: Any, owner: Any) -> None:
    v1 = client.v1
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    advance(client, clock, FEBRUARY + 7 * DAY)
    moved = v1.subscriptions.update(made.id, {"billing_cycle_anchor": "now"})
    assert moved.billing_cycle_anchor == moved["items"].data[0].current_period_start == FEBRUARY + 7 * DAY
    invoice = v1.invoices.retrieve(moved.latest_invoice)
    assert (invoice.billing_reason, invoice.status, invoice.total) == ("subscription_update", "paid", 2500)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.subscriptions.update(made.id, {"billing_cycle_anchor": str(FEBRUARY)})
    assert caught.value.param == "billing_cycle_anchor"


@pytest.mark.parametrize(
    ("config", "anchor"),
    [
        ({"day_of_month": 31}, datetime(2026, 2, 28, tzinfo=UTC)),
        ({"day_of_month": 1}, datetime(2026, 3, 1, tzinfo=UTC)),
        ({"day_of_month": 1, "month": 1}, datetime(2027, 1, 1, tzinfo=UTC)),
        ({"day_of_month": 1, "hour": 9}, datetime(2026, 2, 1, 9, tzinfo=UTC)),
    ],
)
def test_an_anchor_is_described(
    client: Any, retainer: Any, owner: Any, config: dict[str, int], anchor: datetime
) -> None:
    said = {"customer": owner.id, "items": [{"price": retainer.id}], "billing_cycle_anchor_config": config}
    assert client.v1.subscriptions.create(said).billing_cycle_anchor == int(anchor.timestamp())


def test_what_is_added_to_a_subscription_once_waits_for_its_next_invoice(
    client: Any, retainer: Any, owner: Any
) -> None:
    v1 = client.v1
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    fee = v1.prices.create({"currency": "usd", "unit_amount": 500, "product": retainer.product})
    v1.subscriptions.update(made.id, {"add_invoice_items": [{"price": fee.id, "quantity": 2}]})
    assert [each.amount for each in v1.invoice_items.list({"customer": owner.id, "pending": True}).data] == [1000]


def test_a_subscription_takes_no_foreign_card_and_no_price_twice(client: Any, retainer: Any, owner: Any) -> None:
    v1 = client.v1
    items = [{"price": retainer.id}]
    made = v1.subscriptions.create({"customer": owner.id, "items": items})
    card = v1.payment_methods.attach("pm_card_visa", {"customer": v1.customers.create({"name": "Other"}).id})
    for foreign in (card.id, "pm_nobody"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            v1.subscriptions.update(made.id, {"default_payment_method": foreign})
        assert (caught.value.code, caught.value.param) == ("resource_missing", "default_payment_method")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.subscriptions.create({"customer": owner.id, "items": items * 2})
    assert caught.value.param == "items[1][price]"


def test_of_a_cancelled_subscription_only_notes_change(client: Any, retainer: Any, owner: Any) -> None:
    v1 = client.v1
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    v1.subscriptions.cancel(made.id)
    noted = v1.subscriptions.update(
        made.id, {"metadata": {"why": "budget"}, "cancellation_details": {"feedback": "too_expensive"}}
    )
    assert (noted.metadata["why"], noted.cancellation_details.feedback) == ("budget", "too_expensive")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.subscriptions.update(made.id, {"metadata": {}, "description": "x"})
    assert caught.value.code == "invalid_canceled_subscription_fields"


@pytest.mark.by_client("resume_subscription")
def test_a_trial_that_ends_without_a_card_ends_as_it_was_told_to(client: Any, retainer: Any, clock: Any) -> None:
    v1 = client.v1
    nobody = v1.customers.create({"name": "No card", "test_clock": clock.id})
    made = {}
    for behavior in ("cancel", "pause"):
        told = {"trial_settings": {"end_behavior": {"missing_payment_method": behavior}}}
        said = {"customer": nobody.id, "items": [{"price": retainer.id}], "trial_period_days": 7, **told}
        made[behavior] = v1.subscriptions.create(said).id
    advance(client, clock, FEBRUARY + 8 * DAY)
    assert v1.subscriptions.retrieve(made["cancel"]).status == "canceled"
    paused = v1.subscriptions.retrieve(made["pause"])
    assert (paused.status, v1.invoices.retrieve(paused.latest_invoice).total) == ("paused", 0)
    card = v1.payment_methods.attach("pm_card_visa", {"customer": nobody.id})
    v1.customers.update(nobody.id, {"invoice_settings": {"default_payment_method": card.id}})
    resumed = v1.subscriptions.resume(paused.id)
    assert (resumed.status, resumed.billing_cycle_anchor) == ("active", FEBRUARY + 8 * DAY)
    assert v1.invoices.retrieve(resumed.latest_invoice).total == 10000


@pytest.mark.parametrize(
    ("behavior", "status"), [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")]
)
def test_while_collection_is_paused_invoices_become_what_they_are_told_to(
    client: Any, retainer: Any, clock: Any, owner: Any, behavior: str, status: str
) -> None:
    v1 = client.v1
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    april = FEBRUARY + 59 * DAY
    v1.subscriptions.update(made.id, {"pause_collection": {"behavior": behavior, "resumes_at": april}})
    advance(client, clock, FEBRUARY + 28 * DAY + 7200)
    assert v1.invoices.retrieve(v1.subscriptions.retrieve(made.id).latest_invoice).status == status
    advance(client, clock, april + 7200)
    after = v1.subscriptions.retrieve(made.id)
    assert (after.pause_collection, v1.invoices.retrieve(after.latest_invoice).status) == (None, "paid")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.subscriptions.update(made.id, {"cancel_at": FEBRUARY})
    assert caught.value.param == "cancel_at"
