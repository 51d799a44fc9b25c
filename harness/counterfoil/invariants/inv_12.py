"""INV-12: the project's budgets follow the contract and its change orders."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-12",
    rule="A project's budget of hours and of cost is what the contract was sold with plus every applied change order.",
    kind="E",
    deadlines=("DL-P", "DL-C"),
    keys=("what", "contract_no"),
    sql="""
WITH contract AS (
    SELECT k.contract_no, k.ccy, sum(coalesce(l.budget_hours, 0)) AS hours, sum(coalesce(l.budget_cost, 0)) AS cost
    FROM crm.contract k JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id
    WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND coalesce(k.activated_at, k.created_at) <= :dl_p
        AND k.contract_no NOT IN (SELECT o.contract_no FROM crm.change_order o WHERE o.contract_no IS NOT NULL AND o.deleted_at IS NULL
            AND (o.status = 'APPROVED' AND o.approved_at > :dl_c OR o.status = 'APPLIED' AND o.applied_at > :dl_c))
    GROUP BY k.system, k.id
),
agreed AS (
    SELECT c.contract_no, sum(c.hours) AS hours, sum(c.cost) AS cost FROM agreed_change c WHERE c.status = 'APPROVED' GROUP BY c.contract_no
),
budget AS (
    SELECT contract_no, sum(coalesce(budget_hours, 0)) AS hours, sum(coalesce(budget_cost, 0)) AS cost FROM psa.project
    WHERE deleted_at IS NULL AND status <> 'CANCELLED' GROUP BY contract_no
),
both AS (
    SELECT k.contract_no, k.ccy, k.hours + coalesce(a.hours, 0) AS hours, k.cost + coalesce(a.cost, 0) AS cost, b.hours AS held_hours,
        b.cost AS held_cost FROM contract k JOIN budget b ON b.contract_no = k.contract_no LEFT JOIN agreed a ON a.contract_no = k.contract_no
)
SELECT 'hours' AS what, contract_no, NULL AS ccy, 0 AS amount, hours AS crm_value, held_hours AS psa_value FROM both WHERE hours <> held_hours
UNION ALL
SELECT 'cost', contract_no, ccy, abs(cost - held_cost), cost, held_cost FROM both WHERE cost <> held_cost
""",
)
