"""Bill to cash."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

PAID = """
SELECT a.ccy, sum(a.amount) AS paid, sum(a.amount * (julianday(p.value_date) - julianday(d.issue_date))) AS weighted
FROM erp.payment_application a JOIN erp.payment p ON p.system = a.system AND p.id = a.payment
JOIN erp.ar_document d ON d.system = a.system AND d.id = a.ar_document
WHERE a.deleted_at IS NULL AND a.status = 'ACTIVE' GROUP BY a.ccy
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Days between value date and issue date of every application that stands."""
    rows = store.rows(PAID)
    paid, ccy = in_reporting_ccy(store, {row["ccy"]: row["paid"] for row in rows}, params["now"])
    weighted, _ = in_reporting_ccy(store, {row["ccy"]: round(row["weighted"]) for row in rows}, params["now"])
    return {"value": fraction(weighted, paid, 1), "inputs": {"paid": {"minor": paid, "ccy": ccy}}}


KPI = Kpi(
    id="bill_to_cash",
    name="Bill to cash",
    sentence="Mean time from issue to payment, weighted by the amount paid.",
    unit="days",
    find=find,
)
