"""INV-09: the project is set up as it was sold."""

from counterfoil.invariant import Invariant

PAIRS = (
    ("legal_entity", "k.legal_entity", "p.legal_entity", ""),
    ("ccy", "k.ccy", "p.ccy", ""),
    ("practice", "k.practice", "p.practice", ""),
    ("rate card", "k.rate_card_code", "p.rate_card_code", "AND k.rate_card_code IS NOT NULL"),
    ("rate card version", "k.rate_card_version", "p.rate_card_version", "AND k.rate_card_version IS NOT NULL"),
    ("start", "k.start", "p.start", "AND k.current_version = 1 AND k.start IS NOT NULL"),
    ("end", 'k."end"', 'p."end"', 'AND k.current_version = 1 AND k."end" IS NOT NULL'),
)
PROJECT = """
FROM crm.contract k JOIN psa.project p ON p.contract_no = k.contract_no AND p.deleted_at IS NULL AND p.status NOT IN ('CANCELLED', 'CLOSED')
WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND coalesce(k.activated_at, k.created_at) <= :dl_p
"""
FIELDS = " UNION ALL ".join(
    f"SELECT '{what}' AS field, k.contract_no, p.project_no, NULL AS line_no, {sold} AS crm_value, {set_up} AS psa_value"
    f" {PROJECT} AND {sold} IS NOT {set_up} {where}"
    for what, sold, set_up, where in PAIRS
)
LINES = " UNION ALL ".join(
    f"""
SELECT 'line {name}', k.contract_no, p.project_no, l.line_no, l.{name}, m.{name}
FROM crm.contract k JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id
JOIN psa.project p ON p.contract_no = k.contract_no AND p.deleted_at IS NULL AND p.status NOT IN ('CANCELLED', 'CLOSED')
LEFT JOIN psa.project_line m ON m.system = p.system AND m.parent = p.id AND m.line_no = l.line_no
WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD') AND coalesce(k.activated_at, k.created_at) <= :dl_p
    AND k.current_version = 1 AND l.{name} IS NOT m.{name}
"""
    for name in ("type", "tax_code")
)

UNMANAGED = f"""
SELECT 'manager', k.contract_no, p.project_no, NULL, 'somebody', NULL {PROJECT} AND p.manager IS NULL
    AND EXISTS (SELECT 1 FROM psa.employee e WHERE e.legal_entity = p.legal_entity AND e.level = 'MANAGER' AND e.status = 'ACTIVE'
        AND e.deleted_at IS NULL)
"""

INVARIANT = Invariant(
    id="INV-09",
    rule="A project has a manager, and the legal entity, currency, practice, rate card, dates, line types and tax codes of its contract.",
    kind="E",
    deadlines=("DL-P",),
    keys=("field", "contract_no", "project_no", "line_no"),
    sql=f"{FIELDS} UNION ALL {LINES} UNION ALL {UNMANAGED}",
)
