"""Won deals of the last year, as they were signed: who, what kind, from when to when, staffed by whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from counterfoil_mocks.firm.calendar import iso, month_end, workday
from counterfoil_mocks.firm.companies import MINOR, Company
from counterfoil_mocks.firm.customers import Party, Place
from counterfoil_mocks.firm.people import Employee
from counterfoil_mocks.firm.sizes import DEAL_KINDS, DURATION_WEEKS, PRACTICES, Size, pick, quota
from counterfoil_mocks.kernel.ids import stream

LEADERS = ("MANAGER", "DIRECTOR", "PARTNER")


@dataclass(slots=True)
class Line:
    """A contract line. Money in minor units, markup scaled by 10⁶."""

    line_no: int
    type: str
    method: str
    item: str
    tax_code: str
    name: str
    amount: int | None = None
    cap: int | None = None
    budget_hours: int | None = None
    budget_cost: int | None = None
    markup: int | None = None


@dataclass(slots=True)
class Milestone:
    """A milestone of the fixed fee. planned, done, accepted: ordinals (None: not yet). co_seq: change order that brought it."""

    code: str
    name: str
    amount: int
    planned: int
    co_seq: int = 0
    done: int | None = None
    accepted: int | None = None


@dataclass(slots=True)
class Change:
    """A change order on the fixed fee, with cumulative catch-up. day: ordinal of its decision. amount, cost: minor units;
    milestone: the one that it adds, or whose amount it cuts (None: it was not applied)."""

    seq: int
    day: int
    status: str
    amount: int
    cost: int
    hours: int
    milestone: Milestone | None = None

    @property
    def applied(self) -> bool:
        """Whether it has had its effects."""
        return self.status == "APPLIED"


@dataclass(slots=True)
class Deal:
    """A won deal and its contract. weight: what it was drawn to be worth, in minor units; its price follows from its work.

    won, start, end: ordinals of days. minute: of the office day, when it was won. estimate: what the sale was thought to bring.
    """

    number: int
    kind: str
    party: Party
    practice: str
    won: int
    minute: int
    start: int
    end: int
    finished: bool
    weight: int
    trigger: str = "COMPLETED"
    lines: list[Line] = field(default_factory=list)
    milestones: list[Milestone] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    mobilisation: int | None = None
    estimate: int = 0
    team: list[Assignment] = field(default_factory=list)
    po_no: str | None = None
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def company(self) -> Company:
        """The legal entity that sold it."""
        return self.party.company

    @property
    def hours(self) -> float:
        """How much work it was thought to be, at 200 dollars an hour."""
        return self.weight / MINOR.get(self.company.ccy, 1) / 100 / 200

    @property
    def contract_no(self) -> str:
        """Number of its contract."""
        return f"CT-{self.number:04d}"

    @property
    def ship_to(self) -> Place:
        """The site where the service is received."""
        return self.party.places[self.number % len(self.party.places)]

    @property
    def opp_no(self) -> str:
        """Number of its opportunity."""
        return f"OPP-{self.number:05d}"

    @property
    def project_no(self) -> str:
        """Number of its project."""
        return f"{self.contract_no}-P01"

    @property
    def name(self) -> str:
        """What the work is called."""
        return f"{' '.join(self.party.name.split()[:2])} {self.practice.lower()} {SUBJECTS[self.kind]}"

    @property
    def applied(self) -> list[Change]:
        """Change orders that have had their effects."""
        return [each for each in self.changes if each.applied]

    def elapsed(self, eve: int) -> float:
        """The part of its time that has passed."""
        return 1.0 if self.finished else min(max((eve - self.start + 1) / (self.end - self.start + 1), 0.0), 1.0)

    def line(self, *types: str) -> Line | None:
        """Its first line of one of these types."""
        return next((line for line in self.lines if line.type in types), None)


@dataclass(slots=True)
class Assignment:
    """A person on a deal; share: how much of the person's time it asks for, against the person's other deals."""

    deal: Deal
    employee: Employee
    share: float


SUBJECTS = {
    "TM": "support",
    "FIXED_FEE": "programme",
    "CAPPED": "assessment",
    "RETAINER": "advisory retainer",
    "FF_CR": "transformation",
}


def draw(size: Size, live: Sequence[Party], people: Sequence[Employee], seed: int, eve: int) -> list[Deal]:
    """The won deals in order of signature, with their teams. Every live customer has one at least."""
    chance = stream(seed, "firm", "deals")
    owners = list(live) + [chance.choice(live[: max(len(live) // 3, 1)]) for _ in range(size.won - len(live))]
    chance.shuffle(owners)
    kinds = quota(DEAL_KINDS, size.won, chance)
    deals = [_deal(kind, party, size, chance, eve) for kind, party in zip(kinds, owners, strict=True)]
    _end(deals, size.active, chance, eve)
    deals.sort(key=lambda deal: (deal.won, deal.minute, deal.party.number))
    for number, deal in enumerate(deals, 1):
        deal.number = size.before.won + number
        party = deal.party
        if party.won is None:
            party.won, party.won_minute = deal.won, deal.minute
    _staff(deals, people, seed, eve)
    return deals


def _deal(kind: str, party: Party, size: Size, chance: Random, eve: int) -> Deal:
    won = _signed(party, chance, eve)
    median, sigma = size.deal
    worth = median * 100 * math.exp(chance.gauss(0, sigma))
    deal = Deal(
        number=0,
        kind=kind,
        party=party,
        practice=pick(PRACTICES, chance),
        won=won,
        minute=chance.randrange(40, 400),
        start=min(workday(won + chance.randrange(0, 11), party.company.country), eve - 1),
        end=0,
        finished=False,
        weight=int(min(max(worth, 200_000), 5_000_000_000)) * MINOR.get(party.company.ccy, 1),
    )
    low, high = DURATION_WEEKS[kind]
    deal.end = deal.start + 7 * chance.randint(low, high) - 1
    if chance.random() < 0.25:
        deal.trigger = "ACCEPTED"
    if party.po_required:
        deal.po_no = f"PO-{chance.randrange(10**5, 10**6)}"
    return deal


def _signed(party: Party, chance: Random, eve: int) -> int:
    """A workday of the last year; 35 in a hundred are among the last five days of a quarter."""
    if chance.random() < 0.35:
        day = eve - chance.randrange(0, 340)
        while int(iso(day)[5:7]) % 3:
            day = month_end(day) + 1
        day = min(month_end(day), eve) - chance.randrange(5)
    else:
        day = eve - chance.randrange(5, 355)
    return workday(min(day, eve - 2), party.company.country, -1)


def _end(deals: Sequence[Deal], active: int, chance: Random, eve: int) -> None:
    """Have exactly `active` deals run on; the others are over, their last work approved and billed."""
    by_slack = sorted(range(len(deals)), key=lambda at: (eve - deals[at].end, at))
    for rank, at in enumerate(by_slack):
        deal = deals[at]
        if rank < active:
            deal.end = max(deal.end, eve + 7 + (eve - deal.start) // 10)
        else:
            deal.finished = True
            last = eve - chance.randrange(20, 60)
            deal.end = max(min(deal.end, last), deal.start + 20)


def _staff(deals: Sequence[Deal], people: Sequence[Employee], seed: int, eve: int) -> None:
    """Give each deal a manager and a team: those of its company who have the least to do then."""
    chance = stream(seed, "firm", "staffing")
    busy: dict[int, list[tuple[int, float]]] = {each.number: [] for each in people}
    by_company: dict[str, list[Employee]] = {}
    for each in people:
        if each.billable:
            by_company.setdefault(each.company.code, []).append(each)
    for deal in sorted(deals, key=lambda each: (each.start, each.number)):
        staff = by_company[deal.company.code]
        weeks = max((deal.end - deal.start + 1) / 7, 1)
        hours = deal.hours / weeks
        heads = min(1 + (hours > 15) + (hours > 40) + (hours > 80) + int(hours // 160), len(staff), 12)

        def load(each: Employee, day: int = deal.start) -> float:
            return sum(share for end, share in busy[each.number] if end >= day)

        ranked = sorted(staff, key=lambda each: (load(each), chance.random()))
        for each in ranked[:heads]:
            deal.team.append(Assignment(deal, each, hours / heads))
            busy[each.number].append((deal.end, hours / heads))
    _fill_gaps(deals, by_company, chance, eve)


def _fill_gaps(deals: Sequence[Deal], staff: dict[str, list[Employee]], chance: Random, eve: int) -> None:
    """Nobody billable is without work in the last nine weeks."""
    running: dict[str, list[Deal]] = {}
    for deal in deals:
        if not deal.finished and deal.start <= eve - 62 and deal.kind != "RETAINER":
            running.setdefault(deal.company.code, []).append(deal)
    placed = {each.employee.number for deals_of in running.values() for deal in deals_of for each in deal.team}
    for code, employees in staff.items():
        for each in employees:
            if each.number not in placed:
                deal = chance.choice(running[code])
                deal.team.append(Assignment(deal, each, 5.0))


def manager_of(deal: Deal, people: Sequence[Employee]) -> Employee:
    """Who answers for the project: the team's most senior leader, else one of the company's."""
    leaders = [each.employee for each in deal.team if each.employee.level in LEADERS]
    leaders = leaders or [each for each in people if each.company == deal.company and each.level in LEADERS]
    leaders = leaders or [each for each in people if each.company == deal.company]
    return leaders[deal.number % len(leaders)]
