"""INV-52: one edit settles after one write to each copy; nothing echoes."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-52",
    rule="One edit by a user leads to at most one write to each copy of the record, and to none of the record itself.",
    kind="E",
    deadlines=("DL-S",),
    keys=("what", "role", "entity", "id", "causation_id"),
    sql="""
WITH written AS (
    SELECT 'crm' AS role, system, entity, id, causation_id, at, doc FROM crm.history WHERE before IS NOT NULL AND causation_id IS NOT NULL
    UNION ALL SELECT 'psa', system, entity, id, causation_id, at, doc FROM psa.history WHERE before IS NOT NULL AND causation_id IS NOT NULL
    UNION ALL SELECT 'erp', system, entity, id, causation_id, at, doc FROM erp.history WHERE before IS NOT NULL AND causation_id IS NOT NULL
    UNION ALL SELECT 'billing', system, entity, id, causation_id, at, doc FROM billing.history WHERE before IS NOT NULL AND causation_id IS NOT NULL
)
SELECT 'copy written more than once' AS what, w.role, w.entity, w.id, w.causation_id, count(*) AS writes, max(w.at) AS at,
    max(json_extract(w.doc, '$.key')) AS key
FROM written w WHERE w.entity IN ('customer', 'site', 'contact', 'rate_card') AND w.at <= :dl_s
GROUP BY w.role, w.system, w.entity, w.id, w.causation_id HAVING count(*) > 1
UNION ALL
SELECT 'record written in answer to itself', 'crm', w.entity, w.id, w.causation_id, count(*), max(w.at), max(json_extract(w.doc, '$.key'))
FROM written w JOIN crm.outbox e ON e.id = w.causation_id AND e.record_id = w.id AND e.entity = w.entity
WHERE w.role = 'crm' AND w.entity IN ('customer', 'site', 'contact', 'rate_card') AND w.at <= :dl_s
GROUP BY w.entity, w.id, w.causation_id
""",
)
