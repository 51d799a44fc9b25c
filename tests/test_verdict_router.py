"""`GET /invariants` and `GET /kpis` over a landscape."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import orjson
import pytest
from fastapi import FastAPI

from counterfoil import verdict
from counterfoil.invariant import catalogue
from counterfoil_mocks.kernel.clock import Clock

if TYPE_CHECKING:
    from tests.conftest import Books

NOW = "2026-04-10T12:00:00.000Z"


@pytest.fixture
def landscape(books: Books) -> Any:
    """A landscape with a receivable that nobody issued, and what its integration says of itself."""
    books.put(
        "erp.ar_document", invoice_no="INV-1", doc_type="INVOICE", status="POSTED", ccy="USD", net=100, tax=0, total=100
    )
    world = SimpleNamespace(clock=Clock(NOW))
    about = {"name": "acme", "declares": ["polling"], "links": None, "deadlines": None}
    return SimpleNamespace(store=books.store, world=world, integration=about, integration_events=[])


class Answer(NamedTuple):
    """What came back."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return orjson.loads(self.body)


class Client:
    """Asks an application without a port between; the ports are the control plane's own tests' business."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(self, path: str, params: dict[str, Any] | None = None) -> Answer:
        """One GET."""
        query = urlencode(params or {}).encode()
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query}
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app({**scope, "headers": [], "http_version": "1.1", "scheme": "http"}, receive, send))
        return Answer(sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]))


@pytest.fixture
def client(landscape: Any) -> Client:
    """An application with nothing but the verdict."""
    app = FastAPI()
    app.include_router(verdict.router(landscape))
    return Client(app)


def test_the_verdict_lists_every_invariant_by_name(client: Client) -> None:
    answer = client.get("/invariants").json()
    assert (answer["now"], answer["verdict"]) == (NOW, "violated")
    assert [each["id"] for each in answer["items"]] == list(catalogue())
    by_id = {each["id"]: each for each in answer["items"]}
    assert by_id["INV-24"]["rows"][0]["invoice_no"] == "INV-1"
    assert by_id["INV-24"]["at_stake"] == [{"minor": 100, "ccy": "USD"}]
    assert (by_id["INV-44"]["status"], by_id["INV-44"]["missing"]) == ("not_applicable", ["dead_letters"])


def test_what_applies_may_be_said_in_the_question(client: Client) -> None:
    answer = client.get(
        "/invariants", params={"only": "INV-44,INV-45,INV-99", "applicable": "trace,dead_letters"}
    ).json()
    assert [each["status"] for each in answer["items"]] == ["held", "held"]
    assert answer["unknown"] == ["INV-99"]


def test_a_seeded_fault_has_no_first_cause(client: Client) -> None:
    [item] = client.get("/invariants", params={"only": "INV-24", "first_cause": True}).json()["items"]
    assert item["first_cause"] is None


def test_a_link_or_deadline_that_makes_no_sense_is_refused(client: Client, landscape: Any) -> None:
    landscape.integration["links"] = {"erp.customer": "no such thing"}
    assert client.get("/invariants").status_code == 422
    landscape.integration |= {"links": None, "deadlines": {"DL-Z": 5}}
    assert client.get("/invariants").status_code == 422


def test_the_figures_come_with_their_inputs(client: Client) -> None:
    answer = client.get("/kpis", params={"only": "wip_aging"}).json()
    assert [each["id"] for each in answer["items"]] == ["wip_aging"]
    assert answer["items"][0]["value"] == 0
    assert "by_age" in answer["items"][0]["inputs"]


def test_a_figure_that_lacks_a_rate_says_so(client: Client, books: Books) -> None:
    for ccy in ("USD", "EUR"):
        books.put(
            "billing.billable_item", source_id=ccy, billing="UNBILLED", ccy=ccy, amount=100, work_date="2026-04-01"
        )
    [figure] = client.get("/kpis", params={"only": "wip_aging"}).json()["items"]
    assert figure["value"] is None
    assert "EUR" in figure["inputs"]["missing"]
