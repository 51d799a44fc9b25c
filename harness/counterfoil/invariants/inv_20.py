"""INV-20: what was billed stays as it was billed."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-20",
    rule="The content of an issued document and of a billed item never changes; a correction is a document or an entry of its own.",
    kind="A",
    keys=("what", "key", "version"),
    sql="""
WITH change AS (
    SELECT 'billing' AS role, h.entity, h.id, h.version, h.at, h.deed, h.actor, h.doc, h.before,
        coalesce(json_extract(h.before, '$.status'), json_extract(h.doc, '$.status')) AS was
    FROM billing.history h WHERE h.entity IN ('invoice', 'credit_memo') AND h.before IS NOT NULL
),
item AS (
    SELECT 'psa' AS role, h.entity, h.id, h.version, h.at, h.deed, h.actor, h.doc, h.before,
        coalesce(json_extract(h.before, '$.billing'), json_extract(h.doc, '$.billing')) AS was
    FROM psa.history h WHERE h.entity IN ('time_entry', 'expense') AND h.before IS NOT NULL
    UNION ALL
    SELECT 'billing', h.entity, h.id, h.version, h.at, h.deed, h.actor, h.doc, h.before,
        coalesce(json_extract(h.before, '$.billing'), json_extract(h.doc, '$.billing'))
    FROM billing.history h WHERE h.entity = 'billable_item' AND h.before IS NOT NULL
)
SELECT 'issued document changed' AS what, coalesce(json_extract(doc, '$.invoice_no'), json_extract(doc, '$.cm_no')) AS key, version, at, role,
    (SELECT group_concat(b.key, ', ') FROM json_each(c.before) b WHERE b.key IN ('net', 'tax', 'total', 'lines', 'items', 'issue_date', 'due', 'ccy',
        'customer', 'legal_entity', 'contract_no', 'bill_to_name', 'bill_to_lines', 'bill_to_vat_id', 'po_no', 'invoice_no', 'cm_no', 'tax_point')
        AND NOT (b.key = 'customer' AND EXISTS (SELECT 1 FROM billing.customer w
            WHERE w.id = b.value AND w.merged_into = json_extract(c.doc, '$.customer')))) AS fields,
    deed, actor, json_extract(doc, '$.ccy') AS ccy, json_extract(doc, '$.total') AS amount
FROM change c WHERE was NOT IN ('DRAFT', 'PENDING_APPROVAL', 'APPROVED') AND fields IS NOT NULL
UNION ALL
SELECT 'billed item changed', coalesce(json_extract(doc, '$.entry_id'), json_extract(doc, '$.expense_id'), json_extract(doc, '$.source_id')), version,
    at, role,
    (SELECT group_concat(b.key, ', ') FROM json_each(c.before) b WHERE b.key IN ('minutes', 'work_date', 'spend_date', 'amount', 'bill_amount', 'bill_rate',
        'unit_price', 'approval', 'task', 'employee', 'cost', 'gross', 'markup', 'line_no', 'contract_no')) AS fields,
    deed, actor, json_extract(doc, '$.ccy'), coalesce(json_extract(doc, '$.amount'), json_extract(doc, '$.bill_amount'))
FROM item c WHERE was = 'BILLED' AND fields IS NOT NULL
""",
)
