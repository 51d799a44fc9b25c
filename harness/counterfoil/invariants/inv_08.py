"""INV-08: a won deal is ready to be delivered and billed."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-08",
    rule="Each won deal has one live contract, and that has a project, a billing plan and a revenue schedule for every revenue line.",
    kind="E",
    deadlines=("DL-P",),
    keys=("what", "opp_no", "contract_no", "line_no"),
    sql="""
WITH won AS (
    SELECT o.opp_no, o.id, o.system, o.closed_at, o.ccy, o.amount FROM crm.opportunity o
    WHERE o.deleted_at IS NULL AND o.stage = 'CLOSED_WON' AND o.closed_at IS NOT NULL AND o.closed_at <= :dl_p
),
contract AS (
    SELECT w.opp_no, w.closed_at, k.* FROM won w JOIN crm.contract k ON k.system = w.system AND k.opportunity = w.id
    WHERE k.deleted_at IS NULL AND k.status NOT IN ('CANCELLED', 'CLOSED', 'COMPLETED', 'TERMINATED')
)
SELECT 'contracts of one deal' AS what, w.opp_no, min(k.contract_no) AS contract_no, NULL AS line_no, w.ccy,
    w.amount AS amount, 1 AS expected, count(k.id) AS actual
FROM won w LEFT JOIN crm.contract k ON k.system = w.system AND k.opportunity = w.id AND k.deleted_at IS NULL AND k.status <> 'CANCELLED'
GROUP BY w.system, w.id HAVING count(k.id) <> 1
UNION ALL
SELECT 'contract not active', opp_no, contract_no, NULL, ccy, current_value, 'ACTIVE', status FROM contract
WHERE status IN ('DRAFT', 'PENDING_APPROVAL', 'APPROVED')
UNION ALL
SELECT 'no project', opp_no, contract_no, NULL, ccy, current_value, 1, 0 FROM contract k
WHERE k.contract_no NOT IN (SELECT p.contract_no FROM psa.project p
    WHERE p.contract_no IS NOT NULL AND p.deleted_at IS NULL AND p.status <> 'CANCELLED')
UNION ALL
SELECT 'no billing plan', opp_no, contract_no, NULL, ccy, current_value, 1, 0 FROM contract k
WHERE k.contract_no NOT IN (SELECT p.contract_no FROM billing.plan p WHERE p.contract_no IS NOT NULL AND p.deleted_at IS NULL)
UNION ALL
SELECT 'schedules of one line', k.opp_no, k.contract_no, l.line_no, k.ccy, coalesce(l.amount, l.cap, 0), 1, count(s.id)
FROM contract k JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id AND l.type <> 'EXPENSE'
LEFT JOIN erp.revenue_schedule s ON s.contract_no = k.contract_no AND s.line_no = l.line_no AND s.deleted_at IS NULL
    AND s.status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED')
GROUP BY k.system, k.id, l.line_no HAVING count(s.id) <> 1
""",
)
