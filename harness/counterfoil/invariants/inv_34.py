"""INV-34: what is open on an invoice is what nobody paid, credited or wrote off."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-34",
    rule="What is open on an invoice is its total less what was applied, credited and written off, and never less than nothing; a payment is"
    " applied at most once in full; a bank reference is booked once for each company.",
    kind="A",
    keys=("what", "number"),
    sql="""
WITH active AS (SELECT system, ar_document, amount FROM erp.payment_application WHERE deleted_at IS NULL AND status = 'ACTIVE'),
applied AS (
    SELECT system, ar_document, sum(amount) AS amount FROM (
        SELECT system, ar_document, amount FROM active
        UNION ALL
        SELECT d.system, d.id, a.amount FROM erp.ar_document d, json_each(d.ext_refs) r
        JOIN active a ON a.system = json_extract(r.value, '$.system') AND a.ar_document = json_extract(r.value, '$.id')
        WHERE d.ext_refs <> '[]'
    ) GROUP BY system, ar_document
),
spent AS (
    SELECT system, payment, sum(amount) AS amount FROM erp.payment_application WHERE deleted_at IS NULL AND status = 'ACTIVE' GROUP BY system, payment
)
SELECT 'open amount' AS what, d.invoice_no AS number, d.contract_no, d.ccy,
    abs(d.open_amount - (d.total - coalesce(a.amount, 0) - d.credited - d.written_off)) AS amount, d.open_amount AS held_value,
    d.total - coalesce(a.amount, 0) - d.credited - d.written_off AS expected_value
FROM erp.ar_document d LEFT JOIN applied a ON a.system = d.system AND a.ar_document = d.id
WHERE d.deleted_at IS NULL AND d.status <> 'DRAFT' AND d.doc_type = 'INVOICE' AND (d.open_amount < 0 OR d.open_amount <> d.total
    - CASE WHEN a.amount IS NULL AND (d.system, d.id) NOT IN (SELECT h.system, h.id FROM erp.history h WHERE h.entity = 'ar_document')
        THEN d.paid ELSE coalesce(a.amount, 0) END - d.credited - d.written_off)
UNION ALL
SELECT 'payment applied beyond its amount', p.bank_ref, NULL, p.ccy, s.amount - p.amount, s.amount, p.amount
FROM erp.payment p JOIN spent s ON s.system = p.system AND s.payment = p.id WHERE p.deleted_at IS NULL AND s.amount > p.amount
UNION ALL
SELECT 'bank reference booked twice', p.bank_ref, NULL, p.ccy, sum(p.amount) - min(p.amount), count(*), 1
FROM erp.payment p WHERE p.deleted_at IS NULL GROUP BY p.system, p.legal_entity, p.bank_ref HAVING count(*) > 1
UNION ALL
SELECT 'paid amount of billing beyond its total', i.invoice_no, i.contract_no, i.ccy, i.paid - i.total, i.paid, i.total
FROM billing.invoice i WHERE i.deleted_at IS NULL AND i.paid > i.total
UNION ALL
SELECT 'paid amount of the CRM beyond its total', i.invoice_no, i.contract_no, i.ccy, i.paid - i.total, i.paid, i.total
FROM crm.invoice i WHERE i.deleted_at IS NULL AND i.doc_type = 'INVOICE' AND i.paid > i.total
""",
)
