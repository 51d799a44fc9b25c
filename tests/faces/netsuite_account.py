"""A NetSuite account with one company that can post, and calls to it that are signed by requests-oauthlib."""

from __future__ import annotations

from typing import Any

import pytest

oauthlib = pytest.importorskip("requests_oauthlib")

API = "/services/rest/record/v1"


def account(launch_shared: Any, **systems: Any) -> Any:
    """A landscape whose books speak as NetSuite, with one company that has a closed and an open period. systems: as they are otherwise."""
    plain: dict[str, Any] = {"crm": {}, "psa": {}, "erp": {"vendor": "netsuite"}, "billing": {}}
    found = launch_shared(systems={**plain, **systems})
    made = [
        ("legal_entities", {"code": "CF-US", "name": "Counterfoil Inc", "country": "US", "tz": "America/Chicago",
                            "functional_ccy": "USD"}),
        ("legal_entities", {"code": "CF-UK", "name": "Counterfoil Ltd", "country": "GB", "tz": "Europe/London",
                            "functional_ccy": "GBP"}),
        ("periods", {"legal_entity": "CF-US", "period": "2025-12"}),
        ("periods", {"legal_entity": "CF-US", "period": "2026-01"}),
        ("tax_codes", {"code": "US-8", "kind": "SALES_TAX", "rate": "0.08"}),
        ("service_items", {"code": "CONSULTING", "name": "Consulting", "revenue_account": "4000"}),
    ]  # fmt: skip
    for collection, body in made:
        answer = found.call("POST", f"/systems/erp/{collection}", body)
        assert answer.status == 201, answer.json
    answer = found.call(
        "POST", "/systems/erp/actions/close_period", {"key": "CF-US/2025-12", "closed_by": "controller"}
    )
    assert answer.status == 200, answer.json
    return found


class Client:
    """Calls NetSuite by relative paths, signed by requests-oauthlib."""

    def __init__(self, url: str, keys: dict[str, str]) -> None:
        self.url = url
        self.session = oauthlib.OAuth1Session(
            keys["consumer_key"],
            keys["consumer_secret"],
            keys["token_id"],
            keys["token_secret"],
            signature_method="HMAC-SHA256",
            realm=keys["account_id"],
        )

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        if body is not None:
            more["json"] = body
        where = path if path.startswith("http") else f"{self.url}{path if path.startswith('/services') else API + path}"
        return self.session.request(method, where, timeout=30, **more)

    def made(self, path: str, body: Any) -> str:
        """The id of a record that is made."""
        answer = self("POST", path, body)
        assert (answer.status_code, answer.content) == (204, b""), answer.text
        return str(answer.headers["location"].rpartition("/")[2])

    def expanded(self, path: str) -> Any:
        """A record with its sublists."""
        answer = self("GET", path, params={"expandSubResources": "true"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def first(self, path: str, **params: str) -> str:
        """The id of the first record of a collection."""
        return str(self("GET", path, params=params).json()["items"][0]["id"])


def an_invoice(ns: Client, customer: str, **more: Any) -> dict[str, Any]:
    """An invoice over 10 hours at 150 with 8 % tax."""
    line = {
        "item": {"id": ns.first("/serviceSaleItem")},
        "quantity": 10,
        "rate": 150.0,
        "description": "Consulting",
        "taxCode": {"id": ns.first("/salesTaxItem")},
    }
    return {"entity": {"id": customer}, "tranDate": "2026-01-10", "item": {"items": [line]}, **more}


def refusal(answer: Any) -> tuple[int, str, str]:
    """Status, code and detail of a refusal."""
    detail = answer.json()["o:errorDetails"][0]
    return answer.status_code, detail["o:errorCode"], detail["detail"]
