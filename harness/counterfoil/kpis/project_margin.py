"""Project margin."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

BOOKED = """
SELECT e.ccy, sum(CASE WHEN l.account IN ('4000', '4010', '4020', '4030') THEN l.cr - l.dr ELSE 0 END) AS revenue,
    sum(CASE WHEN l.account IN ('5000', '5010', '5030', '4100') THEN l.dr - l.cr ELSE 0 END) AS cost
FROM erp.journal_entry e JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT' GROUP BY e.ccy
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """From the ledger, all contracts together."""
    rows = store.rows(BOOKED)
    revenue, ccy = in_reporting_ccy(store, {row["ccy"]: row["revenue"] for row in rows}, params["now"])
    cost, _ = in_reporting_ccy(store, {row["ccy"]: row["cost"] for row in rows}, params["now"])
    inputs = {"revenue": {"minor": revenue, "ccy": ccy}, "cost": {"minor": cost, "ccy": ccy}}
    return {"value": fraction(revenue - cost, revenue), "inputs": inputs}


KPI = Kpi(
    id="project_margin",
    name="Project margin",
    sentence="Revenue less labour, expenses and what intercompany cost leaves for the firm as a whole, as a share of revenue.",
    unit="fraction",
    find=find,
)
