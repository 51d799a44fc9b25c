"""INV-24: billing and the books hold the same documents."""

from counterfoil.invariant import Invariant

DOCUMENTS = """
    SELECT 'INVOICE' AS doc_type, system, id, invoice_no AS number, customer, customer_no, legal_entity, ccy, net, tax, total, issue_date,
        due, issued_at, contract_no FROM live_invoice
    UNION ALL
    SELECT 'CREDIT_MEMO', system, id, cm_no, customer, customer_no, legal_entity, ccy, abs(net), abs(tax), abs(total), issue_date,
        NULL, issued_at, contract_no FROM live_credit
"""
POSTED = """
    SELECT doc_type, system, id, invoice_no AS number, customer, customer_no, legal_entity, ccy, abs(net) AS net, abs(tax) AS tax,
        abs(total) AS total, issue_date, CASE doc_type WHEN 'INVOICE' THEN due END AS due, created_at, contract_no
    FROM erp.ar_document WHERE deleted_at IS NULL AND status <> 'DRAFT'
"""
FIELDS = ("legal_entity", "ccy", "net", "tax", "total", "issue_date", "due")
DIFFERS = " UNION ALL ".join(
    f"SELECT '{name} differs', d.number, d.doc_type, d.contract_no, d.ccy, abs(d.total - e.total), d.{name}, e.{name} FROM pair d"
    f" JOIN posted e ON e.number = d.number AND e.doc_type = d.doc_type WHERE d.{name} IS NOT e.{name}"
    for name in FIELDS
)

INVARIANT = Invariant(
    id="INV-24",
    rule="Every issued invoice and credit memo stands once in the books, with the same customer, entity, lines, amounts and dates.",
    kind="E",
    deadlines=("DL-I",),
    keys=("what", "invoice_no", "doc_type"),
    sql=f"""
WITH document AS ({DOCUMENTS}), posted AS ({POSTED}),
pair AS (
    SELECT d.* FROM document d JOIN posted e ON e.number = d.number AND e.doc_type = d.doc_type
    WHERE coalesce(d.issued_at, '') <= :dl_i GROUP BY d.system, d.id HAVING count(*) = 1
)
SELECT 'issued, not in the books' AS what, d.number AS invoice_no, d.doc_type, d.contract_no, d.ccy, d.total AS amount,
    d.total AS billing_value, NULL AS erp_value
FROM document d WHERE coalesce(d.issued_at, '') <= :dl_i
    AND NOT EXISTS (SELECT 1 FROM posted e WHERE e.number = d.number AND e.doc_type = d.doc_type)
UNION ALL
SELECT 'twice in the books', d.number, d.doc_type, d.contract_no, d.ccy, sum(e.total) - d.total, d.total, sum(e.total)
FROM document d JOIN posted e ON e.number = d.number AND e.doc_type = d.doc_type
WHERE e.created_at <= :dl_i GROUP BY d.system, d.id HAVING count(*) > 1
UNION ALL
SELECT 'in the books, never issued', e.number, e.doc_type, e.contract_no, e.ccy, e.total, NULL, e.total
FROM posted e WHERE e.created_at <= :dl_i
    AND NOT EXISTS (SELECT 1 FROM document d WHERE d.number = e.number AND d.doc_type = e.doc_type)
UNION ALL {DIFFERS}
UNION ALL
SELECT 'customer differs', d.number, d.doc_type, d.contract_no, d.ccy, d.total, d.customer_no, e.customer_no
FROM pair d JOIN posted e ON e.number = d.number AND e.doc_type = d.doc_type
LEFT JOIN link a ON a.role = 'billing' AND a.system = d.system AND a.id = d.customer
LEFT JOIN link b ON b.role = 'erp' AND b.system = e.system AND b.id = e.customer
WHERE coalesce(a.golden_id, d.customer_no) IS NOT coalesce(b.golden_id, e.customer_no)
UNION ALL
SELECT 'lines differ', d.number, d.doc_type, d.contract_no, d.ccy, abs(coalesce(l.net, 0) - coalesce(m.net, 0)),
    coalesce(l.line_no || ': ' || l.net || ' + ' || l.tax, 'no line'), coalesce(m.line_no || ': ' || m.net || ' + ' || m.tax, 'no line')
FROM pair d JOIN posted e ON e.number = d.number AND e.doc_type = d.doc_type
JOIN (
    SELECT system, parent, line_no, abs(net) AS net, abs(coalesce(tax, 0)) AS tax FROM billing.invoice_line
    UNION ALL SELECT system, parent, line_no, abs(net), abs(coalesce(tax, 0)) FROM billing.credit_memo_line
) l ON l.system = d.system AND l.parent = d.id
LEFT JOIN erp.ar_line m ON m.system = e.system AND m.parent = e.id AND m.line_no = l.line_no
WHERE m.line_no IS NULL OR abs(m.net) <> l.net OR m.tax IS NOT NULL AND abs(m.tax) <> l.tax
""",
)
