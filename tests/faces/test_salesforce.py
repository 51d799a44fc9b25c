"""simple-salesforce, unmodified, against the Salesforce face."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

simple_salesforce = pytest.importorskip("simple_salesforce")
from salesforce_clients import session  # noqa: E402

from simple_salesforce import Salesforce, SalesforceLogin  # noqa: E402 # isort: skip
from simple_salesforce.exceptions import (  # noqa: E402
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    """A landscape whose CRM speaks as Salesforce, without a firm."""
    return launch_shared(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})


@pytest.fixture(scope="module")
def crm(landscape: Any) -> dict[str, Any]:
    """What the landscape says of it."""
    return next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")


@pytest.fixture(scope="module")
def keys(crm: dict[str, Any]) -> dict[str, str]:
    return crm["credentials"]


@pytest.fixture(scope="module")
def sf(crm: dict[str, Any], keys: dict[str, str]) -> Any:
    """Salesforce's client, signed in by SOAP."""
    return Salesforce(
        username=keys["username"],
        password=keys["password"],
        security_token=keys["security_token"],
        session=session(crm["url"]),
    )


@pytest.fixture
def account(sf: Any) -> str:
    return sf.Account.create({"Name": f"Acme {time.monotonic_ns()}"})["id"]


def refusal(caught: Any) -> dict[str, Any]:
    return caught.value.content[0]


# signing in


@pytest.mark.by_client("soap token query")
def test_every_way_of_signing_in_works(crm: dict[str, Any], keys: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(keys["private_key"])
    ways: list[dict[str, Any]] = [
        {"username": keys["username"], "password": keys["password"], "security_token": keys["security_token"]},
        {
            "username": keys["username"], "password": keys["password"],
            "consumer_key": keys["consumer_key"], "consumer_secret": keys["consumer_secret"],
        },
        {"consumer_key": keys["consumer_key"], "consumer_secret": keys["consumer_secret"], "domain": "acme.my"},
        {"username": keys["username"], "consumer_key": keys["consumer_key"], "privatekey_file": str(key)},
        {"session_id": keys["access_token"], "instance_url": crm["url"]},
    ]  # fmt: skip
    for way in ways:
        found = Salesforce(**way, session=session(crm["url"]))
        assert found.is_sandbox() is not None
        assert found.query("SELECT COUNT() FROM User")["totalSize"] >= 2


@pytest.mark.by_client("soap")
def test_soap_login_over_plain_http(crm: dict[str, Any], keys: dict[str, str]) -> None:
    token, instance = SalesforceLogin(
        username=keys["username"], password=keys["password"], security_token=keys["security_token"], scratch_url=crm["url"]
    )  # fmt: skip
    assert token.startswith(keys["organization_id"] + "!")
    assert instance in crm["url"]


def test_a_wrong_password_is_refused_in_the_vendors_words(crm: dict[str, Any], keys: dict[str, str]) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        Salesforce(username=keys["username"], password="no", security_token="", session=session(crm["url"]))
    assert caught.value.code == "INVALID_LOGIN"
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        Salesforce(
            consumer_key=keys["consumer_key"], consumer_secret="no", domain="acme.my", session=session(crm["url"])
        )
    assert (caught.value.code, caught.value.auth_message) == ("invalid_client", "invalid client credentials")


@pytest.mark.by_client("token revoke_token limits")
def test_a_refreshed_session_works_and_a_revoked_one_is_dead(crm: dict[str, Any], keys: dict[str, str]) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": keys["refresh_token"], "client_id": keys["consumer_key"]}
    made = requests.post(f"{crm['url']}/services/oauth2/token", data=form, timeout=10).json()
    assert "refresh_token" not in made
    client = Salesforce(session_id=made["access_token"], instance_url=crm["url"], session=session(crm["url"]))
    assert client.limits()["DailyApiRequests"]["Max"] == 15000
    assert (
        requests.post(
            f"{crm['url']}/services/oauth2/revoke", data={"token": made["access_token"]}, timeout=10
        ).status_code
        == 200
    )
    with pytest.raises(SalesforceExpiredSession) as caught:
        client.limits()
    assert refusal(caught) == {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}


# records


@pytest.mark.by_client("create_record get_record update_record delete_record limits")
def test_a_record_is_made_read_changed_and_deleted(sf: Any) -> None:
    made = sf.Account.create(
        {"Name": "Initech", "AnnualRevenue": 300.3, "BillingCountry": "Germany", "BillingCity": "Bonn"}
    )
    assert made == {"id": made["id"], "success": True, "errors": []}
    assert len(made["id"]) == 18
    found = sf.Account.get(made["id"][:15])
    assert (found["Id"], found["AnnualRevenue"], found["BillingAddress"]["city"]) == (made["id"], 300.3, "Bonn")
    assert sf.Account.update(made["id"], {"AnnualRevenue": None, "Phone": "123"}) == 204
    assert sf.Account.get(made["id"])["AnnualRevenue"] is None
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as caught:
        sf.Account.get(made["id"])
    assert refusal(caught)["errorCode"] == "ENTITY_IS_DELETED"
    sf.limits()
    assert sf.api_usage["api-usage"].total == 15000


def test_an_account_is_the_business_customer(sf: Any, landscape: Any) -> None:
    made = sf.Account.create(
        {"Name": "Hooli", "BillingCountry": "DE", "VAT_Id__c": "DE1", "ERP_Customer_Id__c": "H-1"}
    )["id"]
    record = landscape.call("GET", f"/systems/crm/customers/{made}").json
    assert (record["name"], record["country"], record["vat_id"], record["external_id"]) == ("Hooli", "DE", "DE1", "H-1")


@pytest.mark.parametrize(
    ("kind", "given", "code", "message"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]"),
        ("Account", {"Name": "x", "Nope__c": 1}, "INVALID_FIELD", "No such column 'Nope__c' on sobject of type Account"),
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", "Account Name: data value too large: "),
        ("Account", {"Name": "x", "CreatedDate": "2026-01-05T09:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "CreatedDate"),
        ("Account", {"Name": "x", "ParentId": "0061U00000AbCdEQAV"}, "MALFORMED_ID", "Parent Account ID: id value of incorrect type"),
        ("Account", {"Name": "x", "ParentId": "0011U00000AbCdEQAV"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        ("Account", {"Name": "x", "AnnualRevenue": "many"}, "JSON_PARSER_ERROR", "Cannot deserialize instance of currency"),
        ("Contact", {"LastName": "x", "Email": "nope"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: nope"),
        ("Opportunity", {"Name": "x", "StageName": "Nope", "CloseDate": "2026-01-05"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Stage: bad value"),
        ("Opportunity", {"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-01-05", "Amount": -1}, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Amount cannot"),
        ("Contact", {"LastName": "x", "Account": {"ERP_Customer_Id__c": "C-0"}}, "INVALID_FIELD", "Foreign key external ID: c-0 not found for field"),
    ],
)  # fmt: skip
def test_a_bad_record_is_refused_in_the_vendors_words(
    sf: Any, kind: str, given: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        getattr(sf, kind).create(given)
    assert refusal(caught)["errorCode"] == code
    assert message in refusal(caught)["message"]


@pytest.mark.by_client("upsert_record get_record")
def test_upsert_by_external_id_makes_then_changes(sf: Any) -> None:
    path = "ERP_Customer_Id__c/a%2Fb c"
    assert sf.Account.upsert(path, {"Name": "First"}) == 201
    assert sf.Account.upsert("ERP_Customer_Id__c/A%2FB C", {"Name": "Second"}) == 200
    found = sf.Account.get_by_custom_id("ERP_Customer_Id__c", "a/b c")
    assert found["Name"] == "Second"
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Account.create({"Name": "Third", "ERP_Customer_Id__c": "a/B c"})
    assert refusal(caught)["errorCode"] == "DUPLICATE_VALUE"
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get_by_custom_id("ERP_Customer_Id__c", "none")


def test_a_hierarchy_that_closes_a_loop_is_refused(sf: Any, account: str) -> None:
    child = sf.Account.create({"Name": "Child", "ParentId": account})["id"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Account.update(account, {"ParentId": child})
    assert refusal(caught)["errorCode"] == "CIRCULAR_DEPENDENCY"


def test_a_look_alike_is_shown_and_saved_when_asked_for(sf: Any) -> None:
    person = {"LastName": "Byron", "FirstName": "Ada", "Email": "Ada@Example.com"}
    first = sf.Contact.create(person)["id"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Contact.create({**person, "Email": "ada@example.COM"})
    found = refusal(caught)
    assert found["errorCode"] == "DUPLICATES_DETECTED"
    assert found["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first
    assert sf.Contact.create(person, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})["success"]
    assert sf.Contact.get(first)["Name"] == "Ada Byron"


# queries


@pytest.mark.by_client("create_records query query_more")
def test_query_all_iter_sees_every_page(sf: Any, account: str) -> None:
    for start in range(0, 450, 150):
        rows = [
            {"attributes": {"type": "Contact"}, "LastName": f"L{number}", "AccountId": account}
            for number in range(start, start + 150)
        ]
        sf.restful("composite/sobjects", method="POST", json={"records": rows})
    query = f"SELECT Id, LastName, Account.Name FROM Contact WHERE AccountId = '{account}' ORDER BY LastName"
    page = sf.query(query, headers={"Sforce-Query-Options": "batchSize=200"})
    assert (page["totalSize"], page["done"], len(page["records"])) == (450, False, 200)
    names = [each["LastName"] for each in page["records"]]
    while not page["done"]:
        page = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
        names += [each["LastName"] for each in page["records"]]
    assert sorted(names) == sorted(f"L{number}" for number in range(450))
    nested = sf.query(f"SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Id = '{account}'")["records"][0]
    assert (nested["Contacts"]["totalSize"], nested["Contacts"]["done"]) == (450, False)
    assert len(list(sf.query_all_iter(query))) == 450


def test_a_wrong_query_is_refused_with_its_place(sf: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.query("SELECT Id, Nope__c FROM Account")
    assert refusal(caught)["message"].startswith(
        "\nSELECT Id, Nope__c FROM Account\n           ^\nERROR at Row:1:Column:12\nNo such column"
    )
    with pytest.raises(SalesforceMalformedRequest):
        sf.query_more("01gxx-2000")


@pytest.mark.by_client("describe_all describe query")
def test_every_described_field_can_be_selected(sf: Any) -> None:
    for each in sf.describe()["sobjects"]:
        if each["queryable"]:
            fields = ", ".join(one["name"] for one in getattr(sf, each["name"]).describe()["fields"])
            assert sf.query(f"SELECT {fields} FROM {each['name']} LIMIT 5")["done"] is True


@pytest.mark.by_client("search")
def test_sosl_finds_words(sf: Any) -> None:
    made = sf.Account.create({"Name": "Umbrella Research Group"})["id"]
    found = sf.search("FIND {Umbrella Resea*} IN NAME FIELDS RETURNING Account(Id, Name)")["searchRecords"]
    assert [each["Id"] for each in found] == [made]
    assert sf.quick_search("Umbrella")["searchRecords"]


@pytest.mark.by_client("updated_records deleted_records")
def test_updated_and_deleted_are_listed(sf: Any, account: str) -> None:
    import datetime as dt

    now = dt.datetime.fromisoformat(sf.Account.get(account)["CreatedDate"].replace("+0000", "+00:00"))
    start, end = now - dt.timedelta(minutes=5), now + dt.timedelta(minutes=5)
    assert account in sf.Account.updated(start, end)["ids"]
    sf.Account.delete(account)
    assert account in [each["id"] for each in sf.Account.deleted(start, end)["deletedRecords"]]
    assert account not in sf.Account.updated(start, end)["ids"]


# deals


def _product(sf: Any, name: str, price: float, *, book: str | None = None) -> tuple[str, str]:
    standard = sf.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")["records"][0]["Id"]
    product = sf.Product2.create({"Name": name, "IsActive": True, "ProductCode": name[:3]})["id"]
    entry = {"Pricebook2Id": standard, "Product2Id": product, "UnitPrice": price, "IsActive": True}
    made = sf.PricebookEntry.create(entry)["id"]
    if book is not None:
        made = sf.PricebookEntry.create({**entry, "Pricebook2Id": book})["id"]
    return product, made


def _deal(sf: Any, account: str, **more: Any) -> str:
    return sf.Opportunity.create(
        {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-03-31", "AccountId": account, **more}
    )["id"]


def test_stages_need_no_order_and_set_what_follows(sf: Any, account: str) -> None:
    deal = _deal(sf, account, Amount=1000)
    won = next(each for each in sf.query("SELECT ApiName, IsWon FROM OpportunityStage")["records"] if each["IsWon"])
    assert sf.Opportunity.update(deal, {"StageName": won["ApiName"]}) == 204
    found = sf.Opportunity.get(deal)
    assert (found["IsClosed"], found["IsWon"], found["Probability"], found["ForecastCategory"]) == (
        True,
        True,
        100,
        "Closed",
    )
    for stage in ("Qualification", "Closed Lost", "Prospecting", "Negotiation/Review", "Proposal/Price Quote"):
        sf.Opportunity.update(deal, {"StageName": stage})
        assert sf.Opportunity.get(deal)["StageName"] == stage
    history = sf.query(f"SELECT StageName FROM OpportunityHistory WHERE OpportunityId = '{deal}'")["records"]
    assert {"Prospecting", "Closed Won", "Closed Lost"} <= {each["StageName"] for each in history}


def test_line_items_make_the_amount(sf: Any, account: str) -> None:
    deal = _deal(sf, account, Amount=5)
    _, entry = _product(sf, "Advice", 100)
    line = sf.OpportunityLineItem.create(
        {"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 3, "UnitPrice": 33.335, "Discount": 10}
    )["id"]
    assert sf.OpportunityLineItem.get(line)["TotalPrice"] == 90.0
    sf.Opportunity.update(deal, {"Amount": 7})
    found = sf.Opportunity.get(deal)
    assert (found["Amount"], found["HasOpportunityLineItem"]) == (90.0, True)
    sf.OpportunityLineItem.delete(line)
    assert sf.Opportunity.get(deal)["Amount"] == 90.0
    other = sf.Pricebook2.create({"Name": "Partner", "IsActive": True})["id"]
    _, wrong = _product(sf, "Other", 9, book=other)
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.OpportunityLineItem.create({"OpportunityId": deal, "PricebookEntryId": wrong, "Quantity": 1, "UnitPrice": 1})
    assert "pricebook entry is in a different pricebook" in refusal(caught)["message"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.OpportunityLineItem.create({"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 1})
    assert refusal(caught)["message"] == "field integrity exception: unknown (must specify unit price or total price)"


def test_a_price_book_wants_the_standard_price_first(sf: Any) -> None:
    product = sf.Product2.create({"Name": "Lonely", "IsActive": True})["id"]
    book = sf.Pricebook2.create({"Name": "Special", "IsActive": True})["id"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.PricebookEntry.create({"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 1, "IsActive": True})
    assert refusal(caught)["errorCode"] == "STANDARD_PRICE_NOT_DEFINED"


def test_a_quote_adds_up_and_is_accepted(sf: Any, account: str) -> None:
    deal = _deal(sf, account)
    _, entry = _product(sf, "Workshop", 200)
    quote = sf.Quote.create({"Name": "Offer", "OpportunityId": deal, "Tax": 10})["id"]
    sf.QuoteLineItem.create(
        {"QuoteId": quote, "PricebookEntryId": entry, "Quantity": 2, "UnitPrice": 200, "Discount": 25}
    )
    found = sf.Quote.get(quote)
    assert (found["Subtotal"], found["TotalPrice"], found["GrandTotal"], found["LineItemCount"]) == (
        400.0,
        300.0,
        310.0,
        1,
    )
    assert found["AccountId"] == account
    sf.Quote.update(quote, {"Status": "Accepted"})
    assert sf.Quote.get(quote)["Status"] == "Accepted"
    sf.Opportunity.update(deal, {"StageName": "Closed Won"})
    assert sf.Opportunity.get(deal)["IsWon"] is True


def test_a_contract_is_drafted_activated_and_stays(sf: Any, account: str) -> None:
    made = sf.Contract.create({"AccountId": account, "Status": "Draft", "StartDate": "2026-01-31", "ContractTerm": 12})[
        "id"
    ]
    found = sf.Contract.get(made)
    assert (found["EndDate"], found["StatusCode"], found["ContractTerm"]) == ("2027-01-30", "Draft", 12)
    sf.Contract.update(made, {"Status": "Activated"})
    assert sf.Contract.get(made)["ActivatedDate"] is not None
    with pytest.raises(SalesforceMalformedRequest):
        sf.Contract.update(made, {"Status": "Draft"})
    with pytest.raises(SalesforceMalformedRequest):
        sf.Contract.delete(made)


def test_an_order_is_activated_with_products_only(sf: Any, account: str) -> None:
    _, entry = _product(sf, "Retainer", 50)
    order = sf.Order.create({"AccountId": account, "EffectiveDate": "2026-02-01", "Status": "Draft"})["id"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Order.update(order, {"Status": "Activated"})
    assert refusal(caught)["errorCode"] == "FAILED_ACTIVATION"
    sf.OrderItem.create({"OrderId": order, "PricebookEntryId": entry, "Quantity": 2, "UnitPrice": 50})
    sf.Order.update(order, {"Status": "Activated"})
    assert sf.Order.get(order)["TotalAmount"] == 100.0
    with pytest.raises(SalesforceMalformedRequest):
        sf.OrderItem.create({"OrderId": order, "PricebookEntryId": entry, "Quantity": 2, "UnitPrice": 50})


# several at once


@pytest.mark.by_client("create_records get_records delete_records")
def test_collections_say_which_rows_failed(sf: Any) -> None:
    rows = [{"attributes": {"type": "Account"}, "Name": "Good"}, {"attributes": {"type": "Account"}}]
    found = sf.restful("composite/sobjects", method="POST", json={"records": rows})
    assert [each["success"] for each in found] == [True, False]
    assert found[1]["errors"][0] == {
        "statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [Name]",
        "fields": ["Name"],
    }
    together = sf.restful("composite/sobjects", method="POST", json={"records": rows, "allOrNone": True})
    assert together[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    read = sf.restful(
        "composite/sobjects/Account", params={"ids": f"{found[0]['id']},0011U00000AbCdEQAV", "fields": "Name"}
    )
    assert [each and each["Name"] for each in read] == ["Good", None]
    gone = sf.restful("composite/sobjects", method="DELETE", params={"ids": found[0]["id"]})
    assert gone[0]["success"]


@pytest.mark.by_client("composite")
def test_a_composite_refers_to_its_own_answers_and_rolls_back(sf: Any) -> None:
    root = f"/services/data/v{sf.sf_version}"
    parts = [
        {"method": "POST", "url": f"{root}/sobjects/Account", "referenceId": "acc", "body": {"Name": "Composite Inc"}},
        {
            "method": "POST",
            "url": f"{root}/sobjects/Contact",
            "referenceId": "con",
            "body": {"LastName": "C", "AccountId": "@{acc.id}"},
        },
        {
            "method": "GET",
            "url": f"{root}/query?q=SELECT+Id+FROM+Contact+WHERE+AccountId='@{{acc.id}}'",
            "referenceId": "q",
        },
    ]
    found = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": parts})[
        "compositeResponse"
    ]
    assert [each["httpStatusCode"] for each in found] == [201, 201, 200]
    assert found[2]["body"]["records"][0]["Id"] == found[1]["body"]["id"]
    assert found[0]["httpHeaders"]["Location"].endswith(found[0]["body"]["id"])
    bad = [
        {**parts[0], "body": {"Name": "Never There"}},
        {"method": "POST", "url": f"{root}/sobjects/Contact", "referenceId": "bad", "body": {}},
    ]
    undone = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": bad})[
        "compositeResponse"
    ]
    assert undone[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert undone[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert sf.query("SELECT COUNT() FROM Account WHERE Name = 'Never There'")["totalSize"] == 0


@pytest.mark.by_client("create_tree")
def test_a_tree_is_inserted_whole_or_not_at_all(sf: Any) -> None:
    tree = {
        "attributes": {"type": "Account", "referenceId": "r1"},
        "Name": "Tree",
        "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "r2"}, "LastName": "Leaf"}]},
    }
    found = sf.restful("composite/tree/Account", method="POST", json={"records": [tree]})
    assert [each["referenceId"] for each in found["results"]] == ["r1", "r2"]
    assert sf.Contact.get(found["results"][1]["id"])["AccountId"] == found["results"][0]["id"]


@pytest.mark.by_client("composite_batch")
def test_a_batch_goes_on_after_a_failure(sf: Any) -> None:
    parts = [
        {"method": "GET", "url": "v59.0/sobjects/Account/0011U00000AbCdEQAV"},
        {"method": "GET", "url": "v59.0/limits"},
    ]
    found = sf.restful("composite/batch", method="POST", json={"batchRequests": parts})
    assert (found["hasErrors"], [each["statusCode"] for each in found["results"]]) == (True, [404, 200])


# bulk


@pytest.mark.by_client(
    "bulk_ingest_create bulk_upload bulk_ingest_close bulk_ingest_get bulk_results bulk_query_create bulk_query_get bulk_query_results"
)
def test_bulk_2_loads_rows_and_tells_the_bad_ones(sf: Any) -> None:
    rows = [{"Name": f"Bulk {number}", "ERP_Customer_Id__c": f"BULK-{number}"} for number in range(5)] + [
        {"Name": "", "ERP_Customer_Id__c": "BULK-x"}
    ]
    (result,) = sf.bulk2.Account.upsert(records=rows, external_id_field="ERP_Customer_Id__c", wait=0)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (6, 1)
    failed = sf.bulk2.Account.get_failed_records(result["job_id"])
    assert "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --" in failed
    assert '"sf__Id","sf__Created"' in sf.bulk2.Account.get_successful_records(result["job_id"])
    answer = "".join(
        sf.bulk2.Account.query(
            "SELECT Name, Owner.Name FROM Account WHERE ERP_Customer_Id__c LIKE 'BULK-%' ORDER BY Name",
            max_records=2,
            wait=0,
        )
    )
    assert answer.count("Bulk ") == 5


# merge, undelete and the rest of SOAP


def _soap(crm: dict[str, Any], token: str, body: str) -> requests.Response:
    envelope = (
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><env:Header>'
        f"<SessionHeader><sessionId>{token}</sessionId></SessionHeader></env:Header><env:Body>{body}</env:Body></env:Envelope>"
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
    return requests.post(f"{crm['url']}/services/Soap/u/59.0", data=envelope, headers=headers, timeout=10)


@pytest.mark.by_client("query_all")
def test_a_merged_account_leaves_its_children_to_the_winner(sf: Any, crm: dict[str, Any], keys: dict[str, str]) -> None:
    winner, loser = (sf.Account.create({"Name": name})["id"] for name in ("Winner", "Loser"))
    contact = sf.Contact.create({"LastName": "Moved", "AccountId": loser})["id"]
    body = f"<merge><request><masterRecord><type>Account</type><Id>{winner}</Id></masterRecord><recordToMergeIds>{loser}</recordToMergeIds></request></merge>"
    answer = _soap(crm, keys["access_token"], body)
    assert "<success>true</success>" in answer.text
    assert sf.Contact.get(contact)["AccountId"] == winner
    gone = sf.query_all(f"SELECT IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'", include_deleted=True)[
        "records"
    ][0]
    assert (gone["IsDeleted"], gone["MasterRecordId"]) == (True, winner)
    sf.Contact.delete(contact)
    assert (
        "<success>true</success>" in _soap(crm, keys["access_token"], f"<undelete><ids>{contact}</ids></undelete>").text
    )
    assert sf.Contact.get(contact)["IsDeleted"] is False


# transport


def test_answers_look_like_salesforces(crm: dict[str, Any], keys: dict[str, str], sf: Any, account: str) -> None:
    head = {"Authorization": f"Bearer {keys['access_token']}"}
    data = f"{crm['url']}/services/data"
    versions = requests.get(f"{data}/", timeout=10)
    assert versions.json()[-1]["version"] == "66.0"
    assert {"label": "Winter '24", "url": "/services/data/v59.0", "version": "59.0"} in versions.json()
    made = requests.post(f"{data}/v50.0/sobjects/Account/", json={"Name": "Located"}, headers=head, timeout=10)
    assert made.status_code == 201
    assert made.headers["Location"] == f"/services/data/v50.0/sobjects/Account/{made.json()['id']}"
    assert made.headers["Content-Type"] == "application/json;charset=UTF-8"
    wrong = requests.put(f"{data}/v59.0/sobjects/Account/{account}", json={}, headers=head, timeout=10)
    assert (wrong.status_code, wrong.json()[0]["message"]) == (
        405,
        "HTTP Method 'PUT' not allowed. Allowed are HEAD,GET,PATCH,DELETE",
    )
    patched = requests.post(
        f"{data}/v59.0/sobjects/Account/{account}?_HttpMethod=PATCH", json={"Phone": "1"}, headers=head, timeout=10
    )
    assert (patched.status_code, patched.content) == (204, b"")
    stale = {**head, "If-Unmodified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}
    assert (
        requests.patch(
            f"{data}/v59.0/sobjects/Account/{account}", json={"Phone": "2"}, headers=stale, timeout=10
        ).status_code
        == 412
    )
    old = requests.patch(
        f"{data}/v45.0/sobjects/Account/Customer_No__c/CU-9", json={"Name": "Old"}, headers=head, timeout=10
    )
    assert (old.status_code, "created" in old.json()) == (201, False)
    assert requests.get(f"{data}/v59.0/nothing", headers=head, timeout=10).json()[0]["errorCode"] == "NOT_FOUND"


def test_an_external_id_that_is_not_unique_gives_300(sf: Any, landscape: Any, crm: dict[str, Any]) -> None:
    head = {"Authorization": f"Bearer {crm['native']['credentials']['access_token']}"}
    for name in ("One", "Two"):
        made = sf.Account.create({"Name": name})["id"]
        native = f"{crm['native']['url']}/customers/{made}"
        assert requests.patch(native, json={"external_id": "TWICE"}, headers=head, timeout=10).status_code == 200
    with pytest.raises(SalesforceMoreThanOneRecord) as caught:
        sf.Account.get_by_custom_id("ERP_Customer_Id__c", "twice")
    assert len(caught.value.content) == 2
    row = {"attributes": {"type": "Account"}, "ERP_Customer_Id__c": "twice", "Phone": "1"}
    place = "composite/sobjects/Account/ERP_Customer_Id__c"
    (failed,) = sf.restful(place, method="PATCH", json={"records": [row]})
    (error,) = failed["errors"]
    assert error["statusCode"] == "DUPLICATE_VALUE"
    assert error["message"].startswith("ERP_Customer_Id__c: more than one record found for external id field: [001")


@pytest.mark.by_test("authorise token identity userinfo")
def test_the_web_server_flow_ends_in_a_session(crm: dict[str, Any], keys: dict[str, str]) -> None:
    asked = {
        "response_type": "code",
        "client_id": keys["consumer_key"],
        "redirect_uri": "http://localhost/back?x=1",
        "state": "s",
    }
    sent = requests.get(f"{crm['url']}/services/oauth2/authorize", params=asked, allow_redirects=False, timeout=10)
    assert sent.status_code == 302
    back = dict(parse_qsl(urlsplit(sent.headers["Location"]).query))
    assert (back["x"], back["state"]) == ("1", "s")
    form = {
        "grant_type": "authorization_code",
        "code": back["code"],
        "client_id": keys["consumer_key"],
        "client_secret": keys["consumer_secret"],
    }
    made = requests.post(f"{crm['url']}/services/oauth2/token", data=form, timeout=10).json()
    app = {"client_id": keys["consumer_key"]}
    again = {"grant_type": "refresh_token", **app}
    for token, end in ((made["refresh_token"], 400), (keys["refresh_token"], 200)):
        refreshed = {**again, "refresh_token": token}
        assert requests.post(f"{crm['url']}/services/oauth2/token", data=refreshed, timeout=10).status_code == 200
        requests.post(f"{crm['url']}/services/oauth2/revoke", data={"token": made["refresh_token"]}, timeout=10)
        assert requests.post(f"{crm['url']}/services/oauth2/token", data=refreshed, timeout=10).status_code == end
    head = {"Authorization": f"Bearer {made['access_token']}"}
    assert requests.get(made["id"], headers=head, timeout=10).json()["username"] == keys["username"]
    assert (
        requests.get(f"{crm['url']}/services/oauth2/userinfo", headers=head, timeout=10).json()["user_id"]
        == keys["user_id"]
    )
    assert (
        requests.post(f"{crm['url']}/services/oauth2/token", data=form, timeout=10).json()["error"] == "invalid_grant"
    )


@pytest.mark.by_test(
    "resources object versions recent listviews layouts search_parameters composite_graph upsert_records update_records"
)
def test_what_no_client_of_these_asks_for_is_there_all_the_same(
    crm: dict[str, Any], keys: dict[str, str], account: str
) -> None:
    head = {"Authorization": f"Bearer {keys['access_token']}"}
    data = f"{crm['url']}/services/data/v59.0"

    def ask(method: str, path: str, **more: Any) -> Any:
        return requests.request(method, data + path, headers=head, timeout=10, **more).json()

    assert requests.get(f"{crm['url']}/services/data", timeout=10).json()[0]["version"] == "38.0"
    assert ask("GET", "")["identity"].endswith(f"/id/{keys['organization_id']}/{keys['user_id']}")
    assert ask("GET", "/sobjects/Account")["objectDescribe"]["keyPrefix"] == "001"
    assert ask("GET", "/recent") == []
    assert ask("GET", "/sobjects/Account/listviews")["listviews"] == []
    assert ask("GET", "/sobjects/Account/describe/layouts")["layouts"] == []
    assert "searchRecords" in ask("GET", "/parameterizedSearch", params={"q": "Acme", "sobject": "Account"})
    part = {
        "method": "POST",
        "url": "/services/data/v59.0/sobjects/Account",
        "referenceId": "a",
        "body": {"Name": "Graph"},
    }
    graph = ask("POST", "/composite/graph", json={"graphs": [{"graphId": "g", "compositeRequest": [part]}]})
    assert graph["graphs"][0]["isSuccessful"] is True
    rows = [{"attributes": {"type": "Account"}, "Name": "Many", "ERP_Customer_Id__c": "M-1"}]
    made = ask("PATCH", "/composite/sobjects/Account/ERP_Customer_Id__c", json={"records": rows})
    assert (made[0]["created"], made[0]["success"]) == (True, True)
    changed = ask(
        "PATCH",
        "/composite/sobjects",
        json={"records": [{"attributes": {"type": "Account"}, "id": account, "Phone": "5"}]},
    )
    assert changed == [{"id": account, "success": True, "errors": []}]


@pytest.mark.by_test(
    "bulk_ingest_create bulk_upload bulk_ingest_close bulk_ingest_get bulk_ingest_list bulk_query_list bulk_ingest_delete"
)
def test_a_wrong_header_or_line_ending_fails_the_whole_job(crm: dict[str, Any], keys: dict[str, str]) -> None:
    head = {"Authorization": f"Bearer {keys['access_token']}"}
    jobs = f"{crm['url']}/services/data/v59.0/jobs/ingest"
    for data, message in (
        ("Name,Nope__c\nx,y\n", "InvalidBatch : Field name not found : Nope__c"),
        ("Name\r\nx\r\n", "LineEnding is invalid on user data. Current LineEnding setting is LF"),
    ):
        job = requests.post(jobs, json={"object": "Account", "operation": "insert"}, headers=head, timeout=10).json()
        place = f"{jobs}/{job['id']}"
        assert (
            requests.put(
                f"{place}/batches", data=data, headers={**head, "Content-Type": "text/csv"}, timeout=10
            ).status_code
            == 201
        )
        requests.patch(place, json={"state": "UploadComplete"}, headers=head, timeout=10)
        done = requests.get(place, headers=head, timeout=10).json()
        assert (done["state"], done["errorMessage"]) == ("Failed", message)
        assert job["id"] in [each["id"] for each in requests.get(jobs, headers=head, timeout=10).json()["records"]]
        assert requests.delete(place, headers=head, timeout=10).status_code == 204
    assert requests.get(jobs.replace("ingest", "query"), headers=head, timeout=10).json()["done"] is True


@pytest.mark.by_test("cometd")
def test_events_are_replayed_and_forgotten_after_72_hours(launch: Any) -> None:
    landscape = launch(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    crm = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")
    head = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}

    def bayeux(*messages: dict[str, Any]) -> list[dict[str, Any]]:
        return requests.post(f"{crm['url']}/cometd/59.0", json=list(messages), headers=head, timeout=10).json()

    data = f"{crm['url']}/services/data/v59.0/sobjects"
    made = requests.post(f"{data}/Account", json={"Name": "Told"}, headers=head, timeout=10).json()["id"]
    requests.post(f"{data}/Order_Approved__e", json={"Order_Id__c": "O-1"}, headers=head, timeout=10)
    client = bayeux({"channel": "/meta/handshake", "version": "1.0", "id": "1"})[0]["clientId"]

    def subscribe(channel: str, after: int) -> dict[str, Any]:
        ext = {"replay": {channel: after}}
        return bayeux(
            {"channel": "/meta/subscribe", "clientId": client, "subscription": channel, "ext": ext, "id": "2"}
        )[0]

    assert subscribe("/data/ChangeEvents", -2)["successful"]
    assert subscribe("/event/Order_Approved__e", -2)["successful"]
    *events, reply = bayeux(
        {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling", "id": "3"}
    )
    assert reply["channel"] == "/meta/connect"
    told = next(
        each
        for each in events
        if each["channel"] == "/data/ChangeEvents" and each["data"]["payload"].get("Name") == "Told"
    )
    assert told["data"]["payload"]["ChangeEventHeader"]["recordIds"] == [made]
    assert told["data"]["payload"]["CreatedDate"].endswith("Z")
    assert events[-1]["data"]["payload"]["Order_Id__c"] == "O-1"
    assert "EventUuid" in events[-1]["data"]["event"]
    landscape.call("POST", "/clock/advance", {"days": 4})
    refused = subscribe("/data/ChangeEvents", told["data"]["event"]["replayId"])
    assert refused["error"].startswith("400::The replayId {")
    stranger = bayeux({"channel": "/meta/connect", "clientId": "nobody", "id": "4"})[0]
    assert (stranger["error"], stranger["advice"]["reconnect"]) == ("403::Unknown client", "handshake")


@pytest.mark.by_test("get_record update_record")
def test_an_account_has_an_etag_that_writes_can_insist_on(
    crm: dict[str, Any], keys: dict[str, str], account: str
) -> None:
    head = {"Authorization": f"Bearer {keys['access_token']}"}
    place = f"{crm['url']}/services/data/v59.0/sobjects/Account/{account}"
    tag = requests.get(place, headers=head, timeout=10).headers["ETag"]
    assert requests.get(place, headers={**head, "If-None-Match": tag}, timeout=10).status_code == 304
    changed = requests.patch(place, json={"Phone": "9"}, headers={**head, "If-Match": tag}, timeout=10)
    assert changed.status_code == 204
    again = requests.patch(place, json={"Phone": "8"}, headers={**head, "If-Match": tag}, timeout=10)
    assert (again.status_code, again.content) == (412, b"")


def test_an_outbound_message_is_sent_until_it_is_acknowledged(launch: Any) -> None:
    landscape = launch(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    crm = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")
    receiver = landscape.listen("crm", subscribe=False)
    ack = (
        b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>%s</Ack></notificationsResponse>'
    )
    receiver.bodies = [ack % b"false", ack % b"true"]
    face = landscape.landscape.systems["crm"].face
    face.subscribe(receiver.url, ["outbound:Opportunity(Id, Name, StageName WHERE IsWon = true)"], "")
    client = Salesforce(
        session_id=crm["credentials"]["access_token"], instance_url=crm["url"], session=session(crm["url"])
    )
    deal = client.Opportunity.create({"Name": "Told & sold", "StageName": "Prospecting", "CloseDate": "2026-03-31"})[
        "id"
    ]
    landscape.settle()
    assert receiver.heard == []
    client.Opportunity.update(deal, {"StageName": "Closed Won"})
    landscape.settle()
    landscape.call("POST", "/clock/advance", {"days": 1})
    first, second = receiver.heard[:2]
    assert first.headers["soapaction"] == '""'
    assert b"<sf:StageName>Closed Won</sf:StageName>" in first.body
    assert b"Told &amp; sold" in first.body
    assert f"<PartnerUrl>{crm['url']}/services/Soap/u/59.0/".encode() in first.body
    notification = first.body.partition(b"<Notification><Id>")[2][:18]
    assert notification.startswith(b"04l")
    assert notification in second.body
