"""Entities and state machines of the ERP: what its books are kept with and the ledger here, receivables and revenue beside it."""

from __future__ import annotations

from counterfoil_mocks.common_fields import (
    change_order_copy,
    currency,
    customer_fields,
    fx_rate_fields,
    legal_entity_fields,
    service_item_fields,
    site_fields,
    tax_code_fields,
    vendor_object_entity,
)
from counterfoil_mocks.erp.model_receivables import ALLOWANCE, APPLICATION, AR_DOCUMENT, AR_LINE, PAYMENT, REFUND
from counterfoil_mocks.erp.model_revenue import IC_CHARGE, REVENUE_ENTRY, REVENUE_SCHEDULE, WORK_ENTRY
from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.fields import (
    Entity,
    amount,
    choice,
    day,
    instant,
    integer,
    lines,
    listing,
    state,
    text,
)
from counterfoil_mocks.kernel.role import Role

__all__ = [
    "ALLOWANCE",
    "APPLICATION",
    "AR_DOCUMENT",
    "AR_LINE",
    "CHANGE_ORDER",
    "CURRENCY",
    "CUSTOMER",
    "FX_RATE",
    "HANDOVER",
    "HANDOVER_LINE",
    "IC_CHARGE",
    "JOURNAL_ENTRY",
    "JOURNAL_LINE",
    "LEGAL_ENTITY",
    "PAYMENT",
    "PERIOD",
    "REFUND",
    "REVENUE_ENTRY",
    "REVENUE_SCHEDULE",
    "ROLE",
    "SERVICE_ITEM",
    "SITE",
    "TAX_CODE",
    "WORK_ENTRY",
]

LEGAL_ENTITY = Entity(
    "legal_entity",
    "legal_entities",
    "ENT",
    (
        *legal_entity_fields(),
        text("moved_to", "System that keeps its books since they were moved away from here.", limit=40, computed=True),
    ),
    key="{code}",
    unique=True,
    deletable=False,
)
CURRENCY = Entity(
    "currency",
    "currencies",
    "CCY",
    (text("code", limit=3, required=True), text("name", limit=60), integer("exponent", low=0, high=4, required=True)),
    key="{code}",
    unique=True,
    deletable=False,
)
FX_RATE = Entity(
    "fx_rate",
    "fx_rates",
    "FXR",
    fx_rate_fields(),
    key="{from_ccy}{to_ccy}/{rate_date}/{type}",
    unique=True,
    events={"created": "erp.fx_rate.published", "updated": "erp.fx_rate.published"},
)
PERIOD = Entity(
    "period",
    "periods",
    "PER",
    (
        text("legal_entity", limit=20, required=True),
        text("period", "`YYYY-MM`.", limit=7, required=True, pattern="^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"),
        day("from_date", computed=True),
        day("to_date", computed=True),
        state("status", "FUTURE→OPEN→SOFT_CLOSED→CLOSED; SOFT_CLOSED→OPEN; CLOSED→OPEN", initial="OPEN"),
        instant("soft_closed_at", computed=True),
        instant("closed_at", computed=True),
        text("closed_by", limit=120, computed=True),
        text("reopen_approval", limit=120, computed=True),
    ),
    key="{legal_entity}/{period}",
    unique=True,
    deletable=False,
)
TAX_CODE = Entity(
    "tax_code",
    "tax_codes",
    "TAX",
    tax_code_fields(),
    key="{code}",
    unique=True,
    events={"created": "erp.tax_code.changed", "updated": "erp.tax_code.changed"},
)
SERVICE_ITEM = Entity(
    "service_item",
    "service_items",
    "ITEM",
    (*service_item_fields(), text("revenue_account", limit=10, required=True)),
    key="{code}",
    unique=True,
)
CUSTOMER = Entity(
    "customer",
    "customers",
    "CUST",
    customer_fields(60),
    key="{customer_no}",
    doc="The debtor.",
    sorts=("created_at",),
    folds=("external_id",),
)
SITE = Entity("site", "sites", "SITE", site_fields(), key="{customer_no}/{site_code}")
JOURNAL_LINE = Entity(
    "journal_line",
    "journal_lines",
    "",
    (
        integer("line_no", low=1, high=9999),
        text("account", limit=10, required=True, indexed=True),
        text("ccy", limit=3, computed=True),
        amount("dr", default=0),
        amount("cr", default=0),
        text("func_ccy", limit=3, computed=True),
        amount("func_dr", ccy="func_ccy", default=0),
        amount("func_cr", ccy="func_ccy", default=0),
        text("contract_no", limit=20, indexed=True),
        text("project_no", limit=30),
        text("customer_no", limit=20),
        integer("contract_line", low=1, high=999),
        text("ic_partner", "The other company of an intercompany line.", limit=20),
        text("ic_ref", limit=60),
    ),
)
JOURNAL_ENTRY = Entity(
    "journal_entry",
    "journal_entries",
    "JE",
    (
        text("je_no", limit=20),
        text("legal_entity", limit=20, required=True),
        day("posting_date", required=True),
        text("period", limit=7, computed=True, indexed=True),
        text("source_doc", "Kind and key of what it books: `invoice INV-US-00001`.", limit=120),
        text("rule", "Posting rule: P1 to P11, LOSS, IC; MANUAL for one by hand.", limit=10),
        currency(required=True),
        text("contract_no", limit=20, indexed=True),
        state("status", "DRAFT→POSTED→REVERSED"),
        instant("posted_at", computed=True),
        text("posted_by", limit=120, computed=True),
        text("reverses", "Number of the entry that this one mirrors.", limit=20),
        lines("lines", JOURNAL_LINE),
    ),
    key="{je_no}",
    unique=True,
    number=("je_no", "JE-{:06d}"),
    writable=False,
    doc="A balanced entry. Lines are never edited; a mirror entry reverses it.",
    sorts=("created_at",),
    folds=("external_id",),
)
CHANGE_ORDER = change_order_copy(
    choice("treatment", "SEPARATE PROSPECTIVE CATCH_UP"),
    amount("amount"),
    amount("cap"),
    amount("cost"),
)

HANDOVER_LINE = Entity(
    "handover_line",
    "handover_lines",
    "",
    (
        text("account", limit=10, required=True),
        text("ccy", limit=3, computed=True),
        amount("dr", default=0),
        amount("cr", default=0),
        text("func_ccy", limit=3, computed=True),
        amount("func_dr", ccy="func_ccy", default=0),
        amount("func_cr", ccy="func_ccy", default=0),
    ),
)
HANDOVER = Entity(
    "handover",
    "handovers",
    "HDO",
    (
        text("legal_entity", limit=20, required=True),
        text("contract_no", limit=20, required=True, indexed=True),
        currency(required=True),
        text("to_system", limit=40, required=True),
        day("as_of", required=True),
        listing("documents", "Ids of the receivables that were open.", limit=5000),
        listing("schedules", "Ids of the schedules that were running.", limit=500),
        listing("work", "Ids of the work that they are measured by.", limit=50_000),
        lines("lines", HANDOVER_LINE, "Balances that were closed."),
    ),
    key="{legal_entity}/{contract_no}",
    unique=True,
    writable=False,
    deletable=False,
    doc="What was open of a contract when its company's books moved to another system; `move_books` makes it.",
)

ROLE = Role(
    "erp",
    (
        LEGAL_ENTITY,
        CURRENCY,
        FX_RATE,
        PERIOD,
        TAX_CODE,
        SERVICE_ITEM,
        CUSTOMER,
        SITE,
        AR_DOCUMENT,
        PAYMENT,
        APPLICATION,
        REFUND,
        WORK_ENTRY,
        IC_CHARGE,
        ALLOWANCE,
        REVENUE_SCHEDULE,
        REVENUE_ENTRY,
        JOURNAL_ENTRY,
        CHANGE_ORDER,
        HANDOVER,
        vendor_object_entity(),
    ),
    ids.type_number,
    if_match=True,
    idempotency=True,
)
