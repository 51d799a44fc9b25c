"""Revenue leakage."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, in_reporting_ccy
from counterfoil_mocks.kernel.store import Store

EARNED = """
WITH net AS (SELECT source_id, sum(amount) AS amount FROM billed_item GROUP BY source_id),
item AS (SELECT source_id, source_type, over_cap, billing, hold_reason FROM billing.billable_item WHERE deleted_at IS NULL),
reached AS (SELECT contract_no, ms_code, sum(net) AS net FROM billed WHERE ms_code IS NOT NULL GROUP BY contract_no, ms_code),
earned AS (
    SELECT w.ccy, w.amount - coalesce(i.over_cap, 0) AS earned, min(coalesce(n.amount, 0), w.amount - coalesce(i.over_cap, 0)) AS billed,
        coalesce(i.billing, '') = 'WRITTEN_OFF' AS written_off,
        w.approved_at > :dl_w OR coalesce(i.billing, '') = 'CREDITED'
            OR (coalesce(i.billing, w.billing) = 'ON_HOLD' AND coalesce(i.hold_reason, '') <> '') AS in_time
    FROM work w LEFT JOIN item i ON i.source_id = w.key AND i.source_type = w.source_type LEFT JOIN net n ON n.source_id = w.key
    WHERE w.approval = 'APPROVED' AND w.billing <> 'NOT_BILLABLE' AND w.amount IS NOT NULL
    UNION ALL
    SELECT m.ccy, m.amount, min(m.amount, coalesce(r.net, 0)), 0, m.completed_at > :dl_w
    FROM psa.milestone m LEFT JOIN reached r ON r.contract_no = m.contract_no AND r.ms_code = m.ms_code
    WHERE m.deleted_at IS NULL AND m.status IN ('COMPLETED', 'ACCEPTED') AND m.amount IS NOT NULL
)
SELECT ccy, sum(earned) AS earned, sum(billed) AS billed, sum(CASE WHEN written_off THEN earned - billed ELSE 0 END) AS written_off,
    sum(CASE WHEN in_time AND NOT written_off THEN earned - billed ELSE 0 END) AS in_time
FROM earned GROUP BY ccy
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Leaked over earned, and the parts that it came from."""
    rows = store.rows(EARNED, dict(params))
    parts: dict[str, int] = {}
    ccy = ""
    for name in ("earned", "billed", "in_time", "written_off"):
        parts[name], ccy = in_reporting_ccy(store, {row["ccy"]: row[name] for row in rows}, params["now"])
    leaked = parts["earned"] - parts["billed"] - parts["in_time"] - parts["written_off"]
    return {"value": fraction(leaked, parts["earned"]), "inputs": {**parts, "leaked": leaked, "ccy": ccy}}


KPI = Kpi(
    id="revenue_leakage",
    name="Revenue leakage",
    sentence="Share of what was earned that is neither billed, nor waiting within its billing window, nor written off.",
    unit="fraction",
    find=find,
)
