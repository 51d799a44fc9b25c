"""How SQLite means to answer: no invariant and no figure reads a table that grows with the business once for each row of another.

Indexes begin with the name of a system, so that a business key of another system (`x.contract_no = k.contract_no`) has none within a subquery.
Such a look-up is written as a set that is made once (`k.contract_no IN (SELECT …)`), or as a join.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil import kpi, vocabulary
from counterfoil.invariant import catalogue, limits
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.roles import ROLES

NOW = "2026-04-10T12:00:00.000Z"
SMALL = {
    "INV-09": "people of the firm",
    "INV-13": "rate cards",
    "INV-20": "customers, and only where the customer of a document has changed",
    "INV-21": "legal entities",
    "INV-35": "rates of exchange",
    "INV-44": "what the integration has told of itself",
    "INV-50": "rates of exchange",
}
"""What they read again and again does not grow with the business."""
RARE = {
    "INV-05": "contracts whose sites are wrong",
    "INV-31": "closings of a period",
    "INV-36": "work that is recognised at another value",
    "INV-37": "contracts whose work is recognised at another value",
    "INV-39": "expenses that were billed without a receipt",
    "INV-41": "large credit memos without approval",
    "INV-45": "causes that no event is",
    "INV-49": "plan lines that were billed before and after a move",
}
"""What they read it for is rare."""


class Asked(Store):
    """An empty store that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        super().__init__("memory", ROLES)

    def rows(self, sql: str, params: Any = ()) -> list[dict[str, Any]]:
        self.asked.append((sql, params))
        return super().rows(sql, params)


@pytest.fixture(scope="module")
def store() -> Iterator[Asked]:
    made = Asked()
    made.expect_verdict()
    vocabulary.prepare(made)
    yield made
    made.close()


def read_for_each_row(store: Store, sql: str, params: Any) -> Iterator[str]:
    """The steps of a plan that read a whole table, or all of a system's, within a correlated subquery."""
    below: dict[int, list[tuple[int, str]]] = {}
    for number, parent, _, step in store.execute(f"EXPLAIN QUERY PLAN {sql}", params):
        below.setdefault(parent, []).append((number, step))

    def walk(parent: int, *, again: bool) -> Iterator[str]:
        for number, step in below.get(parent, ()):
            whole = step.startswith("SCAN") and not any(word in step for word in ("VIRTUAL", "CONSTANT"))
            if again and (whole or step.endswith("(system=?)")):
                yield step
            once = step.startswith(("MATERIALIZE", "CO-ROUTINE", "SCALAR", "LIST"))  # also within a correlated one
            yield from walk(number, again=not once and (again or "CORRELATED" in step))

    yield from walk(0, again=False)


@pytest.mark.parametrize("name", [*catalogue(), *kpi.catalogue()])
def test_no_growing_table_is_read_once_for_each_row_of_another(store: Asked, name: str) -> None:
    params, wanted = limits(NOW, at_rest=True), catalogue().get(name)
    store.asked.clear()
    if wanted is not None:
        wanted.rows(store, params)
    else:
        kpi.compute(store, now=NOW, only=[name])
    assert store.asked
    found = {step for sql, given in tuple(store.asked) for step in read_for_each_row(store, sql, given)}
    if name not in SMALL | RARE:
        assert not found
