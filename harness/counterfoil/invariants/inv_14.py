"""INV-14: a contract is worth the same in all four systems."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-14",
    rule="Original value plus all agreed change orders is the contract's value in the CRM, the project's budget, the billing plan with its"
    " caps, and the transaction price with its caps in the books.",
    kind="E",
    deadlines=("DL-C",),
    keys=("contract_no", "role"),
    sql="""
WITH contract AS (
    SELECT k.contract_no, k.system, k.id, k.ccy, k.current_value, k.original_value + coalesce((
        SELECT sum(c.amount + c.cap) FROM agreed_change c WHERE c.contract_no = k.contract_no), 0) AS agreed,
        EXISTS (SELECT 1 FROM crm.contract_line l WHERE l.system = k.system AND l.parent = k.id AND l.type = 'RETAINER') AS retained
    FROM crm.contract k
    WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND k.original_value IS NOT NULL
        AND coalesce(k.activated_at, k.created_at) <= :dl_p
        AND NOT EXISTS (SELECT 1 FROM crm.change_order o WHERE o.contract_no = k.contract_no AND o.deleted_at IS NULL
            AND (o.status = 'APPROVED' AND o.approved_at > :dl_c OR o.status = 'APPLIED' AND o.applied_at > :dl_c))
),
cap AS (
    SELECT p.contract_no, p.line_no, p.cap FROM billing.plan_line p
    WHERE p.deleted_at IS NULL AND p.cap IS NOT NULL AND p.plan_line = (
        SELECT max(q.plan_line) FROM billing.plan_line q
        WHERE q.system = p.system AND q.contract_no = p.contract_no AND q.line_no = p.line_no AND q.cap IS NOT NULL AND q.deleted_at IS NULL)
),
held AS (
    SELECT contract_no, 'crm' AS role, current_value AS value FROM contract
    UNION ALL
    SELECT k.contract_no, 'psa', (SELECT sum(p.budget_fee) FROM psa.project p
        WHERE p.contract_no = k.contract_no AND p.deleted_at IS NULL AND p.status <> 'CANCELLED') FROM contract k
    UNION ALL
    SELECT k.contract_no, 'billing', coalesce((SELECT sum(p.amount) FROM billing.plan_line p
        WHERE p.contract_no = k.contract_no AND p.deleted_at IS NULL AND p.status <> 'CANCELLED' AND p.line_type = 'FIXED_FEE'), 0)
        + coalesce((SELECT sum(c.cap) FROM cap c WHERE c.contract_no = k.contract_no), 0) FROM contract k
    WHERE NOT k.retained AND EXISTS (SELECT 1 FROM billing.plan b WHERE b.contract_no = k.contract_no AND b.deleted_at IS NULL)
    UNION ALL
    SELECT k.contract_no, 'erp', (SELECT sum(coalesce(s.tp, 0) + coalesce(s.cap, 0)) FROM erp.revenue_schedule s
        WHERE s.contract_no = k.contract_no AND s.deleted_at IS NULL AND s.status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED')) FROM contract k
)
SELECT k.contract_no, h.role, k.ccy, abs(k.agreed - h.value) AS amount, k.agreed AS agreed_value, k.current_value AS crm_value,
    h.value AS held_value
FROM contract k JOIN held h ON h.contract_no = k.contract_no
WHERE h.value IS NOT NULL AND h.value <> k.agreed
""",
)
