"""Business deeds by the dozen: sell a deal, staff it, work a month, complete a milestone, change the order, pay.

Plain functions over a `World`: scenarios call them by hand, and everything that lives the firm's business calls the same ones.
They act as the people of the firm; the integration under test does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from counterfoil.client import Record, Records
from counterfoil.money import Money
from counterfoil.world import World

SELLER = "Account executive"
MANAGER = "Project manager"
FINANCE = "Finance controller"
HOUR = 60
DAY = 8 * HOUR


@dataclass(frozen=True)
class Deal:
    """A deal by its business keys. contract_no is empty until it is won."""

    opp_no: str
    customer_no: str
    quote: str
    legal_entity: str
    ccy: str
    contract_no: str = ""

    @property
    def project_no(self) -> str:
        """The contract's first project."""
        return f"{self.contract_no}-P01"

    def task(self, line_no: int) -> str:
        """The task that a contract line's time belongs to."""
        return f"{self.project_no}/T-{line_no}"

    def milestone(self, ms_code: str) -> str:
        """The key of a milestone."""
        return f"{self.contract_no}/{ms_code}"


# what is sold


def fixed_fee(
    amount: Money,
    *,
    hours: int,
    cost: Money,
    line_no: int = 1,
    rev_method: str = "COST_TO_COST",
    name: str = "Fixed fee",
    **more: Any,
) -> Record:
    """A fixed-fee line. hours, cost: the budget that progress is measured against."""
    line = {"line_no": line_no, "type": "FIXED_FEE", "name": name, "amount": amount, "rev_method": rev_method}
    return line | {"budget_hours": hours, "budget_cost": cost} | more


def time_and_materials(
    *, line_no: int = 1, cap: Money | None = None, name: str = "Time and materials", **more: Any
) -> Record:
    """A T&M line; with a cap it bills no more net labour than that."""
    kind: Record = {"type": "TM"} if cap is None else {"type": "TM_CAPPED", "cap": cap}
    return {"line_no": line_no, "name": name, "rev_method": "AS_INVOICED"} | kind | more


def rebilled_expenses(*, line_no: int, markup: str = "0.10", name: str = "Expenses", **more: Any) -> Record:
    """An expense line at cost plus a markup (a fraction)."""
    line = {"line_no": line_no, "type": "EXPENSE", "name": name, "rev_method": "AS_INVOICED"}
    return line | {"expense_markup": markup} | more


def retainer(amount: Money, *, start: str, end: str, line_no: int = 1, name: str = "Retainer", **more: Any) -> Record:
    """A recurring fee, recognised straight-line by day from start to end."""
    line = {"line_no": line_no, "type": "RETAINER", "name": name, "amount": amount, "rev_method": "STRAIGHT_LINE"}
    return line | {"start": start, "end": end} | more


def milestone(ms_code: str, amount: Money, *, planned: str | None = None, line_no: int = 1, **more: Any) -> Record:
    """A milestone of a fixed-fee line, with the amount that it bills."""
    found = {"ms_code": ms_code, "name": more.pop("name", ms_code), "amount": amount, "line_no": line_no}
    return found | ({} if planned is None else {"planned": planned}) | more


# selling


def add_customer(
    world: World,
    *,
    name: str,
    country: str = "US",
    region: str = "IL",
    city: str = "Chicago",
    postcode: str = "60601",
    address: Sequence[str] = ("1 Wacker Drive",),
    jurisdiction: str | None = None,
    site: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Record:
    """A customer in the CRM with one site, `HQ`, that is billed and served. site: further fields of the site."""
    customer = world.crm.create("customer", name=name, country=country, **{"legal_name": name} | fields)
    where = {"city": city, "region": region, "postcode": postcode, "country": country, "lines": list(address)}
    world.crm.create(
        "site",
        customer=customer["id"],
        site_code="HQ",
        kind="BOTH",
        jurisdiction_code=jurisdiction or f"{country}-{region}",
        **where | dict(site or {}),
    )
    return customer


def open_opportunity(
    world: World,
    *,
    customer_no: str,
    name: str,
    legal_entity: str = "CF-US",
    ccy: str = "USD",
    practice: str = "Operations",
    bill_to: str | None = None,
    ship_to: str | None = None,
    **fields: Any,
) -> Record:
    """An opportunity at its first stage. bill_to, ship_to: site keys; the customer's `HQ` by default."""
    site = f"{customer_no}/HQ"
    return world.crm.create(
        "opportunity",
        customer=customer_no,
        name=name,
        legal_entity=legal_entity,
        ccy=ccy,
        practice=practice,
        bill_to=bill_to or site,
        ship_to=ship_to or bill_to or site,
        **{"tax_region": "US", "probability": "0.500000"} | fields,
    )


def published_card(world: World, *, ccy: str) -> str | None:
    """The key of a published CRM rate card in a currency, the newest version."""
    cards = world.crm.list("rate_card", status="PUBLISHED", ccy=ccy)
    return max(cards, key=lambda card: (card["code"], card["card_version"]))["key"] if cards else None


def offer(
    world: World,
    *,
    opp_no: str,
    lines: Sequence[Mapping[str, Any]],
    milestones: Sequence[Mapping[str, Any]] = (),
    mobilisation: Money | None = None,
    ccy: str = "USD",
    start: str | None = None,
    end: str | None = None,
    rate_card: str | None = None,
    signer: str = "Customer's signatory",
    **fields: Any,
) -> Record:
    """A quote, taken through review, approval and sending to acceptance; returns it."""
    terms = {"start": start, "end": end, "mobilisation": mobilisation}
    terms["rate_card"] = rate_card or published_card(world, ccy=ccy)
    quote = world.crm.create(
        "quote",
        opportunity=opp_no,
        ccy=ccy,
        lines=[dict(line) for line in lines],
        milestones=[dict(each) for each in milestones],
        **{name: value for name, value in terms.items() if value is not None} | fields,
    )
    key = quote["key"]
    world.crm.act("submit_quote", key=key)
    world.crm.act("approve_quote", key=key, approver=FINANCE)
    world.crm.act("send_quote", key=key)
    return world.crm.act("accept_quote", key=key, signer=signer)


def negotiate(world: World, *, opp_no: str) -> None:
    """Walk an opportunity stage by stage to NEGOTIATE."""
    stages = ("PROSPECT", "QUALIFY", "PROPOSE", "NEGOTIATE")
    at = world.crm.get("opportunity", opp_no)["stage"]
    for stage in stages[stages.index(at) + 1 :]:
        world.crm.act("advance_stage", key=opp_no, to=stage)


def win(world: World, deal: Deal, *, settle: bool = True) -> Deal:
    """Close a negotiated deal as won; returns it with its contract number. settle: wait for the integration."""
    won = world.crm.act("close_won", key=deal.opp_no)
    if settle:
        world.settle()
    return replace(deal, contract_no=won["contract_no"])


def prepare(
    world: World,
    *,
    lines: Sequence[Mapping[str, Any]],
    milestones: Sequence[Mapping[str, Any]] = (),
    customer: str | Mapping[str, Any] | None = None,
    customer_name: str = "Aldergate Logistics Inc.",
    name: str = "Back-office programme",
    legal_entity: str = "CF-US",
    ccy: str = "USD",
    opportunity: Mapping[str, Any] | None = None,
    **quote: Any,
) -> Deal:
    """A deal up to the signature: customer (a new one unless given as a record or number), opportunity at NEGOTIATE, accepted
    quote. opportunity: further fields of the opportunity; the rest goes to the quote (`start`, `end`, `mobilisation`, …)."""
    if customer is None:
        customer = add_customer(world, name=customer_name, invoice_ccy=ccy)
    customer_no = customer if isinstance(customer, str) else str(customer["customer_no"])
    opened = open_opportunity(
        world, customer_no=customer_no, name=name, legal_entity=legal_entity, ccy=ccy, **dict(opportunity or {})
    )
    negotiate(world, opp_no=opened["opp_no"])
    accepted = offer(world, opp_no=opened["opp_no"], lines=lines, milestones=milestones, ccy=ccy, **quote)
    return Deal(opened["opp_no"], customer_no, accepted["key"], legal_entity, ccy)


def sell(world: World, *, settle: bool = True, **terms: Any) -> Deal:
    """`prepare` a deal and win it."""
    return win(world, prepare(world, **terms), settle=settle)


# delivering


def employees(world: World, *, level: str | None = None, legal_entity: str = "CF-US") -> Records:
    """Active people of a company of the firm, of one level or of all, by number."""
    wanted = {"legal_entity": legal_entity, "status": "ACTIVE"} | ({"level": level} if level else {})
    return sorted(world.psa.list("employee", **wanted), key=lambda each: str(each["employee_no"]))


def hire(world: World, *, name: str, level: str, cost_rate: str, legal_entity: str = "CF-US", **fields: Any) -> Record:
    """A new employee. cost_rate: decimal string per hour in `cost_ccy`."""
    return world.psa.create(
        "employee", name=name, level=level, cost_rate=cost_rate, legal_entity=legal_entity, **fields
    )


def staff(
    world: World, deal: Deal, *, employee: str, level: str | None = None, bill_rate: str | None = None, **fields: Any
) -> Record:
    """Assign an employee to the deal's project. level: billed instead of the person's own; bill_rate: beats the card."""
    there = world.psa.find("project", deal.project_no) is not None
    world.require(f"The integration has made the project {deal.project_no}", there, True)
    extra = {"level": level, "bill_rate_override": bill_rate}
    return world.psa.create(
        "assignment",
        project=deal.project_no,
        employee=employee,
        **{name: value for name, value in extra.items() if value is not None} | fields,
    )


def work(
    world: World,
    deal: Deal,
    *,
    employee: str,
    work_date: str,
    minutes: int = DAY,
    line_no: int = 1,
    task: str | None = None,
    approver: str | None = MANAGER,
    **fields: Any,
) -> Record:
    """Record one time entry and have it approved (not when approver is None); returns it."""
    entry = world.psa.act(
        "record_time",
        employee=employee,
        task=task or deal.task(line_no),
        work_date=work_date,
        minutes=minutes,
        **fields,
    )
    if approver is None:
        return entry
    return world.psa.act("approve_time", key=entry["key"], approver=approver)


def weekdays(first: str, last: str) -> list[str]:
    """Monday to Friday from first to last, both included."""
    day, end, found = date.fromisoformat(first), date.fromisoformat(last), []
    while day <= end:
        if day.weekday() < 5:
            found.append(day.isoformat())
        day += timedelta(days=1)
    return found


def work_minutes(
    world: World,
    deal: Deal,
    *,
    employee: str,
    minutes: int,
    first: str,
    last: str,
    line_no: int = 1,
    most_a_day: int = DAY,
    **fields: Any,
) -> Records:
    """Spread minutes over the weekdays from first to last, full days first, all approved; returns the entries.

    Raises ValueError where the days do not hold that much.
    """
    entries, left = [], minutes
    for day in weekdays(first, last):
        if left <= 0:
            break
        today = min(left, most_a_day)
        entries.append(work(world, deal, employee=employee, work_date=day, minutes=today, line_no=line_no, **fields))
        left -= today
    if left > 0:
        raise ValueError(f"{minutes} minutes do not fit between {first} and {last} at {most_a_day} a day")
    return entries


def spend(
    world: World,
    deal: Deal,
    *,
    employee: str,
    gross: Money,
    spend_date: str,
    category: str = "OTHER",
    approver: str | None = MANAGER,
    **fields: Any,
) -> Record:
    """Record an expense and have it approved (not when approver is None); returns it."""
    entry = world.psa.act(
        "record_expense",
        employee=employee,
        project=deal.project_no,
        gross=gross,
        spend_ccy=gross["ccy"],
        spend_date=spend_date,
        category=category,
        **fields,
    )
    if approver is None:
        return entry
    return world.psa.act("approve_expense", key=entry["key"], approver=approver)


def complete(world: World, deal: Deal, *, ms_code: str, settle: bool = True) -> Record:
    """Complete a milestone in the PSA."""
    done = world.psa.act("complete_milestone", key=deal.milestone(ms_code))
    if settle:
        world.settle()
    return done


def accept(world: World, deal: Deal, *, ms_code: str, by: str = "Customer's sponsor", settle: bool = True) -> Record:
    """Have the customer accept a completed milestone."""
    done = world.psa.act("accept_milestone", key=deal.milestone(ms_code), accepted_by=by)
    if settle:
        world.settle()
    return done


def estimate(world: World, deal: Deal, *, etc_hours: int, etc_cost: Money, settle: bool = True) -> Record:
    """The project manager says what is still to go."""
    done = world.psa.act("update_etc", key=deal.project_no, etc_hours=etc_hours, etc_cost=etc_cost)
    if settle:
        world.settle()
    return done


# changing


def delta(line_no: int, **changes: Any) -> Record:
    """What a change order adds to a contract line: `amount`, `cap`, `cost` (money), `hours` (whole)."""
    return {"line_no": line_no} | changes


def added_milestone(ms_code: str, amount: Money, *, planned: str | None = None, line_no: int = 1) -> Record:
    """A milestone that a change order adds."""
    found: Record = {"op": "ADD", "ms_code": ms_code, "name": ms_code, "amount": amount, "line_no": line_no}
    return found | ({} if planned is None else {"planned": planned})


def raise_change_order(
    world: World,
    deal: Deal,
    *,
    deltas: Sequence[Mapping[str, Any]],
    milestones: Sequence[Mapping[str, Any]] = (),
    treatment: str = "CATCH_UP",
    title: str = "Change of scope",
    requested_by: str = MANAGER,
    **fields: Any,
) -> Record:
    """A change order, submitted for approval; returns it."""
    made = world.crm.create(
        "change_order",
        contract=deal.contract_no,
        treatment=treatment,
        title=title,
        requested_by=requested_by,
        deltas=[dict(each) for each in deltas],
        milestones=[dict(each) for each in milestones],
        **fields,
    )
    return world.crm.act("submit_change_order", key=made["key"])


def approve_change_order(world: World, *, key: str, approver: str = FINANCE, settle: bool = True) -> Record:
    """Approve a submitted change order."""
    approved = world.crm.act("approve_change_order", key=key, approver=approver)
    if settle:
        world.settle()
    return approved


# cash


def invoices(world: World, deal: Deal) -> Records:
    """The deal's issued invoices in billing, in order of their numbers."""
    found = world.billing.list("invoice", contract_no=deal.contract_no)
    return sorted((each for each in found if each["invoice_no"]), key=lambda each: str(each["invoice_no"]))


def pay(
    world: World,
    *,
    invoice_no: str,
    amount: Money | None = None,
    value_date: str | None = None,
    bank_ref: str | None = None,
    settle: bool = True,
) -> Record:
    """Receive money for an invoice in the books and apply it; returns the payment.

    amount: what is open by default; value_date: today in the entity's zone by default.
    """
    document = world.erp.one("ar_document", invoice_no=invoice_no, doc_type="INVOICE")
    zone = str(world.erp.get("legal_entity", document["legal_entity"])["tz"])
    payment = world.erp.act(
        "receive_payment",
        payer=document["customer"],
        legal_entity=document["legal_entity"],
        ccy=document["ccy"],
        amount=amount or document["open_amount"],
        value_date=value_date or world.today(zone),
        bank_ref=bank_ref or f"WIRE-{invoice_no}",
    )
    applied = world.erp.act("apply_payment", key=payment["key"], invoice_no=invoice_no)
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
