"""INV-17: what was approved is what can be billed."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-17",
    rule="Every approved billable hour and expense of the project system is an item in billing, at the same amount, and no other is.",
    kind="E",
    deadlines=("DL-T",),
    keys=("what", "source_id"),
    sql="""
WITH item AS (SELECT * FROM billing.billable_item WHERE deleted_at IS NULL)
SELECT 'approved, not in billing' AS what, w.key AS source_id, w.source_type, w.contract_no, w.project_no, w.work_date, w.ccy,
    w.amount, w.amount AS psa_value, NULL AS billing_value
FROM work w WHERE w.approval = 'APPROVED' AND w.billing <> 'NOT_BILLABLE' AND w.amount IS NOT NULL
    AND coalesce(w.approved_at, '') <= :dl_t
    AND NOT EXISTS (SELECT 1 FROM item i WHERE i.source_id = w.key AND i.source_type = w.source_type)
UNION ALL
SELECT 'amount differs', w.key, w.source_type, w.contract_no, w.project_no, w.work_date, w.ccy, abs(w.amount - i.amount), w.amount, i.amount
FROM work w JOIN item i ON i.source_id = w.key AND i.source_type = w.source_type
WHERE w.approval = 'APPROVED' AND w.billing <> 'NOT_BILLABLE' AND coalesce(w.approved_at, '') <= :dl_t
    AND (i.amount IS NOT w.amount OR i.ccy IS NOT w.ccy)
UNION ALL
SELECT 'not approved, in billing', i.source_id, i.source_type, i.contract_no, i.project_no, i.work_date, i.ccy, i.amount,
    coalesce(w.approval || ' ' || w.billing, 'no entry'), i.billing
FROM item i LEFT JOIN work w ON w.key = i.source_id AND w.source_type = i.source_type
WHERE i.billing IN ('UNBILLED', 'SELECTED', 'OVER_CAP') AND max(i.updated_at, coalesce(w.updated_at, '')) <= :dl_t
    AND (w.key IS NULL OR w.approval <> 'APPROVED' OR w.billing = 'NOT_BILLABLE')
UNION ALL
SELECT 'in billing twice', i.source_id, i.source_type, i.contract_no, i.project_no, i.work_date, i.ccy, sum(i.amount) - min(i.amount),
    min(i.amount), sum(i.amount)
FROM item i WHERE i.created_at <= :dl_t GROUP BY i.system, i.source_type, i.source_id HAVING count(*) > 1
""",
)
