"""A NetSuite account whose role may not do all, and whose queries without an order are as unreliable as real ones."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("requests_oauthlib")
from netsuite_account import Client, account, refusal

from counterfoil_mocks.config import Unusable
from counterfoil_mocks.erp.netsuite.permissions import Permissions
from counterfoil_mocks.erp.netsuite.record_types import TYPES

SUITEQL = "/services/rest/query/v1/suiteql"
NOT_ALLOWED = (400, "INSUFFICIENT_PERMISSION", "Your current role does not have permission to perform this action.")
ROLE = {"customer": "edit", "salesOrder": "create", "invoice": "view", "employee": "none", "subsidiary": "none", "term": "none",
        "customerPayment": "none"}  # fmt: skip


@pytest.fixture(scope="module")
def netsuite_face(launch_shared: Any) -> Any:
    """An account whose role has these levels."""
    settings = {"role": ROLE, "unordered_pages": True}
    return account(launch_shared, erp={"vendor": "netsuite", "settings": settings})


def asked(ns: Client, query: str, **paging: int) -> Any:
    return ns("POST", SUITEQL, {"q": query}, headers={"Prefer": "transient"}, params=paging)


@pytest.fixture(scope="module")
def customer(ns: Client) -> str:
    """A customer of the account's first company."""
    return ns.made("/customer", {"companyName": "Acme", "externalId": "ACME"})


def one(ns: Client) -> dict[str, Any]:
    """A line of an order."""
    return {"item": {"id": ns.first("/serviceSaleItem")}, "quantity": 1, "rate": 5}


def test_each_level_has_what_those_before_it_have(ns: Client, customer: str) -> None:
    assert ns("PATCH", f"/customer/{customer}", {"phone": "1"}).status_code == 204
    assert ns("PUT", "/customer/eid:ACME", {"phone": "2"}).status_code == 204
    assert refusal(ns("DELETE", f"/customer/{customer}")) == NOT_ALLOWED
    place = {"label": "HQ", "addressBookAddress": {"addr1": "1 Pier", "country": {"id": "US"}}}
    line = ns("POST", f"/customer/{customer}/addressBook", place).headers["location"]
    assert ns("DELETE", line).status_code == 204
    item = one(ns)
    order = ns.made("/salesOrder", {"entity": customer, "item": {"items": [item]}})
    for method, path, body in (
        ("PATCH", f"/salesOrder/{order}", {"memo": "x"}),
        ("POST", f"/salesOrder/{order}/item", item),
        ("POST", f"/salesOrder/{order}/!transform/invoice", {}),
        ("POST", "/invoice", {"entity": customer, "item": {"items": [item]}}),
        ("PUT", "/invoice/eid:NEW", {"entity": customer, "item": {"items": [item]}}),
        ("GET", "/customerPayment", None),
        ("GET", "/term/1", None),
    ):
        assert refusal(ns(method, path, body)) == NOT_ALLOWED, path
    assert ns("GET", "/invoice").json()["totalResults"] == 0
    assert len(ns("GET", f"/salesOrder/{order}/item").json()["items"]) == 1


def test_what_the_role_does_not_see_is_missing_without_a_word(ns: Client, customer: str) -> None:
    shown = ns("GET", f"/customer/{customer}").json()
    assert "companyName" in shown
    assert not {"subsidiary", "terms"} & shown.keys()


def test_queries_do_not_find_what_the_role_does_not_see(ns: Client, netsuite_face: Any, customer: str) -> None:
    assert "Record 'employee' was not found" in refusal(asked(ns, "SELECT id FROM employee"))[2]
    ns.made("/salesOrder", {"entity": customer, "item": {"items": [one(ns)]}})
    body = {"bank_ref": "B-1", "payer": customer, "legal_entity": "CF-US", "ccy": "USD", "amount": {"minor": 500, "ccy": "USD"},
            "value_date": "2026-01-06"}  # fmt: skip
    paid = netsuite_face.call("POST", "/systems/erp/actions/receive_payment", body)
    assert paid.status == 200, paid.json
    assert asked(ns, "SELECT id FROM transaction WHERE type = 'CustPymt'").json()["count"] == 0
    (payment,) = netsuite_face.call("GET", "/systems/erp/payments").json["items"]
    for table in ("transactionline", "transactionaccountingline"):
        lines = asked(ns, f"SELECT transaction FROM {table} WHERE transaction = {payment['id']}").json()
        assert lines["count"] == 0, table
    assert asked(ns, "SELECT transaction FROM transactionline").json()["count"] > 0  # those of the order
    assert asked(ns, "SELECT nextdoc FROM nexttransactionlinelink").json()["count"] == 0
    assert asked(ns, "SELECT id FROM customer").json()["count"] == 1


def test_pages_without_an_order_repeat_rows_and_miss_others(ns: Client) -> None:
    def pages(query: str) -> list[str]:
        return [
            row["id"] for offset in (0, 10, 20) for row in asked(ns, query, limit=10, offset=offset).json()["items"]
        ]

    every = pages("SELECT id FROM account ORDER BY id")
    assert len(every) == len(set(every)) == 27
    loose = pages("SELECT id FROM account")
    assert len(loose) > len(set(loose))
    assert len(set(loose)) <= 27


@pytest.mark.parametrize("wrong", [{"invoice": "veiw"}, {"nothing": "view"}, "view"])
def test_a_role_that_cannot_be_is_refused_when_the_landscape_is_read(wrong: Any) -> None:
    with pytest.raises(Unusable, match=r"settings\.role"):
        Permissions(wrong, TYPES)
