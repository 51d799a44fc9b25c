"""Forecast accuracy."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

PLANNED = """
SELECT k.ccy, sum(m.amount) AS amount FROM crm.contract k JOIN crm.contract_milestone m ON m.system = k.system AND m.parent = k.id
WHERE k.deleted_at IS NULL AND k.status NOT IN ('CANCELLED', 'DRAFT') AND substr(m.planned, 1, 7) = ? GROUP BY k.ccy
"""
ACTUAL = """
SELECT ccy, sum(net) AS amount FROM billed WHERE ms_code IS NOT NULL AND substr(issue_date, 1, 7) = ? GROUP BY ccy
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Milestones planned for the month against milestones billed in it: 1 - |forecast - actual| / actual."""
    year, month = int(params["now"][:4]), int(params["now"][5:7])
    period = f"{year - (month == 1)}-{(month - 2) % 12 + 1:02d}"
    planned = {row["ccy"]: row["amount"] for row in store.rows(PLANNED, (period,))}
    billed = {row["ccy"]: row["amount"] for row in store.rows(ACTUAL, (period,))}
    forecast, ccy = in_reporting_ccy(store, planned, params["now"])
    actual, _ = in_reporting_ccy(store, billed, params["now"])
    inputs = {"period": period, "forecast": {"minor": forecast, "ccy": ccy}, "actual": {"minor": actual, "ccy": ccy}}
    return {"value": fraction(actual - abs(forecast - actual), actual), "inputs": inputs}


KPI = Kpi(
    id="forecast_accuracy",
    name="Forecast accuracy",
    sentence="How near the planned billing of the last whole month came to what was billed in it.",
    unit="fraction",
    find=find,
)
