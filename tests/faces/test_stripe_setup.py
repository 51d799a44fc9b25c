"""Stripe's own client where things are prepared: cards saved before they are charged, codes redeemed, endpoints registered once."""

from __future__ import annotations

from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


@pytest.fixture
def acme(client: Any) -> Any:
    """A customer."""
    return client.v1.customers.create({"name": "Acme"})


@pytest.mark.by_client(
    "create_setup_intent get_setup_intent update_setup_intent list_setup_intent confirm_setup_intent"
)
def test_a_card_that_is_set_up_is_the_customer_s(client: Any, acme: Any) -> None:
    intents = client.v1.setup_intents
    made = intents.create({"customer": acme.id, "usage": "off_session"})
    assert (made.status, made.client_secret.startswith(f"{made.id}_secret_")) == ("requires_payment_method", True)
    assert intents.update(made.id, {"payment_method": "pm_card_visa"}).status == "requires_confirmation"
    done = intents.confirm(made.id)
    assert done.status == "succeeded"
    assert [each.id for each in client.v1.payment_methods.list({"customer": acme.id})] == [done.payment_method]
    assert intents.retrieve(made.id, {"expand": ["payment_method"]}).payment_method.card.last4 == "4242"
    assert [each.id for each in intents.list({"customer": acme.id})] == [made.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        intents.confirm(made.id)
    assert caught.value.code == "setup_intent_unexpected_state"


@pytest.mark.by_client("cancel_setup_intent")
def test_a_setup_may_fail_want_more_or_be_called_off(client: Any, acme: Any) -> None:
    intents = client.v1.setup_intents
    with pytest.raises(stripe.CardError) as caught:
        intents.create({"customer": acme.id, "payment_method": "pm_card_chargeDeclined", "confirm": True})
    assert caught.value.code == "card_declined"
    asked = {"customer": acme.id, "payment_method": "pm_card_authenticationRequired", "confirm": True}
    waiting = intents.create(asked)
    assert (waiting.status, waiting.next_action.type) == ("requires_action", "use_stripe_sdk")
    assert intents.cancel(waiting.id, {"cancellation_reason": "abandoned"}).status == "canceled"


@pytest.mark.by_client("create_promotion_code get_promotion_code update_promotion_code list_promotion_code")
def test_a_promotion_code_is_redeemed_as_often_as_it_may_be(client: Any, acme: Any) -> None:
    v1 = client.v1
    coupon = v1.coupons.create({"percent_off": 10, "duration": "once"})
    said = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING", "max_redemptions": 1}
    code = v1.promotion_codes.create(said)
    with pytest.raises(stripe.InvalidRequestError):
        v1.promotion_codes.create({**said, "code": "spring"})
    discounts = [{"promotion_code": code.id}]
    invoice = v1.invoices.create(
        {"customer": acme.id, "currency": "usd", "discounts": discounts, "expand": ["discounts"]}
    )
    assert invoice.discounts[0].promotion_code == code.id
    lines = [{"amount": 10000, "description": "Work"}]
    assert v1.invoices.add_lines(invoice.id, {"lines": lines}).total == 9000
    assert v1.promotion_codes.retrieve(code.id).times_redeemed == 1
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.invoices.create({"customer": acme.id, "discounts": discounts})
    assert caught.value.code == "promotion_code_expired"
    assert v1.promotion_codes.update(code.id, {"active": False}).active is False
    assert v1.promotion_codes.list({"code": "SPRING", "active": True}).data == []
    assert [each.id for each in v1.promotion_codes.list({"coupon": coupon.id})] == [code.id]


def test_an_endpoint_is_made_once_for_each_key_and_moves_no_clock(client: Any, stripe_face: Any) -> None:
    endpoints, now = client.v1.webhook_endpoints, stripe_face.call("GET", "/clock").json["now"]
    said = {"url": "http://127.0.0.1:1/hook", "enabled_events": ["invoice.paid"]}
    made = [endpoints.create(said, {"idempotency_key": "endpoint"}) for _ in range(2)]
    assert made[0].id == made[1].id
    assert made[0].secret == made[1].secret
    with pytest.raises(stripe.IdempotencyError):
        endpoints.create({**said, "description": "another"}, {"idempotency_key": "endpoint"})
    endpoints.delete(made[0].id)
    assert stripe_face.call("GET", "/clock").json["now"] == now


@pytest.mark.by_client("delete_customer_discount")
def test_a_discount_is_taken_from_a_customer(client: Any, acme: Any) -> None:
    assert client.v1.customers.delete_discount(acme.id).deleted is True
