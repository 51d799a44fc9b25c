"""INV-40: work is recognised in the month in which it was done, while that month is open."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-40",
    rule="Approved time and expenses are recognised in the period of the day of the work if it was open when they were approved, else in the first"
    " open one and marked late.",
    kind="P",
    deadlines=("DL-T",),
    keys=("source_id",),
    sql="""
WITH entry AS (
    SELECT w.source_id, w.contract_no, w.ccy, w.value, w.work_date, w.period, w.kind, w.legal_entity, w.system, w.created_at,
        p.status, p.closed_at, p.soft_closed_at
    FROM erp.work_entry w LEFT JOIN erp.period p ON p.system = w.system AND p.key = w.legal_entity || '/' || substr(w.work_date, 1, 7)
    WHERE w.deleted_at IS NULL
)
SELECT source_id, contract_no, ccy, coalesce(value, 0) AS amount, work_date, period AS erp_value,
    substr(work_date, 1, 7) AS expected_value, kind
FROM entry WHERE period <> substr(work_date, 1, 7) AND coalesce(closed_at, soft_closed_at, '9999') > created_at
UNION ALL
SELECT source_id, contract_no, ccy, coalesce(value, 0), work_date, period, NULL, kind
FROM entry WHERE period < substr(work_date, 1, 7) OR period > substr(work_date, 1, 7) AND kind IS NOT 'LATE'
UNION ALL
SELECT w.key, w.contract_no, w.ccy, w.amount, e.work_date, w.work_date, e.work_date, 'another day than in the PSA'
FROM erp.work_entry e JOIN work w ON w.key = e.source_id AND w.source_type = e.source_type
WHERE e.deleted_at IS NULL AND e.work_date <> w.work_date AND w.approval = 'APPROVED' AND e.created_at <= :dl_t
""",
)
