"""Stripe's own client on retainers, phases, quotes and metered hours; test clocks drive the time."""

from __future__ import annotations

from typing import Any

import pytest
from stripe_clock import DAY, FEBRUARY, advance, payer

stripe = pytest.importorskip("stripe")


@pytest.mark.by_client(
    "create_subscription get_subscription list_subscription cancel_subscription update_subscription search_subscription"
)
def test_a_subscription_is_billed_in_the_call_and_cancelled(client: Any, retainer: Any) -> None:
    v1 = client.v1
    owner = payer(client)
    made = v1.subscriptions.create(
        {
            "customer": owner.id,
            "items": [{"price": retainer.id}],
            "metadata": {"contract_no": "CT-2"},
            "expand": ["latest_invoice"],
        }
    )
    first = made.latest_invoice
    assert (made.status, first.status, first.billing_reason, first.amount_paid) == (
        "active",
        "paid",
        "subscription_create",
        10000,
    )
    assert first.parent.subscription_details.subscription == made.id
    assert "current_period_end" not in made.to_dict()
    later = v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    assert (later.status, later.cancel_at) == ("active", later["items"].data[0].current_period_end)
    assert [each.id for each in v1.subscriptions.search({"query": "metadata['contract_no']:'CT-2'"})] == [made.id]
    assert v1.subscriptions.cancel(made.id).status == "canceled"
    assert list(v1.subscriptions.list({"customer": owner.id})) == []
    assert [each.id for each in v1.subscriptions.list({"customer": owner.id, "status": "all"})] == [made.id]
    assert v1.subscriptions.retrieve(made.id).ended_at is not None
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.subscriptions.cancel(made.id)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_without_a_way_to_pay_nothing_is_written(client: Any, retainer: Any) -> None:
    owner = client.v1.customers.create({"name": "No card"})
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        client.v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    assert list(client.v1.subscriptions.list({"customer": owner.id, "status": "all"})) == []
    sent = client.v1.subscriptions.create(
        {
            "customer": owner.id,
            "items": [{"price": retainer.id}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "expand": ["latest_invoice"],
        }
    )
    assert (sent.status, sent.latest_invoice.status, sent.latest_invoice.auto_advance) == ("active", "draft", True)


@pytest.mark.by_client("create_test_clock advance_test_clock get_test_helpers_test_clock")
def test_a_raise_is_prorated_to_the_second_and_invoiced_at_the_renewal(client: Any, retainer: Any, clock: Any) -> None:
    v1 = client.v1
    owner = payer(client, test_clock=clock.id)
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    assert (made.created, made.test_clock) == (FEBRUARY, clock.id)
    advance(client, clock, FEBRUARY + 7 * DAY)
    v1.subscriptions.update(made.id, {"items": [{"id": made["items"].data[0].id, "quantity": 2}]})
    waiting = v1.invoice_items.list({"customer": owner.id, "pending": True}).data
    assert sorted(each.amount for each in waiting) == [-7500, 15000]
    assert all(each.proration for each in waiting)
    advance(client, clock, FEBRUARY + 28 * DAY + 600)
    renewal = v1.invoices.list({"customer": owner.id, "limit": 1}).data[0]
    assert (renewal.status, renewal.billing_reason, renewal.total) == ("draft", "subscription_cycle", 27500)
    assert renewal.created == FEBRUARY + 28 * DAY
    advance(client, clock, FEBRUARY + 28 * DAY + 7200)
    assert v1.invoices.retrieve(renewal.id).status == "paid"
    shown = v1.invoices.create_preview({"subscription": made.id})
    assert (shown.total, shown.subtotal) == (20000, 20000)


@pytest.mark.by_client("list_test_helpers_test_clock delete_test_clock")
def test_a_clock_takes_its_customers_along(client: Any, clock: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create({"name": "Clocked", "test_clock": clock.id})
    assert clock.id in [each.id for each in v1.test_helpers.test_clocks.list()]
    on_clock = {"test_clock": clock.id}
    assert [each.id for each in v1.customers.list({**on_clock, "created": FEBRUARY})] == [owner.id]
    assert list(v1.customers.list({**on_clock, "created": {"gt": FEBRUARY}})) == []
    assert owner.id not in [each.id for each in v1.customers.list({"created": FEBRUARY})]
    with pytest.raises(stripe.InvalidRequestError):
        v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": FEBRUARY - 1})
    assert v1.test_helpers.test_clocks.delete(clock.id).deleted is True
    assert v1.customers.retrieve(owner.id).deleted is True


def test_the_month_s_last_day_is_kept(client: Any, retainer: Any) -> None:
    start = FEBRUARY - DAY
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": start})
    owner = payer(client, test_clock=clock.id)
    made = client.v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    ends = [made["items"].data[0].current_period_end]
    for end in (FEBRUARY + 27 * DAY, FEBRUARY + 58 * DAY):
        advance(client, clock, end + 7200)
        ends.append(client.v1.subscriptions.retrieve(made.id)["items"].data[0].current_period_end)
    assert ends[:2] == [FEBRUARY + 27 * DAY, FEBRUARY + 58 * DAY]


def test_the_landscape_s_clock_renews_what_has_no_clock_of_its_own(
    client: Any, retainer: Any, stripe_face: Any
) -> None:
    owner = payer(client)
    made = client.v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    assert stripe_face.call("POST", "/clock/advance", {"days": 32}).status == 200
    newest = client.v1.invoices.list({"subscription": made.id, "limit": 1}).data[0]
    assert (newest.status, newest.billing_reason) == ("paid", "subscription_cycle")


@pytest.mark.by_client(
    "create_subscription_item get_subscription_item list_subscription_item update_subscription_item delete_subscription_item"
)
def test_items_come_and_go_one_by_one(client: Any, retainer: Any) -> None:
    v1 = client.v1
    owner = payer(client)
    more = v1.prices.create(
        {"currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}, "product_data": {"name": "Extra"}}
    )
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    item = v1.subscription_items.create({"subscription": made.id, "price": more.id, "quantity": 3})
    assert v1.subscription_items.retrieve(item.id).quantity == 3
    assert v1.subscription_items.update(item.id, {"quantity": 4}).quantity == 4
    assert len(list(v1.subscription_items.list({"subscription": made.id}))) == 2
    assert v1.subscription_items.delete(item.id).deleted is True


@pytest.mark.by_client(
    "create_subscription_schedule get_subscription_schedule list_subscription_schedule update_subscription_schedule"
)
@pytest.mark.by_client("release_subscription_schedule cancel_subscription_schedule")
def test_a_project_s_phases_follow_one_another(client: Any, retainer: Any, clock: Any) -> None:
    v1 = client.v1
    owner = payer(client, test_clock=clock.id)
    phases = [
        {
            "items": [{"price": retainer.id, "quantity": quantity}],
            "duration": {"interval": "month", "interval_count": 1},
        }
        for quantity in (1, 2)
    ]
    made = v1.subscription_schedules.create(
        {"customer": owner.id, "start_date": "now", "end_behavior": "cancel", "phases": phases}
    )
    assert (made.status, [each.start_date for each in made.phases]) == ("active", [FEBRUARY, FEBRUARY + 28 * DAY])
    v1.subscription_schedules.update(made.id, {"metadata": {"x": "1"}})
    assert [each.id for each in v1.subscription_schedules.list({"customer": owner.id})] == [made.id]
    advance(client, clock, FEBRUARY + 29 * DAY)
    running = v1.subscriptions.retrieve(made.subscription)
    assert running["items"].data[0].quantity == 2
    advance(client, clock, FEBRUARY + 62 * DAY)
    assert v1.subscription_schedules.retrieve(made.id).status == "completed"
    assert v1.subscriptions.retrieve(made.subscription).status == "canceled"
    other = v1.subscription_schedules.create({"customer": payer(client).id, "start_date": "now", "phases": phases})
    assert v1.subscription_schedules.release(other.id).released_subscription is not None
    third = v1.subscription_schedules.create({"customer": payer(client).id, "start_date": "now", "phases": phases})
    assert v1.subscription_schedules.cancel(third.id).status == "canceled"


@pytest.mark.by_client("create_quote get_quote update_quote list_quote finalize_quote accept_quote cancel_quote")
@pytest.mark.by_client("list_quote_line list_quote_upfront_line get_quote_pdf")
def test_a_quote_becomes_a_draft_invoice(client: Any) -> None:
    v1 = client.v1
    owner = client.v1.customers.create({"name": "Acme"})
    price = v1.prices.create({"currency": "usd", "unit_amount": 17500, "product_data": {"name": "Senior"}})
    terms = {"collection_method": "send_invoice", "invoice_settings": {"days_until_due": 30}}
    made = v1.quotes.create({"customer": owner.id, "line_items": [{"price": price.id, "quantity": 3}], **terms})
    assert (made.status, made.amount_total) == ("draft", 52500)
    v1.quotes.update(made.id, {"description": "Phase 1"})
    with pytest.raises(stripe.InvalidRequestError):
        v1.quotes.accept(made.id)
    assert v1.quotes.finalize_quote(made.id).number == f"QT-{owner.invoice_prefix}-0001-1"
    taken = v1.quotes.accept(made.id, {"expand": ["invoice"]})
    assert (taken.status, taken.invoice.status, taken.invoice.total) == ("accepted", "draft", 52500)
    assert taken.invoice.parent.quote_details.quote == made.id
    assert [each.quantity for each in v1.quotes.line_items.list(made.id)] == [3]
    assert len(list(v1.quotes.computed_upfront_line_items.list(made.id))) == 1
    assert v1.quotes.pdf(made.id).io.read().startswith(b"%PDF-")
    with pytest.raises(stripe.InvalidRequestError):
        v1.quotes.cancel(made.id)
    other = v1.quotes.create({"customer": owner.id, "line_items": [{"price": price.id}], **terms})
    assert v1.quotes.cancel(other.id).status == "canceled"
    assert {each.id for each in v1.quotes.list({"customer": owner.id})} == {made.id, other.id}
    assert v1.quotes.retrieve(made.id).status == "accepted"


@pytest.mark.by_client(
    "create_billing_meter get_billing_meter list_billing_meter update_billing_meter create_meter_event"
)
@pytest.mark.by_client("list_meter_event_summary deactivate_meter reactivate_meter")
def test_metered_hours_are_billed_in_arrears(client: Any, clock: Any) -> None:
    v1 = client.v1
    owner = payer(client, test_clock=clock.id)
    meter = v1.billing.meters.create(
        {"display_name": "Hours", "event_name": "hours", "default_aggregation": {"formula": "sum"},
         "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"}, "value_settings": {"event_payload_key": "value"}}
    )  # fmt: skip
    price = v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 100,
            "product_data": {"name": "Hour"},
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        }
    )
    v1.subscriptions.create({"customer": owner.id, "items": [{"price": price.id}]})
    event = {
        "event_name": "hours",
        "payload": {"stripe_customer_id": owner.id, "value": "14"},
        "timestamp": FEBRUARY + 60,
        "identifier": "one",
    }
    v1.billing.meter_events.create(event)
    with pytest.raises(stripe.InvalidRequestError):
        v1.billing.meter_events.create(event)
    asked = {"customer": owner.id, "start_time": FEBRUARY, "end_time": FEBRUARY + 3600}
    assert [each.aggregated_value for each in v1.billing.meters.event_summaries.list(meter.id, asked)] == [14]
    advance(client, clock, FEBRUARY + 28 * DAY + 7200)
    newest = v1.invoices.list({"customer": owner.id, "limit": 1}).data[0]
    assert (newest.status, newest.total) == ("paid", 1400)
    v1.billing.meters.update(meter.id, {"display_name": "Hours worked"})
    assert v1.billing.meters.retrieve(meter.id).display_name == "Hours worked"
    assert v1.billing.meters.deactivate(meter.id).status == "inactive"
    assert v1.billing.meters.reactivate(meter.id).status == "active"
    assert meter.id in [each.id for each in v1.billing.meters.list()]


def test_a_failing_card_is_tried_three_times_more_and_then_ends_the_subscription(
    client: Any, retainer: Any, clock: Any
) -> None:
    v1 = client.v1
    owner = payer(client, test_clock=clock.id)
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}]})
    bad = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": owner.id})
    v1.customers.update(owner.id, {"invoice_settings": {"default_payment_method": bad.id}})
    renewal = FEBRUARY + 28 * DAY
    advance(client, clock, renewal + 7200)
    invoice = v1.invoices.list({"customer": owner.id, "limit": 1}).data[0]
    assert (invoice.status, invoice.attempt_count, v1.subscriptions.retrieve(made.id).status) == ("open", 1, "past_due")
    advance(client, clock, renewal + 20 * DAY)
    assert v1.invoices.retrieve(invoice.id).attempt_count == 4
    assert v1.subscriptions.retrieve(made.id).status == "canceled"


def test_a_trial_ends_with_the_first_invoice(client: Any, retainer: Any, clock: Any) -> None:
    v1 = client.v1
    owner = payer(client, test_clock=clock.id)
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": retainer.id}], "trial_period_days": 14})
    assert (made.status, made.trial_end) == ("trialing", FEBRUARY + 14 * DAY)
    advance(client, clock, FEBRUARY + 14 * DAY + 7200)
    assert v1.subscriptions.retrieve(made.id).status == "active"
    assert [each.total for each in v1.invoices.list({"customer": owner.id})] == [10000, 0]
    assert len(v1.events.list({"type": "customer.subscription.trial_will_end"}).data) == 1


def test_a_first_payment_that_waits_makes_the_subscription_active(client: Any, retainer: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create({"name": "Later"})
    asked = {"customer": owner.id, "items": [{"price": retainer.id}], "payment_behavior": "default_incomplete"}
    made = v1.subscriptions.create({**asked, "expand": ["latest_invoice"]})
    assert (made.status, made.latest_invoice.status) == ("incomplete", "open")
    card = v1.payment_methods.attach("pm_card_visa", {"customer": owner.id})
    v1.invoices.pay(made.latest_invoice.id, {"payment_method": card.id})
    assert v1.subscriptions.retrieve(made.id).status == "active"


@pytest.mark.parametrize(
    ("coupon", "totals"),
    [
        ({"duration": "once"}, [5000, 10000, 10000]),
        ({"duration": "repeating", "duration_in_months": 2}, [5000, 5000, 10000]),
        ({"duration": "forever"}, [5000, 5000, 5000]),
    ],
)
def test_a_coupon_lasts_as_long_as_it_says(
    client: Any, retainer: Any, clock: Any, coupon: dict[str, Any], totals: list[int]
) -> None:
    v1 = client.v1
    half = v1.coupons.create({"percent_off": 50, **coupon})
    owner = payer(client, test_clock=clock.id)
    said = {"customer": owner.id, "items": [{"price": retainer.id}], "discounts": [{"coupon": half.id}]}
    made = v1.subscriptions.create(said)
    for _ in totals[1:]:
        end = v1.subscriptions.retrieve(made.id)["items"].data[0].current_period_end
        advance(client, clock, end + 2 * 3600)
    assert [each.total for each in v1.invoices.list({"subscription": made.id}).data][::-1] == totals


def test_a_first_period_up_to_a_chosen_anchor_costs_its_share(client: Any, retainer: Any, clock: Any) -> None:
    owner = payer(client, test_clock=clock.id)
    said = {"customer": owner.id, "items": [{"price": retainer.id}], "billing_cycle_anchor": FEBRUARY + 14 * DAY}
    made = client.v1.subscriptions.create(said)
    line = client.v1.invoices.retrieve(made.latest_invoice).lines.data[0]
    assert line.amount == 10000 * 14 // 31
    assert line.parent.subscription_item_details.proration is True
    free = client.v1.subscriptions.create({**said, "proration_behavior": "none"})
    assert client.v1.invoices.retrieve(free.latest_invoice).total == 0


def test_a_schedule_that_starts_later_waits_for_its_day(client: Any, retainer: Any, clock: Any) -> None:
    owner = payer(client, test_clock=clock.id)
    phase = {"items": [{"price": retainer.id}], "duration": {"interval": "month", "interval_count": 1}}
    schedules = client.v1.subscription_schedules
    made = schedules.create({"customer": owner.id, "start_date": FEBRUARY + DAY, "phases": [phase]})
    assert (made.status, made.subscription) == ("not_started", None)
    advance(client, clock, FEBRUARY + 2 * DAY)
    begun = schedules.retrieve(made.id)
    assert (begun.status, begun.current_phase.start_date) == ("active", FEBRUARY + DAY)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        schedules.create({"customer": owner.id, "start_date": 10**14, "phases": [phase]})
    assert caught.value.param == "start_date"
