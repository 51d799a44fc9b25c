"""CounterfoilContainer in somebody's test suite: addresses, credentials, vendors' faces, faults, and events that come to the tests' process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from counterfoil.client import Control, Refused
from counterfoil.descriptor import Unreadable

if TYPE_CHECKING:
    from counterfoil.containers import CounterfoilContainer

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
OUTAGE = {"kind": "status", "system": "erp", "operation": "list_customer", "status": 503, "every": 1}


@pytest.fixture
def counterfoil(at_hand: str) -> Iterator[CounterfoilContainer]:
    """A landscape whose billing speaks as Stripe does, and whose ERP does not show its customers."""
    from counterfoil.containers import CounterfoilContainer

    with CounterfoilContainer(at_hand, seed=7, billing="stripe", faults=[OUTAGE]) as running:
        yield running


@pytest.fixture
def heard() -> Iterator[tuple[int, Queue[Any]]]:
    """A port of the tests' own process that takes webhooks, and what came."""
    came: Queue[Any] = Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.put(orjson.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("0.0.0.0", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, came
    server.shutdown()
    server.server_close()


def test_a_suite_of_ones_own_has_a_landscape(counterfoil: CounterfoilContainer, heard: tuple[int, Queue[Any]]) -> None:
    import stripe

    told = counterfoil.landscape()
    assert (told["seed"], [each["name"] for each in told["systems"]]) == (7, ["crm", "psa", "erp", "billing"])
    billing = counterfoil.system("billing")
    client = stripe.StripeClient(billing["credentials"]["api_key"], base_addresses={"api": billing["url"]})
    assert client.v1.customers.list({"limit": 1}).data

    erp = counterfoil.system("erp")["native"]
    face = Control(erp["url"], erp["credentials"]["access_token"], trusted=False)
    with pytest.raises(Refused) as caught:
        face.get("/customers")
    assert caught.value.status == 503
    counterfoil.control.delete("/faults")
    assert face.get("/customers", limit=1)["items"]
    counterfoil.reset()
    with pytest.raises(Refused):
        face.get("/customers")

    port, came = heard
    counterfoil.subscribe("crm", f"http://host.docker.internal:{port}/hook", ["com.counterfoil.crm.account.created.v1"])
    made = counterfoil.control.post("/systems/crm/customers", {"name": "Suite Test Ltd", "country": "US"})
    event = came.get(timeout=30)
    assert event["type"] == "com.counterfoil.crm.account.created.v1"
    assert made["id"] in orjson.dumps(event).decode()
    assert counterfoil.settle()["settled"]

    within = counterfoil.landscape(within="counterfoil")
    assert within["systems"][0]["native"]["credentials"]["token_url"].startswith("http://counterfoil:8101/")
    assert within["control"]["url"] == "http://counterfoil:8100"


def test_a_fault_that_there_is_not_is_refused_and_nothing_stays(at_hand: str) -> None:
    from docker_engine import docker

    from counterfoil.containers import CounterfoilContainer

    before = docker("ps", "--all", "--quiet")
    with (
        pytest.raises(Unreadable, match="the fault plan cannot be taken"),
        CounterfoilContainer(at_hand, faults=[{"kind": "sabotage"}]),
    ):
        raise AssertionError("it must not start")
    assert docker("ps", "--all", "--quiet") == before


def test_a_vendor_that_there_is_not_is_refused_before_anything_starts(at_hand: str) -> None:
    from counterfoil.containers import CounterfoilContainer
    from counterfoil_mocks.config import Unusable

    with pytest.raises(Unusable, match="there is no vendor 'acme'"):
        CounterfoilContainer(at_hand, crm="acme")
