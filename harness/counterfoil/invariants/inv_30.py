"""INV-30: control accounts agree with the subledgers (identities of domain §3.0)."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-30",
    rule="Receivables, unapplied receipts and tax in the ledger are what the documents add up to, and contract liability, contract asset and"
    " unbilled receivable of every contract are what was billed against what was recognised.",
    kind="P",
    deadlines=("DL-I",),
    keys=("what", "legal_entity", "contract_no", "key"),
    sql="""
WITH line AS (
    SELECT e.system, e.legal_entity, e.ccy, e.je_no, e.id AS je, e.rule, l.account, l.contract_no, l.dr - l.cr AS debit
    FROM erp.journal_entry e JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
    WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT'
),
balance AS (
    SELECT '1200' AS account, system, legal_entity, ccy, sum(debit) AS ledger FROM line WHERE account = '1200' GROUP BY system, legal_entity, ccy
    UNION ALL
    SELECT '2350', system, legal_entity, ccy, -sum(debit) FROM line WHERE account = '2350' GROUP BY system, legal_entity, ccy
),
subledger AS (
    SELECT '1200' AS account, system, legal_entity, ccy,
        sum(CASE doc_type WHEN 'INVOICE' THEN coalesce(open_amount, 0) ELSE -abs(coalesce(open_amount, 0)) END) AS documents
    FROM erp.ar_document WHERE deleted_at IS NULL AND status <> 'DRAFT' GROUP BY system, legal_entity, ccy
    UNION ALL
    SELECT '2350', system, legal_entity, ccy, sum(coalesce(unapplied, 0)) FROM erp.payment
    WHERE deleted_at IS NULL AND status <> 'REVERSED' GROUP BY system, legal_entity, ccy
),
account AS (SELECT account, system, legal_entity, ccy FROM balance UNION SELECT account, system, legal_entity, ccy FROM subledger),
position AS (
    SELECT l.contract_no, l.ccy, sum(CASE WHEN l.account IN ('2300', '1230', '1220') THEN -l.debit ELSE 0 END) AS position,
        sum(CASE WHEN l.account IN ('4000', '4010', '4020', '4030') THEN -l.debit ELSE 0 END) AS recognised,
        sum(CASE l.account WHEN '1220' THEN l.debit ELSE 0 END) AS unbilled,
        sum(CASE WHEN l.account IN ('4010', '4030') AND (l.rule LIKE 'P4%' OR l.rule LIKE 'P11%') THEN -l.debit ELSE 0 END) AS earned
    FROM line l WHERE l.contract_no IS NOT NULL GROUP BY l.contract_no, l.ccy
),
by_progress AS (
    SELECT DISTINCT contract_no, line_no FROM erp.revenue_schedule
    WHERE deleted_at IS NULL AND status IN ('ACTIVE', 'ON_HOLD') AND method <> 'AS_INVOICED' AND tp IS NULL
),
net AS (
    SELECT b.contract_no, b.ccy, sum(b.net) AS net, max(b.issued_at) AS last,
        sum(CASE WHEN b.line_type IN ('FIXED_FEE', 'RETAINER') OR p.line_no IS NOT NULL THEN 0 ELSE b.net END) AS work
    FROM billed b LEFT JOIN by_progress p ON p.contract_no = b.contract_no AND p.line_no = b.contract_line
    GROUP BY b.contract_no, b.ccy
),
contract AS (
    SELECT p.contract_no, p.ccy, p.position, p.recognised, p.unbilled, p.earned, coalesce(n.net, 0) AS net, coalesce(n.work, 0) AS work
    FROM position p LEFT JOIN net n ON n.contract_no = p.contract_no AND n.ccy = p.ccy WHERE coalesce(n.last, '') <= :dl_i
)
SELECT 'account ' || a.account AS what, a.legal_entity, NULL AS contract_no, a.system || ' ' || a.ccy AS key, a.ccy,
    abs(coalesce(b.ledger, 0) - coalesce(s.documents, 0)) AS amount, coalesce(b.ledger, 0) AS ledger_value,
    coalesce(s.documents, 0) AS documents_value
FROM account a
LEFT JOIN balance b ON b.account = a.account AND b.system = a.system AND b.legal_entity = a.legal_entity AND b.ccy = a.ccy
LEFT JOIN subledger s ON s.account = a.account AND s.system = a.system AND s.legal_entity = a.legal_entity AND s.ccy = a.ccy
WHERE coalesce(b.ledger, 0) <> coalesce(s.documents, 0)
UNION ALL
SELECT 'tax of a document', d.legal_entity, d.contract_no, d.invoice_no, d.ccy, abs(abs(coalesce(sum(l.debit), 0)) - abs(d.tax)),
    abs(coalesce(sum(l.debit), 0)), abs(d.tax)
FROM erp.ar_document d LEFT JOIN line l ON l.system = d.system AND l.je = d.je AND l.account = '2200'
WHERE d.deleted_at IS NULL AND d.status <> 'DRAFT' AND d.je IS NOT NULL
GROUP BY d.system, d.id HAVING abs(coalesce(sum(l.debit), 0)) <> abs(d.tax)
UNION ALL
SELECT 'contract position', NULL, contract_no, '2300 - 1230 - 1220', ccy, abs(position - (net - recognised)), position, net - recognised
FROM contract WHERE position <> net - recognised
UNION ALL
SELECT 'unbilled receivable', NULL, contract_no, '1220', ccy, abs(unbilled - (earned - work)), unbilled, earned - work
FROM contract WHERE unbilled <> earned - work
""",
)
