"""Fields and objects that a landscape file declares, at each vendor's face, by the vendors' clients; and declarations that cannot be."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    """A landscape whose firm has added to its systems."""
    return launch_shared(
        systems={"crm": {"vendor": "salesforce", "custom": SALESFORCE}, "psa": {}, "erp": {}, "billing": {}}
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
    assert refusal(sf, "Clause__c", Text__c="X", Account__c=second)[0] in (
        "MALFORMED_ID",
        "INVALID_CROSS_REFERENCE_KEY",
    )
    sf.Clause__c.delete(second)
    assert sf.query("SELECT COUNT() FROM Clause__c")["totalSize"] == 1


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
