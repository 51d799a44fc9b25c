"""INV-37: delivered, billed and recognised tell one story."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-37",
    rule="Of every contract, revenue in the books less billing's documents is contract asset plus unbilled receivable less contract liability, and"
    " approved work of the project is recognised at the value at which it can be billed.",
    kind="P",
    deadlines=("DL-I", "DL-T"),
    keys=("what", "contract_no"),
    sql="""
WITH line AS (
    SELECT e.rule, e.ccy, l.account, coalesce(l.contract_no, e.contract_no) AS contract_no, l.contract_line, l.dr - l.cr AS debit
    FROM erp.journal_entry e JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
    WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT'
),
book AS (
    SELECT contract_no, ccy, sum(CASE WHEN account IN ('4000', '4010', '4020', '4030') THEN -debit ELSE 0 END) AS recognised,
        sum(CASE WHEN account IN ('1230', '1220', '2300') THEN debit ELSE 0 END) AS position,
        sum(CASE WHEN account IN ('4010', '4030') THEN -debit ELSE 0 END) AS work
    FROM line WHERE contract_no IS NOT NULL GROUP BY contract_no, ccy
),
document AS (
    SELECT contract_no, ccy, sum(net) AS net, max(issued_at) AS last FROM billed GROUP BY contract_no, ccy
),
by_progress AS (
    SELECT DISTINCT contract_no FROM erp.revenue_schedule
    WHERE deleted_at IS NULL AND method <> 'AS_INVOICED' AND (tp IS NULL OR service_item IN (SELECT code FROM erp.service_item WHERE revenue_account = '4010'))
),
delivered AS (
    SELECT i.contract_no, i.ccy, sum(i.amount - coalesce(i.over_cap, 0)) AS value, max(w.approved_at) AS last
    FROM work w JOIN billing.billable_item i ON i.source_id = w.key AND i.deleted_at IS NULL AND i.billing <> 'WRITTEN_OFF'
    WHERE w.approval = 'APPROVED' GROUP BY i.contract_no, i.ccy
)
SELECT 'recognised, billed and position' AS what, b.contract_no, b.ccy, abs(b.recognised - coalesce(d.net, 0) - b.position) AS amount,
    b.recognised AS erp_value, d.net AS billing_value, b.position AS position_value
FROM book b LEFT JOIN document d ON d.contract_no = b.contract_no AND d.ccy = b.ccy
WHERE coalesce(d.last, '') <= :dl_i AND b.recognised - coalesce(d.net, 0) <> b.position
UNION ALL
SELECT 'delivered, not recognised at that value', v.contract_no, v.ccy, abs(v.value - b.work), b.work, v.value, NULL
FROM delivered v JOIN book b ON b.contract_no = v.contract_no AND b.ccy = v.ccy
WHERE v.last <= :dl_t AND v.value <> b.work AND v.contract_no NOT IN (SELECT contract_no FROM by_progress)
    AND EXISTS (SELECT 1 FROM erp.history h WHERE h.entity = 'work_entry' AND json_extract(h.doc, '$.contract_no') = v.contract_no)
    AND NOT EXISTS (SELECT 1 FROM work w WHERE w.contract_no = v.contract_no AND w.approval = 'APPROVED' AND w.billing <> 'NOT_BILLABLE'
        AND NOT EXISTS (SELECT 1 FROM erp.history h WHERE h.entity = 'work_entry' AND json_extract(h.doc, '$.source_id') = w.key))
""",
)
