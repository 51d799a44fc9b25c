"""Business deeds on invoices: draft, approve, issue, discard, void, and what the books say of them."""

from __future__ import annotations

from counterfoil_mocks.billing import documents, items
from counterfoil_mocks.billing.model import BILLABLE_ITEM, INVOICE, PLAN, PLAN_LINE, ROLE
from counterfoil_mocks.billing.plans import SOURCE_KEY
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import CROSS_REFERENCES, Step, minor, refuse_frozen, register_steps, step
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Record, amount, choice, day, listing, rate, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.routes import reach

AR_STATES = ("ISSUED", "POSTED", "PARTIALLY_PAID", "PAID", "DISPUTED", "POST_FAILED")


@ROLE.action(
    "draft_invoice",
    text("contract_no", limit=20, required=True),
    listing("plan_lines", "Keys of the plan lines to bill."),
    listing("items", "Keys of the approved entries to bill."),
    day("tax_point", "Issue date by default."),
    text("tax_code", "For all lines, in place of the plan's and of what the rules determine.", limit=20),
    SOURCE_KEY,
    returns=INVOICE,
)
def draft_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Draft an invoice of plan lines and billable items. It bills what it is told to bill, also what was billed before."""
    plan = tx.look_up(PLAN, values["contract_no"])
    if plan is None:
        raise invalid("contract_no", f"there is no billing plan of {values['contract_no']!r}", "Create the plan first.")
    refuse_held(plan)
    planned = documents.plan_lines(tx, plan, values.get("plan_lines") or [])
    billable = documents.billable_items(tx, plan, values.get("items") or [])
    lines, carried = documents.draft_lines(tx, plan, planned, billable)
    if not lines:
        raise conflict(
            "NOTHING_TO_BILL",
            f"Nothing of {plan['contract_no']} is to be billed.",
            field="items",
            remedy="Name plan lines with an amount, or items below the cap.",
        )
    if values.get("tax_code") is not None:
        lines = [{**line, "tax_code": values["tax_code"]} for line in lines]
    entity = entity_of(tx, plan["legal_entity"])
    head: Record = {
        name: plan[name] for name in ("contract_no", "legal_entity", "customer", "customer_no", "ccy", "terms")
    }
    head |= {name: plan[name] for name in ("po_no", "project_no")}
    head |= {name: values.get(name) for name in ("tax_point", "source_key")}
    head["rounding_policy"] = entity["rounding_policy"]
    figures = documents.worked_out(tx, lines, {**head, "tax_point": head["tax_point"] or tx.today(entity["tz"])})
    invoice = tx.insert(INVOICE, {**head, **figures, "items": carried})
    for item in billable:
        items.select(tx, item)
    return invoice


@ROLE.on_create(INVOICE)
def draft_free_form(tx: Tx, values: Record) -> Record:
    """A draft whose lines the caller gives; their net, the tax and the totals are worked out."""
    entity = entity_of(tx, values["legal_entity"])
    buyer = tx.look_up("customer", values["customer"])
    if buyer is None:
        raise invalid("customer", f"there is no customer {values['customer']!r}", "Create the customer first.")
    head = {**values, "customer": buyer["id"], "customer_no": buyer["customer_no"]}
    head["rounding_policy"] = values.get("rounding_policy") or entity["rounding_policy"]
    figures = documents.worked_out(
        tx, values.get("lines") or [], {**head, "tax_point": values.get("tax_point") or tx.today(entity["tz"])}
    )
    return tx.insert(INVOICE, {**head, **figures, "items": values.get("items") or _carried(tx, figures["lines"])})


@ROLE.on_update(INVOICE)
def change_draft(tx: Tx, record: Record, changes: Record) -> Record:
    """Change a draft; from approval on its content is frozen, and only cross-references may change."""
    if record["status"] != "DRAFT":
        refuse_frozen(record, changes)
    elif set(changes) - CROSS_REFERENCES:
        tz = entity_of(tx, changes.get("legal_entity") or record["legal_entity"])["tz"]
        head = {**record, **changes}
        head["tax_point"] = head["tax_point"] or tx.today(tz)
        changes = {**changes, **documents.worked_out(tx, head["lines"], head)}
    return tx.update(INVOICE, record, changes)


register_steps(
    ROLE, INVOICE, (Step("approve_invoice", "APPROVED", "Approve a draft.", sources=("DRAFT", "PENDING_APPROVAL")),)
)


@ROLE.action("recalculate_invoice", on=INVOICE)
def recalculate_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Work a draft out again as of now: its customer may have become exempt, or its VAT id have been validated."""
    if subject["status"] != "DRAFT":
        raise conflict(
            "ILLEGAL_TRANSITION",
            f"Invoice {subject['key'] or subject['id']} is {subject['status']}; only a draft is worked out again.",
            field="status",
            remedy="Issue it; its tax is determined then.",
        )
    tax_point = subject["tax_point"] or tx.today(entity_of(tx, subject["legal_entity"])["tz"])
    return tx.update(INVOICE, subject, documents.worked_out(tx, subject["lines"], {**subject, "tax_point": tax_point}))


@ROLE.action(
    "issue_invoice",
    day("issue_date", "Today by default."),
    text(
        "invoice_no",
        "A number of the caller's own, where the law lets a series have gaps; the next one by default.",
        limit=40,
    ),
    rate(
        "fx_rate", "Local currency per unit of the invoice's, where tax is stated in both; from the table when absent."
    ),
    on=INVOICE,
)
def issue_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Issue an approved invoice: it gets its number, its addressee, its tax and its dates, and is frozen.

    Raises Problem 409 FX_RATE_MISSING where tax must be stated in local currency too, GAPLESS_SERIES for a number given where the
    series counts by itself, CREDIT_HOLD, PLAN_HELD.
    """
    plan = tx.look_up(PLAN, subject["contract_no"])
    if plan is not None:
        refuse_held(plan)
    buyer = tx.get("customer", subject["customer"])
    if buyer["status"] == "CREDIT_HOLD":
        raise conflict("CREDIT_HOLD", f"{buyer['name']} is on credit hold.", field="customer", remedy="Lift the hold.")
    entity = entity_of(tx, subject["legal_entity"])
    issued = values.get("issue_date") or tx.today(entity["tz"])
    tax_point = subject["tax_point"] or issued
    figures = documents.worked_out(tx, subject["lines"], {**subject, "tax_point": tax_point})
    changes = {
        **figures,
        **documents.local_tax(tx, figures, {**subject, "tax_point": tax_point}, entity, values.get("fx_rate")),
        **documents.bill_to(tx, subject, plan),
        "seller_vat_id": entity["vat_id"],
        "issue_date": issued,
        "tax_point": tax_point,
        "due": clock.add_days(issued, documents.TERM_DAYS[subject["terms"] or "NET30"]),
        "issued_at": tx.stamp,
        "ar_status": None,
    }
    if values.get("invoice_no") and entity["gapless"] and subject["rounding_policy"] != documents.GIVEN:
        raise conflict(
            "GAPLESS_SERIES",
            f"The invoice numbers of {entity['code']} follow one another without a gap.",
            field="invoice_no",
            remedy="Leave the number to the series.",
        )
    if subject["status"] == "APPROVED":
        changes["invoice_no"] = values.get("invoice_no") or numbered(tx, entity, "INV")
    invoice = step(
        tx, INVOICE, subject, "ISSUED", changes, sources=("APPROVED", "POST_FAILED"), event="billing.invoice.issued"
    )
    mark_billed(tx, invoice)
    return invoice


def numbered(tx: Tx, entity: Record, kind: str) -> str:
    """The next number of a legal entity's gapless series: `INV-CF-US-00001`."""
    series = (entity["invoice_series"] or entity["code"]).removeprefix("INV-")
    return f"{kind}-{series}-{tx.number(f'{kind}-{series}'):05d}"


def mark_billed(tx: Tx, invoice: Record) -> None:
    """Plan lines become INVOICED and items BILLED."""
    for line in _plan_lines(tx, invoice):
        if line["status"] == "READY":
            tx.update(PLAN_LINE, line, {"status": "INVOICED", "invoice_no": invoice["invoice_no"]}, event="")
    for item, figure in billed_items(tx, invoice):
        items.bill(tx, item, figure, invoice["invoice_no"])


def unmark_billed(tx: Tx, invoice: Record, *, release: bool) -> None:
    """Undo `mark_billed`. Without release nothing may be billed again."""
    for line in _plan_lines(tx, invoice):
        if release and line["status"] == "INVOICED" and line["invoice_no"] == invoice["invoice_no"]:
            tx.update(PLAN_LINE, line, {"status": "READY", "invoice_no": None}, event="")
    for item, figure in billed_items(tx, invoice):
        items.take_back(tx, item, figure, invoice["invoice_no"], release=release)


def _plan_lines(tx: Tx, invoice: Record) -> list[Record]:
    keys = dict.fromkeys(line["plan_line"] for line in invoice["lines"] if line["plan_line"])
    return [line for line in (tx.look_up(PLAN_LINE, key) for key in keys) if line is not None]


def billed_items(tx: Tx, document: Record) -> list[tuple[Record, int]]:
    """The billable items of a document, each with the minor units it has there."""
    taken: set[str] = set()
    found = []
    for row in document["items"]:
        mine = [each for each in tx.find(BILLABLE_ITEM, source_id=row["source_id"]) if each["id"] not in taken]
        mine.sort(key=lambda each: each["billing"] not in ("SELECTED", "BILLED"))
        if mine:
            taken.add(mine[0]["id"])
            found.append((mine[0], int(row["amount"] or 0)))
    return found


def _carried(tx: Tx, lines: list[Record]) -> list[Record]:
    rows = []
    for line in lines:
        for source_id in line.get("items") or []:
            item = tx.one(BILLABLE_ITEM, source_id=source_id)
            figure = line["net"] if item is None or len(line["items"]) == 1 else items.to_bill(item)
            rows.append({"line_no": line["line_no"], "source_id": source_id, "ccy": line["ccy"], "amount": figure})
    return rows


@ROLE.action("discard_invoice", on=INVOICE)
def discard_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Throw away an invoice that was not issued; its items may be billed again."""
    invoice = step(tx, INVOICE, subject, "DISCARDED", event="billing.invoice.discarded")
    for item, _ in billed_items(tx, subject):
        items.let_go(tx, item)
    return invoice


@ROLE.action("void_invoice", text("reason", limit=255, required=True), on=INVOICE)
def void_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Void an issued invoice that the books have not taken; it keeps its number, what it billed may be billed again."""
    invoice = step(tx, INVOICE, subject, "VOID", {"void_reason": values["reason"]}, event="billing.invoice.voided")
    unmark_billed(tx, subject, release=True)
    return invoice


@ROLE.action(
    "record_ar_status",
    choice("ar_status", "POSTED POST_FAILED PARTIALLY_PAID PAID DISPUTED CREDITED WRITTEN_OFF", required=True),
    amount("paid", "Paid so far, as the books say."),
    on=INVOICE,
)
def record_ar_status(tx: Tx, subject: Record, values: Record) -> Record:
    """Mirror what the books say of an issued invoice, step by legal step. Told the same again, it changes nothing."""
    changes: Record = {"ar_status": values["ar_status"]}
    if "paid" in values:
        changes["paid"] = minor(values, "paid", subject["ccy"])
    return reach(tx, INVOICE, subject, values["ar_status"], changes, through=AR_STATES)


def refuse_held(plan: Record) -> None:
    """Refuse to bill a contract whose plan is on hold or closed."""
    if plan["status"] != "ACTIVE":
        raise conflict(
            "PLAN_HELD",
            f"The billing plan of {plan['contract_no']} is {plan['status']}.",
            field="contract_no",
            remedy="Resume the plan first.",
        )
