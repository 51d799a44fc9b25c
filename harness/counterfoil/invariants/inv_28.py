"""INV-28: invoice numbers are unique, and a gapless series has no gaps."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-28",
    rule="In a series no invoice number is used twice; where the law wants no gaps, numbers follow one another without one and issue dates never"
    " run backwards.",
    kind="A",
    keys=("what", "legal_entity", "invoice_no"),
    sql="""
WITH document AS (
    SELECT i.system, i.id, i.legal_entity, i.invoice_no, i.issue_date, i.ccy, i.total,
        rtrim(i.invoice_no, '0123456789') AS series, CAST(substr(i.invoice_no, length(rtrim(i.invoice_no, '0123456789')) + 1) AS INTEGER) AS number
    FROM billing.invoice i WHERE i.deleted_at IS NULL AND i.invoice_no IS NOT NULL
),
following AS (
    SELECT d.*, lag(d.number) OVER run AS before, lag(d.issue_date) OVER run AS before_date FROM document d
    JOIN billing.legal_entity e ON e.system = d.system AND e.code = d.legal_entity AND e.gapless
    WINDOW run AS (PARTITION BY d.system, d.legal_entity, d.series ORDER BY d.number)
)
SELECT 'number used twice' AS what, legal_entity, invoice_no, ccy, sum(total) AS amount, NULL AS before, count(*) AS documents
FROM document GROUP BY legal_entity, invoice_no HAVING count(*) > 1
UNION ALL
SELECT 'gap before it', legal_entity, invoice_no, ccy, total, before, NULL FROM following WHERE number > before + 1
UNION ALL
SELECT 'issued before its predecessor', legal_entity, invoice_no, ccy, total, before_date, NULL FROM following WHERE issue_date < before_date
""",
)
