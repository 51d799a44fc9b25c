"""The Bulk API 1.0, which simple-salesforce's `sf.bulk` and jsforce's `conn.bulk` speak."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

simple_salesforce = pytest.importorskip("simple_salesforce")
from salesforce_clients import session  # noqa: E402

from simple_salesforce.exceptions import SalesforceMalformedRequest  # noqa: E402 # isort: skip

JOB = '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload">{}</jobInfo>'
Call = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    return launch_shared(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})


@pytest.fixture(scope="module")
def crm(landscape: Any) -> dict[str, Any]:
    return next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")


@pytest.fixture(scope="module")
def sf(crm: dict[str, Any]) -> Any:
    keys = {"session_id": crm["credentials"]["access_token"], "instance_url": crm["url"]}
    return simple_salesforce.Salesforce(**keys, session=session(crm["url"]))


@pytest.fixture(scope="module")
def ask(crm: dict[str, Any]) -> Call:
    """Calls the API in XML, as older clients do."""
    head = {"X-SFDC-Session": crm["credentials"]["access_token"]}

    def called(method: str, path: str, body: str = "", media: str = "application/xml") -> requests.Response:
        place = f"{crm['url']}/services/async/59.0/job{path}"
        return requests.request(method, place, data=body, headers={**head, "Content-Type": media}, timeout=10)

    return called


def members(answer: requests.Response) -> dict[str, str]:
    """The members of an info in XML."""
    return {each.tag.rpartition("}")[2]: each.text or "" for each in ElementTree.fromstring(answer.content)}


def names(sf: Any, like: str) -> list[str]:
    found = sf.query(f"SELECT Name FROM Account WHERE ERP_Customer_Id__c LIKE '{like}' ORDER BY Name")
    return [each["Name"] for each in found["records"]]


@pytest.mark.by_client("batch_job_create batch_job_close batch_add batch_get batch_results batch_request")
def test_records_are_loaded_changed_and_deleted_and_the_bad_ones_told(sf: Any) -> None:
    rows = [{"Name": f"One {number}", "ERP_Customer_Id__c": f"V1-{number}"} for number in range(4)]
    *good, bad = sf.bulk.Account.insert([*rows, {"Phone": "1"}], batch_size=3)
    assert [(each["success"], each["created"]) for each in good] == [(True, True)] * 4
    assert (bad["success"], bad["id"]) == (False, None)
    assert bad["errors"] == [
        {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]}
    ]
    changed = sf.bulk.Account.upsert(
        [{"Name": "One 0 again", "ERP_Customer_Id__c": "v1-0"}, {"Name": "One 9", "ERP_Customer_Id__c": "V1-9"}],
        "ERP_Customer_Id__c",
    )
    assert [each["created"] for each in changed] == [False, True]
    assert changed[0]["id"] == good[0]["id"]
    (told,) = sf.bulk.Account.update([{"Id": good[1]["id"], "Name": "One 1 again"}], include_detailed_results=True)
    assert (told["success"], told["Name"]) == (True, "One 1 again")
    assert all(each["success"] for each in sf.bulk.Account.delete([{"Id": good[3]["id"]}]))
    assert names(sf, "V1-%") == ["One 0 again", "One 1 again", "One 2", "One 9"]
    contact = {"LastName": "Bulky", "Account": {"ERP_Customer_Id__c": "V1-9"}}
    assert sf.bulk.Contact.insert([contact, {"LastName": "Free", "AccountId": None}], use_serial=True)[0]["success"]
    assert (
        sf.query("SELECT Account.Name FROM Contact WHERE LastName = 'Bulky'")["records"][0]["Account"]["Name"]
        == "One 9"
    )


@pytest.mark.by_client("batch_rows batch_results batch_add")
def test_a_query_answers_with_days_and_moments_in_milliseconds(sf: Any) -> None:
    account = sf.Account.create({"Name": "Timed"})["id"]
    sf.Opportunity.create(
        {"Name": "Dated", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-03-31", "Amount": 1.5}
    )
    (found,) = sf.bulk.Opportunity.query(
        "SELECT Id, Amount, CloseDate, Account.Name, Account.CreatedDate FROM Opportunity WHERE Name = 'Dated'"
    )
    created = dt.datetime.fromisoformat(sf.Account.get(account)["CreatedDate"].replace("+0000", "+00:00"))
    assert found["attributes"]["type"] == "Opportunity"
    assert (found["Amount"], found["Account"]["Name"]) == (1.5, "Timed")
    assert found["CloseDate"] == int(dt.datetime(2026, 3, 31, tzinfo=dt.UTC).timestamp() * 1000)
    assert found["Account"]["CreatedDate"] == int(created.timestamp() * 1000)
    gone = sf.Account.create({"Name": "Gone"})["id"]
    sf.Account.delete(gone)
    asked = "SELECT Id FROM Account WHERE Name = 'Gone'"
    assert sf.bulk.Account.query(asked) == []
    assert [each["Id"] for each in sf.bulk.Account.query_all(asked)] == [gone]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"Nope__c": 1}], "Field name not found : Nope__c"),
        ([{"Owner": {"Nope": 1}}], "Field name not found : Owner.Nope"),
    ],
)
def test_a_field_that_is_not_there_fails_the_batch_as_a_whole(sf: Any, ask: Call, rows: list[Any], said: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.bulk.Account.insert([{"Name": "Never kept"}, *rows])
    assert caught.value.content == {"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"}
    job = caught.value.url.partition("/job/")[2].partition("/")[0]
    (batch,) = ask("GET", f"/{job}/batch").json()["batchInfo"]
    assert (batch["state"], batch["stateMessage"]) == ("Failed", f"InvalidBatch : {said}")
    assert sf.query("SELECT COUNT() FROM Account WHERE Name = 'Never kept'")["totalSize"] == 0


def test_a_session_that_has_ended_is_told_in_this_apis_words(crm: dict[str, Any], ask: Call) -> None:
    client = simple_salesforce.Salesforce(session_id="00Dgone", instance_url=crm["url"], session=session(crm["url"]))
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.bulk.Account.query("SELECT Id FROM Account")
    assert caught.value.content == {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"}
    place = f"{crm['url']}/services/async/59.0/job/750000000000001"
    refused = requests.get(place, headers={"X-SFDC-Session": "00Dgone"}, timeout=10)
    assert refused.status_code == 400
    assert b"<exceptionCode>InvalidSessionId</exceptionCode>" in refused.content
    assert ask("GET", "/750000000000001AAA").status_code == 400


@pytest.mark.by_test(
    "batch_job_create batch_job_get batch_job_close batch_add batch_list batch_get batch_request batch_results batch_rows"
)
def test_xml_speaks_of_jobs_and_csv_of_rows(ask: Call, sf: Any) -> None:
    said = "<operation>insert</operation><object>account</object><contentType>CSV</contentType>"
    made = ask("POST", "", JOB.format(said))
    job = members(made)
    assert (made.status_code, job["state"], job["object"], job["concurrencyMode"]) == (
        201,
        "Open",
        "Account",
        "Parallel",
    )
    assert job["createdDate"].endswith(".000Z")
    rows = 'Name,Phone,Parent.ERP_Customer_Id__c,ERP_Customer_Id__c\n"Two\nlines",#N/A,,V1C-1\n,5,,V1C-2\nChild,5,V1C-1,V1C-3\n'
    added = ask("POST", f"/{job['id']}/batch", rows, "text/csv")
    assert (added.status_code, members(added)["state"]) == (201, "Queued")
    batch = f"/{job['id']}/batch/{members(added)['id']}"
    done = members(ask("GET", batch))
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == ("Completed", "3", "1")
    assert len(ElementTree.fromstring(ask("GET", f"/{job['id']}/batch").content)) == 1
    assert ask("GET", f"{batch}/request").text == rows
    results = list(csv.DictReader(io.StringIO(ask("GET", f"{batch}/result").text)))
    assert [(each["Success"], each["Created"]) for each in results] == [
        ("true", "true"),
        ("false", "false"),
        ("true", "true"),
    ]
    assert results[1] == {
        "Id": "", "Success": "false", "Created": "false",
        "Error": "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
    }  # fmt: skip
    assert names(sf, "V1C-%") == ["Child", "Two\nlines"]
    assert sf.Account.get(results[2]["Id"])["ParentId"] == results[0]["Id"]
    closed = members(ask("POST", f"/{job['id']}", JOB.format("<state>Closed</state>")))
    assert (closed["state"], closed["numberBatchesCompleted"], closed["numberRecordsFailed"]) == ("Closed", "1", "1")
    assert members(ask("GET", f"/{job['id'][:15]}"))["state"] == "Closed"
    late = members(ask("POST", f"/{job['id']}/batch", rows, "text/csv"))
    assert late["exceptionCode"] == "InvalidJobState"

    asking = members(ask("POST", "", JOB.format(said.replace("insert", "query"))))["id"]
    for text, answer in (
        ("SELECT Name, CreatedDate FROM Account WHERE ERP_Customer_Id__c = 'V1C-3'", '"Name","CreatedDate"\n"Child","'),
        ("SELECT Name FROM Account WHERE Name = 'Nobody at all'", "Records not found for this query"),
    ):
        batch = f"/{asking}/batch/{members(ask('POST', f'/{asking}/batch', text, 'text/csv'))['id']}"
        result = members(ask("GET", f"{batch}/result"))["result"]
        found = ask("GET", f"{batch}/result/{result}").text
        assert found.startswith(answer)
        assert found.endswith('.000Z"\n') or "not found" in found


def test_rows_may_come_in_xml(ask: Call, sf: Any) -> None:
    space = (
        'xmlns="http://www.force.com/2009/06/asyncapi/dataload" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    )
    job = members(ask("POST", "", JOB.format("<operation>insert</operation><object>Account</object>")))
    assert job["contentType"] == "XML", "as it is where nobody says"
    rows = (
        "<sObject><Name>R &amp; D</Name><ERP_Customer_Id__c>V1X-1</ERP_Customer_Id__c><AnnualRevenue>12.5</AnnualRevenue></sObject>"
        '<sObject><Name>Under it</Name><Phone xsi:nil="true"/><ERP_Customer_Id__c>V1X-2</ERP_Customer_Id__c>'
        "<Parent><sObject><ERP_Customer_Id__c>V1X-1</ERP_Customer_Id__c></sObject></Parent></sObject>"
        "<sObject><Phone>1</Phone></sObject>"
    )
    data = f'<?xml version="1.0" encoding="UTF-8"?><sObjects {space}>{rows}</sObjects>'
    place = f"/{job['id']}/batch"
    batch = f"{place}/{members(ask('POST', place, data))['id']}"
    results = [
        {each.tag.rpartition("}")[2]: each for each in row}
        for row in ElementTree.fromstring(ask("GET", f"{batch}/result").content)
    ]
    assert [(each["success"].text, each["created"].text) for each in results] == [("true", "true")] * 2 + [
        ("false", "false")
    ]
    assert [each.text for each in results[2]["errors"]] == [
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [Name]",
        "Name",
    ]
    child = sf.Account.get(results[1]["id"].text)
    assert (child["ParentId"], sf.Account.get(results[0]["id"].text)["AnnualRevenue"]) == (results[0]["id"].text, 12.5)

    asking = members(ask("POST", "", JOB.format("<operation>query</operation><object>Account</object>")))["id"]
    text = "SELECT Name, Phone, CreatedDate, Parent.Name FROM Account WHERE ERP_Customer_Id__c = 'V1X-2'"
    batch = f"/{asking}/batch/{members(ask('POST', f'/{asking}/batch', text))['id']}"
    result = members(ask("GET", f"{batch}/result"))["result"]
    (record,) = ElementTree.fromstring(ask("GET", f"{batch}/result/{result}").content)
    shown = {each.tag.rpartition("}")[2]: each for each in record}
    assert (shown["type"].text, shown["Name"].text, shown["Phone"].text) == ("Account", "Under it", None)
    assert (shown["CreatedDate"].text or "").endswith(".000Z")
    assert [each.text for each in shown["Parent"]] == ["Account", "R & D"]
    broken = members(ask("POST", place, "<sObjects><sObject>"))["id"]
    assert (
        members(ask("GET", f"/{job['id']}/batch/{broken}"))["stateMessage"]
        == "InvalidBatch : Unable to parse the data as XML"
    )


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("<operation>insert</operation><object>Nope</object><contentType>CSV</contentType>", "InvalidJob"),
        ("<operation>guess</operation><object>Account</object><contentType>CSV</contentType>", "InvalidJob"),
        ("<operation>upsert</operation><object>Account</object><contentType>CSV</contentType>", "InvalidJob"),
        ("<operation>insert</operation><object>Account</object><contentType>ZIP_CSV</contentType>", "InvalidJob"),
        ("<operation>insert", "InvalidJob"),
    ],
)
def test_a_job_that_cannot_be_is_refused(ask: Call, said: str, code: str) -> None:
    refused = ask("POST", "", JOB.format(said) if "</" in said else said)
    assert (refused.status_code, members(refused)["exceptionCode"]) == (400, code)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT Nope__c FROM Account", "Failed to process query: INVALID_FIELD: "),
        ("SELECT Id FROM Contact", "INVALID_TYPE_FOR_OPERATION: The root entity of the requested query (Contact)"),
        ("SELECT COUNT(Id), Name FROM Account GROUP BY Name", "Failed to process query: "),
    ],
)
def test_a_query_that_cannot_be_answered_fails_its_batch(ask: Call, text: str, said: str) -> None:
    kind = "<operation>query</operation><object>Account</object><contentType>CSV</contentType>"
    job = members(ask("POST", "", JOB.format(kind)))["id"]
    batch = members(ask("POST", f"/{job}/batch", text, "text/csv"))["id"]
    done = members(ask("GET", f"/{job}/batch/{batch}"))
    assert done["state"] == "Failed"
    assert said in done["stateMessage"]


def test_a_fault_strikes_one_row_of_a_batch(landscape: Any, sf: Any) -> None:
    fault = {"kind": "partial_batch", "system": "crm", "operation": "batch_add", "each": 2}
    made = landscape.call("POST", "/faults", [fault])
    assert made.status < 300, made.json
    rows = [{"Name": f"Struck {number}", "ERP_Customer_Id__c": f"V1F-{number}"} for number in range(3)]
    results = sf.bulk.Account.insert(rows)
    landscape.call("DELETE", "/faults")
    assert [each["success"] for each in results] == [True, False, True]
    assert results[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert names(sf, "V1F-%") == ["Struck 0", "Struck 2"]
