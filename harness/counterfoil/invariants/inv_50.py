"""INV-50: what one company of the firm owes another, the other has as a claim."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-50",
    rule="Work that one company's people do on another's contract is booked by both: entries that carry one reference name each other, are opposite"
    " and equal after translation.",
    kind="P",
    deadlines=("DL-T",),
    keys=("what", "ic_ref"),
    sql="""
WITH side AS (
    SELECT l.ic_ref, l.account, e.legal_entity, l.ic_partner, l.func_ccy, min(l.contract_no) AS contract_no, max(e.posted_at) AS posted_at,
        sum(l.func_dr - l.func_cr) AS amount
    FROM erp.journal_entry e JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
    WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT' AND l.ic_ref IS NOT NULL AND l.account IN ('1600', '2600')
    GROUP BY l.ic_ref, l.account, e.legal_entity, l.ic_partner, l.func_ccy
),
pair AS (
    SELECT c.ic_ref, c.contract_no, c.legal_entity AS supplier, c.ic_partner AS charged, c.amount AS claim, c.func_ccy AS claim_ccy,
        o.legal_entity AS debtor, o.ic_partner AS owed_to, -o.amount AS debt, o.func_ccy, (
            SELECT r.rate FROM erp.fx_rate r WHERE r.deleted_at IS NULL AND r.type = 'SPOT' AND r.from_ccy = c.func_ccy AND r.to_ccy = o.func_ccy
                AND r.rate_date <= w.work_date AND r.created_at <= w.created_at ORDER BY r.rate_date DESC LIMIT 1) AS rate
    FROM side c JOIN side o ON o.ic_ref = c.ic_ref AND o.account = '2600'
    LEFT JOIN erp.work_entry w ON w.ic_ref = c.ic_ref
    WHERE c.account = '1600'
)
SELECT 'debt without a claim' AS what, s.ic_ref, s.contract_no, s.func_ccy AS ccy, abs(s.amount) AS amount, s.legal_entity, s.ic_partner
FROM side s WHERE s.account = '2600' AND s.amount <> 0 AND s.posted_at <= :dl_t
    AND s.ic_ref NOT IN (SELECT o.ic_ref FROM side o WHERE o.account = '1600')
UNION ALL
SELECT 'claim without a debt', s.ic_ref, s.contract_no, s.func_ccy, abs(s.amount), s.legal_entity, s.ic_partner
FROM side s WHERE s.account = '1600' AND s.amount <> 0 AND s.posted_at <= :dl_t
    AND s.ic_ref NOT IN (SELECT o.ic_ref FROM side o WHERE o.account = '2600')
UNION ALL
SELECT 'sides do not name each other', ic_ref, contract_no, func_ccy, abs(debt), supplier || ' on ' || charged, debtor || ' to ' || owed_to
FROM pair WHERE supplier <> owed_to OR charged <> debtor
UNION ALL
SELECT 'sides differ', ic_ref, contract_no, func_ccy, abs(debt - CASE claim_ccy WHEN func_ccy THEN claim ELSE convert_ccy(claim, coalesce(rate, 0), claim_ccy, func_ccy) END),
    supplier, debtor
FROM pair WHERE abs(debt - CASE claim_ccy WHEN func_ccy THEN claim ELSE convert_ccy(claim, coalesce(rate, 0), claim_ccy, func_ccy) END) > 1
UNION ALL
SELECT 'work of a sister company as one''s own', t.entry_id, t.contract_no, t.cost_ccy, t.cost, t.employee_entity, t.legal_entity
FROM psa.time_entry t JOIN erp.work_entry w ON w.source_id = t.entry_id AND w.source_type = 'TIME' AND w.deleted_at IS NULL
WHERE t.deleted_at IS NULL AND t.approval = 'APPROVED' AND t.employee_entity <> t.legal_entity AND t.cost <> 0 AND t.approved_at <= :dl_t
    AND coalesce(w.ic_ref, '') NOT IN (SELECT s.ic_ref FROM side s WHERE s.account = '2600')
""",
)
