"""Billed utilization."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi
from counterfoil.kpis import utilization
from counterfoil_mocks.kernel.store import Store


def find(store: Store, params: Params) -> dict[str, Any]:
    """Billed time over the capacity of the weekdays between the first and last day of work."""
    return utilization.over_capacity(store, "billed")


KPI = Kpi(
    id="billed_utilization",
    name="Billed utilization",
    sentence="Minutes on issued invoices as a share of the minutes that people were there for.",
    unit="fraction",
    find=find,
)
