"""INV-29: every journal entry balances."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-29",
    rule="Debits equal credits in every journal entry, in its own currency and in the books' currency; rounding takes one minor unit"
    " at most.",
    kind="A",
    keys=("je_no", "what"),
    sql="""
WITH sums AS (
    SELECT e.je_no, e.legal_entity, e.ccy, e.source_doc, coalesce(sum(l.dr), 0) AS dr, coalesce(sum(l.cr), 0) AS cr,
        coalesce(sum(l.func_dr), 0) AS func_dr, coalesce(sum(l.func_cr), 0) AS func_cr,
        coalesce(sum(CASE l.account WHEN '9000' THEN l.func_dr + l.func_cr END), 0) AS rounding, count(l.position) AS lines
    FROM erp.journal_entry e LEFT JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
    WHERE e.status <> 'DRAFT' AND e.deleted_at IS NULL GROUP BY e.system, e.id
)
SELECT je_no, 'transaction currency' AS what, legal_entity, source_doc, ccy, abs(dr - cr) AS amount, dr AS erp_debit, cr AS erp_credit
FROM sums WHERE dr <> cr
UNION ALL
SELECT je_no, 'functional currency', legal_entity, source_doc, ccy, abs(func_dr - func_cr), func_dr, func_cr FROM sums WHERE func_dr <> func_cr
UNION ALL
SELECT je_no, 'rounding', legal_entity, source_doc, ccy, rounding, rounding, 1 FROM sums WHERE rounding > 1
UNION ALL
SELECT je_no, 'no lines', legal_entity, source_doc, ccy, 0, 0, 0 FROM sums WHERE lines = 0
""",
)
