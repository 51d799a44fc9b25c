"""INV-21: a milestone is invoiced when it is reached, once."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-21",
    rule="A milestone that was reached stands on exactly one live invoice at its amount, unless it was credited for good; one that was"
    " not stands on none.",
    kind="E",
    deadlines=("DL-B",),
    keys=("what", "contract_no", "ms_code"),
    sql="""
WITH reached AS (
    SELECT m.contract_no, m.ms_code, m.ccy, m.amount, m.status, coalesce(b.billing_trigger, 'COMPLETED') AS billing_trigger,
        CASE coalesce(b.billing_trigger, 'COMPLETED')
            WHEN 'ACCEPTED' THEN CASE WHEN m.status = 'ACCEPTED' THEN m.accepted_at END
            ELSE CASE WHEN m.status IN ('COMPLETED', 'ACCEPTED') THEN m.completed_at END
        END AS at,
        business_date(CASE coalesce(b.billing_trigger, 'COMPLETED') WHEN 'ACCEPTED' THEN m.accepted_at ELSE m.completed_at END,
            coalesce((SELECT e.tz FROM billing.legal_entity e WHERE e.code = m.legal_entity), 'UTC')) AS on_date,
        coalesce(b.status, '') = 'HELD' OR m.contract_no || '/' || m.ms_code IN (
            SELECT p.contract_no || '/' || p.ms_code FROM billing.plan_line p WHERE p.status = 'HELD' AND p.ms_code IS NOT NULL AND p.deleted_at IS NULL) AS held
    FROM psa.milestone m LEFT JOIN billing.plan b ON b.contract_no = m.contract_no AND b.deleted_at IS NULL
    WHERE m.deleted_at IS NULL
),
net AS (
    SELECT contract_no, ms_code, min(ccy) AS ccy, sum(net) AS amount, min(CASE doc_type WHEN 'INVOICE' THEN issue_date END) AS issue_date,
        sum(CASE doc_type WHEN 'INVOICE' THEN 1 ELSE 0 END) AS invoices, max(issued_at) AS issued_at, group_concat(doc_no, ' ') AS documents
    FROM billed WHERE ms_code IS NOT NULL GROUP BY contract_no, ms_code
)
SELECT 'reached, not invoiced' AS what, r.contract_no, r.ms_code, r.ccy, r.amount - coalesce(n.amount, 0) AS amount,
    r.status || ' ' || r.at AS psa_value, coalesce(n.amount, 0) AS billing_value, n.documents
FROM reached r LEFT JOIN net n ON n.contract_no = r.contract_no AND n.ms_code = r.ms_code
WHERE r.at <= :dl_b AND coalesce(n.amount, 0) < coalesce(r.amount, 0) AND NOT r.held
    AND r.contract_no || '/' || r.ms_code NOT IN (
        SELECT p.contract_no || '/' || p.ms_code FROM billing.plan_line p
        JOIN billing.credit_memo c ON c.system = p.system AND c.corrects = p.invoice_no
        WHERE p.contract_no IS NOT NULL AND p.ms_code IS NOT NULL AND c.release_items = 0 AND p.deleted_at IS NULL AND c.deleted_at IS NULL)
UNION ALL
SELECT 'invoiced beyond its amount', r.contract_no, r.ms_code, r.ccy, n.amount - r.amount, r.amount, n.amount, n.documents
FROM reached r JOIN net n ON n.contract_no = r.contract_no AND n.ms_code = r.ms_code
WHERE n.amount > r.amount AND (n.invoices > 1 OR n.issued_at <= :dl_c)
UNION ALL
SELECT 'invoiced, not reached', r.contract_no, r.ms_code, r.ccy, n.amount, r.status, n.amount, n.documents
FROM reached r JOIN net n ON n.contract_no = r.contract_no AND n.ms_code = r.ms_code
WHERE r.at IS NULL AND n.amount > 0 AND n.issued_at <= :dl_c
UNION ALL
SELECT 'invoiced before it was reached', r.contract_no, r.ms_code, r.ccy, n.amount, r.on_date, n.issue_date, n.documents
FROM reached r JOIN net n ON n.contract_no = r.contract_no AND n.ms_code = r.ms_code
WHERE r.at IS NOT NULL AND n.amount > 0 AND n.invoices = 1 AND n.issue_date < r.on_date
UNION ALL
SELECT 'invoiced, no such milestone', n.contract_no, n.ms_code, n.ccy, n.amount, NULL, n.amount, n.documents
FROM net n WHERE n.amount > 0 AND NOT EXISTS (SELECT 1 FROM reached r WHERE r.contract_no = n.contract_no AND r.ms_code = n.ms_code)
""",
)
