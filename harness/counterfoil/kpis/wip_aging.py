"""WIP aging."""

from __future__ import annotations

from datetime import date
from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

BUCKETS = (("0-30", 30), ("31-60", 60), ("61-90", 90), ("over 90", 10**6))
"""Name and highest age in days."""
ITEMS = """
SELECT ccy, work_date, sum(amount - coalesce(over_cap, 0)) AS value FROM billing.billable_item
WHERE deleted_at IS NULL AND billing IN ('UNBILLED', 'ON_HOLD', 'SELECTED') GROUP BY ccy, work_date
"""


def by_ccy(store: Store) -> dict[str, int]:
    """Closing WIP, minor units by currency."""
    found: dict[str, int] = {}
    for row in store.rows(ITEMS):
        found[row["ccy"]] = found.get(row["ccy"], 0) + row["value"]
    return found


def find(store: Store, params: Params) -> dict[str, Any]:
    """Closing WIP, by age of the work, and its average age weighted by value."""
    today = date.fromisoformat(params["now"][:10])
    by_bucket: dict[str, dict[str, int]] = {name: {} for name, _ in BUCKETS}
    total: dict[str, int] = {}
    weighted: dict[str, int] = {}
    for row in store.rows(ITEMS):
        age, ccy = max((today - date.fromisoformat(row["work_date"])).days, 0), row["ccy"]
        bucket = by_bucket[next(name for name, highest in BUCKETS if age <= highest)]
        for sums, value in ((bucket, row["value"]), (total, row["value"]), (weighted, row["value"] * age)):
            sums[ccy] = sums.get(ccy, 0) + value
    value, ccy = in_reporting_ccy(store, total, params["now"])
    age_value, _ = in_reporting_ccy(store, weighted, params["now"])
    return {
        "value": value,
        "inputs": {
            "ccy": ccy,
            "by_age": {name: in_reporting_ccy(store, sums, params["now"])[0] for name, sums in by_bucket.items()},
            "average_age_days": fraction(age_value, value, 1),
            "by_ccy": total,
        },
    }


KPI = Kpi(
    id="wip_aging",
    name="WIP aging",
    sentence="Approved work that is not on an issued invoice yet, at bill value, by age of the work.",
    unit="minor units",
    find=find,
)
