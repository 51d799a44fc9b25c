"""INV-06: nothing live hangs on a customer that was merged or deleted."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-06",
    rule="No live contract, project, plan, draft invoice, open receivable or cross-reference points to a customer that was merged or deleted, and every merge leads"
    " to one live winner.",
    kind="E",
    deadlines=("DL-M",),
    keys=("what", "role", "key"),
    sql="""
WITH RECURSIVE gone AS (
    SELECT 'crm' AS role, system, id, customer_no, updated_at FROM crm.customer
    WHERE (status = 'MERGED' OR deleted_at IS NOT NULL) AND updated_at <= :dl_m
    UNION ALL
    SELECT 'erp', system, id, customer_no, updated_at FROM erp.customer WHERE (status = 'MERGED' OR deleted_at IS NOT NULL) AND updated_at <= :dl_m
    UNION ALL
    SELECT 'psa', system, id, customer_no, updated_at FROM psa.customer WHERE (status = 'MERGED' OR deleted_at IS NOT NULL) AND updated_at <= :dl_m
    UNION ALL
    SELECT 'billing', system, id, customer_no, updated_at FROM billing.customer
    WHERE (status = 'MERGED' OR deleted_at IS NOT NULL) AND updated_at <= :dl_m
),
chain AS (
    SELECT system, id, merged_into AS at, 1 AS steps FROM crm.customer WHERE status = 'MERGED'
    UNION ALL
    SELECT c.system, c.id, n.merged_into, c.steps + 1 FROM chain c JOIN crm.customer n ON n.system = c.system AND n.id = c.at
    WHERE n.status = 'MERGED' AND c.steps < 20
)
SELECT 'contract of a customer that is gone' AS what, 'crm' AS role, k.contract_no AS key, k.ccy, coalesce(k.current_value, 0) AS amount,
    g.customer_no FROM crm.contract k JOIN gone g ON g.role = 'crm' AND g.system = k.system AND g.id = k.customer
WHERE k.deleted_at IS NULL AND k.status IN ('APPROVED', 'ACTIVE', 'ON_HOLD')
UNION ALL
SELECT 'opportunity of a customer that is gone', 'crm', o.opp_no, o.ccy, coalesce(o.amount, 0), g.customer_no
FROM crm.opportunity o JOIN gone g ON g.role = 'crm' AND g.system = o.system AND g.id = o.customer
WHERE o.deleted_at IS NULL AND o.stage NOT IN ('CLOSED_LOST', 'CLOSED_WON')
UNION ALL
SELECT 'project of a customer that is gone', 'psa', p.project_no, p.ccy, 0, g.customer_no
FROM psa.project p JOIN gone g ON g.role = 'psa' AND g.system = p.system AND g.id = p.customer
WHERE p.deleted_at IS NULL AND p.status IN ('PLANNED', 'ACTIVE')
UNION ALL
SELECT 'plan of a customer that is gone', 'billing', p.contract_no, p.ccy, 0, g.customer_no
FROM billing.plan p JOIN gone g ON g.role = 'billing' AND g.system = p.system AND g.id = p.customer
WHERE p.deleted_at IS NULL AND p.status = 'ACTIVE'
UNION ALL
SELECT 'draft of a customer that is gone', 'billing', i.id, i.ccy, coalesce(i.total, 0), g.customer_no
FROM billing.invoice i JOIN gone g ON g.role = 'billing' AND g.system = i.system AND g.id = i.customer
WHERE i.deleted_at IS NULL AND i.status IN ('DRAFT', 'PENDING_APPROVAL', 'APPROVED')
UNION ALL
SELECT 'receivable of a customer that is gone', 'erp', d.invoice_no, d.ccy, d.open_amount, g.customer_no
FROM erp.ar_document d JOIN gone g ON g.role = 'erp' AND g.system = d.system AND g.id = d.customer
WHERE d.deleted_at IS NULL AND d.open_amount > 0
UNION ALL
SELECT 'live copy of a merged customer', l.role, c.customer_no, NULL, 0, c.customer_no
FROM link l JOIN crm.customer c ON c.system = l.golden_system AND c.id = l.golden_id
WHERE c.status = 'MERGED' AND c.updated_at <= :dl_m AND EXISTS (
    SELECT 1 FROM erp.customer e WHERE l.role = 'erp' AND e.system = l.system AND e.id = l.id AND e.status NOT IN ('MERGED', 'INACTIVE')
    UNION ALL SELECT 1 FROM psa.customer e WHERE l.role = 'psa' AND e.system = l.system AND e.id = l.id AND e.status NOT IN ('MERGED', 'INACTIVE')
    UNION ALL SELECT 1 FROM billing.customer e
    WHERE l.role = 'billing' AND e.system = l.system AND e.id = l.id AND e.status NOT IN ('MERGED', 'INACTIVE'))
UNION ALL
SELECT 'merge without a live winner', 'crm', c.customer_no, NULL, 0, NULL FROM crm.customer c
WHERE c.status = 'MERGED' AND NOT EXISTS (
    SELECT 1 FROM chain h JOIN crm.customer w ON w.system = h.system AND w.id = h.at
    WHERE h.system = c.system AND h.id = c.id AND w.status <> 'MERGED' AND w.deleted_at IS NULL)
""",
)
