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
    SELECT k.contract_no, k.system, k.id, k.ccy, k.current_value, k.original_value + coalesce(c.agreed, 0) AS agreed,
        EXISTS (SELECT 1 FROM crm.contract_line l WHERE l.system = k.system AND l.parent = k.id AND l.type = 'RETAINER') AS retained
    FROM crm.contract k
    LEFT JOIN (SELECT contract_no, sum(amount + cap) AS agreed FROM agreed_change GROUP BY contract_no) c ON c.contract_no = k.contract_no
    WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND k.original_value IS NOT NULL
        AND coalesce(k.activated_at, k.created_at) <= :dl_p
        AND k.contract_no NOT IN (SELECT o.contract_no FROM crm.change_order o WHERE o.contract_no IS NOT NULL AND o.deleted_at IS NULL
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
    SELECT contract_no, 'psa', sum(budget_fee) FROM psa.project WHERE deleted_at IS NULL AND status <> 'CANCELLED' GROUP BY contract_no
    UNION ALL
    SELECT k.contract_no, 'billing', coalesce(f.amount, 0) + coalesce(c.cap, 0) FROM contract k
    LEFT JOIN (SELECT contract_no, sum(amount) AS amount FROM billing.plan_line
        WHERE deleted_at IS NULL AND status <> 'CANCELLED' AND line_type = 'FIXED_FEE' GROUP BY contract_no) f ON f.contract_no = k.contract_no
    LEFT JOIN (SELECT contract_no, sum(cap) AS cap FROM cap GROUP BY contract_no) c ON c.contract_no = k.contract_no
    WHERE NOT k.retained AND k.contract_no IN (SELECT contract_no FROM billing.plan WHERE deleted_at IS NULL)
    UNION ALL
    SELECT contract_no, 'erp', sum(coalesce(tp, 0) + coalesce(cap, 0)) FROM erp.revenue_schedule
    WHERE deleted_at IS NULL AND status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED') GROUP BY contract_no
)
SELECT k.contract_no, h.role, k.ccy, abs(k.agreed - h.value) AS amount, k.agreed AS agreed_value, k.current_value AS crm_value,
    h.value AS held_value
FROM contract k JOIN held h ON h.contract_no = k.contract_no
WHERE h.value IS NOT NULL AND h.value <> k.agreed
""",
)
