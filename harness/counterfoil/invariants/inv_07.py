"""INV-07: text keeps its letters on the way from system to system."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-07",
    rule="A name is the same text in every system, or a short form that ends at a word with the whole name beside it; no letter is damaged.",
    kind="E",
    deadlines=("DL-M",),
    keys=("what", "role", "key"),
    sql="""
WITH text AS (
    SELECT l.role, g.customer_no AS key, g.name AS source, c.name AS copy, c.name_full AS whole, 'name of the customer' AS what
    FROM link l JOIN crm.customer g ON g.system = l.golden_system AND g.id = l.golden_id AND g.updated_at <= :dl_m AND g.deleted_at IS NULL
    JOIN (SELECT 'erp' AS role, system, id, name, name_full FROM erp.customer UNION ALL SELECT 'psa', system, id, name, name_full FROM psa.customer
        UNION ALL SELECT 'billing', system, id, name, name_full FROM billing.customer) c ON c.role = l.role AND c.system = l.system AND c.id = l.id
    WHERE g.status <> 'MERGED'
    UNION ALL
    SELECT 'psa', p.project_no, k.name, p.name, p.name_full, 'name of the project'
    FROM psa.project p JOIN crm.contract k ON k.contract_no = p.contract_no AND k.deleted_at IS NULL AND k.updated_at <= :dl_m
    WHERE p.deleted_at IS NULL AND k.name IS NOT NULL
)
SELECT what, role, key, source AS crm_value, copy AS copy_value, whole AS full_value FROM text
WHERE instr(copy, char(65533)) > 0 OR instr(coalesce(whole, ''), char(65533)) > 0 OR NOT same_text(copy, source) AND NOT (
    same_text(whole, source) AND (length(copy) < length(nfc(source)) AND substr(nfc(source), 1, length(copy)) = copy
        AND (substr(nfc(source), length(copy) + 1, 1) = ' ' OR instr(copy, ' ') = 0)))
""",
)
