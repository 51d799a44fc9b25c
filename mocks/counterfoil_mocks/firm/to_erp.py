"""The won deals in the books: receivables, receipts, work entries, change orders and revenue schedules."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil_mocks.erp.receivables import CHASES_AT
from counterfoil_mocks.firm.books import Books, Recognised
from counterfoil_mocks.firm.calendar import iso, moment
from counterfoil_mocks.firm.deals import Deal, Line
from counterfoil_mocks.firm.invoicing import Billing, Invoice
from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.firm.to_psa import CHANGED, SETUP
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record


def write(books: Books, deals: Sequence[Deal], work: Sequence[Work], billed: Billing, erp: Rows, *, live: bool) -> None:
    """Make everything in the ERP. live: open invoices are chased when they are due."""
    books.ledger.write(erp)
    for at, entry in books.shown:
        erp.timer("next_day", entry.number, at, {"id": entry.id})
    for invoice in billed.invoices:
        _document(books, invoice, erp, live=live)
    for each in work:
        if each.approved:
            _work(books, each, erp)
    schedules: dict[tuple[int, int], dict[int, str]] = {}
    for deal in deals:
        _changes(deal, erp)
        for line in deal.lines:
            if line.type != "EXPENSE":
                schedules[deal.number, line.line_no] = _schedules(books, deal, line, erp)
    for made in books.revenue:
        _revenue(schedules[made.deal.number, made.line.line_no][made.version], made, erp)


def _document(books: Books, invoice: Invoice, erp: Rows, *, live: bool) -> None:
    maker = erp["ar_document"]
    line = line_maker(maker.entity, "lines")
    deal, paid = invoice.deal, invoice.payment
    company, entry = deal.company, books.documents[invoice.number]
    left = invoice.total - invoice.paid
    applied = books.applications.get(invoice.number)
    record = maker.make(
        entry.at,
        {
            "invoice_no": invoice.number,
            "external_id": invoice.id,
            "source_key": invoice.number,
            "legal_entity": company.code,
            "customer": deal.party.ids["erp"],
            "customer_no": deal.party.customer_no,
            "contract_no": deal.contract_no,
            "ccy": company.ccy,
            "issue_date": iso(invoice.day),
            "tax_point": iso(invoice.day),
            "due": iso(invoice.due),
            "fx_rate": money.RATE_SCALE,
            "net": invoice.net,
            "tax": invoice.tax,
            "total": invoice.total,
            "paid": invoice.paid,
            "open_amount": left,
            "status": invoice.status,
            "je": entry.id,
            "lines": [
                line(
                    line_no=number,
                    line_type=each.plan.line.type,
                    contract_line=each.plan.line.line_no,
                    description=each.description,
                    ccy=company.ccy,
                    net=each.net,
                    tax_code=each.plan.line.tax_code,
                    tax=each.tax,
                    service_item=each.plan.line.item,
                )
                for number, each in enumerate(invoice.lines, 1)
            ],
        },
        None if applied is None else applied.at,
    )
    invoice.debt = record["id"]
    at = clock.instant_of(iso(invoice.due + 1), company.tz, CHASES_AT)
    if live and left and at > books.now:
        erp.timer("invoice_overdue", record["id"], at, {"id": record["id"]})
    if paid is not None:
        _payment(books, invoice, record, erp)


def _payment(books: Books, invoice: Invoice, document: Record, erp: Rows) -> None:
    paid, deal = invoice.payment, invoice.deal
    if paid is None:
        return
    company, received = deal.company, books.receipts[invoice.number]
    applied = books.applications.get(invoice.number)
    payment = erp["payment"].make(
        received.at,
        {
            "receipt_no": f"RC-{erp.next_number('number:payment'):06d}",
            "bank_ref": paid.bank_ref,
            "payer": deal.party.ids["erp"],
            "legal_entity": company.code,
            "ccy": company.ccy,
            "amount": paid.amount,
            "value_date": iso(paid.day),
            "fx_rate": money.RATE_SCALE,
            "method": paid.method,
            "status": "RECEIVED" if applied is None else "APPLIED",
            "applied": 0 if applied is None else paid.amount,
            "unapplied": paid.amount if applied is None else 0,
            "je": received.id,
        },
        None if applied is None else applied.at,
    )
    if applied is not None:
        erp["payment_application"].make(
            applied.at,
            {
                "payment": payment["id"],
                "ar_document": document["id"],
                "invoice_no": invoice.number,
                "bank_ref": paid.bank_ref,
                "contract_no": deal.contract_no,
                "legal_entity": company.code,
                "ccy": company.ccy,
                "amount": paid.amount,
                "applied_on": iso(applied.day),
                "func_ccy": company.ccy,
                "fx_gain_loss": 0,
                "je": applied.id,
            },
        )


def _work(books: Books, each: Work, erp: Rows) -> None:
    deal = each.deal
    period, kind = books.places[each.key]
    erp["work_entry"].make(
        moment(each.approved, deal.company, 35),
        {
            "source_type": "TIME" if each.expense is None else "EXPENSE",
            "source_id": each.key,
            "source_key": each.key,
            "external_id": each.id,
            "contract_no": deal.contract_no,
            "project_no": deal.project_no,
            "line_no": each.line.line_no,
            "legal_entity": deal.company.code,
            "work_date": iso(each.day),
            "minutes": each.minutes,
            "ccy": deal.company.ccy,
            "value": each.amount or 0,
            "cost_ccy": deal.company.ccy,
            "cost": each.cost,
            "effort": each.cost,
            "period": period,
            "kind": kind,
        },
    )


def _changes(deal: Deal, erp: Rows) -> None:
    for each in deal.applied:
        erp["change_order"].make(
            moment(each.day, deal.company, CHANGED),
            {
                "contract_no": deal.contract_no,
                "co_seq": each.seq,
                "ccy": deal.company.ccy,
                "treatment": "CATCH_UP",
                "amount": each.amount,
                "cap": 0,
                "cost": each.cost,
                "source_key": f"{deal.contract_no}/CO-{each.seq}",
            },
        )


def _schedules(books: Books, deal: Deal, line: Line, erp: Rows) -> dict[int, str]:
    """Every version of a line's schedule, one more for each change order; ids by version."""
    changes = deal.applied if line.type == "FIXED_FEE" else []
    at = moment(deal.won, deal.company, deal.minute + SETUP + 3)
    found: dict[int, str] = {}
    for version in range(1, len(changes) + 2):
        to_come, now = changes[version - 1 :], changes[version - 2] if version > 1 else None
        if now is not None:
            at = moment(now.day, deal.company, CHANGED)
        cost = _less(line.budget_cost, [each.cost for each in to_come])
        hours = _less(line.budget_hours, [each.hours for each in to_come])
        record = erp["revenue_schedule"].make(
            at,
            {
                "contract_no": deal.contract_no,
                "project_no": deal.project_no,
                "line_no": line.line_no,
                "customer": deal.party.ids["erp"],
                "legal_entity": deal.company.code,
                "ccy": deal.company.ccy,
                "schedule_version": version,
                "method": line.method,
                "service_item": line.item,
                "tp": _less(line.amount, [each.amount for each in to_come]),
                "cap": line.cap,
                "budget_cost": cost,
                "budget_hours": hours,
                "eac_cost": cost,
                "eac_minutes": None if hours is None else hours * 60,
                "start": iso(deal.start),
                "end": iso(deal.end),
                "co_seq": 0 if now is None else now.seq,
                "treatment": None if now is None else "CATCH_UP",
                "recognised": books.recognised(deal, line, version),
                "status": "SUPERSEDED" if to_come else "COMPLETED" if deal.finished else "ACTIVE",
                "source_key": deal.contract_no,
            },
            moment(to_come[0].day, deal.company, CHANGED) if to_come else None,
        )
        found[version] = record["id"]
    return found


def _revenue(schedule: str, made: Recognised, erp: Rows) -> None:
    deal = made.deal
    erp["revenue_entry"].make(
        made.at,
        {
            "schedule": schedule,
            "contract_no": deal.contract_no,
            "line_no": made.line.line_no,
            "legal_entity": deal.company.code,
            "ccy": deal.company.ccy,
            "period": made.period,
            "amount": made.amount,
            "cum": made.upto,
            "kind": made.kind,
            "status": "POSTED",
            "je": made.entry and made.entry.id,
            "source_key": f"{deal.contract_no}/{made.line.line_no}",
        },
    )


def _less(figure: int | None, parts: Sequence[int]) -> int | None:
    return None if figure is None else figure - sum(parts)
