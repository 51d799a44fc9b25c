"""Utilization-to-revenue conversion."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

REVENUE = """
SELECT l.ccy, sum(l.cr - l.dr) AS revenue FROM erp.journal_line l
JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent AND e.deleted_at IS NULL AND e.status <> 'DRAFT'
WHERE l.account IN ('4000', '4010', '4020') GROUP BY l.ccy
"""
STANDARD = """
SELECT t.ccy, sum(time_amount(t.minutes, r.rate, t.ccy)) AS standard, sum(t.minutes) AS minutes FROM psa.time_entry t
JOIN psa.project p ON p.system = t.system AND p.key = t.project_no AND p.deleted_at IS NULL
JOIN psa.employee e ON e.system = t.system AND e.id = t.employee
LEFT JOIN psa.assignment a ON a.system = t.system AND a.key = t.project_no || '/' || e.employee_no AND a.deleted_at IS NULL
JOIN psa.rate_card c ON c.system = t.system AND c.key = p.rate_card_code || '/' || p.rate_card_version
CROSS JOIN psa.rate_card_row r ON r.system = c.system AND r.parent = c.id AND r.level = coalesce(a.level, e.level)
WHERE t.deleted_at IS NULL AND t.approval = 'APPROVED' AND t.billable = 1 GROUP BY t.ccy
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Services revenue (expenses left out) over the approved billable hours at the card's rates."""
    rows = store.rows(STANDARD)
    standard, ccy = in_reporting_ccy(store, {row["ccy"]: row["standard"] for row in rows}, params["now"])
    earned = {
        row["ccy"]: row["revenue"] for row in store.rows(REVENUE) if any(row["ccy"] == each["ccy"] for each in rows)
    }
    revenue, _ = in_reporting_ccy(store, earned, params["now"])
    return {
        "value": fraction(revenue, standard),
        "inputs": {
            "revenue": {"minor": revenue, "ccy": ccy},
            "standard_value": {"minor": standard, "ccy": ccy},
            "billable_minutes": sum(row["minutes"] for row in rows),
        },
    }


KPI = Kpi(
    id="utilization_to_revenue",
    name="Utilization-to-revenue conversion",
    sentence="Recognised services revenue as a share of the billable hours at standard rates.",
    unit="fraction",
    find=find,
)
