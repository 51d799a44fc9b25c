"""INV-01: one live record of a customer in each system that needs it."""

from counterfoil.invariant import Invariant

TWICE = """
SELECT 'two records of one customer' AS what, g.customer_no, a.role || '.customer' AS entity, a.system,
    min(a.id) AS first_id, max(a.id) AS last_id, g.name AS crm_value, max(c.name) AS copy_value, count(*) AS copies
FROM link a JOIN crm.customer g ON g.id = a.golden_id
JOIN (
    SELECT 'erp' AS role, system, id, name, created_at FROM erp.customer
    UNION ALL SELECT 'psa', system, id, name, created_at FROM psa.customer
    UNION ALL SELECT 'billing', system, id, name, created_at FROM billing.customer
) c ON c.role = a.role AND c.system = a.system AND c.id = a.id
WHERE c.created_at <= :dl_m
GROUP BY a.golden_id, a.role, a.system HAVING count(*) > 1
"""

ALIKE = """
SELECT 'two debtors that are one company', coalesce(a.customer_no, b.customer_no), 'erp.customer', a.system, a.id, b.id,
    a.name, b.name, 2
FROM erp.customer a JOIN erp.customer b ON b.system = a.system AND b.id > a.id
    AND b.country = a.country AND b.deleted_at IS NULL AND b.status <> 'MERGED'
    AND (b.vat_id = a.vat_id OR b.tax_no = a.tax_no OR norm_name(b.name) = norm_name(a.name) AND EXISTS (
        SELECT 1 FROM erp.site s JOIN erp.site t ON t.system = s.system AND t.customer = b.id AND t.postcode = s.postcode
        WHERE s.system = a.system AND s.customer = a.id AND s.deleted_at IS NULL AND t.deleted_at IS NULL)
        AND coalesce(a.vat_id, b.vat_id, '') = coalesce(b.vat_id, a.vat_id, ''))
WHERE a.deleted_at IS NULL AND a.status <> 'MERGED' AND NOT coalesce(a.distinct_approved, 0)
    AND NOT coalesce(b.distinct_approved, 0) AND max(a.created_at, b.created_at) <= :dl_m
    AND NOT EXISTS (SELECT 1 FROM link x JOIN link y ON y.role = 'erp' AND y.id = b.id AND y.golden_id = x.golden_id
        WHERE x.role = 'erp' AND x.id = a.id)
"""

NEEDED = """
SELECT 'a customer that a system lacks', g.customer_no, r.role || '.customer', r.role, '', '', g.name, NULL, 0
FROM crm.contract k JOIN crm.customer g ON g.system = k.system AND g.id = k.customer
CROSS JOIN (SELECT 'erp' AS role UNION ALL SELECT 'psa' UNION ALL SELECT 'billing') r
WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND coalesce(k.activated_at, k.created_at) <= :dl_m
    AND NOT EXISTS (SELECT 1 FROM link l WHERE l.golden_id = g.id AND l.role = r.role)
GROUP BY g.id, r.role
"""

INVARIANT = Invariant(
    id="INV-01",
    rule="Each customer is kept once in every system that needs it, and no two debtors in the books are the same company.",
    kind="E",
    deadlines=("DL-M",),
    keys=("what", "customer_no", "entity", "system", "first_id", "last_id"),
    sql=f"{TWICE} UNION ALL {ALIKE} UNION ALL {NEEDED}",
)
