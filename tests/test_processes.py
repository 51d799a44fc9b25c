"""A landscape served by several processes over one PostgreSQL database answers and judges as one served by one.

Needs `COUNTERFOIL_TEST_POSTGRES=postgresql://USER@HOST/postgres`: a server on which the tests may make databases.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import POSTGRES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Running

pytestmark = pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL server: set COUNTERFOIL_TEST_POSTGRES")


@pytest.fixture
def several(launch: Callable[..., Running]) -> Running:
    """A landscape without a firm, served by two processes."""
    return launch(processes=2)


def workers() -> list[int]:
    """Process ids of the API processes that this process has started."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "counterfoil_mocks.worker"], capture_output=True, text=True, check=False
    )
    return [int(each) for each in found.stdout.split()]


def together(work: Callable[[int], Any], count: int) -> list[Any]:
    """What `work` gives for each number, all at once."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(work, range(count)))


def test_both_processes_take_requests(several: Running) -> None:
    assert len(workers()) == 2
    replies = together(
        lambda number: several.native("crm", "POST", "/customers", {"name": f"C{number}", "country": "US"}), 40
    )
    assert {reply.status for reply in replies} == {201}
    numbers = [reply.json["customer_no"] for reply in replies]
    assert len(set(numbers)) == 40
    assert len({reply.json["id"] for reply in replies}) == 40


def test_numbers_follow_each_other_without_gaps_and_no_instant_comes_twice(several: Running) -> None:
    together(lambda number: several.native("crm", "POST", "/customers", {"name": f"C{number}", "country": "US"}), 30)
    together(lambda number: several.native("psa", "POST", "/customers", {"name": f"C{number}", "country": "US"}), 30)
    listed = several.native("crm", "GET", "/customers?limit=100").json["items"]
    assert sorted(each["customer_no"] for each in listed) == [f"CU-{number:06d}" for number in range(1, 31)]
    listed = several.native("psa", "GET", "/customers?limit=100").json["items"]
    assert len({each["created_at"] for each in listed}) == 30


def test_a_key_that_is_used_twice_at_once_does_the_work_once(several: Running) -> None:
    body = {"name": "Once", "country": "US"}
    replies = together(
        lambda number: several.native("billing", "POST", "/customers", body, Idempotency_Key="the-same"), 12
    )
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json["id"] for reply in replies}) == 1
    assert len(several.native("billing", "GET", "/customers").json["items"]) == 1


def test_a_stale_version_is_refused_by_either_process(several: Running) -> None:
    made = several.native("erp", "POST", "/customers", {"name": "Contested", "country": "US"}).json
    replies = together(
        lambda number: several.native(
            "erp", "PATCH", f"/customers/{made['id']}", {"name": f"N{number}"}, If_Match='"1"'
        ),
        8,
    )
    assert sorted(reply.status for reply in replies) == [200] + [412] * 7


def test_the_nth_attempt_is_counted_over_both_processes(several: Running) -> None:
    plan = [{"kind": "status", "system": "crm", "operation": "create_customer", "every": 4, "status": 503}]
    assert several.call("POST", "/faults", plan).status == 201
    replies = together(
        lambda number: several.native("crm", "POST", "/customers", {"name": "Same", "country": "US"}), 40
    )
    assert Counter(reply.status for reply in replies) == {201: 30, 503: 10}
    assert several.call("GET", "/faults").json["items"][0]["struck"] == 10
    several.call("DELETE", "/faults")
    assert several.native("crm", "POST", "/customers", {"name": "Mended", "country": "US"}).status == 201


@pytest.mark.parametrize("limits", [{"rate": 0.001, "burst": 7}, {"daily": 7}])
def test_limits_are_counted_over_both_processes(several: Running, limits: dict[str, float]) -> None:
    assert several.call("PUT", "/limits", {"crm": limits}).status == 200
    replies = together(lambda number: several.native("crm", "GET", "/customers"), 20)
    assert Counter(reply.status for reply in replies) == {200: 7, 429: 13}
    assert several.native("erp", "GET", "/customers").status == 200
    assert several.call("PUT", "/limits", {}).status == 200
    assert several.native("crm", "GET", "/customers").status == 200


def test_what_a_process_commits_is_delivered_and_rest_waits_for_it(several: Running) -> None:
    receiver = several.listen("crm")
    together(lambda number: several.native("crm", "POST", "/customers", {"name": f"C{number}", "country": "US"}), 20)
    assert several.settle(quiet_ms=50)["settled"]
    assert len(receiver.heard) == 20


def claims(several: Running) -> dict[int, int]:
    """How many deliveries each process has claimed now."""

    async def ask() -> dict[int, int]:
        found = several.landscape.store.rows(
            "SELECT claimed_by, count(*) AS many FROM crm.delivery WHERE claimed_by IS NOT NULL GROUP BY claimed_by"
        )
        return {each["claimed_by"]: each["many"] for each in found}

    return several.run(ask())


def once(true: Callable[[], bool]) -> None:
    """Look until something is so."""
    limit = time.monotonic() + 30
    while not true():
        assert time.monotonic() < limit


def test_every_process_delivers_and_what_one_carried_when_it_died_another_delivers(several: Running) -> None:
    receiver = several.listen("crm")
    receiver.delay = 3.0
    made = together(
        lambda number: several.native("crm", "POST", "/customers", {"name": f"C{number}", "country": "US"}), 12
    )
    once(lambda: sum(claims(several).values()) == 12)
    assert claims(several) == {0: 4, 1: 4, 2: 4}
    receiver.delay = 0.0
    for each in workers():
        os.kill(each, signal.SIGKILL)
    assert several.settle(quiet_ms=100)["settled"]
    assert {each.event["data"]["after"]["id"] for each in receiver.heard} == {each.json["id"] for each in made}
    listed = several.call("GET", "/deliveries").json["items"]
    assert {(each["state"], each["attempts"]) for each in listed} == {("DELIVERED", 1)}
    assert claims(several) == {}


def test_changes_of_one_record_arrive_in_their_order_whoever_carries_them(several: Running) -> None:
    receiver = several.listen("crm")
    receiver.delay = 0.02
    made = [several.customer(f"C{number}") for number in range(4)]
    together(lambda number: [several.rename(made[number], f"{number} {turn}") for turn in range(8)], 4)
    assert several.settle(quiet_ms=100)["settled"]
    for each in made:
        told = [heard.event["data"]["after"] for heard in receiver.heard]
        versions = [after["version"] for after in told if after["id"] == each["id"]]
        assert versions == list(range(1, 10))


def test_the_journal_holds_every_request_once(several: Running) -> None:
    together(lambda number: several.native("crm", "GET", "/customers"), 25)
    entries = several.call("GET", "/journal?kind=request&operation=list_customer&limit=100").json["items"]
    assert len(entries) == 25
    assert len({each["seq"] for each in entries}) == 25


def test_going_back_is_seen_by_all(several: Running) -> None:
    mark = several.call("POST", "/snapshots", {}).json["id"]
    several.native("crm", "POST", "/customers", {"name": "Gone", "country": "US"})
    assert several.call("POST", f"/snapshots/{mark}/restore").status == 200
    found = together(lambda number: several.native("crm", "GET", "/customers").json["items"], 10)
    assert found == [[]] * 10


def test_a_killed_process_is_replaced_and_loses_nothing(several: Running) -> None:
    receiver = several.listen("crm")
    first = workers()
    made = together(
        lambda number: several.native("crm", "POST", "/customers", {"name": f"A{number}", "country": "US"}), 10
    )
    os.kill(first[0], signal.SIGKILL)
    more = []
    for number in range(10):
        try:
            more.append(several.native("crm", "POST", "/customers", {"name": f"B{number}", "country": "US"}))
        except OSError:
            continue  # the connection broke with the process; nobody was told that it was done
    assert several.settle(quiet_ms=100)["settled"]
    told = {each.event["data"]["after"]["name"] for each in receiver.heard}
    assert {reply.json["name"] for reply in (*made, *more)} <= told
    listed = several.native("crm", "GET", "/customers?limit=100").json["items"]
    assert {each["name"] for each in listed} == told


def test_an_outage_ends_for_all_at_the_same_instant(several: Running) -> None:
    several.call("POST", "/faults", [{"kind": "outage", "system": "erp", "minutes": 60.0}])
    several.call("POST", "/clock/advance", {"to": "2026-01-05T15:30:00Z"})
    assert {reply.status for reply in together(lambda number: several.native("erp", "GET", "/customers"), 20)} == {503}
    for each in workers():
        os.kill(each, signal.SIGKILL)
    several.call("POST", "/clock/advance", {"to": "2026-01-05T16:00:01Z"})
    assert {reply.status for reply in together(lambda number: several.native("erp", "GET", "/customers"), 20)} == {200}


def test_what_a_search_does_not_show_yet_is_counted_over_both_processes(several: Running) -> None:
    several.call("POST", "/faults", [{"kind": "search_lag", "system": "crm", "searches": 5}])
    several.native("crm", "POST", "/customers", {"name": "Late", "country": "US"})
    shown = [len(several.native("crm", "GET", "/customers").json["items"]) for _ in range(20)]
    assert shown == [0] * 5 + [1] * 15


def test_a_fault_that_takes_anothers_place_is_known_to_all(several: Running) -> None:
    for status in (501, 502, 503):
        several.call("DELETE", "/faults")
        several.call("POST", "/faults", [{"kind": "status", "system": "crm", "status": status}])
        assert several.native("crm", "GET", "/customers").status == status
