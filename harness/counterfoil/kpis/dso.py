"""Days sales outstanding."""

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
    """Open invoices, whether due or not."""
    return over_billed(store, params)


def over_billed(store: Store, params: Params, current: str = "") -> dict[str, Any]:
    """Days that open invoices come to, against what was billed in the last 90. current: a condition that says which of them count."""
    rows = store.rows(OPEN.format(current=current), dict(params))
    receivable, ccy = in_reporting_ccy(store, {row["ccy"]: row["open"] for row in rows}, params["now"])
    billed = {row["ccy"]: row["gross"] for row in store.rows(BILLED, dict(params))}
    gross, _ = in_reporting_ccy(store, billed, params["now"])
    inputs = {"receivable": {"minor": receivable, "ccy": ccy}, "billed_in_90_days": {"minor": gross, "ccy": ccy}}
    return {"value": fraction(receivable * DAYS, gross, 1), "inputs": inputs}


KPI = Kpi(
    id="dso",
    name="Days sales outstanding",
    sentence="Receivables over what was billed in the last 90 days, times 90 (not the count-back method).",
    unit="days",
    find=find,
)
