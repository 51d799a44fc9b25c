"""INV-45: every document can be traced back to what a person or a schedule did."""

from counterfoil.invariant import Invariant

KINDS = {
    "psa": ("project",),
    "billing": ("plan", "invoice", "credit_memo", "billable_item"),
    "erp": ("ar_document", "work_entry", "revenue_schedule", "journal_entry"),
}
MADE = " UNION ALL ".join(
    f"""
SELECT '{role}' AS role, h.system, h.entity, h.id, d.key, d.{"je_no" if entity == "journal_entry" else "contract_no"} AS number,
    d.contract_no, d.correlation_id, d.causation_id, {"d.source_doc" if entity == "journal_entry" else "d.source_key"} AS source,
    h.deed, h.actor
FROM {role}.history h JOIN {role}.{entity} d ON d.system = h.system AND d.id = h.id
WHERE h.entity = '{entity}' AND h.version = 1 AND h.before IS NULL AND h.journal_seq IS NOT NULL AND coalesce(h.actor, 'user') NOT IN ('user', 'schedule')
"""
    for role, entities in KINDS.items()
    for entity in entities
)
RUNS = "'revalue_period', 'run_revenue'"
"""Runs of the books: one deed makes entries of many flows."""
RECORDS = " UNION ALL ".join(f"SELECT id FROM {role}.history" for role in ("crm", "psa", "billing", "erp"))

INVARIANT = Invariant(
    id="INV-45",
    rule="Every document and ledger entry that the integration made names the flow it belongs to and what it was made from, and its causes"
    " lead back to a person or a schedule.",
    kind="A",
    presupposes=("trace",),
    keys=("what", "entity", "id"),
    sql=f"""
WITH made AS ({MADE}),
flow AS (SELECT contract_no, opp_no FROM crm.contract)
SELECT 'no correlation id' AS what, role, entity, id, key, contract_no, correlation_id AS found, deed, actor FROM made
WHERE correlation_id IS NULL
UNION ALL
SELECT 'correlation id of another flow', m.role, m.entity, m.id, m.key, m.contract_no, m.correlation_id, m.deed, m.actor
FROM made m LEFT JOIN flow f ON f.contract_no = m.contract_no
WHERE m.correlation_id IS NOT NULL AND m.contract_no IS NOT NULL AND m.correlation_id <> m.contract_no
    AND m.correlation_id <> coalesce(f.opp_no, '') AND m.deed NOT IN ({RUNS})
UNION ALL
SELECT 'no source', role, entity, id, key, contract_no, source, deed, actor FROM made WHERE source IS NULL
UNION ALL
SELECT 'no cause', role, entity, id, key, contract_no, causation_id, deed, actor FROM made WHERE causation_id IS NULL
UNION ALL
SELECT 'cause is unknown', m.role, m.entity, m.id, m.key, m.contract_no, m.causation_id, m.deed, m.actor FROM made m
WHERE m.causation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event e WHERE e.id = m.causation_id)
    AND NOT EXISTS (SELECT 1 FROM ({RECORDS}) r WHERE instr(m.causation_id, r.id) > 0)
UNION ALL
SELECT 'chain of causes is broken', e.system, 'event', e.id, e.key, NULL, e.causation_id, e.type, NULL FROM event e
WHERE e.causation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event c WHERE c.id = e.causation_id)
    AND NOT EXISTS (SELECT 1 FROM ({RECORDS}) r WHERE instr(e.causation_id, r.id) > 0)
""",
)
