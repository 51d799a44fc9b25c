"""INV-03: copies say what the system of record says."""

from counterfoil.invariant import Invariant

TAX_IDS = " UNION ALL ".join(
    f"""
SELECT '{field}', '{role}', c.system, c.id, 'customer', g.id, g.customer_no, g.customer_no, e.{field}, c.{field}, max(e.updated_at, c.updated_at)
FROM erp.customer e JOIN link a ON a.role = 'erp' AND a.system = e.system AND a.id = e.id
JOIN crm.customer g ON g.id = a.golden_id
{join}
WHERE e.{field} IS NOT NULL AND c.{field} IS NOT NULL AND c.{field} <> e.{field} AND max(e.updated_at, c.updated_at) <= :dl_m
"""
    for field in ("vat_id", "tax_no")
    for role, join in (
        ("crm", "JOIN crm.customer c ON c.id = g.id"),
        (
            "billing",
            "JOIN link b ON b.role = 'billing' AND b.golden_id = g.id"
            " JOIN billing.customer c ON c.system = b.system AND c.id = b.id",
        ),
    )
)

INVARIANT = Invariant(
    id="INV-03",
    rule="A field is the same everywhere as in the system that owns it: names, ownership and sites as in the CRM, tax numbers as in the"
    " books.",
    kind="E",
    deadlines=("DL-M",),
    keys=("field", "role", "system", "key"),
    sql=f"""
SELECT field, role, system, id, entity, crm_id, customer_no, key, crm_value, copy_value, crm_changed_at AS changed_at
FROM differing_copy WHERE crm_changed_at <= :dl_m
UNION ALL {TAX_IDS}
""",
)
