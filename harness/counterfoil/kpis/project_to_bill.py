"""Project to bill."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, milliseconds, spread
from counterfoil_mocks.kernel.store import Store

FIRST = """
WITH billed AS (SELECT contract_no, min(issued_at) AS at FROM live_invoice GROUP BY contract_no)
SELECT min(p.created_at) AS since, b.at AS upto FROM psa.project p LEFT JOIN billed b ON b.contract_no = p.contract_no
WHERE p.deleted_at IS NULL AND p.status <> 'CANCELLED' GROUP BY p.contract_no
"""
DAY = 24 * 60 * 60 * 1000


def find(store: Store, params: Params) -> dict[str, Any]:
    """Median over all contracts that have been invoiced."""
    rows = [row for row in store.rows(FIRST) if row["upto"] is not None and row["upto"] >= row["since"]]
    found = spread([milliseconds(row["since"], row["upto"]) for row in rows])
    value = None if found["median"] is None else fraction(found["median"], DAY, 2)
    return {"value": value, "inputs": {"contracts": found["count"]}}


KPI = Kpi(
    id="project_to_bill",
    name="Project to bill",
    sentence="Time from the project that is ready for work to its first invoice.",
    unit="days",
    find=find,
)
