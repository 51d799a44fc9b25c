"""INV-27: one legal entity and one currency along a contract."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-27",
    rule="Project, plan, invoices, receivables, schedules and ledger entries are in the legal entity and the currency of their contract.",
    kind="A",
    keys=("what", "role", "key"),
    sql="""
WITH made AS MATERIALIZED (
    SELECT 'psa' AS role, 'project' AS entity, project_no AS key, contract_no, legal_entity, ccy, budget_fee AS amount FROM psa.project
        WHERE deleted_at IS NULL AND status <> 'CANCELLED'
    UNION ALL SELECT 'billing', 'plan', key, contract_no, legal_entity, ccy, NULL FROM billing.plan WHERE deleted_at IS NULL
    UNION ALL SELECT 'billing', 'invoice', coalesce(invoice_no, id), contract_no, legal_entity, ccy, total FROM billing.invoice
        WHERE deleted_at IS NULL AND status <> 'DISCARDED'
    UNION ALL SELECT 'billing', 'credit_memo', coalesce(cm_no, id), contract_no, legal_entity, ccy, total FROM billing.credit_memo
        WHERE deleted_at IS NULL
    UNION ALL SELECT 'erp', 'ar_document', invoice_no, contract_no, legal_entity, ccy, total FROM erp.ar_document WHERE deleted_at IS NULL
    UNION ALL SELECT 'erp', 'revenue_schedule', key, contract_no, legal_entity, ccy, tp FROM erp.revenue_schedule WHERE deleted_at IS NULL
    UNION ALL SELECT 'erp', 'journal_entry', e.je_no, l.contract_no, e.legal_entity, e.ccy, l.amount
        FROM (
            SELECT system, parent, contract_no, sum(dr) AS amount FROM erp.journal_line
            WHERE account IN ('1200', '1220', '1230', '2200', '2300', '4000', '4010', '4020', '4030') GROUP BY system, parent, contract_no
        ) l JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent WHERE e.deleted_at IS NULL
),
contract AS MATERIALIZED (SELECT contract_no, legal_entity, ccy FROM crm.contract WHERE deleted_at IS NULL)
SELECT 'legal entity' AS what, m.role, m.entity, m.key, m.contract_no, m.ccy, m.amount, k.legal_entity AS crm_value, m.legal_entity AS copy_value
FROM made m JOIN contract k ON k.contract_no = m.contract_no WHERE m.legal_entity <> k.legal_entity
UNION ALL
SELECT 'currency', m.role, m.entity, m.key, m.contract_no, m.ccy, m.amount, k.ccy, m.ccy
FROM made m JOIN contract k ON k.contract_no = m.contract_no WHERE m.ccy <> k.ccy
""",
)
