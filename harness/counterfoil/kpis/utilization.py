"""Utilization."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, weekdays
from counterfoil_mocks.kernel.store import Store

TIME = """
SELECT sum(CASE WHEN billable THEN minutes ELSE 0 END) AS billable, sum(CASE WHEN billing = 'BILLED' THEN minutes ELSE 0 END) AS billed,
    min(work_date) AS first, max(work_date) AS last FROM psa.time_entry WHERE deleted_at IS NULL AND approval = 'APPROVED'
"""
CAPACITY = (
    "SELECT sum(capacity_minutes_per_day) AS minutes FROM psa.employee WHERE deleted_at IS NULL AND status = 'ACTIVE'"
)


def find(store: Store, params: Params) -> dict[str, Any]:
    """Approved billable time over the capacity of the weekdays between its first and last day."""
    return over_capacity(store, "billable")


def over_capacity(store: Store, which: str) -> dict[str, Any]:
    """Minutes that are `billable` or `billed` as a share of what people were there for between the first and the last day of work."""
    time, capacity = store.rows(TIME)[0], store.rows(CAPACITY)[0]["minutes"] or 0
    if time["first"] is None:
        return {"value": None, "inputs": {}}
    available = capacity * weekdays(time["first"], time["last"])
    inputs = {
        f"{which}_minutes": time[which],
        "available_minutes": available,
        "from": time["first"],
        "to": time["last"],
    }
    return {"value": fraction(time[which], available), "inputs": inputs}


KPI = Kpi(
    id="utilization",
    name="Utilization",
    sentence="Billable minutes as a share of the minutes that people were there for.",
    unit="fraction",
    find=find,
)
