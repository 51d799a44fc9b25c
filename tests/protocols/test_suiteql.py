"""SuiteQL over canonical tables: really evaluated, shown as NetSuite shows rows, refused in its words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from counterfoil_mocks.protocols import compiler, functions, running, sql_functions
from counterfoil_mocks.protocols.query import Literal
from counterfoil_mocks.protocols.relation import MONEY_PLACES, Column, View, Views, amount, stored
from counterfoil_mocks.protocols.suiteql import Engine
from counterfoil_mocks.protocols.suiteql_values import SuiteQlError

sys.path.insert(0, str(Path(__file__).parent))
import sales

NOW = "2026-02-11T12:00:00.000Z"


def _view(store: Any, name: str, entity: str, *columns: Column) -> View:
    return View(
        name, store.table("crm", entity).sql.alias, lambda rows, deleted: [rows.c.system == "crm"], columns, key="id"
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    store = sales.new_store()
    sales.put(
        store,
        "customer",
        [
            {"id": "107", "name": "Acme", "status": "ACTIVE"},
            {"id": "108", "name": "Beta_1", "status": "CREDIT_HOLD", "parent": "107"},
            {"id": "109", "name": "Gamma", "status": "ACTIVE", "parent": "108"},
        ],
    )
    sales.put(
        store,
        "opportunity",
        [
            {"id": "1", "name": "One", "customer": "107", "ccy": "USD", "amount": 150_050, "close_date": "2026-03-31"},
            {"id": "2", "name": "Two", "customer": "107", "ccy": "USD", "amount": 99_950, "close_date": "2026-01-05"},
            {"id": "3", "name": "Three", "customer": "108", "ccy": "USD", "close_date": "2026-02-01"},
        ],
    )
    customer = store.table("crm", "customer").sql

    def parent_name(rows: Any) -> Any:
        parent = customer.alias()
        return sa.select(parent.c.name).where(parent.c.id == rows.c.parent).scalar_subquery()

    views = Views(
        (
            _view(
                store,
                "customer",
                "customer",
                Column("id", "id", stored("id")),
                Column("companyname", "text", stored("name")),
                Column("parent", "id", stored("parent"), display=parent_name),
                Column("isinactive", "choice", stored("status"), words={"ACTIVE": "F", "CREDIT_HOLD": "T"}),
            ),
            _view(
                store,
                "transaction",
                "opportunity",
                Column("id", "id", stored("id")),
                Column("tranid", "text", stored("name")),
                Column("entity", "id", stored("customer")),
                Column("foreigntotal", "number", amount("amount"), MONEY_PLACES),
                Column("trandate", "date", stored("close_date")),
            ),
        )
    )
    yield Engine(store, views)
    store.close()


def ask(engine: Engine, query: str, *params: Any, **more: Any) -> list[dict[str, str]]:
    return engine.page(query, NOW, params, **more).items


def test_names_are_lower_case_values_are_texts_and_nulls_are_left_out(engine: Engine) -> None:
    found = ask(engine, "SELECT ID, TranId, foreigntotal, trandate FROM Transaction ORDER BY id")
    assert found[0] == {"id": "1", "tranid": "One", "foreigntotal": "1500.5", "trandate": "3/31/2026"}
    assert found[2] == {"id": "3", "tranid": "Three", "trandate": "2/1/2026"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT c.companyname x FROM transaction t INNER JOIN customer c ON c.id = t.entity WHERE t.id = 3", "Beta_1"),
        ("SELECT COUNT(*) x FROM customer c LEFT JOIN transaction t ON t.entity = c.id WHERE t.id IS NULL", "1"),
        ("SELECT SUM(foreigntotal) x FROM transaction", "2500"),
        ("SELECT MAX(foreigntotal) - MIN(foreigntotal) x FROM transaction", "501"),
        ("SELECT entity x FROM transaction GROUP BY entity HAVING COUNT(*) > 1", "107"),
        ("SELECT BUILTIN.DF(parent) x FROM customer WHERE id = '109'", "Beta_1"),
        ("SELECT id x FROM customer WHERE companyname LIKE 'Beta\\_%' ESCAPE '\\'", "108"),
        ("SELECT COUNT(*) x FROM customer WHERE companyname LIKE 'beta%'", "0"),
        ("SELECT id x FROM customer WHERE isinactive = 'T'", "108"),
        ("SELECT id x FROM transaction WHERE trandate >= TO_DATE('2026-02-02', 'YYYY-MM-DD')", "1"),
        ("SELECT id x FROM transaction WHERE trandate = '1/5/2026'", "2"),
        ("SELECT id x FROM transaction WHERE trandate BETWEEN SYSDATE - 20 AND SYSDATE", "3"),
        ("SELECT TO_CHAR(trandate, 'YYYY-MM-DD') x FROM transaction WHERE id = 1", "2026-03-31"),
        ("SELECT id x FROM (SELECT id FROM transaction ORDER BY trandate DESC) WHERE ROWNUM <= 1", "1"),
        ("SELECT id x FROM transaction ORDER BY foreigntotal DESC NULLS LAST FETCH FIRST 1 ROWS ONLY", "1"),
        ("SELECT CASE WHEN foreigntotal > 1000 THEN 'big' ELSE 'small' END x FROM transaction WHERE id = 2", "small"),
        ("SELECT NVL(foreigntotal, 0) x FROM transaction WHERE id = 3", "0"),
        ("SELECT UPPER(SUBSTR(companyname, 1, 2)) || '-' || id x FROM customer WHERE id = 107", "AC-107"),
        ("SELECT ROUND(foreigntotal / 7, 2) x FROM transaction WHERE id = 1", "214.36"),
        ("SELECT COUNT(*) x FROM (SELECT id FROM customer UNION ALL SELECT id FROM transaction)", "6"),
        ("SELECT id x FROM customer c WHERE EXISTS (SELECT 1 FROM transaction t WHERE t.entity = c.id AND t.foreigntotal IS NULL)", "108"),
        ("SELECT COUNT(*) x FROM customer WHERE id NOT IN (SELECT entity FROM transaction)", "1"),
        ("WITH big AS (SELECT id FROM transaction WHERE foreigntotal > 1000) SELECT COUNT(*) x FROM big", "1"),
        ("SELECT (SELECT MAX(t.foreigntotal) FROM transaction t WHERE t.entity = c.id) x FROM customer c WHERE id = 107", "1500.5"),
        ("SELECT 1 + 2 * 3 x FROM dual", "7"),
        ("SELECT TO_CHAR(foreigntotal, 'FM9,999,990.00') x FROM transaction WHERE id = 1", "1,500.50"),
        ("SELECT TO_CHAR(-foreigntotal, '99990.0') x FROM transaction WHERE id = 1", " -1500.5"),
        ("SELECT TO_CHAR(0.5, 'FM990.99') || TO_CHAR(7, 'FM000') || TO_CHAR(1234, 'FM99') x FROM dual", "0.5007##"),
        ("SELECT COUNT(*) x FROM customer WHERE id LIKE 107", "1"),
        ("SELECT EXTRACT(YEAR FROM trandate) || EXTRACT(MONTH FROM trandate) x FROM transaction WHERE id = 1", "20263"),
        ("SELECT COUNT(*) x FROM customer WHERE parent = NULL OR parent <> NULL", "0"),
        ("SELECT COUNT(*) x FROM customer WHERE companyname IN ('Acme', NULL)", "1"),
        ("SELECT COUNT(*) x FROM customer WHERE companyname NOT IN ('Acme', NULL)", "0"),
        ("SELECT COUNT(t.id) || '/' || COUNT(*) x FROM customer c, transaction t WHERE t.entity (+) = c.id AND t.tranid (+) = 'Two'", "1/3"),
        ("SELECT COUNT(*) || UPPER(entity) x FROM transaction t WHERE id < 3 GROUP BY t.entity ORDER BY MAX(trandate)", "2107"),
        ("SELECT BUILTIN.DF(parent) || COUNT(*) x FROM customer WHERE id = 109 GROUP BY parent", "Beta_11"),
        ("SELECT NVL2(parent, 'child', 'top') x FROM customer WHERE id = 107", "top"),
        ("SELECT GREATEST(1, 5.5, 3) || LEAST(4, 2) x FROM dual", "5.52"),
        ("SELECT MOD(7.5, 2) || FLOOR(-1.5) || CEIL(1.2) || CONCAT('a', 'b') x FROM dual", "1.5-22ab"),
        ("SELECT TO_CHAR(LAST_DAY(TO_DATE('2028-02-10', 'YYYY-MM-DD')), 'DD') x FROM dual", "29"),
    ],
)  # fmt: skip
def test_queries_are_evaluated(engine: Engine, query: str, expected: str) -> None:
    assert [each.get("x") for each in ask(engine, query)] == [expected]


@pytest.mark.parametrize("word", ["SYSDATE", "CURRENT_DATE", "CURRENT_TIMESTAMP"])
def test_a_query_that_asks_for_the_time_is_told_it_anew_each_time(engine: Engine, word: str) -> None:
    query = f"SELECT COUNT(*) x FROM transaction WHERE trandate <= {word}"
    found = [engine.page(query, now).items[0]["x"] for now in ("2026-01-31T12:00:00.000Z", "2026-12-31T12:00:00.000Z")]
    assert found == ["1", "3"]


def test_parameters_are_bound_in_their_order(engine: Engine) -> None:
    query = "SELECT id FROM transaction WHERE entity = ? AND foreigntotal > ?"
    assert ask(engine, query, "107", 1000) == [{"id": "1"}]
    joined = "SELECT NVL(c.parent, ?) x FROM customer c JOIN transaction t ON t.entity = c.id AND t.tranid = ? WHERE c.id = ?"
    assert ask(engine, joined, "none", "Two", "107") == [{"x": "none"}]
    assert ask(engine, "SELECT CASE ? WHEN 'a' THEN '?' WHEN 'b' THEN ? END x FROM dual", "b", "B") == [{"x": "B"}]
    for values in (["107"], ["107", 1, 2]):
        with pytest.raises(SuiteQlError, match="has 2 parameters"):
            ask(engine, query, *values)


def test_pages_know_how_many_rows_there_are(engine: Engine) -> None:
    page = engine.page("SELECT id FROM customer ORDER BY id", NOW, limit=2, offset=2)
    assert (page.total, page.items) == (3, [{"id": "109"}])


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT foo FROM customer", "Field 'foo' not found."),
        ("SELECT id FROM nothing", "Record 'nothing' was not found."),
        ("SELECT id FROM customer c JOIN transaction t ON c.id = t.entity", "Field 'id' is ambiguous."),
        ("SELECT id FROM customer LIMIT 5", "LIMIT is not supported"),
        ("SELECT NOSUCH(id) FROM customer", "Function NOSUCH was not found."),
        ("SELECT id FROM", "Invalid or unsupported search."),
        ("DELETE FROM customer", "Only one SELECT is allowed."),
        ("SELECT id FROM customer; SELECT id FROM customer", "Only one SELECT is allowed."),
        ("SELECT RANK() OVER (ORDER BY id) FROM customer", "not supported"),
        ("SELECT id FROM customer FOR UPDATE", "not supported"),
        ("SELECT id, COUNT(*) FROM customer GROUP BY parent", "Field 'id' is neither in GROUP BY"),
        ("SELECT id, COUNT(*) FROM customer", "Field 'id' is neither in GROUP BY"),
        ("SELECT parent FROM customer GROUP BY parent HAVING id > 1", "Field 'id' is neither in GROUP BY"),
        (
            "SELECT parent FROM customer GROUP BY parent ORDER BY companyname",
            "Field 'companyname' is neither in GROUP BY",
        ),
        ("SELECT SUM(COUNT(*)) FROM transaction", "within an aggregate"),
        ("SELECT id FROM transaction ORDER BY COUNT(*)", "needs GROUP BY"),
        ("SELECT id FROM transaction WHERE NOT ROWNUM <= 2", "ROWNUM is compared"),
        ("SELECT * FROM dual", "nothing to select"),
        ("SELECT EXTRACT(WEEK FROM trandate) FROM transaction", "EXTRACT of WEEK is not supported"),
        ("SELECT EXTRACT(YEAR FROM tranid) FROM transaction", "A date is expected"),
        ("SELECT LAST_DAY(companyname) FROM customer", "A date is expected"),
        ("SELECT ADD_MONTHS(companyname, 1) FROM customer", "A date is expected"),
        ("SELECT ADD_MONTHS(trandate, tranid) FROM transaction", "A number is expected"),
        ("SELECT TO_CHAR(companyname, 'YYYY') FROM customer", "A date is expected"),
        ("SELECT id FROM customer WHERE companyname LIKE 'a' ESCAPE 'bc'", "one character"),
        ("SELECT id FROM transaction WHERE COUNT(*) > 1", "use HAVING"),
        ("SELECT COUNT(*) FROM transaction GROUP BY MAX(id)", "use HAVING"),
        ("SELECT t.id FROM customer t JOIN transaction t ON t.id = t.entity", "stands for two records"),
        ("SELECT c.id FROM customer c INNER JOIN transaction t", "has no condition"),
        ("SELECT TO_CHAR(foreigntotal, 'L99') FROM transaction", "form of a number"),
        ("SELECT id FROM transaction WHERE trandate = 'today'", "Invalid date: today"),
        ("SELECT id FROM customer WHERE id = :who", "Parameters are written as ?"),
        ("SELECT c.id FROM customer c, transaction t WHERE t.entity (+) = c.id (+)", "(+) is not supported"),
    ],
)
def test_what_cannot_be_answered_is_refused(engine: Engine, query: str, reason: str) -> None:
    with pytest.raises(SuiteQlError) as caught:
        ask(engine, query)
    assert str(caught.value).startswith("Invalid search query. Detailed unprocessed description follows.")
    assert reason in str(caught.value)


@pytest.mark.parametrize("moment", ["2026-02-11", "2026-02-11T08:05:09.070Z", "2026-12-31T23:59:59.999Z", None])
@pytest.mark.parametrize(
    "pattern",
    [
        "YYYY-MM-DD",
        "MM/DD/YYYY",
        "YYYY-MM-DD HH24:MI:SS.FF3",
        "yyyy-mm-dd",
        "HH12:MI AM",
        "Mon DD, YYYY",
        "YYYY-Q",
        "D",
        "%Y",
        "-",
    ],
)
def test_a_date_is_written_by_the_database_as_by_the_function(engine: Engine, moment: str | None, pattern: str) -> None:
    values = [compiler.literal(Literal(each, kind)) for each, kind in ((moment, "instant"), (pattern, "text"))]
    found = running.run(engine.store, sa.select(functions.call("TO_CHAR", values).sql))
    assert found == [(None if moment is None else sql_functions.date_written(moment, pattern),)]
