"""Fields and objects that a landscape file declares, at each vendor's face, by the vendors' clients; and declarations that cannot be."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from counterfoil_mocks.landscape import Landscape, Unusable

SALESFORCE = {
    "Account": {
        "Tier__c": {"type": "choice", "choices": ["Gold", "Silver"], "label": "Client Tier"},
        "Sectors__c": {"type": "choices", "choices": ["Health", "Retail", "Public"]},
        "Ledger_Code__c": {"type": "text", "length": 8, "unique": True},
        "Headcount__c": {"type": "integer"},
        "Yearly_Fee__c": {"type": "money"},
        "Preferred__c": {"type": "boolean"},
        "Signed_On__c": {"type": "date"},
        "Reviewed_At__c": {"type": "instant"},
        "Counsel__c": {"type": "email"},
    },
    "Clause__c": {
        "Text__c": {"type": "long_text", "required": True},
        "Clause_No__c": {"type": "text", "length": 20, "external_id": True, "unique": True},
        "Account__c": {"type": "ref", "refers": "Account"},
        "Replaces__c": {"type": "ref", "refers": "Clause__c"},
    },
}


NETSUITE = {
    "customer": {
        "custentity_tier": {"type": "choice", "choices": ["Gold", "Silver"], "label": "Client Tier"},
        "custentity_headcount": {"type": "integer"},
        "custentity_keyed_by": {"type": "ref", "refers": "customrecord_team"},
    },
    "invoice": {
        "custbody_portal_id": {"type": "text", "length": 10},
        "custbody_hold_until": {"type": "date"},
        "custbody_late_fee": {"type": "money"},
        "custbody_disputed": {"type": "boolean"},
    },
    "transactionLine": {"custcol_phase": {"type": "text"}, "custcol_share": {"type": "percent", "scale": 1}},
    "customrecord_team": {
        "custrecord_lead": {"type": "email", "required": True, "label": "Team Lead"},
        "custrecord_home": {"type": "ref", "refers": "subsidiary"},
    },
}

KANTATA = {
    "workspace": {
        "Region": {"type": "choice", "choices": ["EMEA", "APAC"]},
        "Steering Day": {"type": "date"},
        "Portal": {"type": "text", "length": 8},
        "Seats": {"type": "integer"},
        "Retainer": {"type": "money"},
    },
    "user": {"Skills": {"type": "choices", "choices": ["Data", "Cloud"]}},
}


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    """A landscape whose firm has added to its systems."""
    pytest.importorskip("requests_oauthlib")
    from netsuite_account import account

    return account(
        launch_shared,
        crm={"vendor": "salesforce", "custom": SALESFORCE},
        psa={"vendor": "kantata", "custom": KANTATA},
        erp={"vendor": "netsuite", "custom": NETSUITE},
    )


@pytest.fixture(scope="module")
def systems(landscape: Any) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in landscape.call("GET", "/landscape").json["systems"]}


# Salesforce


@pytest.fixture(scope="module")
def sf(systems: dict[str, dict[str, Any]]) -> Any:
    """Salesforce's client."""
    simple_salesforce = pytest.importorskip("simple_salesforce")
    from salesforce_clients import session

    crm = systems["crm"]
    keys = crm["credentials"]
    return simple_salesforce.Salesforce(
        session_id=keys["access_token"], instance_url=crm["url"], session=session(crm["url"])
    )


def refusal(sf: Any, object: str, **given: Any) -> tuple[str, str]:
    """How Salesforce refuses a new record: code and sentence."""
    from simple_salesforce.exceptions import SalesforceMalformedRequest

    with pytest.raises(SalesforceMalformedRequest) as caught:
        getattr(sf, object).create(given)
    return caught.value.content[0]["errorCode"], caught.value.content[0]["message"]


def test_salesforce_describes_declared_fields_and_objects(sf: Any) -> None:
    fields = {each["name"]: each for each in sf.Account.describe()["fields"]}
    tier = fields["Tier__c"]
    assert (tier["type"], tier["label"], tier["custom"], tier["restrictedPicklist"]) == (
        "picklist", "Client Tier", True, True,
    )  # fmt: skip
    assert [each["value"] for each in tier["picklistValues"]] == ["Gold", "Silver"]
    assert (fields["Ledger_Code__c"]["length"], fields["Ledger_Code__c"]["unique"]) == (8, True)
    assert (fields["Headcount__c"]["type"], fields["Headcount__c"]["scale"]) == ("double", 0)
    assert fields["Yearly_Fee__c"]["type"] == "currency"
    clause = sf.Clause__c.describe()
    assert (clause["label"], clause["custom"], clause["queryable"]) == ("Clause", True, True)
    own = {each["name"]: each for each in clause["fields"]}
    assert not own["Text__c"]["nillable"]
    assert own["Clause_No__c"]["externalId"]
    assert (own["Account__c"]["referenceTo"], own["Account__c"]["relationshipName"]) == (["Account"], "Account__r")
    ways = {way["relationshipName"]: way["childSObject"] for way in sf.Account.describe()["childRelationships"]}
    assert ways["Clauses__r"] == "Clause__c"
    assert "Clause__c" in {each["name"] for each in sf.describe()["sobjects"]}


def test_salesforce_keeps_and_gives_back_declared_fields(sf: Any) -> None:
    given = {
        "Tier__c": "gold", "Sectors__c": "Retail;Health", "Headcount__c": 120, "Yearly_Fee__c": 1999.5,
        "Signed_On__c": "2026-03-01", "Reviewed_At__c": "2026-03-01T10:00:00Z", "Counsel__c": "law@acme.example",
    }  # fmt: skip
    made = sf.Account.create({"Name": "Declared Ltd", **given})["id"]
    found = sf.Account.get(made)
    assert (found["Tier__c"], found["Sectors__c"]) == ("Gold", "Health;Retail")
    assert (found["Headcount__c"], found["Yearly_Fee__c"]) == (120, 1999.5)
    assert (found["Signed_On__c"], found["Counsel__c"]) == ("2026-03-01", "law@acme.example")
    assert (found["Preferred__c"], found["Reviewed_At__c"]) == (False, "2026-03-01T10:00:00.000+0000")
    sf.Account.update(made, {"Preferred__c": True, "Tier__c": None})
    assert (sf.Account.get(made)["Preferred__c"], sf.Account.get(made)["Tier__c"]) == (True, None)


def test_salesforce_announces_declared_fields_and_objects(sf: Any, landscape: Any) -> None:
    account = sf.Account.create({"Name": "Announced", "Tier__c": "Gold"})["id"]
    sf.Account.update(account, {"Tier__c": "Silver"})
    sf.Clause__c.create({"Name": "Scope", "Text__c": "All of it", "Account__c": account})
    told = landscape.landscape.store.rows(
        "SELECT type, extra FROM crm.outbox WHERE type LIKE '/data/%' ORDER BY seq DESC LIMIT 2"
    )
    clause, change = ((row["type"], json.loads(row["extra"])["payload"]) for row in told)
    assert (change[0], change[1]["Tier__c"]) == ("/data/AccountChangeEvent", "Silver")
    assert "Tier__c" in change[1]["ChangeEventHeader"]["changedFields"]
    assert (clause[0], clause[1]["Text__c"], clause[1]["Account__c"]) == (
        "/data/Clause__ChangeEvent", "All of it", account,
    )  # fmt: skip


def test_salesforce_queries_select_filter_and_sort_by_declared_fields(sf: Any) -> None:
    for name, headcount, sectors in (
        ("Small", 10, "Health"),
        ("Middle", 50, "Retail;Public"),
        ("Large", 900, "Public"),
    ):
        sf.Account.create({"Name": name, "Headcount__c": headcount, "Sectors__c": sectors, "Tier__c": "Silver"})
    asked = "SELECT Name, Headcount__c FROM Account WHERE Tier__c = 'Silver' AND Headcount__c > 20 ORDER BY Headcount__c DESC"
    assert [each["Name"] for each in sf.query(asked)["records"]] == ["Large", "Middle"]
    asked = "SELECT Name FROM Account WHERE Sectors__c INCLUDES ('Public') AND Tier__c = 'Silver' ORDER BY Name"
    assert [each["Name"] for each in sf.query(asked)["records"]] == ["Large", "Middle"]
    total = sf.query("SELECT SUM(Headcount__c) total FROM Account WHERE Tier__c = 'Silver'")["records"][0]["total"]
    assert total == 960


def test_salesforce_refuses_a_value_that_a_declared_field_cannot_hold(sf: Any) -> None:
    assert refusal(sf, "Account", Name="X", Tier__c="Lead") == (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Client Tier: bad value for restricted picklist field: Lead",
    )  # fmt: skip
    assert refusal(sf, "Account", Name="X", Sectors__c="Health;Mining")[0] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert refusal(sf, "Account", Name="X", Ledger_Code__c="123456789")[0] == "STRING_TOO_LONG"
    assert refusal(sf, "Account", Name="X", Headcount__c="many")[0] == "JSON_PARSER_ERROR"
    assert refusal(sf, "Account", Name="X", Counsel__c="nobody")[0] == "INVALID_EMAIL_ADDRESS"
    assert refusal(sf, "Account", Name="X", Undeclared__c="1")[0] == "INVALID_FIELD"
    assert refusal(sf, "Clause__c", Name="X") == ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Text__c]")
    sf.Account.create({"Name": "First", "Ledger_Code__c": "L-1"})
    assert refusal(sf, "Account", Name="Second", Ledger_Code__c="l-1")[0] == "DUPLICATE_VALUE"


def test_salesforce_custom_objects_have_parents_children_and_external_ids(sf: Any) -> None:
    account = sf.Account.create({"Name": f"Parent {time.monotonic_ns()}"})["id"]
    assert sf.Clause__c.upsert("Clause_No__c/C-1", {"Text__c": "Net 30", "Account__c": account}) == 201
    assert sf.Clause__c.upsert("Clause_No__c/C-1", {"Text__c": "Net 60"}) == 200
    second = sf.Clause__c.create({"Name": "Liability", "Text__c": "Capped", "Replaces__r": {"Clause_No__c": "C-1"}})[
        "id"
    ]
    (found,) = sf.query("SELECT Text__c, Account__r.Id, Account__r.Name FROM Clause__c WHERE Clause_No__c = 'C-1'")[
        "records"
    ]
    assert (found["Text__c"], found["Account__r"]["Id"]) == ("Net 60", account)
    assert sf.Clause__c.get(second)["Replaces__c"] == sf.Clause__c.get_by_custom_id("Clause_No__c", "C-1")["Id"]
    asked = f"SELECT Id, (SELECT Text__c FROM Clauses__r) FROM Account WHERE Id = '{account}'"
    children = sf.query(asked)["records"][0]["Clauses__r"]["records"]
    assert [each["Text__c"] for each in children] == ["Net 60"]
    assert refusal(sf, "Clause__c", Text__c="X", Account__c=second) == (
        "MALFORMED_ID",
        f"Account: id value of incorrect type: {second}",
    )
    sf.Clause__c.delete(second)
    assert sf.query("SELECT COUNT() FROM Clause__c WHERE Name = 'Liability'")["totalSize"] == 0


# NetSuite


@pytest.fixture(scope="module")
def ns(systems: dict[str, dict[str, Any]]) -> Any:
    """Calls to NetSuite, signed by requests-oauthlib."""
    from netsuite_account import Client

    return Client(systems["erp"]["url"], systems["erp"]["credentials"])


def rows(ns: Any, query: str) -> list[dict[str, str]]:
    """The answer to a query in SuiteQL."""
    answer = ns("POST", "/services/rest/query/v1/suiteql", {"q": query}, headers={"Prefer": "transient"})
    assert answer.status_code == 200, answer.text
    return [{name: value for name, value in row.items() if name != "links"} for row in answer.json()["items"]]


def refused(ns: Any, path: str, body: dict[str, Any]) -> tuple[int, str, str]:
    """How NetSuite refuses a new record: status, code and sentence."""
    detail = (answer := ns("POST", path, body)).json()["o:errorDetails"][0]
    return (
        answer.status_code,
        detail["o:errorCode"],
        detail["detail"].removeprefix("Error while accessing a resource. "),
    )


def test_netsuite_s_catalogue_has_declared_fields_and_records(ns: Any) -> None:
    form = {"Accept": "application/schema+json"}
    fields = ns("GET", "/metadata-catalog/customer", headers=form).json()
    assert fields["properties"]["custentity_tier"]["title"] == "Client Tier"
    assert fields["properties"]["custentity_headcount"]["type"] == "number"
    assert "custentity_tier" in fields["x-ns-filterable"]
    team = ns("GET", "/metadata-catalog/customrecord_team", headers=form).json()["properties"]
    assert team["custrecord_home"]["x-ns-record-type"] == "subsidiary"
    assert "customrecord_team" in {each["name"] for each in ns("GET", "/metadata-catalog").json()["items"]}


def test_netsuite_keeps_and_gives_back_declared_fields_and_records(ns: Any) -> None:
    home = ns.first("/subsidiary", q='name IS "Counterfoil Ltd"')
    team = ns.made("/customrecord_team", {"name": "North", "externalId": "T-N", "custrecord_lead": "ada@firm.example",
                                          "custrecord_home": {"id": home}})  # fmt: skip
    customer = ns.made("/customer", {"companyName": "Declared Ltd", "custentity_tier": {"refName": "Gold"},
                                     "custentity_headcount": 12, "custentity_keyed_by": {"externalId": "T-N"}})  # fmt: skip
    found = ns("GET", f"/customer/{customer}").json()
    assert found["custentity_tier"] == {"id": "1", "refName": "Gold"}
    assert (found["custentity_headcount"], found["custentity_keyed_by"]["id"]) == (12, team)
    assert ns("GET", "/customrecord_team/eid:T-N").json()["custrecord_home"]["refName"] == "Counterfoil Ltd"
    asked = ns("GET", "/customer", params={"q": "custentity_headcount GREATER 10 AND custentity_tier ANY_OF [1]"})
    assert [each["id"] for each in asked.json()["items"]] == [customer]
    assert rows(ns, "SELECT id, custentity_headcount, BUILTIN.DF(custentity_tier) AS tier, BUILTIN.DF(custentity_keyed_by) AS team"
                    " FROM customer WHERE custentity_tier = '1' AND custentity_headcount < 100") == [
        {"id": customer, "custentity_headcount": "12", "tier": "Gold", "team": "North"}
    ]  # fmt: skip
    assert rows(ns, "SELECT t.name, t.custrecord_lead, s.name AS home, t.isinactive FROM customrecord_team t"
                    " JOIN subsidiary s ON s.id = t.custrecord_home") == [
        {"name": "North", "custrecord_lead": "ada@firm.example", "home": "Counterfoil Ltd", "isinactive": "F"}
    ]  # fmt: skip
    assert ns("PATCH", "/customrecord_team/eid:T-N", {"isInactive": True}).status_code == 204
    assert ns("DELETE", "/customrecord_team/eid:T-N").status_code == 204
    assert ns("GET", "/customrecord_team/eid:T-N").status_code == 404


def test_netsuite_s_transactions_and_their_lines_have_declared_fields(ns: Any) -> None:
    from netsuite_account import an_invoice

    customer = ns.made("/customer", {"companyName": "Billed Ltd"})
    said = {
        "custbody_portal_id": "P-1",
        "custbody_hold_until": "2026-02-01",
        "custbody_late_fee": 12.5,
        "custbody_disputed": True,
    }
    body = an_invoice(ns, customer, **said)
    body["item"]["items"][0] |= {"custcol_phase": "Build", "custcol_share": 37.5}
    invoice = ns.made("/invoice", body)
    found = ns.expanded(f"/invoice/{invoice}")
    assert {name: found[name] for name in said} == said
    assert (found["item"]["items"][0]["custcol_phase"], found["item"]["items"][0]["custcol_share"]) == ("Build", 37.5)
    assert rows(ns, "SELECT id, custbody_portal_id, custbody_hold_until, custbody_late_fee, custbody_disputed FROM transaction"
                    " WHERE custbody_late_fee > 12 AND custbody_disputed = 'T'") == [
        {"id": invoice, "custbody_portal_id": "P-1", "custbody_hold_until": "2/1/2026", "custbody_late_fee": "12.5",
         "custbody_disputed": "T"}
    ]  # fmt: skip
    assert rows(ns, "SELECT transaction, custcol_share FROM transactionline WHERE custcol_phase = 'Build'") == [
        {"transaction": invoice, "custcol_share": "37.5"}
    ]
    assert (
        rows(ns, "SELECT custbody_disputed FROM transaction WHERE custbody_portal_id IS NULL AND type = 'Journal'")
        == []
    )


def test_netsuite_refuses_a_value_that_a_declared_field_cannot_hold(ns: Any) -> None:
    assert refused(ns, "/customer", {"companyName": "X", "custentity_tier": {"id": "9"}}) == (
        400, "INVALID_CONTENT",
        "Invalid value for the resource or sub-resource field 'custentity_tier'. Provide a valid value.",
    )  # fmt: skip
    assert refused(ns, "/customer", {"companyName": "X", "custentity_headcount": 1.5})[1] == "INVALID_CONTENT"
    assert refused(ns, "/customer", {"companyName": "X", "custentity_keyed_by": {"id": "0"}})[2] == (
        "You have entered an Invalid Field Value 0 for the following field: custentity_keyed_by"
    )
    assert refused(ns, "/customrecord_team", {"name": "South"})[2] == "Please enter value(s) for: Team Lead."
    assert refused(ns, "/customrecord_team", {"custrecord_lead": "nobody"})[1] == "INVALID_CONTENT"
    customer = ns.made("/customer", {"companyName": "Refused Ltd"})
    assert refused(ns, "/salesOrder", {"entity": {"id": customer}, "item": {"items": [
        {"item": {"id": ns.first("/serviceSaleItem")}, "amount": 1, "custcol_share": "half"}]}})[1] == "INVALID_CONTENT"  # fmt: skip
    made = ns("POST", "/customer", {"companyName": "Odd Ltd", "custentity_undeclared": 1})
    assert (made.status_code, "custentity_undeclared" in made.headers["x-netsuite-warning"]) == (204, True)
    strict = {"X-NetSuite-PropertyNameValidation": "error"}
    assert ns("POST", "/customer", {"companyName": "Odd Ltd", "custentity_no": 1}, headers=strict).status_code == 400


# Kantata


@pytest.fixture(scope="module")
def kt(landscape: Any, systems: dict[str, dict[str, Any]]) -> Any:
    """Calls to Kantata, for which there is no maintained client."""
    from test_kantata import Client

    return Client(landscape, systems["psa"])


@pytest.fixture(scope="module")
def own(kt: Any) -> dict[str, str]:
    """Ids of the custom fields by name."""
    found = kt.get("custom_fields", per_page=200)["custom_fields"].values()
    return {each["name"]: each["id"] for each in found}


def test_kantata_lists_declared_fields_with_their_choices(kt: Any, own: dict[str, str]) -> None:
    region = kt.get(f"custom_fields/{own['Region']}")["custom_fields"][own["Region"]]
    assert (region["value_type"], region["subject_type"]) == ("single", "workspace")
    assert region["choices"] == [{"id": 1, "label": "EMEA"}, {"id": 2, "label": "APAC"}]
    of_users = kt.get("custom_fields", subject_type="user", per_page=200)["custom_fields"]
    assert own["Skills"] in of_users
    assert own["Region"] not in of_users


def test_kantata_keeps_and_gives_back_declared_fields_and_finds_by_them(kt: Any, own: dict[str, str]) -> None:
    given = {"Region": [2], "Steering Day": "2026-02-25", "Portal": "P-7", "Seats": 13, "Retainer": [99800, "USD"]}
    said = [{"custom_field_id": own[name], "value": value} for name, value in given.items()]
    made = kt.make("workspaces", "workspace", title="Declared", custom_fields=said)
    kt.make("workspaces", "workspace", title="Other")
    values = kt.get("custom_field_values", subject_type="workspace", subject_id=made["id"], per_page=200)
    shown = {each["custom_field_name"]: each for each in values["custom_field_values"].values()}
    assert {name: shown[name]["value"] for name in given} == given
    assert (shown["Region"]["display_value"], shown["Retainer"]["display_value"]) == ("APAC", "$998")
    for asked in (
        {"by_custom_choice_value": f"({own['Region']}:2)"},
        {"by_custom_text_value": f"({own['Portal']}:P-7)"},
    ):
        assert [each["id"] for each in kt.get("workspaces", **asked)["results"]] == [made["id"]]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("Region", [3], "Region is not included in the list"),
        ("Steering Day", "25 February", "Steering Day is not a date"),
        ("Portal", "123456789", "Portal is too long (maximum is 8 characters)"),
        ("Seats", "many", "Seats is not a number"),
        ("Retainer", 998, "Retainer must be an amount in subunits and a currency"),
    ],
)
def test_kantata_refuses_a_value_that_a_declared_field_cannot_hold(
    kt: Any, own: dict[str, str], name: str, value: Any, sentence: str
) -> None:
    said = {"title": "X", "custom_fields": [{"custom_field_id": own[name], "value": value}]}
    status, errors = kt.refused("POST", "workspaces", {"workspace": said})
    assert (status, errors[0]["message"]) == (422, sentence)


# declarations that cannot be

TEXT = {"type": "text"}
WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("crm", "salesforce", {"Acount": {"X__c": TEXT}}, "systems.crm.custom.Acount: Salesforce has no object Acount"),
    ("crm", "salesforce", {"account": {"X__c": TEXT}}, "systems.crm.custom.account: Salesforce has it as Account."),
    ("crm", "salesforce", {"Account": {"X": TEXT}}, "systems.crm.custom.Account.X: custom names are"),
    ("crm", "salesforce", {"Account": {"Segment__c": TEXT}}, "systems.crm.custom.Account.Segment__c: Account has a field"),
    (
        "crm", "salesforce", {"Account": {"X__c": {"type": "text", "length": 300}}},
        "systems.crm.custom.Account.X__c.length: a text has at most 255 characters; a long_text has more.",
    ),
    (
        "crm", "salesforce", {"Account": {"X__c": {"type": "ref", "refers": "Foo"}}},
        "systems.crm.custom.Account.X__c.refers: Salesforce has no object Foo to refer to.",
    ),
    ("crm", "salesforce", {"SOW_Line__c": {"X__c": TEXT}}, "systems.crm.custom.SOW_Line__c: nothing can be added"),
    ("erp", "netsuite", {"customr": {"custentity_x": TEXT}}, "systems.erp.custom.customr: NetSuite has no record customr"),
    ("erp", "netsuite", {"invoice": {"custentity_x": TEXT}}, "systems.erp.custom.invoice.custentity_x: a field of invoice is named"),
    (
        "erp", "netsuite", {"customer": {"custentity_segment": TEXT}},
        "systems.erp.custom.customer.custentity_segment: customer has a field of that name already.",
    ),
    ("erp", "netsuite", {"subsidiary": {"custrecord_x": TEXT}}, "systems.erp.custom.subsidiary: subsidiary cannot be written"),
    (
        "erp", "netsuite", {"customer": {"custentity_x": {"type": "text", "unique": True}}},
        "systems.erp.custom.customer.custentity_x.unique: NetSuite's custom fields are not unique",
    ),
    (
        "erp", "netsuite", {"customer": {"custentity_x": {"type": "choices", "choices": ["A"]}}},
        "systems.erp.custom.customer.custentity_x.type: the netsuite face has no fields of type choices; it has text, long_text",
    ),
    ("psa", "kantata", {"project": {"X": TEXT}}, "systems.psa.custom.project: Kantata has no custom fields of project"),
    (
        "psa", "kantata", {"workspace": {"contract_no": TEXT}},
        "systems.psa.custom.workspace.contract_no: workspace has a custom field of that name already.",
    ),
    (
        "psa", "kantata", {"workspace": {"X": {"type": "boolean"}}},
        "systems.psa.custom.workspace.X.type: the kantata face has no fields of type boolean; it has text, long_text, url",
    ),
    (
        "psa", "kantata", {"workspace": {"X": {"type": "text", "required": True}}},
        "systems.psa.custom.workspace.X.required: no custom field of Kantata is `required`.",
    ),
    ("crm", "native", {"customer": {"x": TEXT}}, "systems.crm.custom.customer: native has nothing to declare"),
    ("billing", "stripe", {"customer": {"x": TEXT}}, "systems.billing.custom.customer: stripe has nothing to declare"),
    ("crm", "salesforce", {"Account": {"X__c": {"type": "txt"}}}, "systems.crm.custom.Account.X__c.type: Input should be"),
    (
        "crm", "salesforce", {"Account": {"X__c": {"type": "text", "lenght": 9}}},
        "systems.crm.custom.Account.X__c.lenght: unknown key; known here: type, label, length",
    ),
    ("crm", "salesforce", {"Account": {"X__c": {"type": "choice"}}}, "systems.crm.custom.Account.X__c: a choice needs"),
    (
        "crm", "salesforce", {"Account": {"X__c": {"type": "date", "scale": 2}}},
        "systems.crm.custom.Account.X__c: scale is for decimal and percent and money, not for date.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "vendor", "custom", "sentence"), WRONG, ids=[each[3].split(": ")[0] for each in WRONG]
)
def test_a_wrong_declaration_is_refused_by_its_key(
    name: str, vendor: str, custom: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Unusable) as caught:
        Landscape.build({"size": "empty", "systems": {name: {"vendor": vendor, "custom": custom}}})
    assert str(caught.value).startswith(f"landscape: {sentence}")
