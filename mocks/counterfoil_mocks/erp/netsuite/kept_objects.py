"""Records that only the ERP's vendor knows and the business keeps elsewhere or not at all: orders, jobs, contacts, departments."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from counterfoil_mocks.erp.netsuite.objects import EXTERNAL, STAMPS, day, enum, flag, kept, segments, shown, text, to
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import Conversion, exact, number, same
from counterfoil_mocks.protocols.fieldmap import ChildMap, FieldMap, ObjectMap

VENDOR = "netsuite"
RELATIONSHIP = "customerSubsidiaryRelationship"
APPLICATIONS = "applications"
"""What a sublist is of whose lines are the applications of a payment that the record names."""
LINES = "kept"
"""What a sublist is of whose lines live in the record's `custom`."""


def total(record: Record, context: Any) -> Any:
    """What the lines of an order come to."""
    return number(summed(record, "amount") + summed(record, "tax1Amt"))


def subtotal(record: Record, context: Any) -> Any:
    """The same without tax."""
    return number(summed(record, "amount"))


def tax_total(record: Record, context: Any) -> Any:
    """The tax of an order's lines."""
    return number(summed(record, "tax1Amt"))


def summed(record: Record, name: str) -> Decimal:
    """What the lines of an order have of something."""
    lines = record["custom"].get("item") or []
    return sum((Decimal(str(line.get(name) or 0)) for line in lines), Decimal("0.00"))


def gross(line: Record) -> Decimal:
    """A line's amount with its tax."""
    return Decimal(str(line.get("amount") or 0)) + Decimal(str(line.get("tax1Amt") or 0))


ORDER_STATES = {"A": "Pending Approval", "B": "Pending Fulfillment", "C": "Cancelled", "F": "Pending Billing", "G": "Billed",
                "H": "Closed"}  # fmt: skip
"""States of a sales order, and how they are read."""
PENDING = "A"
BILLABLE = ("B", "F")
"""States in which an order can be billed."""


def order_status(record: Record, context: Any) -> Record:
    """Orders of services wait for their bill from the start."""
    state = state_of(record["custom"])
    return {"id": state, "refName": ORDER_STATES[state]}


JOB_STATES = {"1": "Closed", "2": "In Progress", "3": "Not Awarded", "4": "Pending", "5": "Awarded"}
"""States of a project, and how they are read."""
TIME_STATES = {"1": "Open", "2": "Pending Approval", "3": "Approved", "4": "Rejected"}
"""States of time, and how they are read."""
REJECTED = "4"
ENUMS = {
    "salesOrder": {"orderStatus": ORDER_STATES},
    "job": {"entityStatus": JOB_STATES},
    "timeBill": {"approvalStatus": TIME_STATES},
}
"""Fields that take one of a few words, by type."""
CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)", re.ASCII)
MOST_MINUTES = 10**6


def job_status(record: Record, context: Any) -> Record | None:
    """A project's state, where it says one."""
    said = record["custom"].get("entityStatus")
    return None if said is None else {"id": said["id"], "refName": JOB_STATES[said["id"]]}


def time_status(record: Record, context: Any) -> Record:
    """Whether time is approved."""
    state = str((record["custom"].get("approvalStatus") or {}).get("id") or "1")
    return {"id": state, "refName": TIME_STATES[state]}


def hours(value: Any, around: Record) -> str:
    """Hours as `8:00`, of the same or of a number; raises ValueError."""
    if isinstance(value, str) and CLOCK.fullmatch(value):
        return value
    minutes = round(exact(value) * 60)
    if not 0 <= minutes <= MOST_MINUTES:
        raise ValueError(f"{value!r} is no time that was worked")
    return f"{minutes // 60}:{minutes % 60:02d}"


HOURS = Conversion("text", same, hours)


def state_of(custom: Record) -> str:
    """A sales order's state, out of what was said of it and of what is billed and closed of its lines."""
    said = str((custom.get("orderStatus") or {}).get("id") or "F")
    lines = custom.get("item") or []
    if said in ("F", "G") and lines and not any(open_of(line) for line in lines):
        return "G" if any(line.get("quantityBilled") for line in lines) else "H"
    return "F" if said == "G" else said


def open_of(line: Record) -> Decimal:
    """What of a line's quantity is not billed yet; nothing of a closed one."""
    if line.get("isClosed"):
        return Decimal(0)
    return max(Decimal(0), quantity_of(line) - Decimal(str(line.get("quantityBilled") or 0)))


def quantity_of(line: Record) -> Decimal:
    """A line's quantity: one where it says none."""
    return Decimal(str(1 if line.get("quantity") is None else line["quantity"]))


ITEM_LINE = ObjectMap(
    "item",
    "",
    (
        to("item", "serviceSaleItem"),
        *kept("line", "description", "quantity", "rate", "amount", "price", "isTaxable", "units", "tax1Amt"),
        to("job", "job"),
        to("taxCode", "salesTaxItem"),
        shown("grossAmt", lambda line, context: number(gross(line["custom"])), kind="number"),
        *segments(),
        *kept("revRecStartDate", "revRecEndDate", "expectedShipDate"),
    ),
)

ORDER_LINE = replace(
    ITEM_LINE,
    fields=(
        *ITEM_LINE.fields,
        flag("isClosed"),
        FieldMap("quantityBilled", default=0, creatable=False, about={"kind": "number"}),
        FieldMap("quantityFulfilled", default=0, creatable=False, about={"kind": "number"}),
    ),
)


def record_type(
    name: str,
    label: str,
    family: str,
    fields: tuple[FieldMap, ...],
    *,
    title: str = "name",
    code: str = "",
    children: tuple[ChildMap, ...] = (),
    verbs: str = "create update delete",
) -> ObjectMap:
    """A type of record that is kept as it comes. code: what SuiteQL calls a transaction of it."""
    about = {"family": family, "label": label, "name": title, "verbs": verbs, "code": code}
    where = {"vendor": VENDOR, "kind": name}
    return ObjectMap(name, "vendor_object", (*fields, EXTERNAL, *STAMPS), where, children, "", about)


def transaction(name: str, label: str, code: str, *more: FieldMap, line: ObjectMap = ITEM_LINE) -> ObjectMap:
    """A transaction that posts nothing."""
    fields = (
        *kept("tranId", "title", "memo", "otherRefNum", "exchangeRate", "email"),
        *kept("startDate", "endDate", "billingAddress", "shippingAddress", "probability"),
        to("terms", "term"),
        to("salesRep", "employee"),
        to("job", "job"),
        *segments(),
        to("entity", "customer", required=True),
        day("tranDate"),
        to("subsidiary", "subsidiary"),
        to("currency", "currency"),
        to("createdFrom", "transaction"),
        shown("subtotal", subtotal, kind="number"),
        shown("discountTotal", lambda record, context: number(Decimal("0.00")), kind="number"),
        shown("taxTotal", tax_total, kind="number"),
        shown("total", total, kind="number"),
        *more,
    )
    lines = (ChildMap("item", of=line, object=LINES),)
    return record_type(name, label, "transaction", fields, title="tranId", code=code, children=lines)


def named(name: str, label: str, *more: str) -> ObjectMap:
    """A member of a list of the account's own."""
    fields = (text("name", required=True), flag("isInactive"), to("parent", name), *kept("subsidiary", *more))
    return record_type(name, label, "list:" + name, fields)


SALES_ORDER = transaction(
    "salesOrder",
    "Sales Order",
    "SalesOrd",
    enum("status", order_status),
    enum("orderStatus", order_status),
    line=ORDER_LINE,
)
DEPOSIT_APPLICATION = record_type(
    "depositApplication",
    "Deposit Application",
    "transaction",
    (
        to("customer", "customer"),
        to("deposit", "customerDeposit", required=True),
        day("tranDate"),
        to("subsidiary", "subsidiary"),
        to("currency", "currency"),
        shown("total", lambda record, context: context.applied(record), kind="number"),
        shown("applied", lambda record, context: context.applied(record), kind="number"),
        *kept("tranId", "memo"),
    ),
    title="tranId",
    code="DepAppl",
    verbs="create",
    children=(ChildMap("apply", object=APPLICATIONS),),
)
TIMED = "custcol_invoice"
"""The field of time that says which invoice bills it."""
TIME_BILL = record_type(
    "timeBill",
    "Time",
    "time",
    (
        to("employee", "employee", required=True),
        to("customer", "debtor"),
        to("item", "serviceSaleItem"),
        FieldMap("hours", conversion=HOURS),
        to("casetaskevent", "projectTask"),
        to("subsidiary", "subsidiary"),
        *segments(),
        enum("approvalStatus", time_status),
        *kept("memo", "isBillable", "rate"),
        day("tranDate"),
        to(TIMED, "invoice", creatable=False),
    ),
    title="memo",
)
KEPT: tuple[ObjectMap, ...] = (
    SALES_ORDER,
    DEPOSIT_APPLICATION,
    transaction("estimate", "Estimate", "Estimate", day("dueDate"), *kept("entityStatus", "expectedCloseDate")),
    transaction("opportunity", "Opportunity", "Opprtnty", *kept("entityStatus", "expectedCloseDate", "projectedTotal")),
    record_type(
        "job",
        "Project",
        "entity",
        (
            text("companyName", required=True),
            to("parent", "customer"),
            to("subsidiary", "subsidiary"),
            to("currency", "currency"),
            flag("isInactive"),
            *kept("entityId", "jobBillingType", "jobItem", "jobPrice", "jobType", "projectManager", "startDate"),
            enum("entityStatus", job_status),
            *kept("projectedEndDate", "calculatedEndDate", "estimatedRevenue", "percentComplete"),
            *kept("billingSchedule", "billingRateCard", "allowTime", "allowExpenses", "limitTimeToAssignees"),
        ),
        title="companyName",
    ),
    record_type(
        "contact",
        "Contact",
        "entity",
        (
            to("company", "customer"),
            to("subsidiary", "subsidiary"),
            flag("isInactive"),
            *kept("entityId", "firstName", "lastName", "email", "phone", "title", "salutation"),
        ),
        title="entityId",
    ),
    record_type(
        "employee",
        "Employee",
        "entity",
        (
            text("lastName", required=True),
            to("subsidiary", "subsidiary"),
            to("supervisor", "employee"),
            to("department", "department"),
            flag("isInactive"),
            *kept("entityId", "firstName", "email", "phone", "title", "laborCost", "billingClass", "hireDate"),
        ),
        title="entityId",
    ),
    record_type(
        "projectTask",
        "Project Task",
        "task",
        (to("company", "job", required=True), *kept("title", "plannedWork", "status", "startDate", "endDate")),
        title="title",
    ),
    TIME_BILL,
    record_type(
        RELATIONSHIP,
        "Customer-Subsidiary Relationship",
        "relationship",
        (to("entity", "customer", required=True), to("subsidiary", "subsidiary", required=True), *kept("name")),
    ),
    record_type(
        "resourceAllocation",
        "Resource Allocation",
        "task",
        (
            to("allocationResource", "employee", required=True),
            to("project", "job", required=True),
            day("startDate", required=True),
            day("endDate", required=True),
            *kept("allocationAmount", "allocationUnit", "allocationType", "notes"),
        ),
        title="notes",
    ),
    record_type(
        "timeSheet",
        "Weekly Timesheet",
        "time",
        (
            to("employee", "employee", required=True),
            to("subsidiary", "subsidiary"),
            day("tranDate", required=True),
            *kept("totalHours", "approvalStatus", "submittedHours"),
        ),
        title="tranDate",
    ),
    record_type(
        "charge",
        "Charge",
        "charge",
        (
            to("billTo", "customer", required=True),
            to("project", "job"),
            to("billingItem", "serviceSaleItem"),
            to("currency", "currency"),
            day("chargeDate"),
            *kept("quantity", "rate", "amount", "description", "stage", "use", "chargeType"),
        ),
        title="description",
    ),
    named("billingSchedule", "Billing Schedule", "scheduleType", "frequency", "initialAmount", "recurrence"),
    named("billingRateCard", "Billing Rate Card", "rateCardPrices"),
    named(
        "revRecTemplate", "Revenue Recognition Template", "amortizationMethod", "amortizationPeriod", "recurrenceType"
    ),
    named("jobStatus", "Project Status", "description"),
    named("jobType", "Project Type"),
    record_type(
        "taxGroup",
        "Tax Group",
        "list:taxGroup",
        (
            text("itemId", required=True),
            flag("isInactive"),
            *kept("description", "rate", "nexus", "taxItem", "subsidiary"),
        ),
        title="itemId",
    ),
    record_type(
        "revRecSchedule",
        "Revenue Recognition Schedule",
        "list:revRecSchedule",
        (
            *kept(
                "name",
                "amount",
                "initialAmount",
                "amortizationType",
                "amortizationMethod",
                "recurrence",
                "recurrenceType",
            ),
            *kept("periodOffset", "startOffset", "recogIntervalSrc", "startDate", "endDate", "status", "sourceTran"),
            to("job", "job"),
        ),
    ),
    named("taxType", "Tax Type", "country", "description"),
    record_type(
        "nexus",
        "Nexus",
        "list:nexus",
        (flag("isInactive"), *kept("name", "country", "state", "description", "taxAgency")),
    ),
    named("department", "Department"),
    named("classification", "Class"),
    named("location", "Location", "mainAddress"),
)
