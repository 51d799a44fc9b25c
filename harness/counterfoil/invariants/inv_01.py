"""INV-01: one live record of a customer in each system that needs it."""

from counterfoil.invariant import Invariant

TWICE = """
SELECT 'two records of one customer' AS what, g.customer_no, a.role || '.customer' AS entity, a.system,
    min(a.id) AS first_id, max(a.id) AS last_id, g.name AS crm_value, max(c.name) AS copy_value, count(*) AS copies
FROM link a JOIN crm.customer g ON g.system = a.golden_system AND g.id = a.golden_id
JOIN (
    SELECT 'erp' AS role, system, id, name, created_at FROM erp.customer
    UNION ALL SELECT 'psa', system, id, name, created_at FROM psa.customer
    UNION ALL SELECT 'billing', system, id, name, created_at FROM billing.customer
) c ON c.role = a.role AND c.system = a.system AND c.id = a.id
WHERE c.created_at <= :dl_m
GROUP BY a.golden_id, a.role, a.system HAVING count(*) > 1
"""

DEBTORS = """
debtor AS MATERIALIZED (
    SELECT system, id, name, norm_name(name) AS norm, country, vat_id, tax_no, customer_no, created_at FROM erp.customer
    WHERE deleted_at IS NULL AND status <> 'MERGED' AND NOT coalesce(distinct_approved, 0)
),
place AS MATERIALIZED (SELECT system, customer, postcode FROM erp.site WHERE deleted_at IS NULL AND postcode IS NOT NULL),
pair AS (
    SELECT a.system, a.id AS one, b.id AS other FROM debtor a
    JOIN debtor b ON b.system = a.system AND b.vat_id = a.vat_id AND b.country = a.country AND b.id > a.id
    UNION
    SELECT a.system, a.id, b.id FROM debtor a
    JOIN debtor b ON b.system = a.system AND b.tax_no = a.tax_no AND b.country = a.country AND b.id > a.id
    UNION
    SELECT a.system, a.id, b.id FROM debtor a JOIN debtor b ON b.system = a.system AND b.norm = a.norm AND b.id > a.id
        AND coalesce(a.vat_id, b.vat_id, '') = coalesce(b.vat_id, a.vat_id, '')
    JOIN place s ON s.system = a.system AND s.customer = a.id
    JOIN place t ON t.system = b.system AND t.customer = b.id AND t.postcode = s.postcode
)
"""
ALIKE = """
SELECT 'two debtors that are one company', coalesce(a.customer_no, b.customer_no), 'erp.customer', p.system, p.one, p.other,
    a.name, b.name, 2
FROM pair p JOIN debtor a ON a.system = p.system AND a.id = p.one JOIN debtor b ON b.system = p.system AND b.id = p.other
WHERE max(a.created_at, b.created_at) <= :dl_m
    AND NOT EXISTS (SELECT 1 FROM link x JOIN link y ON y.golden_id = x.golden_id AND y.role = 'erp' AND y.id = p.other
        WHERE x.role = 'erp' AND x.system = p.system AND x.id = p.one)
"""

NEEDED = """
SELECT 'a customer that a system lacks', g.customer_no, r.role || '.customer', r.role, '', '', g.name, NULL, 0
FROM crm.contract k JOIN crm.customer g ON g.system = k.system AND g.id = k.customer
CROSS JOIN (SELECT 'erp' AS role UNION ALL SELECT 'psa' UNION ALL SELECT 'billing') r
WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND coalesce(k.activated_at, k.created_at) <= :dl_m
    AND NOT EXISTS (SELECT 1 FROM link l WHERE l.golden_id IN (g.id, g.external_id) AND l.role = r.role)
GROUP BY g.id, r.role
"""

INVARIANT = Invariant(
    id="INV-01",
    rule="Each customer is kept once in every system that needs it, and no two debtors in the books are the same company.",
    kind="E",
    deadlines=("DL-M",),
    keys=("what", "customer_no", "entity", "system", "first_id", "last_id"),
    sql=f"WITH {DEBTORS} {TWICE} UNION ALL {ALIKE} UNION ALL {NEEDED}",
)
