"""Best possible DSO."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

OPEN = """
SELECT ccy, sum(open_amount) AS open FROM erp.ar_document
WHERE deleted_at IS NULL AND status <> 'DRAFT' AND doc_type = 'INVOICE' {current} GROUP BY ccy
"""
BILLED = """
SELECT ccy, sum(total) AS gross FROM erp.ar_document WHERE deleted_at IS NULL AND status <> 'DRAFT' AND doc_type = 'INVOICE'
    AND julianday(:now) - julianday(issue_date) <= 90 AND issue_date <= :now GROUP BY ccy
"""
DAYS = 90


def find(store: Store, params: Params) -> dict[str, Any]:
    """Open invoices that are not due yet."""
    rows = store.rows(OPEN.format(current="AND coalesce(due, issue_date) >= substr(:now, 1, 10)"), dict(params))
    receivable, ccy = in_reporting_ccy(store, {row["ccy"]: row["open"] for row in rows}, params["now"])
    billed = {row["ccy"]: row["gross"] for row in store.rows(BILLED, dict(params))}
    gross, _ = in_reporting_ccy(store, billed, params["now"])
    inputs = {"receivable": {"minor": receivable, "ccy": ccy}, "billed_in_90_days": {"minor": gross, "ccy": ccy}}
    return {"value": fraction(receivable * DAYS, gross, 1), "inputs": inputs}


KPI = Kpi(
    id="best_possible_dso",
    name="Best possible DSO",
    sentence="The same with only those receivables that are not overdue.",
    unit="days",
    find=find,
)
