"""The words that invariants and figures share: temporary tables and views over all systems, and a few SQL functions.

They live on the store's own connection, hold no truth of their own and are built anew before each verdict.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from counterfoil_mocks.kernel.store import Store

ROLES_OF_COPIES = ("erp", "psa", "billing")
DEFAULT_LINK = "external_id"
# fmt: off
LEGAL_FORMS = frozenset({
    "inc", "incorporated", "corp", "corporation", "co", "company", "llc", "llp", "lp", "ltd", "limited", "plc", "gmbh", "mbh", "ag",
    "kg", "ohg", "ug", "sa", "sarl", "sas", "srl", "spa", "bv", "nv", "ab", "as", "aps", "oy", "kk", "pty", "pte", "kft",
})
# fmt: on
_MARKS = re.compile(r"[^\w\s]|_")
_NAME = re.compile(r"[A-Za-z0-9_]+")

TABLES = """
DROP TABLE IF EXISTS temp.link;
CREATE TEMP TABLE link (role TEXT NOT NULL, system TEXT NOT NULL, id TEXT NOT NULL, golden_system TEXT NOT NULL,
    golden_id TEXT NOT NULL, customer_no TEXT, PRIMARY KEY (role, system, id));
CREATE INDEX temp.link_golden ON link (golden_id, role);
DROP TABLE IF EXISTS temp.int_event;
CREATE TEMP TABLE int_event (type TEXT NOT NULL, key TEXT, at TEXT NOT NULL, id TEXT, severity TEXT, owner TEXT, ref TEXT);
DROP VIEW IF EXISTS temp.live_invoice;
CREATE TEMP VIEW live_invoice AS
    SELECT * FROM billing.invoice
    WHERE deleted_at IS NULL AND status NOT IN ('DRAFT', 'PENDING_APPROVAL', 'APPROVED', 'DISCARDED', 'VOID');
DROP VIEW IF EXISTS temp.live_credit;
CREATE TEMP VIEW live_credit AS
    SELECT * FROM billing.credit_memo
    WHERE deleted_at IS NULL AND status NOT IN ('DRAFT', 'PENDING_APPROVAL', 'APPROVED');
DROP VIEW IF EXISTS temp.billed;
CREATE TEMP VIEW billed AS
    SELECT 'INVOICE' AS doc_type, i.system, i.invoice_no AS doc_no, i.invoice_no, i.contract_no, i.legal_entity, i.ccy, i.issue_date,
        i.issued_at, l.line_no, l.line_type, l.contract_line, l.plan_line, coalesce(l.ms_code, p.ms_code) AS ms_code, l.net, l.tax
    FROM live_invoice i JOIN billing.invoice_line l ON l.system = i.system AND l.parent = i.id
    LEFT JOIN billing.plan_line p ON p.system = i.system AND p.key = l.plan_line
    UNION ALL
    SELECT 'CREDIT_MEMO', m.system, m.cm_no, m.corrects, m.contract_no, m.legal_entity, m.ccy, m.issue_date,
        m.issued_at, l.line_no, l.line_type, l.contract_line, l.plan_line, coalesce(l.ms_code, p.ms_code), -abs(l.net), -abs(l.tax)
    FROM live_credit m JOIN billing.credit_memo_line l ON l.system = m.system AND l.parent = m.id
    LEFT JOIN billing.plan_line p ON p.system = m.system AND p.key = l.plan_line;
DROP VIEW IF EXISTS temp.billed_item;
CREATE TEMP VIEW billed_item AS
    SELECT 'INVOICE' AS doc_type, i.system, i.invoice_no AS doc_no, i.invoice_no, i.contract_no, i.issued_at, i.ccy, t.source_id, t.amount
    FROM live_invoice i JOIN billing.invoice_item t ON t.system = i.system AND t.parent = i.id
    UNION ALL
    SELECT 'CREDIT_MEMO', m.system, m.cm_no, m.corrects, m.contract_no, m.issued_at, m.ccy, t.source_id, -abs(t.amount)
    FROM live_credit m JOIN billing.credit_memo_item t ON t.system = m.system AND t.parent = m.id;
DROP VIEW IF EXISTS temp.agreed_change;
CREATE TEMP VIEW agreed_change AS
    SELECT o.contract_no, o.co_seq, o.key, o.status, o.approved_at, o.treatment, d.line_no, coalesce(d.amount, 0) AS amount,
        coalesce(d.cap, 0) AS cap, coalesce(d.hours, 0) AS hours, coalesce(d.cost, 0) AS cost
    FROM crm.change_order o JOIN crm.co_delta d ON d.system = o.system AND d.parent = o.id
    WHERE o.deleted_at IS NULL AND o.status IN ('APPROVED', 'APPLIED');
DROP VIEW IF EXISTS temp.work;
CREATE TEMP VIEW work AS
    SELECT 'TIME' AS source_type, system, key, contract_no, project_no, legal_entity, line_no, work_date, minutes, approval, billing, ccy,
        amount, cost, cost_ccy, approved_at, updated_at, invoice_line
    FROM psa.time_entry WHERE deleted_at IS NULL
    UNION ALL
    SELECT 'EXPENSE', system, key, contract_no, project_no, legal_entity, line_no, spend_date, 0, approval, billing, ccy,
        bill_amount, cost, ccy, approved_at, updated_at, invoice_line
    FROM psa.expense WHERE deleted_at IS NULL;
DROP VIEW IF EXISTS temp.event;
CREATE TEMP VIEW event AS
    SELECT * FROM crm.outbox UNION ALL SELECT * FROM psa.outbox UNION ALL SELECT * FROM erp.outbox UNION ALL SELECT * FROM billing.outbox
"""

COPY_OF_CUSTOMER = """
SELECT '{field}' AS field, '{role}' AS role, c.system, c.id, 'customer' AS entity, g.id AS crm_id, g.customer_no, g.customer_no AS key,
    g.{field} AS crm_value, c.{field} AS copy_value, g.updated_at AS crm_changed_at
FROM {role}.customer c JOIN link l ON l.role = '{role}' AND l.system = c.system AND l.id = c.id
JOIN crm.customer g ON g.system = l.golden_system AND g.id = l.golden_id WHERE {differs}
"""
COPY_OF_SITE = """
SELECT '{field}', '{role}', c.system, c.id, 'site', g.id, g.customer_no, g.key, g.{field}, c.{field}, g.updated_at
FROM {role}.site c JOIN crm.site g ON g.key = c.key AND g.deleted_at IS NULL WHERE c.deleted_at IS NULL AND {differs}
"""
CUSTOMER_FIELDS = {
    "name": "NOT same_text(c.name, g.name) AND NOT same_text(c.name_full, g.name)",
    "owner": "c.owner IS NOT NULL AND NOT same_text(c.owner, g.owner)",
    "segment": "c.segment IS NOT NULL AND NOT same_text(c.segment, g.segment)",
    "legal_name": "c.legal_name IS NOT NULL AND NOT same_text(c.legal_name, g.legal_name)",
    "country": "c.country IS NOT g.country",
}
"""Fields of a customer that the CRM owns, with what makes a copy differ. A name may be short where the whole is in `name_full`."""
SITE_FIELDS = {
    "lines": "c.lines <> g.lines AND NOT EXISTS (SELECT 1 FROM json_each(g.lines) e WHERE length(e.value) > 40)",
    **{name: f"NOT same_text(c.{name}, g.{name})" for name in ("city", "region", "postcode", "country")},
}
DIFFERING_COPIES = " UNION ALL ".join(
    [
        COPY_OF_CUSTOMER.format(role=role, field=field, differs=differs)
        for role in ROLES_OF_COPIES
        for field, differs in CUSTOMER_FIELDS.items()
    ]
    + [
        COPY_OF_SITE.format(role=role, field=field, differs=differs)
        for role in ("erp", "billing")
        for field, differs in SITE_FIELDS.items()
    ]
)

LINK = """
INSERT OR IGNORE INTO temp.link (role, system, id, golden_system, golden_id, customer_no)
SELECT '{role}', c.system, c.id, g.system, g.id, g.customer_no FROM {role}.customer c JOIN crm.customer g ON {same}
WHERE c.deleted_at IS NULL AND c.status <> 'MERGED'
"""


def prepare(store: Store, *, links: Mapping[str, str] | None = None, events: Iterable[Mapping[str, Any]] = ()) -> None:
    """Build the vocabulary on the store's connection; not inside `read_only`.

    links: of the integration's descriptor, `{"erp.customer": "external_id -> crm.account"}`. events: what the integration has told of
    itself (`int.exception.raised`, `int.dlq.parked`, …). Raises ValueError for a link that names no column.
    """
    store.connection.create_function("norm_name", 1, norm_name, deterministic=True)
    store.connection.create_function("same_text", 2, same_text, deterministic=True)
    for statement in TABLES.split(";\n"):
        store.execute(statement)
    store.execute("DROP VIEW IF EXISTS temp.differing_copy")
    store.execute(f"CREATE TEMP VIEW differing_copy AS {DIFFERING_COPIES}")
    for role in ROLES_OF_COPIES:
        column = _column((links or {}).get(f"{role}.customer", DEFAULT_LINK), store.table(role, "customer").names)
        store.execute(LINK.format(role=role, same=f"g.id = {column}"))
        store.execute(LINK.format(role=role, same=f"g.customer_no = c.customer_no AND {column} IS NULL"))
    store.connection.executemany("INSERT INTO temp.int_event VALUES (?, ?, ?, ?, ?, ?, ?)", map(_own_event, events))


def _column(link: str, known: Collection[str]) -> str:
    name, _, within = link.split("->", maxsplit=1)[0].strip().partition(".")
    if name == "custom" and _NAME.fullmatch(within):
        return f"json_extract(c.custom, '$.{within}')"
    if within or name not in known:
        raise ValueError(f"link {link!r}: expected a field of the customer, or `custom.<name>`, before `->`")
    return f"c.{name}"


def _own_event(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """An `int.*` event as a row: its CloudEvents attributes, or the same words inside its data."""
    body: Mapping[str, Any] = event.get("data") or {}

    def said(*names: str) -> Any:
        return next((place[name] for name in names for place in (event, body) if place.get(name) is not None), None)

    kind = str(said("type") or "").removeprefix("com.counterfoil.").removesuffix(".v1")
    key = said("businesskey", "business_key", "key", "subject")
    owner, severity = said("owner"), said("severity")
    return (
        kind,
        key,
        said("at", "time", "received_at") or "",
        said("id"),
        severity,
        owner,
        said("ref", "message", "causationid"),
    )


def norm_name(name: str | None) -> str | None:
    """A company's name without case, accents' encoding, punctuation and legal form: `ACME, Inc.` is `acme`."""
    if name is None:
        return None
    words = _MARKS.sub(" ", unicodedata.normalize("NFKC", name).casefold().replace("'", "").replace(".", "")).split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return " ".join(words)


def same_text(left: str | None, right: str | None) -> int:
    """1 when two texts are equal after Unicode normalisation, surrounding blanks aside; absent and empty are equal."""
    return int(unicodedata.normalize("NFC", left or "").strip() == unicodedata.normalize("NFC", right or "").strip())
