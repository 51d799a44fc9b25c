"""The won deals in the billing engine: plans, billable items and invoices."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil_mocks.billing.plans import BILLS_AT
from counterfoil_mocks.firm.calendar import iso, moment
from counterfoil_mocks.firm.companies import TAX_CODES
from counterfoil_mocks.firm.deals import Deal
from counterfoil_mocks.firm.invoicing import RATES, Billing, Invoice, PlanLine
from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.firm.to_psa import CHANGED, SETUP, instants
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record

HOLD_REASON = "Customer has not signed the time sheet"
LEGENDS = {code: legend for code, *_, legend in TAX_CODES if legend}
REVERSE_CHARGE = {code for code, *_, category, _, _ in TAX_CODES if category == "AE"}


def write(deals: Sequence[Deal], work: Sequence[Work], billed: Billing, billing: Rows) -> None:
    """Make them; timers of what is due are armed."""
    for deal in deals:
        _plan(deal, billed.plans[deal.number], billing)
    issued = {each.number: each.at for each in billed.invoices}
    for each in work:
        if each.approved and each.amount is not None:
            _item(each, issued, billing)
    for invoice in billed.invoices:
        _invoice(invoice, billing)
        code = invoice.deal.company.code
        billing.next_number(f"series:INV-{code}")


def _plan(deal: Deal, lines: Sequence[PlanLine], billing: Rows) -> None:
    company, party = deal.company, deal.party
    at = moment(deal.won, company, deal.minute + SETUP)
    plan = billing["plan"].make(
        at,
        {
            "contract_no": deal.contract_no,
            "customer": party.ids["billing"],
            "customer_no": party.customer_no,
            "legal_entity": company.code,
            "ccy": company.ccy,
            "bill_to": party.places[0].ids["billing"],
            "ship_to": deal.ship_to.ids["billing"],
            "terms": party.terms,
            "po_no": deal.po_no,
            "billing_trigger": deal.trigger,
            "status": "CLOSED" if deal.finished else "ACTIVE",
            "project_no": deal.project_no,
            "co_seq": max((each.seq for each in deal.applied), default=0),
            "source_key": deal.contract_no,
        },
    )
    for change in deal.applied:
        billing["change_order"].make(
            moment(change.day, company, CHANGED),
            {
                "contract_no": deal.contract_no,
                "co_seq": change.seq,
                "ccy": company.ccy,
                "amount": change.amount,
                "cap": 0,
                "source_key": f"{deal.contract_no}/CO-{change.seq}",
            },
        )
    for each in lines:
        billing["plan_line"].make(
            at,
            {
                "plan": plan["id"],
                "contract_no": deal.contract_no,
                "plan_line": each.number,
                "kind": each.kind,
                "line_type": each.line.type,
                "line_no": each.line.line_no,
                "ms_code": each.ms_code,
                "description": each.description,
                "ccy": company.ccy,
                "legal_entity": company.code,
                "amount": each.amount,
                "cap": each.line.cap,
                "tax_code": each.line.tax_code,
                "service_item": each.line.item,
                "expense_markup": each.line.markup,
                "due": None if each.due is None else iso(each.due),
                "every_months": each.every_months,
                "co_seq": each.co_seq,
                "status": each.status,
                "ready_at": each.ready,
                "invoice_no": each.invoice_no,
                "source_key": deal.contract_no,
            },
            each.ready,
        )
    if not deal.finished:
        for due in sorted({each.due for each in lines if each.due is not None and each.status == "SCHEDULED"}):
            at = clock.instant_of(iso(due), company.tz, BILLS_AT)
            payload = {"plan": plan["id"], "due": iso(due)}
            billing.timer("plan_due", f"{deal.contract_no}/{iso(due)}", at, payload)


def _item(each: Work, issued: dict[str, str], billing: Rows) -> None:
    deal, (_, approved, updated) = each.deal, instants(each, issued)
    time = each.expense is None
    billing["billable_item"].make(
        approved or "",
        {
            "source_type": "TIME" if time else "EXPENSE",
            "source_id": each.key,
            "source_key": each.key,
            "external_id": each.id,
            "contract_no": deal.contract_no,
            "project_no": deal.project_no,
            "line_no": each.line.line_no,
            "employee_no": each.employee.employee_no,
            "description": each.note if time else each.expense and each.expense.category,
            "work_date": iso(each.day),
            "minutes": each.minutes if time else None,
            "unit_price": each.rate if time else None,
            "ccy": deal.company.ccy,
            "amount": each.amount,
            "billed": each.amount if each.invoice_no else 0,
            "billing": each.billing,
            "hold_reason": HOLD_REASON if each.held else None,
            "invoice_no": each.invoice_no,
        },
        updated,
    )


def _invoice(invoice: Invoice, billing: Rows) -> None:
    maker = billing["invoice"]
    line, item = line_maker(maker.entity, "lines"), line_maker(maker.entity, "items")
    deal = invoice.deal
    company, party, ccy = deal.company, deal.party, deal.company.ccy
    lines: list[Record] = []
    items: list[Record] = []
    for number, each in enumerate(invoice.lines, 1):
        rate, fraction = RATES[each.plan.line.tax_code]
        qty = money.QTY_SCALE if each.minutes is None else money.half_up(each.minutes * money.QTY_SCALE, 60)
        lines.append(
            line(
                line_no=number,
                line_type=each.plan.line.type,
                plan_line=f"{deal.contract_no}/{each.plan.number}",
                ms_code=each.plan.ms_code,
                contract_line=each.plan.line.line_no,
                description=each.description,
                items=[work.key for work in each.work],
                ccy=ccy,
                qty=qty,
                minutes=each.minutes,
                unit_price=each.unit_price,
                net=each.net,
                service_item=each.plan.line.item,
                tax_code=each.plan.line.tax_code,
                tax_determined=each.plan.line.tax_code,
                tax_rate=rate,
                taxable_fraction=fraction,
                tax=each.tax,
            )
        )
        items += [item(line_no=number, source_id=work.key, ccy=ccy, amount=work.amount) for work in each.work]
    codes = dict.fromkeys(each.plan.line.tax_code for each in invoice.lines)
    made = maker.make(
        invoice.at,
        {
            "invoice_no": invoice.number,
            "contract_no": deal.contract_no,
            "legal_entity": company.code,
            "customer": party.ids["billing"],
            "customer_no": party.customer_no,
            "ccy": ccy,
            "issue_date": iso(invoice.day),
            "tax_point": iso(invoice.day),
            "due": iso(invoice.due),
            "issued_at": invoice.at,
            "project_no": deal.project_no,
            "seller_vat_id": company.vat_id,
            "ec_sales": any(code in REVERSE_CHARGE for code in codes),
            "legends": [LEGENDS[code] for code in codes if code in LEGENDS],
            "rounding_policy": company.rounding,
            "net": invoice.net,
            "tax": invoice.tax,
            "total": invoice.total,
            "paid": invoice.paid,
            "ar_status": invoice.status,
            "lines": lines,
            "items": items,
            "terms": party.terms,
            "po_no": deal.po_no,
            "bill_to_name": party.name,
            "bill_to_lines": party.places[0].lines,
            "bill_to_vat_id": party.vat_id,
            "bill_to_version": 1,
            "status": invoice.status,
            "source_key": f"{deal.contract_no}/{invoice.lines[0].plan.number}",
        },
    )
    invoice.id = made["id"]
