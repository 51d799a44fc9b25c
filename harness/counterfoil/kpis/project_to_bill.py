"""Project to bill."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, milliseconds, spread
from counterfoil_mocks.kernel.store import Store

FIRST = """
SELECT min(p.created_at) AS since, (SELECT min(i.issued_at) FROM live_invoice i WHERE i.contract_no = p.contract_no) AS upto
FROM psa.project p WHERE p.deleted_at IS NULL AND p.status <> 'CANCELLED' GROUP BY p.contract_no
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
