"""Eight weeks of time sheets and expenses in detail, and weekly totals before that, as far back as a contract goes.

Minutes come in steps that make each amount exact in its currency, so that what an invoice line bills is the sum of its entries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from counterfoil_mocks.firm.calendar import is_workday, iso, workday
from counterfoil_mocks.firm.companies import MINOR
from counterfoil_mocks.firm.deals import Assignment, Deal, Line
from counterfoil_mocks.firm.people import Employee
from counterfoil_mocks.firm.sizes import (
    EXPENSE_KINDS,
    EXPENSE_MEDIAN,
    SUBMISSION_DELAY,
    UTILISATION,
    pick,
)
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.ids import stream

DETAIL_WEEKS = 8
ENTRIES_A_DAY = ((4, 80), (3, 15), (2, 5))
STEPS = ((15, 70), (30, 20), (6, 10))
BUSY = 0.97
"""Brings what people do to 66 to 70 in a hundred of their hours, as firms report."""

NOTES = (
    "Workshop",
    "Analysis",
    "Interviews",
    "Design review",
    "Steering committee",
    "Data model",
    "Report",
    "Testing",
    "Training",
)


@dataclass(slots=True)
class Work:
    """Time, or an expense, on a contract line. day, submitted, approved: ordinals (0: not yet). amount: minor units billed (None:
    not billable), cost: minor units; both None until approved. rate: an hour, scaled by 10⁴."""

    deal: Deal
    line: Line
    employee: Employee
    day: int
    minutes: int
    submitted: int
    approved: int
    rejected: bool
    rate: int
    amount: int | None
    cost: int
    note: str
    expense: Expense | None = None
    held: bool = False
    key: str = ""
    id: str = ""
    invoice_no: str | None = None
    invoice_line: int = 0

    @property
    def approval(self) -> str:
        """DRAFT, SUBMITTED, REJECTED or APPROVED."""
        if self.rejected:
            return "REJECTED"
        return "APPROVED" if self.approved else "SUBMITTED" if self.submitted else "DRAFT"

    @property
    def billing(self) -> str:
        """Billing state as PSA and billing engine keep it."""
        if self.amount is None:
            return "NOT_BILLABLE"
        return "BILLED" if self.invoice_no else "ON_HOLD" if self.held else "UNBILLED"


@dataclass(slots=True)
class Expense:
    """What was spent. gross: minor units of ccy; fx_rate: contract currency for one unit of it, scaled by 10⁶."""

    category: str
    ccy: str
    gross: int
    fx_rate: int
    receipt: bool


def draw(
    deals: Sequence[Deal], people: Sequence[Employee], fx: Mapping[tuple[str, str, str], int], seed: int, eve: int
) -> list[Work]:
    """All time and expenses, by day. fx: spot rates by (from, to, date)."""
    chance = stream(seed, "firm", "work")
    first = eve - DETAIL_WEEKS * 7
    first -= (first - 1) % 7
    teams: dict[int, list[Assignment]] = {}
    for deal in deals:
        for each in deal.team:
            teams.setdefault(each.employee.number, []).append(each)
    found: list[Work] = []
    for employee in people:
        team = teams.get(employee.number, ())
        found.extend(_weekly(employee, team, first, chance, eve))
        found.extend(_daily(employee, team, first, chance, eve))
    spending = stream(seed, "firm", "expenses")
    for employee in people:
        found.extend(_expenses(employee, teams.get(employee.number, ()), fx, first, spending, eve))
    found.sort(key=lambda each: (each.day, each.employee.number))
    _hold(found, stream(seed, "firm", "holds"), eve)
    return found


def steps_of(rate: int, ccy: str) -> tuple[tuple[int, int], ...]:
    """The steps in minutes, with their shares, whose value at an hourly rate is a whole number of minor units."""
    exact = tuple((step, share) for step, share in STEPS if rate * step * 10 ** money.exponent(ccy) % 600_000 == 0)
    return exact or ((60, 100),)


def _weekly(employee: Employee, team: Sequence[Assignment], until: int, chance: Random, eve: int) -> Iterator[Work]:
    """One total a week and deal, before the detail begins."""
    if not team:
        return
    step = steps_of(employee.bill_rate, employee.company.ccy)[0][0]
    share = UTILISATION[employee.level] / 100 * BUSY
    monday = min(each.deal.start for each in team)
    monday -= (monday - 1) % 7
    while monday < until:
        friday = monday + 4
        active = [each for each in team if each.deal.start <= friday and each.deal.end >= monday]
        whole = sum(each.share for each in active)
        hours = min(whole * 1.3, 40 * share * chance.uniform(0.85, 1.1))
        for each in active:
            minutes = min(int(hours * 60 * each.share / whole / step) * step, 1200 // step * step)
            day = min(friday, each.deal.end)
            if minutes and day >= each.deal.start:
                approved = day + 3 + chance.randrange(3)
                yield _time(each, day, minutes, day, approved, "Week in total", chance)
        monday += 7


def _daily(employee: Employee, team: Sequence[Assignment], first: int, chance: Random, eve: int) -> Iterator[Work]:
    """The entries of each day of the last weeks."""
    if not team:
        return
    country, ccy = employee.company.country, employee.company.ccy
    steps = steps_of(employee.bill_rate, ccy)
    share = UTILISATION[employee.level] / 100 * BUSY
    for day in range(first, eve + 1):
        weekend = not is_workday(day, country)
        if chance.random() > (0.02 if weekend else 0.97):
            continue
        active = [each for each in team if each.deal.start <= day <= each.deal.end]
        if not active:
            continue
        whole = min(max(chance.gauss(480, 65), 120), 14 * 60) * share * 1.03
        if weekend:
            whole /= 3
        count = 1 if weekend else pick(ENTRIES_A_DAY, chance)
        step = pick(steps, chance)
        for each in chance.choices(active, [each.share for each in active], k=count):
            minutes = max(round(whole / count * chance.uniform(0.6, 1.4) / step) * step, step)
            submitted, approved = _submission(day, chance, eve)
            yield _time(each, day, minutes, submitted, approved, chance.choice(NOTES), chance)


def _submission(day: int, chance: Random, eve: int) -> tuple[int, int]:
    """When an entry is handed in and approved (0: not yet). The day before the eve is the last for approvals."""
    low, high = pick(SUBMISSION_DELAY, chance)
    submitted = day + (low if low == high else chance.randint(low, high))
    approved = submitted + 1 + min(int(math.exp(chance.gauss(0.18, 0.8))), 8)
    return (submitted if submitted <= eve else 0), (approved if approved < eve else 0)


def _time(each: Assignment, day: int, minutes: int, submitted: int, approved: int, note: str, chance: Random) -> Work:
    deal, employee = each.deal, each.employee
    line = deal.lines[0]
    if deal.kind == "FF_CR" and chance.random() < 0.12 and day > deal.start + (deal.end - deal.start) // 4:
        line = deal.lines[1]
    ccy, rate = employee.company.ccy, employee.bill_rate
    billable = line.type in ("TM", "TM_CAPPED")
    rejected = bool(submitted) and chance.random() < 0.006
    return Work(
        deal,
        line,
        employee,
        day,
        minutes,
        submitted,
        0 if rejected else approved,
        rejected,
        rate,
        money.time_amount(minutes, rate, ccy) if billable else None,
        money.time_amount(minutes, employee.cost_rate, ccy),
        note,
    )


def _expenses(
    employee: Employee,
    team: Sequence[Assignment],
    fx: Mapping[tuple[str, str, str], int],
    first: int,
    chance: Random,
    eve: int,
) -> Iterator[Work]:
    """35 in a hundred weeks of a consultant bring an expense, on a contract that lets it be billed."""
    for monday in range(first, eve - 6, 7):
        if chance.random() > 0.35:
            continue
        day = workday(monday + chance.randrange(5), employee.company.country, -1)
        active = [each for each in team if each.deal.start <= day <= each.deal.end and each.deal.line("EXPENSE")]
        if not active:
            continue
        each = chance.choice(active)
        yield _expense(each.deal, employee, day, fx, chance, eve)


def _expense(
    deal: Deal, employee: Employee, day: int, fx: Mapping[tuple[str, str, str], int], chance: Random, eve: int
) -> Work:
    line = deal.line("EXPENSE")
    if line is None:
        raise ValueError(f"{deal.contract_no} bills no expenses")
    home = employee.company.ccy
    category = pick(EXPENSE_KINDS, chance)
    gross = int(EXPENSE_MEDIAN[category] * math.exp(chance.gauss(0, 0.5)) * 100)
    away = [each for each in ("USD", "GBP", "EUR") if (each, home, iso(day)) in fx]
    ccy = chance.choice(away) if chance.random() < 0.3 else home
    gross *= MINOR.get(ccy, 1)
    rate = money.RATE_SCALE if ccy == home else fx[ccy, home, iso(day)]
    receipt = chance.random() >= 0.03
    submitted, approved = _submission(day, chance, eve)
    cost = money.convert(gross, rate, ccy, home)
    bill = money.share(cost, money.RATE_SCALE + (line.markup or 0))
    spent = Expense(category, ccy, gross, rate, receipt)
    return Work(
        deal,
        line,
        employee,
        day,
        0,
        submitted,
        approved if receipt else 0,
        False,
        0,
        bill,
        cost,
        category.capitalize(),
        spent,
    )


def _hold(found: Sequence[Work], chance: Random, eve: int) -> None:
    """A few approved entries of the last weeks wait for the customer's word."""
    for each in found:
        if each.amount is not None and each.approved and each.day > eve - 25 and not each.deal.finished:
            each.held = chance.random() < 0.02
