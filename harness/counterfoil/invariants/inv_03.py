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

FROM_BOOKS = ("terms", "invoice_ccy", "tax_status", "vat_id", "tax_no")
FROM_CRM = ("owner", "segment", "legal_name", "language")
OUT_OF_STEP = """
SELECT '{field}, written from elsewhere', '{role}', c.system, c.id, 'customer', a.golden_id, a.customer_no, a.customer_no, e.{field}, c.{field},
    c.updated_at
FROM link a JOIN erp.customer e ON e.system = a.system AND e.id = a.id
{join}
WHERE a.role = 'erp' AND e.{field} IS NOT NULL AND c.{field} IS NOT NULL AND c.{field} <> e.{field} AND c.updated_at > e.updated_at
    AND c.updated_at <= :dl_m AND EXISTS (SELECT 1 FROM {role}.history h, json_each(coalesce(h.before, '{{}}')) b
        WHERE h.system = c.system AND h.entity = 'customer' AND h.id = c.id AND h.causation_id IS NOT NULL AND b.key = '{field}')
"""
"""A copy that an integration changed after the books had their say, to another value."""
BLANKED = """
SELECT '{field}, blanked', '{role}', c.system, c.id, 'customer', l.golden_id, l.customer_no, l.customer_no, {owner}.{field}, NULL, c.updated_at
FROM {role}.customer c JOIN link l ON l.role = '{role}' AND l.system = c.system AND l.id = c.id
JOIN {source}
WHERE c.{field} IS NULL AND {owner}.{field} IS NOT NULL AND max({owner}.updated_at, c.updated_at) <= :dl_m AND EXISTS (
    SELECT 1 FROM {role}.history h, json_each(coalesce(h.before, '{{}}')) b WHERE h.system = c.system AND h.entity = 'customer' AND h.id = c.id
        AND h.causation_id IS NOT NULL AND b.key = '{field}' AND b.value IS NOT NULL)
"""
"""A copy that an integration emptied though its owner has a value."""
CRM_RECORD = "crm.customer g ON g.system = l.golden_system AND g.id = l.golden_id"
BOOKS_RECORD = (
    "link a ON a.role = 'erp' AND a.golden_id = l.golden_id JOIN erp.customer e ON e.system = a.system AND e.id = a.id"
)
CHECKS = " UNION ALL ".join(
    [OUT_OF_STEP.format(field=field, role=role, join=join) for field in FROM_BOOKS[:3] for role, join in COPIES.items()]
    + [
        BLANKED.format(field=field, role=role, owner="g", source=CRM_RECORD)
        for field in FROM_CRM
        for role in ("erp", "billing", "psa")
    ]
    + [BLANKED.format(field=field, role="billing", owner="e", source=BOOKS_RECORD) for field in FROM_BOOKS]
)

INVARIANT = Invariant(
    id="INV-03",
    rule="A field is the same everywhere as in the system that owns it: names, ownership and sites as in the CRM, tax numbers, terms"
    " and invoice currency as in the books; nothing that its owner says is blanked elsewhere.",
    kind="E",
    deadlines=("DL-M",),
    keys=("field", "role", "system", "key"),
    sql=f"""
SELECT field, role, system, id, entity, crm_id, customer_no, key, crm_value, copy_value, crm_changed_at AS changed_at
FROM differing_copy WHERE crm_changed_at <= :dl_m
UNION ALL {TAX_IDS}
UNION ALL {CHECKS}
UNION ALL
SELECT 'owned by the books, overwritten: ' || b.key, 'erp', h.system, h.id, 'customer', NULL, json_extract(h.doc, '$.customer_no'),
    json_extract(h.doc, '$.customer_no'), b.value, json_extract(h.doc, '$.' || b.key), h.at
FROM erp.history h, json_each(h.before) b WHERE h.entity = 'customer' AND h.causation_id IS NOT NULL AND b.value IS NOT NULL
    AND b.key IN ('vat_id', 'tax_no', 'tax_status', 'exemption_cert', 'exemption_expires', 'terms', 'invoice_ccy', 'credit_limit')
    AND json_extract(h.doc, '$.' || b.key) IS NOT b.value
""",
)
