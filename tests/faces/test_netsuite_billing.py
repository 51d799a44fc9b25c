"""From order to cash over the NetSuite face: orders billed in parts, their lines, periods, tax details and what payments are applied to."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytest.importorskip("requests_oauthlib")
from netsuite_account import Client, an_invoice, refusal

SUITEQL = "/services/rest/query/v1/suiteql"


def an_order(ns: Client, debtor: str, **more: Any) -> dict[str, Any]:
    """An order of 10 hours at 150 and a day at 1000."""
    item = ns.first("/serviceSaleItem")
    lines = [
        {"item": {"id": item}, "quantity": 10, "rate": 150, "description": "Hours"},
        {"item": {"id": item}, "quantity": 1, "rate": 1000, "description": "Day"},
    ]
    return {"entity": {"id": debtor}, "tranDate": "2026-01-05", "item": {"items": lines}, **more}


def lines_of(ns: Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ns.expanded(path)["item"]["items"]
    return found


def asked(ns: Client, query: str, *params: Any) -> list[dict[str, str]]:
    answer = ns("POST", SUITEQL, {"q": query, "params": list(params)}, headers={"Prefer": "transient"})
    assert answer.status_code == 200, answer.text
    return [{name: value for name, value in row.items() if name != "links"} for row in answer.json()["items"]]


# orders


@pytest.mark.by_client("create_sales_order get_sales_order create_ar_document")
def test_an_order_is_billed_in_parts_line_by_line(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor))
    before = lines_of(ns, f"/salesOrder/{order}")
    assert [(line["quantityBilled"], line["isClosed"]) for line in before] == [(0, False), (0, False)]
    part = {"tranDate": "2026-01-12", "item": {"items": [{"orderLine": 1, "quantity": 4}]}}
    first = ns.made(f"/salesOrder/{order}/!transform/invoice?replace=item", part)
    (billed,) = lines_of(ns, f"/invoice/{first}")
    assert (billed["amount"], billed["orderLine"], billed["orderDoc"]["id"]) == (600.0, 1, order)
    state = ns("GET", f"/salesOrder/{order}").json()
    assert (state["status"]["refName"], state["orderStatus"]["id"]) == ("Pending Billing", "F")
    assert [line["quantityBilled"] for line in lines_of(ns, f"/salesOrder/{order}")] == [4, 0]
    rest = ns.made(f"/salesOrder/{order}/!transform/invoice", {"tranDate": "2026-01-19"})
    assert [line["amount"] for line in lines_of(ns, f"/invoice/{rest}")] == [900.0, 1000.0]
    assert [line["quantityBilled"] for line in lines_of(ns, f"/salesOrder/{order}")] == [10, 1]
    assert ns("GET", f"/salesOrder/{order}").json()["status"] == {"id": "G", "refName": "Billed"}
    assert refusal(ns("POST", f"/salesOrder/{order}/!transform/invoice"))[:2] == (400, "USER_ERROR")
    assert asked(ns, "SELECT status, BUILTIN.DF(status) AS said FROM transaction WHERE id = ?", order) == [
        {"status": "G", "said": "Sales Order : Billed"}
    ]


def test_a_line_of_the_body_changes_the_orders_line_and_the_others_stay(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor))
    body = {"tranDate": "2026-01-12", "item": {"items": [{"orderLine": 2, "rate": 900}]}}
    invoice = ns.made(f"/salesOrder/{order}/!transform/invoice", body)
    assert [line["amount"] for line in lines_of(ns, f"/invoice/{invoice}")] == [1500.0, 900.0]
    wrong = {"item": {"items": [{"orderLine": 3, "quantity": 1}]}}
    other = ns.made("/salesOrder", an_order(ns, debtor))
    answer = ns("POST", f"/salesOrder/{other}/!transform/invoice", wrong)
    assert refusal(answer)[:2] == (400, "INVALID_CONTENT")
    assert answer.json()["o:errorDetails"][0]["o:errorPath"] == "item.items[0].orderLine"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"orderStatus": {"id": "A"}}, "A"),
        ({"orderStatus": "C"}, "C"),
        ({"item": {"items": [{"line": 1, "isClosed": True}, {"line": 2, "isClosed": True}]}}, "H"),
    ],
)
def test_an_order_that_waits_or_is_closed_is_not_billed(
    ns: Client, debtor: str, change: dict[str, Any], state: str
) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor))
    assert ns("PATCH", f"/salesOrder/{order}", change).status_code == 204
    assert ns("GET", f"/salesOrder/{order}").json()["status"]["id"] == state
    before = ns("GET", "/invoice").json()["totalResults"]
    assert refusal(ns("POST", f"/salesOrder/{order}/!transform/invoice"))[:2] == (400, "USER_ERROR")
    assert ns("GET", "/invoice").json()["totalResults"] == before
    assert refusal(ns("PATCH", f"/salesOrder/{order}", {"orderStatus": "X"}))[:2] == (400, "INVALID_CONTENT")


def test_records_and_queries_agree_on_the_state_of_an_order_that_was_made_closed(ns: Client, debtor: str) -> None:
    body = an_order(ns, debtor)
    for line in body["item"]["items"]:
        line["isClosed"] = True
    order = ns.made("/salesOrder", body)
    assert ns("GET", f"/salesOrder/{order}").json()["status"]["id"] == "H"
    assert asked(ns, "SELECT status FROM transaction WHERE id = ?", order) == [{"status": "H"}]


@pytest.mark.by_client("update_sales_order")
def test_a_line_that_is_named_keeps_what_is_not_said_of_it(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor))
    where = f"/salesOrder/{order}"
    assert ns("PATCH", where, {"item": {"items": [{"line": 1, "quantity": 3}]}}).status_code == 204
    assert [(line["quantity"], line["amount"], line["description"]) for line in lines_of(ns, where)] == [
        (3, 450.0, "Hours"), (1, 1000.0, "Day")]  # fmt: skip
    named = {"item": {"items": [{"line": 2, "description": "Two days"}]}}
    assert refusal(ns("PATCH", f"{where}?replace=item", named))[:2] == (400, "USER_ERROR")
    assert ns("PATCH", f"{where}?replace=item&replaceSelectedFields=true", named).status_code == 204
    assert [(line["quantity"], line["description"]) for line in lines_of(ns, where)] == [(1, "Two days")]
    answer = ns("PATCH", f"{where}?replace=nix", named)
    assert refusal(answer)[:2] == (400, "INVALID_PARAMETER")
    assert answer.json()["o:errorDetails"][0]["o:errorQueryParam"] == "replace"


@pytest.mark.by_client("update_sales_order update_customer")
def test_a_line_is_taken_away_at_its_own_address(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor))
    assert ns("DELETE", f"/salesOrder/{order}/item/1").status_code == 204
    assert [(line["line"], line["description"]) for line in lines_of(ns, f"/salesOrder/{order}")] == [(1, "Day")]
    assert refusal(ns("DELETE", f"/salesOrder/{order}/item/2"))[:2] == (404, "NONEXISTENT_ID")
    for label in ("HQ", "Dock"):
        place = {"label": label, "addressBookAddress": {"addr1": "1 Pier", "country": {"id": "US"}}}
        where = ns("POST", f"/customer/{debtor}/addressBook", place).headers["location"]
    assert ns("DELETE", where).status_code == 204
    assert [line["label"] for line in ns("GET", f"/customer/{debtor}/addressBook").json()["items"]] == ["HQ"]
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    assert ns("DELETE", f"/invoice/{invoice}/item/1").status_code == 405


# posting


@pytest.mark.parametrize("path", ["/invoice", "/customerPayment", "/journalEntry"])
def test_a_period_that_is_named_is_the_open_one_of_the_day(ns: Client, debtor: str, path: str) -> None:
    company = ns.first("/subsidiary")
    bodies: dict[str, dict[str, Any]] = {
        "/invoice": an_invoice(ns, debtor),
        "/customerPayment": {"customer": debtor, "payment": 5, "tranDate": "2026-01-10"},
        "/journalEntry": {"subsidiary": company, "tranDate": "2026-01-10", "line": {"items": [
            {"account": "4000", "debit": 5}, {"account": "1000", "credit": 5}]}},
    }  # fmt: skip
    ids = {row["periodname"]: row["id"] for row in asked(ns, "SELECT id, periodname FROM accountingperiod")}
    before = ns("GET", path).json()["totalResults"]
    for wrong in (ids["Dec 2025"], "42"):
        answer = ns("POST", path, {**bodies[path], "postingPeriod": {"id": wrong}})
        assert refusal(answer) == (
            400, "INVALID_CONTENT", f"Error while accessing a resource. Invalid postingperiod reference key {wrong}.")  # fmt: skip
    assert ns("GET", path).json()["totalResults"] == before
    made = ns.made(path, {**bodies[path], "postingPeriod": {"id": ids["Jan 2026"]}})
    assert ns("GET", f"{path}/{made}").json()["postingPeriod"]["refName"] == "Jan 2026"


def test_a_line_says_how_it_is_taxed(ns: Client, debtor: str) -> None:
    found = ns.expanded(f"/invoice/{ns.made('/invoice', an_invoice(ns, debtor))}")
    (line,) = found["item"]["items"]
    assert (line["taxRate1"], line["tax1Amt"], line["isTaxable"], line["price"]["id"]) == (8.0, 120.0, True, "-1")
    (taxed,) = found["taxDetails"]["items"]
    assert (taxed["taxRate"], taxed["taxBasis"], taxed["taxAmount"]) == (8.0, 1500.0, 120.0)
    assert taxed["taxCode"]["refName"] == "US-8"
    assert taxed["taxDetailsReference"] == str(line["lineUniqueKey"])


def test_an_applied_payment_shows_what_it_pays_and_stays_applied(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    body = {"customer": debtor, "payment": 1000, "apply": {"items": [{"doc": invoice, "amount": 600}]}}
    payment = ns.made("/customerPayment", body)
    (line,) = ns.expanded(f"/customerPayment/{payment}")["apply"]["items"]
    assert (line["line"], line["amount"], line["total"], line["due"]) == (1, 600.0, 1620.0, 1020.0)
    for back in ({"apply": False}, {"amount": 599.99}):
        answer = ns("PATCH", f"/customerPayment/{payment}", {"apply": {"items": [{"doc": invoice, **back}]}})
        assert refusal(answer)[:2] == (400, "USER_ERROR")
        assert answer.json()["o:errorDetails"][0]["o:errorPath"] == "apply.items[0].amount"
    assert ns("GET", f"/customerPayment/{payment}").json()["unapplied"] == 400.0
    for _ in range(2):  # a retry says the same again
        assert ns("PATCH", f"/customerPayment/{payment}/apply/1", {"amount": 700}).status_code == 204
    assert ns("GET", f"/customerPayment/{payment}").json()["unapplied"] == 300.0
    paid = asked(
        ns,
        "SELECT amountpaid, amountunpaid FROM transactionaccountingline WHERE transaction = ? AND account = 1200",
        invoice,
    )
    assert paid == [{"amountpaid": "700", "amountunpaid": "920"}]


@pytest.mark.parametrize("path", ["/customerPayment", "/customerDeposit"])
@pytest.mark.parametrize(
    "change",
    [{"payment": 5}, {"tranDate": "2026-01-11"}, {"currency": {"id": "2"}}, {"exchangeRate": 2}, {"checkNum": "other"}],
)
def test_money_that_is_booked_is_not_edited(ns: Client, debtor: str, path: str, change: dict[str, Any]) -> None:
    where = f"{path}/{ns.made(path, {'customer': debtor, 'payment': 10, 'tranDate': '2026-01-10'})}"
    before = ns("GET", where).json()
    answer = ns("PATCH", where, {"memo": "changed", **change})
    assert refusal(answer)[:2] == (400, "USER_ERROR")
    assert answer.json()["o:errorDetails"][0]["o:errorPath"] == next(iter(change))
    assert ns("GET", where).json() == before
    assert ns("PATCH", where, {"memo": "changed"}).status_code == 204


def test_the_terms_of_a_posted_invoice_stay(ns: Client, debtor: str) -> None:
    where = f"/invoice/{ns.made('/invoice', an_invoice(ns, debtor, terms={'id': '2'}))}"
    assert refusal(ns("PATCH", where, {"terms": {"id": "3"}}))[:2] == (400, "USER_ERROR")
    assert ns("PATCH", where, {"terms": {"id": "2"}, "memo": "the same"}).status_code == 204


# customers


def test_a_person_has_both_names_and_everyone_has_a_name_for_people(ns: Client, debtor: str) -> None:
    half = {"isPerson": True, "firstName": "Ada"}
    assert refusal(ns("POST", "/customer", half)) == (
        400, "USER_ERROR", "Error while accessing a resource. You must enter a value for Last Name.")  # fmt: skip
    person = ns.made("/customer", {**half, "lastName": "Byron"})
    assert ns("GET", f"/customer/{person}").json()["entityId"] == "Ada Byron"
    assert asked(ns, "SELECT entityid FROM customer WHERE id = ?", person) == [{"entityid": "Ada Byron"}]
    employee = ns.made("/employee", {"firstName": "Eve", "lastName": "Field"})
    assert ns("GET", f"/employee/{employee}").json()["entityId"] == "Eve Field"


def test_an_address_is_read_at_its_own_address_and_simply(ns: Client, debtor: str) -> None:
    place = {"label": "HQ", "addressBookAddress": {"addr1": "1 Pier", "country": {"id": "US"}}}
    where = ns("POST", f"/customer/{debtor}/addressBook", place).headers["location"]
    assert ns("GET", f"{where}/addressBookAddress").json()["addr1"] == "1 Pier"
    assert ns("GET", f"/customer/{debtor}/addressBook/999/addressBookAddress").status_code == 404
    simple = {"expandSubResources": "true", "simpleEnumFormat": "true"}
    book = ns("GET", f"/customer/{debtor}", params=simple).json()["addressBook"]
    assert [line["addressBookAddress"]["country"] for line in book["items"]] == ["US"]


@pytest.mark.by_client("update_customer list_customer")
def test_a_collection_of_changes_changes_record_by_record(ns: Client, debtor: str) -> None:
    mark = f"EACH-{time.monotonic_ns()}"
    ns("PATCH", f"/customer/{debtor}", {"externalId": mark})
    items = [{"externalId": mark, "phone": "77"}, {"id": debtor, "email": "x@y.example"}, {"phone": "9"}]
    media = {"Content-Type": "application/vnd.oracle.resource+json; type=collection", "Prefer": "respond-async"}
    job = ns("PATCH", "/customer", {"items": items}, headers=media).headers["location"]
    tasks = [ns("GET", f"{job}/task/{number}").json()["progress"] for number in (1, 2, 3)]
    assert tasks == ["succeeded", "succeeded", "failed"]
    found = ns("GET", f"/customer/{debtor}").json()
    assert (found["phone"], found["email"]) == ("77", "x@y.example")
    assert refusal(ns("PATCH", "/customer", items[0]))[:2] == (400, "INVALID_HEADER")
    picked = ns("GET", "/customer", params={"ids": f"{debtor},9"}).json()
    assert [each["id"] for each in picked["items"]] == [debtor]


# queries


@pytest.mark.parametrize(
    "query",
    [
        "SELECT employee FROM transaction",
        "SELECT department, class, location FROM transactionline",
        "SELECT parent FROM accountingperiod",
        "SELECT externalid FROM account",
        "SELECT source, quantity, amount FROM revenueelement",
        "SELECT amount FROM revenueplan",
    ],
)
def test_the_columns_that_integrations_lean_on_can_be_asked_for(ns: Client, query: str) -> None:
    asked(ns, query)


def test_a_refused_query_says_once_what_is_wrong(ns: Client) -> None:
    answer = ns("POST", SUITEQL, {"q": "SELECT foo FROM customer"}, headers={"Prefer": "transient"})
    assert refusal(answer)[2] == (
        "Invalid search query. Detailed unprocessed description follows. Search error occurred: Field 'foo' not found."
    )


def test_a_lines_department_and_a_sales_rep_are_seen_by_queries(ns: Client, debtor: str) -> None:
    employee = ns.made("/employee", {"firstName": "Sal", "lastName": "Rep"})
    department = ns.made("/department", {"name": "Delivery"})
    body = an_invoice(ns, debtor, salesRep={"id": employee})
    body["item"]["items"][0]["department"] = {"id": department}
    invoice = ns.made("/invoice", body)
    assert asked(ns, "SELECT BUILTIN.DF(employee) AS who, BUILTIN.DF(type) AS what FROM transaction WHERE id = ?", invoice) == [
        {"who": "Sal Rep", "what": "Invoice"}
    ]  # fmt: skip
    lines = asked(
        ns, "SELECT BUILTIN.DF(department) AS part FROM transactionline WHERE transaction = ? AND item IS NOT NULL", invoice
    )  # fmt: skip
    assert lines == [{"part": "Delivery"}]


# deposits, items, states


@pytest.mark.by_client("receive_payment get_payment list_payment apply_payment get_deposit_application")
@pytest.mark.by_client("list_deposit_application")
def test_a_deposit_waits_and_is_applied_by_a_record_of_its_own(ns: Client, netsuite_face: Any, debtor: str) -> None:
    deposit = ns.made(
        "/customerDeposit", {"customer": debtor, "payment": 500, "tranDate": "2026-01-06", "memo": "Retainer"}
    )
    found = ns("GET", f"/customerDeposit/{deposit}").json()
    assert (found["payment"], found["status"]["id"], found["memo"]) == (500.0, "Deposited", "Retainer")
    assert ns("GET", f"/customerPayment/{deposit}").status_code == 404
    assert ns("GET", f"/customer/{debtor}").json()["depositBalance"] == 500.0
    of_debtor = {"q": f"customer ANY_OF [{debtor}]"}
    assert [
        ns("GET", path, params=of_debtor).json()["totalResults"] for path in ("/customerDeposit", "/customerPayment")
    ] == [1, 0]
    assert deposit not in {row["id"] for row in ns("GET", "/customerPayment").json()["items"]}
    first, second = (ns.made("/invoice", an_invoice(ns, debtor)) for _ in range(2))
    lines = [
        {"doc": {"id": first}, "apply": True, "amount": 300},
        {"doc": {"id": second}, "apply": True, "amount": 200},
    ]
    body = {"apply": {"items": lines}}
    application = ns.made(f"/customerDeposit/{deposit}/!transform/depositApplication", body)
    shown = ns.expanded(f"/depositApplication/{application}")
    assert (shown["deposit"]["id"], shown["customer"]["id"], shown["total"]) == (deposit, debtor, 500.0)
    assert [(line["doc"]["id"], line["amount"]) for line in shown["apply"]["items"]] == [
        (first, 300.0),
        (second, 200.0),
    ]
    same = ns("GET", "/depositApplication", params={"q": f"deposit ANY_OF [{deposit}]"}).json()["items"]
    assert [each["id"] for each in same] == [application]
    assert refusal(ns("DELETE", f"/depositApplication/{application}"))[:2] == (400, "USER_ERROR")
    assert ns("GET", f"/invoice/{first}").json()["amountRemaining"] == 1320.0
    assert ns("GET", f"/customer/{debtor}").json()["depositBalance"] == 0.0
    assert ns("GET", f"/customerDeposit/{deposit}").json()["status"]["id"] == "Fully Applied"
    again = ns("POST", f"/customerDeposit/{deposit}/!transform/depositApplication", body)
    assert refusal(again)[:2] == (400, "USER_ERROR")
    told = asked(ns, "SELECT type, posting, BUILTIN.DF(status) AS said FROM transaction WHERE entity = ? AND type IN ('CustDep', 'DepAppl')"
                     " ORDER BY type", debtor)  # fmt: skip
    assert told == [
        {"type": "CustDep", "posting": "T", "said": "Customer Deposit : Fully Applied"},
        {"type": "DepAppl", "posting": "T", "said": "Deposit Application : Fully Applied"},
    ]
    payment = netsuite_face.call("GET", f"/systems/erp/payments/{deposit}").json
    assert (payment["applied"]["minor"], payment["status"]) == (50000, "APPLIED")


@pytest.mark.parametrize("apply", [None, [], [{"doc": "9", "amount": 1}], [{"amount": 501}]])
def test_a_deposit_that_cannot_be_applied_so_stays_whole(ns: Client, debtor: str, apply: Any) -> None:
    deposit = ns.made("/customerDeposit", {"customer": debtor, "payment": 500})
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    lines = [{"doc": invoice, **line} for line in apply] if apply else apply
    body = {} if lines is None else {"apply": {"items": lines}}
    answer = ns("POST", f"/customerDeposit/{deposit}/!transform/depositApplication", body)
    assert answer.status_code == 400
    assert ns("GET", f"/customer/{debtor}").json()["depositBalance"] == 500.0


def test_a_non_inventory_item_is_sold_like_a_service(ns: Client, debtor: str) -> None:
    body = {"itemId": f"LICENCE-{time.monotonic_ns()}", "incomeAccount": {"id": "4010"}}
    item = ns.made("/nonInventorySaleItem", body)
    assert ns("GET", f"/serviceSaleItem/{item}").status_code == 404
    assert asked(ns, "SELECT itemtype FROM item WHERE id = ?", item) == [{"itemtype": "NonInvtPart"}]
    lines = {"item": {"items": [{"item": {"id": item}, "quantity": 2, "rate": 5}]}}
    invoice = ns.made("/invoice", {**an_invoice(ns, debtor), **lines})
    (line,) = lines_of(ns, f"/invoice/{invoice}")
    assert line["item"]["links"][0]["href"].endswith(f"/nonInventorySaleItem/{item}")
    assert ns("PATCH", f"/nonInventorySaleItem/{item}", {"isInactive": True}).status_code == 204
    answer = ns("POST", "/invoice", {**an_invoice(ns, debtor), **lines})
    assert refusal(answer)[:2] == (400, "INVALID_CONTENT")
    assert answer.json()["o:errorDetails"][0]["o:errorPath"] == "item.items[0].item"


@pytest.mark.parametrize(
    ("said", "kept"), [("8:00", "8:00"), (7.5, "7:30"), ("1.25", "1:15"), ("abc", None), ("7:75", None), (-1, None)]
)
def test_hours_are_kept_as_hours_and_minutes(ns: Client, said: Any, kept: str | None) -> None:
    employee = ns.made("/employee", {"firstName": "Eve", "lastName": f"{time.monotonic_ns()}"})
    answer = ns("POST", "/timeBill", {"employee": {"id": employee}, "hours": said})
    if kept is None:
        assert refusal(answer)[:2] == (400, "INVALID_CONTENT")
    else:
        assert ns("GET", answer.headers["location"]).json()["hours"] == kept


def test_a_projects_state_is_read_by_its_name(ns: Client, debtor: str) -> None:
    job = ns.made("/job", {"companyName": "Rollout", "parent": debtor, "entityStatus": {"id": "2"}})
    assert ns("GET", f"/job/{job}").json()["entityStatus"] == {"id": "2", "refName": "In Progress"}
    assert refusal(ns("PATCH", f"/job/{job}", {"entityStatus": {"id": "99"}}))[:2] == (400, "INVALID_CONTENT")
    assert ns("PATCH", f"/job/{job}", {"entityStatus": {"id": "1"}}).status_code == 204
    assert ns("GET", f"/job/{job}").json()["entityStatus"]["refName"] == "Closed"


def test_two_customers_have_no_name_for_people_in_common(ns: Client, debtor: str) -> None:
    name = f"E{time.monotonic_ns()}"[:20]
    assert ns("PATCH", f"/customer/{debtor}", {"entityId": name}).status_code == 204
    answer = ns("POST", "/customer", {"companyName": "Another", "entityId": name})
    assert refusal(answer) == (400, "USER_ERROR", "Error while accessing a resource. This entity already exists.")
    other = ns.made("/customer", {"companyName": "Another"})
    assert refusal(ns("PATCH", f"/customer/{other}", {"entityId": name}))[:2] == (400, "USER_ERROR")
    assert ns("PATCH", f"/customer/{debtor}", {"entityId": name, "phone": "1"}).status_code == 204


def test_a_value_that_cannot_be_is_passed_over_where_the_caller_wishes_so(ns: Client, debtor: str) -> None:
    header, body = "X-NetSuite-PropertyValueValidation", {"creditLimit": "a lot", "phone": "5"}
    where = f"/customer/{debtor}"
    assert refusal(ns("PATCH", where, body))[:2] == (400, "INVALID_CONTENT")
    assert "phone" not in ns("GET", where).json()
    warned = ns("PATCH", where, body, headers={header: "warning"})
    assert (warned.status_code, warned.headers["x-netsuite-warning"]) == (
        204,
        "Invalid values were ignored: creditLimit",
    )
    assert ns("GET", where).json()["phone"] == "5"
    quiet = ns("PATCH", where, body, headers={header: "ignore"})
    assert (quiet.status_code, "x-netsuite-warning" in quiet.headers) == (204, False)
    quiet = ns("PATCH", where, {"foo": 1}, headers={"X-NetSuite-PropertyNameValidation": "ignore"})
    assert (quiet.status_code, "x-netsuite-warning" in quiet.headers) == (204, False)


def test_what_others_hang_on_is_not_deleted(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor, terms={"id": "2"}, custbody_region="East"))
    assert refusal(ns("DELETE", f"/customer/{debtor}"))[:2] == (400, "USER_ERROR")
    invoice = ns.made(f"/salesOrder/{order}/!transform/invoice", {"tranDate": "2026-01-12"})
    found = ns("GET", f"/invoice/{invoice}").json()
    assert (found["terms"]["id"], found["custbody_region"]) == ("2", "East")
    assert refusal(ns("DELETE", f"/salesOrder/{order}")) == (
        400, "USER_ERROR", "Error while accessing a resource. This record cannot be deleted because it has dependent records.")  # fmt: skip
    job = ns.made("/job", {"companyName": "Rollout", "parent": debtor})
    task = ns.made("/projectTask", {"company": job, "title": "Plan"})
    assert ns("DELETE", f"/job/{job}").status_code == 400
    assert [ns("DELETE", path).status_code for path in (f"/projectTask/{task}", f"/job/{job}")] == [204, 204]


def test_a_customer_does_not_lose_his_name_and_is_found_by_the_range_of_his_id(ns: Client, debtor: str) -> None:
    assert refusal(ns("PATCH", f"/customer/{debtor}", {"companyName": None}))[:2] == (400, "USER_ERROR")
    for q in (
        f"id EQUAL {debtor}",
        f"id BETWEEN [{debtor}, {debtor}]",
        f"id GREATER_OR_EQUAL {debtor}",
        f"id IS {debtor}",
    ):
        assert ns("GET", "/customer", params={"q": q}).json()["items"][0]["id"] == debtor
    assert refusal(ns("GET", "/customer", params={"q": "id EQUAL x"}))[:2] == (400, "INVALID_PARAMETER")


def test_queries_see_orders_line_by_line_and_what_bills_them(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor, terms={"id": "2"}, memo="Spring"))
    part = {"tranDate": "2026-01-12", "item": {"items": [{"orderLine": 1, "quantity": 4}]}}
    invoice = ns.made(f"/salesOrder/{order}/!transform/invoice?replace=item", part)
    lines = asked(
        ns,
        "SELECT id, mainline, quantity, rate, foreignamount, quantitybilled, isclosed, memo FROM transactionline"
        " WHERE transaction = ? ORDER BY id",
        order,
    )
    assert lines == [
        {"id": "0", "mainline": "T", "foreignamount": "2500", "isclosed": "F", "memo": "Spring"},
        {"id": "1", "mainline": "F", "quantity": "-10", "rate": "150", "foreignamount": "-1500", "quantitybilled": "4",
         "isclosed": "F", "memo": "Hours"},
        {"id": "2", "mainline": "F", "quantity": "-1", "rate": "1000", "foreignamount": "-1000", "quantitybilled": "0",
         "isclosed": "F", "memo": "Day"},
    ]  # fmt: skip
    heads = asked(
        ns,
        "SELECT type, foreigntotal, BUILTIN.DF(terms) AS terms FROM transaction WHERE entity = ? ORDER BY type",
        debtor,
    )
    assert heads == [
        {"type": "CustInvc", "foreigntotal": "600", "terms": "Net 30"},
        {"type": "SalesOrd", "foreigntotal": "2500", "terms": "Net 30"},
    ]
    made = asked(ns, "SELECT DISTINCT createdfrom FROM transactionline WHERE transaction = ?", invoice)
    assert made == [{"createdfrom": order}]
    link = asked(
        ns, "SELECT nextdoc, linktype, foreignamount FROM nexttransactionlinelink WHERE previousdoc = ?", order
    )
    assert link == [{"nextdoc": invoice, "linktype": "OrdBill", "foreignamount": "600"}]


def test_postings_join_the_lines_that_they_book(ns: Client, debtor: str) -> None:
    body = an_invoice(ns, debtor)
    item, tax = body["item"]["items"][0]["item"], body["item"]["items"][0]["taxCode"]
    lines = [
        {"item": item, "amount": value, "taxCode": tax, "description": name}
        for name, value in (("a", 100), ("b", 0), ("c", 50))
    ]
    invoice = ns.made("/invoice", {**body, "item": {"items": lines}})
    payment = ns.made(f"/invoice/{invoice}/!transform/customerPayment", {})
    hand = {"subsidiary": ns.first("/subsidiary"), "tranDate": "2026-01-10", "line": {"items": [
        {"account": "4000", "debit": 5}, {"account": "1000", "credit": 5}]}}  # fmt: skip
    journal = ns.made("/journalEntry", hand)
    query = (
        "SELECT l.id, l.mainline, l.taxline, l.memo, a.account, a.amount, l.foreignamount FROM transaction t"
        " JOIN transactionline l ON l.transaction = t.id JOIN transactionaccountingline a"
        " ON a.transaction = l.transaction AND a.transactionline = l.id WHERE t.id = ? ORDER BY l.id"
    )
    found = {
        name: asked(ns, query, id) for name, id in (("invoice", invoice), ("payment", payment), ("journal", journal))
    }
    assert [(row["id"], row.get("memo"), row["account"], row["amount"]) for row in found["invoice"]] == [
        ("0", None, "1200", "162"), ("1", "a", "2300", "-100"), ("3", "c", "2300", "-50"), ("9999", None, "2200", "-12")]  # fmt: skip
    assert [(row["id"], row["mainline"], row["account"], row["amount"]) for row in found["payment"]] == [
        ("0", "T", "1000", "162"), ("1", "F", "2350", "-162")]  # fmt: skip
    assert [(row["id"], row["account"], row["amount"]) for row in found["journal"]] == [
        ("0", "4000", "5"), ("1", "1000", "-5")]  # fmt: skip
    for rows in found.values():
        assert all(row["amount"] == row["foreignamount"] for row in rows)
        assert sum(float(row["amount"]) for row in rows) == 0
