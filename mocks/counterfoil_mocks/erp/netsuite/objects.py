"""NetSuite's records as data: which entity each is, its fields and sublists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from counterfoil_mocks.common_fields import CONTRACT_LINE_TYPE
from counterfoil_mocks.erp import model
from counterfoil_mocks.erp.netsuite.custom_fields import with_customs
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import (
    BOOLEAN,
    DATE,
    INTEGER,
    PLAIN,
    RATE,
    TEXT,
    Conversion,
    choice,
    major,
)
from counterfoil_mocks.protocols.fieldmap import ChildMap, FieldMap, ObjectMap

TAXED = "taxed"
"""What the sublist is of that shows how each line of a document is taxed."""
REFUNDED = "refunded"
"""What the sublist is of that shows what a refund pays back."""
CURRENCIES = "currencies"
"""What the sublist is of that shows in which currencies a customer may be invoiced."""
BILLED_TIME = "billedTime"
"""What the sublist is of that shows which time an invoice bills."""
TO_REFUND = "toRefund"
"""What the sublist is of in which callers name deposits to pay back; it is empty when it is read, as NetSuite's is."""
MEMBER = "recordType"
"""The member of these that says the type of a record, where several are of one entity."""
KEEP = "netsuite"
"""The member of `custom` that holds what the business does not know."""
Show = Callable[[Record, Any], Any]
AMOUNT = major()
INSTANT = Conversion("instant", lambda value, record: value[:19] + "Z", lambda value, record: value)


def text(name: str, column: str = "", **more: Any) -> FieldMap:
    """A text."""
    return FieldMap(name, column, TEXT, **more)


def flag(name: str, column: str = "", **more: Any) -> FieldMap:
    """A checkbox."""
    return FieldMap(name, column, BOOLEAN, default=more.pop("default", False), **more)


def day(name: str, column: str = "", **more: Any) -> FieldMap:
    """A date."""
    return FieldMap(name, column, DATE, **more)


def instant(name: str, column: str) -> FieldMap:
    """A date and time that the system sets."""
    return FieldMap(name, column, INSTANT, creatable=False, updatable=False)


def amount(name: str, column: str = "", **more: Any) -> FieldMap:
    """An amount in the record's currency."""
    return FieldMap(name, column, AMOUNT if column else PLAIN, about={"kind": "number"}, **more)


def to(name: str, refers: str, column: str = "", **more: Any) -> FieldMap:
    """A reference to a record."""
    return FieldMap(name, column, TEXT, refers=refers, **more)


def shown(name: str, how: Show, *, refers: str = "", kind: str = "text") -> FieldMap:
    """Worked out by the system; what callers say of it is not heard."""
    return FieldMap(name, computed=how, refers=refers, about={"kind": kind})


def enum(name: str, how: Show) -> FieldMap:
    """Worked out by the system, one of a few words."""
    return shown(name, how, kind="enum")


def kept(*names: str) -> tuple[FieldMap, ...]:
    """What the business does not know."""
    return tuple(FieldMap(name) for name in names)


def segments() -> tuple[FieldMap, ...]:
    """What transactions and their lines are sorted by."""
    return to("department", "department"), to("class", "classification"), to("location", "location")


def word(value: str) -> Record:
    """An enumerated value."""
    return {"id": value, "refName": value}


def paid(record: Record, context: Any) -> Any:
    """What is settled of a document."""
    return AMOUNT.show(record["total"] - (record["open_amount"] or 0), record)


STATUS = {"DRAFT": "Pending Approval", "PAID": "Paid In Full", "CREDITED": "Paid In Full", "WRITTEN_OFF": "Voided"}


def invoice_status(record: Record, context: Any) -> Record:
    """Whether an invoice is open."""
    return word(STATUS.get(record["status"], "Open"))


def approval(record: Record, context: Any) -> Record:
    """What is in the books is approved."""
    return (
        {"id": "1", "refName": "Pending Approval"}
        if record["status"] == "DRAFT"
        else {"id": "2", "refName": "Approved"}
    )


def credit_status(record: Record, context: Any) -> Record:
    """Credit memos are applied as they are made."""
    return word("Fully Applied")


def spent(record: Record, context: Any) -> Any:
    """What of a receipt is applied, to invoices or to refunds."""
    return AMOUNT.show(record["applied"] + record["refunded"], record)


def payment_status(record: Record, context: Any) -> Record:
    """Whether a payment is still there."""
    return word("Voided" if record["status"] == "REVERSED" else "Deposited")


def deposit_status(record: Record, context: Any) -> Record:
    """Whether something is left of a deposit."""
    if record["status"] == "REVERSED":
        return word("Voided")
    return word("Deposited" if record["unapplied"] else "Fully Applied")


OF_DEPOSITS = [
    "tranId",
    "customer",
    "payment",
    "total",
    "tranDate",
    "subsidiary",
    "currency",
    "exchangeRate",
    "externalId",
    "checkNum",
    "postingPeriod",
    "arAcct",
    "account",
    "createdDate",
    "lastModifiedDate",
]
"""Fields that a deposit has in common with a payment."""


def country(record: Record, context: Any) -> Record | None:
    """The country of a record."""
    return word(record["country"]) if record["country"] else None


def period_name(period: str) -> str:
    """`Mar 2026` of `2026-03`."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{months[int(period[5:]) - 1]} {period[:4]}"


STAMPS = (instant("createdDate", "created_at"), instant("lastModifiedDate", "updated_at"))
EXTERNAL = text("externalId", "external_id")

ADDRESS = with_customs(
    ObjectMap(
        "addressBook",
        "site",
        (
            text("label", "site_code"),
            shown("addressId", lambda record, context: record["id"]),
            shown("internalId", lambda record, context: record["id"]),
            shown("defaultBilling", lambda record, context: record["kind"] in ("BILL_TO", "BOTH"), kind="boolean"),
            shown("defaultShipping", lambda record, context: record["kind"] in ("SHIP_TO", "BOTH"), kind="boolean"),
            flag("isResidential"),
        ),
        keep=KEEP,
    ),
    model.SITE,
    "customer",
    "city",
    "region",
    "postcode",
    "country",
)
CUSTOMER = with_customs(
    ObjectMap(
        "customer",
        "customer",
        (
            text("entityId", "customer_no"),
            shown("companyName", lambda record, context: record["name_full"] or record["name"]),
            flag("isPerson"),
            EXTERNAL,
            to("parent", "customer", "parent"),
            to("currency", "currency", "invoice_ccy"),
            to("terms", "term", "terms"),
            FieldMap("creditLimit", "credit_limit", major("invoice_ccy"), about={"kind": "number"}),
            text("vatRegNumber", "vat_id"),
            to("subsidiary", "subsidiary"),
            shown("isInactive", lambda record, context: record["status"] in ("INACTIVE", "MERGED"), kind="boolean"),
            shown("balance", lambda record, context: context.balance(record, "owed"), kind="number"),
            shown("depositBalance", lambda record, context: context.balance(record, "waiting"), kind="number"),
            shown("overdueBalance", lambda record, context: context.balance(record, "late"), kind="number"),
            *kept(
                "firstName",
                "lastName",
                "email",
                "phone",
                "altEmail",
                "category",
                "comments",
            ),
            to("salesRep", "employee"),
            FieldMap("entityStatus", default={"id": "13", "refName": "CUSTOMER-Closed Won"}),
            FieldMap("receivablesAccount", default={"id": "-10", "refName": "Use System Preference"}),
            *kept("customForm", "url", "fax", "legalName", "defaultTaxReg", "taxRegistration"),
            *kept("printOnCheckAs", "contactList", "priceLevel", "taxItem", "taxable", "language"),
            instant("dateCreated", "created_at"),
            instant("lastModifiedDate", "updated_at"),
        ),
        children=(ChildMap("addressBook", of=ADDRESS, by="customer"), ChildMap("currencyList", object=CURRENCIES)),
        keep=KEEP,
        about={"family": "entity", "label": "Customer", "name": "companyName", "verbs": "create update delete"},
    ),
    model.CUSTOMER,
)
LINE = with_customs(
    ObjectMap(
        "item",
        "",
        (
            FieldMap("line", "line_no", creatable=False),
            FieldMap("lineUniqueKey", "line_no", creatable=False),
            to("item", "serviceSaleItem", "service_item"),
            text("description", "description"),
            FieldMap("quantity", about={"kind": "number"}),
            FieldMap("rate", about={"kind": "number"}),
            amount("amount", "net"),
            to("taxCode", "salesTaxItem", "tax_code"),
            amount("tax1Amt", "tax"),
            shown("grossAmt", lambda line, context: AMOUNT.show(line["net"] + (line["tax"] or 0), line), kind="number"),
            FieldMap("custcol_contract_line", "contract_line", INTEGER),
            FieldMap("custcol_line_type", "line_type", choice({each: each for each in CONTRACT_LINE_TYPE.split()})),
            FieldMap("price", default={"id": "-1", "refName": "Custom"}),
            shown("isTaxable", lambda line, context: bool(line["tax"]), kind="boolean"),
            shown("taxRate1", lambda line, context: context.tax_rate(line), kind="number"),
            *segments(),
            to("job", "job"),
            *kept("units", "orderLine"),
            to("orderDoc", "transaction"),
            *kept("revRecSchedule", "revRecStartDate", "revRecEndDate", "deferRevRec", "taxAmount", "account"),
        ),
        keep=KEEP,
    ),
    model.AR_LINE,
    "line_no",
    "ccy",
    common=False,
)
DOCUMENT: tuple[FieldMap, ...] = (
    text("tranId", "invoice_no"),
    shown("transactionNumber", lambda record, context: record["invoice_no"]),
    to("entity", "customer", "customer", required=True),
    day("tranDate", "issue_date"),
    EXTERNAL,
    to("subsidiary", "subsidiary", "legal_entity"),
    to("currency", "currency", "ccy"),
    FieldMap("exchangeRate", "fx_rate", RATE, about={"kind": "number"}),
    shown("postingPeriod", lambda record, context: context.period(record["legal_entity"], record["issue_date"]),
          refers="accountingPeriod"),
    shown("account", lambda record, context: "1200", refers="account"),
    text("custbody_contract_no", "contract_no"),
    amount("subtotal", "net", creatable=False),
    amount("taxTotal", "tax", creatable=False),
    amount("total", "total", creatable=False),
    to("createdFrom", "transaction"),
    enum("approvalStatus", approval),
    shown("discountTotal", lambda record, context: AMOUNT.show(0, record), kind="number"),
    to("salesRep", "employee"),
    to("job", "job"),
    *segments(),
    *kept("memo", "otherRefNum", "email", "customForm"),
    *kept("billingAddress", "shippingAddress", "billAddressList", "shipAddressList", "toBeEmailed", "toBePrinted"),
    *STAMPS,
)  # fmt: skip
INVOICE = with_customs(
    ObjectMap(
        "invoice",
        "ar_document",
        (
            *DOCUMENT,
            day("dueDate", "due"),
            to("terms", "term"),
            shown("amountPaid", paid, kind="number"),
            amount("amountRemaining", "open_amount", creatable=False),
            enum("status", invoice_status),
            to("billingSchedule", "billingSchedule"),
            *kept("startDate", "endDate", "vatRegNum", "shipDate"),
        ),
        where={"doc_type": "INVOICE"},
        children=(
            ChildMap("item", "lines", LINE),
            ChildMap("time", object=BILLED_TIME),
            ChildMap("taxDetails", object=TAXED),
        ),
        keep=KEEP,
        about={
            "family": "transaction",
            "label": "Invoice",
            "name": "tranId",
            "verbs": "create update",
            "code": "CustInvc",
        },
    ),
    model.AR_DOCUMENT,
)
APPLY = ObjectMap(
    "apply",
    "payment_application",
    (
        to("doc", "invoice", "ar_document"),
        text("refNum", "invoice_no"),
        shown("apply", lambda record, context: record["status"] == "ACTIVE", kind="boolean"),
        amount("amount", "amount"),
        shown("total", lambda record, context: context.figure(record, "total"), kind="number"),
        shown("due", lambda record, context: context.figure(record, "open_amount"), kind="number"),
        day("applyDate", "applied_on"),
        shown("type", lambda record, context: "Invoice"),
    ),
    keep=KEEP,
)
CREDIT_MEMO = with_customs(
    ObjectMap(
        "creditMemo",
        "ar_document",
        (
            *(replace(each, required=False) if each.name == "entity" else each for each in DOCUMENT),
            amount("applied", "total", creatable=False),
            amount("unapplied", "open_amount", creatable=False),
            enum("status", credit_status),
        ),
        where={"doc_type": "CREDIT_MEMO"},
        children=(
            ChildMap("item", "lines", LINE),
            ChildMap("apply", object="credited"),
            ChildMap("taxDetails", object=TAXED),
        ),
        keep=KEEP,
        about={
            "family": "transaction",
            "label": "Credit Memo",
            "name": "tranId",
            "verbs": "create update",
            "code": "CustCred",
        },
    ),
    model.AR_DOCUMENT,
)
OF_CASH = (
    day("tranDate", "value_date"),
    to("subsidiary", "subsidiary", "legal_entity"),
    to("currency", "currency", "ccy"),
    FieldMap("exchangeRate", "fx_rate", RATE, about={"kind": "number"}),
    EXTERNAL,
    text("checkNum", "bank_ref"),
    to("createdFrom", "transaction"),
    shown(
        "postingPeriod",
        lambda record, context: context.period(record["legal_entity"], record["value_date"]),
        refers="accountingPeriod",
    ),
    shown("arAcct", lambda record, context: "1200", refers="account"),
    shown("account", lambda record, context: "1000", refers="account"),
)
"""What money that came and money that was paid back have in common."""
PAYMENT = with_customs(ObjectMap(
    "customerPayment",
    "payment",
    (
        shown("tranId", lambda record, context: record["receipt_no"]),
        to("customer", "customer", "payer", required=True),
        amount("payment", "amount"),
        amount("total", "amount", creatable=False),
        shown("applied", spent, kind="number"),
        amount("unapplied", "unapplied", creatable=False),
        *OF_CASH,
        enum("status", payment_status),
        *kept("memo", "undepFunds", "autoApply", "paymentOption", "paymentMethod"),
        *segments(),
        *STAMPS,
    ),
    children=(ChildMap("apply", of=APPLY, by="payment"),),
    keep=KEEP,
    about={"family": "transaction", "label": "Payment", "name": "tranId", "verbs": "create update", "code": "CustPymt"},
), model.PAYMENT, "applied")  # fmt: skip
DEPOSIT = with_customs(
    ObjectMap(
        "customerDeposit",
        "payment",
        (
            *(each for each in PAYMENT.fields if each.name in OF_DEPOSITS),
            enum("status", deposit_status),
            to("salesOrder", "salesOrder"),
            *kept("memo", "undepFunds", "paymentOption", "paymentMethod"),
            *segments(),
        ),
        keep=KEEP,
        about={**PAYMENT.about, "label": "Customer Deposit", "code": "CustDep"},
    ),
    model.PAYMENT,
    "applied",
    "unapplied",
)
REFUND = with_customs(ObjectMap(
    "customerRefund",
    "refund",
    (
        shown("tranId", lambda record, context: record["refund_no"]),
        to("customer", "customer", "payee", required=True),
        amount("total", "amount", creatable=False),
        *OF_CASH,
        enum("status", credit_status),
        *kept("memo", "paymentMethod", "paymentOption", "address", "toBePrinted"),
        *segments(),
        *STAMPS,
    ),
    children=(ChildMap("apply", object=REFUNDED), ChildMap("deposit", object=TO_REFUND)),
    keep=KEEP,
    about={"family": "transaction", "label": "Customer Refund", "name": "tranId", "verbs": "create update", "code": "CustRfnd"},
), model.REFUND)  # fmt: skip
JOURNAL_LINE = ObjectMap(
    "line",
    "",
    (
        FieldMap("line", "line_no"),
        to("account", "account", "account"),
        amount("debit", "dr"),
        amount("credit", "cr"),
        text("memo"),
        text("custcol_contract_no", "contract_no"),
        to("entity", "party"),
        *segments(),
    ),
    keep=KEEP,
)
JOURNAL = ObjectMap(
    "journalEntry",
    "journal_entry",
    (
        text("tranId", "je_no"),
        day("tranDate", "posting_date"),
        to("subsidiary", "subsidiary", "legal_entity"),
        to("currency", "currency", "ccy"),
        text("memo", "source_doc"),
        text("custbody_contract_no", "contract_no"),
        EXTERNAL,
        shown("approved", lambda record, context: record["status"] != "DRAFT", kind="boolean"),
        shown("postingPeriod", lambda record, context: context.period(record["legal_entity"], record["posting_date"]),
              refers="accountingPeriod"),
        *kept("reversalDate", "exchangeRate", "customForm"),
        *segments(),
        *STAMPS,
    ),
    children=(ChildMap("line", "lines", JOURNAL_LINE),),
    keep=KEEP,
    about={"family": "transaction", "label": "Journal Entry", "name": "tranId", "verbs": "create", "code": "Journal"},
)  # fmt: skip
SUBSIDIARY = with_customs(
    ObjectMap(
        "subsidiary",
        "legal_entity",
        (
            text("name", "name"),
            shown("legalName", lambda record, context: record["name"]),
            to("currency", "currency", "functional_ccy"),
            enum("country", country),
            text("tranPrefix", "code"),
            shown("isElimination", lambda record, context: False, kind="boolean"),
            shown("isInactive", lambda record, context: False, kind="boolean"),
            EXTERNAL,
            instant("lastModifiedDate", "updated_at"),
        ),
        about={"family": "list", "label": "Subsidiary", "name": "name", "verbs": "", "stored": "code"},
    ),
    model.LEGAL_ENTITY,
)
PERIOD = ObjectMap(
    "accountingPeriod",
    "period",
    (
        shown("periodName", lambda record, context: period_name(record["period"])),
        day("startDate", "from_date"),
        day("endDate", "to_date"),
        shown("closed", lambda record, context: record["status"] == "CLOSED", kind="boolean"),
        FieldMap("closedOnDate", "closed_at", INSTANT),
        *(
            shown(name, lambda record, context: record["status"] != "OPEN", kind="boolean")
            for name in ("allLocked", "arLocked", "apLocked")
        ),
        shown("isPosting", lambda record, context: True, kind="boolean"),
        *(
            shown(name, lambda record, context: False, kind="boolean")
            for name in ("isQuarter", "isYear", "isAdjust", "allowNonGLChanges")
        ),
        to("subsidiary", "subsidiary", "legal_entity"),
    ),
    about={"family": "list", "label": "Accounting Period", "name": "periodName", "verbs": ""},
)
TAX_ITEM = with_customs(
    ObjectMap(
        "salesTaxItem",
        "tax_code",
        (
            text("itemId", "code"),
            text("displayName", "code"),
            shown("rate", lambda record, context: RATE.show(record["rate"] * 100, record), kind="number"),
            EXTERNAL,
        ),
        about={"family": "list", "label": "Tax Code", "name": "itemId", "verbs": "", "stored": "code"},
    ),
    model.TAX_CODE,
)
ITEM = with_customs(ObjectMap(
    "serviceSaleItem",
    "service_item",
    (
        text("itemId", "code", required=True),
        text("displayName", "name"),
        to("incomeAccount", "account", "revenue_account"),
        shown("isInactive", lambda record, context: not record["active"], kind="boolean"),
        EXTERNAL,
        *kept("salesDescription", "deferredRevenueAccount", "subsidiary", "taxSchedule", "pricing", "unitsType"),
        *kept("revenueRecognitionRule", "includeChildren", "isFulfillable"),
        *segments(),
        instant("createdDate", "created_at"),
        instant("lastModifiedDate", "updated_at"),
    ),
    keep=KEEP,
    about={"family": "item", "label": "Service for Sale", "name": "itemId", "verbs": "create update delete",
           "stored": "code"},
), model.SERVICE_ITEM)  # fmt: skip
NON_INVENTORY = replace(ITEM, name="nonInventorySaleItem", about={**ITEM.about, "label": "Non-inventory Item for Sale"})

BUSINESS: tuple[ObjectMap, ...] = (
    CUSTOMER,
    INVOICE,
    CREDIT_MEMO,
    PAYMENT,
    DEPOSIT,
    REFUND,
    JOURNAL,
    SUBSIDIARY,
    PERIOD,
    TAX_ITEM,
    ITEM,
    NON_INVENTORY,
)
"""Records that are entities of the business."""
