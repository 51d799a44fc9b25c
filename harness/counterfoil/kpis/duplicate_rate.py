"""Duplicate rate."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction
from counterfoil_mocks.kernel.store import Store

LIVE = "SELECT count(*) AS live FROM erp.customer WHERE deleted_at IS NULL AND status <> 'MERGED'"
REDUNDANT = """
SELECT coalesce(sum(n - 1), 0) AS redundant FROM (
    SELECT count(*) AS n FROM erp.customer WHERE deleted_at IS NULL AND status <> 'MERGED' AND NOT distinct_approved
    GROUP BY system, country, norm_name(name), coalesce(vat_id, '') HAVING count(*) > 1)
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Same name, country and tax number, and nobody has said that they are distinct."""
    live, redundant = store.rows(LIVE)[0]["live"], store.rows(REDUNDANT)[0]["redundant"]
    return {"value": fraction(redundant, live), "inputs": {"redundant": redundant, "live": live}}


KPI = Kpi(
    id="duplicate_rate",
    name="Duplicate rate",
    sentence="Redundant customers in the books as a share of all live ones.",
    unit="fraction",
    find=find,
)
