"""The won deals in the PSA: projects, tasks, assignments, milestones, time and expenses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil_mocks.firm.base import Cards
from counterfoil_mocks.firm.calendar import iso, moment
from counterfoil_mocks.firm.customers import NAME_LIMITS
from counterfoil_mocks.firm.deals import Deal, manager_of
from counterfoil_mocks.firm.invoicing import Billing
from counterfoil_mocks.firm.names import shortened
from counterfoil_mocks.firm.people import Employee
from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel.fields import Record

SETUP = 25
"""Minutes from signature to a project that is ready."""

DECIDED, CHANGED, APPLIED = 5, 8, 12
"""Minutes of the office day at which a change order is approved, known in the other systems, and applied. Work is approved later."""


def write(
    deals: Sequence[Deal], people: Sequence[Employee], work: Sequence[Work], billing: Billing, cards: Cards, psa: Rows
) -> None:
    """Make them; the work gets its keys."""
    tasks: dict[tuple[int, int], str] = {}
    managers = {deal.number: manager_of(deal, people) for deal in deals}
    for deal in deals:
        _project(deal, managers[deal.number], cards, psa)
        _tasks(deal, tasks, psa)
        _team(deal, psa)
        _milestones(deal, psa)
    issued = {each.number: each.at for each in billing.invoices}
    for each in work:
        if each.expense is None:
            _time(each, tasks, managers, issued, psa)
        else:
            _expense(each, managers, issued, psa)


def budget(deal: Deal) -> tuple[int, int, int]:
    """Hours, fee (with caps) and cost of a deal's lines; money in minor units."""
    return (
        sum(line.budget_hours or 0 for line in deal.lines),
        sum((line.amount or 0) + (line.cap or 0) for line in deal.lines),
        sum(line.budget_cost or 0 for line in deal.lines),
    )


def _project(deal: Deal, manager: Employee, cards: Cards, psa: Rows) -> None:
    line = line_maker(psa["project"].entity, "lines")
    hours, fee, cost = budget(deal)
    name, whole = shortened(deal.name, NAME_LIMITS["psa"])
    company = deal.company
    record = psa["project"].make(
        moment(deal.won, company, deal.minute + SETUP),
        {
            "project_no": deal.project_no,
            "contract_no": deal.contract_no,
            "opp_no": deal.opp_no,
            "external_id": deal.ids["contract"],
            "source_key": deal.contract_no,
            "custom": {"crm_opportunity_id": deal.ids["opportunity"]},
            "customer": deal.party.ids["psa"],
            "name": name,
            "name_full": whole,
            "legal_entity": company.code,
            "ccy": company.ccy,
            "practice": deal.practice,
            "status": "COMPLETED" if deal.finished else "ACTIVE",
            "manager": manager.id,
            "budget_hours": hours,
            "budget_fee": fee,
            "budget_cost": cost,
            "rate_card": cards["psa", company.card],
            "rate_card_code": company.card,
            "rate_card_version": 1,
            "co_seq": max((each.seq for each in deal.applied), default=0),
            "start": iso(deal.start),
            "end": iso(deal.end),
            "lines": [
                line(
                    line_no=each.line_no,
                    type=each.type,
                    ccy=company.ccy,
                    amount=each.amount,
                    cap=each.cap,
                    expense_markup=each.markup,
                    tax_code=each.tax_code,
                    service_item=each.item,
                )
                for each in deal.lines
            ],
        },
    )
    deal.ids["project"] = record["id"]
    for each in deal.applied:
        psa["change_order"].make(
            moment(each.day, company, CHANGED),
            {
                "contract_no": deal.contract_no,
                "co_seq": each.seq,
                "ccy": company.ccy,
                "fee": each.amount,
                "cap": 0,
                "hours": each.hours,
                "cost": each.cost,
                "source_key": f"{deal.contract_no}/CO-{each.seq}",
            },
        )


def _of_project(deal: Deal) -> Record:
    return {"project": deal.ids["project"], "project_no": deal.project_no, "contract_no": deal.contract_no}


def _tasks(deal: Deal, tasks: dict[tuple[int, int], str], psa: Rows) -> None:
    at = moment(deal.won, deal.company, deal.minute + SETUP + 1)
    for each in deal.lines:
        if each.type != "EXPENSE":
            values = {
                **_of_project(deal),
                "task_code": f"T-{each.line_no}",
                "name": each.name,
                "status": "CLOSED" if deal.finished else "OPEN",
                "line_no": each.line_no,
                "open_from": iso(deal.start),
                "open_to": iso(deal.end),
                "source_key": f"{deal.contract_no}/{each.line_no}",
            }
            tasks[deal.number, each.line_no] = psa["task"].make(at, values)["id"]


def _team(deal: Deal, psa: Rows) -> None:
    at = moment(deal.won, deal.company, deal.minute + SETUP + 20)
    for each in deal.team:
        psa["assignment"].make(
            at,
            {
                **_of_project(deal),
                "employee": each.employee.id,
                "employee_no": each.employee.employee_no,
                "level": each.employee.level,
                "from_date": iso(deal.start),
                "to_date": iso(deal.end),
                "status": "ENDED" if deal.finished else "CONFIRMED",
            },
        )


def _milestones(deal: Deal, psa: Rows) -> None:
    company = deal.company
    for each in deal.milestones:
        done = None if each.done is None else moment(each.done, company, 290)
        accepted = None if each.accepted is None else moment(each.accepted, company, 295)
        brought = next((change.day for change in deal.applied if change.seq == each.co_seq), None)
        psa["milestone"].make(
            moment(deal.won, company, deal.minute + SETUP + 2)
            if brought is None
            else moment(brought, company, CHANGED),
            {
                **_of_project(deal),
                "legal_entity": company.code,
                "ms_code": each.code,
                "name": each.name,
                "ccy": company.ccy,
                "amount": each.amount,
                "planned": iso(each.planned),
                "status": "ACCEPTED" if accepted else "COMPLETED" if done else "PLANNED",
                "completed_at": done,
                "accepted_at": accepted,
                "accepted_by": deal.party.people[0][0] if accepted else None,
                "source_key": f"{deal.contract_no}/{each.code}",
            },
            accepted or done,
        )


def _time(
    each: Work,
    tasks: Mapping[tuple[int, int], str],
    managers: Mapping[int, Employee],
    issued: Mapping[str, str],
    psa: Rows,
) -> None:
    deal, approved = each.deal, bool(each.approved)
    each.key = f"TE-{psa.next_number('number:time_entry'):06d}"
    at, approved_at, updated = instants(each, issued)
    made = psa["time_entry"].make(
        at,
        {
            "entry_id": each.key,
            "employee": each.employee.id,
            "task": tasks[deal.number, each.line.line_no],
            **_of_project(deal),
            "employee_no": each.employee.employee_no,
            "employee_entity": deal.company.code,
            "legal_entity": deal.company.code,
            "line_no": each.line.line_no,
            "work_date": iso(each.day),
            "minutes": each.minutes,
            "billable": True,
            "note": each.note,
            "approval": each.approval,
            "billing": each.billing,
            "ccy": deal.company.ccy,
            "bill_rate": each.rate if approved else None,
            "rate_source": "CARD" if approved else None,
            "amount": each.amount if approved else None,
            "cost": each.cost if approved else None,
            "cost_ccy": deal.company.ccy,
            "approved_by": _approver(each, managers) if approved else None,
            "approved_at": approved_at,
            "invoice_line": each.invoice_no and f"{each.invoice_no}/{each.invoice_line}",
            "rejected_reason": "Wrong task" if each.rejected else None,
        },
        updated,
    )
    each.id = made["id"]


def _expense(each: Work, managers: Mapping[int, Employee], issued: Mapping[str, str], psa: Rows) -> None:
    deal, approved, spent = each.deal, bool(each.approved), each.expense
    if spent is None:
        raise TypeError("time is no expense")
    each.key = f"EX-{psa.next_number('number:expense'):06d}"
    at, approved_at, updated = instants(each, issued)
    made = psa["expense"].make(
        at,
        {
            "expense_id": each.key,
            "employee": each.employee.id,
            **_of_project(deal),
            "employee_no": each.employee.employee_no,
            "legal_entity": deal.company.code,
            "line_no": each.line.line_no,
            "category": spent.category,
            "spend_date": iso(each.day),
            "spend_ccy": spent.ccy,
            "gross": spent.gross,
            "fx_rate": spent.fx_rate,
            "ccy": deal.company.ccy,
            "cost": each.cost if approved else None,
            "markup": each.line.markup or 0,
            "bill_amount": each.amount if approved else None,
            "receipt": spent.receipt,
            "approval": each.approval,
            "billing": each.billing,
            "approved_by": _approver(each, managers) if approved else None,
            "approved_at": approved_at,
            "invoice_line": each.invoice_no and f"{each.invoice_no}/{each.invoice_line}",
        },
        updated,
    )
    each.id = made["id"]


def instants(each: Work, issued: Mapping[str, str]) -> tuple[str, str | None, str | None]:
    """When an entry was recorded, approved (None: not yet) and last changed."""
    company = each.deal.company
    recorded = moment(each.submitted or each.day, company, 400)
    approved = moment(each.approved, company, 30) if each.approved else None
    return recorded, approved, issued[each.invoice_no] if each.invoice_no else approved


def _approver(each: Work, managers: Mapping[int, Employee]) -> str:
    manager = managers[each.deal.number]
    return manager.employee_no if manager is not each.employee else "delivery-office@counterfoil.test"
