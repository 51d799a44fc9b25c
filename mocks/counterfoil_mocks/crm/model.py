"""Entities and state machines of the CRM (its CLM part included)."""

from __future__ import annotations

from counterfoil_mocks.common_fields import (
    CONTRACT_LINE_TYPE,
    REVENUE_METHOD,
    TERMS,
    currency,
    customer_fields,
    rate_card_entity,
    site_fields,
    vendor_object_entity,
)
from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.fields import (
    Entity,
    amount,
    boolean,
    choice,
    day,
    instant,
    integer,
    lines,
    listing,
    quantity,
    rate,
    ref,
    state,
    text,
)
from counterfoil_mocks.kernel.fields import price as unit_price
from counterfoil_mocks.kernel.role import Role

CUSTOMER = Entity(
    "customer",
    "customers",
    "001",
    (*customer_fields(255, initial="PROSPECT"), ref("default_bill_to", "site", indexed=False)),
    key="{customer_no}",
    unique=True,
    number=("customer_no", "CU-{:06d}"),
    events={"created": "crm.account.created", "updated": "crm.account.updated", "deleted": "crm.account.deleted"},
    doc="A company the firm sells to, with its place in the hierarchy.",
)
SITE = Entity(
    "site",
    "sites",
    "0ST",
    site_fields(),
    key="{customer_no}/{site_code}",
    unique=True,
    events={"created": "crm.site.changed", "updated": "crm.site.changed", "deleted": "crm.site.changed"},
)
CONTACT = Entity(
    "contact",
    "contacts",
    "003",
    (
        ref("customer", "customer", required=True),
        text("name", limit=255, required=True),
        text(
            "email_norm", "E-mail address in lower case.", limit=255, required=True, pattern=r"^[^@\sA-Z]+@[^@\sA-Z]+$"
        ),
        text("phone", "E.164.", limit=20, pattern=r"^\+[0-9]{6,15}$"),
        choice("role", "BUYER AP SPONSOR OTHER", default="OTHER"),
        boolean("active", default=True),
        day("last_verified"),
    ),
    key="{email_norm}",
    events={"created": "crm.contact.changed", "updated": "crm.contact.changed", "deleted": "crm.contact.changed"},
)
OPPORTUNITY = Entity(
    "opportunity",
    "opportunities",
    "006",
    (
        text("opp_no", limit=20, indexed=True),
        ref("customer", "customer", required=True),
        text("name", limit=255, required=True),
        state(
            "stage",
            "PROSPECT→QUALIFY→PROPOSE→NEGOTIATE→CLOSED_WON; PROSPECT|QUALIFY|PROPOSE|NEGOTIATE→CLOSED_LOST;"
            " CLOSED_LOST→QUALIFY; CLOSED_WON→NEGOTIATE",
        ),
        currency(required=True),
        amount("amount"),
        day("close_date"),
        rate("probability"),
        text("practice", limit=60),
        text("legal_entity", "Code of the selling company.", limit=20, required=True),
        ref("bill_to", "site", indexed=False),
        ref("ship_to", "site", indexed=False),
        text("tax_region", limit=40),
        text("lost_reason", limit=255),
        text("po_no", limit=60),
        instant("closed_at", computed=True),
        text("contract_no", "Contract that the won deal became.", limit=20, computed=True, indexed=True),
    ),
    key="{opp_no}",
    unique=True,
    number=("opp_no", "OPP-{:05d}"),
    events={
        "created": "crm.opportunity.stage_changed",
        "updated": "crm.opportunity.stage_changed",
        "deleted": "crm.opportunity.deleted",
    },
)


def _line_fields() -> tuple[object, ...]:
    return (
        integer("line_no", low=1, high=999),
        choice("type", CONTRACT_LINE_TYPE, required=True),
        text("name", limit=255),
        text("ccy", limit=3, computed=True),
        amount("amount", "Transaction price of the line (null for time and expense lines)."),
        amount("cap", "Not-to-exceed ceiling on net labour."),
        choice("rev_method", REVENUE_METHOD, required=True),
        rate("expense_markup", "Fraction added to cost."),
        text("tax_code", limit=20),
        text("service_item", limit=40),
        integer("budget_hours", low=0, high=10**7),
        amount("budget_cost"),
        quantity("qty"),
        unit_price("unit_price"),
        rate("discount"),
        amount("ssp", "Stand-alone selling price."),
        day("start"),
        day("end"),
    )


def _milestone_fields() -> tuple[object, ...]:
    return (
        text("ms_code", limit=20, required=True),
        text("name", limit=255),
        integer("line_no", "Contract line that it bills.", low=1, high=999, default=1),
        text("ccy", limit=3, computed=True),
        amount("amount", required=True),
        day("planned"),
        rate("rev_weight"),
        integer("co_seq", "Change order that brought it (0: the contract).", low=0, high=999, default=0),
    )


QUOTE_LINE = Entity("quote_line", "quote_lines", "", _line_fields())  # type: ignore[arg-type]
QUOTE_MILESTONE = Entity("quote_milestone", "quote_milestones", "", _milestone_fields())  # type: ignore[arg-type]
QUOTE = Entity(
    "quote",
    "quotes",
    "0Q0",
    (
        text("quote_no", limit=20),
        integer("rev", low=1, high=999, default=1),
        ref("opportunity", "opportunity", required=True),
        text("opp_no", limit=20, computed=True),
        state("status", "DRAFT⇄IN_REVIEW→APPROVED→SENT→ACCEPTED|REJECTED|EXPIRED; APPROVED|SENT→SUPERSEDED"),
        currency(required=True),
        day("valid_until"),
        instant("signed_at", computed=True),
        text("signer", limit=120),
        day("start"),
        day("end"),
        choice("terms", TERMS, default="NET30"),
        text("po_no", limit=60),
        ref("rate_card", "rate_card"),
        choice("billing_trigger", "COMPLETED ACCEPTED", default="COMPLETED"),
        amount("mobilisation", "Up-front invoice at activation."),
        lines("lines", QUOTE_LINE),
        lines("milestones", QUOTE_MILESTONE),
    ),
    key="{quote_no}/{rev}",
    unique=True,
    number=("quote_no", "QT-{:05d}"),
    doc="A priced offer; its accepted revision is the SOW.",
    deletable_in=("status", "DRAFT", "IN_REVIEW", "REJECTED", "EXPIRED", "SUPERSEDED"),
)
CONTRACT_LINE = Entity("contract_line", "contract_lines", "", _line_fields())  # type: ignore[arg-type]
CONTRACT_MILESTONE = Entity("contract_milestone", "contract_milestones", "", _milestone_fields())  # type: ignore[arg-type]
CONTRACT = Entity(
    "contract",
    "contracts",
    "800",
    (
        text("contract_no", limit=20, indexed=True),
        ref("opportunity", "opportunity"),
        text("opp_no", limit=20, computed=True),
        ref("customer", "customer", required=True),
        text("customer_no", limit=20, computed=True),
        ref("bill_to", "site", indexed=False),
        ref("ship_to", "site", indexed=False),
        ref("quote", "quote", indexed=False),
        text("name", limit=255),
        text("legal_entity", limit=20, required=True),
        currency(required=True),
        text("practice", limit=60),
        state(
            "status",
            "DRAFT→PENDING_APPROVAL→APPROVED→ACTIVE⇄ON_HOLD; ACTIVE→COMPLETED→CLOSED; ACTIVE|ON_HOLD→TERMINATED→CLOSED;"
            " DRAFT|PENDING_APPROVAL|APPROVED→CANCELLED",
        ),
        day("start"),
        day("end"),
        choice("terms", TERMS, default="NET30"),
        text("po_no", limit=60),
        ref("rate_card", "rate_card"),
        text("rate_card_code", limit=40, computed=True),
        integer("rate_card_version", computed=True),
        choice("billing_trigger", "COMPLETED ACCEPTED", default="COMPLETED"),
        amount("mobilisation"),
        integer("current_version", "1 plus the number of applied change orders.", computed=True, default=1),
        amount("original_value", computed=True),
        amount("current_value", "Original value plus all applied change orders, caps included.", computed=True),
        instant("activated_at", computed=True),
        day("terminated_on", "Last day of a contract that ended before its time.", computed=True),
        text("terminated_for", "Why it ended.", limit=1000, computed=True),
        text("terminated_by", "Who approved its end.", limit=120, computed=True),
        amount("fee_owed", "What was agreed to be owed for its fixed price.", computed=True),
        lines("lines", CONTRACT_LINE),
        lines("milestones", CONTRACT_MILESTONE),
    ),
    key="{contract_no}",
    unique=True,
    number=("contract_no", "CT-{:04d}"),
    writable=False,
    doc="A signed SOW: what was sold, at what price, billed and recognised how. A won deal makes it (APPROVED); activation starts it.",
)
RATE_CARD = rate_card_entity("rate_card")
CO_DELTA = Entity(
    "co_delta",
    "co_deltas",
    "",
    (
        integer("line_no", "Contract line that changes.", low=1, high=999, required=True),
        text("ccy", limit=3, computed=True),
        amount("amount"),
        amount("cap"),
        integer("hours", low=-(10**7), high=10**7),
        amount("cost"),
        day("end"),
        amount("ssp", "Stand-alone selling price of what a new line adds; SEPARATE needs a price close to it."),
    ),
)
CO_MILESTONE = Entity(
    "co_milestone",
    "co_milestones",
    "",
    (
        choice("op", "ADD REMOVE CHANGE", required=True),
        text("ms_code", limit=20, required=True),
        text("name", limit=255),
        integer("line_no", low=1, high=999, default=1),
        text("ccy", limit=3, computed=True),
        amount("amount", "New amount (ADD, CHANGE)."),
        day("planned"),
    ),
)
CHANGE_ORDER = Entity(
    "change_order",
    "change_orders",
    "0CO",
    (
        ref("contract", "contract", required=True),
        text("contract_no", limit=20, computed=True, indexed=True),
        integer(
            "co_seq", "Counts the contract's change orders from 1; given by the system when absent.", low=1, high=999
        ),
        text("title", limit=255),
        text("legal_entity", limit=20, computed=True),
        text("ccy", limit=3, computed=True),
        state(
            "status", "DRAFT→SUBMITTED→APPROVED→APPLIED; SUBMITTED→REJECTED; DRAFT|SUBMITTED→WITHDRAWN; APPROVED→VOIDED"
        ),
        choice("treatment", "SEPARATE PROSPECTIVE CATCH_UP", required=True),
        text("requested_by", limit=120),
        text("approved_by", limit=120, computed=True),
        instant("approved_at", computed=True),
        instant("applied_at", computed=True),
        day("effective"),
        lines("deltas", CO_DELTA),
        lines("milestones", CO_MILESTONE),
    ),
    key="{contract_no}/CO-{co_seq}",
    unique=True,
    doc="An approved change to scope, price, cap or dates. APPLIED means that all four systems hold it.",
    deletable_in=("status", "DRAFT", "WITHDRAWN", "REJECTED", "VOIDED"),
)
INVOICE = Entity(
    "invoice",
    "invoices",
    "0IN",
    (
        text("invoice_no", limit=40, required=True, indexed=True),
        text("contract_no", limit=20, indexed=True),
        choice("doc_type", "INVOICE CREDIT_MEMO", default="INVOICE"),
        currency(required=True),
        amount("total"),
        amount("paid"),
        day("issue_date"),
        day("due"),
        text("status", "Status that the books show.", limit=30),
    ),
    key="{invoice_no}",
    unique=True,
    doc="What the account team sees of an invoice: a status mirror that the integration keeps.",
)
APPROVAL = Entity(
    "approval",
    "approvals",
    "0AP",
    (
        text("subject", "Business key of what was decided on.", limit=120, required=True),
        choice(
            "kind",
            "CHANGE_ORDER TAX_OVERRIDE MANUAL_RATE CREDIT_MEMO WRITE_OFF PERIOD_REOPEN CREDIT_HOLD DUPLICATE",
            required=True,
        ),
        text("requester", limit=120, required=True),
        text("approver", limit=120),
        choice("decision", "PENDING APPROVED REJECTED", default="PENDING"),
        instant("decided_at"),
        currency(),
        amount("threshold", "Amount from which such a deed needs a decision."),
        text("reason", limit=1000),
        listing("evidence"),
    ),
)

ROLE = Role(
    "crm",
    (
        CUSTOMER,
        SITE,
        CONTACT,
        OPPORTUNITY,
        QUOTE,
        CONTRACT,
        RATE_CARD,
        CHANGE_ORDER,
        INVOICE,
        APPROVAL,
        vendor_object_entity(),
    ),
    ids.base62_18,
    page=("cursor", 200),
    resolution="s",
    batch=200,
)
