"""INV-18: only approved work is billed."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-18",
    rule="Every hour and expense on an issued invoice had been approved when the invoice was issued.",
    kind="A",
    keys=("invoice_no", "source_id"),
    sql="""
SELECT b.invoice_no, b.source_id, b.contract_no, b.ccy, b.amount, b.issued_at AS billing_value,
    coalesce(w.approval || ' ' || coalesce(w.approved_at, ''), 'no entry') AS psa_value
FROM billed_item b LEFT JOIN work w ON w.key = b.source_id
WHERE b.doc_type = 'INVOICE' AND (w.key IS NULL OR w.approval <> 'APPROVED' OR w.approved_at > b.issued_at)
    AND NOT EXISTS (SELECT 1 FROM live_credit m WHERE m.system = b.system AND m.corrects = b.invoice_no AND m.release_items = 1)
""",
)
