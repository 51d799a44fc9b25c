"""An independent OAuth signer and plain HTTP against the NetSuite face."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

import pytest

from counterfoil_mocks.erp.netsuite import auth

oauthlib = pytest.importorskip("requests_oauthlib")
requests = pytest.importorskip("requests")

API = "/services/rest/record/v1"
EXAMPLE = {
    "oauth_consumer_key": "c1f0a7b2",
    "oauth_token": "t7a1e5d4",
    "oauth_nonce": "9f2c4e7a1b",
    "oauth_timestamp": "1767225600",
    "oauth_version": "1.0",
    "oauth_signature_method": "HMAC-SHA256",
}


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    """A landscape whose books speak as NetSuite, with one company that has a closed and an open period."""
    found = launch_shared(systems={"crm": {}, "psa": {}, "erp": {"vendor": "netsuite"}, "billing": {}})
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


@pytest.fixture(scope="module")
def books(landscape: Any) -> dict[str, Any]:
    """What the landscape says of the books."""
    return next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "erp")


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


@pytest.fixture(scope="module")
def ns(books: dict[str, Any]) -> Client:
    return Client(books["url"], books["credentials"])


@pytest.fixture
def customer(ns: Client) -> str:
    return ns.made(
        "/customer", {"companyName": f"Acme {time.monotonic_ns()}", "subsidiary": {"id": ns.first("/subsidiary")}}
    )


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


def test_parameters_are_part_of_the_signature(ns: Client, customer: str) -> None:
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


def test_a_sublist_is_added_to_unless_it_is_replaced(ns: Client, customer: str) -> None:
    def book(label: str) -> dict[str, Any]:
        return {"addressBook": {"items": [{"label": label, "addressBookAddress": {"country": {"id": "US"}}}]}}

    def labels() -> list[str]:
        return [line["label"] for line in ns("GET", f"/customer/{customer}/addressBook").json()["items"]]

    ns("PATCH", f"/customer/{customer}", book("HQ"))
    ns("PATCH", f"/customer/{customer}", book("Dock"))
    assert labels() == ["HQ", "Dock"]
    ns("PATCH", f"/customer/{customer}?replace=addressBook", book("Dock"))
    assert labels() == ["Dock"]


@pytest.mark.by_client("create_customer update_customer")
def test_an_upsert_does_not_say_whether_it_made_or_changed(ns: Client) -> None:
    first = ns("PUT", "/customer/eid:UP-1", {"companyName": "Up One"})
    again = ns("PUT", "/customer/eid:UP-1", {"companyName": "Up Two"})
    assert (first.status_code, again.status_code) == (204, 204)
    assert first.headers["location"] == again.headers["location"]
    assert ns("GET", "/customer/eid:UP-1").json()["companyName"] == "Up Two"


@pytest.mark.by_client("create_ar_document get_ar_document list_ar_document")
def test_an_invoice_is_worked_out_and_posted(ns: Client, landscape: Any, customer: str) -> None:
    record_id = ns.made("/invoice", an_invoice(ns, customer, externalId="BILL-77", otherRefNum="PO-9"))
    found = ns.expanded(f"/invoice/{record_id}")
    assert (found["subtotal"], found["taxTotal"], found["total"]) == (1500.0, 120.0, 1620.0)
    assert (found["amountPaid"], found["amountRemaining"], found["status"]["id"]) == (0.0, 1620.0, "Open")
    assert (found["dueDate"], found["postingPeriod"]["refName"], found["otherRefNum"]) == (
        "2026-02-09", "Jan 2026", "PO-9")  # fmt: skip
    assert found["item"]["totalResults"] == 1
    line = found["item"]["items"][0]
    assert (line["line"], line["quantity"], line["rate"], line["item"]["refName"]) == (1, 10, 150.0, "CONSULTING")
    assert ns("GET", f"/invoice/{record_id}/item/1").json()["amount"] == 1500.0
    entry = landscape.call("GET", f"/systems/erp/journal_entries?source_doc=invoice%20{found['tranId']}").json["items"][
        0
    ]
    assert next((each["account"], each["dr"]["minor"]) for each in entry["lines"]) == ("1200", 162000)
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{customer}]"}).json()["totalResults"] == 1


def test_a_closed_period_takes_nothing(ns: Client, customer: str) -> None:
    before = ns("GET", "/invoice").json()["totalResults"]
    answer = ns("POST", "/invoice", an_invoice(ns, customer, tranDate="2025-12-31"))
    assert refusal(answer) == (
        400,
        "USER_ERROR",
        "Error while accessing a resource. The transaction date you specified is not within the date range of your "
        "accounting period.",
    )
    assert ns("GET", "/invoice").json()["totalResults"] == before


@pytest.mark.by_client("receive_payment get_payment list_payment")
def test_a_payment_is_applied_and_pays_the_invoice(ns: Client, customer: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, customer))
    body = {
        "customer": {"id": customer},
        "payment": 1620.0,
        "tranDate": "2026-01-10",
        "externalId": "PAY-1",
        "apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 1000.0}]},
    }
    payment = ns.made("/customerPayment", body)
    found = ns.expanded(f"/customerPayment/{payment}")
    assert (found["payment"], found["applied"], found["unapplied"]) == (1620.0, 1000.0, 620.0)
    assert found["apply"]["items"][0]["doc"]["id"] == invoice
    more = {"apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 620}]}}
    assert ns("PATCH", f"/customerPayment/{payment}", more).status_code == 204
    paid = ns("GET", f"/invoice/{invoice}").json()
    assert (paid["amountRemaining"], paid["status"]["refName"]) == (0.0, "Paid In Full")
    assert ns("GET", "/customerPayment", params={"q": 'externalId IS "PAY-1"'}).json()["totalResults"] == 1
    again = ns("POST", "/customerPayment", body)
    assert refusal(again)[:2] == (400, "USER_ERROR")


def test_more_than_is_open_cannot_be_applied(ns: Client, customer: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, customer))
    body = {
        "customer": {"id": customer},
        "payment": 2000,
        "apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 1620.01}]},
    }
    assert refusal(ns("POST", "/customerPayment", body))[:2] == (400, "USER_ERROR")
    assert ns("GET", f"/invoice/{invoice}").json()["amountRemaining"] == 1620.0


def test_a_credit_memo_is_applied_to_its_invoice(ns: Client, customer: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, customer))
    lines = an_invoice(ns, customer)["item"]
    lines["items"][0]["quantity"] = 2
    memo = ns.made(
        "/creditMemo",
        {"entity": {"id": customer}, "tranDate": "2026-01-11", "item": lines, "apply": {"items": [{"doc": invoice}]}},
    )
    found = ns.expanded(f"/creditMemo/{memo}")
    assert (found["total"], found["apply"]["items"][0]["doc"]["id"]) == (324.0, invoice)
    assert ns("GET", f"/invoice/{invoice}").json()["amountRemaining"] == 1296.0
    assert ns("GET", f"/invoice/{memo}").status_code == 404


def test_an_external_id_is_taken_by_all_transactions_together(ns: Client, customer: str) -> None:
    ns.made("/invoice", an_invoice(ns, customer, externalId="ONE-1"))
    answer = ns("POST", "/customerPayment", {"customer": {"id": customer}, "payment": 5, "externalId": "one-1"})
    assert refusal(answer) == (400, "USER_ERROR", "Error while accessing a resource. This record already exists.")


# refusals


def test_refusals_name_the_place(ns: Client, customer: str) -> None:
    body = an_invoice(ns, customer)
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


def test_a_fault_comes_in_netsuites_words(ns: Client, landscape: Any, customer: str) -> None:
    plan = {"kind": "rate_limit", "system": "erp", "operation": "create_ar_document"}
    made = landscape.call("POST", "/faults", [plan])
    assert made.status == 201, made.json
    answer = ns("POST", "/invoice", an_invoice(ns, customer))
    assert refusal(answer) == (429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")
    assert "retry-after" not in answer.headers
    landscape.call("DELETE", "/faults")


@pytest.mark.by_client("list_legal_entity get_legal_entity list_period get_period list_term get_term get_currency")
@pytest.mark.by_client(
    "get_account list_account list_currency list_tax_code get_tax_code list_service_item get_service_item"
)
@pytest.mark.by_client("list_journal_entry get_journal_entry")
def test_the_lists_of_the_account_can_be_read(ns: Client, customer: str) -> None:
    ns.made("/invoice", an_invoice(ns, customer))
    for name in ("subsidiary", "accountingPeriod", "term", "currency", "account", "salesTaxItem", "serviceSaleItem"):
        found = ns("GET", f"/{name}/{ns.first(f'/{name}')}").json()
        assert found["links"][0]["rel"] == "self"
    closed = ns("GET", "/accountingPeriod", params={"q": "closed IS true"}).json()
    assert closed["count"] == 1
    assert ns("GET", f"/accountingPeriod/{closed['items'][0]['id']}").json()["periodName"] == "Dec 2025"
    entry = ns.expanded(f"/journalEntry/{ns.first('/journalEntry')}")
    lines = entry["line"]["items"]
    assert sum(each["debit"] for each in lines) == sum(each["credit"] for each in lines) > 0


# SuiteQL

SUITEQL = "/services/rest/query/v1/suiteql"


def asked(ns: Client, query: str, *params: Any, **paging: Any) -> Any:
    """The answer to a query."""
    body = {"q": query, "params": list(params)}
    return ns("POST", SUITEQL, body, headers={"Prefer": "transient"}, params=paging)


def rows(ns: Client, query: str, *params: Any) -> list[dict[str, str]]:
    answer = asked(ns, query, *params)
    assert answer.status_code == 200, answer.text
    return [{name: value for name, value in row.items() if name != "links"} for row in answer.json()["items"]]


@pytest.mark.by_client("query")
def test_suiteql_sees_transactions_their_lines_and_their_postings(ns: Client, customer: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, customer, memo="January"))
    ns.made("/customerPayment", {"customer": customer, "payment": 620, "apply": {"items": [{"doc": invoice}]}})
    found = rows(
        ns,
        "SELECT t.ID, t.type, t.trandate, t.foreigntotal, t.foreignamountunpaid, t.posting, BUILTIN.DF(t.postingperiod) AS period,"
        " t.memo, t.otherrefnum, c.companyname FROM transaction t JOIN customer c ON c.id = t.entity WHERE t.id = ?",
        invoice,
    )
    name = ns("GET", f"/customer/{customer}").json()["companyName"]
    assert found == [
        {
            "id": invoice,
            "type": "CustInvc",
            "trandate": "1/10/2026",
            "foreigntotal": "1620",
            "foreignamountunpaid": "1000",
            "posting": "T",
            "period": "Jan 2026",
            "memo": "January",
            "companyname": name,
        }
    ]
    lines = rows(
        ns,
        "SELECT id, mainline, taxline, quantity, foreignamount FROM transactionline WHERE transaction = ? ORDER BY id",
        invoice,
    )
    assert [(line["mainline"], line["taxline"], line["foreignamount"]) for line in lines] == [
        ("T", "F", "1620"), ("F", "F", "-1500"), ("F", "T", "-120")]  # fmt: skip
    assert lines[1]["quantity"] == "-10"
    postings = rows(
        ns, "SELECT account, SUM(amount) AS total FROM transactionaccountingline WHERE transaction = ? GROUP BY account"
        " ORDER BY account", invoice)  # fmt: skip
    assert postings[0] == {"account": "1200", "total": "1620"}
    assert sum(float(each["total"]) for each in postings) == 0
    links = rows(ns, "SELECT foreignamount FROM nexttransactionlinelink WHERE previousdoc = ?", invoice)
    assert links == [{"foreignamount": "620"}]


@pytest.mark.parametrize(
    "table",
    ["customer", "entity", "transaction", "transactionline", "transactionaccountingline", "previoustransactionlinelink",
     "item", "account", "subsidiary", "currency", "term", "accountingperiod", "revenuearrangement", "revenueelement",
     "revenueplan", "revenueplanplannedrevenue"],
)  # fmt: skip
def test_every_table_can_be_counted_and_read(ns: Client, table: str) -> None:
    assert int(rows(ns, f"SELECT COUNT(*) AS count FROM {table}")[0]["count"]) >= 0
    rows(ns, f"SELECT * FROM {table} FETCH FIRST 2 ROWS ONLY")


def test_suiteql_is_paged_and_has_its_rules(ns: Client, customer: str) -> None:
    page = asked(ns, "SELECT id FROM account ORDER BY id", limit=10).json()
    assert (page["count"], page["hasMore"], page["totalResults"]) == (10, True, 27)
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    more = ns("POST", following, {"q": "SELECT id FROM account ORDER BY id"}, headers={"Prefer": "transient"}).json()
    assert more["offset"] == 10
    assert ns("POST", SUITEQL, {"q": "SELECT id FROM account"}).status_code == 400
    assert ns("GET", SUITEQL).status_code == 405
    assert rows(ns, "SELECT periodname FROM accountingperiod WHERE closed = 'T'") == [{"periodname": "Dec 2025"}]


@pytest.mark.parametrize(
    "query", ["SELECT balance FROM customer", "DELETE FROM customer", "SELECT id FROM nowhere", "SELEC"]
)
def test_a_query_that_cannot_be_answered_is_refused(ns: Client, query: str) -> None:
    answer = asked(ns, query)
    assert refusal(answer)[:2] == (400, "INVALID_PARAMETER")
    assert answer.json()["title"] == "Invalid search query."


# transforms, jobs, metadata


@pytest.mark.by_client("receive_payment create_ar_document")
def test_an_invoice_is_transformed_to_what_pays_or_credits_it(ns: Client, customer: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, customer))
    part = ns.made(f"/invoice/{invoice}/!transform/customerPayment", {"payment": 620})
    assert ns("GET", f"/customerPayment/{part}").json()["createdFrom"]["id"] == invoice
    assert ns("GET", f"/invoice/{invoice}").json()["amountRemaining"] == 1000.0
    rest = ns("POST", f"/invoice/{invoice}/!transform/customerPayment")
    assert rest.status_code == 204, rest.text
    assert ns("GET", f"/invoice/{invoice}").json()["status"]["id"] == "Paid In Full"
    assert refusal(ns("POST", f"/invoice/{invoice}/!transform/customerPayment"))[:2] == (400, "USER_ERROR")
    assert refusal(ns("POST", f"/invoice/{invoice}/!transform/salesOrder"))[:2] == (400, "INVALID_REQUEST")
    other = ns.made("/invoice", an_invoice(ns, customer))
    memo = ns.made(f"/invoice/{other}/!transform/creditMemo", {"tranDate": "2026-01-12"})
    assert ns("GET", f"/creditMemo/{memo}").json()["total"] == 1620.0
    assert ns("GET", f"/invoice/{other}").json()["amountRemaining"] == 0.0


@pytest.mark.by_client("get_job list_job_task get_job_task get_job_result")
def test_a_job_has_the_answer_that_the_call_would_have_had(ns: Client, customer: str) -> None:
    wish = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": f"key-{time.monotonic_ns()}"}
    body = an_invoice(ns, customer)
    taken = ns("POST", "/invoice", body, headers=wish)
    assert (taken.status_code, taken.headers["preference-applied"]) == (202, "respond-async")
    job = taken.headers["location"]
    assert ns("GET", job).json()["progress"] == "succeeded"
    task = ns("GET", ns("GET", f"{job}/task").json()["items"][0]["links"][0]["href"]).json()
    result = ns("GET", next(link["href"] for link in task["links"] if link["rel"] == "result"))
    assert result.status_code == 204
    assert ns("GET", result.headers["location"]).json()["total"] == 1620.0
    again = ns("POST", "/invoice", body, headers=wish)
    assert again.headers["location"] == job
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{customer}]"}).json()["totalResults"] == 1
    failed = ns("POST", "/invoice", {**body, "tranDate": "2025-12-31"}, headers={"Prefer": "respond-async"})
    assert ns("GET", failed.headers["location"]).json()["progress"] == "failed"
    assert refusal(ns("GET", f"{failed.headers['location']}/task/1/result"))[1] == "USER_ERROR"


def test_an_idempotency_key_means_nothing_to_a_call_that_waits(ns: Client, customer: str) -> None:
    for _ in range(2):
        answer = ns("POST", "/invoice", an_invoice(ns, customer), headers={"X-NetSuite-Idempotency-Key": "same"})
        assert answer.status_code == 204
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{customer}]"}).json()["totalResults"] == 2


@pytest.mark.by_client("list_metadata get_metadata governance_limits")
def test_the_catalogue_describes_what_the_records_show(ns: Client, customer: str) -> None:
    names = [each["name"] for each in ns("GET", "/metadata-catalog").json()["items"]]
    assert {"customer", "invoice", "customerPayment", "term"} <= set(names)
    found = ns("GET", "/metadata-catalog/customer", headers={"Accept": "application/schema+json"})
    assert found.headers["content-type"] == "application/schema+json"
    shown = ns.expanded(f"/customer/{customer}")
    assert shown.keys() - {"links"} <= found.json()["properties"].keys()
    assert found.json()["properties"]["companyName"] == {"title": "Company Name", "type": "string"}
    document = ns(
        "GET", "/metadata-catalog", params={"select": "invoice"}, headers={"Accept": "application/swagger+json"}
    )
    assert set(document.json()["paths"]) >= {"/invoice", "/invoice/{id}"}
    assert refusal(ns("GET", "/metadata-catalog", params={"select": "nix"}))[0] == 404
    assert ns("GET", "/services/rest/system/v1/governanceLimits").json()["accountConcurrencyLimit"] == 5
