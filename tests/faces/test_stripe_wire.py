"""What no client library shows: raw forms, headers, refusals, faults and what becomes of them at the Stripe face."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ask(stripe_face: Any, billing: dict[str, Any]) -> Any:
    """One raw request; a body is a form."""

    def call(method: str, path: str, body: str | None = None, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {billing['credentials']['api_key']}", "Content-Type": FORM}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return stripe_face.call(method, path, None if body is None else body.encode(), sent, base=billing["url"])

    return call


@pytest.fixture
def broken(stripe_face: Any) -> Any:
    """Breaks something until the test is over."""

    def plan(**fault: Any) -> None:
        assert stripe_face.call("POST", "/faults", [{"system": "billing", **fault}]).status == 201

    yield plan
    stripe_face.call("DELETE", "/faults")


@pytest.mark.by_test("create_customer")
def test_forms_come_with_and_without_escapes_and_indexes(ask: Any) -> None:
    made = ask(
        "POST",
        "/v1/customers",
        "name=A%26B&metadata[a]=1&metadata%5Bb%5D=2&preferred_locales[]=de&preferred_locales[]=en",
    ).json
    assert (made["name"], made["metadata"], made["preferred_locales"]) == ("A&B", {"a": "1", "b": "2"}, ["de", "en"])
    swapped = ask("POST", "/v1/customers", "preferred_locales[1]=b&preferred_locales[0]=a").json
    assert swapped["preferred_locales"] == ["a", "b"]


def test_hashes_in_an_array_without_indexes_begin_anew_at_a_name_that_comes_again(ask: Any) -> None:
    owner = ask("POST", "/v1/customers", "name=Rack").json["id"]
    draft = ask("POST", "/v1/invoices", f"customer={owner}").json["id"]
    said = "lines[][amount]=100&lines[][description]=a&lines[][amount]=200&lines[][description]=b"
    lines = ask("POST", f"/v1/invoices/{draft}/add_lines", said).json["lines"]["data"]
    assert sorted((each["amount"], each["description"]) for each in lines) == [(100, "a"), (200, "b")]


def test_an_answer_is_pretty_and_names_its_request(ask: Any) -> None:
    reply = ask("GET", "/v1/customers")
    assert reply.raw.startswith(b'{\n  "object": "list"')
    assert reply.headers["request-id"].startswith("req_")
    assert reply.headers["stripe-version"] == "2026-10-28.endive"
    assert "stripe-notice" not in reply.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/v1/x", None, 404, {"type": "invalid_request_error"}),
        ("GET", "/v2/core/accounts", None, 404, {"type": "invalid_request_error"}),
        ("GET", "/v1/customers?limit=101", None, 400, {"code": "parameter_invalid_integer", "param": "limit"}),
        (
            "GET",
            "/v1/customers?starting_after=cus_x",
            None,
            400,
            {"code": "resource_missing", "param": "starting_after"},
        ),
        ("GET", "/v1/invoices/in_x", None, 404, {"code": "resource_missing", "param": "invoice"}),
        ("POST", "/v1/invoices/in_x/finalize", "", 404, {"code": "resource_missing", "param": "id"}),
        (
            "POST",
            "/v1/invoiceitems",
            "customer=cus_x&amount=1&currency=usd",
            400,
            {"code": "resource_missing", "param": "customer"},
        ),
        ("POST", "/v1/products", "name=", 400, {"code": "parameter_invalid_empty", "param": "name"}),
        ("POST", "/v1/prices", "product=prod_x", 400, {"code": "parameter_missing", "param": "currency"}),
        ("POST", "/v1/customers", "address[foo]=1", 400, {"code": "parameter_unknown", "param": "address[foo]"}),
    ],
)
def test_a_refusal_is_stripe_s_and_names_the_parameter(
    ask: Any, method: str, path: str, body: str | None, status: int, error: dict[str, str]
) -> None:
    reply = ask(method, path, body)
    assert reply.status == status
    said = reply.json["error"]
    assert {name: said.get(name) for name in error} == error
    assert "decline_code" not in said


def test_json_is_refused(ask: Any) -> None:
    assert ask("POST", "/v1/customers", '{"name":"x"}', Content_Type="application/json").status == 400


def test_a_refused_call_may_come_again_with_the_same_key(ask: Any) -> None:
    assert ask("POST", "/v1/customers", "nmae=A", Idempotency_Key="again").status == 400
    assert ask("POST", "/v1/customers", "name=A", Idempotency_Key="again").status == 200


def test_a_reply_that_is_lost_after_the_commit_is_replayed_by_its_key(ask: Any, broken: Any) -> None:
    broken(kind="commit_then_500", operation="create_customer", nth=1)
    first = ask("POST", "/v1/customers", "name=Lost&email=lost@acme.example", Idempotency_Key="lost-1")
    assert (first.status, first.json["error"]["type"]) == (500, "api_error")
    again = ask("POST", "/v1/customers", "name=Lost&email=lost@acme.example", Idempotency_Key="lost-1")
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    ask("POST", "/v1/customers", "name=Lost&email=lost@acme.example", Idempotency_Key="lost-2")
    assert len(ask("GET", "/v1/customers?email=lost@acme.example").json["data"]) == 2


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ({"kind": "rate_limit"}, 429, {"code": "rate_limit"}),
        ({"kind": "version_conflict"}, 429, {"code": "lock_timeout"}),
        ({"kind": "status", "status": 503}, 503, {"type": "api_error"}),
        ({"kind": "auth_expiry"}, 401, {"type": "invalid_request_error"}),
    ],
)
def test_an_injected_fault_comes_in_stripe_s_envelope(
    ask: Any, broken: Any, fault: dict[str, Any], status: int, error: dict[str, str]
) -> None:
    broken(operation="create_customer", **fault)
    reply = ask("POST", "/v1/customers", "name=A")
    assert reply.status == status
    assert {name: reply.json["error"].get(name) for name in error} == error


def test_a_key_in_use_is_refused_and_then_replays(ask: Any, broken: Any) -> None:
    broken(kind="latency", operation="create_customer", ms=400, nth=1)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(ask, "POST", "/v1/customers", "name=Twice", Idempotency_Key="twice") for _ in range(2)]
        replies = sorted((each.result() for each in both), key=lambda reply: int(reply.status))
    assert [each.status for each in replies] == [200, 409]
    assert replies[1].json["error"]["code"] == "idempotency_key_in_use"
    again = ask("POST", "/v1/customers", "name=Twice", Idempotency_Key="twice")
    assert (again.raw, again.headers["idempotent-replayed"]) == (replies[0].raw, "true")


def test_a_decline_is_replayed_as_well(ask: Any) -> None:
    owner = ask("POST", "/v1/customers", "name=Declined").json["id"]
    tries = [
        ask(
            "POST", "/v1/payment_methods/pm_card_chargeDeclined/attach", f"customer={owner}", Idempotency_Key="declined"
        )
        for _ in range(2)
    ]
    assert [each.status for each in tries] == [402, 402]
    assert tries[0].raw == tries[1].raw
    assert tries[1].headers["idempotent-replayed"] == "true"


def test_a_fault_is_addressed_by_operation_and_business_key(ask: Any, broken: Any) -> None:
    made = ask("POST", "/v1/customers", "name=Keyed&metadata[customer_no]=CU-77").json
    broken(kind="status", operation="update_customer", key="CU-77")
    assert ask("POST", f"/v1/customers/{made['id']}", "name=B").status == 503
    assert ask("POST", "/v1/customers", "name=C").status == 200


def test_a_lagging_search_finds_nothing_at_first(ask: Any, broken: Any) -> None:
    broken(kind="search_lag", operation="search_customer")
    ask("POST", "/v1/customers", "name=Laggard")
    path = "/v1/customers/search?query=name:'Laggard'"
    assert ask("GET", path).json["data"] == []
    assert len(ask("GET", path).json["data"]) == 1


def test_the_native_face_is_beside(stripe_face: Any) -> None:
    assert stripe_face.native("billing", "GET", "/customers").status == 200


def test_old_versions_read_the_names_that_have_gone(ask: Any) -> None:
    owner = ask("POST", "/v1/customers", "name=Old").json["id"]
    made = ask("POST", "/v1/invoices", f"customer={owner}").json
    assert "paid" not in made
    old = ask("GET", f"/v1/invoices/{made['id']}", Stripe_Version="2025-02-24.acacia").json
    assert (old["paid"], old["subscription"], old["tax"]) == (False, None, None)


def test_an_endpoint_of_an_old_version_hears_the_old_names(ask: Any, stripe_face: Any) -> None:
    receiver = stripe_face.listen("billing", subscribe=False)
    asked = f"url={receiver.url}&enabled_events[]=invoice.created&api_version=2024-06-20"
    made = ask("POST", "/v1/webhook_endpoints", asked).json
    owner = ask("POST", "/v1/customers", "name=Old").json["id"]
    ask("POST", "/v1/invoices", f"customer={owner}")
    stripe_face.settle()
    event = json.loads(receiver.heard[0].body)
    assert event["api_version"] == "2024-06-20"
    assert (event["data"]["object"]["paid"], event["data"]["object"]["subscription"]) == (False, None)
    ask("DELETE", f"/v1/webhook_endpoints/{made['id']}")


def test_a_failed_delivery_is_tried_again_by_stripe_s_schedule(ask: Any, stripe_face: Any) -> None:
    receiver = stripe_face.listen("billing", subscribe=False)
    receiver.answers = [500, 500]
    made = ask("POST", "/v1/webhook_endpoints", f"url={receiver.url}&enabled_events[]=customer.created").json
    ask("POST", "/v1/customers", "name=Again")
    stripe_face.settle()
    assert len(receiver.heard) == 3
    assert len({json.loads(each.body)["id"] for each in receiver.heard}) == 1
    ask("DELETE", f"/v1/webhook_endpoints/{made['id']}")


@pytest.mark.parametrize("name", ["billing.invoice.issued", "invoice.finalized"])
def test_a_fault_by_our_name_of_an_event_or_by_stripe_s_strikes(ask: Any, stripe_face: Any, name: str) -> None:
    receiver = stripe_face.listen("billing", subscribe=False)
    made = ask("POST", "/v1/webhook_endpoints", f"url={receiver.url}&enabled_events[]=invoice.finalized").json
    spec = {"kind": "duplicate", "system": "billing", "operation": name}
    assert stripe_face.call("POST", "/faults", [spec]).status == 201
    owner = ask("POST", "/v1/customers", "name=Twice").json["id"]
    invoice = ask("POST", "/v1/invoices", f"customer={owner}").json["id"]
    ask("POST", f"/v1/invoices/{invoice}/finalize", "")
    stripe_face.settle()
    assert [json.loads(each.body)["type"] for each in receiver.heard] == ["invoice.finalized"] * 2
    stripe_face.call("DELETE", "/faults")
    ask("DELETE", f"/v1/webhook_endpoints/{made['id']}")


@pytest.mark.parametrize("version", ["banana", "2025-13-01", "2025-02-24.ACACIA"])
def test_what_is_no_version_is_refused(ask: Any, version: str) -> None:
    reply = ask("GET", "/v1/customers", Stripe_Version=version)
    assert (reply.status, reply.headers["stripe-version"]) == (400, "2026-10-28.endive")
    endpoint = f"url=http://127.0.0.1:1&enabled_events[]=*&api_version={version}"
    assert ask("POST", "/v1/webhook_endpoints", endpoint).json["error"]["param"] == "api_version"
    assert ask("GET", "/v1/customers", Stripe_Version="2027-03-31.fuchsia; some_beta=v1").status == 200


def test_parameters_in_another_order_are_the_same_call(ask: Any) -> None:
    made = ask("POST", "/v1/customers", "name=A&metadata[a]=1", Idempotency_Key="order")
    again = ask("POST", "/v1/customers", "metadata[a]=1&name=A", Idempotency_Key="order")
    assert (again.json["id"], again.headers["idempotent-replayed"]) == (made.json["id"], "true")


def test_headers_of_a_delivery_are_written_as_stripe_writes_them(ask: Any, stripe_face: Any) -> None:
    heard: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.extend(self.headers.keys())
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        hearing = threading.Thread(target=server.handle_request)
        hearing.start()
        asked = f"url=http://127.0.0.1:{server.server_port}&enabled_events[]=customer.created"
        made = ask("POST", "/v1/webhook_endpoints", asked).json
        ask("POST", "/v1/customers", "name=Heard")
        hearing.join(timeout=10)
    assert {"Stripe-Signature", "User-Agent", "Content-Type"} <= set(heard)
    ask("DELETE", f"/v1/webhook_endpoints/{made['id']}")


def test_an_old_version_prices_an_item_and_a_phase_in_its_own_words(ask: Any) -> None:
    owner = ask("POST", "/v1/customers", "name=Old").json["id"]
    price = ask("POST", "/v1/prices", "currency=usd&unit_amount=700&product_data[name]=Hour").json["id"]
    named, told = f"customer={owner}&price={price}&quantity=2", f"customer={owner}&unit_amount=50&currency=usd"
    old = ask("POST", "/v1/invoiceitems", named, Stripe_Version="2024-06-20").json
    assert (old["amount"], old["price"]["id"], old["unit_amount"]) == (1400, price, 700)
    assert ask("POST", "/v1/invoiceitems", told, Stripe_Version="2024-06-20").json["amount"] == 50
    for today, param in ((named, "price"), (told, "unit_amount")):
        assert ask("POST", "/v1/invoiceitems", today).json["error"]["param"] == param
    monthly = "currency=usd&unit_amount=700&product_data[name]=Month&recurring[interval]=month"
    phase = f"phases[0][items][0][price]={ask('POST', '/v1/prices', monthly).json['id']}&phases[0][iterations]=2"
    said = f"customer={owner}&start_date=4102444800&{phase}"
    assert ask("POST", "/v1/subscription_schedules", said).json["error"]["param"] == "phases[0][iterations]"
    assert ask("POST", "/v1/subscription_schedules", said, Stripe_Version="2025-03-31.basil").status == 200
