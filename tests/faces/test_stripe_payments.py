"""Stripe's own client where money moves, and its catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


@pytest.mark.by_client("create_product get_product update_product delete_product list_product search_product")
@pytest.mark.by_client("create_price get_price update_price list_price search_price")
def test_a_rate_card_is_products_and_prices(client: Any) -> None:
    v1 = client.v1
    product = v1.products.create({"name": "Senior", "metadata": {"level": "SENIOR"}})
    price = v1.prices.create({"currency": "usd", "product": product.id, "unit_amount": 17500, "lookup_key": "senior"})
    new = v1.prices.create(
        {
            "currency": "usd",
            "product": product.id,
            "unit_amount_decimal": "0.125",
            "lookup_key": "senior",
            "transfer_lookup_key": True,
        }
    )
    assert (new.unit_amount, new.unit_amount_decimal) == (None, Decimal("0.125"))
    assert v1.prices.retrieve(price.id).lookup_key is None
    assert [each.id for each in v1.prices.list({"lookup_keys": ["senior"]})] == [new.id]
    assert v1.prices.update(price.id, {"active": False}).active is False
    assert [each.id for each in v1.prices.search({"query": f"product:'{product.id}' AND active:'true'"})] == [new.id]
    assert [each.id for each in v1.products.search({"query": "metadata['level']:'SENIOR'"})] == [product.id]
    with pytest.raises(stripe.InvalidRequestError):
        v1.products.delete(product.id)
    other = v1.products.create({"name": "Other"})
    assert v1.products.update(other.id, {"active": False}).active is False
    assert other.id in [each.id for each in v1.products.list({"active": False})]
    assert v1.products.retrieve(other.id).name == "Other"
    assert v1.products.delete(other.id).deleted is True


def test_tiers_are_shown_when_they_are_asked_for(client: Any) -> None:
    tiers = [{"up_to": 40, "unit_amount": 20000}, {"up_to": "inf", "unit_amount": 15000}]
    made = client.v1.prices.create(
        {
            "currency": "usd",
            "product_data": {"name": "Tiered"},
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": tiers,
            "expand": ["tiers"],
        }
    )
    assert [each.up_to for each in made.tiers] == [40, None]
    assert "tiers" not in client.v1.prices.retrieve(made.id).to_dict()


@pytest.mark.by_client("attach_payment_method detach_payment_method get_payment_method update_payment_method")
@pytest.mark.by_client(
    "create_payment_method list_payment_method list_customer_payment_method get_customer_payment_method"
)
def test_a_card_is_attached_and_detached(client: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create({"name": "Acme"})
    made = v1.payment_methods.attach("pm_card_visa", {"customer": owner.id})
    assert (made.card.last4, made.customer) == ("4242", owner.id)
    v1.payment_methods.update(made.id, {"metadata": {"x": "1"}})
    assert v1.payment_methods.retrieve(made.id).metadata.x == "1"
    assert [each.id for each in v1.payment_methods.list({"customer": owner.id})] == [made.id]
    assert [each.id for each in v1.customers.payment_methods.list(owner.id)] == [made.id]
    assert v1.customers.payment_methods.retrieve(owner.id, made.id).id == made.id
    assert v1.payment_methods.detach(made.id).customer is None
    assert v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}}).card.brand == "mastercard"
    with pytest.raises(stripe.CardError) as caught:
        v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": owner.id})
    assert (caught.value.code, caught.value.error.decline_code) == ("card_declined", "generic_decline")


@pytest.mark.by_client(
    "list_invoice_payment get_invoice_payment get_charge list_charge update_charge get_balance_transaction list_balance_transaction"
)
def test_paying_an_invoice_makes_one_intent_and_one_charge(client: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create(
        {
            "name": "Acme",
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )
    v1.invoice_items.create({"customer": owner.id, "amount": 5000, "currency": "usd"})
    draft = v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    paid = v1.invoices.pay(draft.id, {"expand": ["payments.data.payment.payment_intent"]})
    assert (paid.status, paid.amount_paid) == ("paid", 5000)
    (payment,) = paid.payments.data
    assert payment.payment.payment_intent.status == "succeeded"
    assert [each.id for each in v1.invoice_payments.list({"invoice": draft.id})] == [payment.id]
    assert v1.invoice_payments.retrieve(payment.id).amount_paid == 5000
    charge = v1.charges.retrieve(payment.payment.payment_intent.latest_charge, {"expand": ["balance_transaction"]})
    assert (charge.paid, charge.balance_transaction.net) == (True, 5000 - 175)
    assert v1.balance_transactions.retrieve(charge.balance_transaction.id).source == charge.id
    assert len(list(v1.balance_transactions.list({"source": charge.id}))) == 1
    assert [each.id for each in v1.charges.list({"customer": owner.id})] == [charge.id]
    assert v1.charges.update(charge.id, {"description": "May"}).description == "May"
    told = [each.type for each in v1.events.list({"limit": 20})][::-1]
    order = (
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.paid",
    )
    assert [each for each in told if each in order[1:]] == list(order[1:])
    assert told.index("invoice.paid") < told.index("invoice.payment_succeeded")


def test_a_declined_payment_leaves_the_invoice_open(client: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create(
        {
            "name": "Bad",
            "payment_method": "pm_card_chargeCustomerFail",
            "invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"},
        }
    )
    v1.invoice_items.create({"customer": owner.id, "amount": 5000, "currency": "usd"})
    draft = v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    with pytest.raises(stripe.CardError) as caught:
        v1.invoices.pay(draft.id)
    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
    assert caught.value.error.payment_intent.status == "requires_payment_method"
    left = v1.invoices.retrieve(draft.id)
    assert (left.status, left.attempted, left.attempt_count) == ("open", True, 1)
    nobody = v1.customers.create({"name": "No card"})
    v1.invoice_items.create({"customer": nobody.id, "amount": 5000, "currency": "usd"})
    draft = v1.invoices.create({"customer": nobody.id, "pending_invoice_items_behavior": "include"})
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        v1.invoices.pay(draft.id)


@pytest.mark.by_client(
    "create_payment_intent get_payment_intent update_payment_intent list_payment_intent search_payment_intent"
)
@pytest.mark.by_client(
    "confirm_payment_intent cancel_payment_intent capture_payment_intent attach_payment search_charge"
)
def test_an_intent_is_confirmed_captured_or_cancelled(client: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create({"name": "Acme"})
    intent = v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "customer": owner.id, "metadata": {"po": "9"}}
    )
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert v1.payment_intents.update(intent.id, {"description": "x"}).description == "x"
    assert v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    assert v1.payment_intents.retrieve(intent.id).amount_received == 5000
    assert [each.id for each in v1.payment_intents.list({"customer": owner.id})] == [intent.id]
    assert [each.id for each in v1.payment_intents.search({"query": "metadata['po']:'9'"})] == [intent.id]
    assert [each.id for each in v1.charges.search({"query": f"customer:'{owner.id}' AND amount>4999"})] == [
        intent.latest_charge or v1.payment_intents.retrieve(intent.id).latest_charge
    ]
    held = v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
            "confirm": True,
        }
    )
    assert held.status == "requires_capture"
    assert v1.payment_intents.capture(held.id).status == "succeeded"
    assert (
        v1.payment_intents.cancel(v1.payment_intents.create({"amount": 900, "currency": "usd"}).id).status == "canceled"
    )
    v1.invoice_items.create({"customer": owner.id, "amount": 5000, "currency": "usd"})
    draft = v1.invoices.create(
        {
            "customer": owner.id,
            "collection_method": "send_invoice",
            "days_until_due": 3,
            "pending_invoice_items_behavior": "include",
        }
    )
    final = v1.invoices.finalize_invoice(draft.id)
    assert v1.invoices.attach_payment(final.id, {"payment_intent": intent.id}).status == "paid"


@pytest.mark.by_client("create_refund get_refund update_refund list_refund create_charge")
def test_a_refund_gives_back_no_more_than_was_charged(client: Any) -> None:
    v1 = client.v1
    charge = v1.charges.create({"amount": 5000, "currency": "usd", "source": "tok_visa"})
    made = v1.refunds.create({"charge": charge.id, "amount": 2000, "reason": "requested_by_customer"})
    assert v1.refunds.retrieve(made.id).status == "succeeded"
    assert v1.refunds.update(made.id, {"metadata": {"x": "1"}}).metadata.x == "1"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.refunds.create({"charge": charge.id, "amount": 4000})
    assert caught.value.user_message == "Refund amount ($40.00) is greater than unrefunded amount on charge ($30.00)"
    v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.refunds.create({"charge": charge.id})
    assert caught.value.code == "charge_already_refunded"
    assert len(list(v1.refunds.list({"charge": charge.id}))) == 2


@pytest.mark.by_client("get_account get_balance")
def test_the_account_says_what_it_has(client: Any, billing: dict[str, Any]) -> None:
    before = {each.currency: each.amount for each in client.v1.balance.retrieve().available}
    client.v1.charges.create({"amount": 10000, "currency": "usd", "source": "tok_visa"})
    after = {each.currency: each.amount for each in client.v1.balance.retrieve().available}
    assert after["usd"] - before.get("usd", 0) == 10000 - 320
    assert client.v1.accounts.retrieve_current().id == billing["credentials"]["account_id"]


@pytest.mark.by_client("list_dispute get_dispute update_dispute close_dispute")
def test_a_dispute_is_answered_and_closed(client: Any) -> None:
    v1 = client.v1
    intent = v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True}
    )
    (found,) = v1.disputes.list({"payment_intent": intent.id}).data
    assert v1.disputes.retrieve(found.id).status == "needs_response"
    assert (
        v1.disputes.update(found.id, {"evidence": {"uncategorized_text": "x"}, "submit": False}).status
        == "needs_response"
    )
    assert v1.disputes.close(found.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="This dispute is already closed"):
        v1.disputes.close(found.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"
