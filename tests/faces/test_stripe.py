"""Stripe's own Python client, unmodified, against the Stripe face."""

from __future__ import annotations

import json
from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


@pytest.mark.by_client("create_customer get_customer update_customer delete_customer")
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


@pytest.mark.by_client("list_customer")
def test_auto_paging_sees_every_customer_once(client: Any) -> None:
    made = [client.v1.customers.create({"email": "page@acme.example", "name": f"C{number}"}).id for number in range(7)]
    seen = [each.id for each in client.v1.customers.list({"email": "page@acme.example", "limit": 3}).auto_paging_iter()]
    assert seen == made[::-1]


@pytest.mark.by_client("create_webhook delete_webhook get_event")
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


@pytest.mark.by_client("list_webhook get_webhook update_webhook list_event")
def test_an_endpoint_is_listed_changed_and_switched_off(client: Any, stripe_face: Any) -> None:
    receiver = stripe_face.listen("billing", subscribe=False)
    made = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    assert made.secret.startswith("whsec_")
    assert client.v1.webhook_endpoints.retrieve(made.id).to_dict().get("secret") is None
    changed = client.v1.webhook_endpoints.update(made.id, {"disabled": True, "description": "off"})
    assert (changed.status, changed.description) == ("disabled", "off")
    assert made.id in [each.id for each in client.v1.webhook_endpoints.list()]
    client.v1.customers.create({"name": "Unheard"})
    stripe_face.settle()
    assert receiver.heard == []
    newest = client.v1.events.list({"type": "customer.created", "limit": 1}).data[0]
    assert newest.data.object.name == "Unheard"
    client.v1.webhook_endpoints.delete(made.id)


@pytest.mark.by_client("create_tax_id list_tax_id get_tax_id delete_tax_id")
def test_a_customer_has_tax_ids_and_the_business_knows_the_first(client: Any, stripe_face: Any) -> None:
    owner = client.v1.customers.create({"name": "Acme", "tax_id_data": [{"type": "eu_vat", "value": "FR12345678901"}]})
    more = client.v1.customers.tax_ids.create(owner.id, {"type": "gb_vat", "value": "GB2"})
    assert client.v1.customers.tax_ids.retrieve(owner.id, more.id).owner.customer == owner.id
    assert [each.value for each in client.v1.customers.tax_ids.list(owner.id)] == ["GB2", "FR12345678901"]
    assert client.v1.customers.tax_ids.delete(owner.id, more.id).deleted is True
    assert stripe_face.call("GET", f"/systems/billing/customers/{owner.id}").json["vat_id"] == "FR12345678901"
    (left,) = client.v1.customers.tax_ids.list(owner.id)
    client.v1.customers.tax_ids.delete(owner.id, left.id)
    assert stripe_face.call("GET", f"/systems/billing/customers/{owner.id}").json["vat_id"] is None
    assert client.v1.customers.retrieve(owner.id).metadata.to_dict() == {}


@pytest.mark.by_client(
    "create_customer_balance_transaction list_customer_balance_transaction get_customer_balance_transaction",
    "update_customer_balance_transaction",
)
def test_a_balance_moves_by_immutable_transactions(client: Any) -> None:
    owner = client.v1.customers.create({"name": "Acme"})
    moved = client.v1.customers.balance_transactions.create(owner.id, {"amount": -500, "currency": "usd"})
    assert (moved.type, moved.ending_balance) == ("adjustment", -500)
    client.v1.customers.balance_transactions.update(owner.id, moved.id, {"description": "Goodwill"})
    assert client.v1.customers.balance_transactions.retrieve(owner.id, moved.id).description == "Goodwill"
    assert [each.id for each in client.v1.customers.balance_transactions.list(owner.id)] == [moved.id]
    assert client.v1.customers.retrieve(owner.id).balance == -500


@pytest.mark.by_client("search_customer")
def test_a_search_joins_clauses_by_and_or_by_or(client: Any) -> None:
    made = client.v1.customers.create({"name": "Searched", "email": "s@acme.example", "metadata": {"po": "it's"}})
    find = client.v1.customers.search
    assert [each.id for each in find({"query": "metadata['po']:'it\\'s' AND email:'s@acme.example'"})] == [made.id]
    assert made.id in [each.id for each in find({"query": "name:'nobody' OR email~'s@acme'"})]
    assert made.id not in [each.id for each in find({"query": "-name:'Searched'"})]
    with pytest.raises(stripe.InvalidRequestError):
        find({"query": "name:'a' AND name:'b' OR name:'c'"})


def test_an_expansion_replaces_ids_and_knows_its_limits(client: Any) -> None:
    owner = client.v1.customers.create({"name": "Acme"})
    client.v1.invoices.create({"customer": owner.id})
    found = client.v1.invoices.list({"customer": owner.id, "expand": ["data.customer"]}).data[0]
    assert found.customer.name == "Acme"
    with pytest.raises(stripe.InvalidRequestError, match=r"This property cannot be expanded \(nonsense\)."):
        client.v1.invoices.retrieve(found.id, {"expand": ["nonsense"]})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.list({"expand": ["data.a.b.c.d"]})
    assert caught.value.code == "property_expansion_max_depth"


def test_an_endpoint_of_the_landscape_file_is_signed_with_the_published_secret(stripe_face: Any, launch: Any) -> None:
    receiver = stripe_face.listen("billing", subscribe=False)
    hooks = [{"url": receiver.url, "types": ["customer.created"]}]
    other = launch(systems={"billing": {"vendor": "stripe", "webhooks": hooks}})
    (system,) = other.call("GET", "/landscape").json["systems"]
    key, secret = system["credentials"]["api_key"], system["credentials"]["webhook_secret"]
    stripe.StripeClient(key, base_addresses={"api": system["url"]}).v1.customers.create({"name": "Heard"})
    other.settle()
    (heard,) = receiver.heard
    assert (
        stripe.Webhook.construct_event(heard.body, heard.headers["stripe-signature"], secret).data.object.name
        == "Heard"
    )


def test_a_search_asks_for_the_time_of_creation(client: Any) -> None:
    made = client.v1.customers.create({"name": "Timely Ltd"})
    at = made.created
    for moment, found in ((f">{at - 1}", [made.id]), (f"<={at}", [made.id]), (f":{at}", [made.id]), (f">{at}", [])):
        query = f"name:'Timely Ltd' AND created{moment}"
        assert [each.id for each in client.v1.customers.search({"query": query})] == found, moment
