"""INV-43: the order in which events arrive does not matter in the end."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-43",
    rule="When all is quiet, every copy says what the newest version of its source says, whatever order the events came in.",
    kind="Q",
    keys=("field", "role", "system", "key"),
    sql="""
SELECT d.field, d.role, d.system, d.id, d.entity, d.key, d.customer_no, d.crm_value, d.copy_value, d.crm_changed_at AS changed_at
FROM differing_copy d
WHERE EXISTS (SELECT 1 FROM crm.outbox o WHERE o.entity = d.entity AND o.record_id = d.crm_id)
UNION ALL
SELECT 'rate', r.role, r.system, r.id, 'rate_card', c.key, NULL, c.level || ' ' || c.rate, r.level || ' ' || r.rate, c.updated_at
FROM (
    SELECT k.key, k.updated_at, k.id, l.level, l.rate FROM crm.rate_card k
    JOIN crm.rate_card_row l ON l.system = k.system AND l.parent = k.id WHERE k.status = 'PUBLISHED' AND k.deleted_at IS NULL
) c JOIN (
    SELECT 'psa' AS role, k.system, k.id, k.key, l.level, l.rate FROM psa.rate_card k
    JOIN psa.rate_card_row l ON l.system = k.system AND l.parent = k.id WHERE k.deleted_at IS NULL
    UNION ALL SELECT 'billing', k.system, k.id, k.key, l.level, l.rate FROM billing.rate_card k
    JOIN billing.rate_card_row l ON l.system = k.system AND l.parent = k.id WHERE k.deleted_at IS NULL
) r ON r.key = c.key AND r.level = c.level
WHERE r.rate <> c.rate
UNION ALL
SELECT e.field, 'erp', s.system, s.id, 'revenue_schedule', p.project_no, NULL, e.psa_value, e.erp_value, p.updated_at
FROM psa.project p
JOIN erp.revenue_schedule s ON s.contract_no = p.contract_no AND s.status IN ('ACTIVE', 'ON_HOLD') AND s.deleted_at IS NULL
    AND s.method IN ('COST_TO_COST', 'HOURS')
JOIN (
    SELECT 'etc_cost' AS field, p2.id AS project, s2.id AS schedule, p2.etc_cost AS psa_value, s2.etc_cost AS erp_value
    FROM psa.project p2 JOIN erp.revenue_schedule s2 ON s2.contract_no = p2.contract_no
    WHERE p2.etc_cost IS NOT NULL AND s2.etc_cost IS NOT p2.etc_cost
    UNION ALL
    SELECT 'etc_hours', p2.id, s2.id, p2.etc_hours, s2.etc_hours
    FROM psa.project p2 JOIN erp.revenue_schedule s2 ON s2.contract_no = p2.contract_no
    WHERE p2.etc_hours IS NOT NULL AND s2.etc_hours IS NOT p2.etc_hours
) e ON e.project = p.id AND e.schedule = s.id
WHERE p.deleted_at IS NULL AND EXISTS (
    SELECT 1 FROM psa.outbox o WHERE o.record_id = p.id AND o.type = 'com.counterfoil.psa.etc.updated.v1')
    AND p.contract_no IN (SELECT t.contract_no FROM erp.revenue_schedule t WHERE t.status IN ('ACTIVE', 'ON_HOLD')
        AND t.deleted_at IS NULL AND t.method IN ('COST_TO_COST', 'HOURS') GROUP BY t.contract_no HAVING count(*) = 1)
""",
)
