"""An independent OAuth signer and plain HTTP against the NetSuite face: signing in, records, refusals."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

import pytest

from counterfoil_mocks.erp.netsuite import auth

oauthlib = pytest.importorskip("requests_oauthlib")
requests = pytest.importorskip("requests")
from netsuite_account import API, Client, an_invoice, refusal  # noqa: E402

EXAMPLE = {
    "oauth_consumer_key": "c1f0a7b2",
    "oauth_token": "t7a1e5d4",
    "oauth_nonce": "9f2c4e7a1b",
    "oauth_timestamp": "1767225600",
    "oauth_version": "1.0",
    "oauth_signature_method": "HMAC-SHA256",
}


# signing in


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "expected"),
    [
        ("GET", "/customer", [("limit", "2"), ("offset", "0"), ("q", 'companyName START_WITH "Acme"')], None,
         "sSgYrw4tN1Gjv86b8SO8LkUeQC//vcrB5lA9MUEriyE="),
        ("POST", "/customer", [], b'{"companyName":"Acme"}', "Eydvpfn1q0Y9WMT/QpR299/84QF+PD5f2cxZb5uQyCA="),
        ("POST", "/salesOrder/12/!transform/invoice", [], None, "knhtS3ch3tIGvnIQN5jWGe/gsXdNdAeRMW2pFMusbbw="),
    ],
)  # fmt: skip
def test_signatures_are_those_of_the_worked_examples(
    method: str, path: str, query: list[tuple[str, str]], body: bytes | None, expected: str
) -> None:
    said = list(EXAMPLE.items())
    if body is not None:
        said.append(("oauth_body_hash", base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()))
    base = auth.base_string(method, f"http://127.0.0.1:8103{API}{path}", [*query, *said])
    assert auth.signature(base, "cs-3d9e", "ts-88aa") == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"consumer_secret": "x"},
        {"token_secret": "x"},
        {"consumer_key": "x"},
        {"token_id": "x"},
        {"account_id": "OTHER"},
    ],
)
def test_a_wrong_secret_is_an_invalid_login(books: dict[str, Any], wrong: dict[str, str]) -> None:
    answer = Client(books["url"], {**books["credentials"], **wrong})("GET", "/customer")
    assert refusal(answer)[:2] == (401, "INVALID_LOGIN")
    assert answer.json()["title"] == "Unauthorized"
    assert 'error="token_rejected"' in answer.headers["www-authenticate"]


def test_the_realm_may_be_in_any_case_and_hmac_sha1_is_refused(books: dict[str, Any]) -> None:
    keys = books["credentials"]
    client = Client(books["url"], {**keys, "account_id": keys["account_id"].lower()})
    assert client("GET", "/customer").status_code == 200
    client.session.auth.client.signature_method = "HMAC-SHA1"
    assert client("GET", "/customer").status_code == 401


def test_a_replayed_call_and_an_old_one_are_refused(books: dict[str, Any]) -> None:
    keys, url = books["credentials"], f"{books['url']}{API}/customer"
    signer = oauthlib.OAuth1(
        keys["consumer_key"], keys["consumer_secret"], keys["token_id"], keys["token_secret"],
        signature_method="HMAC-SHA256", realm=keys["account_id"],
    )  # fmt: skip
    prepared = requests.Request("GET", url, auth=signer).prepare()
    with requests.Session() as session:
        assert session.send(prepared).status_code == 200
        assert session.send(prepared).status_code == 401
        signer.client.timestamp = str(int(time.time()) - 400)
        assert session.send(requests.Request("GET", url, auth=signer).prepare()).status_code == 401


def test_parameters_are_part_of_the_signature(ns: Client, debtor: str) -> None:
    found = ns("GET", "/customer", params={"q": 'companyName START_WITH "Acme" AND isPerson IS false', "limit": "1"})
    assert found.status_code == 200
    assert found.json()["count"] == 1


def assertion(keys: dict[str, str], **more: Any) -> str:
    """A JWT signed by ES256, put together by hand."""
    import orjson
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    now = int(time.time())
    head = {"typ": "JWT", "alg": more.pop("alg", "ES256"), "kid": keys["oauth2_certificate_id"]}
    claims = {"iss": keys["oauth2_client_id"], "scope": ["rest_webservices"], "aud": keys["oauth2_token_url"],
              "iat": now, "exp": now + 600, **more}  # fmt: skip
    signed = f"{part(orjson.dumps(head))}.{part(orjson.dumps(claims))}"
    key: Any = serialization.load_pem_private_key(keys["oauth2_private_key"].encode(), None)
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{part(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def token(keys: dict[str, str], **more: Any) -> Any:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(keys, **more),
    }
    return requests.post(keys["oauth2_token_url"], data=form, timeout=30)


@pytest.mark.by_client("token server_time")
def test_a_certificate_gets_a_token(books: dict[str, Any]) -> None:
    answer = token(books["credentials"])
    assert (answer.status_code, answer.json()["expires_in"], answer.json()["token_type"]) == (200, "3600", "Bearer")
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    where = f"{books['url']}/services/rest/system/v1/serverTime"
    assert requests.get(where, headers=bearer, timeout=30).json()["serverTime"].startswith("2026-01-05T15")
    assert requests.get(where, headers={"Authorization": "Bearer x"}, timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"alg": "RS256"}, "invalid_client"), ({"iss": "x"}, "invalid_client"), ({"aud": "x"}, "invalid_grant"),
     ({"exp": 1}, "invalid_grant"), ({"scope": "x"}, "invalid_scope")],
)  # fmt: skip
def test_a_wrong_assertion_gets_none(books: dict[str, Any], wrong: dict[str, Any], error: str) -> None:
    answer = token(books["credentials"], **wrong)
    assert answer.status_code in (400, 401)
    assert answer.json() == {"error": error}


# records


@pytest.mark.by_client("create_customer get_customer update_customer delete_customer list_customer")
def test_a_customer_is_made_read_changed_and_deleted(ns: Client) -> None:
    body = {
        "companyName": "Northwind Advisory",
        "subsidiary": {"id": ns.first("/subsidiary")},
        "externalId": "CRM-001",
        "email": "ap@northwind.example",
        "currency": {"id": "1"},
        "terms": {"id": "2"},
        "custentity_tier": "gold",
        "addressBook": {"items": [{"defaultBilling": True, "defaultShipping": True, "addressBookAddress": {
            "addr1": "1 Pier", "city": "Boston", "state": "MA", "zip": "02110", "country": {"id": "US"}}}]},
    }  # fmt: skip
    record_id = ns.made("/customer", body)
    assert record_id.isdigit()
    found = ns.expanded(f"/customer/{record_id}")
    assert (found["companyName"], found["email"], found["custentity_tier"]) == (
        "Northwind Advisory", "ap@northwind.example", "gold")  # fmt: skip
    assert (found["terms"]["refName"], found["currency"]["refName"]) == ("Net 30", "USD")
    assert found["subsidiary"]["refName"] == "Counterfoil Inc"
    assert found["addressBook"]["items"][0]["addressBookAddress"]["city"] == "Boston"
    assert ns("GET", "/customer/eid:crm-001").json()["id"] == record_id
    assert "items" not in ns("GET", f"/customer/{record_id}").json()["addressBook"]
    assert ns("GET", f"/customer/{record_id}", params={"fields": "email"}).json()["email"] == "ap@northwind.example"
    assert (
        ns("GET", f"/customer/{record_id}", params={"fields": "email", "expandSubResources": "true"}).status_code == 400
    )
    assert ns("PATCH", f"/customer/{record_id}", {"email": None, "companyName": "Northwind"}).status_code == 204
    changed = ns("GET", f"/customer/{record_id}").json()
    assert changed["companyName"] == "Northwind"
    assert ns("GET", "/customer", params={"q": 'companyName IS "Northwind"'}).json()["items"][0]["id"] == record_id
    assert "email" not in changed
    assert refusal(ns("POST", "/customer", body))[:2] == (400, "USER_ERROR")
    assert ns("DELETE", f"/customer/{record_id}").status_code == 204
    assert refusal(ns("GET", f"/customer/{record_id}")) == (404, "NONEXISTENT_ID", "Record does not exist.")


def test_a_sublist_is_added_to_unless_it_is_replaced(ns: Client, debtor: str) -> None:
    def book(label: str) -> dict[str, Any]:
        return {"addressBook": {"items": [{"label": label, "addressBookAddress": {"country": {"id": "US"}}}]}}

    def labels() -> list[str]:
        return [line["label"] for line in ns("GET", f"/customer/{debtor}/addressBook").json()["items"]]

    ns("PATCH", f"/customer/{debtor}", book("HQ"))
    ns("PATCH", f"/customer/{debtor}", book("Dock"))
    assert labels() == ["HQ", "Dock"]
    ns("PATCH", f"/customer/{debtor}?replace=addressBook", book("Dock"))
    assert labels() == ["Dock"]


@pytest.mark.by_client("create_customer update_customer")
def test_an_upsert_does_not_say_whether_it_made_or_changed(ns: Client) -> None:
    first = ns("PUT", "/customer/eid:UP-1", {"companyName": "Up One"})
    again = ns("PUT", "/customer/eid:UP-1", {"companyName": "Up Two"})
    assert (first.status_code, again.status_code) == (204, 204)
    assert first.headers["location"] == again.headers["location"]
    assert ns("GET", "/customer/eid:UP-1").json()["companyName"] == "Up Two"


@pytest.mark.by_client("create_ar_document get_ar_document list_ar_document")
def test_an_invoice_is_worked_out_and_posted(ns: Client, netsuite_face: Any, debtor: str) -> None:
    record_id = ns.made("/invoice", an_invoice(ns, debtor, externalId="BILL-77", otherRefNum="PO-9"))
    found = ns.expanded(f"/invoice/{record_id}")
    assert (found["subtotal"], found["taxTotal"], found["total"]) == (1500.0, 120.0, 1620.0)
    assert (found["amountPaid"], found["amountRemaining"], found["status"]["id"]) == (0.0, 1620.0, "Open")
    assert (found["dueDate"], found["postingPeriod"]["refName"], found["otherRefNum"]) == (
        "2026-02-09", "Jan 2026", "PO-9")  # fmt: skip
    assert found["item"]["totalResults"] == 1
    line = found["item"]["items"][0]
    assert (line["line"], line["quantity"], line["rate"], line["item"]["refName"]) == (1, 10, 150.0, "CONSULTING")
    assert ns("GET", f"/invoice/{record_id}/item/1").json()["amount"] == 1500.0
    entry = netsuite_face.call("GET", f"/systems/erp/journal_entries?source_doc=invoice%20{found['tranId']}").json[
        "items"
    ][0]
    assert next((each["account"], each["dr"]["minor"]) for each in entry["lines"]) == ("1200", 162000)
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{debtor}]"}).json()["totalResults"] == 1


def test_a_closed_period_takes_nothing(ns: Client, debtor: str) -> None:
    before = ns("GET", "/invoice").json()["totalResults"]
    answer = ns("POST", "/invoice", an_invoice(ns, debtor, tranDate="2025-12-31"))
    assert refusal(answer) == (
        400,
        "USER_ERROR",
        "Error while accessing a resource. The transaction date you specified is not within the date range of your "
        "accounting period.",
    )
    assert ns("GET", "/invoice").json()["totalResults"] == before


@pytest.mark.by_client("receive_payment get_payment list_payment update_payment")
def test_a_payment_is_applied_and_pays_the_invoice(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    body = {
        "customer": {"id": debtor},
        "payment": 1620.0,
        "tranDate": "2026-01-10",
        "externalId": "PAY-1",
        "apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 1000.0}]},
    }
    payment = ns.made("/customerPayment", body)
    found = ns.expanded(f"/customerPayment/{payment}")
    assert (found["payment"], found["applied"], found["unapplied"]) == (1620.0, 1000.0, 620.0)
    assert found["apply"]["items"][0]["doc"]["id"] == invoice
    more = {"apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 1620}]}}
    assert ns("PATCH", f"/customerPayment/{payment}", more).status_code == 204
    paid = ns("GET", f"/invoice/{invoice}").json()
    assert (paid["amountRemaining"], paid["status"]["refName"]) == (0.0, "Paid In Full")
    assert ns("GET", "/customerPayment", params={"q": 'externalId IS "PAY-1"'}).json()["totalResults"] == 1
    again = ns("POST", "/customerPayment", body)
    assert refusal(again)[:2] == (400, "USER_ERROR")


def test_more_than_is_open_cannot_be_applied(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    body = {
        "customer": {"id": debtor},
        "payment": 2000,
        "apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 1620.01}]},
    }
    assert refusal(ns("POST", "/customerPayment", body))[:2] == (400, "USER_ERROR")
    assert ns("GET", f"/invoice/{invoice}").json()["amountRemaining"] == 1620.0


def test_a_credit_memo_is_applied_to_its_invoice(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    lines = an_invoice(ns, debtor)["item"]
    lines["items"][0]["quantity"] = 2
    memo = ns.made(
        "/creditMemo",
        {"entity": {"id": debtor}, "tranDate": "2026-01-11", "item": lines, "apply": {"items": [{"doc": invoice}]}},
    )
    found = ns.expanded(f"/creditMemo/{memo}")
    assert (found["total"], found["apply"]["items"][0]["doc"]["id"]) == (324.0, invoice)
    assert ns("GET", f"/invoice/{invoice}").json()["amountRemaining"] == 1296.0
    assert ns("GET", f"/invoice/{memo}").status_code == 404


def test_an_external_id_is_taken_by_all_transactions_together(ns: Client, debtor: str) -> None:
    ns.made("/invoice", an_invoice(ns, debtor, externalId="ONE-1"))
    answer = ns("POST", "/customerPayment", {"customer": {"id": debtor}, "payment": 5, "externalId": "one-1"})
    assert refusal(answer) == (400, "USER_ERROR", "Error while accessing a resource. This record already exists.")


# refusals


def test_refusals_name_the_place(ns: Client, debtor: str) -> None:
    body = an_invoice(ns, debtor)
    body["item"]["items"][0]["item"] = {"id": "9999"}
    answer = ns("POST", "/invoice", body)
    assert refusal(answer) == (
        400,
        "INVALID_CONTENT",
        "Error while accessing a resource. You have entered an Invalid Field Value 9999 for the following field: item",
    )
    assert answer.json()["o:errorDetails"][0]["o:errorPath"] == "item.items[0].item"
    assert refusal(ns("POST", "/customer", {}))[2].endswith("You must enter a value for Company Name.")
    assert refusal(ns("GET", "/saleswidget"))[:2] == (404, "NOT_FOUND")
    assert refusal(ns("GET", "/Customer"))[:2] == (404, "NOT_FOUND")
    bad = ns.session.post(f"{ns.url}{API}/customer", data=b"{", headers={"Content-Type": "application/json"})
    assert refusal(bad)[:2] == (400, "INVALID_REQUEST")
    assert (
        ns.session.post(f"{ns.url}{API}/customer", data=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    )


def test_unknown_fields_are_ignored_unless_they_are_errors(ns: Client) -> None:
    body = {"companyName": f"Loose {time.monotonic_ns()}", "shoeSize": 43}
    strict = ns("POST", "/customer", body, headers={"X-NetSuite-PropertyNameValidation": "error"})
    assert refusal(strict)[:2] == (400, "INVALID_CONTENT")
    loose = ns("POST", "/customer", body)
    assert loose.status_code == 204
    assert "shoeSize" in loose.headers["x-netsuite-warning"]


def test_pages_link_to_each_other(ns: Client) -> None:
    for number in range(5):
        ns.made("/customer", {"companyName": f"Paged {number}"})
    wanted = {"q": 'companyName START_WITH "Paged"', "limit": "2"}
    page = ns("GET", "/customer", params=wanted).json()
    seen = [each["id"] for each in page["items"]]
    while page["hasMore"]:
        following = next(link["href"] for link in page["links"] if link["rel"] == "next")
        page = ns("GET", following).json()
        seen += [each["id"] for each in page["items"]]
    assert (len(seen), len(set(seen)), page["totalResults"]) == (5, 5, 5)
    assert {link["rel"] for link in page["links"]} == {"first", "previous", "self"}
    assert refusal(ns("GET", "/customer", params={"limit": "2", "offset": "3"}))[:2] == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(
    ("q", "count"),
    [
        ('companyName IS "Filter One"', 1),
        ('companyName CONTAIN "ilter" AND creditLimit GREATER 100', 1),
        ('companyName START_WITH "Filter" AND (creditLimit BETWEEN [40, 60] OR creditLimit EQUAL 500)', 2),
        ('companyName START_WITH "Filter" AND email EMPTY', 1),
        ('companyName START_WITH "Filter" AND companyName IS_NOT "filter one"', 1),
        ('companyName START_WITH "Filter" AND lastModifiedDate ON_OR_AFTER "1/5/2026"', 2),
        ('companyName START_WITH "Filter" AND lastModifiedDate AFTER "1/5/2027"', 0),
    ],
)
def test_the_filter_language_finds(ns: Client, q: str, count: int) -> None:
    ns("PUT", "/customer/eid:F-1", {"companyName": "Filter One", "creditLimit": 500, "email": "a@b.example"})
    ns("PUT", "/customer/eid:F-2", {"companyName": "Filter Two", "creditLimit": 50})
    answer = ns("GET", "/customer", params={"q": q})
    assert answer.json().get("totalResults") == count, answer.text


@pytest.mark.parametrize(
    "q", ["nothing IS 1", "companyName AFTER 1", "companyName IS", '(companyName IS "a"', "tranDate"]
)
def test_a_filter_that_cannot_be_read_is_refused(ns: Client, q: str) -> None:
    assert refusal(ns("GET", "/customer", params={"q": q}))[:2] == (400, "INVALID_PARAMETER")


def test_a_fault_comes_in_netsuites_words(ns: Client, netsuite_face: Any, debtor: str) -> None:
    plan = {"kind": "rate_limit", "system": "erp", "operation": "create_ar_document"}
    made = netsuite_face.call("POST", "/faults", [plan])
    assert made.status == 201, made.json
    answer = ns("POST", "/invoice", an_invoice(ns, debtor))
    assert refusal(answer) == (429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")
    assert "retry-after" not in answer.headers
    netsuite_face.call("DELETE", "/faults")


@pytest.mark.by_client("list_legal_entity get_legal_entity list_period get_period list_term get_term get_currency")
@pytest.mark.by_client(
    "get_account list_account list_currency list_tax_code get_tax_code list_service_item get_service_item"
)
@pytest.mark.by_client("list_journal_entry get_journal_entry")
def test_the_lists_of_the_account_can_be_read(ns: Client, debtor: str) -> None:
    ns.made("/invoice", an_invoice(ns, debtor))
    for name in ("subsidiary", "accountingPeriod", "term", "currency", "account", "salesTaxItem", "serviceSaleItem"):
        found = ns("GET", f"/{name}/{ns.first(f'/{name}')}").json()
        assert found["links"][0]["rel"] == "self"
    closed = ns("GET", "/accountingPeriod", params={"q": "closed IS true"}).json()
    assert closed["count"] == 1
    assert ns("GET", f"/accountingPeriod/{closed['items'][0]['id']}").json()["periodName"] == "Dec 2025"
    entry = ns.expanded(f"/journalEntry/{ns.first('/journalEntry')}")
    lines = entry["line"]["items"]
    assert sum(each["debit"] for each in lines) == sum(each["credit"] for each in lines) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"tranDate": "2026-99-99"},
        {"tranDate": 5},
        {"exchangeRate": 1e300},
        {"currency": {"id": "999"}},
        {"entity": {"externalId": "NOBODY"}},
        {"item": {"items": [5]}},
        {"item": {"items": []}},
        {"item": "all"},
        {"externalId": "no blanks"},
        {"tranId": "x" * 200},
    ],
)
def test_what_cannot_be_taken_is_refused_and_changes_nothing(ns: Client, debtor: str, wrong: dict[str, Any]) -> None:
    before = ns("GET", "/invoice").json()["totalResults"]
    assert ns("POST", "/invoice", an_invoice(ns, debtor) | wrong).status_code == 400
    assert ns("GET", "/invoice").json()["totalResults"] == before


def test_a_customer_is_invoiced_by_his_own_subsidiary(ns: Client, debtor: str) -> None:
    other = ns.first("/subsidiary", q='name IS "Counterfoil Ltd"')
    answer = ns("POST", "/invoice", an_invoice(ns, debtor, subsidiary={"id": other}))
    assert refusal(answer)[1:] == (
        "INVALID_CONTENT",
        f"Error while accessing a resource. You have entered an Invalid Field Value {debtor} for the following field: entity",
    )


@pytest.mark.by_client("update_ar_document")
def test_a_posted_invoice_takes_a_memo_and_no_other_amount(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    assert ns("PATCH", f"/invoice/{invoice}", {"memo": "seen", "custbody_flag": True}).status_code == 204
    assert ns("GET", f"/invoice/{invoice}").json()["memo"] == "seen"
    lines = an_invoice(ns, debtor)["item"]
    assert refusal(ns("PATCH", f"/invoice/{invoice}", {"item": lines}))[:2] == (400, "USER_ERROR")
    assert refusal(ns("PATCH", f"/invoice/{invoice}", {"tranDate": "2026-01-12"}))[:2] == (400, "USER_ERROR")
    assert ns("DELETE", f"/customer/{debtor}").status_code == 400
    assert ns("DELETE", f"/invoice/{invoice}").status_code == 400


def test_an_answer_lost_after_the_commit_makes_a_second_invoice(ns: Client, netsuite_face: Any, debtor: str) -> None:
    plan = {"kind": "commit_then_500", "system": "erp", "operation": "create_ar_document"}
    assert netsuite_face.call("POST", "/faults", [plan]).status == 201
    lost = ns("POST", "/invoice", an_invoice(ns, debtor))
    assert refusal(lost)[:2] == (500, "UNEXPECTED_ERROR")
    netsuite_face.call("DELETE", "/faults")
    ns.made("/invoice", an_invoice(ns, debtor))
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{debtor}]"}).json()["totalResults"] == 2


@pytest.mark.by_client("create_service_item update_service_item delete_service_item")
def test_an_item_is_made_changed_and_deleted(ns: Client) -> None:
    item = ns.made("/serviceSaleItem", {"itemId": "TRAINING", "incomeAccount": {"id": "4010"}})
    assert ns("PATCH", f"/serviceSaleItem/{item}", {"displayName": "Training", "isInactive": True}).status_code == 204
    found = ns("GET", f"/serviceSaleItem/{item}").json()
    assert (found["displayName"], found["isInactive"], found["incomeAccount"]["id"]) == ("Training", True, "4010")
    again = ns("POST", "/serviceSaleItem", {"itemId": "TRAINING"})
    assert refusal(again) == (400, "USER_ERROR", "Error while accessing a resource. This entity already exists.")
    assert ns("DELETE", f"/serviceSaleItem/{item}").status_code == 204


def a_journal(ns: Any, *lines: tuple[str, str, float], **more: Any) -> dict[str, Any]:
    """A journal entry in January: lines of account, side and amount."""
    items = [{"account": {"id": account}, side: figure, "memo": "Accrual"} for account, side, figure in lines]
    company = ns.first("/subsidiary")
    return {
        "subsidiary": {"id": company},
        "tranDate": "2026-01-12",
        "memo": "Accrual",
        "line": {"items": items},
        **more,
    }


@pytest.mark.by_client("post_journal get_journal_entry")
def test_a_journal_entry_is_booked(ns: Any) -> None:
    made = ns.made(
        "/journalEntry", a_journal(ns, ("5010", "debit", 100.5), ("2510", "credit", 100.5), externalId="JE-1")
    )
    shown = ns.expanded(f"/journalEntry/{made}")
    assert (shown["externalId"], shown["memo"], shown["tranDate"], shown["approved"]) == (
        "JE-1",
        "Accrual",
        "2026-01-12",
        True,
    )
    lines = [(each["account"]["id"], each.get("debit"), each.get("credit")) for each in shown["line"]["items"]]
    assert lines == [("5010", 100.5, 0.0), ("2510", 0.0, 100.5)]
    again = ns("POST", "/journalEntry", a_journal(ns, ("5010", "debit", 1), ("2510", "credit", 1), externalId="JE-1"))
    assert refusal(again)[:2] == (400, "USER_ERROR")


@pytest.mark.parametrize(
    ("lines", "more", "words"),
    [
        ((("5010", "debit", 100), ("2510", "credit", 90)), {}, "The amounts in a journal entry must balance."),
        ((), {}, "You must enter at least one line"),
        ((("5010", "debit", 1), ("2510", "credit", 1)), {"tranDate": "2025-12-31"}, "not within the date range"),
        ((("5010", "debit", 1), ("2510", "credit", 1)), {"subsidiary": None}, "Please enter value(s) for: Subsidiary."),
        ((("9999999", "debit", 1), ("2510", "credit", 1)), {}, "Invalid Field Value 9999999"),
    ],
)
def test_a_journal_entry_that_cannot_be_booked_is_refused(ns: Any, lines: Any, more: Any, words: str) -> None:
    before = ns("GET", "/journalEntry").json()["totalResults"]
    answer = ns("POST", "/journalEntry", a_journal(ns, *lines, **more))
    assert answer.status_code == 400
    assert words in refusal(answer)[2]
    assert ns("GET", "/journalEntry").json()["totalResults"] == before


@pytest.mark.by_client("update_customer get_customer update_sales_order get_sales_order")
def test_a_sublist_is_written_at_its_own_address(ns: Any, debtor: str) -> None:
    def place(city: str) -> dict[str, Any]:
        return {"label": "Dock", "addressBookAddress": {"addr1": "1 Pier", "city": city, "country": {"id": "US"}}}

    added = ns("POST", f"/customer/{debtor}/addressBook", place("Boston"))
    where = added.headers["location"]
    assert (added.status_code, added.content) == (204, b"")
    assert ns("PATCH", where, {"addressBookAddress": {"city": "Salem"}}).status_code == 204
    line = ns("GET", where).json()
    assert (line["label"], line["addressBookAddress"]["city"], line["addressBookAddress"]["addr1"]) == (
        "Dock",
        "Salem",
        "1 Pier",
    )
    assert refusal(ns("PATCH", f"/customer/{debtor}/addressBook/999", {}))[:2] == (404, "NONEXISTENT_ID")
    order = {name: value for name, value in an_invoice(ns, debtor).items() if name != "tranDate"}
    made = ns.made("/salesOrder", order)
    item = order["item"]["items"][0]["item"]
    second = ns("POST", f"/salesOrder/{made}/item", {"item": item, "quantity": 2, "rate": 50}).headers["location"]
    assert second.endswith("/item/2")
    assert ns("PATCH", second, {"quantity": 3}).status_code == 204
    assert (ns("GET", second).json()["amount"], ns("GET", f"/salesOrder/{made}").json()["total"]) == (150.0, 1650.0)
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    assert refusal(ns("POST", f"/invoice/{invoice}/item", {"item": item, "rate": 1}))[:2] == (400, "USER_ERROR")
