"""What a deal is worth: its contract's lines before the work is drawn, and prices, caps, budgets and milestones that fit the work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from counterfoil_mocks.billing.treatment import TAXED_EVERYWHERE
from counterfoil_mocks.firm.calendar import firsts_after, is_workday, workday
from counterfoil_mocks.firm.companies import LOCAL_TAX
from counterfoil_mocks.firm.deals import Change, Deal, Line, Milestone
from counterfoil_mocks.firm.sizes import poisson
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.ids import stream

LOSSES = 0.06
"""Fixed fees that lose money; where losses are provided for, none does, so that no provision is missing."""

MILESTONES = ("Inception", "Design", "Build", "Pilot", "Roll-out", "Handover", "Stabilisation", "Close")


def tax_code(deal: Deal) -> str:
    """The code of a service: the country's own where the seller is at home, else the customer owes the tax."""
    country = deal.party.country
    return LOCAL_TAX[country] if country == deal.company.country else "RC"


def expense_tax_code(deal: Deal) -> str:
    """Rebilled expenses are taxed like the service where everything is; elsewhere not."""
    at_home = deal.party.country == deal.company.country
    return "NT" if at_home and deal.company.country not in TAXED_EVERYWHERE else tax_code(deal)


def shape(deals: Sequence[Deal], seed: int) -> None:
    """Give each contract its lines, without prices."""
    chance = stream(seed, "firm", "lines")
    for deal in deals:
        tax = tax_code(deal)
        fixed = Line(1, "FIXED_FEE", "COST_TO_COST", "CONSULTING-FF", tax, "Fixed fee")
        deal.lines = {
            "TM": [Line(1, "TM", "AS_INVOICED", "CONSULTING-TM", tax, "Time and materials")],
            "CAPPED": [Line(1, "TM_CAPPED", "AS_INVOICED", "CONSULTING-TM", tax, "Time and materials, not to exceed")],
            "RETAINER": [Line(1, "RETAINER", "STRAIGHT_LINE", "RETAINER", tax, "Retainer")],
            "FIXED_FEE": [fixed],
            "FF_CR": [
                fixed,
                Line(2, "TM_CAPPED", "AS_INVOICED", "CONSULTING-TM", tax, "Change requests, not to exceed"),
            ],
        }[deal.kind]
        if deal.kind != "RETAINER" and (deal.kind != "FIXED_FEE" or chance.random() < 0.5):
            markup = 0 if chance.random() < 0.7 else chance.randrange(50_000, 100_001, 10_000)
            code = expense_tax_code(deal)
            line = Line(len(deal.lines) + 1, "EXPENSE", "AS_INVOICED", "EXPENSE", code, "Expenses", markup=markup)
            deal.lines.append(line)


def price(deals: Sequence[Deal], work: Sequence[Work], seed: int, eve: int) -> None:
    """Fill in amounts, caps, budgets and milestones, so that progress so far and time so far agree within a firm's usual luck."""
    chance, changing = stream(seed, "firm", "prices"), stream(seed, "firm", "changes")
    done: dict[int, list[Work]] = {deal.number: [] for deal in deals}
    for each in work:
        done[each.deal.number].append(each)
    for deal in deals:
        mine = [each for each in done[deal.number] if each.expense is None]
        passed = deal.elapsed(eve) if deal.finished else min(max(deal.elapsed(eve) * chance.gauss(1, 0.1), 0.06), 0.94)
        value = 0
        for line in deal.lines:
            of_line = [each for each in mine if each.line is line]
            if line.type == "FIXED_FEE":
                value += _fix(deal, line, of_line, passed, chance)
            elif line.type == "TM_CAPPED":
                value += _cap(deal, line, of_line, passed)
            elif line.type == "RETAINER":
                line.amount = value = _rounded(
                    max(_worth(of_line) / passed if of_line else deal.weight, 600_000), 50_000
                )
            elif line.type == "TM":
                value += _rounded(max(_worth(of_line) / passed, deal.weight / 2), 50_000)
        deal.estimate = value
        fixed = deal.line("FIXED_FEE")
        if fixed is not None:
            deal.changes = _changes(deal, fixed, changing, eve)
            _plan(deal, fixed.amount or 0, chance, eve)
            _planned_changes(deal, changing, eve)


def _worth(work: Sequence[Work]) -> int:
    """Minor units at card rates, everything that is not rejected."""
    whole = sum(each.rate * each.minutes for each in work if not each.rejected)
    return whole and whole * 10 ** money.exponent(work[0].deal.company.ccy) // 600_000


def _rounded(minor: float, step: int) -> int:
    return max(round(minor / step), 1) * step


def _fix(deal: Deal, line: Line, work: Sequence[Work], passed: float, chance: Random) -> int:
    """A fixed fee: effort at completion at card rates, less discount, divided by how much more effort it takes than was sold.
    The budget is what the work is known to take; of a finished project, to the cent."""
    approved = [each for each in work if each.approved]
    cost, minutes = sum(each.cost for each in approved), sum(each.minutes for each in approved)
    overrun = min(max(math.exp(math.log(1.06) + chance.gauss(0, 0.22)), 0.7), 1.7)
    if chance.random() < LOSSES and not deal.company.provides:
        overrun = chance.uniform(2.0, 2.4)
    discount = 0.0 if chance.random() < 0.55 else chance.betavariate(2, 8) * 0.3
    if cost:
        effort, at_completion, hours = _worth(approved) / passed, cost / passed, minutes / 60 / passed
    else:
        effort, at_completion, hours = float(deal.weight), deal.weight * 0.53, deal.hours
    line.amount = max(_rounded(effort * (1 - discount) / overrun, 50_000), 200_000)
    line.budget_cost = cost if deal.finished and cost else math.ceil(at_completion / 10_000) * 10_000
    line.budget_hours = math.ceil(hours)
    return line.amount


def _cap(deal: Deal, line: Line, work: Sequence[Work], passed: float) -> int:
    """A ceiling with room for what is still to come."""
    worth = _worth(work)
    ahead = 1.04 if deal.finished else 1.05 / passed
    least = deal.weight if line.line_no == 1 and not work else 500_000
    line.cap = max(math.ceil(worth * ahead / 50_000) * 50_000, least // 50_000 * 50_000)
    return line.cap


def _changes(deal: Deal, line: Line, chance: Random, eve: int) -> list[Change]:
    """Poisson(0.9) change orders of 9 hundredths of the fee in the middle; 12 in a hundred cut it, 8 are rejected.

    They are decided on the first of a month, before work is approved that day, so that they are measured on the month before.
    """
    country, fee = deal.company.country, line.amount or 0
    days = [day for day in firsts_after(deal.start + 10, min(deal.end - 10, eve)) if is_workday(day, country)]
    found: list[Change] = []
    left = fee * 4 // 10
    for seq, day in enumerate(sorted(chance.sample(days, min(poisson(0.9, chance), len(days)))), 1):
        amount = _rounded(fee * min(max(math.exp(chance.gauss(math.log(0.09), 0.5)), 0.02), 0.3), 50_000)
        sign = -1 if chance.random() < 0.12 else 1
        status = "REJECTED" if chance.random() < 0.08 or amount > left else "APPLIED"
        if status == "APPLIED" and not deal.finished and day > eve - 40 and chance.random() < 0.4:
            status = "SUBMITTED"
        left -= amount if status == "APPLIED" else 0
        cost = (line.budget_cost or 0) * amount // fee // 10_000 * 10_000
        hours = (line.budget_hours or 0) * amount // fee
        found.append(Change(seq, day, status, sign * amount, sign * cost, sign * hours))
    return found


def _planned_changes(deal: Deal, chance: Random, eve: int) -> None:
    """Let every applied change order add a milestone, or cut one that was still to come."""
    country = deal.company.country
    for change in deal.applied:
        ahead = [each for each in deal.milestones if each.planned > change.day + 5 and not each.co_seq]
        if change.amount < 0:
            change.milestone = ahead[-1]
            continue
        planned = workday(min(change.day + chance.randrange(15, 50), deal.end), country, -1)
        added = Milestone(f"M{len(deal.milestones) + 1}", "Additional scope", change.amount, planned, change.seq)
        if deal.finished or (planned < eve - 1 and chance.random() < 0.8):
            accepted = workday(planned + chance.randrange(1, 9), country)
            added.done, added.accepted = planned, accepted if accepted < eve else None
        change.milestone = added
        deal.milestones.append(added)


def _plan(deal: Deal, fee: int, chance: Random, eve: int) -> None:
    """Mobilisation for 35 in a hundred, 10 to 30 hundredths of the fee; the rest on 2 + Poisson(2) milestones.

    What change orders add comes on milestones of their own; a cut needs a milestone that is still to come, else it is an addition.
    """
    for change in deal.applied:
        if change.amount < 0 and deal.end <= change.day + 15:
            change.amount, change.cost, change.hours = -change.amount, -change.cost, -change.hours
    rest = fee - sum(each.amount for each in deal.applied if each.amount > 0)
    if chance.random() < 0.35:
        deal.mobilisation = fee * chance.randrange(10, 31) // 100 // 10_000 * 10_000 or None
        rest -= deal.mobilisation or 0
    count = min(2 + poisson(2, chance), len(MILESTONES), rest // 10_000)
    weights = [chance.randrange(2, 6) for _ in range(count)]
    names = (*MILESTONES[: count - 1], MILESTONES[-1]) if count > 1 else MILESTONES[-1:]
    run = given = 0
    country = deal.company.country
    for at, (weight, name) in enumerate(zip(weights, names, strict=True), 1):
        run += weight
        upto = rest if at == count else rest * run // sum(weights) // 10_000 * 10_000
        planned = workday(deal.start + (deal.end - deal.start) * at // count, country, -1)
        late = chance.choice((0, 0, 0, 1, 3, 7)) if at < count and not deal.finished else 0
        done = workday(max(planned, deal.start) + late, country)
        reached = done < eve and (deal.finished or at < count)
        accepted = workday(done + chance.randrange(1, 9), country)
        stone = Milestone(f"M{at}", name, upto - given, planned)
        if reached:
            stone.done, stone.accepted = done, accepted if accepted < eve else None
        deal.milestones.append(stone)
        given = upto
