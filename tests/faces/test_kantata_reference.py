"""The reference's connector of Kantata: what it says to Kantata, and what stays with the native face."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from connected import ask

from counterfoil.reference.connectors import Trail
from counterfoil.reference.connectors.kantata import Connector
from counterfoil.reference.connectors.kantata_objects import THINGS
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.errors import Refused

APART = ("created_at", "updated_at")
"""Kantata tells moments to the second."""
Story = Callable[[Connector], Awaitable[Any]]


@pytest.fixture
def landscape(launch: Any) -> Any:
    """A landscape whose PSA speaks as Kantata, without a firm."""
    return launch(systems={"crm": {}, "psa": {"vendor": "kantata"}, "erp": {}, "billing": {}})


@pytest.fixture
def tell(landscape: Any) -> Callable[[Story], Any]:
    """Have a story told to a connector."""
    return lambda story: ask(landscape, "psa", lambda connector, _: story(connector))


@pytest.fixture(scope="module")
def firm(launch_shared: Any) -> Any:
    """A firm whose PSA speaks as Kantata."""
    return launch_shared(systems={"crm": {}, "psa": {"vendor": "kantata"}, "erp": {}, "billing": {}}, size="S")


@pytest.mark.parametrize("entity", THINGS)
def test_what_is_read_of_kantata_is_what_the_native_face_says(firm: Any, entity: str) -> None:
    async def both(kantata: Connector, native: NativeConnector) -> tuple[Any, ...]:
        first = (await anext(native.pages(entity, {})))[0]
        where = {"project": first["project"]} if "project" in first else {}
        read = await kantata.list(entity, where)
        by_key = [await kantata.get(entity, each["key"]) for each in read[:2]]
        return read, {each["id"]: each for each in await native.list(entity, where)}, by_key

    read, own, by_key = ask(firm, "psa", both)
    assert {each["id"] for each in read} == set(own) != set()
    for each in read:
        shared = {name: own[each["id"]][name] for name in each.keys() & own[each["id"]].keys() - {*APART}}
        assert {name: each[name] for name in shared} == shared
    assert by_key == read[:2]


def asked(landscape: Any) -> list[str]:
    """Paths of the calls to the PSA."""
    items = landscape.call("GET", "/journal?system=psa&limit=200").json["items"]
    return [each["path"] for each in items if each["kind"] == "request"]


async def project(connector: Connector) -> Any:
    """A customer with a project."""
    name = "A customer whose name is much longer than eighty characters, so that it has to be cut somewhere"
    customer = {"customer_no": "CU-1", "name": name[:77], "name_full": name, "country": "FR", "po_required": True}
    made = await connector.create("customer", customer, Trail(key="c"), None)
    assert (made["name_full"], made["po_required"], made["terms"]) == (name, True, "NET30")
    values = {
        "project_no": "CT-1-P01",
        "contract_no": "CT-1",
        "customer": made["id"],
        "name": "Rollout",
        "legal_entity": "CF-US",
        "ccy": "USD",
        "budget_fee": {"minor": 5_000_050, "ccy": "USD"},
        "budget_cost": {"minor": 7, "ccy": "USD"},
        "lines": [{"line_no": 1, "type": "TM"}],
        "start": "2026-01-05",
    }
    return await connector.create("project", values, Trail(key="p"), None)


def test_what_is_written_by_kantata_s_api_is_what_the_business_holds(landscape: Any, tell: Any) -> None:
    async def story(connector: Connector) -> Any:
        made = await project(connector)
        await connector.act("activate_project", {"key": "CT-1-P01"}, {}, Trail())
        stones = [
            {"project": "CT-1-P01", "ms_code": "M1", "name": "Go-live", "amount": {"minor": 100, "ccy": "USD"}},
            {"project": "CT-1-P01", "ms_code": "M2", "name": "No price", "planned": "2026-03-01"},
        ]
        await connector.create_all("milestone", stones, Trail(key="m"), None)
        return made, await connector.get("project", "CT-1-P01"), await connector.get("milestone", "CT-1/M1")

    made, read, stone = tell(story)
    record = landscape.call("GET", f"/systems/psa/projects/{made['id']}").json
    for name, value in read.items():
        if name in record and name not in ("created_at", "updated_at", "lines"):
            assert record[name] == value, name
    assert read["status"] == "ACTIVE"
    assert [each["type"] for each in record["lines"]] == [each["type"] for each in read["lines"]] == ["TM"]
    assert (stone["amount"], stone["status"], stone["key"]) == ({"minor": 100, "ccy": "USD"}, "PLANNED", "CT-1/M1")
    assert not [path for path in asked(landscape) if "/native/" in path and "/oauth/" not in path]


def test_a_second_record_of_the_same_key_is_a_duplicate(tell: Any) -> None:
    async def story(connector: Connector) -> Any:
        await project(connector)
        task = {"project": "CT-1-P01", "task_code": "T-1", "name": "Build"}
        await connector.create_all("task", [task, {**task, "task_code": "T-2"}], Trail(), None)
        made = await connector.list("task", {"project_no": "CT-1-P01"})
        assert [each["task_code"] for each in made] == ["T-1", "T-2"]
        with pytest.raises(Refused) as refused:
            await connector.create("task", task, Trail(), None)
        return refused.value

    refused = tell(story)
    assert (refused.status, refused.code) == (409, "DUPLICATE_KEY")


def test_a_limit_that_does_not_say_when_to_come_again_is_waited_for(landscape: Any, tell: Any) -> None:
    async def story(connector: Connector) -> Any:
        made = await project(connector)
        await connector.get("project", "CT-1-P01")  # custom fields are known by now
        landscape.call("PUT", "/limits", {"psa": {"rate": 20}})
        found = await asyncio.gather(*(connector.get("project", "CT-1-P01") for _ in range(12)))
        landscape.call("PUT", "/limits", {})
        return {each["id"] for each in found if each} == {made["id"]}

    assert tell(story)
    items = landscape.call("GET", "/journal?system=psa&limit=200").json["items"]
    assert 429 in {each["status"] for each in items if each["kind"] == "request"}


async def approved_time(connector: Connector, project_id: str, count: int) -> list[Any]:
    """Approved time of the token's user on a project."""
    say, user = connector.kantata.say, connector.settings.credentials["user_id"]
    found = await say("GET", f"participations?workspace_id={project_id}&user_id={user}", None, Trail())
    seat = {"participation": {"rate_in_cents": 12000}}
    await say("PUT", f"participations/{found['results'][0]['id']}", seat, Trail())
    booked = {"workspace_id": project_id, "date_performed": "2026-01-06", "time_in_minutes": 60}
    made = [(await say("POST", "time_entries", {"time_entry": booked}, Trail()))["results"][0] for _ in range(count)]
    sheet = {"workspace_id": project_id, "line_item_ids": [each["id"] for each in made], "title": "Week"}
    handed = await say("POST", "timesheet_submissions", {"timesheet_submission": sheet}, Trail())
    await say("PUT", f"timesheet_submissions/{handed['results'][0]['id']}/approve", {}, Trail())
    return await connector.list("time_entry", {"project": project_id})


@pytest.mark.by_test("mark_billed release_billed")
def test_time_is_billed_and_freed_by_kantata_s_invoices(landscape: Any, tell: Any) -> None:
    async def story(connector: Connector) -> Any:
        made = await project(connector)
        await connector.act("activate_project", {"key": "CT-1-P01"}, {}, Trail())
        time = await approved_time(connector, made["id"], 3)
        keys = [each["key"] for each in time]
        assert {each["amount"]["minor"] for each in time} == {12000}
        items = [{"source_type": "TIME", "source_id": key, "invoice_line": "INV-1/2"} for key in keys]
        subject = {"key": "CT-1-P01"}
        for _ in range(2):  # saying it again changes nothing
            await connector.act("mark_billed", subject, {"items": items}, Trail())
        billed = [(each["billing"], each["invoice_line"]) for each in await connector.list("time_entry", {})]
        other = [{**items[0], "invoice_line": "INV-2/1"}]
        with pytest.raises(Refused) as refused:
            await connector.act("mark_billed", subject, {"items": other}, Trail())
        await connector.act("release_billed", subject, {"items": items[:1]}, Trail())
        return billed, refused.value, [await connector.known("time_entry", key) for key in keys]

    billed, refused, after = tell(story)
    assert billed == [("BILLED", "INV-1/2")] * 3
    assert (refused.status, refused.code) == (409, "ALREADY_BILLED")
    assert [(each["billing"], each["invoice_line"]) for each in after] == [
        ("UNBILLED", None),
        ("BILLED", "INV-1/2"),
        ("BILLED", "INV-1/2"),
    ]
    assert not [path for path in asked(landscape) if "/native/" in path and "/oauth/" not in path]


def test_an_approval_that_is_withdrawn_while_it_is_being_billed_is_told_as_such(landscape: Any, tell: Any) -> None:
    async def story(connector: Connector) -> Any:
        made = await project(connector)
        await connector.act("activate_project", {"key": "CT-1-P01"}, {}, Trail())
        keys = [each["key"] for each in await approved_time(connector, made["id"], 2)]
        items = [{"source_type": "TIME", "source_id": key, "invoice_line": f"INV-1/{key}"} for key in keys]
        invoice = connector._billed._invoice

        async def late(*said: Any) -> None:
            withdrawn = {"key": keys[0], "reason": "Not agreed"}
            await asyncio.to_thread(landscape.call, "POST", "/systems/psa/actions/unapprove_time", withdrawn)
            await invoice(*said)

        connector._billed._invoice = late  # type: ignore[method-assign]
        refusals = []
        for _ in range(2):  # asked before the withdrawal, then after it
            with pytest.raises(Refused) as refused:
                await connector.act("mark_billed", {"key": "CT-1-P01"}, {"items": items}, Trail())
            refusals.append(refused.value)
        return refusals, await connector.list("time_entry", {})

    refusals, after = tell(story)
    assert [(each.status, each.code) for each in refusals] == [(409, "NOT_APPROVED")] * 2
    assert [each["billing"] for each in after] == ["UNBILLED"] * 2
