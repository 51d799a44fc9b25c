"""INV-11: what is billed when is what was sold."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-11",
    rule="The billing plan adds up to the contract's fixed fee, and milestones, amounts and trigger are the same in contract, project and"
    " plan.",
    kind="E",
    deadlines=("DL-P", "DL-C"),
    keys=("what", "contract_no", "ms_code"),
    sql="""
WITH contract AS (
    SELECT k.* FROM crm.contract k
    WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND coalesce(k.activated_at, k.created_at) <= :dl_p
        AND k.contract_no NOT IN (SELECT o.contract_no FROM crm.change_order o WHERE o.contract_no IS NOT NULL AND o.deleted_at IS NULL
            AND (o.status = 'APPROVED' AND o.approved_at > :dl_c OR o.status = 'APPLIED' AND o.applied_at > :dl_c))
        AND k.contract_no IN (SELECT b.contract_no FROM billing.plan b WHERE b.deleted_at IS NULL)
),
sold AS (
    SELECT k.contract_no, k.ccy, m.ms_code, m.amount FROM contract k
    JOIN crm.contract_milestone m ON m.system = k.system AND m.parent = k.id
),
planned AS (
    SELECT p.contract_no, p.ms_code, p.amount FROM billing.plan_line p JOIN contract k ON k.contract_no = p.contract_no
    WHERE p.deleted_at IS NULL AND p.status <> 'CANCELLED' AND p.ms_code IS NOT NULL
),
delivered AS (
    SELECT m.contract_no, m.ms_code, m.amount FROM psa.milestone m JOIN contract k ON k.contract_no = m.contract_no
    WHERE m.deleted_at IS NULL AND m.status <> 'CANCELLED'
),
code AS (SELECT contract_no, ms_code FROM sold UNION SELECT contract_no, ms_code FROM planned UNION SELECT contract_no, ms_code FROM delivered),
fee AS (
    SELECT k.contract_no, k.ccy, sum(l.amount) AS amount FROM contract k
    JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id AND l.type = 'FIXED_FEE' GROUP BY k.contract_no
),
planned_fee AS (
    SELECT contract_no, sum(amount) AS amount FROM billing.plan_line
    WHERE deleted_at IS NULL AND status <> 'CANCELLED' AND line_type = 'FIXED_FEE' GROUP BY contract_no
)
SELECT 'fixed fee' AS what, f.contract_no, NULL AS ms_code, f.ccy, abs(f.amount - coalesce(p.amount, 0)) AS amount,
    f.amount AS crm_value, NULL AS psa_value, p.amount AS billing_value
FROM fee f LEFT JOIN planned_fee p ON p.contract_no = f.contract_no WHERE coalesce(p.amount, 0) <> f.amount
UNION ALL
SELECT 'milestone', c.contract_no, c.ms_code, k.ccy, coalesce(s.amount, d.amount, p.amount), s.amount, d.amount, p.amount
FROM code c JOIN contract k ON k.contract_no = c.contract_no
LEFT JOIN sold s ON s.contract_no = c.contract_no AND s.ms_code = c.ms_code
LEFT JOIN delivered d ON d.contract_no = c.contract_no AND d.ms_code = c.ms_code
LEFT JOIN planned p ON p.contract_no = c.contract_no AND p.ms_code = c.ms_code
WHERE s.amount IS NOT d.amount OR s.amount IS NOT p.amount
UNION ALL
SELECT 'billing trigger', k.contract_no, NULL, k.ccy, 0, k.billing_trigger, NULL, b.billing_trigger
FROM contract k JOIN billing.plan b ON b.contract_no = k.contract_no AND b.deleted_at IS NULL WHERE b.billing_trigger IS NOT k.billing_trigger
UNION ALL
SELECT 'line without plan', k.contract_no, 'line ' || l.line_no, k.ccy, coalesce(l.cap, l.amount, 0), l.type, NULL, NULL
FROM contract k JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id AND l.type <> 'FIXED_FEE'
WHERE (k.contract_no, l.line_no) NOT IN (SELECT p.contract_no, p.line_no FROM billing.plan_line p
    WHERE p.contract_no IS NOT NULL AND p.line_no IS NOT NULL AND p.deleted_at IS NULL)
UNION ALL
SELECT 'line type', k.contract_no, 'line ' || l.line_no, k.ccy, coalesce(l.cap, l.amount, 0), l.type, NULL, p.line_type
FROM contract k JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id
JOIN billing.plan_line p ON p.contract_no = k.contract_no AND p.line_no = l.line_no AND p.deleted_at IS NULL
WHERE p.line_type <> l.type AND p.status <> 'CANCELLED' GROUP BY k.contract_no, l.line_no
""",
)
