"""Situations that more than one story begins with."""

from __future__ import annotations

from counterfoil.activity.delivering import hire, spend, staff, work, work_minutes
from counterfoil.activity.paying import invoices
from counterfoil.activity.people import Deal
from counterfoil.activity.selling import sell
from counterfoil.activity.terms import rebilled_expenses, time_and_materials
from counterfoil.money import usd
from counterfoil.world import World


def team(world: World, deal: Deal) -> tuple[str, str]:
    """Two people at 110.00 an hour, assigned: a senior and a consultant."""
    people = []
    for name, level in (("Delivery lead", "SENIOR"), ("Delivery consultant", "CONSULTANT")):
        hired = hire(world, name=name, level=level, cost_rate="110.0000", cost_ccy="USD")
        staff(world, deal, employee=hired["employee_no"])
        people.append(hired["employee_no"])
    return people[0], people[1]


def capped_story(world: World) -> tuple[Deal, str, str]:
    """T&M under a cap of 40,000 with 33,500 billed, and five entries in February of which the last ones meet the cap."""
    world.at("2026-01-05T09:30")
    deal = sell(
        world,
        customer_name="Glenmore Hospitals Trust",
        name="Scheduling support",
        lines=[
            time_and_materials(cap=usd("40,000"), tax_code="NT", service_item="CONSULTING-TM"),
            rebilled_expenses(line_no=2, markup="0.10", tax_code="NT", service_item="EXPENSE"),
        ],
        start="2026-01-01",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    senior, consultant = team(world, deal)
    world.at("2026-01-30T17:00")
    work_minutes(world, deal, employee=senior, minutes=75 * 60, first="2026-01-05", last="2026-01-30")
    work_minutes(world, deal, employee=consultant, minutes=95 * 60, first="2026-01-05", last="2026-01-30")
    world.settle()
    world.at("2026-02-06T17:00")
    world.require("33,500.00 is billed before", [each["net"] for each in invoices(world, deal)], [usd("33,500.00")])
    for person, day, minutes in (
        (senior, "2026-02-02", 480),
        (consultant, "2026-02-03", 480),
        (senior, "2026-02-04", 450),
        (consultant, "2026-02-05", 570),
        (senior, "2026-02-06", 240),
    ):
        work(world, deal, employee=person, work_date=day, minutes=minutes)
    spend(world, deal, employee=senior, gross=usd("100.00"), spend_date="2026-02-04")
    world.settle()
    return deal, senior, consultant


def over_cap(world: World, deal: Deal) -> int:
    """What billing holds above the cap, in minor units."""
    items = world.billing.list("billable_item", contract_no=deal.contract_no)
    return sum(each["over_cap"]["minor"] for each in items)
