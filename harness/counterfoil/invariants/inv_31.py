"""INV-31: a closed period stays closed."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-31",
    rule="Nothing is posted to a period after it was closed, unless an approved reopening spans the posting, and every entry is in the period of"
    " its date.",
    kind="A",
    keys=("what", "je_no"),
    sql="""
WITH entry AS (
    SELECT e.system, e.id, e.je_no, e.legal_entity, e.period, e.posting_date, e.posted_at, e.ccy,
        (SELECT sum(l.dr) FROM erp.journal_line l WHERE l.system = e.system AND l.parent = e.id) AS amount
    FROM erp.journal_entry e WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT'
),
shut AS (
    SELECT h.system, json_extract(h.doc, '$.legal_entity') AS legal_entity, json_extract(h.doc, '$.period') AS period, h.at AS closed_at,
        coalesce((SELECT min(o.at) FROM erp.history o WHERE o.system = h.system AND o.entity = 'period' AND o.id = h.id AND o.seq > h.seq
            AND json_extract(o.doc, '$.status') = 'OPEN' AND json_extract(o.doc, '$.reopen_approval') IS NOT NULL), '9999') AS reopened_at
    FROM erp.history h WHERE h.entity = 'period' AND json_extract(h.doc, '$.status') = 'CLOSED'
    UNION
    SELECT p.system, p.legal_entity, p.period, p.closed_at, '9999' FROM erp.period p WHERE p.status = 'CLOSED' AND p.closed_at IS NOT NULL
        AND (p.system, p.id) NOT IN (SELECT h.system, h.id FROM erp.history h WHERE h.entity = 'period')
)
SELECT 'posted after the close' AS what, e.je_no, e.legal_entity, e.period, e.ccy, e.amount, e.posted_at, s.closed_at
FROM entry e JOIN shut s ON s.system = e.system AND s.legal_entity = e.legal_entity AND s.period = e.period
WHERE e.posted_at > s.closed_at AND e.posted_at < s.reopened_at
UNION ALL
SELECT 'date in another period', je_no, legal_entity, period, ccy, amount, posting_date, NULL FROM entry WHERE substr(posting_date, 1, 7) <> period
""",
)
