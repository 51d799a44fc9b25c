"""INV-49: what moves to another system arrives whole, once, and is not billed again."""

from counterfoil.invariant import Invariant

CLASSES = {"documents": "ar_document", "schedules": "revenue_schedule", "work": "work_entry"}
ITEMS = " UNION ALL ".join(
    f"SELECT '{entity}' AS class, h.system, h.to_system, h.contract_no, h.ccy, j.value AS id FROM handed h, json_each(h.{name}) j"
    for name, entity in CLASSES.items()
)
ARRIVED = " UNION ALL ".join(
    f"SELECT '{entity}' AS class, d.system, d.id, json_extract(r.value, '$.system') AS from_system, json_extract(r.value, '$.id') AS legacy_id"
    f" FROM erp.{entity} d, json_each(d.ext_refs) r WHERE d.ext_refs <> '[]'"
    for entity in CLASSES.values()
)

INVARIANT = Invariant(
    id="INV-49",
    rule="When a company's books move to another system, every open item is carried over once with its old id, receivables, work in progress,"
    " contract liability and asset are opened as they were closed, and nothing that was billed before is billed or posted again.",
    kind="Q",
    deadlines=("DL-P",),
    keys=("what", "contract_no", "key"),
    sql=f"""
WITH handed AS (SELECT * FROM erp.handover WHERE deleted_at IS NULL AND created_at <= :dl_p),
item AS ({ITEMS}),
arrived AS ({ARRIVED}),
document AS (
    SELECT i.contract_no, i.ccy, i.to_system, d.id, d.system, d.invoice_no, d.doc_type, d.open_amount FROM item i
    JOIN erp.ar_document d ON d.system = i.system AND d.id = i.id WHERE i.class = 'ar_document'
),
closed AS (
    SELECT h.contract_no, h.to_system, h.ccy, l.account, sum(l.dr - l.cr) AS amount FROM handed h
    JOIN erp.handover_line l ON l.system = h.system AND l.parent = h.id GROUP BY h.contract_no, h.to_system, h.ccy, l.account
),
opened AS (
    SELECT e.system, e.contract_no, l.account, sum(l.dr - l.cr) AS amount FROM erp.journal_entry e
    JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
    WHERE e.rule = 'OPENING' AND l.account <> '9900' GROUP BY e.system, e.contract_no, l.account
)
SELECT 'not carried over once' AS what, i.contract_no, i.class || ' ' || i.id AS key, i.ccy, 0 AS amount, 1 AS before, count(a.id) AS after
FROM item i LEFT JOIN arrived a ON a.class = i.class AND a.system = i.to_system AND a.from_system = i.system AND a.legacy_id = i.id
GROUP BY i.class, i.system, i.id HAVING count(a.id) <> 1
UNION ALL
SELECT 'balance of ' || c.account, c.contract_no, c.account, c.ccy, abs(c.amount - coalesce(o.amount, 0)), c.amount, o.amount
FROM closed c LEFT JOIN opened o ON o.system = c.to_system AND o.contract_no = c.contract_no AND o.account = c.account
WHERE c.amount <> coalesce(o.amount, 0)
UNION ALL
SELECT 'opened, never closed', o.contract_no, o.account, h.ccy, abs(o.amount), 0, o.amount
FROM opened o JOIN handed h ON h.to_system = o.system AND h.contract_no = o.contract_no
WHERE NOT EXISTS (SELECT 1 FROM closed c WHERE c.to_system = o.system AND c.contract_no = o.contract_no AND c.account = o.account)
UNION ALL
SELECT 'open amount', d.contract_no, d.invoice_no, d.ccy, abs(d.open_amount - coalesce(json_extract(v.doc, '$.open_amount'), 0)), d.open_amount,
    json_extract(v.doc, '$.open_amount')
FROM document d JOIN arrived a ON a.class = 'ar_document' AND a.system = d.to_system AND a.from_system = d.system AND a.legacy_id = d.id
JOIN erp.history v ON v.system = a.system AND v.entity = 'ar_document' AND v.id = a.id AND v.version = 1
WHERE json_extract(v.doc, '$.open_amount') IS NOT d.open_amount
UNION ALL
SELECT 'posted again', d.contract_no, d.invoice_no, d.ccy, d.open_amount, d.invoice_no, e.je_no FROM document d
JOIN erp.journal_entry e ON e.system = d.to_system AND e.source_doc = 'invoice ' || d.invoice_no AND e.deleted_at IS NULL AND e.reverses IS NULL
UNION ALL
SELECT 'billed again', b.contract_no, b.plan_line, b.ccy, abs(b.net), min(b.doc_no), max(b.doc_no)
FROM billed b JOIN handed h ON h.contract_no = b.contract_no WHERE b.doc_type = 'INVOICE' AND b.plan_line IS NOT NULL
GROUP BY b.contract_no, b.plan_line HAVING count(DISTINCT b.doc_no) > 1 AND min(b.issued_at) < max(h.created_at) AND max(b.issued_at) >= max(h.created_at)
    AND (SELECT sum(n.net) FROM billed n WHERE n.plan_line = b.plan_line AND n.contract_no = b.contract_no) > max(b.net)
UNION ALL
SELECT 'made ready by the move', p.contract_no, p.key, p.ccy, coalesce(p.amount, 0), 'SCHEDULED', 'READY'
FROM billing.history v JOIN billing.plan_line p ON p.system = v.system AND p.id = v.id
JOIN erp.outbox o ON o.id = v.causation_id AND o.type = 'com.counterfoil.erp.books.moved.v1'
WHERE v.entity = 'plan_line' AND json_extract(v.before, '$.status') = 'SCHEDULED' AND json_extract(v.doc, '$.status') = 'READY'
""",
)
