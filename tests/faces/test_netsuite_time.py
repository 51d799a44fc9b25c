"""Time that a NetSuite invoice bills, out of the records of time worked for the customer's jobs."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytest.importorskip("requests_oauthlib")
from netsuite_account import Client, an_invoice, refusal


@pytest.fixture
def job(ns: Client, debtor: str) -> str:
    return ns.made("/job", {"companyName": f"Rollout {time.monotonic_ns()}", "parent": debtor})


def worked(ns: Client, job: str, **more: Any) -> str:
    """The id of a record of 8.5 hours at 200."""
    worker = ns.made("/employee", {"firstName": "Eve", "lastName": f"{time.monotonic_ns()}"})
    body = {"employee": worker, "customer": job, "item": ns.first("/serviceSaleItem"), "hours": "8:30", "rate": 200}
    return ns.made("/timeBill", {**body, "tranDate": "2026-01-08", "memo": "Design", "isBillable": True, **more})


def billing(debtor: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"entity": {"id": debtor}, "tranDate": "2026-01-10", "time": {"items": list(lines)}, **more}


@pytest.mark.by_client("create_ar_document get_ar_document create_time_bill get_time_bill")
def test_time_is_billed_once_beside_items(ns: Client, netsuite_face: Any, debtor: str, job: str) -> None:
    first, second = worked(ns, job), worked(ns, job, approvalStatus={"id": "3"})
    item = {"items": [{"item": {"id": ns.first("/serviceSaleItem")}, "amount": 100}]}
    lines = [
        {"doc": {"id": first}, "apply": True},
        {"doc": second, "rate": 250, "tax1Amt": 10},
        {"doc": "9", "apply": False},
    ]
    invoice = ns.made("/invoice", billing(job, *lines, item=item))
    shown = ns.expanded(f"/invoice/{invoice}")
    assert (shown["subtotal"], shown["taxTotal"], shown["job"]["id"]) == (3925.0, 10.0, job)
    assert [line["amount"] for line in shown["item"]["items"]] == [100.0]
    assert [(line["doc"]["id"], line["quantity"], line["rate"], line["amount"]) for line in shown["time"]["items"]] == [
        (first, 8.5, 200, 1700.0),
        (second, 8.5, 250, 2125.0),
    ]
    (line, _) = shown["time"]["items"]
    assert (line["apply"], line["memo"], line["billedDate"]) == (True, "Design", "2026-01-08")
    assert ns("GET", f"/timeBill/{first}").json()["custcol_invoice"]["id"] == invoice
    again = ns("POST", "/invoice", billing(job, {"doc": {"id": first}}))
    assert (refusal(again)[:2], again.json()["o:errorDetails"][0]["o:errorPath"]) == (
        (400, "INVALID_CONTENT"),
        "time.items[0].doc",
    )
    assert refusal(ns("DELETE", f"/timeBill/{first}"))[:2] == (400, "USER_ERROR")
    booked = netsuite_face.call("GET", f"/systems/erp/ar_documents/{invoice}").json
    assert [line["line_type"] for line in booked["lines"]] == ["FIXED_FEE", "TM", "TM"]


def test_an_invoice_of_time_alone_is_one(ns: Client, debtor: str, job: str) -> None:
    invoice = ns.made("/invoice", billing(debtor, {"doc": {"id": worked(ns, debtor)}}))
    assert ns("GET", f"/invoice/{invoice}").json()["total"] == 1700.0
    assert ns("GET", f"/invoice/{invoice}/item").json()["totalResults"] == 0
    (line,) = ns("GET", f"/invoice/{invoice}/time").json()["items"]
    assert ns("GET", line["links"][0]["href"]).json()["amount"] == 1700.0
    lines = {
        "q": "SELECT netamount FROM transactionline WHERE transaction = ? AND mainline = 'F' AND taxline = 'F'",
        "params": [invoice],
    }
    found = ns("POST", "/services/rest/query/v1/suiteql", lines, headers={"Prefer": "transient"}).json()["items"]
    assert [row["netamount"] for row in found] == ["-1700"]


@pytest.mark.parametrize(
    "more", [{"isBillable": False}, {"approvalStatus": {"id": "4"}}, {"customer": None}, {"item": None}, {"rate": None}]
)
def test_time_that_cannot_be_billed_is_not(ns: Client, debtor: str, job: str, more: dict[str, Any]) -> None:
    entry = worked(ns, job, **more)
    for lines in ([{"doc": {"id": entry}}], [{"doc": {"id": worked(ns, job)}}, {"doc": {"id": entry}}]):
        assert ns("POST", "/invoice", billing(debtor, *lines)).status_code == 400
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{debtor}]"}).json()["totalResults"] == 0


def test_time_of_another_customer_is_not_billed(ns: Client, debtor: str, job: str) -> None:
    name = f"Other {time.monotonic_ns()}"
    other = ns.made("/customer", {"companyName": name, "subsidiary": ns.first("/subsidiary")})
    entry = worked(ns, job)
    twice = [{"doc": {"id": entry}}, {"doc": {"id": entry}}]
    for who, lines in ((other, twice[:1]), (debtor, twice)):
        assert refusal(ns("POST", "/invoice", billing(who, *lines)))[:2] == (400, "INVALID_CONTENT")
    assert ns("POST", "/invoice", {**an_invoice(ns, debtor), "time": {"items": [5]}}).status_code == 400
    assert "custcol_invoice" not in ns("GET", f"/timeBill/{entry}").json()
