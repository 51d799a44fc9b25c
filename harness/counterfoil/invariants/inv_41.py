"""INV-41: what is risky was decided by somebody else, beforehand."""

from counterfoil.invariant import Invariant

CREDIT_ABOVE = 1_000_000
"""Minor units (at two decimals) above which a credit memo needs a second person."""

INVARIANT = Invariant(
    id="INV-41",
    rule="Change orders, tax overrides, manual rates, large credit memos, write-offs, reopened periods and lifted credit holds were approved by"
    " somebody other than who asked, and before they took effect.",
    kind="A",
    keys=("what", "key"),
    sql=f"""
SELECT 'approved by who asked' AS what, o.key, o.contract_no, o.ccy, abs(coalesce((
    SELECT sum(coalesce(d.amount, 0) + coalesce(d.cap, 0)) FROM crm.co_delta d WHERE d.system = o.system AND d.parent = o.id), 0)) AS amount,
    o.requested_by AS requester, o.approved_by AS approver, o.approved_at AS decided_at
FROM crm.change_order o WHERE o.deleted_at IS NULL AND o.status IN ('APPROVED', 'APPLIED')
    AND (lower(trim(o.requested_by)) = lower(trim(o.approved_by)) OR o.approved_by IS NULL)
UNION ALL
SELECT 'applied before it was approved', o.key, o.contract_no, o.ccy, 0, o.requested_by, o.approved_by, o.approved_at
FROM crm.change_order o WHERE o.deleted_at IS NULL AND o.status = 'APPLIED' AND (o.approved_at IS NULL OR o.applied_at < o.approved_at)
UNION ALL
SELECT 'approved by no person', json_extract(h.doc, '$.key'), json_extract(h.doc, '$.contract_no'), json_extract(h.doc, '$.ccy'), 0,
    json_extract(h.doc, '$.requested_by'), h.actor, h.at
FROM crm.history h WHERE h.entity = 'change_order' AND h.causation_id IS NOT NULL
    AND json_extract(h.before, '$.status') <> 'APPROVED' AND json_extract(h.doc, '$.status') = 'APPROVED'
UNION ALL
SELECT 'decided by who asked', a.subject, NULL, NULL, 0, a.requester, a.approver, a.decided_at
FROM crm.approval a WHERE a.deleted_at IS NULL AND a.decision = 'APPROVED'
    AND (a.approver IS NULL OR lower(trim(a.approver)) = lower(trim(a.requester)))
UNION ALL
SELECT 'large credit memo without approval', m.cm_no, m.contract_no, m.ccy, abs(m.total), NULL, m.approved_by, m.issued_at
FROM live_credit m WHERE m.approved_by IS NULL AND abs(m.total) * 100 > {CREDIT_ABOVE} * CASE exponent_of(m.ccy) WHEN 0 THEN 1 WHEN 3 THEN 1000 ELSE 100 END
    AND EXISTS (SELECT 1 FROM billing.history h WHERE h.system = m.system AND h.entity = 'credit_memo' AND h.id = m.id)
UNION ALL
SELECT 'written off without approval', d.invoice_no, d.contract_no, d.ccy, d.written_off, d.write_off_requester, d.write_off_approver, d.updated_at
FROM erp.ar_document d WHERE d.deleted_at IS NULL AND d.written_off > 0
    AND (d.write_off_approver IS NULL OR lower(trim(d.write_off_approver)) = lower(trim(d.write_off_requester)))
UNION ALL
SELECT 'reopened without approval', json_extract(h.doc, '$.legal_entity') || '/' || json_extract(h.doc, '$.period'), NULL, NULL, 0,
    h.actor, json_extract(h.doc, '$.reopen_approval'), h.at
FROM erp.history h WHERE h.entity = 'period' AND json_extract(h.before, '$.status') = 'CLOSED' AND json_extract(h.doc, '$.status') = 'OPEN'
    AND json_extract(h.doc, '$.reopen_approval') IS NULL
""",
)
