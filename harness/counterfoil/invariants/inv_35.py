"""INV-35: the right rate of the right day (domain §3.12)."""

from counterfoil.invariant import Invariant

MONETARY = "'1200', '1220', '1230', '1600', '2350', '2600', '7110'"


def rate(kind: str, from_ccy: str, to_ccy: str, day: str, known: str) -> str:
    """The rate that was published for a day, or up to five days before it, by an instant."""
    return (
        f"(SELECT r.rate FROM erp.fx_rate r WHERE r.deleted_at IS NULL AND r.type = '{kind}' AND r.from_ccy = {from_ccy} AND r.to_ccy = {to_ccy}"
        f" AND r.rate_date BETWEEN date({day}, '-5 days') AND {day} AND r.created_at <= {known} ORDER BY r.rate_date DESC LIMIT 1)"
    )


def shown(column: str) -> str:
    """A rate for people: 860000 is `0.860000`."""
    return f"CASE WHEN {column} IS NOT NULL THEN printf('%.6f', {column} / 1000000.0) END"


INVARIANT = Invariant(
    id="INV-35",
    rule="Invoices are converted at the published rate of their tax point, receipts at that of their value date, expenses at that of the day they"
    " were spent; a payment's realised difference is its amount at both rates; revaluation brings what is open to the closing rate and never"
    " touches a contract liability.",
    kind="A",
    keys=("what", "number"),
    sql=f"""
WITH document AS (
    SELECT d.invoice_no, d.contract_no, d.ccy, d.total, d.fx_rate,
        {rate("SPOT", "d.ccy", "e.functional_ccy", "coalesce(d.tax_point, d.issue_date)", "d.created_at")} AS table_rate
    FROM erp.ar_document d JOIN erp.legal_entity e ON e.system = d.system AND e.code = d.legal_entity
    WHERE d.deleted_at IS NULL AND d.status <> 'DRAFT' AND d.doc_type = 'INVOICE' AND d.ccy <> e.functional_ccy
),
receipt AS (
    SELECT p.bank_ref, p.ccy, p.amount, p.fx_rate, {rate("SPOT", "p.ccy", "e.functional_ccy", "p.value_date", "p.created_at")} AS table_rate
    FROM erp.payment p JOIN erp.legal_entity e ON e.system = p.system AND e.code = p.legal_entity
    WHERE p.deleted_at IS NULL AND p.ccy <> e.functional_ccy
),
expense AS (
    SELECT x.expense_id, x.contract_no, x.ccy, x.cost, x.fx_rate, {rate("SPOT", "x.spend_ccy", "x.ccy", "x.spend_date", "x.created_at")} AS table_rate
    FROM psa.expense x WHERE x.deleted_at IS NULL AND x.approval = 'APPROVED' AND x.spend_ccy <> x.ccy
),
settled AS (
    SELECT a.bank_ref || ' ' || a.invoice_no AS number, a.contract_no, a.func_ccy, a.fx_gain_loss,
        convert_ccy(a.amount, coalesce(p.fx_rate, 0), a.ccy, a.func_ccy) - convert_ccy(a.amount, coalesce(d.fx_rate, 0), a.ccy, a.func_ccy) AS gain
    FROM erp.payment_application a JOIN erp.payment p ON p.system = a.system AND p.id = a.payment
    JOIN erp.ar_document d ON d.system = a.system AND d.id = a.ar_document
    WHERE a.deleted_at IS NULL AND a.ccy <> a.func_ccy
),
revaluation AS (
    SELECT e.system, e.id, e.je_no, e.legal_entity, e.contract_no, e.ccy, e.posting_date, e.posted_at, n.functional_ccy,
        {rate("CLOSING", "e.ccy", "n.functional_ccy", "e.posting_date", "e.posted_at")} AS closing
    FROM erp.journal_entry e JOIN erp.legal_entity n ON n.system = e.system AND n.code = e.legal_entity
    WHERE e.deleted_at IS NULL AND e.rule = 'P10' AND e.reverses IS NULL AND e.status <> 'DRAFT'
),
receivable AS (
    SELECT v.je_no, v.contract_no, v.ccy, v.functional_ccy, v.closing, sum(l.dr - l.cr) AS amount, sum(l.func_dr - l.func_cr) AS func
    FROM revaluation v JOIN erp.journal_line l ON l.system = v.system AND l.contract_no = v.contract_no AND l.ccy = v.ccy AND l.account = '1200'
    JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent AND e.legal_entity = v.legal_entity
    WHERE e.posting_date <= v.posting_date AND e.posted_at <= v.posted_at GROUP BY v.system, v.id
)
SELECT 'rate of an invoice' AS what, invoice_no AS number, contract_no, ccy, total AS amount, {shown("fx_rate")} AS rate,
    {shown("table_rate")} AS published, NULL AS account, NULL AS erp_value, NULL AS expected_value
FROM document WHERE fx_rate IS NOT table_rate
UNION ALL
SELECT 'rate of a receipt', bank_ref, NULL, ccy, amount, {shown("fx_rate")}, {shown("table_rate")}, NULL, NULL, NULL
FROM receipt WHERE fx_rate IS NOT table_rate
UNION ALL
SELECT 'rate of an expense', expense_id, contract_no, ccy, cost, {shown("fx_rate")}, {shown("table_rate")}, NULL, NULL, NULL
FROM expense WHERE fx_rate <> table_rate
UNION ALL
SELECT 'realised difference', number, contract_no, func_ccy, abs(fx_gain_loss - gain), NULL, NULL, '7100', fx_gain_loss, gain
FROM settled WHERE abs(fx_gain_loss - gain) > 1
UNION ALL
SELECT 'revalued, and not monetary', v.je_no, v.contract_no, l.func_ccy, l.func_dr + l.func_cr, NULL, {shown("v.closing")}, l.account, NULL, NULL
FROM revaluation v JOIN erp.journal_line l ON l.system = v.system AND l.parent = v.id WHERE l.account NOT IN ({MONETARY})
UNION ALL
SELECT 'revalued without a closing rate', je_no, contract_no, ccy, 0, NULL, NULL, NULL, NULL, NULL FROM revaluation WHERE closing IS NULL
UNION ALL
SELECT 'receivable not at the closing rate', je_no, contract_no, functional_ccy,
    abs(func - convert_ccy(amount, coalesce(closing, 0), ccy, functional_ccy)), NULL, {shown("closing")}, '1200', func,
    convert_ccy(amount, coalesce(closing, 0), ccy, functional_ccy)
FROM receivable WHERE closing IS NOT NULL AND abs(func - convert_ccy(amount, coalesce(closing, 0), ccy, functional_ccy)) > 1
""",
)
