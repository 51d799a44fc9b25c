"""Stripe's own Python client, unmodified, against the Stripe face."""

from __future__ import annotations

import json
from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


def test_a_customer_is_made_read_changed_and_deleted(client: Any) -> None:
    made = client.v1.customers.create(
        {
            "name": "Acme",
            "email": "ap@acme.example",
            "address": {"city": "Lyon", "country": "FR"},
            "metadata": {"crm_account": "001A", "x": "1"},
        }
    )
    assert made.id.startswith("cus_")
    assert len(made.id) == 18
    assert made.address.to_dict() == {
        "city": "Lyon", "country": "FR", "line1": None, "line2": None, "postal_code": None, "state": None,
    }  # fmt: skip
    changed = client.v1.customers.update(
        made.id, {"metadata": {"x": "", "po": "4711"}, "address": {"line1": "1 rue X"}}
    )
    assert changed.metadata.to_dict() == {"crm_account": "001A", "po": "4711"}
    assert changed.address.city == "Lyon"
    assert client.v1.customers.retrieve(made.id).address.line1 == "1 rue X"
    assert client.v1.customers.delete(made.id).deleted is True
    assert client.v1.customers.retrieve(made.id).deleted is True


def test_a_customer_is_the_business_customer_with_its_metadata_as_custom_fields(client: Any, stripe_face: Any) -> None:
    made = client.v1.customers.create({"name": "Globex", "tax_exempt": "reverse", "metadata": {"crm_account": "001B"}})
    record = stripe_face.call("GET", f"/systems/billing/customers/{made.id}").json
    assert (record["name"], record["tax_status"]) == ("Globex", "REVERSE_CHARGE_ELIGIBLE")
    assert record["custom"]["crm_account"] == "001B"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"nmae": "Acme"}, "parameter_unknown", "nmae"),
        ({"balance": "many"}, "parameter_invalid_integer", "balance"),
    ],
)
def test_a_wrong_parameter_is_named(client: Any, params: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.create(params)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_an_unknown_customer_is_missing(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.retrieve("cus_x")
    assert caught.value.http_status == 404
    assert caught.value.user_message == "No such customer: 'cus_x'"


def test_a_wrong_key_is_refused(billing: dict[str, Any]) -> None:
    stranger = stripe.StripeClient("sk_test_wrongwrongwrong", base_addresses={"api": billing["url"]})
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided: sk_test_"):
        stranger.v1.customers.list()


def test_the_same_idempotency_key_gives_the_same_answer(client: Any) -> None:
    first = client.v1.customers.create({"name": "Once"}, {"idempotency_key": "k-1"})
    again = client.v1.customers.create({"name": "Once"}, {"idempotency_key": "k-1"})
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "Twice"}, {"idempotency_key": "k-1"})


def test_auto_paging_sees_every_customer_once(client: Any) -> None:
    made = [client.v1.customers.create({"email": "page@acme.example", "name": f"C{number}"}).id for number in range(7)]
    seen = [each.id for each in client.v1.customers.list({"email": "page@acme.example", "limit": 3}).auto_paging_iter()]
    assert seen == made[::-1]


def test_a_signed_event_is_delivered_to_an_endpoint(client: Any, stripe_face: Any) -> None:
    receiver = stripe_face.listen("billing", subscribe=False)
    endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.updated"]})
    made = client.v1.customers.create({"name": "Hooli", "metadata": {"po": "1"}})
    client.v1.customers.update(made.id, {"name": "Hooli Inc", "metadata": {"po": "2"}})
    stripe_face.settle()
    (heard,) = receiver.heard
    event = client.construct_event(heard.body, heard.headers["stripe-signature"], endpoint.secret)
    assert event.type == "customer.updated"
    assert event.data.object.id == made.id
    assert json.loads(heard.body)["data"]["previous_attributes"] == {"name": "Hooli", "metadata": {"po": "1"}}
    assert client.v1.events.retrieve(event.id).data.object.name == "Hooli Inc"
    client.v1.webhook_endpoints.delete(endpoint.id)
