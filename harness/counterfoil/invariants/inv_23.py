"""INV-23: no leakage."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-23",
    rule="Nothing that was earned leaks: approved work and due plan lines are billed, held for a reason, above a cap, or written off.",
    kind="E",
    deadlines=("DL-W",),
    keys=("what", "key"),
    sql="""
WITH net AS (SELECT source_id, sum(amount) AS amount FROM billed_item GROUP BY source_id),
item AS (SELECT source_id, source_type, amount, over_cap, billing, hold_reason FROM billing.billable_item WHERE deleted_at IS NULL)
SELECT 'approved work' AS what, w.key, w.contract_no, w.project_no, w.work_date, w.ccy,
    w.amount - coalesce(i.over_cap, 0) - coalesce(n.amount, 0) AS amount, w.billing AS psa_value,
    coalesce(i.billing, 'no item') AS billing_value, w.approved_at
FROM work w LEFT JOIN item i ON i.source_id = w.key AND i.source_type = w.source_type
LEFT JOIN net n ON n.source_id = w.key
WHERE w.approval = 'APPROVED' AND w.billing NOT IN ('NOT_BILLABLE', 'WRITTEN_OFF', 'CREDITED') AND w.approved_at <= :dl_w
    AND coalesce(i.billing, '') NOT IN ('OVER_CAP', 'WRITTEN_OFF', 'CREDITED')
    AND NOT (coalesce(i.billing, w.billing) = 'ON_HOLD' AND coalesce(i.hold_reason, '') <> '')
    AND w.amount - coalesce(i.over_cap, 0) > coalesce(n.amount, 0)
UNION ALL
SELECT 'due plan line', p.key, p.contract_no, NULL, p.due, p.ccy, p.amount, NULL, p.status, p.ready_at
FROM billing.plan_line p JOIN billing.plan b ON b.system = p.system AND b.id = p.plan AND b.status = 'ACTIVE'
WHERE p.deleted_at IS NULL AND p.status = 'READY' AND p.amount > 0 AND p.ready_at <= :dl_w
""",
)
