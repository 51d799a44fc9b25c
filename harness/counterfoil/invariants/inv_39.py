"""INV-39: an expense is billed at its cost with the agreed markup."""

from counterfoil.invariant import Invariant

RECEIPT_ABOVE = 75
"""Major units of the spend's currency above which an expense needs a receipt to be billed."""

INVARIANT = Invariant(
    id="INV-39",
    rule="An approved expense costs its net of recoverable tax at the rate of the day it was spent, is billed at that cost with the contract's"
    " markup, belongs to a line that rebills expenses, and above the threshold has a receipt before it is billed.",
    kind="A",
    keys=("what", "expense_id"),
    sql=f"""
WITH expense AS (
    SELECT x.*, convert_ccy(x.gross - coalesce(x.vat_recoverable, 0), x.fx_rate, x.spend_ccy, x.ccy) AS right_cost, l.expense_markup, l.type
    FROM psa.expense x LEFT JOIN psa.project_line l ON l.system = x.system AND l.parent = x.project AND l.line_no = x.line_no
    WHERE x.deleted_at IS NULL AND x.approval = 'APPROVED'
)
SELECT 'cost' AS what, expense_id, contract_no, ccy, abs(cost - right_cost) AS amount, cost AS held_value, right_cost AS expected_value
FROM expense WHERE cost <> right_cost
UNION ALL
SELECT 'bill amount', expense_id, contract_no, ccy, abs(bill_amount - share_of(cost, 1000000 + coalesce(markup, 0))), bill_amount,
    share_of(cost, 1000000 + coalesce(markup, 0))
FROM expense WHERE billing <> 'NOT_BILLABLE' AND bill_amount <> share_of(cost, 1000000 + coalesce(markup, 0))
UNION ALL
SELECT 'markup is not the contract''s', expense_id, contract_no, ccy, bill_amount, markup, expense_markup
FROM expense WHERE billing <> 'NOT_BILLABLE' AND type = 'EXPENSE' AND coalesce(markup, 0) <> coalesce(expense_markup, 0)
UNION ALL
SELECT 'billed amount in billing', x.expense_id, x.contract_no, x.ccy, abs(i.amount - x.bill_amount), i.amount, x.bill_amount
FROM expense x JOIN billing.billable_item i ON i.source_type = 'EXPENSE' AND i.source_id = x.expense_id AND i.deleted_at IS NULL
WHERE i.amount <> x.bill_amount
UNION ALL
SELECT 'billed on a line that rebills no expenses', x.expense_id, x.contract_no, x.ccy, x.bill_amount, b.contract_line, x.line_no
FROM expense x JOIN billed_item i ON i.doc_type = 'INVOICE' AND i.source_id = x.expense_id
JOIN billed b ON b.doc_type = 'INVOICE' AND b.doc_no = i.doc_no AND b.system = i.system AND b.contract_line = x.line_no AND b.line_type <> 'EXPENSE'
UNION ALL
SELECT 'billed without receipt', x.expense_id, x.contract_no, x.ccy, x.bill_amount, 0, 1
FROM expense x WHERE NOT x.receipt AND x.gross > {RECEIPT_ABOVE} * CASE exponent_of(x.spend_ccy) WHEN 0 THEN 1 WHEN 3 THEN 1000 ELSE 100 END AND x.billing = 'BILLED'
    AND EXISTS (SELECT 1 FROM psa.history h WHERE h.system = x.system AND h.entity = 'expense' AND h.id = x.id)
""",
)
