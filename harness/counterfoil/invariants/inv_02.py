"""INV-02: cross-references are one to one, and what they point at exists."""

from counterfoil.invariant import Invariant

COPIES = """
    SELECT 'erp' AS role, system, id, customer_no, external_id, name FROM erp.customer WHERE deleted_at IS NULL AND status <> 'MERGED'
    UNION ALL SELECT 'psa', system, id, customer_no, external_id, name FROM psa.customer
        WHERE deleted_at IS NULL AND status <> 'MERGED'
    UNION ALL SELECT 'billing', system, id, customer_no, external_id, name FROM billing.customer
        WHERE deleted_at IS NULL AND status <> 'MERGED'
"""

INVARIANT = Invariant(
    id="INV-02",
    rule="A record in one system refers to exactly one record in another, and that one exists.",
    kind="A",
    keys=("what", "role", "system", "reference"),
    sql=f"""
WITH copy AS ({COPIES}),
named AS (
    SELECT c.system, c.id AS owner, c.customer_no, json_extract(r.value, '$.system') AS in_system,
        json_extract(r.value, '$.tenant') AS tenant, json_extract(r.value, '$.type') AS type, json_extract(r.value, '$.id') AS id
    FROM crm.customer c, json_each(c.ext_refs) r WHERE c.deleted_at IS NULL AND c.status <> 'MERGED' AND c.ext_refs <> '[]'
)
SELECT 'two records refer to one customer' AS what, role, system, external_id AS reference, min(customer_no) AS customer_no,
    min(id) AS first_id, max(id) AS last_id, min(name) AS crm_value, max(name) AS copy_value
FROM copy WHERE external_id IS NOT NULL AND external_id IN (SELECT id FROM crm.customer)
GROUP BY role, system, external_id HAVING count(*) > 1
UNION ALL
SELECT 'refers to a customer that is gone', c.role, c.system, c.external_id, c.customer_no, c.id, c.id, g.name, c.name
FROM copy c JOIN crm.customer g ON g.id = c.external_id WHERE g.deleted_at IS NOT NULL AND g.merged_into IS NULL
    AND g.deleted_at <= :dl_m
UNION ALL
SELECT 'number and reference name two customers', c.role, c.system, c.external_id, c.customer_no, c.id, g.id, g.customer_no, c.customer_no
FROM copy c JOIN crm.customer g ON g.id = c.external_id
WHERE c.customer_no IS NOT NULL AND c.customer_no <> g.customer_no
    AND c.customer_no IN (SELECT customer_no FROM crm.customer)
UNION ALL
SELECT 'two customers claim one record', coalesce(in_system, ''), min(system), coalesce(type, '') || ' ' || id, min(customer_no),
    min(owner), max(owner), min(customer_no), max(customer_no)
FROM named GROUP BY in_system, tenant, type, id HAVING count(DISTINCT owner) > 1
""",
)
