"""The firm's own people, in the PSA."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from counterfoil_mocks.firm.base import rate_of
from counterfoil_mocks.firm.calendar import moment, ordinal
from counterfoil_mocks.firm.companies import COMPANIES, Company
from counterfoil_mocks.firm.names import Namer
from counterfoil_mocks.firm.rows import Rows
from counterfoil_mocks.firm.sizes import LEVELS, Size, quota
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.ids import stream

HIRED = ordinal("2024-12-02")


@dataclass(slots=True)
class Employee:
    """A person. cost_rate, bill_rate: an hour, scaled by 10⁴, in the company's currency. billable: works for customers."""

    number: int
    name: str
    company: Company
    level: str
    cost_rate: int
    bill_rate: int
    billable: bool
    id: str = ""

    @property
    def employee_no(self) -> str:
        """The number on the payroll."""
        return f"E-{self.number:05d}"


def draw(size: Size, seed: int) -> list[Employee]:
    """Everybody; the billable ones first. Cost is 48 to 58 hundredths of the bill rate."""
    chance = stream(seed, "firm", "people")
    namer = Namer(stream(seed, "firm", "names of people"))
    billable = size.employees * size.billable // 100
    found: list[Employee] = []
    for group, working in ((billable, True), (size.employees - billable, False)):
        companies, levels = quota(size.companies, group, chance), quota(LEVELS, group, chance)
        for code, level in zip(companies, levels, strict=True):
            found.append(
                _employee(size.before.employees + len(found) + 1, COMPANIES[code], level, working, namer, chance)
            )
    return found


def _employee(number: int, company: Company, level: str, billable: bool, namer: Namer, chance: Random) -> Employee:
    rate = rate_of(company.card, level)
    share = chance.randrange(480, 581)
    cost = money.half_up(rate * share, 1_000 * money.PRICE_SCALE // 4) * (money.PRICE_SCALE // 4)
    return Employee(number, namer.person(company.country), company, level, cost, rate, billable)


def write(people: list[Employee], psa: Rows) -> None:
    """Make them in the PSA."""
    for each in people:
        company = each.company
        record = psa["employee"].make(
            moment(HIRED, company),
            {
                "employee_no": each.employee_no,
                "name": each.name,
                "legal_entity": company.code,
                "region": company.country,
                "level": each.level,
                "cost_rate": each.cost_rate,
                "cost_ccy": company.ccy,
                "calendar": company.country,
                "tz": company.tz,
            },
        )
        each.id = record["id"]
    psa.counters["number:employee"] = people[-1].number
