"""The Salesforce face as it is on the wire, where no client library of ours goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

Call = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def crm(launch_shared: Any) -> dict[str, Any]:
    landscape = launch_shared(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    return next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")


@pytest.fixture(scope="module")
def ask(crm: dict[str, Any]) -> Call:
    """Calls the REST API as the app."""
    head = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}

    def called(method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return requests.request(
            method, f"{crm['url']}/services/data/v59.0{path}", json=body, headers=head, timeout=10, **more
        )

    return called


def refusal(answer: requests.Response) -> tuple[int, str]:
    (only,) = answer.json()
    return answer.status_code, only["errorCode"]


@pytest.mark.by_test("updated_records deleted_records")
def test_what_was_changed_and_deleted_is_dated_in_whole_seconds(ask: Call) -> None:
    made = ask("POST", "/sobjects/Account", {"Name": "Dated"}).json()["id"]
    ask("DELETE", f"/sobjects/Account/{made}")
    span = {"start": "2026-01-05T14:00:00Z", "end": "2026-01-05T18:00:00Z"}
    updated = ask("GET", "/sobjects/Account/updated", params=span).json()
    deleted = ask("GET", "/sobjects/Account/deleted", params=span).json()
    (row,) = [each for each in deleted["deletedRecords"] if each["id"] == made]
    for instant in (
        updated["latestDateCovered"],
        row["deletedDate"],
        deleted["latestDateCovered"],
        deleted["earliestDateAvailable"],
    ):
        assert instant.endswith(".000+0000"), instant


def test_an_upsert_by_a_blank_external_id_is_refused(ask: Call) -> None:
    for place in ("/sobjects/Account/ERP_Customer_Id__c/", "/sobjects/Account/ERP_Customer_Id__c/%20"):
        assert refusal(ask("PATCH", place, {"Name": "Nobody"})) == (400, "MISSING_ARGUMENT")
    assert refusal(ask("PATCH", "/sobjects/Account/Phone", {"Name": "Nobody"})) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("start", "term", "end"),
    [
        ("2026-01-31", 1, "2026-02-27"),
        ("2026-08-31", 6, "2027-02-27"),
        ("2028-02-29", 12, "2029-02-27"),
        ("2026-02-01", 12, "2027-01-31"),
    ],
)
def test_a_contract_ends_the_day_before_its_term_is_over(ask: Call, start: str, term: int, end: str) -> None:
    account = ask("POST", "/sobjects/Account", {"Name": "Termed"}).json()["id"]
    made = ask("POST", "/sobjects/Contract", {"AccountId": account, "StartDate": start, "ContractTerm": term}).json()
    assert ask("GET", f"/sobjects/Contract/{made['id']}").json()["EndDate"] == end


def test_what_is_too_long_is_refused(ask: Call) -> None:
    long = "SELECT Id FROM Account WHERE Name IN (" + ",".join(f"'{number:040}'" for number in range(400)) + ")"
    assert refusal(ask("GET", "/query", params={"q": long})) == (414, "URI_TOO_LONG")
    assert ask("POST", "/jobs/query", {"operation": "query", "query": long}).status_code == 200
    longer = f"SELECT Id FROM Account WHERE Name = '{'x' * 100_000}'"
    assert refusal(ask("POST", "/jobs/query", {"operation": "query", "query": longer})) == (400, "MALFORMED_QUERY")


@pytest.mark.by_test("bulk_query_create bulk_query_close bulk_query_delete")
def test_a_query_job_is_aborted_or_forgotten(ask: Call) -> None:
    job = {"operation": "query", "query": "SELECT Id FROM Account"}
    place = f"/jobs/query/{ask('POST', '/jobs/query', job).json()['id']}"
    assert ask("PATCH", place, {"state": "Aborted"}).json()["state"] == "Aborted"
    assert refusal(ask("PATCH", place, {"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
    assert ask("DELETE", place).status_code == 204
    assert refusal(ask("GET", place)) == (404, "NOT_FOUND")


@pytest.mark.by_test("actions appMenu quickActions object_actions tabs theme")
def test_what_the_org_has_none_of_is_empty(ask: Call) -> None:
    for place in ("/actions", "/appMenu", "/quickActions", "/sobjects/Account/quickActions", "/tabs"):
        assert ask("GET", place).json() == []
    assert ask("GET", "/theme").json() == {"themeItems": []}
