"""INV-15: only approved change orders have effects, each once in each system."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-15",
    rule="A change order has effects only when it is approved, once in each system; an applied one is held by all four.",
    kind="A",
    keys=("what", "role", "key"),
    sql="""
WITH held AS (
    SELECT 'psa' AS role, system, contract_no, co_seq, ccy, fee AS amount, cap FROM psa.change_order WHERE deleted_at IS NULL
    UNION ALL SELECT 'billing', system, contract_no, co_seq, ccy, amount, cap FROM billing.change_order WHERE deleted_at IS NULL
    UNION ALL SELECT 'erp', system, contract_no, co_seq, ccy, amount, cap FROM erp.change_order WHERE deleted_at IS NULL
),
agreed AS (
    SELECT contract_no, co_seq, key, status, sum(amount) AS amount, sum(cap) AS cap FROM agreed_change GROUP BY contract_no, co_seq
)
SELECT 'not approved' AS what, h.role, h.contract_no || '/CO-' || h.co_seq AS key, h.contract_no, h.ccy,
    coalesce(h.amount, 0) + coalesce(h.cap, 0) AS amount, o.status AS crm_value, 'held' AS copy_value
FROM held h LEFT JOIN crm.change_order o ON o.contract_no = h.contract_no AND o.co_seq = h.co_seq AND o.deleted_at IS NULL
WHERE o.id IS NULL OR o.status NOT IN ('APPROVED', 'APPLIED')
UNION ALL
SELECT 'held twice', role, contract_no || '/CO-' || co_seq, contract_no, min(ccy), sum(coalesce(amount, 0) + coalesce(cap, 0)) / count(*),
    1, count(*) FROM held GROUP BY role, system, contract_no, co_seq HAVING count(*) > 1
UNION ALL
SELECT 'applied, not held', r.role, o.key, o.contract_no, o.ccy, 0, o.status, NULL
FROM crm.change_order o CROSS JOIN (SELECT 'psa' AS role UNION ALL SELECT 'billing' UNION ALL SELECT 'erp') r
WHERE o.deleted_at IS NULL AND o.status = 'APPLIED'
    AND NOT EXISTS (SELECT 1 FROM held h WHERE h.role = r.role AND h.contract_no = o.contract_no AND h.co_seq = o.co_seq)
UNION ALL
SELECT 'other amounts', h.role, a.key, a.contract_no, h.ccy, abs(a.amount + a.cap - coalesce(h.amount, 0) - coalesce(h.cap, 0)),
    a.amount || ' + ' || a.cap, coalesce(h.amount, 0) || ' + ' || coalesce(h.cap, 0)
FROM agreed a JOIN held h ON h.contract_no = a.contract_no AND h.co_seq = a.co_seq
WHERE coalesce(h.amount, 0) + coalesce(h.cap, 0) NOT IN (0, a.amount + a.cap)
""",
)
