"""Invoices and the money for them."""

from __future__ import annotations

from counterfoil.activity.people import Deal
from counterfoil.client import Record, Records
from counterfoil.money import Money
from counterfoil.world import SystemHandle, World


def invoices(world: World, deal: Deal) -> Records:
    """The deal's issued invoices in billing, in order of their numbers."""
    found = world.billing.list("invoice", contract_no=deal.contract_no)
    return sorted((each for each in found if each["invoice_no"]), key=lambda each: str(each["invoice_no"]))


def receivables(world: World, deal: Deal) -> Records:
    """The deal's invoices as the books hold them, in order of their numbers."""
    found = world.erp.list("ar_document", contract_no=deal.contract_no, doc_type="INVOICE")
    return sorted(found, key=lambda each: str(each["invoice_no"]))


def issue_drafts(world: World, deal: Deal) -> Records:
    """Finance's run over a deal: whatever is drafted or approved goes out; returns the invoices issued."""
    issued = []
    for found in world.billing.list("invoice", contract_no=deal.contract_no):
        draft = found if found["status"] != "DRAFT" else world.billing.act("approve_invoice", id=found["id"])
        if draft["status"] == "APPROVED":
            issued.append(world.billing.act("issue_invoice", id=draft["id"]))
    return issued


def bill_cycles(world: World, deal: Deal) -> Records:
    """Finance ends the deal's billing cycles early: what was worked until now may be billed; returns the plan lines."""
    lines = world.billing.list("plan_line", contract_no=deal.contract_no, kind="TM_CYCLE", status="SCHEDULED")
    return [world.billing.act("ready_plan_line", key=each["key"]) for each in lines]


def pay(
    world: World,
    *,
    invoice_no: str,
    amount: Money | None = None,
    value_date: str | None = None,
    bank_ref: str | None = None,
    settle: bool = True,
    books: SystemHandle | None = None,
    document: Record | None = None,
) -> Record:
    """Receive money for an invoice in the books and apply it; returns the payment.

    amount: what is open by default; value_date: today in the entity's zone by default. books: where, the first ERP by default;
    document: what is paid, as the books (or billing) show it, where the books are not to be asked.
    """
    books = books or world.erp
    document = document or books.one("ar_document", invoice_no=invoice_no, doc_type="INVOICE")
    zone = str(books.get("legal_entity", document["legal_entity"])["tz"])
    payer = document["customer"] if "open_amount" in document else books.list("customer", include_deleted=True)[0]["id"]
    payment = books.act(
        "receive_payment",
        payer=payer,
        legal_entity=document["legal_entity"],
        ccy=document["ccy"],
        amount=amount or document.get("open_amount") or document["total"],
        value_date=value_date or world.today(zone),
        bank_ref=bank_ref or f"WIRE-{invoice_no}",
    )
    applied = books.act("apply_payment", key=payment["key"], invoice_no=invoice_no)
    if settle:
        world.settle()
    return applied


def pay_all(world: World, deal: Deal, *, value_date: str | None = None, settle: bool = True) -> Records:
    """Pay everything of a deal that is open in the books, in full; returns the payments."""
    documents = world.erp.list("ar_document", contract_no=deal.contract_no, doc_type="INVOICE")
    due = [each for each in documents if each["open_amount"] and each["open_amount"]["minor"] > 0]
    paid = [pay(world, invoice_no=each["invoice_no"], value_date=value_date, settle=False) for each in due]
    if settle and paid:
        world.settle()
    return paid


def apply_on_account(world: World, document: Record, *, books: SystemHandle | None = None) -> Record:
    """What finance does before a customer is asked to pay twice: money of theirs that is on account, the oldest first, is applied to an
    open invoice; returns the invoice as it then is."""
    books = books or world.erp
    theirs = {name: document[name] for name in ("legal_entity", "ccy")} | {"payer": document["customer"]}
    for payment in sorted(
        books.list("payment", **theirs), key=lambda each: (str(each["value_date"]), str(each["key"]))
    ):
        if document["open_amount"]["minor"] > 0 and payment["unapplied"]["minor"] > 0:
            books.act("apply_payment", key=payment["key"], invoice_no=document["invoice_no"])
            document = books.get("ar_document", document["id"])
    return document
