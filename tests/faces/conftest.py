"""Vendors' faces on real ports, and the vendors' own clients pointed at them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import PROCESSES

from counterfoil_mocks.kernel.face import Face, Request
from counterfoil_mocks.kernel.operations import Answer, Operation

DONE: list[tuple[str, bool]] = []
"""Operations that faces have done, in their order, and whether a client library called: whoever is not the tests themselves."""
OWN_CALLS = "counterfoil-tests"


@pytest.fixture(scope="session", autouse=True)
def written_down() -> Iterator[None]:
    """Have every vendor's face note what it answers."""
    answer = Face.answer

    def noted(self: Face, request: Request, operation: Operation) -> Answer:
        given = answer(self, request, operation)
        if given.status < 400:
            about = operation.about if isinstance(operation.about, dict) else {}
            for name in {
                operation.name,
                about.get("query", operation.name),
            }:  # a query is also the list that it asks for
                DONE.append((name, request.header(b"user-agent") != OWN_CALLS))
        return given

    Face.answer = noted  # type: ignore[method-assign]
    yield
    Face.answer = answer  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def witness(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check what a test claims to cover: each operation was done in it, and for a client library where the marker is `by_client`. What is
    done in other processes is not seen."""
    start = len(DONE)
    yield
    for marker in ("by_client", "by_test"):
        claimed = {name for mark in request.node.iter_markers(marker) for text in mark.args for name in text.split()}
        done = {name for name, by_client in DONE[start:] if by_client or marker == "by_test"}
        assert claimed <= done or PROCESSES > 1, f"claimed {marker}, but not called: {sorted(claimed - done)}"


@pytest.fixture(scope="module")
def stripe_face(launch_shared: Any) -> Any:
    """A landscape whose billing engine speaks as Stripe, without a firm."""
    return launch_shared(systems={"crm": {}, "psa": {}, "erp": {}, "billing": {"vendor": "stripe"}})


@pytest.fixture(scope="module")
def billing(stripe_face: Any) -> dict[str, Any]:
    """What the landscape says of it."""
    found = stripe_face.call("GET", "/landscape").json["systems"]
    return next(each for each in found if each["name"] == "billing")


@pytest.fixture(scope="module")
def client(billing: dict[str, Any]) -> Any:
    """Stripe's own client."""
    stripe = pytest.importorskip("stripe")
    url = billing["url"]
    addresses = {"api": url, "files": url, "connect": url, "meter_events": url}
    return stripe.StripeClient(billing["credentials"]["api_key"], base_addresses=addresses, max_network_retries=0)


@pytest.fixture(scope="module")
def retainer(client: Any) -> Any:
    """A price of Stripe's: 100 dollars a month."""
    recurring = {"recurring": {"interval": "month"}, "product_data": {"name": "Retainer"}}
    return client.v1.prices.create({"currency": "usd", "unit_amount": 10000, **recurring})


@pytest.fixture
def clock(client: Any) -> Any:
    """A clock of Stripe's that stands on 1 February."""
    from stripe_clock import FEBRUARY

    return client.v1.test_helpers.test_clocks.create({"frozen_time": FEBRUARY, "name": "Acme"})


@pytest.fixture
def owner(client: Any, clock: Any) -> Any:
    """A customer of that clock whose card works."""
    from stripe_clock import payer

    return payer(client, test_clock=clock.id)


@pytest.fixture(scope="module")
def netsuite_face(launch_shared: Any) -> Any:
    """A landscape whose books speak as NetSuite, with one company that can post."""
    from netsuite_account import account

    return account(launch_shared)


@pytest.fixture(scope="module")
def books(netsuite_face: Any) -> dict[str, Any]:
    """What the landscape says of the books."""
    found = netsuite_face.call("GET", "/landscape").json["systems"]
    return next(each for each in found if each["name"] == "erp")


@pytest.fixture(scope="module")
def ns(books: dict[str, Any]) -> Any:
    """A client whose calls are signed independently of us."""
    from netsuite_account import Client

    return Client(books["url"], books["credentials"])


@pytest.fixture
def debtor(ns: Any) -> str:
    """A new customer's id."""
    name = f"Acme {time.monotonic_ns()}"
    return str(ns.made("/customer", {"companyName": name, "subsidiary": {"id": ns.first("/subsidiary")}}))
