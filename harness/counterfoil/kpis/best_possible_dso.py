"""Best possible DSO."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi
from counterfoil.kpis import dso
from counterfoil_mocks.kernel.store import Store

NOT_DUE = "AND coalesce(due, issue_date) >= substr(:now, 1, 10)"


def find(store: Store, params: Params) -> dict[str, Any]:
    """Open invoices that are not due yet."""
    return dso.over_billed(store, params, NOT_DUE)


KPI = Kpi(
    id="best_possible_dso",
    name="Best possible DSO",
    sentence="The same with only those receivables that are not overdue.",
    unit="days",
    find=find,
)
