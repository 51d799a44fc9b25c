"""Vendors' faces on real ports, and the vendors' own clients pointed at them."""

from __future__ import annotations

from typing import Any

import pytest


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
