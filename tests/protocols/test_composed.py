"""Views that are put together of several tables: what is left out of them changes no answer, and is not read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from counterfoil_mocks import config
from counterfoil_mocks.landscape import Landscape
from counterfoil_mocks.protocols import composed
from counterfoil_mocks.protocols.suiteql import Engine

NOW = "2026-01-05T15:00:00.000Z"
SHARP = [
    "SELECT t.id, l.subsidiary FROM transaction t JOIN transactionline l ON l.transaction = t.id AND l.mainline = 'T' WHERE t.tranid = '{no}'",
    "SELECT l.id, t.tranid FROM transactionline l JOIN transaction t ON l.transaction = t.id WHERE t.tranid = '{no}' ORDER BY l.id",
    "SELECT t.id, l.netamount FROM transaction t LEFT JOIN transactionline l ON l.transaction = t.id WHERE tranid IN ('{no}', 'x') ORDER BY 2",
    "SELECT l.id FROM transaction t, transactionline l WHERE t.id = l.transaction AND '{no}' = t.tranid ORDER BY l.id",
    "SELECT t.tranid FROM customer c JOIN transaction t ON t.entity = c.id WHERE c.id = '{customer}' ORDER BY t.tranid",
]
"""Joins of which one side is known by something that few rows share."""
ANY = [
    "SELECT t.id, a.account, a.debit FROM transaction t JOIN transactionaccountingline a ON a.transaction = t.id WHERE t.tranid = '{no}'"
    " ORDER BY a.account, a.debit",
    "SELECT t.tranid, SUM(l.netamount) AS net FROM transaction t JOIN transactionline l ON l.transaction = t.id"
    " WHERE t.trandate >= TO_DATE('2025-12-01', 'YYYY-MM-DD') AND l.mainline = 'F' GROUP BY t.tranid ORDER BY t.tranid",
    "SELECT t.tranid, BUILTIN.DF(t.entity) AS who FROM transaction t WHERE t.type = 'CustInvc' ORDER BY t.tranid",
    "SELECT COUNT(*) AS n FROM transaction",
    "SELECT t.tranid FROM transaction t WHERE t.id IN (SELECT transaction FROM transactionline WHERE netamount > 0) ORDER BY t.tranid",
    "SELECT t.tranid, (SELECT COUNT(*) FROM transactionline l WHERE l.transaction = t.id) AS n FROM transaction t WHERE tranid = '{no}'",
    "SELECT t.tranid FROM transaction t LEFT JOIN transactionline l ON l.transaction = t.id AND l.memo = 'none such' WHERE t.tranid = '{no}'",
    "SELECT t.tranid FROM transactionline l LEFT JOIN transaction t ON t.id = l.transaction AND t.tranid = '{no}' WHERE l.id = 1"
    " ORDER BY t.tranid",
    "SELECT t.tranid FROM transaction t JOIN transactionline l ON l.transaction = t.id WHERE t.tranid = '{no}' OR l.id = 0 ORDER BY 1",
    "SELECT t.tranid, l.id FROM transaction t JOIN transactionline l ON l.transaction = t.id WHERE NOT t.tranid = '{no}' ORDER BY 1, 2",
]


@pytest.fixture(scope="module")
def landscape() -> Iterator[Landscape]:
    systems = {"crm": {}, "psa": {}, "erp": {"vendor": "netsuite"}, "billing": {}}
    built = Landscape.build(config.understood({"size": "S", "systems": systems}))
    yield built
    built.store.close()


@pytest.fixture(scope="module")
def engine(landscape: Landscape) -> Engine:
    found: Engine = landscape.systems["erp"].face.queries.engine  # type: ignore[union-attr]
    return found


@pytest.fixture(scope="module")
def known(engine: Engine) -> dict[str, str]:
    """An invoice of the firm, and a customer who has some."""
    asked = "SELECT tranid, entity FROM transaction WHERE type = 'CustInvc' ORDER BY tranid"
    first = engine.page(asked, NOW).items[0]
    return {"no": first["tranid"], "customer": first["entity"]}


@pytest.mark.parametrize("text", [*SHARP, *ANY])
def test_what_is_left_out_changes_no_answer(
    landscape: Landscape, engine: Engine, known: dict[str, str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = text.format(**known)
    found = engine.page(asked, NOW)
    monkeypatch.setattr(composed, "wanted", lambda compiler, query: {})
    monkeypatch.setattr(composed, "reduced", lambda view, named, deleted, wanted=(): view.rows())
    assert Engine(engine.store, engine.catalog, engine.schema).page(asked, NOW) == found
    assert found.total


@pytest.mark.parametrize("text", SHARP)
def test_a_join_with_few_rows_reads_no_table_whole(engine: Engine, known: dict[str, str], text: str) -> None:
    asked = engine._prepared(text.format(**known), lambda: NOW, [], 1000, 0).rows
    steps = [row[3] for row in engine.store.execute(f"EXPLAIN QUERY PLAN {asked.text}", asked.bound)]
    assert [each for each in steps if each.startswith("SCAN") and not each.startswith("SCAN anon")] == [], steps
