"""What the reference integration relies on in each system, told by its own connector and its own reader of events.

The pacts lie in `contracts/pacts`; `make contracts` writes them anew (`COUNTERFOIL_PACTS=write`), otherwise they must be the same.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

os.environ["PACT_DO_NOT_TRACK"] = "true"
pact = pytest.importorskip("pact", reason="needs the extra `contracts`")

from counterfoil.contracting import verify  # noqa: E402
from counterfoil.reference.config import SystemSettings  # noqa: E402
from counterfoil.reference.connectors import Trail  # noqa: E402
from counterfoil.reference.connectors.native import NativeConnector  # noqa: E402
from counterfoil.reference.event import from_envelope  # noqa: E402
from counterfoil.stories import shipped  # noqa: E402

HOME = shipped("contracts") / "pacts"
SYSTEMS = ("crm", "psa", "erp", "billing")
NUMBER = "CU-900001"
NEW = "CU-900002"
TRAIL = Trail(flow="CT-9001", key="effect-1")
match = pact.match
Work = Callable[[NativeConnector], Awaitable[Any]]


def told(system: str) -> Any:
    return pact.Pact("reference", system).with_metadata("counterfoil", {"consumerVersion": "1"})


def customer(system: str) -> dict[str, Any]:
    return {
        "id": match.like(f"{system}-1"),
        "key": NUMBER,
        "version": match.integer(1),
        "customer_no": NUMBER,
        "name": match.like("Alder Works Ltd"),
        "country": match.regex("GB", regex=r"^[A-Z]{2}$"),
        "updated_at": match.regex("2026-01-05T15:00:00.001Z", regex=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"),
    }


def asked(description: str, state: str, method: str, path: str, **params: str) -> Any:
    """The beginning of an interaction; a function of the pact."""

    def begin(of: Any) -> Any:
        made = (
            of.upon_receiving(description).given(state, params)
            if params
            else of.upon_receiving(description).given(state)
        )
        return made.with_request(method, f"/native/v1{path}")

    return begin


def reading(system: str) -> tuple[Any, Work, Any]:
    def describe(of: Any) -> None:
        begin = asked(
            "a customer by its number",
            "a customer exists",
            "GET",
            f"/customers/{NUMBER}",
            system=system,
            customer_no=NUMBER,
        )
        begin(of).will_respond_with(200).with_body(customer(system), "application/json")

    return describe, lambda connector: connector.get("customer", NUMBER), lambda found: found["customer_no"] == NUMBER


def missing(system: str) -> tuple[Any, Work, Any]:
    def describe(of: Any) -> None:
        begin = asked("a customer that is not there", "no such customer exists", "GET", f"/customers/{NEW}")
        begin(of).will_respond_with(404).with_body(
            {"code": "NOT_FOUND", "detail": match.like("…")}, "application/problem+json"
        )

    return describe, lambda connector: connector.get("customer", NEW), lambda found: found is None


def making(system: str) -> tuple[Any, Work, Any]:
    values = {"customer_no": NEW, "name": "Birch & Sons", "country": "GB"}

    def describe(of: Any) -> None:
        begin = asked("a new customer", "no such customer exists", "POST", "/customers")
        made = begin(of).with_body(values, "application/json").with_header("X-Correlation-Id", "CT-9001")
        if system in ("erp", "billing"):
            made = made.with_header("Idempotency-Key", "effect-1")
        shown = {"id": match.like("x-1"), "key": NEW, "version": match.integer(1), "correlation_id": "CT-9001"}
        made.will_respond_with(201).with_body(shown, "application/json")

    return (
        describe,
        lambda connector: connector.create("customer", values, TRAIL, None),
        lambda made: made["key"] == NEW,
    )


def changing(system: str) -> tuple[Any, Work, Any]:
    def describe(of: Any) -> None:
        begin = asked(
            "a customer's new name",
            "a customer exists",
            "PATCH",
            f"/customers/{NUMBER}",
            system=system,
            customer_no=NUMBER,
        )
        made = begin(of).with_body({"name": "Alder Works plc"}, "application/json")
        if system in ("erp", "billing"):
            made = made.with_header("If-Match", '"1"')
        shown = {"id": match.like("x-1"), "version": match.integer(2), "name": "Alder Works plc"}
        made.will_respond_with(200).with_body(shown, "application/json")

    record = {"id": NUMBER, "version": 1}
    work: Work = lambda connector: connector.patch("customer", record, {"name": "Alder Works plc"}, Trail())  # noqa: E731
    return describe, work, lambda changed: changed["name"] == "Alder Works plc"


def listing(system: str) -> tuple[Any, Work, Any]:
    def describe(of: Any) -> None:
        begin = asked(
            "customers by country", "a customer exists", "GET", "/customers", system=system, customer_no=NUMBER
        )
        made = begin(of).with_query_parameters({"customer_no": NUMBER})
        one = {"id": match.like("x-1"), "key": NUMBER, "updated_at": match.like("2026-01-05T15:00:00.001Z")}
        made.will_respond_with(200).with_body({"items": [one], "next": None}, "application/json")

    return (
        describe,
        lambda connector: connector.list("customer", {"customer_no": NUMBER}),
        lambda found: len(found) == 1,
    )


INTERACTIONS = (reading, missing, making, changing, listing)

EVENTS: dict[str, tuple[str, dict[str, str], str, dict[str, Any]]] = {
    "crm": (
        "a customer exists",
        {"system": "crm", "customer_no": NUMBER},
        "crm.account.created",
        {"customer_no": NUMBER},
    ),
    "psa": (
        "a project is created",
        {"project_no": "CT-9001-P01"},
        "psa.project.created",
        {"project_no": "CT-9001-P01"},
    ),
    "erp": ("a tax code is created", {"code": "TX-NEW"}, "erp.tax_code.changed", {"code": "TX-NEW"}),
    "billing": (
        "a billing plan is created",
        {"contract_no": "CT-9001"},
        "billing.plan.created",
        {"contract_no": "CT-9001"},
    ),
}


async def working(url: str, system: str, work: Work) -> Any:
    async with aiohttp.ClientSession() as session:
        return await work(NativeConnector(SystemSettings(system, url, token="secret-of-the-test"), session))


def announce(of: Any, system: str) -> None:
    """An event, as the integration's own reader takes it."""
    state, params, type_, fields = EVENTS[system]
    full = f"com.counterfoil.{type_}.v1"
    envelope = {
        "specversion": "1.0",
        "id": match.like("01KE7E600R0NQ9T6WTV27V2QTR"),
        "source": match.regex(f"//cf-{system}", regex="^//cf-.*$"),
        "type": full,
        "time": match.regex("2026-01-05T15:00:00.001Z", regex=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"),
        "businesskey": match.like("CU-900001"),
        "entityversion": match.regex("1", regex=r"^\d+$"),
        "data": {"after": {"id": match.like("x-1"), "version": match.integer(1), **fields}},
    }
    made = of.upon_receiving(f"the event {type_}", "Async").given(state, {**params, "event": full})
    made.with_body(envelope, "application/cloudevents+json")

    def read(body: Any, metadata: Any) -> None:
        event = from_envelope(system, orjson.loads(str(body)))
        assert event.type == type_
        assert event.version == 1
        assert event.record.items() >= fields.items()

    of.verify(read, "Async")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_reference_relies_on_what_its_pact_says(system: str, tmp_path: Path) -> None:
    for interaction in INTERACTIONS:
        describe, work, good = interaction(system)
        of = told(system)
        describe(of)
        with of.serve() as server:
            assert good(asyncio.run(working(str(server.url).rstrip("/"), system, work)))
        of.write_file(tmp_path)
    of = told(system)
    announce(of, system)
    of.write_file(tmp_path)
    made = tmp_path / f"reference-{system}.json"
    content = orjson.loads(made.read_bytes())
    assert len(content["interactions"]) == len(INTERACTIONS) + 1
    content["metadata"].pop("pactRust", None)
    assert "secret-of-the-test" not in made.read_text("utf-8")
    wanted = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    place = HOME / made.name
    if os.environ.get("COUNTERFOIL_PACTS") == "write":
        HOME.mkdir(exist_ok=True)
        place.write_bytes(wanted)
    assert place.read_bytes() == wanted, (
        "the pact differs from its file: `make contracts`, read the difference, commit it"
    )


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_keeps_the_pact(system: str, landscape: Any) -> None:
    (found,) = verify.read([HOME / f"reference-{system}.json"])
    result = verify.verify(found, landscape=(landscape, landscape.get("/landscape")))
    broken = [each for each in result["interactions"] if not each["held"]]
    assert result["success"], (broken, result["unreached"])
