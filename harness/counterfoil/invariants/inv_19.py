"""INV-19: each piece of work is billed once, for what it is worth."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-19",
    rule="An hour or expense is billed at its amount or not at all; what is marked as billed stands on an invoice.",
    kind="A",
    keys=("what", "source_id"),
    sql="""
WITH net AS (
    SELECT source_id, min(ccy) AS ccy, sum(amount) AS amount, group_concat(doc_no, ' ') AS documents FROM billed_item GROUP BY source_id
),
item AS (
    SELECT source_id, min(ccy) AS ccy, max(amount) AS amount, max(amount - coalesce(over_cap, 0)) AS billable, max(billing) AS billing,
        min(contract_no) AS contract_no, max(created_at) AS created_at
    FROM billing.billable_item WHERE deleted_at IS NULL GROUP BY source_id
)
SELECT 'billed beyond its amount' AS what, n.source_id, i.contract_no, n.ccy, n.amount - i.billable AS amount, i.billable AS psa_value,
    n.amount AS billing_value, n.documents
FROM net n JOIN item i ON i.source_id = n.source_id WHERE n.amount > i.billable
UNION ALL
SELECT 'credited beyond what was billed', n.source_id, i.contract_no, n.ccy, -n.amount, 0, n.amount, n.documents
FROM net n LEFT JOIN item i ON i.source_id = n.source_id WHERE n.amount < 0
UNION ALL
SELECT 'billed, on no invoice', i.source_id, i.contract_no, i.ccy, i.billable, i.billing, 0, NULL
FROM item i LEFT JOIN net n ON n.source_id = i.source_id
WHERE i.billing = 'BILLED' AND coalesce(n.amount, 0) = 0 AND i.billable > 0
UNION ALL
SELECT 'billed in the project, on no invoice', w.key, w.contract_no, w.ccy, w.amount, w.invoice_line, 0, NULL
FROM work w LEFT JOIN net n ON n.source_id = w.key
WHERE w.billing = 'BILLED' AND w.amount > 0 AND coalesce(n.amount, 0) = 0 AND (n.source_id IS NULL
    OR NOT EXISTS (SELECT 1 FROM item i WHERE i.source_id = w.key AND i.billing IN ('CREDITED', 'UNBILLED')))
""",
)
