"""INV-42: one cause, one effect."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-42",
    rule="One business fact has one document: no invoice is posted twice, no plan line is billed twice, no work is taken over twice.",
    kind="A",
    keys=("what", "key", "system"),
    sql="""
SELECT 'receivable of one invoice' AS what, invoice_no AS key, system, count(*) AS effects, min(ccy) AS ccy,
    sum(total) - min(total) AS amount, group_concat(id, ' ') AS erp_value
FROM erp.ar_document WHERE deleted_at IS NULL AND status <> 'DRAFT' GROUP BY system, doc_type, invoice_no HAVING count(*) > 1
UNION ALL
SELECT 'project of one contract', contract_no, system, count(*), min(ccy), sum(budget_fee) - min(budget_fee), group_concat(project_no, ' ')
FROM psa.project WHERE deleted_at IS NULL AND status <> 'CANCELLED' GROUP BY system, contract_no HAVING count(*) > 1
UNION ALL
SELECT 'plan of one contract', contract_no, system, count(*), min(ccy), 0, group_concat(id, ' ')
FROM billing.plan WHERE deleted_at IS NULL GROUP BY system, contract_no HAVING count(*) > 1
UNION ALL
SELECT 'invoice of one plan line', l.plan_line, i.system, count(DISTINCT i.id), min(i.ccy), sum(l.net) - min(l.net),
    group_concat(coalesce(i.invoice_no, i.status), ' ')
FROM billing.invoice i JOIN billing.invoice_line l ON l.system = i.system AND l.parent = i.id
WHERE i.deleted_at IS NULL AND i.status NOT IN ('DISCARDED', 'VOID', 'CREDITED') AND l.plan_line IS NOT NULL
    AND (i.system, coalesce(i.invoice_no, '')) NOT IN (SELECT c.system, c.corrects FROM live_credit c WHERE c.corrects IS NOT NULL)
GROUP BY i.system, l.plan_line HAVING count(DISTINCT i.id) > 1
UNION ALL
SELECT 'cost and revenue of one entry', source_id, system, count(*), min(ccy), sum(coalesce(value, 0)) - min(coalesce(value, 0)),
    group_concat(id, ' ')
FROM erp.work_entry WHERE deleted_at IS NULL GROUP BY system, source_type, source_id HAVING count(*) > 1
UNION ALL
SELECT 'billable item of one entry', source_id, system, count(*), min(ccy), sum(amount) - min(amount), group_concat(id, ' ')
FROM billing.billable_item WHERE deleted_at IS NULL GROUP BY system, source_type, source_id HAVING count(*) > 1
UNION ALL
SELECT 'schedule of one contract line', contract_no || '/' || line_no, system, count(*), min(ccy), sum(tp) - min(tp), group_concat(id, ' ')
FROM erp.revenue_schedule WHERE deleted_at IS NULL AND status IN ('ACTIVE', 'ON_HOLD')
GROUP BY system, contract_no, line_no HAVING count(*) > 1
UNION ALL
SELECT 'receipt of one bank line', bank_ref, system, count(*), min(ccy), sum(amount) - min(amount), group_concat(id, ' ')
FROM erp.payment WHERE deleted_at IS NULL AND status <> 'REVERSED' GROUP BY system, legal_entity, bank_ref HAVING count(*) > 1
UNION ALL
SELECT 'change order', contract_no || '/CO-' || co_seq, system, count(*), min(ccy), 0, group_concat(id, ' ')
FROM (
    SELECT system, id, contract_no, co_seq, ccy FROM psa.change_order WHERE deleted_at IS NULL
    UNION ALL SELECT system, id, contract_no, co_seq, ccy FROM billing.change_order WHERE deleted_at IS NULL
    UNION ALL SELECT system, id, contract_no, co_seq, ccy FROM erp.change_order WHERE deleted_at IS NULL
) GROUP BY system, contract_no, co_seq HAVING count(*) > 1
""",
)
