"""INV-33: a correction reaches everybody who saw what it corrects."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-33",
    rule="Every credit memo, void and write-off is known to billing, to the books and to the CRM's view of invoices, and an item that a credit"
    " memo released is open for billing exactly once.",
    kind="E",
    deadlines=("DL-I", "DL-Y"),
    keys=("what", "number"),
    sql="""
WITH billed_now AS (
    SELECT system, source_id, min(coalesce(invoice_no, '')) AS first, max(coalesce(invoice_no, '')) AS last FROM billing.billable_item
    WHERE deleted_at IS NULL AND billing = 'BILLED' GROUP BY system, source_id
)
SELECT 'credit memo not in the books' AS what, m.cm_no AS number, m.contract_no, m.ccy, abs(m.total) AS amount
FROM live_credit m WHERE m.issued_at <= :dl_i AND coalesce(m.cm_no, '') NOT IN (
    SELECT d.invoice_no FROM erp.ar_document d WHERE d.doc_type = 'CREDIT_MEMO' AND d.invoice_no IS NOT NULL AND d.deleted_at IS NULL AND d.status <> 'DRAFT')
UNION ALL
SELECT 'credit memo not in billing', d.invoice_no, d.contract_no, d.ccy, abs(d.total) FROM erp.ar_document d
WHERE d.doc_type = 'CREDIT_MEMO' AND d.deleted_at IS NULL AND d.status <> 'DRAFT' AND d.created_at <= :dl_i
    AND coalesce(d.invoice_no, '') NOT IN (SELECT m.cm_no FROM live_credit m WHERE m.cm_no IS NOT NULL)
UNION ALL
SELECT 'credit memo not seen in the CRM', m.cm_no, m.contract_no, m.ccy, abs(m.total) FROM live_credit m
WHERE m.issued_at <= :dl_y AND m.cm_no IN (SELECT d.invoice_no FROM erp.ar_document d WHERE d.doc_type = 'CREDIT_MEMO' AND d.updated_at <= :dl_y)
    AND m.corrects IN (SELECT v.invoice_no FROM crm.invoice v WHERE v.deleted_at IS NULL)
    AND m.cm_no NOT IN (SELECT v.invoice_no FROM crm.invoice v WHERE v.deleted_at IS NULL AND v.invoice_no IS NOT NULL)
UNION ALL
SELECT 'void in billing, open in the books', i.invoice_no, i.contract_no, i.ccy, i.total FROM billing.invoice i
JOIN erp.ar_document d ON d.invoice_no = i.invoice_no AND d.doc_type = 'INVOICE' AND d.deleted_at IS NULL AND coalesce(d.open_amount, 0) > 0
WHERE i.status = 'VOID' AND i.deleted_at IS NULL AND i.updated_at <= :dl_i
UNION ALL
SELECT 'written off in the books only', d.invoice_no, d.contract_no, d.ccy, d.written_off FROM erp.ar_document d
JOIN billing.invoice i ON i.invoice_no = d.invoice_no AND i.deleted_at IS NULL
WHERE d.status = 'WRITTEN_OFF' AND d.deleted_at IS NULL AND d.updated_at <= :dl_y
    AND (i.status <> 'WRITTEN_OFF' OR d.invoice_no IN (SELECT v.invoice_no FROM crm.invoice v WHERE v.deleted_at IS NULL AND v.status <> 'WRITTEN_OFF'))
UNION ALL
SELECT 'released item not open for billing', t.source_id, m.contract_no, m.ccy, abs(t.amount) FROM live_credit m
JOIN billing.credit_memo_item t ON t.system = m.system AND t.parent = m.id
LEFT JOIN billed_now b ON b.system = m.system AND b.source_id = t.source_id
WHERE m.release_items AND m.issued_at <= :dl_i AND (m.system, t.source_id) NOT IN (SELECT o.system, o.source_id FROM billing.billable_item o
        WHERE o.source_id IS NOT NULL AND o.deleted_at IS NULL
            AND o.billing IN ('UNBILLED', 'ON_HOLD', 'SELECTED', 'OVER_CAP', 'WRITTEN_OFF', 'CREDITED'))
    AND (b.source_id IS NULL OR b.first = coalesce(m.corrects, '') AND b.last = coalesce(m.corrects, ''))
    AND t.source_id IN (SELECT e.entry_id FROM psa.time_entry e WHERE e.deleted_at IS NULL AND e.approval = 'APPROVED')
""",
)
