"""Every invariant fires on a planted violation, naming the planted row, and is silent on the same state without it.

Each `planted_*.py` here is a table of violations, and may `build` what it needs beside the one contract of `planted_core.py`.
"""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from counterfoil import verdict
from counterfoil.invariant import catalogue, limits

if TYPE_CHECKING:
    from tests.conftest import Books

NOW = "2026-04-10T12:00:00.000Z"
TABLES = [runpy.run_path(str(path)) for path in sorted(Path(__file__).parent.glob("planted_*.py"))]
PLANTED = [row for table in TABLES for row in table["PLANTED"]]


@pytest.fixture
def firm(books: Books) -> Books:
    """A firm that is right in all four systems."""
    for table in TABLES:
        if "build" in table:
            table["build"](books)
    return books


def plant(books: Books, what: str | tuple[str, ...]) -> None:
    """Do what a row of PLANTED says: an SQL statement, several in order, or `again table column=value …` for a second, changed copy of a row."""
    if not isinstance(what, str):
        for each in what:
            plant(books, each)
        return
    if not what.startswith("again "):
        books.store.execute(what)
        return
    table, *pairs = what.removeprefix("again ").split(" ", 1)[0], *words(what)
    schema, name = table.split(".")
    columns = [row["name"] for row in books.store.rows(f"PRAGMA {schema}.table_info({name})")]
    changes = dict(pairs)
    first, wanted = next(iter(changes.items()))
    chosen = f"{first} = {wanted}" if first in ("id", "source_id", "ms_code", "invoice_no") else "1 = 1"
    if "id" in columns and changes.get("id", wanted) == wanted:
        changes["id"] = "'second'"
    changes = {name: value for name, value in changes.items() if name != first or name == "id"}
    values = ", ".join(changes.get(column, f'"{column}"') for column in columns)
    quoted = ", ".join(f'"{column}"' for column in columns)
    books.store.execute(f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {table} WHERE {chosen} LIMIT 1")


def words(what: str) -> list[tuple[str, str]]:
    """The `column=value` pairs after the table; a value in quotes may hold blanks."""
    found = []
    for each in shlex.split(what)[2:]:
        name, value = each.split("=", 1)
        found.append((name, value if value == "NULL" or value.isdigit() else f"'{value}'"))
    return found


def judged(books: Books, *only: str, **more: Any) -> dict[str, verdict.Result]:
    """The verdict on the books, by invariant."""
    return {each.id: each for each in verdict.check(books.store, now=NOW, only=only or None, **more)}


def test_a_right_state_breaks_no_invariant(firm: Books) -> None:
    broken = {each.id: each.rows for each in judged(firm).values() if each.status != "held"}
    assert broken == {}


@pytest.mark.parametrize(("invariant", "what", "named"), PLANTED, ids=lambda value: str(value)[:60])
def test_a_planted_violation_fires(firm: Books, invariant: str, what: str | tuple[str, ...], named: str) -> None:
    plant(firm, what)
    result = judged(firm, invariant)[invariant]
    assert result.status == "violated", what
    assert any(named in map(str, row.values()) for row in result.rows), result.rows


def test_every_invariant_of_the_catalogue_has_a_planted_violation() -> None:
    assert {row[0] for row in PLANTED} == set(catalogue())


def test_the_planted_row_alone_is_named_and_its_money_added_up(firm: Books) -> None:
    plant(firm, "DELETE FROM erp.ar_document WHERE invoice_no = 'INV-US-00002'")
    result = judged(firm, "INV-24")["INV-24"]
    assert [row["invoice_no"] for row in result.rows] == ["INV-US-00002"]
    assert [each.model_dump() for each in result.at_stake] == [{"minor": 3_300_000, "ccy": "USD"}]


def test_a_deadline_that_runs_is_no_violation_until_the_landscape_is_at_rest(firm: Books) -> None:
    plant(firm, "DELETE FROM billing.billable_item WHERE source_id = 'T3'")
    plant(firm, f"UPDATE psa.time_entry SET approved_at = '{NOW}' WHERE entry_id = 'T3'")
    assert judged(firm, "INV-17")["INV-17"].status == "held"
    assert judged(firm, "INV-17", at_rest=True)["INV-17"].status == "violated"
    assert judged(firm, "INV-17", deadlines={"DL-T": 0})["INV-17"].status == "violated"


def test_a_check_that_presupposes_more_than_is_declared_does_not_apply(firm: Books) -> None:
    plant(firm, "UPDATE erp.ar_document SET correlation_id = NULL")
    missing = {
        "INV-44": ["dead_letters"],
        "INV-45": ["trace"],
        "INV-46": ["reconciliation"],
        "INV-48": ["dashboard"],
    }
    result = judged(firm, *missing, declares=["polling"])
    assert {each.status for each in result.values()} == {"not_applicable"}
    assert {name: each.missing for name, each in result.items()} == missing


def raised(at: str, **more: Any) -> dict[str, Any]:
    """An exception that the integration has raised about a contract."""
    return {"type": "int.exception.raised", "businesskey": "CT-0001", "severity": "S2", "at": at, **more}


def test_what_stands_before_a_person_is_excused_until_its_time_is_up(firm: Books) -> None:
    plant(firm, "UPDATE psa.project SET budget_fee = 13500000")
    assert judged(firm, "INV-14", events=[raised("2026-04-10T11:00:00.000Z")])["INV-14"].status == "held"
    late = [raised("2026-04-10T07:00:00.000Z")]
    assert judged(firm, "INV-14", events=late)["INV-14"].status == "violated"
    assert [row["what"] for row in judged(firm, "INV-44", events=late)["INV-44"].rows] == ["exception nobody resolved"]
    solved = {"type": "int.exception.resolved", "businesskey": "CT-0001", "at": "2026-04-10T08:00:00.000Z"}
    assert judged(firm, "INV-44", events=[*late, solved])["INV-44"].status == "held"
    assert judged(firm, "INV-44", events=[raised("2026-04-01T07:00:00.000Z", owner="Dana")])["INV-44"].status == "held"


def test_a_dead_letter_is_replayed_or_owned_within_a_day(firm: Books) -> None:
    parked = {"type": "int.dlq.parked", "businesskey": "CT-0001/CO-1", "at": "2026-04-09T11:00:00.000Z"}
    again = {"type": "int.dlq.replayed", "businesskey": "CT-0001/CO-1", "at": "2026-04-09T13:00:00.000Z"}
    assert judged(firm, "INV-44", events=[parked])["INV-44"].rows[0]["key"] == "CT-0001/CO-1"
    assert judged(firm, "INV-44", events=[parked, again])["INV-44"].status == "held"


def test_an_effect_may_come_late_where_somebody_was_told(firm: Books) -> None:
    event = firm.store.rows("SELECT id FROM psa.outbox WHERE type LIKE '%time.approved.v1'")[0]["id"]
    firm.store.execute(
        "INSERT INTO journal.entry (seq, kind, system, at, wall, status, event_id) VALUES (1, 'delivery', 'psa', ?, 0, 202, ?)",
        ("2026-04-05T20:00:00.001Z", event),
    )
    try:
        assert judged(firm, "INV-44")["INV-44"].status == "held"
        plant(firm, "UPDATE erp.work_entry SET created_at = '2026-04-05T21:00:00.000Z' WHERE source_id = 'T3'")
        assert [row["what"] for row in judged(firm, "INV-44")["INV-44"].rows] == [
            "late erp.work_entry, nobody was told"
        ]
        at = "2026-04-05T20:00:01.000Z"
        told = [{"type": "int.exception.raised", "id": "1", "at": at, "data": {"message": event}}]
        told += [{"type": "int.exception.resolved", "id": "2", "at": at, "data": {"message": event}}]
        assert judged(firm, "INV-44", events=told)["INV-44"].status == "held"
    finally:
        firm.store.execute("DELETE FROM journal.entry")


def test_links_of_the_descriptor_say_where_a_cross_reference_stands(firm: Books) -> None:
    plant(firm, 'UPDATE erp.customer SET external_id = NULL, customer_no = NULL, custom = \'{"crm_id": "C1"}\'')
    assert judged(firm, "INV-01")["INV-01"].status == "violated"
    assert judged(firm, "INV-01", links={"erp.customer": "custom.crm_id -> crm.account"})["INV-01"].status == "held"
    with pytest.raises(ValueError, match="expected a field"):
        judged(firm, "INV-01", links={"erp.customer": "1; DROP TABLE x -> crm.account"})


def test_a_business_day_does_not_count_the_weekend() -> None:
    assert limits("2026-03-02T10:00:00.000Z")["dl_b"] == "2026-02-27T10:00:00.000Z"
    assert limits("2026-03-03T10:00:00.000Z")["dl_b"] == "2026-03-02T10:00:00.000Z"
    with pytest.raises(KeyError, match="DL-Z"):
        limits("2026-03-02T10:00:00.000Z", {"DL-Z": 1})


def test_judging_writes_nothing(firm: Books) -> None:
    before = firm.store.connection.serialize(name="erp")
    judged(firm, first_cause=True)
    assert firm.store.connection.serialize(name="erp") == before
