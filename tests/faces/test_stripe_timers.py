"""What Stripe's objects do by themselves when what they need is gone: the clock goes on, and somebody is told."""

from __future__ import annotations

from typing import Any

import pytest
from stripe_clock import DAY, FEBRUARY, advance

pytest.importorskip("stripe")


def by_itself(client: Any, owner: Any, **fields: Any) -> Any:
    """A draft that goes on by itself."""
    made = client.v1.invoices.create({"customer": owner.id, "auto_advance": True, **fields})
    return client.v1.invoices.add_lines(made.id, {"lines": [{"amount": 5000}]})


def told(client: Any, id: str) -> list[str]:
    """The types of the latest events about an object, the oldest first."""
    return [each.type for each in client.v1.events.list({"limit": 100}).data if each.data.object.id == id][::-1]


def test_a_schedule_ends_with_its_subscription(client: Any, retainer: Any, clock: Any, owner: Any) -> None:
    v1 = client.v1
    month = {"items": [{"price": retainer.id}], "duration": {"interval": "month", "interval_count": 1}}
    said = {"customer": owner.id, "start_date": "now", "phases": [month, month]}
    made = v1.subscription_schedules.create(said)
    v1.subscriptions.cancel(made.subscription)
    ended = v1.subscription_schedules.retrieve(made.id)
    assert (ended.status, ended.current_phase) == ("canceled", None)
    advance(client, clock, FEBRUARY + 30 * DAY)
    assert v1.subscriptions.retrieve(made.subscription).status == "canceled"


def test_of_a_deleted_customer_nothing_goes_on_by_itself(client: Any, retainer: Any, clock: Any, owner: Any) -> None:
    v1 = client.v1
    phase = {"items": [{"price": retainer.id}], "duration": {"interval": "month", "interval_count": 1}}
    later = {"customer": owner.id, "start_date": FEBRUARY + 9 * DAY, "phases": [phase]}
    schedule, draft = v1.subscription_schedules.create(later), by_itself(client, owner)
    v1.customers.delete(owner.id)
    advance(client, clock, FEBRUARY + 10 * DAY)
    assert v1.subscription_schedules.retrieve(schedule.id).status == "canceled"
    left = v1.invoices.retrieve(draft.id)
    assert (left.status, left.auto_advance) == ("draft", False)


def test_a_draft_that_cannot_be_final_says_why_and_the_others_go_on(client: Any, clock: Any, owner: Any) -> None:
    v1 = client.v1
    first, second, third = (by_itself(client, owner, number=number) for number in ("DUP-1", "DUP-1", "DUP-2"))
    advance(client, clock, FEBRUARY + DAY)
    assert [v1.invoices.retrieve(each.id).status for each in (first, second, third)] == ["paid", "draft", "paid"]
    left = v1.invoices.retrieve(second.id)
    assert (left.last_finalization_error.type, left.last_finalization_error.param) == (
        "invalid_request_error",
        "number",
    )
    assert told(client, second.id)[-1] == "invoice.finalization_failed"
    v1.invoices.update(second.id, {"number": "DUP-3"})
    assert v1.invoices.finalize_invoice(second.id).number == "DUP-3"


def test_a_subscription_s_discount_is_told_of_when_it_comes_and_goes(client: Any, retainer: Any, owner: Any) -> None:
    v1 = client.v1
    coupons = {span: v1.coupons.create({"percent_off": 50, "duration": span}).id for span in ("once", "forever")}
    said = {"customer": owner.id, "items": [{"price": retainer.id}]}
    used = v1.subscriptions.create({**said, "discounts": [{"coupon": coupons["once"]}]})
    assert used.discounts == []
    kept = v1.subscriptions.create({**said, "discounts": [{"coupon": coupons["forever"]}]})
    v1.subscriptions.update(kept.id, {"discounts": ""})
    events = v1.events.list({"type": "customer.discount.*", "limit": 100}).data
    by_owner = {
        id: [each.type for each in events if each.data.object.subscription == id][::-1] for id in (used.id, kept.id)
    }
    assert by_owner == {id: ["customer.discount.created", "customer.discount.deleted"] for id in (used.id, kept.id)}


def test_the_lines_of_a_revision_are_its_own(client: Any, owner: Any) -> None:
    v1 = client.v1
    old = v1.invoices.finalize_invoice(by_itself(client, owner).id)
    assert old.due_date is None
    revision = v1.invoices.create({"from_invoice": {"action": "revision", "invoice": old.id}})
    line = revision.lines.data[0]
    assert v1.invoices.update_lines(revision.id, {"lines": [{"id": line.id, "amount": 7000}]}).total == 7000
    was = v1.invoices.retrieve(old.id).lines.data[0]
    assert was.amount == 5000
    items = [each.parent.invoice_item_details.invoice_item for each in (line, was)]
    assert [v1.invoice_items.retrieve(each).amount for each in items] == [7000, 5000]
