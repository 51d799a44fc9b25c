"""INV-10: nothing is delivered or billed without a contract."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-10",
    rule="No project, plan or schedule stands without an approved contract; a deal that was taken back stops its project and its plan.",
    kind="A",
    keys=("what", "role", "contract_no", "key"),
    sql="""
WITH made AS (
    SELECT 'psa' AS role, 'project' AS entity, project_no AS key, contract_no, status FROM psa.project
        WHERE deleted_at IS NULL AND status <> 'CANCELLED'
    UNION ALL SELECT 'billing', 'plan', key, contract_no, status FROM billing.plan WHERE deleted_at IS NULL AND status <> 'CLOSED'
    UNION ALL SELECT 'erp', 'revenue_schedule', key, contract_no, status FROM erp.revenue_schedule
        WHERE deleted_at IS NULL AND status IN ('ACTIVE', 'ON_HOLD')
),
taken_back AS (
    SELECT o.opp_no, o.stage, o.updated_at, coalesce(o.contract_no, k.contract_no) AS contract_no
    FROM crm.opportunity o LEFT JOIN crm.contract k ON k.system = o.system AND k.opportunity = o.id
    WHERE o.stage <> 'CLOSED_WON' AND coalesce(o.contract_no, k.contract_no) IS NOT NULL OR o.stage = 'CLOSED_WON' AND o.deleted_at IS NOT NULL
)
SELECT 'no approved contract' AS what, m.role, m.contract_no, m.key, m.entity, k.status AS crm_value, m.status AS copy_value
FROM made m LEFT JOIN crm.contract k ON k.contract_no = m.contract_no AND k.deleted_at IS NULL
WHERE k.id IS NULL OR k.status IN ('DRAFT', 'PENDING_APPROVAL')
UNION ALL
SELECT 'contract is cancelled', m.role, m.contract_no, m.key, m.entity, k.status, m.status
FROM made m JOIN crm.contract k ON k.contract_no = m.contract_no AND k.deleted_at IS NULL AND k.status = 'CANCELLED' AND k.updated_at <= :dl_p
WHERE m.status NOT IN ('ON_HOLD', 'HELD')
UNION ALL
SELECT 'deal was taken back', m.role, m.contract_no, m.key, m.entity, t.stage, m.status
FROM made m JOIN taken_back t ON t.contract_no = m.contract_no AND t.updated_at <= :dl_p
WHERE m.role IN ('psa', 'billing') AND m.status NOT IN ('ON_HOLD', 'HELD', 'PLANNED')
UNION ALL
SELECT 'invoiced after it was taken back', 'billing', i.contract_no, i.invoice_no, 'invoice', t.stage, i.status
FROM taken_back t JOIN live_invoice i ON i.contract_no = t.contract_no AND i.issued_at > later(t.updated_at, 60)
""",
)
