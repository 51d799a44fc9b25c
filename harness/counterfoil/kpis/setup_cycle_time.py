"""Project setup cycle time."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, milliseconds, spread
from counterfoil_mocks.kernel.store import Store

READY = """
WITH active AS (
    SELECT h.system, h.id, min(h.at) AS at FROM psa.history h
    WHERE h.entity = 'project' AND json_extract(h.doc, '$.status') = 'ACTIVE' GROUP BY h.system, h.id
), staffed AS (
    SELECT p.contract_no, min(coalesce(a.at, p.created_at)) AS at FROM psa.project p LEFT JOIN active a ON a.system = p.system AND a.id = p.id
    WHERE p.deleted_at IS NULL AND p.status NOT IN ('PLANNED', 'CANCELLED') GROUP BY p.contract_no
), planned AS (
    SELECT contract_no, min(created_at) AS at FROM billing.plan WHERE deleted_at IS NULL GROUP BY contract_no
), scheduled AS (
    SELECT contract_no, max(first) AS at FROM (
        SELECT contract_no, min(created_at) AS first FROM erp.revenue_schedule WHERE deleted_at IS NULL GROUP BY contract_no, line_no
    ) GROUP BY contract_no
)
SELECT o.opp_no, k.contract_no, o.closed_at, max(s.at, b.at, e.at) AS ready_at
FROM crm.opportunity o JOIN crm.contract k ON k.system = o.system AND k.opportunity = o.id AND k.deleted_at IS NULL
LEFT JOIN staffed s ON s.contract_no = k.contract_no
LEFT JOIN planned b ON b.contract_no = k.contract_no
LEFT JOIN scheduled e ON e.contract_no = k.contract_no
WHERE o.stage = 'CLOSED_WON' AND o.deleted_at IS NULL AND o.closed_at IS NOT NULL
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Of the deals that are ready: median and 95th percentile; and how many are not."""
    rows = store.rows(READY)
    took = {row["opp_no"]: max(milliseconds(row["closed_at"], row["ready_at"]), 0) for row in rows if row["ready_at"]}
    found = spread(list(took.values()))
    slowest = sorted(took, key=lambda name: -took[name])[:5]

    def minutes(value: int | None) -> str | None:
        return None if value is None else fraction(value, 60_000, 2)

    return {
        "value": minutes(found["median"]),
        "inputs": {
            "p95": minutes(found["p95"]),
            "deals": found["count"],
            "not_ready": len(rows) - len(took),
            "slowest": {name: minutes(took[name]) for name in slowest},
        },
    }


KPI = Kpi(
    id="setup_cycle_time",
    name="Project setup cycle time",
    sentence="Median time from closed-won to an active project with billing plan and revenue schedules.",
    unit="minutes",
    find=find,
)
