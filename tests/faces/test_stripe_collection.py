"""How Stripe's own client gets an invoice paid: one intent for all attempts, parts, too much, and what cannot be moved."""

from __future__ import annotations

from typing import Any

import pytest
from stripe_clock import DAY, FEBRUARY

stripe = pytest.importorskip("stripe")


@pytest.fixture
def acme(client: Any) -> Any:
    """A customer."""
    return client.v1.customers.create({"name": "Acme"})


def invoiced(client: Any, owner: Any, amount: int = 10000) -> Any:
    """An open invoice."""
    made = client.v1.invoices.create({"customer": owner.id, "currency": "usd"})
    client.v1.invoices.add_lines(made.id, {"lines": [{"amount": amount}]})
    return client.v1.invoices.finalize_invoice(made.id)


def charged(client: Any, amount: int, **fields: Any) -> Any:
    """A payment intent that has been confirmed."""
    said = {"amount": amount, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    return client.v1.payment_intents.create({**said, **fields})


def told(client: Any, id: str) -> list[str]:
    """The types of the latest events about an object, the oldest first."""
    return [each.type for each in client.v1.events.list({"limit": 100}).data if each.data.object.id == id][::-1]


def test_an_invoice_has_one_intent_whatever_number_of_attempts(client: Any, acme: Any) -> None:
    v1 = client.v1
    bad = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": acme.id})
    invoice = invoiced(client, acme)
    with pytest.raises(stripe.CardError):
        v1.invoices.pay(invoice.id, {"payment_method": bad.id})
    assert v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).attempt_count == 2
    (intent,) = v1.payment_intents.list({"customer": acme.id}).data
    assert (intent.status, intent.amount_received) == ("succeeded", 10000)
    asked = {"payment": {"type": "payment_intent", "payment_intent": intent.id}}
    assert [each.invoice for each in v1.invoice_payments.list(asked).data] == [invoice.id]
    left = invoiced(client, acme)
    with pytest.raises(stripe.CardError):
        v1.invoices.pay(left.id, {"payment_method": bad.id})
    v1.invoices.void_invoice(left.id)
    assert v1.payment_intents.list({"customer": acme.id, "limit": 1}).data[0].status == "canceled"
    assert v1.invoice_payments.list({"invoice": left.id}).data[0].status == "canceled"


def test_a_browser_confirms_the_payment_of_a_first_invoice(client: Any, acme: Any) -> None:
    v1 = client.v1
    recurring = {"recurring": {"interval": "month"}, "product_data": {"name": "Retainer"}}
    price = v1.prices.create({"currency": "usd", "unit_amount": 10000, **recurring})
    said = {"customer": acme.id, "items": [{"price": price.id}], "payment_behavior": "default_incomplete"}
    made = v1.subscriptions.create({**said, "expand": ["latest_invoice.confirmation_secret"]})
    secret = made.latest_invoice.confirmation_secret.client_secret
    confirmed = v1.payment_intents.confirm(secret.partition("_secret_")[0], {"payment_method": "pm_card_visa"})
    assert confirmed.status == "succeeded"
    assert v1.invoices.retrieve(made.latest_invoice.id).status == "paid"
    assert v1.subscriptions.retrieve(made.id).status == "active"


def test_what_waits_for_the_customer_is_not_tried_again_and_runs_out(client: Any) -> None:
    v1 = client.v1
    clock = v1.test_helpers.test_clocks.create({"frozen_time": FEBRUARY})
    owner = v1.customers.create({"name": "Later", "test_clock": clock.id})
    card = v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": owner.id})
    recurring = {"recurring": {"interval": "month"}, "product_data": {"name": "Retainer"}}
    price = v1.prices.create({"currency": "usd", "unit_amount": 10000, **recurring})
    said = {"customer": owner.id, "items": [{"price": price.id}], "default_payment_method": card.id}
    made = v1.subscriptions.create(said)
    assert (made.status, v1.invoices.retrieve(made.latest_invoice).next_payment_attempt) == ("incomplete", None)
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": FEBRUARY + DAY})
    for _ in range(200):
        if v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready":
            break
    assert v1.subscriptions.retrieve(made.id).status == "incomplete_expired"
    invoice = v1.invoices.retrieve(made.latest_invoice)
    assert (invoice.status, invoice.attempt_count) == ("void", 1)


def test_parts_pay_an_invoice_and_too_much_is_told(client: Any, acme: Any) -> None:
    v1 = client.v1
    invoice, first = invoiced(client, acme), charged(client, 4000)
    v1.invoices.attach_payment(invoice.id, {"payment_intent": first.id})
    left = v1.invoices.retrieve(invoice.id)
    assert (left.status, left.amount_paid, left.amount_remaining) == ("open", 4000, 6000)
    for refused in (first, charged(client, 4000, currency="eur")):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            v1.invoices.attach_payment(invoice.id, {"payment_intent": refused.id})
        assert caught.value.param == "payment_intent"
    with pytest.raises(stripe.InvalidRequestError, match="Invoices with `paid` payments cannot be voided"):
        v1.invoices.void_invoice(invoice.id)
    paid = v1.invoices.attach_payment(invoice.id, {"payment_intent": charged(client, 7000).id})
    assert (paid.status, paid.amount_overpaid) == ("paid", 1000)
    assert "invoice.overpaid" in told(client, invoice.id)


@pytest.mark.by_client("capture_charge")
def test_no_more_is_captured_than_was_authorized(client: Any) -> None:
    v1 = client.v1
    held = charged(client, 5000, capture_method="manual")
    for amount in (0, 5001):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            v1.payment_intents.capture(held.id, {"amount_to_capture": amount})
        assert caught.value.param == "amount_to_capture"
    old = v1.charges.create({"amount": 700, "currency": "usd", "source": "tok_visa", "capture": False})
    assert (old.captured, old.amount_captured) == (False, 0)
    assert v1.charges.capture(old.id, {"amount": 600}).amount_captured == 600
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.charges.capture(old.id)
    assert caught.value.code == "charge_already_captured"


@pytest.mark.parametrize(("ccy", "amount"), [("kwd", 5001), ("ugx", 50050)])
def test_parts_of_a_currency_that_no_bank_moves_are_refused(client: Any, ccy: str, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        charged(client, amount, currency=ccy)
    assert caught.value.param == "amount"
    intent = client.v1.payment_intents.create({"amount": 50000, "currency": ccy})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.update(intent.id, {"amount": amount})
    assert client.v1.payment_intents.retrieve(intent.id).amount == 50000


def test_a_card_that_was_taken_off_is_not_put_back_and_one_for_later_stays(client: Any, acme: Any) -> None:
    v1 = client.v1
    card = v1.payment_methods.attach("pm_card_visa", {"customer": acme.id})
    v1.payment_methods.detach(card.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        v1.payment_methods.attach(card.id, {"customer": acme.id})
    assert told(client, card.id) == ["payment_method.attached", "payment_method.detached"]
    done = charged(client, 5000, customer=acme.id, setup_future_usage="off_session")
    assert v1.payment_methods.retrieve(done.payment_method).customer == acme.id


def test_a_refund_is_told_of_once_and_never_of_what_nobody_paid(client: Any, acme: Any) -> None:
    v1 = client.v1
    invoice = invoiced(client, acme)
    note = {"invoice": invoice.id, "amount": 1500}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.credit_notes.create({**note, "refund_amount": 1500})
    assert caught.value.param == "refund_amount"
    v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    intent = v1.invoice_payments.list({"invoice": invoice.id}).data[0].payment.payment_intent
    refund = v1.refunds.create({"payment_intent": intent, "amount": 1500})
    said = {**note, "refunds": [{"refund": refund.id, "amount_refunded": 1500}]}
    v1.credit_notes.create(said)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.credit_notes.create(said)
    assert caught.value.param == "refunds[0][amount_refunded]"


def test_a_price_of_packages_counts_them_and_waits_for_no_subscription(client: Any, acme: Any) -> None:
    v1 = client.v1
    product = v1.products.create({"name": "Hours"}).id
    packed = {"transform_quantity": {"divide_by": 10, "round": "up"}}
    price = v1.prices.create({"currency": "usd", "unit_amount": 1000, "product": product, **packed})
    item = {"customer": acme.id, "quantity": 25, "pricing": {"price": price.id}}
    assert v1.invoice_items.create(item).amount == 3000
    v1.prices.update(price.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="is inactive") as caught:
        v1.invoice_items.create(item)
    assert caught.value.param == "pricing[price]"
    monthly = v1.prices.create(
        {"currency": "usd", "unit_amount": 1, "product": product, "recurring": {"interval": "month"}}
    )
    with pytest.raises(stripe.InvalidRequestError, match="only accepts prices with `type=one_time`"):
        v1.invoice_items.create({**item, "pricing": {"price": monthly.id}})


@pytest.mark.parametrize("absent", [{"off_session": True}, {"error_on_requires_action": True}])
def test_a_card_that_wants_its_owner_is_declined_while_he_is_away(
    client: Any, acme: Any, absent: dict[str, bool]
) -> None:
    card = client.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": acme.id})
    said = {"customer": acme.id, "payment_method": card.id}
    with pytest.raises(stripe.CardError) as caught:
        charged(client, 5000, **said, **absent)
    assert (caught.value.http_status, caught.value.code) == (402, "authentication_required")
    assert caught.value.error.payment_intent.status == "requires_payment_method"
    assert charged(client, 5000, **said).status == "requires_action"
