"""INV-22: a ceiling is a ceiling."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-22",
    rule="On a capped line the net labour on live invoices, less credits, is never above the cap in force when the last of them was issued, nor is"
    " the revenue recognised.",
    kind="A",
    keys=("what", "contract_no", "line_no"),
    sql="""
WITH capped AS (
    SELECT k.system, k.id, k.contract_no, k.ccy, l.line_no, coalesce(l.cap, 0) AS cap FROM crm.contract k
    JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id AND l.type = 'TM_CAPPED'
    WHERE k.deleted_at IS NULL AND l.cap IS NOT NULL
),
billed_labour AS (
    SELECT b.contract_no, b.contract_line AS line_no, sum(b.net) AS net, max(CASE b.doc_type WHEN 'INVOICE' THEN b.issued_at END) AS last FROM billed b
    WHERE b.line_type = 'TM_CAPPED' GROUP BY b.contract_no, b.contract_line
),
in_force AS (
    SELECT c.*, n.net, n.last, c.cap
        + coalesce(sum(CASE WHEN a.status = 'APPROVED' AND a.approved_at <= n.last THEN a.cap END), 0)
        - coalesce(sum(CASE WHEN a.status = 'APPLIED' AND a.approved_at > n.last THEN a.cap END), 0) AS ceiling
    FROM capped c JOIN billed_labour n ON n.contract_no = c.contract_no AND n.line_no = c.line_no
    LEFT JOIN agreed_change a ON a.contract_no = c.contract_no AND a.line_no = c.line_no
    GROUP BY c.system, c.id, c.line_no
),
earned AS (
    SELECT e.contract_no, l.contract_line AS line_no, sum(l.cr - l.dr) AS revenue FROM erp.journal_entry e
    JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id AND l.account = '4010'
    WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT' AND l.contract_line IS NOT NULL GROUP BY e.contract_no, l.contract_line
)
SELECT 'billed above the cap' AS what, contract_no, line_no, ccy, net - ceiling AS amount, ceiling AS cap, net AS billing_value
FROM in_force WHERE net > ceiling
UNION ALL
SELECT 'recognised above the cap', c.contract_no, c.line_no, c.ccy, e.revenue - c.cap, c.cap, e.revenue
FROM capped c JOIN earned e ON e.contract_no = c.contract_no AND e.line_no = c.line_no
LEFT JOIN agreed_change a ON a.contract_no = c.contract_no AND a.line_no = c.line_no AND a.status = 'APPROVED'
GROUP BY c.system, c.id, c.line_no HAVING e.revenue > c.cap + coalesce(sum(a.cap), 0)
""",
)
