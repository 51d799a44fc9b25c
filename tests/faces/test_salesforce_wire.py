"""The Salesforce face as it is on the wire, where no client library of ours goes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
import requests

Call = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    return launch_shared(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})


@pytest.fixture(scope="module")
def crm(landscape: Any) -> dict[str, Any]:
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


@pytest.fixture(scope="module")
def undelete(crm: dict[str, Any]) -> Callable[[str], bool]:
    """Takes a record out of the bin by SOAP."""

    def called(record_id: str) -> bool:
        envelope = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><e:Header><SessionHeader>'
            f"<sessionId>{crm['credentials']['access_token']}</sessionId></SessionHeader></e:Header><e:Body>"
            f"<undelete><ids>{record_id}</ids></undelete></e:Body></e:Envelope>"
        )
        place = f"{crm['url']}/services/Soap/u/59.0"
        return "<success>true</success>" in requests.post(place, data=envelope, timeout=10).text

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


@pytest.mark.by_test(
    "actions appMenu quickActions object_actions tabs theme layouts compactLayouts approvalLayouts process_rules process_approvals"
)
def test_what_the_org_has_none_of_is_empty(ask: Call) -> None:
    for place in ("/actions", "/appMenu", "/quickActions", "/sobjects/Account/quickActions", "/tabs"):
        assert ask("GET", place).json() == []
    assert ask("GET", "/theme").json() == {"themeItems": []}
    assert ask("GET", "/process/rules").json() == {"rules": {}}
    assert ask("GET", "/process/approvals").json() == {"approvals": {}}
    describe = "/sobjects/Account/describe"
    assert ask("GET", f"{describe}/layouts/012000000000000AAA").json()["detailLayoutSections"] == []
    assert ask("GET", f"{describe}/compactLayouts").json()["compactLayouts"] == []
    assert ask("GET", f"{describe}/approvalLayouts").json() == {"approvalLayouts": []}


def test_a_body_may_come_packed(crm: dict[str, Any], ask: Call) -> None:
    head = {"Authorization": f"Bearer {crm['credentials']['access_token']}", "Content-Encoding": "gzip"}
    head["Content-Type"] = "application/json"
    place = f"{crm['url']}/services/data/v59.0/sobjects/Account"
    packed = gzip.compress(b'{"Name": "Packed"}')
    made = requests.post(place, data=packed, headers=head, timeout=10).json()["id"]
    assert ask("GET", f"/sobjects/Account/{made}").json()["Name"] == "Packed"
    refused = requests.post(place, data=packed[:-12], headers=head, timeout=10)
    assert refusal(refused) == (400, "JSON_PARSER_ERROR")
    assert refusal(requests.post(place, data=b"plain", headers=head, timeout=10)) == (400, "JSON_PARSER_ERROR")


def test_blanks_around_a_text_are_dropped_and_blanks_alone_are_nothing(ask: Call) -> None:
    made = ask("POST", "/sobjects/Account", {"Name": "  Trimmed ", "Phone": "   "}).json()["id"]
    found = ask("GET", f"/sobjects/Account/{made}?fields=Name,Phone").json()
    assert (found["Name"], found["Phone"]) == ("Trimmed", None)
    assert refusal(ask("POST", "/sobjects/Account", {"Name": "  "})) == (400, "REQUIRED_FIELD_MISSING")


def test_a_probability_beyond_certainty_is_refused(ask: Call) -> None:
    deal = {"Name": "Sure", "StageName": "Prospecting", "CloseDate": "2026-03-01"}
    for likely in (-1, 101):
        refused = ask("POST", "/sobjects/Opportunity", {**deal, "Probability": likely})
        assert refusal(refused) == (400, "NUMBER_OUTSIDE_VALID_RANGE")
    assert ask("POST", "/sobjects/Opportunity", {**deal, "Probability": 100}).status_code == 201


def test_rows_of_two_objects_come_in_ten_runs_at_most(ask: Call) -> None:
    rows = [
        {"attributes": {"type": kind}, "Name" if kind == "Account" else "LastName": f"Run {number}"}
        for number in range(6)
        for kind in ("Account", "Contact")
    ]
    assert refusal(ask("POST", "/composite/sobjects", {"records": rows})) == (400, "LIMIT_EXCEEDED")
    sorted_ = sorted(rows, key=lambda each: str(each["attributes"]))
    assert all(each["success"] for each in ask("POST", "/composite/sobjects", {"records": sorted_}).json())


def test_what_is_deleted_for_good_is_not_in_the_bin(ask: Call, undelete: Callable[[str], bool]) -> None:
    soft, hard = (ask("POST", "/sobjects/Account", {"Name": name}).json()["id"] for name in ("Soft", "Hard"))
    assert ask("DELETE", f"/sobjects/Account/{soft}").status_code == 204
    job = ask("POST", "/jobs/ingest", {"object": "Account", "operation": "hardDelete"}).json()["id"]
    ask("PUT", f"/jobs/ingest/{job}/batches", data=f"Id\n{hard}\n")
    ask("PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"})
    assert ask("GET", f"/jobs/ingest/{job}").json()["numberRecordsFailed"] == 0
    asked = {"q": f"SELECT Id FROM Account WHERE Id IN ('{soft}', '{hard}')"}
    assert [each["Id"] for each in ask("GET", "/queryAll", params=asked).json()["records"]] == [soft]
    assert refusal(ask("GET", f"/sobjects/Account/{soft}")) == (404, "ENTITY_IS_DELETED")
    assert refusal(ask("GET", f"/sobjects/Account/{hard}")) == (404, "NOT_FOUND")
    assert (undelete(hard), undelete(soft)) == (False, True)


def test_the_bin_is_emptied_after_fifteen_days(launch: Any) -> None:
    landscape = launch(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    crm = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")
    head = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}
    data = f"{crm['url']}/services/data/v59.0"
    made = requests.post(f"{data}/sobjects/Account", json={"Name": "Binned"}, headers=head, timeout=10).json()["id"]
    requests.delete(f"{data}/sobjects/Account/{made}", headers=head, timeout=10)

    def seen() -> tuple[int, str]:
        query = {"q": "SELECT Id FROM Account WHERE IsDeleted = true"}
        found = requests.get(f"{data}/queryAll", params=query, headers=head, timeout=10).json()["totalSize"]
        return found, requests.get(f"{data}/sobjects/Account/{made}", headers=head, timeout=10).json()[0]["errorCode"]

    landscape.call("POST", "/clock/advance", {"days": 14})
    assert seen() == (1, "ENTITY_IS_DELETED")
    landscape.call("POST", "/clock/advance", {"days": 2})
    assert seen() == (0, "NOT_FOUND")


def test_without_an_order_rows_come_in_any_where_that_is_asked_for(launch: Any) -> None:
    systems = {"crm": {"vendor": "salesforce", "settings": {"shuffle": True}}, "psa": {}, "erp": {}, "billing": {}}
    crm = next(
        each for each in launch(systems=systems).call("GET", "/landscape").json["systems"] if each["name"] == "crm"
    )
    head = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}
    data = f"{crm['url']}/services/data/v59.0"
    rows = [{"attributes": {"type": "Lead"}, "LastName": f"{number:03}", "Company": "Any"} for number in range(200)]
    for start in (0, 100):
        rows_ = {"records": rows[start : start + 100]}
        requests.post(f"{data}/composite/sobjects", json=rows_, headers=head, timeout=30)
    requests.post(f"{data}/sobjects/Lead", json={"LastName": "200", "Company": "Any"}, headers=head, timeout=10)

    def names(query: str) -> list[str]:
        wish = {**head, "Sforce-Query-Options": "batchSize=200"}
        page = requests.get(f"{data}/query", params={"q": query}, headers=wish, timeout=10).json()
        found = [each["LastName"] for each in page["records"]]
        while not page["done"]:
            page = requests.get(crm["url"] + page["nextRecordsUrl"], headers=wish, timeout=10).json()
            found += [each["LastName"] for each in page["records"]]
        return found

    every = [f"{number:03}" for number in range(201)]
    any_order = names("SELECT LastName FROM Lead")
    assert any_order != every
    assert sorted(any_order) == every
    assert names("SELECT LastName FROM Lead") == any_order, "the same seed gives the same order"
    assert names("SELECT LastName FROM Lead ORDER BY LastName") == every


# topics


class Listener:
    """A CometD client of the org."""

    def __init__(self, crm: dict[str, Any]) -> None:
        self.place = f"{crm['url']}/cometd/59.0"
        self.head = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}
        hello = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        self.id = self.say(hello)[0]["clientId"]

    def say(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = requests.post(self.place, json=[message], headers=self.head, timeout=10).json()
        return answer

    def subscribe(self, channel: str) -> dict[str, Any]:
        return self.say({"channel": "/meta/subscribe", "clientId": self.id, "subscription": channel})[0]

    def heard(self) -> list[tuple[str, dict[str, Any]]]:
        """Types and records of the next events."""
        *events, _ = self.say({"channel": "/meta/connect", "clientId": self.id, "connectionType": "long-polling"})
        return [(each["data"]["event"]["type"], each["data"]["sobject"]) for each in events]


@pytest.fixture
def listener(crm: dict[str, Any]) -> Listener:
    return Listener(crm)


@pytest.mark.by_test("cometd create_record")
def test_a_topic_tells_of_records_that_fit_its_query(ask: Call, listener: Listener) -> None:
    topic = {"Name": "BigDeals", "ApiVersion": 59.0}
    topic["Query"] = "SELECT Id, Name, Amount FROM Opportunity WHERE Amount > 1000 AND Name LIKE 'Topic%'"
    assert ask("POST", "/sobjects/PushTopic", topic).status_code == 201
    assert listener.subscribe("/topic/BigDeals")["successful"]
    deal = {"StageName": "Prospecting", "CloseDate": "2026-03-31"}
    small = ask("POST", "/sobjects/Opportunity", {"Name": "Topic small", "Amount": 10, **deal}).json()["id"]
    big = ask("POST", "/sobjects/Opportunity", {"Name": "Topic big", "Amount": 5000, **deal}).json()["id"]
    ask("PATCH", f"/sobjects/Opportunity/{big}", {"NextStep": "no field of the topic"})
    ask("PATCH", f"/sobjects/Opportunity/{small}", {"Amount": 2000.5})
    ask("DELETE", f"/sobjects/Opportunity/{big}")
    assert listener.heard() == [
        ("created", {"Id": big, "Name": "Topic big", "Amount": 5000.0}),
        ("updated", {"Id": small, "Name": "Topic small", "Amount": 2000.5}),
        ("deleted", {"Id": big}),
    ]


def test_a_topic_tells_of_what_it_is_asked_to(ask: Call, listener: Listener) -> None:
    query = "SELECT Id, Phone FROM Account WHERE Industry = 'Banking'"
    made = {}
    for fields in ("All", "Select", "Where"):
        topic = {"Name": f"Of{fields}", "Query": query, "ApiVersion": 59.0, "NotifyForFields": fields}
        topic |= {"NotifyForOperationCreate": False}
        made[fields] = ask("POST", "/sobjects/PushTopic", topic).json()["id"]
    account = ask("POST", "/sobjects/Account", {"Name": "Bank", "Industry": "Energy"}).json()["id"]
    for each in made:
        listener.subscribe(f"/topic/Of{each}")
    for change in ({"Phone": "1"}, {"Industry": "Banking"}, {"Phone": "2"}, {"Website": "b.example"}):
        ask("PATCH", f"/sobjects/Account/{account}", change)
    shown = [("updated", {"Id": account, "Phone": phone}) for phone in ("1", "1", "2", "2", "2")]
    assert listener.heard() == shown, "all and where of the industry, all and select of the phone, all of the website"
    ask("PATCH", f"/sobjects/PushTopic/{made['All']}", {"IsActive": False})
    ask("PATCH", f"/sobjects/Account/{account}", {"Phone": "3"})
    assert listener.heard() == [("updated", {"Id": account, "Phone": "3"})]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id, Owner.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "INVALID_FIELD"),
        ("SELECT Id, Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account LIMIT 5", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("", "REQUIRED_FIELD_MISSING"),
    ],
)
def test_a_query_that_no_record_can_be_held_against_makes_no_topic(
    ask: Call, listener: Listener, query: str, code: str
) -> None:
    refused = ask("POST", "/sobjects/PushTopic", {"Name": "Unfit", "Query": query, "ApiVersion": 59.0})
    assert refusal(refused) == (400, code)
    unknown = listener.subscribe("/topic/Unfit")
    assert (unknown["successful"], unknown["error"][:5]) == (False, "404::")


def test_two_topics_have_two_names(ask: Call) -> None:
    topic = {"Name": "Once", "Query": "SELECT Id FROM Account", "ApiVersion": 59.0}
    assert ask("POST", "/sobjects/PushTopic", topic).status_code == 201
    assert refusal(ask("POST", "/sobjects/PushTopic", topic)) == (400, "DUPLICATE_VALUE")


@pytest.mark.by_test("cometd")
def test_the_first_connect_is_answered_at_once_and_so_is_one_that_wishes_it(listener: Listener) -> None:
    message = {"channel": "/meta/connect", "clientId": listener.id, "connectionType": "long-polling"}
    for asked in (message, {**message, "advice": {"timeout": 0}}):
        (answer,) = listener.say(asked)
        assert answer["successful"]
        assert answer["advice"] == {"interval": 0, "timeout": 110000, "reconnect": "retry"}


@pytest.mark.by_test("cometd token revoke_token")
def test_a_client_whose_session_is_over_hears_no_more(crm: dict[str, Any], listener: Listener) -> None:
    keys, place = crm["credentials"], f"{crm['url']}/services/oauth2"
    app = {"client_id": keys["consumer_key"], "client_secret": keys["consumer_secret"]}
    signed_in = requests.post(f"{place}/token", data={**app, "grant_type": "client_credentials"}, timeout=10).json()
    listener.head = {"Authorization": f"Bearer {signed_in['access_token']}"}
    assert listener.subscribe("/data/AccountChangeEvent")["successful"]
    requests.post(f"{place}/revoke", data={"token": signed_in["access_token"]}, timeout=10)
    (answer,) = listener.say({"channel": "/meta/connect", "clientId": listener.id, "connectionType": "long-polling"})
    assert (answer["successful"], answer["error"]) == (False, "401::Authentication invalid")
    assert answer["advice"]["reconnect"] == "none"


def test_a_client_that_tries_a_websocket_first_is_refused_at_once_and_quietly(
    crm: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    asks = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "eA==", "Sec-WebSocket-Version": "13"}
    refused = requests.get(f"{crm['url']}/cometd/59.0", headers=asks, timeout=5)
    assert 400 <= refused.status_code < 500
    assert caplog.records == []


def test_a_password_that_has_expired_signs_in_for_nothing_but_a_new_one(launch: Any) -> None:
    systems = {"crm": {"vendor": "salesforce", "settings": {"password_expired": True}}, "psa": {}, "erp": {}}
    crm = next(
        each
        for each in launch(systems={**systems, "billing": {}}).call("GET", "/landscape").json["systems"]
        if each["name"] == "crm"
    )
    keys = crm["credentials"]
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><e:Body><login>'
        f"<username>{keys['username']}</username><password>{keys['password']}</password></login></e:Body></e:Envelope>"
    )
    signed_in = requests.post(f"{crm['url']}/services/Soap/u/59.0", data=envelope, timeout=10)
    assert (signed_in.status_code, "<passwordExpired>true<" in signed_in.text) == (200, True)
    token = signed_in.text.partition("<sessionId>")[2].partition("<")[0]

    def limits(session: str) -> requests.Response:
        head = {"Authorization": f"Bearer {session}"}
        return requests.get(f"{crm['url']}/services/data/v59.0/limits", headers=head, timeout=10)

    refused = limits(token)
    assert refused.status_code == 401
    assert refused.json()[0]["message"] == "This session is not valid for use with the REST API"
    assert limits(keys["access_token"]).status_code == 200


def test_versions_have_what_they_brought_and_nothing_earlier(crm: dict[str, Any]) -> None:
    head = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}

    def ask(method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, f"{crm['url']}/services/data/{path}", headers=head, timeout=10, **more)

    everything = {"q": "SELECT FIELDS(STANDARD) FROM Account LIMIT 1"}
    assert refusal(ask("GET", "v50.0/query", params=everything)) == (400, "MALFORMED_QUERY")
    assert ask("GET", "v51.0/query", params=everything).status_code == 200
    rows = {"records": [{"attributes": {"type": "Lead"}, "LastName": "Early", "Company": "Bird"}]}
    assert refusal(ask("POST", "v41.0/composite/sobjects", json=rows)) == (404, "NOT_FOUND")
    assert ask("POST", "v42.0/composite/sobjects", json=rows).json()[0]["success"]


def test_a_graph_has_more_room_than_a_composite_and_names_each_part_once(ask: Call) -> None:
    def part(name: str) -> dict[str, Any]:
        url = "/services/data/v59.0/sobjects/Lead"
        return {"method": "POST", "url": url, "referenceId": name, "body": {"LastName": name, "Company": "Graph"}}

    parts = [part(f"r{number}") for number in range(30)]
    assert refusal(ask("POST", "/composite", {"compositeRequest": parts})) == (400, "LIMIT_EXCEEDED")
    graph = {"graphs": [{"graphId": "1", "compositeRequest": parts}]}
    assert ask("POST", "/composite/graph", graph).json()["graphs"][0]["isSuccessful"]
    assert refusal(ask("POST", "/composite", {"compositeRequest": [part("r"), part("r")]})) == (400, "INVALID_INPUT")
    tree = {"attributes": {"type": "Account", "referenceId": "r"}, "Name": "Twice"}
    assert refusal(ask("POST", "/composite/tree/Account", {"records": [tree, tree]})) == (400, "INVALID_INPUT")


def test_jobs_are_forgotten_after_a_week(launch: Any) -> None:
    landscape = launch(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    crm = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")
    token = crm["credentials"]["access_token"]
    head = {"Authorization": f"Bearer {token}", "X-SFDC-Session": token}
    jobs = (f"{crm['url']}/services/data/v59.0/jobs/ingest", f"{crm['url']}/services/async/59.0/job")
    said = {"object": "Account", "operation": "insert", "contentType": "CSV"}
    made = [f"{jobs_}/{requests.post(jobs_, json=said, headers=head, timeout=10).json()['id']}" for jobs_ in jobs]
    landscape.call("POST", "/clock/advance", {"days": 6})
    assert [requests.get(job, headers=head, timeout=10).status_code for job in made] == [200, 200]
    assert len(requests.get(jobs[0], headers=head, timeout=10).json()["records"]) == 1
    landscape.call("POST", "/clock/advance", {"days": 2})
    assert [requests.get(job, headers=head, timeout=10).status_code for job in made] == [404, 400]
    assert requests.get(jobs[0], headers=head, timeout=10).json()["records"] == []


def test_a_rule_that_blocks_duplicates_heeds_no_header(launch: Any) -> None:
    systems = {
        "crm": {"vendor": "salesforce", "settings": {"duplicates": "block"}},
        "psa": {},
        "erp": {},
        "billing": {},
    }
    crm = next(
        each for each in launch(systems=systems).call("GET", "/landscape").json["systems"] if each["name"] == "crm"
    )
    head = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}
    head["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
    place = f"{crm['url']}/services/data/v59.0/sobjects/Contact"
    person = {"LastName": "Twice", "Email": "twice@acme.example"}
    assert requests.post(place, json=person, headers=head, timeout=10).status_code == 201
    refused = requests.post(place, json=person, headers=head, timeout=10)
    assert refusal(refused) == (400, "DUPLICATES_DETECTED")
    assert refused.json()[0]["duplicateResult"]["allowSave"] is False


def found(ask: Call, query: str) -> list[dict[str, Any]]:
    answer = ask("GET", "/query", params={"q": query})
    assert answer.status_code == 200, answer.text
    records: list[dict[str, Any]] = answer.json()["records"]
    return [{name: value for name, value in each.items() if name != "attributes"} for each in records]


@pytest.mark.parametrize(
    ("currency", "amounts"), [("USD", (1000.55, 2000.0)), ("JPY", (5000.0, 7000.0)), ("KWD", (10.5, 2.25))]
)
def test_the_history_of_a_deal_tells_amounts_as_the_deal_does(
    ask: Call, currency: str, amounts: tuple[float, float]
) -> None:
    first, second = amounts
    deal = {"Name": "Tracked", "StageName": "Prospecting", "CloseDate": "2026-03-31", "CurrencyIsoCode": currency}
    made = ask("POST", "/sobjects/Opportunity", {**deal, "Amount": first}).json()["id"]
    ask("PATCH", f"/sobjects/Opportunity/{made}", {"Amount": second, "Probability": 12.5, "CloseDate": "2026-04-30"})
    tracked = found(
        ask, f"SELECT Field, OldValue, NewValue FROM OpportunityFieldHistory WHERE OpportunityId = '{made}'"
    )
    assert {each["Field"]: (each["OldValue"], each["NewValue"]) for each in tracked} == {
        "Amount": (first, second),
        "Probability": (None, 12.5),
        "CloseDate": ("2026-03-31", "2026-04-30"),
    }
    versions = found(ask, f"SELECT Amount FROM OpportunityHistory WHERE OpportunityId = '{made}'")
    assert sorted(each["Amount"] for each in versions) == sorted(amounts)


def test_lines_within_documents_are_polled_by_their_stamp_and_go_with_their_document(ask: Call) -> None:
    card = {"Name": "CARD-9", "Effective_From__c": "2026-01-01"}
    made = ask("POST", "/sobjects/Rate_Card__c", card).json()["id"]
    ask("POST", "/sobjects/Rate_Card_Row__c", {"Rate_Card__c": made, "Level__c": "MANAGER", "Rate__c": 250})
    query = f"SELECT SystemModstamp, LastModifiedDate, CreatedById FROM Rate_Card_Row__c WHERE Rate_Card__c = '{made}'"
    (row,) = found(ask, f"{query} AND SystemModstamp >= 2026-01-05T00:00:00Z AND IsDeleted = false")
    (document,) = found(
        ask, f"SELECT SystemModstamp, LastModifiedDate, CreatedById FROM Rate_Card__c WHERE Id = '{made}'"
    )
    assert row == document
    ask("DELETE", f"/sobjects/Rate_Card__c/{made}")
    assert found(ask, query) == []


def test_a_long_text_is_read_and_searched_but_no_query_filters_by_it(ask: Call) -> None:
    ask("POST", "/sobjects/Account", {"Name": "Lengthy", "Description": "zebracrossing"})
    described = {each["name"]: each for each in ask("GET", "/sobjects/Account/describe").json()["fields"]}
    for name, filterable in (("Description", False), ("BillingStreet", True)):
        about = described[name]
        assert (about["filterable"], about["sortable"], about["groupable"]) == (filterable,) * 3, name
    for query, code in (
        ("SELECT Id FROM Account WHERE Description LIKE 'z%'", "INVALID_FIELD"),
        ("SELECT Id FROM Account ORDER BY Description", "MALFORMED_QUERY"),
        ("SELECT Description FROM Account GROUP BY Description", "MALFORMED_QUERY"),
        ("SELECT MAX(Description) FROM Account", "INVALID_FIELD"),
    ):
        assert refusal(ask("GET", "/query", params={"q": query})) == (400, code), query
    assert len(ask("GET", "/search", params={"q": "FIND {zebracrossing}"}).json()["searchRecords"]) == 1


def test_the_scope_mine_holds_what_the_caller_owns(ask: Call) -> None:
    other = found(ask, "SELECT Id FROM User WHERE IsActive = true AND Username != 'integration@firm.example' LIMIT 1")
    theirs = ask("POST", "/sobjects/Account", {"Name": "Theirs", "OwnerId": other[0]["Id"]}).json()["id"]
    mine = ask("POST", "/sobjects/Account", {"Name": "Mine"}).json()["id"]
    scoped = {each["Id"] for each in found(ask, "SELECT Id FROM Account USING SCOPE mine")}
    assert (mine in scoped, theirs in scoped) == (True, False)


@pytest.mark.parametrize("query", ["SELECT COUNT() FROM Account", "SELECT BillingAddress FROM Account"])
def test_a_bulk_query_takes_no_counts_and_no_compounds(ask: Call, query: str) -> None:
    assert refusal(ask("POST", "/jobs/query", {"operation": "query", "query": query})) == (400, "FEATURENOTENABLED")


@pytest.mark.parametrize(
    ("name", "value"), [("AnnualRevenue", 1234567890123456.8), ("AnnualRevenue", -1e15), ("NumberOfEmployees", 3e9)]
)
def test_a_number_that_does_not_fit_its_field_is_refused(ask: Call, name: str, value: float) -> None:
    made = ask("POST", "/sobjects/Account", {"Name": "Large", name: value})
    assert refusal(made) == (400, "NUMBER_OUTSIDE_VALID_RANGE")
    assert made.json()[0]["fields"] == [name]


@pytest.mark.by_test("upsert_record")
def test_an_upsert_says_its_key_in_the_address_alone(ask: Call) -> None:
    place = "/sobjects/Account/ERP_Customer_Id__c/KEY-1"
    for name in ("ERP_Customer_Id__c", "erp_customer_id__c", "Id"):
        refused = ask("PATCH", place, {"Name": "Keyed", name: "KEY-1"})
        assert refusal(refused) == (400, "INVALID_FIELD")
        assert refused.json()[0]["message"].endswith(" field should not be specified in the sobject data.")
    assert ask("PATCH", place, {"Name": "Keyed"}).status_code == 201


@pytest.mark.by_test("update_records delete_records")
def test_a_row_whose_id_is_of_no_record_has_an_invalid_reference(ask: Call) -> None:
    nobody = "001000000000001AAA"
    row = {"attributes": {"type": "Account"}, "Id": nobody, "Phone": "1"}
    updated = ask("PATCH", "/composite/sobjects", {"records": [row]}).json()
    deleted = ask("DELETE", "/composite/sobjects", params={"ids": nobody}).json()
    assert [each[0]["errors"][0]["statusCode"] for each in (updated, deleted)] == ["INVALID_CROSS_REFERENCE_KEY"] * 2
    assert refusal(ask("DELETE", "/composite/sobjects")) == (400, "MISSING_ARGUMENT")


def test_rows_of_bulk_say_what_is_wrong_in_words_of_rows(crm: dict[str, Any], ask: Call) -> None:
    def failed(operation: str, csv: str) -> list[str]:
        job = ask("POST", "/jobs/ingest", {"object": "Opportunity", "operation": operation}).json()
        counts = ask("GET", f"/jobs/ingest/{job['id']}").json()
        assert (counts["state"], counts["numberRecordsProcessed"], counts["retries"]) == ("Open", 0, 0)
        head = {"Authorization": f"Bearer {crm['credentials']['access_token']}", "Content-Type": "text/csv"}
        requests.put(f"{crm['url']}/{job['contentUrl']}", data=csv, headers=head, timeout=10)
        ask("PATCH", f"/jobs/ingest/{job['id']}", {"state": "UploadComplete"})
        assert ask("GET", f"/jobs/ingest/{job['id']}").json()["state"] == "JobComplete"
        lines = ask("GET", f"/jobs/ingest/{job['id']}/failedResults").text.splitlines()[1:]
        return [line.split('","')[1] for line in lines]

    rows = "Name,StageName,CloseDate,Amount\nA,Prospecting,02/03/2026,1\nB,Prospecting,2026-03-02,much\n"
    assert failed("insert", rows) == [
        "INVALID_TYPE_ON_FIELD_IN_RECORD:Close Date: value not of required type: 02/03/2026:CloseDate --",
        "INVALID_TYPE_ON_FIELD_IN_RECORD:Amount: value not of required type: much:Amount --",
    ]
    assert failed("delete", "Id\n006000000000001AAA\n") == [
        "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id: --"
    ]


@pytest.mark.by_test("search")
def test_a_search_leaves_out_what_not_stands_before(ask: Call) -> None:
    for name in ("Quuxly Trading", "Quuxly Services"):
        ask("POST", "/sobjects/Account", {"Name": name})
    found_names = ask("GET", "/search", params={"q": "FIND {Quuxly AND NOT Trading} RETURNING Account(Name)"}).json()
    assert [each["Name"] for each in found_names["searchRecords"]] == ["Quuxly Services"]


@pytest.mark.by_test("cometd create_records")
def test_rows_of_one_call_are_one_transaction_to_who_is_told_of_them(ask: Call, listener: Listener) -> None:
    listener.subscribe("/data/AccountChangeEvent")
    rows = [{"attributes": {"type": "Account"}, "Name": f"Together {number}"} for number in (1, 2, 3)]
    ask("POST", "/composite/sobjects", {"records": [*rows[:2], {"attributes": {"type": "Account"}}, rows[2]]})
    ask("POST", "/sobjects/Account", {"Name": "Alone"})
    message = {"channel": "/meta/connect", "clientId": listener.id, "connectionType": "long-polling"}
    *events, _ = listener.say(message)
    told = [each["data"]["payload"]["ChangeEventHeader"] for each in events]
    assert [each["sequenceNumber"] for each in told] == [1, 2, 3, 1]
    assert len({each["transactionKey"] for each in told[:3]}) == 1
    assert told[3]["transactionKey"] != told[0]["transactionKey"]


@pytest.fixture
def priced(ask: Call) -> dict[str, str]:
    """A deal with a quote, a price book and an entry of it, by name."""
    book = ask("POST", "/sobjects/Pricebook2", {"Name": "Book", "IsActive": True}).json()["id"]
    product = ask("POST", "/sobjects/Product2", {"Name": "Advice", "IsActive": True}).json()["id"]
    standard = found(ask, "SELECT Id FROM Pricebook2 WHERE IsStandard = true")[0]["Id"]
    entry = ""
    for each in (standard, book):
        said = {"Pricebook2Id": each, "Product2Id": product, "UnitPrice": 100, "IsActive": True}
        entry = ask("POST", "/sobjects/PricebookEntry", said).json()["id"]
    deal = ask("POST", "/sobjects/Opportunity", {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-03-31"})
    quote = {"Name": "Q", "OpportunityId": deal.json()["id"], "Pricebook2Id": book}
    quote_id = ask("POST", "/sobjects/Quote", quote).json()["id"]
    return {"book": book, "entry": entry, "deal": deal.json()["id"], "quote": quote_id}


def test_a_synced_quote_gives_its_deal_the_products_and_follows_its_own(ask: Call, priced: dict[str, str]) -> None:
    deal, quote = priced["deal"], priced["quote"]
    line = {"QuoteId": quote, "PricebookEntryId": priced["entry"], "Quantity": 2, "UnitPrice": 100}
    first = ask("POST", "/sobjects/QuoteLineItem", {**line, "Discount": 10}).json()["id"]
    ask("POST", "/sobjects/QuoteLineItem", {**line, "Quantity": 1, "UnitPrice": 50})

    def now() -> tuple[Any, ...]:
        (shown,) = found(
            ask, f"SELECT Amount, HasOpportunityLineItem, Pricebook2Id FROM Opportunity WHERE Id = '{deal}'"
        )
        (offer,) = found(ask, f"SELECT IsSyncing, Discount FROM Quote WHERE Id = '{quote}'")
        return (*shown.values(), *offer.values())

    assert now() == (None, False, None, False, 8.0)
    assert ask("PATCH", f"/sobjects/Opportunity/{deal}", {"SyncedQuoteId": quote}).status_code == 204
    assert now() == (230.0, True, priced["book"], True, 8.0)
    ask("PATCH", f"/sobjects/QuoteLineItem/{first}", {"Quantity": 4, "Discount": 0})
    assert now() == (450.0, True, priced["book"], True, 0.0)
    ask("DELETE", f"/sobjects/QuoteLineItem/{first}")
    assert now()[0] == 50.0
    other = ask("POST", "/sobjects/Opportunity", {"Name": "E", "StageName": "Prospecting", "CloseDate": "2026-03-31"})
    strange = ask("PATCH", f"/sobjects/Opportunity/{other.json()['id']}", {"SyncedQuoteId": quote})
    assert refusal(strange) == (400, "FIELD_INTEGRITY_EXCEPTION")


def test_a_quote_that_needs_review_says_so_until_it_is_in_review(ask: Call, priced: dict[str, str]) -> None:
    for status in ("Needs Review", "In Review", "Needs Review", "Approved"):
        assert ask("PATCH", f"/sobjects/Quote/{priced['quote']}", {"Status": status}).status_code == 204
        (shown,) = found(ask, f"SELECT Status FROM Quote WHERE Id = '{priced['quote']}' AND Status = '{status}'")
        assert shown["Status"] == status


def test_a_deal_has_one_primary_contact(ask: Call, priced: dict[str, str]) -> None:
    for number in (1, 2):
        contact = ask("POST", "/sobjects/Contact", {"LastName": f"Primary {number}"}).json()["id"]
        said = {
            "OpportunityId": priced["deal"],
            "ContactId": contact,
            "IsPrimary": True,
            "External_Id__c": f"PR-{number}",
        }
        assert ask("POST", "/sobjects/OpportunityContactRole", said).status_code == 201
    query = f"SELECT External_Id__c FROM OpportunityContactRole WHERE OpportunityId = '{priced['deal']}' AND IsPrimary = true"
    assert found(ask, query) == [{"External_Id__c": "PR-2"}]


@pytest.mark.parametrize(
    "name", ["OpportunityStage", "CurrencyType", "Organization", "Profile", "UserRole", "RecordType"]
)
def test_what_the_org_has_of_its_own_is_dated_as_well(ask: Call, name: str) -> None:
    answer = ask("GET", "/query", params={"q": f"SELECT Id, SystemModstamp FROM {name} WHERE SystemModstamp < TODAY"})
    assert answer.status_code == 200, answer.text
    assert all(each["SystemModstamp"] for each in answer.json()["records"])
    roles = [each for each in ask("GET", "/sobjects/User/describe").json()["fields"] if each["name"] == "UserRoleId"]
    assert roles[0]["referenceTo"] == ["UserRole"]


@pytest.mark.by_test("authorise token")
def test_a_code_is_for_the_address_that_it_went_to_and_a_password_brings_no_refresh_token(crm: dict[str, Any]) -> None:
    keys, place = crm["credentials"], f"{crm['url']}/services/oauth2"
    app = {"client_id": keys["consumer_key"], "client_secret": keys["consumer_secret"]}
    asked = {"response_type": "code", "client_id": keys["consumer_key"], "redirect_uri": "http://localhost/back"}
    sent = requests.get(f"{place}/authorize", params=asked, allow_redirects=False, timeout=10)
    form = {**app, "grant_type": "authorization_code", "code": sent.headers["Location"].partition("code=")[2]}
    stolen = requests.post(f"{place}/token", data={**form, "redirect_uri": "http://localhost/other"}, timeout=10)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "redirect_uri_mismatch")
    form = {**app, "grant_type": "password", "username": keys["username"], "password": keys["password"]}
    made = requests.post(f"{place}/token", data=form, timeout=10).json()
    assert made["access_token"]
    assert "refresh_token" not in made


def test_a_record_that_somebody_else_is_writing_is_named(landscape: Any, ask: Call) -> None:
    made = ask("POST", "/sobjects/Account", {"Name": "Busy"}).json()["id"]
    landscape.call("POST", "/faults", [{"kind": "version_conflict", "system": "crm", "operation": "update_record"}])
    try:
        (only,) = ask("PATCH", f"/sobjects/Account/{made}", {"Phone": "1"}).json()
    finally:
        landscape.call("DELETE", "/faults")
    assert only == {
        "message": f"unable to obtain exclusive access to this record or 1 records: {made}",
        "errorCode": "UNABLE_TO_LOCK_ROW",
        "fields": [],
    }


def test_whoever_has_used_up_the_day_may_still_sign_in(landscape: Any, crm: dict[str, Any], ask: Call) -> None:
    keys, place = crm["credentials"], f"{crm['url']}/services/oauth2/token"
    form = {"client_id": keys["consumer_key"], "client_secret": keys["consumer_secret"]}
    landscape.call("PUT", "/limits", {"crm": {"daily": 1}})
    try:
        answers = [ask("GET", "/sobjects") for _ in range(2)]
        signed_in = requests.post(place, data={**form, "grant_type": "client_credentials"}, timeout=10)
    finally:
        landscape.call("PUT", "/limits", {})
    assert refusal(answers[1]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert signed_in.status_code == 200


@pytest.mark.by_test("soap delete_record")
def test_what_went_into_the_bin_with_an_account_comes_back_with_it(ask: Call, undelete: Callable[[str], bool]) -> None:
    account = ask("POST", "/sobjects/Account", {"Name": "There and back"}).json()["id"]
    before, with_it = (
        ask("POST", "/sobjects/Contact", {"LastName": name, "AccountId": account}).json()["id"] for name in ("B", "W")
    )
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-03-31", "AccountId": account}
    deal_id = ask("POST", "/sobjects/Opportunity", deal).json()["id"]
    role = ask("POST", "/sobjects/OpportunityContactRole", {"OpportunityId": deal_id, "ContactId": with_it}).json()[
        "id"
    ]
    ask("DELETE", f"/sobjects/Contact/{before}")
    ask("DELETE", f"/sobjects/Account/{account}")
    assert ask("GET", f"/sobjects/OpportunityContactRole/{role}").status_code == 404
    assert undelete(account)
    there = {
        name: ask("GET", f"/sobjects/{name}/{each}").status_code
        for name, each in (("Account", account), ("Opportunity", deal_id), ("OpportunityContactRole", role))
    }
    assert there == {"Account": 200, "Opportunity": 200, "OpportunityContactRole": 200}
    assert [ask("GET", f"/sobjects/Contact/{each}").status_code for each in (with_it, before)] == [200, 404]


def test_an_entry_that_uses_the_standard_price_follows_it_and_is_called_as_its_product_is(ask: Call) -> None:
    standard = found(ask, "SELECT Id FROM Pricebook2 WHERE IsStandard = true")[0]["Id"]
    book = ask("POST", "/sobjects/Pricebook2", {"Name": "Follows", "IsActive": True}).json()["id"]
    product = ask("POST", "/sobjects/Product2", {"Name": "Before", "IsActive": True}).json()["id"]
    said = {"Product2Id": product, "UnitPrice": 100, "IsActive": True}
    first = ask("POST", "/sobjects/PricebookEntry", {**said, "Pricebook2Id": standard}).json()["id"]
    said = {**said, "Pricebook2Id": book, "UseStandardPrice": True}
    second = ask("POST", "/sobjects/PricebookEntry", said).json()["id"]
    ask("PATCH", f"/sobjects/PricebookEntry/{first}", {"UnitPrice": 120})
    ask("PATCH", f"/sobjects/Product2/{product}", {"Name": "After", "ProductCode": "A-1"})
    entry = ask("GET", f"/sobjects/PricebookEntry/{second}").json()
    assert (entry["UnitPrice"], entry["Name"], entry["ProductCode"]) == (120.0, "After", "A-1")
    own = {"UnitPrice": 90}
    assert refusal(ask("PATCH", f"/sobjects/PricebookEntry/{second}", own)) == (400, "FIELD_INTEGRITY_EXCEPTION")
    assert ask("PATCH", f"/sobjects/PricebookEntry/{second}", {**own, "UseStandardPrice": False}).status_code == 204
    ask("PATCH", f"/sobjects/PricebookEntry/{first}", {"UnitPrice": 130})
    assert ask("GET", f"/sobjects/PricebookEntry/{second}").json()["UnitPrice"] == 90.0
    assert ask("PATCH", f"/sobjects/PricebookEntry/{second}", {"UseStandardPrice": True}).status_code == 204
    assert ask("GET", f"/sobjects/PricebookEntry/{second}").json()["UnitPrice"] == 130.0


@pytest.mark.by_test("cometd")
def test_lines_within_documents_are_told_of_one_by_one(ask: Call, listener: Listener, priced: dict[str, str]) -> None:
    def told() -> list[tuple[Any, ...]]:
        message = {"channel": "/meta/connect", "clientId": listener.id, "connectionType": "long-polling"}
        *events, _ = listener.say({**message, "advice": {"timeout": 0}})
        payloads = [each["data"]["payload"] for each in events]
        heads = [each.pop("ChangeEventHeader") for each in payloads]
        return [
            (head["changeType"], head["recordIds"][0], payload.get("Code__c"), payload.get("Planned__c"))
            for head, payload in zip(heads, payloads, strict=True)
        ]

    assert listener.subscribe("/data/Milestone__ChangeEvent")["successful"]
    first, second = (
        ask("POST", "/sobjects/Milestone__c", {"Quote__c": priced["quote"], "Code__c": code, "Amount__c": 10}).json()[
            "id"
        ]
        for code in ("M1", "M2")
    )
    ask("PATCH", f"/sobjects/Quote/{priced['quote']}", {"PO_Number__c": "PO-1"})
    ask("PATCH", f"/sobjects/Milestone__c/{second}", {"Planned__c": "2026-04-30"})
    ask("DELETE", f"/sobjects/Milestone__c/{first}")
    assert told() == [
        ("CREATE", first, "M1", None),
        ("CREATE", second, "M2", None),
        ("UPDATE", second, None, "2026-04-30"),
        ("DELETE", first, None, None),
    ]


def test_a_merge_that_names_nothing_to_merge_is_a_fault(crm: dict[str, Any]) -> None:
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><e:Header><SessionHeader>'
        f"<sessionId>{crm['credentials']['access_token']}</sessionId></SessionHeader></e:Header><e:Body>"
        "<merge><mergeRequests/></merge></e:Body></e:Envelope>"
    )
    answer = requests.post(f"{crm['url']}/services/Soap/u/59.0", data=envelope, timeout=10)
    assert (answer.status_code, "<faultcode>sf:UNKNOWN_EXCEPTION" in answer.text) == (500, True)


@pytest.mark.parametrize(
    "body", [[], "x", {"records": [None]}, {"graphs": "x"}, {"ids": [5], "fields": ["Id"]}, {"sobjects": [1]}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects/Account/ERP_Customer_Id__c"),
        ("POST", "/composite/sobjects/Account"),
        ("POST", "/composite/graph"),
        ("POST", "/parameterizedSearch"),
        ("PATCH", "/sobjects/Account/ERP_Customer_Id__c/SHAPE"),
    ],
)
def test_a_body_of_another_shape_is_refused_and_never_an_error_of_ours(
    ask: Call, method: str, path: str, body: Any
) -> None:
    answer = ask(method, path, body)
    assert answer.status_code < 500, answer.text
    if body == "x":
        assert answer.json()[0]["message"].endswith("is expected to be an object")


@pytest.mark.parametrize("part", ["compositeRequest", "batchRequests"])
def test_a_part_that_is_no_object_is_refused(ask: Call, part: str) -> None:
    path = {"compositeRequest": "/composite", "batchRequests": "/composite/batch"}[part]
    answer = ask("POST", path, {part: [None]})
    assert refusal(answer) == (400, "JSON_PARSER_ERROR")
    assert answer.json()[0]["message"] == f"{part} is expected to be a list of objects"


@pytest.mark.by_test("search_parameters")
def test_a_search_by_parameters_limits_each_object(ask: Call) -> None:
    for number in (1, 2, 3):
        ask("POST", "/sobjects/Account", {"Name": f"Limitopolis {number}"})
    said = {
        "q": "Limitopolis",
        "fields": ["Name"],
        "sobjects": [{"name": "Account", "limit": 2, "where": "Name LIKE '%3'"}],
    }
    assert [each["Name"] for each in ask("POST", "/parameterizedSearch", said).json()["searchRecords"]] == [
        "Limitopolis 3"
    ]
    said["sobjects"] = [{"name": "Account", "limit": 2}]
    assert len(ask("POST", "/parameterizedSearch", said).json()["searchRecords"]) == 2


@pytest.mark.parametrize(
    ("amount", "before", "after", "kept"),
    [(500, "JPY", "USD", 500.0), (5.55, "EUR", "JPY", 6.0), (5.5, "USD", "KWD", 5.5), (7.25, "USD", "EUR", 7.25)],
)
def test_a_deal_in_another_currency_keeps_its_figure(
    ask: Call, amount: float, before: str, after: str, kept: float
) -> None:
    deal = {"Name": "Moved", "StageName": "Prospecting", "CloseDate": "2026-03-31", "Amount": amount}
    made = ask("POST", "/sobjects/Opportunity", {**deal, "CurrencyIsoCode": before}).json()["id"]
    none = ask("PATCH", f"/sobjects/Opportunity/{made}", {"CurrencyIsoCode": None})
    assert refusal(none) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert ask("PATCH", f"/sobjects/Opportunity/{made}", {"CurrencyIsoCode": after}).status_code == 204
    shown = ask("GET", f"/sobjects/Opportunity/{made}").json()
    assert (shown["CurrencyIsoCode"], shown["Amount"]) == (after, kept)


@pytest.mark.parametrize(
    ("currency", "said", "kept"),
    [("KWD", 1.125, 1.125), ("USD", 1.125, 1.13), ("USD", 1.1249, 1.12), ("JPY", 1.5, 2.0)],
)
def test_an_amount_has_the_places_of_its_currency(ask: Call, currency: str, said: float, kept: float) -> None:
    deal = {"Name": "Placed", "StageName": "Prospecting", "CloseDate": "2026-03-31", "CurrencyIsoCode": currency}
    made = ask("POST", "/sobjects/Opportunity", {**deal, "Amount": said}).json()["id"]
    assert ask("GET", f"/sobjects/Opportunity/{made}").json()["Amount"] == kept


@pytest.mark.by_test("cometd")
def test_change_events_nest_the_parts_of_names_and_addresses(ask: Call, listener: Listener) -> None:
    listener.subscribe("/data/ChangeEvents")
    account = {"Name": "Nested", "BillingStreet": "1 Main", "BillingCity": "Austin", "BillingCountry": "US"}
    account_id = ask("POST", "/sobjects/Account", account).json()["id"]
    contact = {"FirstName": "Ada", "LastName": "Byron", "AccountId": account_id}
    contact_id = ask("POST", "/sobjects/Contact", contact).json()["id"]
    ask("PATCH", f"/sobjects/Account/{account_id}", {"BillingStreet": None, "BillingCity": "Dallas"})
    ask("PATCH", f"/sobjects/Contact/{contact_id}", {"LastName": "Lovelace"})
    message = {"channel": "/meta/connect", "clientId": listener.id, "connectionType": "long-polling"}
    *events, _ = listener.say(message)
    new, person, moved, married = (each["data"]["payload"] for each in events)
    assert (new["Name"], new["BillingAddress"]) == ("Nested", {"Street": "1 Main", "City": "Austin", "Country": "US"})
    assert person["Name"] == {"FirstName": "Ada", "LastName": "Byron"}
    assert not {"BillingCity", "FirstName", "LastName"} & {*new, *person}
    assert moved["BillingAddress"] == {"City": "Dallas"}
    assert set(moved["ChangeEventHeader"]["changedFields"]) >= {"BillingAddress.Street", "BillingAddress.City"}
    assert moved["ChangeEventHeader"]["nulledFields"] == ["BillingAddress.Street"]
    assert married["Name"] == {"LastName": "Lovelace"}
    assert "Name" not in married["ChangeEventHeader"]["changedFields"]
    assert "Name.LastName" in married["ChangeEventHeader"]["changedFields"]


def test_a_formatted_amount_names_its_currency(ask: Call) -> None:
    deal = {"Name": "Formatted", "StageName": "Prospecting", "CloseDate": "2026-03-31", "CurrencyIsoCode": "EUR"}
    made = ask("POST", "/sobjects/Opportunity", {**deal, "Amount": 1234567.5}).json()["id"]
    query = f"SELECT FORMAT(Amount), FORMAT(convertCurrency(Amount)) c FROM Opportunity WHERE Id = '{made}'"
    assert found(ask, query) == [{"Amount": "EUR 1,234,567.50", "c": "USD 1,234,567.50"}]
