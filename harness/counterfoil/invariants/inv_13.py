"""INV-13: time is worth its minutes at the rate that was right on the day of the work."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-13",
    rule="Approved time carries the assignment's rate, or else the rate of the card version in force on the day of the work, its amount is"
    " minutes times that rate rounded once, and neither changes afterwards.",
    kind="A",
    keys=("what", "entry_id"),
    sql="""
WITH entry AS (
    SELECT t.system, t.id, t.entry_id, t.contract_no, t.ccy, t.minutes, t.bill_rate, t.rate_source, t.amount, t.work_date, t.approved_at,
        p.rate_card_code AS code, coalesce(a.level, e.level) AS level, a.bill_rate_override AS agreed
    FROM psa.time_entry t JOIN psa.project p ON p.system = t.system AND p.id = t.project
    JOIN psa.employee e ON e.system = t.system AND e.id = t.employee
    LEFT JOIN psa.assignment a ON a.system = t.system AND a.project = t.project AND a.employee = t.employee AND a.deleted_at IS NULL
        AND a.status <> 'CANCELLED'
    WHERE t.deleted_at IS NULL AND t.approval = 'APPROVED' AND t.bill_rate IS NOT NULL AND t.rate_source <> 'NONE'
),
right AS (
    SELECT e.*, (SELECT r.rate FROM crm.rate_card c JOIN crm.rate_card_row r ON r.system = c.system AND r.parent = c.id AND r.level = e.level
        WHERE c.deleted_at IS NULL AND c.code = e.code AND c.ccy = e.ccy AND c.status <> 'DRAFT'
            AND c.effective_from <= e.work_date AND c.created_at <= e.approved_at
        ORDER BY c.effective_from DESC, c.card_version DESC LIMIT 1) AS card_rate
    FROM entry e
)
SELECT 'amount is not minutes times rate' AS what, entry_id, contract_no, ccy, abs(amount - time_amount(minutes, bill_rate, ccy)) AS amount,
    bill_rate AS held_value, time_amount(minutes, bill_rate, ccy) AS expected_value
FROM right WHERE amount <> time_amount(minutes, bill_rate, ccy)
UNION ALL
SELECT 'not the rate of that day', entry_id, contract_no, ccy, abs(amount - time_amount(minutes, coalesce(agreed, card_rate), ccy)), bill_rate,
    coalesce(agreed, card_rate)
FROM right WHERE bill_rate <> coalesce(agreed, card_rate, bill_rate)
UNION ALL
SELECT 'changed after approval', json_extract(h.doc, '$.entry_id'), json_extract(h.doc, '$.contract_no'), json_extract(h.doc, '$.ccy'),
    abs(json_extract(h.before, '$.amount') - json_extract(h.doc, '$.amount')), json_extract(h.doc, '$.bill_rate'), json_extract(h.before, '$.bill_rate')
FROM psa.history h WHERE h.entity = 'time_entry' AND h.before IS NOT NULL AND json_extract(h.doc, '$.approval') = 'APPROVED'
    AND json_type(h.before, '$.approval') IS NULL
    AND (json_type(h.before, '$.bill_rate') IS NOT NULL OR json_type(h.before, '$.amount') IS NOT NULL)
""",
)
