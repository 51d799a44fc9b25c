"""Quote to project."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, milliseconds, spread
from counterfoil_mocks.kernel.store import Store

READY = """
SELECT q.signed_at AS since, min(p.created_at) AS upto FROM crm.contract k
CROSS JOIN crm.quote q ON q.system = k.system AND q.id = k.quote
JOIN psa.project p ON p.contract_no = k.contract_no AND p.deleted_at IS NULL AND p.status NOT IN ('PLANNED', 'CANCELLED')
WHERE k.deleted_at IS NULL AND q.deleted_at IS NULL AND q.status = 'ACCEPTED' AND q.signed_at IS NOT NULL GROUP BY q.system, q.id
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Median and 95th percentile over all accepted quotes that have a project."""
    found = spread(
        [milliseconds(row["since"], row["upto"]) for row in store.rows(READY) if row["upto"] >= row["since"]]
    )
    median, p95 = (
        (fraction(each, 60_000, 2) if each is not None else None) for each in (found["median"], found["p95"])
    )
    return {"value": median, "inputs": {"p95": p95, "projects": found["count"]}}


KPI = Kpi(
    id="quote_to_project",
    name="Quote to project",
    sentence="Time from the accepted quote to the project that is ready for work.",
    unit="minutes",
    find=find,
)
