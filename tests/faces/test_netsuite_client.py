"""The `netsuite` package, unmodified, against the NetSuite face; and the calls of an account's scripts."""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that it signs with
    netsuite = pytest.importorskip("netsuite")
    from netsuite.exceptions import NetsuiteAPIRequestError
pytest.importorskip("requests_oauthlib")
from netsuite_account import Client, an_invoice

REST = "/services/rest"


class Api:
    """The package's REST client, with the address handed to each of its calls."""

    def __init__(self, url: str, keys: dict[str, str]) -> None:
        signing = {name: keys[name] for name in ("consumer_key", "consumer_secret", "token_id", "token_secret")}
        config = netsuite.Config(account=keys["account_id"], auth=netsuite.TokenAuth(**signing))
        self.url = url + REST
        self.client = netsuite.NetSuiteRestApi(config)

    def __call__(self, verb: str, *parts: Any, path: str, **more: Any) -> Any:
        return asyncio.run(getattr(self.client, verb)(*parts, url=self.url + path, **more))


@pytest.fixture
def api(books: dict[str, Any]) -> Api:
    return Api(books["url"], books["credentials"])


@pytest.mark.by_client("create_customer get_customer update_customer list_customer query list_metadata get_metadata")
def test_the_package_writes_reads_and_asks(api: Api) -> None:
    made = api(
        "request", "POST", "", path="/record/v1/customer", json={"companyName": "Packaged", "externalId": "PKG-1"}
    )
    assert made.status_code == 204, made.text
    record_id = made.headers["location"].rpartition("/")[2]
    assert api("get", "", path=f"/record/v1/customer/{record_id}")["companyName"] == "Packaged"
    assert api("patch", "", path="/record/v1/customer/eid:PKG-1", json={"email": "a@b.example"}) is None
    found = api("get", "", path="/record/v1/customer", params={"q": 'email IS "a@b.example"', "limit": 1})
    assert [each["id"] for each in found["items"]] == [record_id]
    rows = api("suiteql", "SELECT id, companyname FROM customer WHERE externalid = 'PKG-1'", path="/query/v1/suiteql")
    assert rows["items"] == [{"links": [], "id": record_id, "companyname": "Packaged"}]
    assert api("jsonschema", "customer", path="/record/v1/metadata-catalog/customer")["type"] == "object"
    assert "/customer" in api("openapi", ["customer"], path="/record/v1/metadata-catalog")["paths"]


def test_the_package_has_unknown_fields_refused(api: Api) -> None:
    with pytest.raises(NetsuiteAPIRequestError) as caught:
        api("post", "", path="/record/v1/customer", json={"companyName": "Odd", "shoeSize": 43})
    assert caught.value.status_code == 400
    assert "INVALID_CONTENT" in caught.value.response_text


def test_an_accounts_script_calls_once_after_a_record_was_submitted(
    netsuite_face: Any, ns: Client, debtor: str
) -> None:
    receiver = netsuite_face.listen("erp", subscribe=False)
    face = netsuite_face.landscape.systems["erp"].face
    face.subscribe(receiver.url, ["invoice.create", "customer.edit"], None)
    invoice = ns.made("/invoice", an_invoice(ns, debtor, externalId="TOLD-1"))
    ns("PATCH", f"/customer/{debtor}", {"email": "x@y.example"})
    netsuite_face.settle()
    heard = [json.loads(each.body) for each in receiver.heard]
    heard.sort(key=lambda each: each["recordType"], reverse=True)  # two records' events depart together
    assert heard == [
        {
            "recordType": "invoice",
            "id": invoice,
            "externalId": "TOLD-1",
            "eventType": "create",
            "timestamp": heard[0]["timestamp"],
        },
        {
            "recordType": "customer",
            "id": debtor,
            "externalId": None,
            "eventType": "edit",
            "timestamp": heard[1]["timestamp"],
        },
    ]
    receiver.answers = [500]
    ns.made("/invoice", an_invoice(ns, debtor))
    netsuite_face.settle()
    netsuite_face.call("POST", "/clock/advance", {"hours": 1})
    netsuite_face.settle()
    assert len(receiver.heard) == 3


def test_a_script_is_told_that_an_order_was_approved(netsuite_face: Any, ns: Client, debtor: str) -> None:
    receiver = netsuite_face.listen("erp", subscribe=False)
    netsuite_face.landscape.systems["erp"].face.subscribe(receiver.url, ["salesOrder.approve"], None)
    order = ns.made("/salesOrder", {**an_invoice(ns, debtor), "orderStatus": {"id": "A"}})
    ns("PATCH", f"/salesOrder/{order}", {"memo": "still waiting"})
    ns("PATCH", f"/salesOrder/{order}", {"orderStatus": {"id": "F"}})
    ns("PATCH", f"/salesOrder/{order}", {"memo": "approved"})
    netsuite_face.settle()
    assert [(said["id"], said["eventType"]) for said in map(json.loads, (each.body for each in receiver.heard))] == [
        (order, "approve")
    ]
