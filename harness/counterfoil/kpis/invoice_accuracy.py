"""Invoice accuracy rate."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction
from counterfoil_mocks.kernel.store import Store

LOOK_AHEAD_DAYS = 90
INVOICES = f"""
SELECT substr(i.issue_date, 1, 7) AS month, count(*) AS issued, sum(i.status IN ('VOID', 'DISPUTED') OR EXISTS (
    SELECT 1 FROM live_credit m WHERE m.system = i.system AND m.corrects = i.invoice_no AND m.reason IN ('RATE', 'DUPLICATE', 'SCOPE', 'TAX')
        AND m.issue_date <= date(i.issue_date, '+{LOOK_AHEAD_DAYS} days'))) AS wrong
FROM billing.invoice i WHERE i.deleted_at IS NULL AND i.invoice_no IS NOT NULL AND i.issue_date IS NOT NULL
GROUP BY 1 ORDER BY 1
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Over all cohorts, and each month's own."""
    rows = store.rows(INVOICES)
    issued, wrong = sum(row["issued"] for row in rows), sum(row["wrong"] for row in rows)
    months = {row["month"]: fraction(row["issued"] - row["wrong"], row["issued"]) for row in rows}
    return {"value": fraction(issued - wrong, issued), "inputs": {"issued": issued, "wrong": wrong, "by_month": months}}


KPI = Kpi(
    id="invoice_accuracy",
    name="Invoice accuracy rate",
    sentence="Share of issued invoices that were not credited, voided or disputed for a billing error within 90 days.",
    unit="fraction",
    find=find,
)
