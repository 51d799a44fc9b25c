"""Billing cycle time."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, milliseconds
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.store import Store

DAY = 86_400_000
BILLED = """
SELECT DISTINCT i.invoice_no, i.issued_at, p.key, p.kind, p.due, p.ready_at, p.created_at, coalesce(e.tz, 'UTC') AS tz,
    CASE b.billing_trigger WHEN 'ACCEPTED' THEN m.accepted_at ELSE m.completed_at END AS reached_at
FROM live_invoice i JOIN billing.invoice_line l ON l.system = i.system AND l.parent = i.id
JOIN billing.plan_line p ON p.system = i.system AND p.key = l.plan_line
LEFT JOIN billing.plan b ON b.system = p.system AND b.id = p.plan
LEFT JOIN billing.legal_entity e ON e.system = i.system AND e.code = i.legal_entity
LEFT JOIN psa.milestone m ON m.contract_no = p.contract_no AND m.ms_code = p.ms_code AND m.deleted_at IS NULL
WHERE i.issued_at IS NOT NULL
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """The mean over all plan lines billed."""
    waits = [max(milliseconds(started, row["issued_at"]), 0) for row in store.rows(BILLED) if (started := start(row))]
    value = fraction(sum(waits), len(waits) * DAY, 2) if waits else None
    return {"value": value, "inputs": {"lines": len(waits), "longest_days": fraction(max(waits, default=0), DAY, 2)}}


def start(row: dict[str, Any]) -> str | None:
    """When billing could begin: the milestone was reached, the billing period had ended, or the line was ready."""
    if row["reached_at"]:
        return str(row["reached_at"])
    if row["due"]:
        return clock.instant_of(row["due"], row["tz"])
    begun: str | None = row["ready_at"] or row["created_at"]
    return begun


KPI = Kpi(
    id="billing_cycle_time",
    name="Billing cycle time",
    sentence="Mean time from the end of a billing period, or from the event that triggers billing, to the issued invoice.",
    unit="days",
    find=find,
)
