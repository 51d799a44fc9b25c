"""Backlog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

SIGNED = """
SELECT k.ccy, sum(coalesce(l.amount, 0)) AS signed, sum(coalesce(l.cap, 0)) AS caps FROM crm.contract k
JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id
WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED') GROUP BY k.ccy
"""
RECOGNISED = """
SELECT e.ccy, sum(l.cr - l.dr) AS revenue FROM erp.journal_entry e JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
JOIN crm.contract k ON k.contract_no = coalesce(l.contract_no, e.contract_no) AND k.deleted_at IS NULL
    AND k.status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED')
WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT' AND l.account IN ('4000', '4020') GROUP BY e.ccy
"""
LABOUR = """
SELECT i.ccy, sum(i.amount - coalesce(i.over_cap, 0)) AS used FROM billing.billable_item i
JOIN crm.contract k ON k.contract_no = i.contract_no AND k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED')
JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id AND l.line_no = i.line_no AND l.cap IS NOT NULL
WHERE i.deleted_at IS NULL AND i.source_type = 'TIME' AND i.billing <> 'WRITTEN_OFF' GROUP BY i.ccy
"""


def by_ccy(store: Store) -> dict[str, int]:
    """Remaining performance obligations, minor units by currency."""
    left = {row["ccy"]: row["signed"] for row in store.rows(SIGNED)}
    for row in store.rows(RECOGNISED):
        left[row["ccy"]] = left.get(row["ccy"], 0) - row["revenue"]
    return left


def find(store: Store, params: Params) -> dict[str, Any]:
    """Remaining performance obligations (RPO), and caps less the labour under them."""

    def total(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[int, str]:
        return in_reporting_ccy(store, {row["ccy"]: row[name] for row in rows}, params["now"])

    contracts = store.rows(SIGNED)
    signed, ccy = total(contracts, "signed")
    recognised, _ = total(store.rows(RECOGNISED), "revenue")
    headroom = total(contracts, "caps")[0] - total(store.rows(LABOUR), "used")[0]
    inputs = {"ccy": ccy, "signed": signed, "recognised": recognised, "cap_headroom": headroom}
    return {"value": signed - recognised, "inputs": inputs}


KPI = Kpi(
    id="backlog",
    name="Backlog",
    sentence="Signed fees that are not recognised yet; the headroom under caps is shown beside it.",
    unit="minor units",
    find=find,
)
