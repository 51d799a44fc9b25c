"""Money that goes back over the NetSuite face: customerRefund of payments, of deposits and of what a credit memo has set free."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("requests_oauthlib")
from netsuite_account import Client, an_invoice, refusal

SUITEQL = "/services/rest/query/v1/suiteql"


def asked(ns: Client, query: str, *params: Any) -> list[dict[str, str]]:
    answer = ns("POST", SUITEQL, {"q": query, "params": list(params)}, headers={"Prefer": "transient"})
    assert answer.status_code == 200, answer.text
    return [{name: value for name, value in row.items() if name != "links"} for row in answer.json()["items"]]


def received(ns: Client, debtor: str, amount: int = 50, kind: str = "customerPayment") -> str:
    return ns.made(f"/{kind}", {"customer": debtor, "payment": amount, "tranDate": "2026-01-06"})


def of(debtor: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The body of a refund."""
    return {"customer": {"id": debtor}, "tranDate": "2026-01-07", "apply": {"items": list(lines)}, **more}


@pytest.mark.by_client("pay_refund get_refund list_refund update_refund")
def test_a_part_of_a_payment_is_paid_back(ns: Client, netsuite_face: Any, debtor: str) -> None:
    payment = received(ns, debtor)
    body = of(debtor, {"doc": {"id": payment}, "apply": True, "amount": 20}, memo="Paid too much")
    refund = ns.made("/customerRefund", body)
    shown = ns.expanded(f"/customerRefund/{refund}")
    assert (shown["total"], shown["customer"]["id"], shown["memo"]) == (20.0, debtor, "Paid too much")
    (line,) = shown["apply"]["items"]
    assert (line["doc"]["id"], line["amount"], line["total"], line["type"]) == (payment, 20.0, 50.0, "Payment")
    left = ns("GET", f"/customerPayment/{payment}").json()
    assert (left["applied"], left["unapplied"], left["custbody_refunded"]) == (20.0, 30.0, 20.0)
    assert asked(ns, "SELECT foreignamountpaid AS paid FROM transaction WHERE id = ?", payment) == [{"paid": "20"}]
    found = ns("GET", "/customerRefund", params={"q": f"customer ANY_OF [{debtor}] AND total EQUAL 20"}).json()
    assert [row["id"] for row in found["items"]] == [refund]
    assert ns("PATCH", f"/customerRefund/{refund}", {"memo": "Overpaid"}).status_code == 204
    assert refusal(ns("PATCH", f"/customerRefund/{refund}", {"tranDate": "2026-01-08"}))[:2] == (400, "USER_ERROR")
    assert refusal(ns("DELETE", f"/customerRefund/{refund}"))[:2] == (400, "USER_ERROR")
    booked = netsuite_face.call("GET", f"/systems/erp/refunds/{refund}").json
    assert (booked["amount"]["minor"], booked["value_date"]) == (2_000, "2026-01-07")


@pytest.mark.by_client("pay_refund")
def test_a_deposit_is_paid_back_once(ns: Client, debtor: str) -> None:
    named = received(ns, debtor, kind="customerDeposit")
    body = {**of(debtor), "deposit": {"items": [{"doc": {"id": named}, "apply": True}]}}
    refund = ns.made("/customerRefund", body)
    shown = ns.expanded(f"/customerRefund/{refund}")
    assert (shown["total"], shown["deposit"]["items"]) == (50.0, [])
    assert [(line["doc"]["id"], line["type"]) for line in shown["apply"]["items"]] == [(named, "Customer Deposit")]
    turned = received(ns, debtor, kind="customerDeposit")
    made = ns.made(f"/customerDeposit/{turned}/!transform/customerRefund", {"tranDate": "2026-01-07"})
    assert ns("GET", f"/customerRefund/{made}").json()["createdFrom"]["id"] == turned
    assert ns("GET", f"/customerDeposit/{turned}").json()["status"]["id"] == "Fully Applied"
    assert ns("GET", f"/customer/{debtor}").json()["depositBalance"] == 0.0
    again = ns("POST", f"/customerDeposit/{turned}/!transform/customerRefund")
    assert refusal(again)[:2] == (400, "USER_ERROR")


def test_what_a_credit_memo_has_set_free_is_paid_back(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    payment = ns.made(f"/invoice/{invoice}/!transform/customerPayment", {"tranDate": "2026-01-11"})
    memo = ns.made(f"/invoice/{invoice}/!transform/creditMemo", {"tranDate": "2026-01-12"})
    refund = ns.made("/customerRefund", of(debtor, {"doc": {"id": memo}, "apply": True, "amount": 620}))
    (line,) = ns.expanded(f"/customerRefund/{refund}")["apply"]["items"]
    assert (line["doc"]["id"], line["amount"], line["type"]) == (memo, 620.0, "Credit Memo")
    assert ns("GET", f"/customerPayment/{payment}").json()["unapplied"] == 1000.0
    over = ns("POST", "/customerRefund", of(debtor, {"doc": {"id": memo}, "amount": 1000.01}))
    assert over.json()["o:errorDetails"][0]["o:errorPath"] == "apply.items[0].amount"
    assert asked(ns, "SELECT previousdoc FROM nexttransactionlinelink WHERE nextdoc = ?", refund) == [
        {"previousdoc": payment}
    ]


def test_suiteql_sees_a_refund_with_its_postings(ns: Client, debtor: str) -> None:
    refund = ns.made("/customerRefund", of(debtor, {"doc": {"id": received(ns, debtor)}}))
    head = "SELECT type, foreigntotal, BUILTIN.DF(status) AS said FROM transaction WHERE id = ?"
    assert asked(ns, head, refund) == [
        {"type": "CustRfnd", "foreigntotal": "-50", "said": "Customer Refund : Fully Applied"}
    ]
    lines = "SELECT account, debit, credit FROM transactionaccountingline WHERE transaction = ? ORDER BY account"
    assert asked(ns, lines, refund) == [{"account": "1000", "credit": "50"}, {"account": "2350", "debit": "50"}]
    posted = "SELECT foreignamount FROM transactionline WHERE transaction = ? ORDER BY id"
    assert asked(ns, posted, refund) == [{"foreignamount": "-50"}, {"foreignamount": "-50"}]
    by_hand = "SELECT COUNT(*) AS n FROM transaction WHERE type = 'Journal' AND memo LIKE 'refund%'"
    assert asked(ns, by_hand) == [{"n": "0"}]


@pytest.mark.parametrize(
    ("lines", "code", "path"),
    [
        ([], "USER_ERROR", "apply"),
        ([{"amount": 50.01}], "USER_ERROR", "apply.items[0].amount"),
        ([{"amount": 0}], "USER_ERROR", "apply.items[0].amount"),
        ([{"amount": 30}, {"amount": 30}], "USER_ERROR", "apply.items[1].amount"),
        ([{"doc": {"id": "99"}}], "INVALID_CONTENT", "apply.items[0].doc"),
        ([{"apply": False}], "USER_ERROR", "apply"),
    ],
)
def test_a_refund_that_cannot_be_changes_nothing(
    ns: Client, debtor: str, lines: list[dict[str, Any]], code: str, path: str
) -> None:
    payment = received(ns, debtor)
    body = of(debtor, *({"doc": {"id": payment}, **line} for line in lines))
    answer = ns("POST", "/customerRefund", body)
    assert refusal(answer)[:2] == (400, code)
    assert answer.json()["o:errorDetails"][0]["o:errorPath"] == path
    assert ns("GET", f"/customerPayment/{payment}").json()["unapplied"] == 50.0


def test_another_customers_payment_is_not_paid_back(ns: Client, debtor: str) -> None:
    other = ns.made("/customer", {"companyName": "Somebody Else Inc", "subsidiary": ns.first("/subsidiary")})
    body = of(debtor, {"doc": {"id": received(ns, other)}})
    assert refusal(ns("POST", "/customerRefund", body))[:2] == (400, "INVALID_CONTENT")
