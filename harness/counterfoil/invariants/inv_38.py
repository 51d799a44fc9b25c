"""INV-38: a change of price is accounted for as it was agreed."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-38",
    rule="A revenue line that a change order changed has a new schedule version of the agreed treatment, the old one is superseded, and a"
    " cumulative catch-up is booked in the period in which the change was applied.",
    kind="E",
    deadlines=("DL-C",),
    keys=("what", "contract_no", "co_seq", "line_no"),
    sql="""
WITH changed AS (
    SELECT a.contract_no, a.co_seq, a.line_no, a.treatment, a.amount, k.ccy, o.approved_at, o.applied_at, e.tz, k.legal_entity
    FROM agreed_change a JOIN crm.change_order o ON o.key = a.key AND o.deleted_at IS NULL
    JOIN crm.contract k ON k.contract_no = a.contract_no AND k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD')
    JOIN erp.legal_entity e ON e.code = k.legal_entity
    CROSS JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id AND l.line_no = a.line_no AND l.type IN ('FIXED_FEE', 'RETAINER')
    WHERE a.amount <> 0 AND o.approved_at <= :dl_c
),
held AS (
    SELECT c.*, s.id AS schedule, s.treatment AS held, s.schedule_version, s.status,
        min(s.schedule_version) OVER (PARTITION BY c.contract_no, c.co_seq, c.line_no) AS first_version FROM changed c
    LEFT JOIN erp.revenue_schedule s ON s.contract_no = c.contract_no AND s.line_no = c.line_no AND s.deleted_at IS NULL AND s.co_seq >= c.co_seq
)
SELECT 'no schedule of the change' AS what, contract_no, co_seq, line_no, ccy, abs(amount) AS amount, treatment AS agreed, NULL AS held
FROM held WHERE schedule IS NULL
UNION ALL
SELECT 'another treatment', contract_no, co_seq, line_no, ccy, abs(amount), treatment, held FROM held h
WHERE schedule IS NOT NULL AND h.schedule_version = h.first_version AND held IS NOT treatment AND NOT (treatment = 'SEPARATE' AND held IS NULL)
UNION ALL
SELECT 'old version not superseded', s.contract_no, s.co_seq, s.line_no, s.ccy, coalesce(s.tp, 0), 'SUPERSEDED', s.status
FROM erp.revenue_schedule s WHERE s.deleted_at IS NULL AND s.status NOT IN ('SUPERSEDED', 'COMPLETED') AND s.updated_at <= :dl_c AND EXISTS (
    SELECT 1 FROM erp.revenue_schedule n WHERE n.system = s.system AND n.contract_no = s.contract_no AND n.line_no = s.line_no
        AND n.deleted_at IS NULL AND n.schedule_version > s.schedule_version)
UNION ALL
SELECT 'catch-up in another period', h.contract_no, h.co_seq, h.line_no, h.ccy, abs(r.amount), substr(business_date(s.created_at, h.tz), 1, 7), r.period
FROM held h JOIN erp.revenue_schedule s ON s.id = h.schedule
JOIN erp.revenue_entry r ON r.system = s.system AND r.schedule = s.id AND r.kind = 'CATCH_UP' AND r.deleted_at IS NULL
WHERE h.treatment = 'CATCH_UP' AND r.period < substr(business_date(s.created_at, h.tz), 1, 7)
UNION ALL
SELECT 'past revenue changed', h.contract_no, h.co_seq, h.line_no, h.ccy, abs(r.amount), h.treatment, r.kind
FROM held h JOIN erp.revenue_entry r ON r.schedule = h.schedule AND r.kind = 'CATCH_UP' AND r.deleted_at IS NULL AND r.amount <> 0
WHERE h.treatment IN ('PROSPECTIVE', 'SEPARATE') AND h.held = h.treatment
""",
)
