"""What SQLite reads for a question does not grow with the records that happen to be in the same state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil_mocks import config
from counterfoil_mocks.firm.rows import Rows
from counterfoil_mocks.kernel import pages, timers
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.kernel.table import DULL, Table
from counterfoil_mocks.landscape import Landscape
from counterfoil_mocks.roles import ROLES


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    made = Store("memory", ROLES)
    yield made
    made.close()


def plan(store: Store, sql: str, params: Any) -> list[str]:
    """The steps that SQLite would go."""
    return [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {sql}", params)]


def pairs(table: Table) -> Iterator[tuple[str, str]]:
    """A field whose index finds few records, beside one whose index finds many."""
    indexed = [
        each for each in table.fields if each.indexed and each.name not in ("updated_at", table.entity.key_field)
    ]
    for dull in (each for each in indexed if each.kind in DULL):
        for sharp in (each for each in indexed if each.kind not in DULL):
            yield sharp.name, dull.name


@pytest.mark.parametrize("schema", ROLES)
def test_no_index_of_a_state_is_opened_where_something_sharper_is_asked(store: Store, schema: str) -> None:
    seen = 0
    for entity in ROLES[schema].entities:
        table = store.table(schema, entity.name)
        for sharp, dull in pairs(table):
            bound = {
                "system": schema,
                f"{sharp}_0": "x",
                f"{dull}_0": "A",
                f"{dull}_1": "B",
                "row_limit": 9,
                "row_offset": 0,
            }
            found = table._select(((sharp, 1), (dull, 2)), ("created_at", "id"), True, False)
            listed = pages._statement(table, ("shown",), ((sharp, 1, False), (dull, 2, False)), False, False, False)
            for sql in (found, listed):
                steps = plan(store, sql, bound)
                assert not any(f"{entity.name}_{dull}" in step for step in steps), (sharp, dull, steps)
                assert any(step.startswith("SEARCH") for step in steps)
            seen += 1
    assert seen > 1


def test_a_state_that_is_asked_alone_is_found_by_its_index(store: Store) -> None:
    table = store.table("psa", "assignment")
    found = table._select((("status", 1),), ("created_at", "id"), False, False)
    assert "assignment_status" in plan(store, found, {"system": "psa", "status_0": "CONFIRMED"})[0]


@pytest.mark.parametrize("schema", ROLES)
def test_the_next_timer_is_found_without_reading_the_others(store: Store, schema: str) -> None:
    [step] = plan(store, timers.NEXT.format(schema=schema), (schema, "2026-01-05T15:00:00.000Z"))
    assert "timer_due" in step


@pytest.mark.parametrize("entity", ["customer", "ar_document", "payment", "journal_entry", "vendor_object"])
def test_an_external_id_is_found_whatever_its_case_without_reading_all(store: Store, entity: str) -> None:
    asked = f"SELECT id FROM erp.{entity} WHERE system = ? AND lower(external_id) = ? AND deleted_at IS NULL"
    [step] = plan(store, asked, ("erp", "x"))
    assert f"{entity}_external_id_folded" in step


def test_what_indexes_are_worth_is_told_again_where_they_were_made_anew() -> None:
    made = Store("memory", ROLES)
    system = System("erp", ROLES["erp"], made, World(Clock("2026-01-05T15:00:00.000Z")))
    told = "SELECT count(*) FROM erp.sqlite_stat1"
    before = made.execute(told).fetchone()
    rows = Rows(system, many=True)
    assert made.execute(told).fetchone() < before
    rows.finish()
    assert made.execute(told).fetchone() == before
    made.close()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT t.id FROM transaction t JOIN transactionline l ON l.transaction = t.id WHERE t.type = 'CustPymt' AND l.mainline = 'T'",
        "SELECT c.entityid FROM customer c JOIN transaction t ON t.entity = c.id WHERE c.isinactive = 'F' AND t.posting = 'T'",
        "SELECT t.tranid FROM transaction t WHERE t.type = 'CustInvc' AND t.id IN (SELECT l.transaction FROM transactionline l)",
        "SELECT a.account FROM transactionaccountingline a JOIN transaction t ON t.id = a.transaction WHERE t.type = 'Journal'",
    ],
)
def test_no_table_of_netsuite_is_read_once_for_each_row_of_another(text: str) -> None:
    built = Landscape.build(config.understood({"size": "empty", "systems": {"erp": {"vendor": "netsuite"}}}))
    try:
        system = built.systems["erp"]
        engine = system.face.queries.engine
        asked = engine._prepared(text, lambda: system.clock.now, [], 1000, 0).rows
        found = built.store.execute(f"EXPLAIN QUERY PLAN {asked.text}", asked.bound).fetchall()
    finally:
        built.store.close()
    steps = [step for _, around, _, step in found if around == 0]
    assert sum(step.startswith("SCAN") for step in steps) <= 1, steps
