"""Realization."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

BILLED = """
SELECT t.ccy, sum(b.amount) AS net, sum(time_amount(t.minutes, r.rate, t.ccy)) AS standard FROM psa.time_entry t
JOIN (SELECT source_id, sum(amount) AS amount FROM billed_item GROUP BY source_id) b ON b.source_id = t.entry_id
JOIN psa.project p ON p.system = t.system AND p.key = t.project_no AND p.deleted_at IS NULL
JOIN psa.employee e ON e.system = t.system AND e.id = t.employee
LEFT JOIN psa.assignment a ON a.system = t.system AND a.key = t.project_no || '/' || e.employee_no AND a.deleted_at IS NULL
JOIN psa.rate_card c ON c.system = t.system AND c.key = p.rate_card_code || '/' || p.rate_card_version
CROSS JOIN psa.rate_card_row r ON r.system = c.system AND r.parent = c.id AND r.level = coalesce(a.level, e.level)
WHERE t.deleted_at IS NULL AND t.billing = 'BILLED' GROUP BY t.ccy
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Net of credits, over the card version of each project."""
    rows = store.rows(BILLED)
    net, ccy = in_reporting_ccy(store, {row["ccy"]: row["net"] for row in rows}, params["now"])
    standard, _ = in_reporting_ccy(store, {row["ccy"]: row["standard"] for row in rows}, params["now"])
    inputs = {"net_billed": {"minor": net, "ccy": ccy}, "standard_value": {"minor": standard, "ccy": ccy}}
    return {"value": fraction(net, standard), "inputs": inputs}


KPI = Kpi(
    id="realization",
    name="Realization",
    sentence="What was billed for time as a share of the same hours at the rates of the card.",
    unit="fraction",
    find=find,
)
