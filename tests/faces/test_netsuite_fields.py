"""What fields of NetSuite's records refer to, what they show where nobody has said anything, and records that come many at a time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

pytest.importorskip("requests_oauthlib")
from netsuite_account import API, Client, an_invoice, refusal

MANY = {"Content-Type": "application/vnd.oracle.resource+json; type=collection", "Prefer": "respond-async"}


def unique(name: str) -> str:
    return f"{name}-{time.monotonic_ns()}"


def path_of(answer: Any) -> str:
    return str(answer.json()["o:errorDetails"][0]["o:errorPath"])


def results(ns: Client, taken: Any) -> list[int]:
    """The statuses of a job's tasks."""
    assert taken.status_code == 202, taken.text
    tasks = ns("GET", f"{taken.headers['location']}/task").json()["items"]
    return [ns("GET", f"{task['links'][0]['href']}/result").status_code for task in tasks]


# references


@pytest.mark.parametrize("field", ["department", "class", "location", "salesRep", "job"])
def test_what_a_transaction_is_sorted_by_must_be_there(ns: Client, debtor: str, field: str) -> None:
    answer = ns("POST", "/invoice", an_invoice(ns, debtor, **{field: {"id": "4242"}}))
    assert (refusal(answer)[:2], path_of(answer)) == ((400, "INVALID_CONTENT"), field)
    order = ns("POST", "/salesOrder", an_invoice(ns, debtor, **{field: {"id": "4242"}}))
    assert (refusal(order)[:2], path_of(order)) == ((400, "INVALID_CONTENT"), field)


def test_a_lines_department_is_shown_by_its_name(ns: Client, debtor: str) -> None:
    department = ns.made("/department", {"name": unique("Delivery")})
    body = an_invoice(ns, debtor, department={"id": department})
    body["item"]["items"][0]["department"] = department
    shown = ns.expanded(f"/invoice/{ns.made('/invoice', body)}")
    for each in (shown, shown["item"]["items"][0]):
        assert (each["department"]["id"], each["department"]["refName"][:8]) == (department, "Delivery")
    body["item"]["items"][0]["department"] = "99"
    assert path_of(ns("POST", "/invoice", body)) == "item.items[0].department"


def test_lines_of_an_entry_keep_what_they_are_sorted_by(ns: Client, debtor: str) -> None:
    department = ns.made("/department", {"name": unique("Finance")})
    lines = [
        {"account": {"id": "6100"}, "debit": 10, "department": {"id": department}, "entity": {"id": debtor}, "memo": "a"},
        {"account": {"id": "1210"}, "credit": 10},
    ]  # fmt: skip
    body = {"tranDate": "2026-01-10", "subsidiary": ns.first("/subsidiary"), "line": {"items": lines}}
    entry = ns.made("/journalEntry", body)
    first, second = ns.expanded(f"/journalEntry/{entry}")["line"]["items"]
    assert (first["department"]["id"], first["entity"]["id"], first["memo"]) == (department, debtor, "a")
    assert "department" not in second
    query = "SELECT department, entity, memo FROM transactionline WHERE transaction = ? ORDER BY id"
    found = ns(
        "POST", "/services/rest/query/v1/suiteql", {"q": query, "params": [entry]}, headers={"Prefer": "transient"}
    )
    said = [{name: value for name, value in row.items() if name != "links"} for row in found.json()["items"]]
    assert said == [{"department": department, "entity": debtor, "memo": "a"}, {}]


def test_what_applying_a_payment_books_concerns_its_customer(ns: Client) -> None:
    number = unique("C")[-20:]
    body = {"companyName": unique("Payer"), "entityId": number, "subsidiary": ns.first("/subsidiary")}
    payer = ns.made("/customer", body)
    invoice = ns.made("/invoice", an_invoice(ns, payer))
    ns.made(f"/invoice/{invoice}/!transform/customerPayment", {"tranDate": "2026-01-12"})
    query = (
        "SELECT SUM(a.amount) AS owed FROM transactionaccountingline a JOIN transactionline l ON l.transaction = a.transaction"
        " AND l.id = a.transactionline WHERE l.entity = ? AND a.account = '1200'"
    )
    found = ns(
        "POST", "/services/rest/query/v1/suiteql", {"q": query, "params": [payer]}, headers={"Prefer": "transient"}
    )
    assert found.json()["items"][0]["owed"] == "0"


def test_time_refers_to_a_job_and_its_task(ns: Client, debtor: str) -> None:
    job = ns.made("/job", {"companyName": unique("Rollout"), "parent": debtor})
    task = ns.made("/projectTask", {"company": job, "title": "Design"})
    worker = ns.made("/employee", {"firstName": "Eve", "lastName": unique("W")})
    body = {"employee": worker, "customer": job, "casetaskevent": task, "hours": 8, "approvalStatus": {"id": "3"}}
    shown = ns("GET", f"/timeBill/{ns.made('/timeBill', body)}").json()
    assert shown["customer"]["links"][0]["href"].endswith(f"/job/{job}")
    assert (shown["casetaskevent"]["refName"], shown["approvalStatus"]["refName"]) == ("Design", "Approved")
    for field in ("customer", "casetaskevent"):
        assert path_of(ns("POST", "/timeBill", {**body, field: {"id": "4242"}})) == field


def test_an_invoice_to_a_job_names_it(ns: Client, debtor: str) -> None:
    job = ns.made("/job", {"companyName": unique("Rollout"), "parent": debtor})
    for path in ("/invoice", "/salesOrder"):
        shown = ns("GET", f"{path}/{ns.made(path, an_invoice(ns, job))}").json()
        assert (shown["entity"]["id"], shown["job"]["id"]) == (debtor, job)


def test_a_payment_is_not_applied_to_a_strangers_invoice(ns: Client, debtor: str) -> None:
    stranger = ns.made("/customer", {"companyName": unique("Stranger"), "subsidiary": ns.first("/subsidiary")})
    child = ns.made(
        "/customer", {"companyName": unique("Child"), "subsidiary": ns.first("/subsidiary"), "parent": debtor}
    )
    theirs, below = (ns.made("/invoice", an_invoice(ns, each)) for each in (stranger, child))
    line = {"doc": {"id": theirs}, "apply": True, "amount": 10}
    body = {"customer": debtor, "payment": 10, "apply": {"items": [line]}}
    answer = ns("POST", "/customerPayment", body)
    assert (refusal(answer)[:2], path_of(answer)) == ((400, "INVALID_CONTENT"), "apply.items[0].doc")
    payment = ns.made("/customerPayment", {"customer": debtor, "payment": 20})
    later = ns("PATCH", f"/customerPayment/{payment}", {"apply": {"items": [line]}})
    assert refusal(later)[:2] == (400, "INVALID_CONTENT")
    ns.made("/customerPayment", {**body, "apply": {"items": [{**line, "doc": {"id": below}}]}})
    assert ns("GET", f"/invoice/{below}").json()["amountPaid"] == 10.0


# what is filled in


def test_an_invoice_shows_terms_approval_and_no_discount(ns: Client) -> None:
    terms = ns("GET", "/term").json()["items"][0]["id"]
    body = {"companyName": unique("Terms"), "subsidiary": ns.first("/subsidiary"), "terms": {"id": terms}}
    shown = ns("GET", f"/invoice/{ns.made('/invoice', an_invoice(ns, ns.made('/customer', body)))}").json()
    assert (shown["terms"]["id"], shown["approvalStatus"]) == (terms, {"id": "2", "refName": "Approved"})
    assert shown["discountTotal"] == 0.0


def test_an_order_adds_up_its_lines_and_their_tax(ns: Client, debtor: str) -> None:
    body = an_invoice(ns, debtor)
    body["item"]["items"][0]["tax1Amt"] = 120
    order = ns.made("/salesOrder", body)
    shown = ns.expanded(f"/salesOrder/{order}")
    assert [shown[name] for name in ("subtotal", "taxTotal", "total")] == [1500.0, 120.0, 1620.0]
    assert shown["item"]["items"][0]["grossAmt"] == 1620.0
    found = ns("POST", "/services/rest/query/v1/suiteql", {"q": f"SELECT foreigntotal FROM transaction WHERE id = {order}"},
               headers={"Prefer": "transient"})  # fmt: skip
    assert found.json()["items"][0]["foreigntotal"] == "1620"
    invoice = ns.made(f"/salesOrder/{order}/!transform/invoice", {"tranDate": "2026-01-12"})
    assert ns("GET", f"/invoice/{invoice}").json()["total"] == 1620.0


def test_two_customers_are_not_called_the_same(ns: Client) -> None:
    body = {"companyName": unique("Twin"), "subsidiary": ns.first("/subsidiary")}
    ns.made("/customer", body)
    again = ns("POST", "/customer", body)
    assert refusal(again) == (400, "USER_ERROR", "Error while accessing a resource. This entity already exists.")
    ns.made("/customer", {**body, "entityId": unique("T")[-20:]})
    number = ns.made("/customer", {**body, "companyName": unique("Other"), "entityId": unique("N")[-20:]})
    named = ns("GET", f"/customer/{number}").json()["entityId"]
    assert refusal(ns("POST", "/customer", {**body, "companyName": named}))[:2] == (400, "USER_ERROR")


def test_a_customer_has_a_list_of_currencies_and_what_is_owed_in_each(ns: Client) -> None:
    dollars, euros, pounds = (ns("GET", f"/currency/{number}").json() for number in (1, 2, 3))
    lines = {"items": [{"currency": {"id": euros["id"]}}]}
    body = {"companyName": unique("Many"), "subsidiary": ns.first("/subsidiary"), "currencyList": lines}
    customer = ns.made("/customer", body)
    ns.made("/invoice", an_invoice(ns, customer, currency={"id": euros["id"]}, exchangeRate=1.1))

    def told() -> list[tuple[str, float]]:
        items = ns.expanded(f"/customer/{customer}")["currencyList"]["items"]
        return [(line["currency"]["refName"], line["balance"]) for line in items]

    assert told() == [(dollars["name"], 0.0), (euros["name"], 1620.0)]
    added = {"currencyList": {"items": [{"currency": pounds["id"]}, {"currency": euros["id"]}]}}
    assert ns("PATCH", f"/customer/{customer}", added).status_code == 204
    assert [name for name, _ in told()] == ["USD", "EUR", "GBP"]
    where = f"/customer/{customer}?replace=currencyList"
    assert ns("PATCH", where, {"currencyList": {"items": []}}).status_code == 204
    assert told() == [("USD", 0.0)]
    answer = ns("PATCH", f"/customer/{customer}", {"currencyList": {"items": [{"currency": {"id": "999"}}]}})
    assert (refusal(answer)[:2], path_of(answer)) == ((400, "INVALID_CONTENT"), "currencyList.items[0].currency")


def test_lines_say_where_they_are(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_invoice(ns, debtor))
    (line,) = ns("GET", f"/salesOrder/{order}/item").json()["items"]
    assert ns("GET", line["links"][0]["href"]).json()["quantity"] == 10


@pytest.mark.parametrize("value", [{}, [], {"id": "ACTIVE"}, 5, "NOTHING"])
def test_a_word_that_there_is_not_is_refused(ns: Client, debtor: str, value: Any) -> None:
    answer = ns("PATCH", f"/customer/{debtor}", {"custentity_tax_status": value})
    assert (refusal(answer)[:2], path_of(answer)) == ((400, "INVALID_CONTENT"), "custentity_tax_status")
    body = an_invoice(ns, debtor)
    body["item"]["items"][0]["custcol_line_type"] = value
    assert path_of(ns("POST", "/invoice", body)) == "item.items[0].custcol_line_type"


def test_an_exchange_rate_is_positive(ns: Client, debtor: str) -> None:
    answer = ns("POST", "/invoice", an_invoice(ns, debtor, exchangeRate=-1))
    assert (refusal(answer)[:2], path_of(answer)) == ((400, "USER_ERROR"), "exchangeRate")


# what callers wish


@pytest.mark.parametrize("header", ["X-NetSuite-PropertyNameValidation", "X-NetSuite-PropertyValueValidation"])
def test_a_wish_that_there_is_not_is_refused(ns: Client, header: str) -> None:
    answer = ns("POST", "/department", {"name": unique("D")}, headers={header: "strict"})
    assert refusal(answer)[:2] == (400, "INVALID_HEADER")
    assert answer.json()["o:errorDetails"][0]["o:errorHeader"] == header


def test_selected_fields_alone_are_deleted(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_invoice(ns, debtor, memo="old", otherRefNum="PO-1"))
    changes = {"memo": None, "otherRefNum": None}
    assert refusal(ns("PATCH", f"/salesOrder/{order}?replace=memo", changes))[:2] == (400, "INVALID_PARAMETER")
    where = f"/salesOrder/{order}?replaceSelectedFields=true&replace=memo"
    assert ns("PATCH", where, changes).status_code == 204
    shown = ns("GET", f"/salesOrder/{order}").json()
    assert ("memo" in shown, shown["otherRefNum"]) == (False, "PO-1")
    unknown = ns("PATCH", f"/salesOrder/{order}?replaceSelectedFields=true&replace=nothing", changes)
    assert refusal(unknown)[:2] == (400, "INVALID_PARAMETER")


def test_an_idempotency_key_that_is_known_leads_to_its_job(ns: Client, debtor: str) -> None:
    wish = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": unique("key")}
    first = ns("POST", "/invoice", an_invoice(ns, debtor), headers=wish)
    for body in (an_invoice(ns, debtor), an_invoice(ns, debtor, memo="another")):
        again = ns("POST", "/invoice", body, headers=wish)
        assert (refusal(again)[:2], again.json()["title"]) == ((400, "IDEMPOTENCY_ERROR"), "Conflict")
        assert again.headers["location"] == first.headers["location"]
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{debtor}]"}).json()["totalResults"] == 1


def test_what_is_read_asynchronously_is_the_same(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    taken = ns("GET", f"/invoice/{invoice}", headers={"Prefer": "respond-async"})
    assert taken.status_code == 202
    result = ns("GET", f"{taken.headers['location']}/task/1/result")
    assert (result.status_code, result.text) == (200, ns("GET", f"/invoice/{invoice}").text)
    assert result.headers["content-type"].endswith("type=singular")


def test_many_are_made_changed_and_deleted_at_a_time(ns: Client) -> None:
    first, second = unique("U1"), unique("U2")
    old = ns.made("/customer", {"companyName": first, "subsidiary": ns.first("/subsidiary"), "externalId": first})
    items = [
        {"externalId": first, "phone": "7"},
        {"externalId": second, "companyName": second, "subsidiary": {"id": ns.first("/subsidiary")}},
        {"phone": "1"},
    ]
    put = ns("PUT", "/customer", data=json.dumps({"items": items}), headers=MANY)
    assert results(ns, put) == [204, 204, 400]
    assert ns("GET", f"/customer/{old}").json()["phone"] == "7"
    new = ns("GET", f"/customer/eid:{second}").json()["id"]
    assert refusal(ns("DELETE", f"/customer?ids={old},{new}"))[:2] == (400, "INVALID_HEADER")
    assert ns("DELETE", "/customer").status_code == 405
    gone = ns("DELETE", f"/customer?ids={old},{new},99", headers={"Prefer": "respond-async"})
    assert results(ns, gone) == [204, 204, 404]
    assert ns("GET", f"/customer/{old}").status_code == 404


def test_a_token_for_restlets_alone_opens_no_records(books: dict[str, Any]) -> None:
    jwt = pytest.importorskip("jwt")
    import requests

    keys, now = books["credentials"], int(time.time())
    for scope, status in (("restlets", 401), ("restlets,rest_webservices", 200)):
        said = {
            "iss": keys["oauth2_client_id"],
            "scope": scope,
            "aud": keys["oauth2_token_url"],
            "iat": now,
            "exp": now + 600,
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(
                said, keys["oauth2_private_key"], "ES256", {"kid": keys["oauth2_certificate_id"]}
            ),
        }
        token = requests.post(keys["oauth2_token_url"], data=form, timeout=30).json()["access_token"]
        answer = requests.get(f"{books['url']}{API}/term", headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == status


def test_the_catalogue_tells_of_transforms(ns: Client) -> None:
    wish = {"Accept": "application/swagger+json"}
    document = ns("GET", "/metadata-catalog", params={"select": "invoice"}, headers=wish).json()
    assert "/invoice/{id}/!transform/customerPayment" in document["paths"]
