"""INV-05: one hierarchy of customers, without a circle, the same in every system that keeps it."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-05",
    rule="The hierarchy of customers has no circle and at most six levels, is the same in CRM, books and billing, and the sites that a contract is"
    " billed to and delivered to are live and belong to its customer's group.",
    kind="E",
    deadlines=("DL-M",),
    keys=("what", "role", "key"),
    sql="""
WITH RECURSIVE node AS (
    SELECT 'crm' AS role, system, id, customer_no, parent, updated_at FROM crm.customer WHERE deleted_at IS NULL
    UNION ALL SELECT 'erp', system, id, customer_no, parent, updated_at FROM erp.customer WHERE deleted_at IS NULL
    UNION ALL SELECT 'billing', system, id, customer_no, parent, updated_at FROM billing.customer WHERE deleted_at IS NULL
),
up AS (
    SELECT role, system, id, customer_no, parent, 1 AS depth, id AS top FROM node WHERE parent IS NOT NULL
    UNION ALL
    SELECT u.role, u.system, u.id, u.customer_no, n.parent, u.depth + 1, n.id
    FROM up u JOIN node n ON n.role = u.role AND n.system = u.system AND n.id = u.parent WHERE u.depth < 8
),
root AS (
    SELECT system, id, (SELECT u.top FROM up u WHERE u.role = 'crm' AND u.system = n.system AND u.id = n.id ORDER BY u.depth DESC LIMIT 1) AS top
    FROM node n WHERE role = 'crm'
)
SELECT 'circle or more than six levels' AS what, role, coalesce(customer_no, id) AS key, max(depth) AS depth, NULL AS crm_value, NULL AS copy_value
FROM up GROUP BY role, system, id HAVING max(depth) > 6
UNION ALL
SELECT 'another parent', l.role, g.customer_no, NULL, p.customer_no, cp.customer_no
FROM link l JOIN crm.customer g ON g.system = l.golden_system AND g.id = l.golden_id AND g.updated_at <= :dl_m
JOIN node c ON c.role = l.role AND c.system = l.system AND c.id = l.id AND c.updated_at <= :dl_m
LEFT JOIN crm.customer p ON p.system = g.system AND p.id = g.parent
LEFT JOIN node cp ON cp.role = c.role AND cp.system = c.system AND cp.id = c.parent
WHERE l.role IN ('erp', 'billing') AND cp.customer_no IS NOT p.customer_no AND (c.parent IS NOT NULL OR EXISTS (
    SELECT 1 FROM link q WHERE q.role = l.role AND q.system = l.system AND q.golden_system = g.system AND q.golden_id = g.parent))
UNION ALL
SELECT 'site of a contract', 'crm', k.contract_no, NULL, c.customer_no, coalesce(s.key, 'no live site')
FROM crm.contract k JOIN crm.customer c ON c.system = k.system AND c.id = k.customer
JOIN (SELECT system, id AS contract, bill_to AS site FROM crm.contract UNION SELECT system, id, ship_to FROM crm.contract) b
    ON b.system = k.system AND b.contract = k.id AND b.site IS NOT NULL
LEFT JOIN crm.site s ON s.system = k.system AND s.id = b.site AND s.deleted_at IS NULL
LEFT JOIN root mine ON mine.system = k.system AND mine.id = k.customer
LEFT JOIN root other ON other.system = s.system AND other.id = s.customer
WHERE k.deleted_at IS NULL AND k.status IN ('APPROVED', 'ACTIVE', 'ON_HOLD') AND k.updated_at <= :dl_m
    AND (s.id IS NULL OR coalesce(mine.top, k.customer) IS NOT coalesce(other.top, s.customer))
    AND NOT EXISTS (SELECT 1 FROM crm.approval a WHERE a.subject = k.contract_no AND a.decision = 'APPROVED' AND a.deleted_at IS NULL)
""",
)
