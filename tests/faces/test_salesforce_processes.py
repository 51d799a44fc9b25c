"""The Salesforce face served by several processes: whatever a client has begun with one, any other goes on with.

Every call here comes by a connection of its own, so that it meets whichever process is free. Needs `COUNTERFOIL_TEST_POSTGRES`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from tests.conftest import POSTGRES, launched

pytestmark = pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL server: set COUNTERFOIL_TEST_POSTGRES")
DATA = "/services/data/v59.0"
PROCESSES = 3


class Org:
    """A landscape of several processes, and calls of its Salesforce."""

    def __init__(self, landscape: Any) -> None:
        self.landscape = landscape
        about = landscape.call("GET", "/landscape").json["systems"]
        self.facts = next(each for each in about if each["name"] == "crm")

    def call(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Any:
        """One call on a new connection; returns the reply."""
        token = self.facts["credentials"]["access_token"]
        headers = {"Authorization": f"Bearer {token}", "X-SFDC-Session": token, "Content-Type": media}
        reply = self.landscape.call(method, path, body, headers, base=self.facts["url"])
        assert reply.status < 300, reply.raw
        return reply

    def many(self, count: int, method: str, path: str, body: Any = None) -> list[Any]:
        """The same call many times at once, so that every process has to answer some."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: self.call(method, path, body), range(count)))

    def bayeux(self, channel: str, client: str | None = None, **more: Any) -> list[Any]:
        """One message of CometD; returns the messages that answer it."""
        said = {"channel": channel, **({"clientId": client} if client else {}), **more}
        return self.call("POST", "/cometd/59.0", [said]).json  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    for launch in launched():
        systems = {"crm": {"vendor": "salesforce", "settings": {"child_page": 5}}, "psa": {}, "erp": {}, "billing": {}}
        yield Org(launch(processes=PROCESSES, systems=systems))


def accounts(org: Org, *names: str) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in names]
    org.call("POST", f"{DATA}/composite/sobjects", {"records": records})


def test_calls_are_counted_over_all_processes(org: Org) -> None:
    def used() -> int:
        return int(org.call("GET", f"{DATA}/limits").headers["sforce-limit-info"].partition("=")[2].partition("/")[0])

    before = used()
    org.many(30, "GET", f"{DATA}/sobjects")
    assert used() == before + 31


def test_a_job_of_bulk_2_is_met_by_every_process(org: Org) -> None:
    said = {"object": "Account", "operation": "insert", "lineEnding": "LF"}
    job = org.call("POST", f"{DATA}/jobs/ingest", said).json
    place = f"{DATA}/jobs/ingest/{job['id']}"
    rows = "Name\n" + "".join(f"Bulk {number}\n" for number in range(20))
    org.call("PUT", f"{place}/batches", rows.encode(), "text/csv")
    org.call("PATCH", place, {"state": "UploadComplete"})
    found = [each.json for each in org.many(12, "GET", place)]
    assert {(each["state"], each["numberRecordsProcessed"]) for each in found} == {("JobComplete", 20)}
    good = org.many(12, "GET", f"{place}/successfulResults/")
    assert {each.raw.count(b"\n") for each in good} == {21}
    assert job["id"] in [each["id"] for each in org.call("GET", f"{DATA}/jobs/ingest").json["records"]]


def test_batches_of_bulk_1_that_are_added_at_once_are_all_there(org: Org) -> None:
    said = {"object": "Account", "operation": "insert", "contentType": "JSON"}
    job = org.call("POST", "/services/async/59.0/job", said).json
    place = f"/services/async/59.0/job/{job['id']}"
    batches = [each.json for each in org.many(16, "POST", f"{place}/batch", [{"Name": "One of a batch"}])]
    assert len({each["id"] for each in batches}) == 16
    found = org.call("GET", place).json
    assert (found["numberBatchesCompleted"], found["numberRecordsProcessed"]) == (16, 16)
    results = [org.call("GET", f"{place}/batch/{each['id']}/result").json for each in batches]
    assert [[row["success"] for row in each] for each in results] == [[True]] * 16


def test_further_pages_of_outer_and_inner_queries_come_from_every_process(org: Org) -> None:
    accounts(org, "Has many")
    query = "SELECT+Id+FROM+Account+WHERE+Name='Has+many'"
    parent = org.call("GET", f"{DATA}/query?q={query}").json["records"][0]["Id"]
    people = [
        {"attributes": {"type": "Contact"}, "LastName": f"P{number:02d}", "AccountId": parent} for number in range(12)
    ]
    org.call("POST", f"{DATA}/composite/sobjects", {"records": people})
    query = "SELECT+Id,(SELECT+LastName+FROM+Contacts+ORDER+BY+LastName)+FROM+Account+WHERE+Name='Has+many'"
    inner = org.call("GET", f"{DATA}/query?q={query}").json["records"][0]["Contacts"]
    assert (inner["totalSize"], len(inner["records"])) == (12, 5)
    for first, last in ((5, 10), (10, 12)):
        pages = [each.json for each in org.many(12, "GET", inner["nextRecordsUrl"])]
        names = [[each["LastName"] for each in page["records"]] for page in pages]
        assert names == [[f"P{number:02d}" for number in range(first, last)]] * 12
        inner = pages[0]
    assert inner["done"]


def connected(org: Org) -> str:
    """A client that has shaken hands and been answered once, so that its next connect is held."""
    hello = org.bayeux("/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
    client = str(hello[0]["clientId"])
    assert org.bayeux("/meta/connect", client, connectionType="long-polling")[0]["successful"]
    return client


def test_what_any_process_writes_wakes_a_client_that_any_other_holds(org: Org) -> None:
    for turn in range(6):
        client = connected(org)
        assert org.bayeux("/meta/subscribe", client, subscription="/data/AccountChangeEvent")[0]["successful"]
        heard: list[Any] = []
        waiting = threading.Thread(
            target=lambda: heard.extend(org.bayeux("/meta/connect", client, connectionType="long-polling"))  # noqa: B023
        )
        waiting.start()
        org.landscape.customer(f"From the control plane {turn}") if turn % 3 == 0 else accounts(org, f"Heard {turn}")
        waiting.join(20)
        assert not waiting.is_alive()
        events = [each for each in heard if each["channel"] == "/data/AccountChangeEvent"]
        assert len(events) == 1, orjson.dumps(heard)


def test_a_client_that_leaves_is_let_go_wherever_it_is_held(org: Org) -> None:
    for _ in range(4):
        client = connected(org)
        waiting = threading.Thread(
            target=org.bayeux, args=("/meta/connect", client), kwargs={"connectionType": "long-polling"}
        )
        waiting.start()
        assert org.bayeux("/meta/disconnect", client)[0]["successful"]
        waiting.join(20)
        assert not waiting.is_alive()
        assert org.bayeux("/meta/connect", client)[0]["error"] == "403::Unknown client"
