"""Billing plans of the won deals, and the invoices that came of them, up to the firm's eve.

Approved work is billed on the first of each month; what is due on the morrow of the eve was billed on the eve already, so that
the firm starts with nothing unbilled but what is on hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from counterfoil_mocks.billing import tax
from counterfoil_mocks.firm import base
from counterfoil_mocks.firm.calendar import firsts_after, iso, moment, month_end, ordinal, workday
from counterfoil_mocks.firm.companies import TAX_CODES
from counterfoil_mocks.firm.deals import Deal, Line
from counterfoil_mocks.firm.sizes import PAYMENT_DELAY, pick
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.ids import stream

CYCLED = ("TM", "TM_CAPPED", "EXPENSE")
QUIET_YEARS = 10
"""Schedules of a quiet firm are next due so many years on."""


@dataclass(slots=True)
class PlanLine:
    """A line of a billing plan. due: ordinal. ready: the instant at which it could be billed."""

    number: int
    kind: str
    line: Line
    amount: int | None
    description: str
    ms_code: str | None = None
    due: int | None = None
    every_months: int | None = None
    co_seq: int = 0
    status: str = "SCHEDULED"
    ready: str | None = None
    invoice_no: str | None = None


@dataclass(slots=True)
class Billed:
    """A line of an invoice. minutes: of time billed; then net is minutes / 60 × unit_price."""

    plan: PlanLine
    description: str
    unit_price: int
    net: int
    minutes: int | None = None
    tax: int = 0
    work: list[Work] = field(default_factory=list)


@dataclass(slots=True)
class Payment:
    """What came in for an invoice. day: its value date; applied: when it was linked to the invoice (None: not yet)."""

    amount: int
    day: int
    applied: int | None
    bank_ref: str
    method: str


@dataclass(slots=True)
class Invoice:
    """An issued invoice. day: of issue; at: the instant. id, debt: of the document in billing and of the receivable."""

    deal: Deal
    day: int
    at: str
    lines: list[Billed]
    number: str = ""
    id: str = ""
    debt: str = ""
    net: int = 0
    tax: int = 0
    payment: Payment | None = None

    @property
    def total(self) -> int:
        """Minor units, tax included."""
        return self.net + self.tax

    @property
    def due(self) -> int:
        """When it is to be paid."""
        return self.day + int(self.deal.party.terms.removeprefix("NET"))

    @property
    def paid(self) -> int:
        """Minor units applied to it."""
        return self.payment.amount if self.payment is not None and self.payment.applied is not None else 0

    @property
    def status(self) -> str:
        """Status in books, billing and CRM."""
        return "PAID" if self.paid == self.total else "PARTIALLY_PAID" if self.paid else "POSTED"


@dataclass(slots=True)
class Billing:
    """All plans and invoices; invoices in order of issue within each company."""

    plans: dict[int, list[PlanLine]]
    invoices: list[Invoice]


def draw(deals: Sequence[Deal], work: Sequence[Work], seed: int, eve: int, now: str, *, live: bool) -> Billing:
    """Plan and bill every deal; the invoices have no numbers yet. live: retainers are billed by the month and further schedules come due next month; else retainers
    are billed in advance, and further schedules are years away."""
    chance = stream(seed, "firm", "invoices")
    billable: dict[int, list[Work]] = {deal.number: [] for deal in deals}
    for entry in work:
        if entry.amount is not None and entry.approved and not entry.held:
            billable[entry.deal.number].append(entry)
    plans: dict[int, list[PlanLine]] = {}
    invoices: list[Invoice] = []
    for deal in deals:
        plan = plans[deal.number] = _plan(deal, eve, live)
        invoices.extend(_of_plan(deal, plan, chance, now))
        invoices.extend(_cycles(deal, plan, billable[deal.number], chance, eve, live))
    invoices.sort(key=lambda each: (each.at, each.deal.number))
    return Billing(plans, invoices)


def issue(
    invoices: Sequence[Invoice], places: Iterator[int] | None, counts: dict[str, int], seed: int, eve: int
) -> None:
    """Number and pay invoices. places: their places among all invoices of their company, where other offices issue some too (None:
    none does). counts: invoices so far, by company and in all (`""`); carried on."""
    paying = stream(seed, "firm", "payments")
    for each in invoices:
        code = each.deal.company.code
        counts[code], counts[""] = counts.get(code, 0) + 1, counts.get("", 0) + 1
        place = counts[code] if places is None else next(places)
        _issue(each, f"INV-{code}-{place:05d}")
        each.payment = _payment(each, counts[""], paying, eve)


def next_due(eve: int, *, live: bool) -> int:
    """When a schedule comes due again: on the first of the month after next (the eve was billed), or years from now."""
    if live:
        return month_end(eve + 1) + 1
    return ordinal(f"{int(iso(eve)[:4]) + QUIET_YEARS}-01-01")


def _plan(deal: Deal, eve: int, live: bool) -> list[PlanLine]:
    """The lines that a plan begins with."""
    lines: list[PlanLine] = []

    def add(kind: str, line: Line, amount: int | None, description: str, **more: object) -> None:
        lines.append(PlanLine(len(lines) + 1, kind, line, amount, description, **more))  # type: ignore[arg-type]

    fixed, retainer = deal.line("FIXED_FEE"), deal.line("RETAINER")
    if fixed is not None:
        if deal.mobilisation:
            add("MOBILISATION", fixed, deal.mobilisation, "Mobilisation")
        touched = {change.milestone.code: change.seq for change in deal.applied if change.milestone is not None}
        for each in deal.milestones:
            seq = touched.get(each.code, 0)
            add("MILESTONE", fixed, each.amount, f"Milestone {each.code}: {each.name}", ms_code=each.code, co_seq=seq)
    if retainer is not None:
        months = max(round((deal.end - deal.start + 1) / 30.4), 1) if live else 1
        due = deal.start
        for number, amount in enumerate(money.split(retainer.amount or 0, [1] * months), 1):
            add("RETAINER", retainer, amount, f"Retainer, part {number} of {months}", due=due)
            due = _month_later(deal.start, number)
    for line in deal.lines:
        if line.type in CYCLED:
            first = firsts_after(deal.start, eve)
            add("TM_CYCLE", line, None, line.name, due=first[0] if first else eve + 1, every_months=1)
    return lines


def _month_later(start: int, months: int) -> int:
    """The same day so many months on; the last of the month where it has no such day (the anchor is remembered)."""
    day, period = iso(start)[8:], base.add_months(iso(start)[:7], months)
    return ordinal(min(f"{period}-{day}", clock.period_end(period)))


def _of_plan(deal: Deal, plan: Sequence[PlanLine], chance: Random, now: str) -> list[Invoice]:
    """Invoices of mobilisation, milestones and retainer parts."""
    stones = {each.code: each for each in deal.milestones}
    found: list[Invoice] = []
    for line in plan:
        day: int | None = None
        minute = deal.minute + 60
        if line.kind == "MOBILISATION":
            day = deal.won
        elif line.ms_code is not None:
            stone = stones[line.ms_code]
            day, minute = stone.accepted if deal.trigger == "ACCEPTED" else stone.done, chance.randrange(300, 520)
        elif line.kind == "RETAINER" and line.due is not None and moment(line.due, deal.company, 535) < now:
            day = line.due
        if day is not None and line.amount:
            billed = Billed(line, line.description, _price(line.amount, deal.company.ccy), line.amount)
            found.append(_invoice(deal, day, minute, [billed]))
        elif line.kind == "RETAINER" and deal.finished:
            line.status = "CANCELLED"
    return found


def _price(amount: int, ccy: str) -> int:
    """Minor units as a unit price."""
    return int(amount * money.PRICE_SCALE // 10 ** money.exponent(ccy))


def _invoice(deal: Deal, day: int, minute: int, lines: list[Billed]) -> Invoice:
    at = moment(day, deal.company, min(minute, 535))
    for each in lines:
        each.plan.ready, each.plan.status = at, "INVOICED"
    return Invoice(deal, day, at, lines)


def _cycles(
    deal: Deal, plan: list[PlanLine], work: Sequence[Work], chance: Random, eve: int, live: bool
) -> list[Invoice]:
    """Monthly invoices of approved work; each run makes the next line of the plan."""
    current = [line for line in plan if line.kind == "TM_CYCLE"]
    if not current:
        return []
    found: list[Invoice] = []
    left = list(work)
    runs = [*firsts_after(deal.start, eve), eve]
    for at, day in enumerate(runs):
        lines: list[Billed] = []
        for line in current:
            mine = [each for each in left if each.line is line.line and each.day < day and each.approved < day]
            lines.extend(_billed(line, mine, deal.company.ccy))
            if not mine:
                line.ready, line.status = moment(day, deal.company), "CANCELLED"
        if lines:
            found.append(_invoice(deal, day, chance.randrange(60, 300), lines))
            taken = {id(each) for line in lines for each in line.work}
            left = [each for each in left if id(each) not in taken]
        last = deal.finished and day > deal.end and not left
        due = runs[at + 1] if at + 2 < len(runs) else eve + 1 if at + 2 == len(runs) else next_due(eve, live=live)
        following = [
            PlanLine(len(plan) + rank, "TM_CYCLE", line.line, None, line.line.name, due=due, every_months=1)
            for rank, line in enumerate(current, 1)
        ]
        plan.extend(following)
        current = following
        if last:
            for line in current:
                line.status = "CANCELLED"
            break
    return found


def _billed(plan: PlanLine, work: Sequence[Work], ccy: str) -> list[Billed]:
    """Time in one line for each rate, the dearest first; each expense a line of its own."""
    found: list[Billed] = []
    for rate in sorted({each.rate for each in work if each.expense is None}, reverse=True):
        mine = [each for each in work if each.expense is None and each.rate == rate]
        minutes = sum(each.minutes for each in mine)
        found.append(
            Billed(plan, plan.description, rate, money.time_amount(minutes, rate, ccy), minutes=minutes, work=mine)
        )
    for each in work:
        if each.expense is not None and each.amount is not None:
            text = f"{each.note} {iso(each.day)}"
            found.append(Billed(plan, text, _price(each.amount, ccy), each.amount, work=[each]))
    return found


RATES: Mapping[str, tuple[int, int]] = {
    code: (money.rate(rate), money.rate(fraction)) for code, _, rate, fraction, *_ in TAX_CODES
}
"""Rate and taxable fraction by tax code, scaled by 10⁶."""


def _issue(invoice: Invoice, number: str) -> None:
    """Give an invoice its number, tax and totals, and tell its work which line bills it."""
    invoice.number = number
    company = invoice.deal.company
    taxed = [tax.Taxed(line.net, *RATES[line.plan.line.tax_code]) for line in invoice.lines]
    for at, (line, due) in enumerate(
        zip(invoice.lines, tax.document_tax(taxed, company.rounding, company.ccy), strict=True), 1
    ):
        line.tax = due
        line.plan.invoice_no = number
        for each in line.work:
            each.invoice_no, each.invoice_line = number, at
    invoice.net = sum(line.net for line in invoice.lines)
    invoice.tax = sum(line.tax for line in invoice.lines)


def _payment(invoice: Invoice, number: int, chance: Random, eve: int) -> Payment | None:
    """When and how an invoice was paid, if it was; 6 in a hundred pay a part, 2 a little too little; 8 without a reference."""
    low, high = pick(PAYMENT_DELAY, chance)
    day = workday(max(invoice.due + chance.randint(low, high), invoice.day + 3), invoice.deal.company.country)
    share, nameless, lag = chance.random(), chance.random() < 0.08, chance.randrange(3)
    amount = invoice.total
    if share < 0.06:
        amount = invoice.total * chance.randrange(30, 80) // 100
    elif share < 0.08:
        amount = invoice.total - min(2_500, invoice.total // 50)
    if day >= eve or amount <= 0:
        return None
    applied: int | None = min(day + lag, eve)
    if nameless and day > eve - 12:
        applied = None
    return Payment(
        amount, day, applied, f"BR-{iso(day).replace('-', '')}-{number:05d}", chance.choice(("WIRE", "ACH", "CHECK"))
    )
