"""SOQL over canonical tables: what it answers, and what it refuses in Salesforce's words."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols.soql import Engine
from counterfoil_mocks.protocols.soql_conditions import business_day
from counterfoil_mocks.protocols.soql_grammar import SoqlError

sys.path.insert(0, str(Path(__file__).parent))
import sales

TODAY = business_day("2026-02-11T12:00:00.000Z", "UTC")
ACME, BETA, GAMMA = "001000000000001AAA", "001000000000002AAA", "001000000000003AAA"


def _fill(store: Store) -> None:
    sales.put(
        store,
        "customer",
        [
            {
                "id": ACME,
                "name": "Acme",
                "country": "US",
                "status": "ACTIVE",
                "custom": {"Employees": 10, "Tags__c": "a;b"},
            },
            {"id": BETA, "name": "beta & Söhne", "country": "DE", "status": "CREDIT_HOLD", "parent": ACME},
            {"id": GAMMA, "name": "100% Gamma", "status": "ACTIVE", "custom": {"Tags__c": "b;c"}},
            {"id": "001000000000004AAA", "name": "Gone", "deleted_at": "2026-01-06T00:00:00.000Z"},
        ],
    )
    sales.put(
        store,
        "opportunity",
        [
            _deal(1, ACME, "CLOSED_WON", 1_000_10, "USD", "2026-02-11"),
            _deal(2, ACME, "PROSPECT", 250_000, "JPY", "2026-03-01"),
            _deal(3, BETA, "CLOSED_LOST", None, "EUR", "2026-01-31"),
            _deal(4, None, "QUALIFY", 5_000, "USD", "2025-12-31"),
        ],
    )
    sales.put(store, "contact", [{"id": "003000000000001AAA", "name": "Ada", "customer": ACME}])
    sales.put(
        store,
        "approval",
        [
            {"id": "00T000000000001AAA", "external_id": ACME},
            {"id": "00T000000000002AAA", "external_id": "006000000000001AAA"},
            {"id": "00T000000000003AAA"},
        ],
    )


def _deal(number: int, account: str | None, stage: str, minor: int | None, ccy: str, close: str) -> dict[str, Any]:
    values = {"customer": account, "stage": stage, "amount": minor, "ccy": ccy, "close_date": close}
    return {"id": f"006{number:012d}AAA", "name": f"Deal {number}", **values}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    store = sales.new_store()
    _fill(store)
    yield Engine(store, sales.catalog(store))
    store.close()


def ask(engine: Engine, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = engine.answer(query, TODAY, **more)
    return answer.records(0, 2000, lambda name, record: f"/{name}/{record}", lambda rest, at: f"more-{at}", 200)


def names(engine: Engine, where: str, of: str = "Account") -> list[str]:
    return [each["Name"] for each in ask(engine, f"SELECT Name FROM {of} WHERE {where} ORDER BY Name")]


def refusal(engine: Engine, query: str) -> SoqlError:
    with pytest.raises(SoqlError) as caught:
        engine.answer(query, TODAY)
    return caught.value


def test_names_are_answered_in_their_own_case_whatever_case_was_asked(engine: Engine) -> None:
    assert ask(engine, "select NAME, id from aCCount where name = 'ACME'") == [
        {"attributes": {"type": "Account", "url": f"/Account/{ACME}"}, "Name": "Acme", "Id": ACME}
    ]


def test_a_parent_nests_and_a_missing_one_is_null_itself(engine: Engine) -> None:
    found = ask(engine, "SELECT Name, Account.Name, Account.Parent.Name FROM Opportunity ORDER BY Name")
    assert found[0]["Account"]["Name"] == "Acme"
    assert found[0]["Account"]["Parent"] is None
    assert found[2]["Account"]["Parent"]["Name"] == "Acme"
    assert found[3]["Account"] is None


def test_children_come_as_lists_and_none_as_null(engine: Engine) -> None:
    query = "SELECT Name, (SELECT Name, Amount FROM Opportunities WHERE IsWon = TRUE), (SELECT Id FROM Contacts) FROM Account ORDER BY Name"
    found = {each["Name"]: each for each in ask(engine, query)}
    assert found["Acme"]["Opportunities"]["totalSize"] == 1
    assert found["Acme"]["Opportunities"]["records"][0]["Amount"] == 1000.1
    assert found["beta & Söhne"]["Opportunities"] is None
    assert found["Acme"]["Contacts"]["done"] is True
    limited = ask(
        engine,
        "SELECT Id, (SELECT Name FROM Opportunities ORDER BY Name DESC LIMIT 1) FROM Account WHERE Name = 'Acme'",
    )
    assert [each["Name"] for each in limited[0]["Opportunities"]["records"]] == ["Deal 2"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Name LIKE '%amma'", ["100% Gamma"]),
        (r"Name LIKE '100\% %'", ["100% Gamma"]),
        ("Name LIKE 'BETA%sÖHNE'", ["beta & Söhne"]),
        ("Name IN ('acme', 'nobody')", ["Acme"]),
        ("Name NOT IN ('acme')", ["100% Gamma", "beta & Söhne"]),
        ("BillingCountry != 'US'", ["100% Gamma", "beta & Söhne"]),
        ("NOT BillingCountry = 'US'", ["100% Gamma", "beta & Söhne"]),
        ("BillingCountry = null", ["100% Gamma"]),
        ("BillingCountry > 'A' AND (BillingCountry = 'US' OR CreditHold__c = true)", ["Acme", "beta & Söhne"]),
        ("CreditHold__c = false", ["100% Gamma", "Acme"]),
        ("Employees >= 9.5", ["Acme"]),
        ("Id = '001000000000002'", ["beta & Söhne"]),
        ("Parent.Name = 'Acme'", ["beta & Söhne"]),
        ("Id IN (SELECT AccountId FROM Opportunity WHERE StageName = 'closed won')", ["Acme"]),
        ("Id NOT IN (SELECT AccountId FROM Opportunity)", ["100% Gamma"]),
        ("Tags__c INCLUDES ('a;b', 'c')", ["100% Gamma", "Acme"]),
        ("Tags__c EXCLUDES ('a')", ["100% Gamma", "beta & Söhne"]),
        (r"Name LIKE '%\u0053\u00f6hne'", ["beta & Söhne"]),
    ],
)
def test_conditions(engine: Engine, where: str, expected: list[str]) -> None:
    assert names(engine, where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("CloseDate = TODAY", ["Deal 1"]),
        ("CloseDate = THIS_MONTH", ["Deal 1"]),
        ("CloseDate > THIS_MONTH", ["Deal 2"]),
        ("CloseDate < THIS_YEAR", ["Deal 4"]),
        ("CloseDate = LAST_N_DAYS:11", ["Deal 1", "Deal 3"]),
        ("CloseDate = LAST_N_DAYS:10", ["Deal 1"]),
        ("CloseDate = NEXT_N_MONTHS:1", ["Deal 2"]),
        ("CloseDate = LAST_QUARTER", ["Deal 4"]),
        ("CloseDate = N_DAYS_AGO:11", ["Deal 3"]),
        ("CloseDate >= 2026-02-11 AND CloseDate != TODAY", ["Deal 2"]),
        ("Amount = 1000.10", ["Deal 1"]),
        ("Amount > USD60", ["Deal 1", "Deal 2"]),
        ("Amount = USD1000.10", ["Deal 1"]),
        ("Account.Parent.Name = 'Acme'", ["Deal 3"]),
        ("Account.Parent.Name = null", ["Deal 1", "Deal 2", "Deal 4"]),
        ("StageName IN ('Prospecting', 'closed lost')", ["Deal 2", "Deal 3"]),
        ("StageName LIKE 'Closed%'", ["Deal 1", "Deal 3"]),
        ("CALENDAR_YEAR(CloseDate) = 2025", ["Deal 4"]),
    ],
)
def test_conditions_on_dates_amounts_and_choices(engine: Engine, where: str, expected: list[str]) -> None:
    assert names(engine, where, "Opportunity") == expected


def test_aggregates_are_exact_whatever_the_currency(engine: Engine) -> None:
    found = ask(
        engine,
        "SELECT StageName, COUNT(Id) n, SUM(Amount), MAX(CloseDate) FROM Opportunity GROUP BY StageName ORDER BY StageName",
    )
    assert found[1] == {
        "attributes": {"type": "AggregateResult"}, "StageName": "Closed Won", "n": 1, "expr0": 1000.1, "expr1": "2026-02-11",
    }  # fmt: skip
    assert ask(engine, "SELECT SUM(Amount) s FROM Opportunity")[0]["s"] == 251050.1
    grouped = "SELECT Account.Name, COUNT(Id) FROM Opportunity GROUP BY Account.Name HAVING COUNT(Id) > 1"
    assert [(each["Name"], each["expr0"]) for each in ask(engine, grouped)] == [("Acme", 2)]
    assert engine.answer("SELECT COUNT() FROM Opportunity WHERE Amount != null", TODAY).total == 3
    assert ask(engine, "SELECT COUNT_DISTINCT(AccountId) n FROM Opportunity")[0]["n"] == 2


def test_a_rollup_adds_a_row_for_every_level(engine: Engine) -> None:
    found = ask(engine, "SELECT IsWon, COUNT(Id) n FROM Opportunity GROUP BY ROLLUP(IsWon)")
    assert [each["n"] for each in found] == [3, 1, 4]


def test_grouping_tells_the_sum_over_a_field_from_its_null(engine: Engine) -> None:
    query = "SELECT AccountId, GROUPING(AccountId) g, COUNT(Id) n FROM Opportunity GROUP BY ROLLUP(AccountId) ORDER BY AccountId"
    found = [(each["AccountId"], each["g"], each["n"]) for each in ask(engine, query)]
    assert found == [(None, 0, 1), (ACME, 0, 2), (BETA, 0, 1), (None, 1, 4)]


def test_an_inner_list_may_be_named_by_the_alias_of_its_parent(engine: Engine) -> None:
    query = "SELECT a.Id, (SELECT c.Name FROM a.Contacts c) FROM Account a WHERE a.Name = 'Acme'"
    assert ask(engine, query)[0]["Contacts"]["records"][0]["Name"] == "Ada"


def test_format_shows_values_as_people_read_them(engine: Engine) -> None:
    query = "SELECT FORMAT(CloseDate) d, FORMAT(convertCurrency(Amount)) a, FORMAT(Name) n FROM Opportunity WHERE Name = 'Deal 1'"
    found = {name: value for name, value in ask(engine, query)[0].items() if name != "attributes"}
    assert found == {"d": "2/11/2026", "a": "1,000.1", "n": "Deal 1"}
    query = "SELECT FORMAT(CreatedDate) t, FORMAT(CreditHold__c) h FROM Account WHERE Name = 'Acme'"
    assert [ask(engine, query)[0][name] for name in "th"] == ["1/5/2026, 3:00 PM", "false"]
    assert ask(engine, "SELECT FORMAT(MAX(CloseDate)) m FROM Opportunity")[0]["m"] == "3/1/2026"


def test_nulls_come_first_unless_told_otherwise(engine: Engine) -> None:
    order = "SELECT Name FROM Opportunity ORDER BY Amount"
    assert [each["Name"] for each in ask(engine, order)] == ["Deal 3", "Deal 4", "Deal 1", "Deal 2"]
    assert ask(engine, f"{order} DESC NULLS LAST")[-1]["Name"] == "Deal 3"
    assert [each["Name"] for each in ask(engine, f"{order} LIMIT 1 OFFSET 2")] == ["Deal 1"]


def test_the_bin_is_seen_when_asked_for(engine: Engine) -> None:
    assert len(ask(engine, "SELECT Id FROM Account", deleted=True)) == 4
    assert len(ask(engine, "SELECT Id FROM Account ALL ROWS")) == 4
    assert len(ask(engine, "SELECT Id FROM Account")) == 3


def test_a_reference_to_several_kinds_is_told_apart(engine: Engine) -> None:
    query = "SELECT Id, TYPEOF What WHEN Account THEN Name, BillingCountry WHEN Opportunity THEN StageName END FROM Task ORDER BY Id"
    first, second, third = (each["What"] for each in ask(engine, query))
    assert (first["attributes"]["type"], first["BillingCountry"]) == ("Account", "US")
    assert second["StageName"] == "Closed Won"
    assert third is None
    assert [each["What"] and each["What"]["Name"] for each in ask(engine, "SELECT What.Name FROM Task ORDER BY Id")][
        :2
    ] == ["Acme", "Deal 1"]


def test_all_fields_at_once_need_a_limit(engine: Engine) -> None:
    found = ask(engine, "SELECT FIELDS(ALL) FROM Account ORDER BY Name LIMIT 1")
    assert list(found[0])[1:] == [
        "Id",
        "Name",
        "ParentId",
        "BillingCountry",
        "CreditHold__c",
        "Employees",
        "Tags__c",
        "CreatedDate",
    ]
    assert found[0]["CreatedDate"] == "2026-01-05T15:00:00.000+0000"
    assert refusal(engine, "SELECT FIELDS(ALL) FROM Account").code == "MALFORMED_QUERY"
    assert list(ask(engine, "SELECT FIELDS(CUSTOM) FROM Account LIMIT 1")[0])[1:] == ["CreditHold__c", "Tags__c"]


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("SELECT Id, Nope__c FROM Account", "INVALID_FIELD", "No such column 'Nope__c' on entity 'Account'. If you are"),
        ("SELECT Foo.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Foo' in field path."),
        ("SELECT Id FROM Foo", "INVALID_TYPE", "ERROR at Row:1:Column:16\nsObject type 'Foo' is not supported."),
        ("SELECT Id, (SELECT Id FROM Foos) FROM Account", "INVALID_TYPE", "Didn't understand relationship 'Foos'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Id = null AND Name = 'x' OR Name = 'y'", "MALFORMED_QUERY", "unexpected token: OR"),
        ("SELECT Id FROM Account FOR UPDATE", "MALFORMED_QUERY", "UPDATE"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "of type string and should be enclosed in quotes"),
        (
            "SELECT Id FROM Account WHERE CreatedDate > '2026-01-05T00:00:00Z'",
            "INVALID_FIELD",
            "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Account WHERE Id = 'zzz'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: zzz"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        ("SELECT SUM(Name) FROM Account", "INVALID_FIELD", "does not support aggregate operator SUM"),
        ("SELECT NOSUCH(Name) FROM Account", "MALFORMED_QUERY", "NOSUCH"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id, FIELDS(ALL) FROM Account LIMIT 1", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT COUNT(Id) n, MAX(Name) n FROM Account", "MALFORMED_QUERY", "duplicate alias: n"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "unexpected token: '('"),
        ("SELECT Id FROM Account ORDER BY COUNT(Id)", "MALFORMED_QUERY", "unexpected token: '('"),
        ("SELECT COUNT(Id) FROM Account HAVING COUNT(Id) > 1", "MALFORMED_QUERY", "unexpected token: 'HAVING'"),
        ("SELECT Name FROM Account GROUP BY Name HAVING ParentId = null", "MALFORMED_QUERY", "Field must be grouped or aggregated: ParentId"),
        ("SELECT Name FROM Account GROUP BY Name ORDER BY ParentId", "MALFORMED_QUERY", "Ordered field must be grouped or aggregated: ParentId"),
        ("SELECT GROUPING(Name) FROM Account GROUP BY Name", "MALFORMED_QUERY", "GROUPING takes one field"),
        (r"SELECT Id FROM Account WHERE Name = '\q'", "MALFORMED_QUERY", r"Invalid string literal '\q'. Illegal character sequence '\q' in string literal."),
        ("SELECT Id FROM Account USING SCOPE theirs", "MALFORMED_QUERY", "unexpected token: 'theirs'"),
        ("SELECT Id, (SELECT Id FROM Opportunity.Contacts) FROM Account", "INVALID_TYPE", "Didn't understand relationship 'Opportunity.Contacts'"),
        ("SELECT Id FROM Account WHERE Name = 'x' OR Id IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY", "not allowed with the 'OR' operator"),
        ("SELECT Id FROM Account WHERE Name = 'x' AND (Name = 'y' OR Id IN (SELECT AccountId FROM Contact))", "MALFORMED_QUERY", "only allowed at the top level WHERE expressions"),
        ("SELECT Id FROM Account WHERE NOT Id IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY", "not allowed with the 'NOT' operator"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE AccountId IN (SELECT Id FROM Account))", "MALFORMED_QUERY", "Nesting of semi join sub-selects is not supported"),
        ("SELECT Id FROM Account WHERE " + " AND ".join(["Id IN (SELECT AccountId FROM Contact)"] * 3), "MALFORMED_QUERY", "Maximum 2 semi join sub-selects are allowed"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 1)", "MALFORMED_QUERY", "LIMIT"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id FROM Contact)", "MALFORMED_QUERY", "'Id' should point to the same object type"),
        ("SELECT Id FROM Account WHERE Name IN (SELECT Name FROM Contact)", "MALFORMED_QUERY", "should be an id field, cannot use: 'Name'"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_the_vendors_words(
    engine: Engine, query: str, code: str, words: str
) -> None:
    refused = refusal(engine, query)
    assert (refused.code, words in refused.message) == (code, True), refused.message


def test_the_refusal_points_at_the_place() -> None:
    store = sales.new_store()
    message = refusal(Engine(store, sales.catalog(store)), "SELECT Id, Nope__c FROM Account").message
    assert message.startswith(
        "\nSELECT Id, Nope__c FROM Account\n           ^\nERROR at Row:1:Column:12\nNo such column"
    )
    store.close()


def test_an_indexed_filter_over_a_hundred_thousand_rows_takes_under_20_ms() -> None:
    store = sales.new_store()
    store.execute(
        "INSERT INTO crm.opportunity (system, id, version, name, customer, stage, ccy, amount, close_date, updated_at, created_at)"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        " SELECT 'crm', printf('006%012dAAA', i), 1, 'Deal ' || i, printf('001%012dAAA', i % 5000), 'PROSPECT', 'USD', i, '2026-01-05',"
        " '2026-01-05T15:00:00.000Z', '2026-01-05T15:00:00.000Z' FROM n"
    )
    engine = Engine(store, sales.catalog(store))
    query = (
        "SELECT Id, Name, Amount, StageName FROM Opportunity WHERE AccountId = '001000000000042AAA' AND Amount > 100"
    )
    assert len(ask(engine, query)) == 18
    best = min(_timed(engine, query) for _ in range(5))
    store.close()
    assert best < 0.020


def _timed(engine: Engine, query: str) -> float:
    start = time.perf_counter()
    ask(engine, query)
    return time.perf_counter() - start


def test_a_query_asked_again_with_other_ids_answers_for_these_with_their_inner_lists(engine: Engine) -> None:
    query = (
        "SELECT Name, (SELECT Name FROM Opportunities ORDER BY Name) FROM Account WHERE Id = '{}' AND ParentId != '{}'"
    )

    def told(account: str, other: str) -> list[Any]:
        answer = engine.answer(query.format(account, other), TODAY)
        shown = answer.records(0, 10, lambda name, id_: "", lambda rest, at: "", 10)
        return [
            [each["Name"], [one["Name"] for one in (each["Opportunities"] or {}).get("records", ())]] for each in shown
        ]

    for _ in range(3):
        assert told(ACME, GAMMA) == [["Acme", ["Deal 1", "Deal 2"]]]
        assert told(BETA, GAMMA) == [["beta & Söhne", ["Deal 3"]]]
        assert told(BETA, ACME) == []
        assert told(GAMMA, ACME) == [["100% Gamma", []]]


def test_what_looks_like_an_id_is_a_text_where_the_field_is_one(engine: Engine) -> None:
    for _ in range(2):
        for name in ("abcdefgh0123456789", "ABCDEFGH0123456789"):
            found = engine.answer(f"SELECT Id FROM Account WHERE Name = '{name}' OR Name IN ('{name}')", TODAY)
            assert found.total == 0
    with pytest.raises(SoqlError, match="Nope"):
        engine.answer(f"SELECT Id, Nope FROM Account WHERE Id = '{ACME}'", TODAY)
