"""Amendments (S-08): a change order reaches all four systems and the books catch up."""

from __future__ import annotations

from counterfoil import World, scenario, total, usd
from counterfoil import activity as firm


@scenario(
    "S-08",
    "Change order with cumulative catch-up",
    invariants=["11", "14", "15", "36", "44"],
)
def scenario_s08_change_order_catch_up(world: World) -> None:
    """35 % done on 28 February; CO-1 on 10 March adds 36,000 at more than its share of cost: −1,200.00 of catch-up in March."""
    world.at("2026-01-05T09:30")
    deal = firm.sell(
        world,
        customer_name="Brackenhurst Foods",
        name="Planning system",
        lines=[
            firm.fixed_fee(
                usd("240,000"), hours=1200, cost=usd("132,000"), tax_code="TX-DP", service_item="CONSULTING-FF"
            ),
            firm.time_and_materials(line_no=2, cap=usd("10,000"), tax_code="TX-DP", service_item="CONSULTING-TM"),
        ],
        milestones=[firm.milestone("M1", usd("120,000")), firm.milestone("M2", usd("120,000"))],
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    people = [
        firm.hire(world, name=f"Planner {each}", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
        for each in (1, 2)
    ]
    for person in people:
        firm.staff(world, deal, employee=person["employee_no"])
    world.at("2026-02-27T17:00")
    for person in people:
        firm.work_minutes(
            world,
            deal,
            employee=person["employee_no"],
            minutes=210 * 60,
            first="2026-02-02",
            last="2026-02-27",
            most_a_day=690,
        )
    world.settle()

    world.at("2026-03-10T10:00")
    schedule = world.erp.one("revenue_schedule", contract_no=deal.contract_no, line_no=1, status="ACTIVE")
    world.require("Revenue to date is 84,000.00", schedule["recognised"], usd("84,000"))
    order = firm.raise_change_order(
        world,
        deal,
        deltas=[firm.delta(1, amount=usd("36,000"), hours=200, cost=usd("22,000")), firm.delta(2, cap=usd("30,000"))],
        milestones=[firm.added_milestone("M4", usd("36,000"))],
        treatment="CATCH_UP",
    )
    world.settle()
    world.expect(
        "A submitted change order changes nothing in the PSA",
        world.psa.get("project", deal.project_no)["budget_hours"],
        1200,
    )
    world.expect("nor in the books", world.erp.count("change_order", contract_no=deal.contract_no), 0)
    firm.approve_change_order(world, key=order["key"])

    entries = world.erp.list("revenue_entry", contract_no=deal.contract_no, kind="CATCH_UP")
    world.expect(
        "March has a catch-up of −1,200.00",
        [(each["period"], each["amount"]) for each in entries],
        [("2026-03", usd("-1,200"))],
    )
    active = world.erp.one("revenue_schedule", contract_no=deal.contract_no, line_no=1, status="ACTIVE")
    world.expect(
        "Schedule version 2 holds the new price", (active["schedule_version"], active["tp"]), (2, usd("276,000"))
    )
    lines = [
        each for each in world.billing.list("plan_line", contract_no=deal.contract_no) if each["status"] != "CANCELLED"
    ]
    world.expect(
        "M4 is in the billing plan", [each["amount"] for each in lines if each["ms_code"] == "M4"], [usd("36,000")]
    )
    world.expect("The plan sums to the new fee", total([each["amount"] for each in lines], "USD"), usd("276,000"))
    world.expect("The cap is 40,000", {each["cap"]["minor"] for each in lines if each["cap"]}, {usd("40,000")["minor"]})
    world.expect("The budget is 1,400 h", world.psa.get("project", deal.project_no)["budget_hours"], 1400)
    world.expect("CRM shows it applied", world.crm.get("change_order", order["key"])["status"], "APPLIED")
