"""INV-32: everyone sees the same status and the same money paid."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-32",
    rule="Status and paid amount of an invoice in billing and in the CRM are those of the books.",
    kind="E",
    deadlines=("DL-S", "DL-Y"),
    keys=("what", "role", "invoice_no"),
    sql="""
WITH booked AS (
    SELECT d.invoice_no, d.contract_no, d.ccy, d.status, coalesce(d.paid, 0) AS paid, d.total, d.updated_at FROM erp.ar_document d
    WHERE d.deleted_at IS NULL AND d.doc_type = 'INVOICE' AND d.status <> 'DRAFT'
        AND d.updated_at <= CASE WHEN d.status = 'POSTED' AND coalesce(d.paid, 0) = 0 THEN :dl_s ELSE :dl_y END
        AND d.invoice_no IN (SELECT invoice_no FROM erp.ar_document WHERE doc_type = 'INVOICE' AND deleted_at IS NULL
            GROUP BY invoice_no HAVING count(*) = 1)
)
SELECT 'status' AS what, 'billing' AS role, b.invoice_no, b.contract_no, b.ccy, b.total AS amount, b.status AS erp_value, i.status AS copy_value
FROM booked b JOIN live_invoice i ON i.invoice_no = b.invoice_no WHERE i.status <> b.status
UNION ALL
SELECT 'paid', 'billing', b.invoice_no, b.contract_no, b.ccy, abs(b.paid - coalesce(i.paid, 0)), b.paid, i.paid
FROM booked b JOIN live_invoice i ON i.invoice_no = b.invoice_no WHERE coalesce(i.paid, 0) <> b.paid
UNION ALL
SELECT 'absent', 'crm', b.invoice_no, b.contract_no, b.ccy, b.total, b.status, NULL
FROM booked b WHERE b.invoice_no IN (SELECT invoice_no FROM live_invoice)
    AND b.invoice_no NOT IN (SELECT invoice_no FROM crm.invoice WHERE deleted_at IS NULL AND invoice_no IS NOT NULL)
UNION ALL
SELECT 'status', 'crm', b.invoice_no, b.contract_no, b.ccy, b.total, b.status, c.status
FROM booked b JOIN crm.invoice c ON c.invoice_no = b.invoice_no AND c.deleted_at IS NULL WHERE c.status IS NOT b.status
UNION ALL
SELECT 'paid', 'crm', b.invoice_no, b.contract_no, b.ccy, abs(b.paid - coalesce(c.paid, 0)), b.paid, c.paid
FROM booked b JOIN crm.invoice c ON c.invoice_no = b.invoice_no AND c.deleted_at IS NULL WHERE coalesce(c.paid, 0) <> b.paid
""",
)
