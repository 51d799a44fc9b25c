"""Entities and state machines of the billing engine."""

from __future__ import annotations

from counterfoil_mocks.common_fields import (
    BILLING_STATES,
    CONTRACT_LINE_TYPE,
    PLAN_KIND,
    TERMS,
    change_order_copy,
    currency,
    customer_fields,
    fx_rate_copy,
    legal_entity_fields,
    rate_card_entity,
    service_item_fields,
    site_fields,
    tax_code_fields,
    vendor_object_entity,
)
from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.fields import (
    Entity,
    Field,
    amount,
    boolean,
    choice,
    day,
    instant,
    integer,
    lines,
    listing,
    price,
    quantity,
    rate,
    ref,
    state,
    text,
)
from counterfoil_mocks.kernel.role import Role

LEGAL_ENTITY = Entity(
    "legal_entity", "legal_entities", "ENT", legal_entity_fields(), key="{code}", unique=True, deletable=False
)
TAX_CODE = Entity("tax_code", "tax_codes", "TAX", tax_code_fields(), key="{code}", unique=True)
SERVICE_ITEM = Entity(
    "service_item",
    "service_items",
    "ITEM",
    service_item_fields(),
    key="{code}",
    unique=True,
    doc="A copy of the books'.",
)
FX_RATE = fx_rate_copy()
CUSTOMER = Entity("customer", "customers", "CUS", customer_fields(120), key="{customer_no}", sorts=("created_at",))
SITE = Entity("site", "sites", "STE", site_fields(), key="{customer_no}/{site_code}")
RATE_CARD = rate_card_entity("rate_card")
PLAN = Entity(
    "plan",
    "plans",
    "PLN",
    (
        text("contract_no", limit=20, required=True, indexed=True),
        ref("customer", "customer", required=True),
        text("customer_no", limit=20, computed=True),
        text("legal_entity", limit=20, required=True),
        currency(required=True),
        ref("bill_to", "site", indexed=False),
        ref("ship_to", "site", indexed=False),
        choice("terms", TERMS, default="NET30"),
        text("po_no", limit=60),
        choice("billing_trigger", "COMPLETED ACCEPTED", default="COMPLETED"),
        state("status", "ACTIVE⇄HELD; ACTIVE|HELD→CLOSED"),
        integer("co_seq", "Highest change order applied.", computed=True, default=0),
        text("project_no", limit=30),
    ),
    key="{contract_no}",
    unique=True,
    events={"created": "billing.plan.created", "updated": "billing.plan.changed"},
    doc="How a contract is billed. Its lines are records of their own (`plan_lines`); `create_plan` makes both at once.",
    deletable=False,
)
PLAN_LINE = Entity(
    "plan_line",
    "plan_lines",
    "PLL",
    (
        ref("plan", "plan", required=True),
        text("contract_no", limit=20, computed=True, indexed=True),
        integer("plan_line", "Counts the plan's lines from 1.", low=1, high=9999, computed=True),
        choice("kind", PLAN_KIND, required=True),
        choice("line_type", CONTRACT_LINE_TYPE, default="FIXED_FEE"),
        integer("line_no", "Contract line.", low=1, high=999, default=1),
        text("ms_code", limit=20),
        text("description", limit=255),
        text("ccy", limit=3, computed=True),
        text("legal_entity", limit=20, computed=True),
        amount("amount", "Null for a line that bills what was approved."),
        amount("cap", "Not-to-exceed ceiling on the line's net labour."),
        text("tax_code", limit=20),
        text("service_item", limit=40),
        rate("expense_markup"),
        day("due", "Date of the next scheduled billing."),
        integer("every_months", "A schedule repeats after so many months.", low=1, high=60),
        state(
            "status",
            "SCHEDULED→READY→INVOICED; READY⇄HELD; INVOICED→READY; SCHEDULED|READY|HELD→CANCELLED",
        ),
        integer("co_seq", low=0, high=999, default=0),
        instant("ready_at", computed=True),
        text("invoice_no", limit=40, computed=True),
    ),
    key="{contract_no}/{plan_line}",
    unique=True,
    events={"updated": "billing.plan.changed"},
    writable=False,
)
BILLABLE_ITEM = Entity(
    "billable_item",
    "billable_items",
    "ITM",
    (
        choice("source_type", "TIME EXPENSE", required=True),
        text("source_id", "Key of the PSA entry.", limit=40, required=True, indexed=True),
        text("contract_no", limit=20, required=True, indexed=True),
        text("project_no", limit=30),
        integer("line_no", low=1, high=999, required=True),
        text("employee_no", limit=20),
        text("description", limit=4000),
        day("work_date", required=True),
        integer("minutes", low=1, high=1440),
        price("unit_price", "Bill rate per hour, or the price of the expense."),
        currency(required=True),
        amount("amount", required=True),
        amount("over_cap", "Part of the amount above the line's cap.", computed=True, default=0),
        amount("billed", "Part of the amount that stands on issued invoices.", computed=True, default=0),
        state("billing", BILLING_STATES, initial="UNBILLED"),
        text("hold_reason", limit=255),
        text("invoice_no", limit=40, computed=True, indexed=True),
    ),
    key="{source_id}",
    deletable_in=("billing", "UNBILLED", "ON_HOLD", "OVER_CAP"),
)


def _line(name: str) -> Entity:
    return Entity(
        name,
        f"{name}s",
        "",
        (
            integer("line_no", low=1, high=9999),
            choice("line_type", CONTRACT_LINE_TYPE, default="FIXED_FEE"),
            text("plan_line", "Key of the plan line billed.", limit=40, indexed=True),
            text("ms_code", limit=20),
            integer("contract_line", low=1, high=999, default=1),
            text("description", limit=1000),
            listing("items", "Keys of the billable items on this line."),
            text("ccy", limit=3, computed=True),
            quantity("qty", "Hours or pieces.", default=10_000),
            integer("minutes", "Time billed; then net is minutes / 60 × unit price.", low=0, high=10**7),
            price("unit_price", required=True),
            amount("net", computed=True),
            text("service_item", limit=40),
            text("tax_code", "Determined by the system when absent.", limit=20),
            text(
                "tax_determined", "The code that the rules give; another one is an override.", limit=20, computed=True
            ),
            rate("tax_rate", computed=True),
            rate("taxable_fraction", computed=True),
            amount("tax", computed=True),
        ),
    )


def _item(name: str) -> Entity:
    return Entity(
        name,
        f"{name}s",
        "",
        (
            integer("line_no", low=1, high=9999),
            text("source_id", limit=40, indexed=True),
            text("ccy", limit=3),
            amount("amount"),
        ),
    )


def _document(line: str, item: str) -> tuple[Field, ...]:
    return (
        text("contract_no", limit=20, required=True, indexed=True),
        text("legal_entity", limit=20, required=True),
        ref("customer", "customer", required=True),
        text("customer_no", limit=20, computed=True),
        currency(required=True),
        day("issue_date", computed=True),
        day("tax_point", "Issue date by default."),
        day("due", computed=True),
        instant("issued_at", computed=True),
        text("project_no", limit=30),
        listing("legends"),
        listing("warnings", "What should be put right before it goes out.", computed=True),
        text("seller_vat_id", limit=30, computed=True),
        boolean("ec_sales", "Whether it belongs on the EC sales list.", computed=True, default=False),
        rate("fx_rate", "Local currency per unit of ccy at the tax point, where tax is stated in both.", computed=True),
        text("local_ccy", limit=3, computed=True),
        amount("tax_local", "Tax in the currency of the seller's country.", ccy="local_ccy", computed=True),
        choice(
            "rounding_policy",
            "LINE INVOICE GIVEN",
            "GIVEN: a vendor's own engine worked the figures out.",
            computed=True,
        ),
        amount("net", computed=True),
        amount("tax", computed=True),
        amount("total", computed=True),
        amount("paid", "As the books say.", computed=True, default=0),
        text("ar_status", "As the books say.", limit=30, computed=True),
        lines("lines", _line(line)),
        lines("items", _item(item)),
    )


INVOICE = Entity(
    "invoice",
    "invoices",
    "INV",
    (
        text("invoice_no", "Given at issue from the legal entity's series.", limit=40, computed=True, indexed=True),
        *_document("invoice_line", "invoice_item"),
        choice("terms", TERMS, default="NET30"),
        text("po_no", limit=60),
        text("bill_to_name", limit=255, computed=True),
        listing("bill_to_lines", computed=True),
        text("bill_to_vat_id", limit=30, computed=True),
        integer("bill_to_version", "Version of the customer record at issue.", computed=True),
        listing("ship_to_lines", "Address where the service was received, at issue.", computed=True),
        state(
            "status",
            "DRAFT→PENDING_APPROVAL→APPROVED→ISSUED→POSTED→PARTIALLY_PAID→PAID; DRAFT→APPROVED; POSTED→PAID;"
            " PAID→PARTIALLY_PAID|POSTED; PARTIALLY_PAID→POSTED; PAID→CREDITED; ISSUED→POST_FAILED→ISSUED; POSTED|PARTIALLY_PAID⇄DISPUTED;"
            " POSTED|PARTIALLY_PAID|DISPUTED→CREDITED|WRITTEN_OFF; DRAFT|PENDING_APPROVAL|APPROVED→DISCARDED; ISSUED|POST_FAILED→VOID",
        ),
        text("void_reason", limit=255, computed=True),
    ),
    key="{invoice_no}",
    doc="An invoice document. Arithmetic and tax are the system's; content is frozen at issue.",
    sorts=("created_at",),
    deletable_in=("status", "DRAFT", "DISCARDED"),
)
CREDIT_MEMO = Entity(
    "credit_memo",
    "credit_memos",
    "CRM",
    (
        text("cm_no", "Given at issue.", limit=40, computed=True, indexed=True),
        text("corrects", "Number of the invoice.", limit=40, required=True, indexed=True),
        choice("reason", "RATE DUPLICATE SCOPE TAX CUSTOMER GOODWILL", required=True),
        boolean("release_items", "Whether the billed items may be billed again.", default=False),
        text("approved_by", limit=120),
        *_document("credit_memo_line", "credit_memo_item"),
        state("status", "DRAFT→PENDING_APPROVAL→APPROVED→ISSUED→POSTED→APPLIED|REFUNDED; DRAFT→APPROVED"),
    ),
    key="{cm_no}",
    writable=False,
    doc="A negative document that corrects an issued invoice; `credit_invoice` makes it.",
    sorts=("created_at",),
)
CHANGE_ORDER = change_order_copy(
    amount("amount"),
    amount("cap"),
)

ROLE = Role(
    "billing",
    (
        LEGAL_ENTITY,
        TAX_CODE,
        SERVICE_ITEM,
        FX_RATE,
        CUSTOMER,
        SITE,
        RATE_CARD,
        PLAN,
        PLAN_LINE,
        BILLABLE_ITEM,
        INVOICE,
        CREDIT_MEMO,
        CHANGE_ORDER,
        vendor_object_entity(),
    ),
    ids.prefixed_ulid,
    if_match=True,
    idempotency=True,
)
