"""A whole sale by simple-salesforce alone: lines that live within offers, rate cards and change orders are written as objects of their own."""

from __future__ import annotations

from typing import Any

import pytest

simple_salesforce = pytest.importorskip("simple_salesforce")
from salesforce_clients import session  # noqa: E402

from simple_salesforce.exceptions import SalesforceMalformedRequest  # noqa: E402 # isort: skip

LINE = {"Type__c": "FIXED_FEE", "Revenue_Method__c": "MILESTONE_OUTPUT", "Tax_Code__c": "US-NT", "Amount__c": 30000.5}


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    return launch_shared(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})


@pytest.fixture(scope="module")
def sf(landscape: Any) -> Any:
    crm = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")
    keys = {"session_id": crm["credentials"]["access_token"], "instance_url": crm["url"]}
    return simple_salesforce.Salesforce(**keys, session=session(crm["url"]))


@pytest.fixture
def quote(sf: Any) -> str:
    """A draft offer to a new customer."""
    account = sf.Account.create({"Name": "Northwind"})["id"]
    site = sf.Site__c.create({"Name": "HQ", "Account__c": account, "Country__c": "US"})["id"]
    deal = sf.Opportunity.create(
        {
            "Name": "Rollout", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-02-01",
            "Bill_To_Site__c": site, "Ship_To_Site__c": site, "Practice__c": "Data", "Legal_Entity__c": "US01",
            "Tax_Region__c": "US-CA",
        }
    )["id"]  # fmt: skip
    return str(sf.Quote.create({"Name": "Offer", "OpportunityId": deal})["id"])


def rows(sf: Any, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sf.query_all(query)["records"]
    return [{name: value for name, value in each.items() if name != "attributes"} for each in found]


@pytest.mark.by_client("create_record update_record delete_record query")
def test_an_offer_written_line_by_line_becomes_a_contract_when_it_is_won(sf: Any, quote: str) -> None:
    first = sf.SOW_Line__c.create({"Quote__c": quote, "Name": "Build", **LINE})["id"]
    second = sf.SOW_Line__c.create({"Quote__c": quote, "Name": "Extra", **LINE})["id"]
    third = sf.SOW_Line__c.create(
        {
            "Quote__c": quote, "Type__c": "TM", "Revenue_Method__c": "HOURS", "Budget_Hours__c": 40,
            "Expense_Markup__c": 12.5,
        }
    )["id"]  # fmt: skip
    half = sf.Milestone__c.create(
        {"Quote__c": quote, "Code__c": "M1", "Amount__c": 15000.25, "Revenue_Weight__c": 33.3333}
    )["id"]
    sf.Milestone__c.create({"Quote__c": quote, "Code__c": "M2", "Amount__c": 15000.25, "Line_No__c": 1})
    assert sf.SOW_Line__c.delete(second) == 204
    assert sf.SOW_Line__c.update(third, {"Budget_Hours__c": 60}) == 204
    assert sf.Milestone__c.update(half, {"Planned__c": "2026-03-31"}) == 204
    lines = rows(sf, f"SELECT Id, Line_No__c, Amount__c, Budget_Hours__c FROM SOW_Line__c WHERE Quote__c = '{quote}'")
    assert sorted(lines, key=lambda each: each["Line_No__c"]) == [
        {"Id": first, "Line_No__c": 1, "Amount__c": 30000.5, "Budget_Hours__c": None},
        {"Id": third, "Line_No__c": 3, "Amount__c": None, "Budget_Hours__c": 60},
    ]
    assert sf.Milestone__c.get(half)["Revenue_Weight__c"] == 33.3333
    sf.Quote.update(quote, {"Status": "Accepted"})
    deal = sf.Quote.get(quote)["OpportunityId"]
    sf.Opportunity.update(deal, {"StageName": "Closed Won"})
    (contract,) = rows(
        sf,
        f"SELECT Id, Contract_Ref__c, State__c, Value__c FROM Contract WHERE Opportunity__c = '{deal}'",
    )
    assert (contract["State__c"], contract["Value__c"]) == ("APPROVED", 30000.5)
    sold = rows(sf, f"SELECT Id, Name, Line_No__c FROM SOW_Line__c WHERE Contract__c = '{contract['Id']}'")
    assert {each["Line_No__c"]: each["Name"] for each in sold} == {1: "Build", 3: None}
    with pytest.raises(SalesforceMalformedRequest) as frozen:
        sf.SOW_Line__c.update(sold[0]["Id"], {"Amount__c": 1})
    assert frozen.value.content[0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    with pytest.raises(SalesforceMalformedRequest) as accepted:
        sf.SOW_Line__c.update(first, {"Amount__c": 1})
    assert accepted.value.content[0]["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.mark.parametrize(
    ("line", "code", "fields"),
    [
        ({}, "REQUIRED_FIELD_MISSING", ["Type__c", "Revenue_Method__c"]),
        ({**LINE, "Type__c": "GIFT"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Type__c"]),
        ({**LINE, "Sort_Order__c": 7}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Sort_Order__c"]),
        ({**LINE, "Line_No__c": 1000}, "NUMBER_OUTSIDE_VALID_RANGE", ["Line_No__c"]),
    ],
)
def test_a_line_that_cannot_be_is_refused_and_changes_nothing(
    sf: Any, quote: str, line: dict[str, Any], code: str, fields: list[str]
) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.SOW_Line__c.create({"Quote__c": quote, **line})
    assert (refused.value.content[0]["errorCode"], refused.value.content[0]["fields"]) == (code, fields)
    assert rows(sf, f"SELECT Id FROM SOW_Line__c WHERE Quote__c = '{quote}'") == []


def test_a_rate_card_has_one_row_for_each_level(sf: Any) -> None:
    card = sf.Rate_Card__c.create({"Name": "EU", "Effective_From__c": "2026-01-01", "CurrencyIsoCode": "EUR"})["id"]
    row = sf.Rate_Card_Row__c.create({"Rate_Card__c": card, "Level__c": "SENIOR", "Rate__c": 187.125})["id"]
    assert sf.Rate_Card_Row__c.get(row)["Rate__c"] == 187.125
    with pytest.raises(SalesforceMalformedRequest) as twice:
        sf.Rate_Card_Row__c.create({"Rate_Card__c": card, "Level__c": "SENIOR", "Rate__c": 1})
    assert twice.value.content[0]["errorCode"] == "DUPLICATE_VALUE"
