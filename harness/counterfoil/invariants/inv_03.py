"""INV-03: copies say what the system of record says."""

from counterfoil.invariant import Invariant

TAX_ID = """
SELECT '{field}', '{role}', c.system, c.id, 'customer', a.golden_id, a.customer_no, a.customer_no, e.{field}, c.{field},
    max(e.updated_at, c.updated_at)
FROM link a JOIN erp.customer e ON e.system = a.system AND e.id = a.id
{join}
WHERE a.role = 'erp' AND e.{field} IS NOT NULL AND c.{field} IS NOT NULL AND c.{field} <> e.{field}
    AND max(e.updated_at, c.updated_at) <= :dl_m
"""
COPIES = {
    "crm": "JOIN crm.customer c ON c.system = a.golden_system AND c.id = a.golden_id",
    "billing": "JOIN link b ON b.golden_id = a.golden_id AND b.role = 'billing'"
    " JOIN billing.customer c ON c.system = b.system AND c.id = b.id",
}
TAX_IDS = " UNION ALL ".join(
    TAX_ID.format(field=field, role=role, join=join) for field in ("vat_id", "tax_no") for role, join in COPIES.items()
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
UNION ALL
SELECT 'owned by the books, overwritten: ' || b.key, 'erp', h.system, h.id, 'customer', NULL, json_extract(h.doc, '$.customer_no'),
    json_extract(h.doc, '$.customer_no'), b.value, json_extract(h.doc, '$.' || b.key), h.at
FROM erp.history h, json_each(h.before) b WHERE h.entity = 'customer' AND h.causation_id IS NOT NULL AND b.value IS NOT NULL
    AND b.key IN ('vat_id', 'tax_no', 'tax_status', 'exemption_cert', 'terms', 'invoice_ccy', 'credit_limit')
    AND json_extract(h.doc, '$.' || b.key) IS NOT b.value
""",
)
