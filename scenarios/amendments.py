"""Amendments (S-08 to S-15): change orders, rate cards and terminations reach all four systems, as they were agreed and no sooner."""

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
    world.expect("The cap is 40,000", [each["cap"] for each in lines if each["cap"]], [usd("40,000")])
    world.expect("The budget is 1,400 h", world.psa.get("project", deal.project_no)["budget_hours"], 1400)
    world.expect("CRM shows it applied", world.crm.get("change_order", order["key"])["status"], "APPLIED")


def fixed(world: World, name: str, fee: str = "60,000", **more: object) -> firm.Deal:
    """A small fixed-fee deal with two milestones, won and set up."""
    half = usd(fee) | {"minor": usd(fee)["minor"] // 2}
    terms = {
        "customer_name": f"{name} Ltd",
        "name": name,
        "start": "2026-01-05",
        "end": "2026-06-30",
        "rate_card": "US-STD/1",
    }
    return firm.sell(
        world,
        lines=[
            firm.fixed_fee(usd(fee), hours=300, cost=usd("33,000"), tax_code="TX-825", service_item="CONSULTING-FF")
        ],
        milestones=[firm.milestone("M1", half), firm.milestone("M2", half)],
        **terms | more,  # type: ignore[arg-type]
    )


def is_set_up(world: World, deal: firm.Deal) -> None:
    """The integration has made project, plan and schedules; without them there is nothing to tell."""
    there = (
        world.psa.count("project", contract_no=deal.contract_no),
        world.billing.count("plan", contract_no=deal.contract_no),
        world.erp.count("revenue_schedule", contract_no=deal.contract_no) > 0,
    )
    world.require("The deal is set up in PSA, billing and books", there, (1, 1, True))


def delivered(world: World, deal: firm.Deal, *, hours: int, upto: str) -> None:
    """Somebody at 110.00 an hour has worked so many hours on the deal."""
    person = firm.hire(world, name="Project consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    firm.work_minutes(
        world, deal, employee=person["employee_no"], minutes=hours * 60, first="2026-01-06", last=upto, most_a_day=600
    )
    world.settle()


@scenario("S-09", "Change order as a separate contract", invariants=["11", "14", "38"])
def scenario_s09_separate(world: World) -> None:
    """Training at its stand-alone price is a contract of its own in all but name; at another price it is not."""
    world.at("2026-01-05T09:30")
    deal = fixed(world, "Kingsbridge Ledger")
    is_set_up(world, deal)
    delivered(world, deal, hours=100, upto="2026-01-30")
    world.at("2026-02-01T09:00")
    before = firm.recognised(world, deal)
    training = {"milestones": [firm.added_milestone("T1", usd("20,000"), line_no=2)], "treatment": "SEPARATE"}
    with world.refused("NOT_STAND_ALONE_PRICE"):
        firm.raise_change_order(
            world,
            deal,
            title="Training",
            deltas=[firm.delta(2, amount=usd("15,000"), hours=40, cost=usd("8,000"), ssp=usd("20,000"))],
            milestones=[firm.added_milestone("T1", usd("15,000"), line_no=2)],
            treatment="SEPARATE",
        )
    order = firm.raise_change_order(
        world,
        deal,
        title="Training",
        deltas=[firm.delta(2, amount=usd("20,000"), hours=40, cost=usd("8,000"), ssp=usd("20,000"))],
        **training,  # type: ignore[arg-type]
    )
    firm.approve_change_order(world, key=order["key"])
    world.expect("CRM shows it applied", world.crm.get("change_order", order["key"])["status"], "APPLIED")
    schedules = world.erp.list("revenue_schedule", contract_no=deal.contract_no, status="ACTIVE")
    held = sorted((each["line_no"], each["schedule_version"], each["tp"], each["recognised"]) for each in schedules)
    world.expect(
        "A new line starts at nothing, the old schedule is as it was",
        held,
        [(1, 1, usd("60,000"), usd("20,000")), (2, 1, usd("20,000"), usd("0"))],
    )
    world.at("2026-03-01T09:00")
    world.expect_money("Past revenue is untouched", firm.recognised(world, deal), before)


@scenario("S-10", "Change order with prospective effect: a retainer goes on", invariants=["14", "36", "38"])
def scenario_s10_prospective(world: World) -> None:
    """Twelve months of 10,000, six more for 40,000 after the fourth: what is left is spread over fourteen, the past stays."""
    world.at("2026-01-05T09:30")
    deal = firm.sell(
        world,
        customer_name="Lochside Renewables",
        name="Asset advisory",
        lines=[
            firm.retainer(usd("120,000"), start="2026-01-01", end="2026-12-31", tax_code="NT", service_item="RETAINER")
        ],
        start="2026-01-01",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    world.at("2026-05-01T09:00")
    past = [(f"2026-{month:02d}", 1_000_000) for month in range(1, 5)]
    world.expect_money("40,000 is recognised after April", firm.recognised(world, deal), past, required=True)
    order = firm.raise_change_order(
        world,
        deal,
        title="Six more months",
        deltas=[firm.delta(1, amount=usd("40,000"), end="2027-06-30")],
        treatment="PROSPECTIVE",
        effective="2026-05-01",
    )
    firm.approve_change_order(world, key=order["key"])
    world.at("2027-01-01T09:00")
    world.at("2027-07-01T09:00")
    found = firm.recognised(world, deal)
    world.expect_money("Nothing is posted to the months before", found[:4], past)
    rest = [amount for _, amount in found[4:]]
    world.expect("Fourteen months are left", len(rest), 14)
    world.expect_money("and share 120,000", sum(rest), usd("120,000")["minor"])
    expected = [857_143] * 3 + [857_142] + [857_143] * 6 + [857_142] + [857_143] * 3
    world.expect_money("in parts of 8,571.43 and 8,571.42", rest, expected)


@scenario("S-11", "A change order raises the cap", invariants=["14", "22", "23"])
def scenario_s11_raised_cap(world: World) -> None:
    """950.00 waits above a cap of 40,000; a cap of 45,000 releases it onto the next invoice and leaves 4,050.00."""
    deal, _, _ = firm.capped_story(world)
    world.expect_money("950.00 is over the cap", firm.over_cap(world, deal), 95_000, required=True)
    order = firm.raise_change_order(world, deal, title="Higher ceiling", deltas=[firm.delta(1, cap=usd("5,000"))])
    firm.approve_change_order(world, key=order["key"])
    world.expect_money("It is released", firm.over_cap(world, deal), 0)
    world.at("2026-03-01T09:00")
    bill = firm.invoices(world, deal)[-1]
    labour = sum(line["net"]["minor"] for line in bill["lines"] if line["line_type"] == "TM_CAPPED")
    world.expect_money("and billed with the rest", labour, usd("7,450.00")["minor"])
    billed = sum(
        line["net"]["minor"]
        for each in firm.invoices(world, deal)
        for line in each["lines"]
        if line["line_type"] == "TM_CAPPED"
    )
    world.expect_money("4,050.00 of headroom is left", usd("45,000")["minor"] - billed, usd("4,050.00")["minor"])
    world.expect_money("Unbilled receivable is zero", firm.Ledger(world, deal).balance("1220"), 0)


def downstream(world: World, deal: firm.Deal) -> dict[str, list[dict[str, object]]]:
    """Everything that PSA, billing and books hold of a deal."""
    held = {
        "psa": ("project", "task", "milestone", "change_order"),
        "billing": ("plan", "plan_line", "change_order", "invoice"),
        "erp": ("revenue_schedule", "change_order", "journal_entry"),
    }
    return {
        f"{system}.{entity}": world.systems[system].list(entity, contract_no=deal.contract_no)
        for system, entities in held.items()
        for entity in entities
    }


@scenario("S-13", "Change orders that come to nothing", invariants=["12", "14", "15"])
def scenario_s13_rejected_and_withdrawn(world: World) -> None:
    """One change order is rejected, one withdrawn, one voided before it is applied anywhere: nothing downstream has moved."""
    world.at("2026-01-05T09:30")
    deal = fixed(world, "Mossbank Dairies")
    is_set_up(world, deal)
    before = downstream(world, deal)
    for title, end in (("More reports", "reject_change_order"), ("Another site", "withdraw_change_order")):
        order = firm.raise_change_order(
            world,
            deal,
            title=title,
            deltas=[firm.delta(1, amount=usd("6,000"), hours=20, cost=usd("3,000"))],
            milestones=[firm.added_milestone("M3", usd("6,000"))],
        )
        world.settle()
        reason = {"reason": "Out of budget"} if end == "reject_change_order" else {}
        world.crm.act(end, key=order["key"], **reason)
        world.settle()
    world.advance(days=2)
    world.expect("PSA, billing and books hold exactly what they held", downstream(world, deal), before)
    contract = world.crm.get("contract", deal.contract_no)
    world.expect("The contract is worth what it was", contract["current_value"], usd("60,000"))


@scenario("S-14", "A new rate card in the middle of the month", invariants=["13", "20"])
def scenario_s14_rate_card_mid_month(world: World) -> None:
    """Version 2 holds from the sixteenth: work before it keeps version 1, an agreed rate beats both, billed hours stay."""
    world.at("2026-01-05T09:30")
    terms = {"lines": [firm.time_and_materials(tax_code="NT", service_item="CONSULTING-TM")], "rate_card": "US-STD/1"}
    dates = {"start": "2026-01-01", "end": "2026-12-31"}
    card_deal = firm.sell(world, customer_name="Norwood Press", name="Print portal", **terms, **dates)  # type: ignore[arg-type]
    agreed_deal = firm.sell(world, customer_name="Oakfield Foods", name="Recipe data", **terms, **dates)  # type: ignore[arg-type]
    person = firm.hire(world, name="Portal consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, card_deal, employee=person["employee_no"])
    firm.staff(world, agreed_deal, employee=person["employee_no"], bill_rate="215.0000")
    world.at("2026-01-30T17:00")
    billed = firm.work(world, card_deal, employee=person["employee_no"], work_date="2026-01-28")
    world.settle()
    world.at("2026-02-12T10:00")
    old = world.crm.get("rate_card", "US-STD/1")
    rows = [
        {"level": row["level"], "rate": "240.0000" if row["level"] == "SENIOR" else row["rate"]} for row in old["rows"]
    ]
    made = world.crm.create(
        "rate_card",
        code="US-STD",
        card_version=2,
        ccy="USD",
        region=old["region"],
        effective_from="2026-02-16",
        rows=rows,
    )
    world.crm.act("publish_rate_card", key=made["key"])
    world.settle()
    for system in (world.psa, world.billing):
        held = system.find("rate_card", "US-STD/2")
        world.expect(f"{system.name} holds version 2 before it takes effect", held is not None, True)
    world.at("2026-02-21T10:00")
    days = firm.weekdays("2026-02-10", "2026-02-20")
    for deal in (card_deal, agreed_deal):
        for day in days:
            firm.work(world, deal, employee=person["employee_no"], work_date=day, minutes=60)
    world.settle()
    entries = world.psa.list("time_entry", contract_no=card_deal.contract_no)
    found = {each["work_date"]: each["bill_rate"] for each in entries if each["work_date"] >= "2026-02"}
    expected = {day: "225.0000" if day < "2026-02-16" else "240.0000" for day in days}
    world.expect("10 to 15 February at version 1, 16 to 20 at version 2", found, expected)
    agreed = {each["bill_rate"] for each in world.psa.list("time_entry", contract_no=agreed_deal.contract_no)}
    world.expect("The agreed rate wins", agreed, {"215.0000"})
    world.at("2026-03-01T09:00")
    now = world.psa.get("time_entry", billed["key"])
    world.expect("January's billed hours are untouched", (now["bill_rate"], now["billing"]), ("225.0000", "BILLED"))
    nets = [each["net"] for each in firm.invoices(world, card_deal)]
    world.expect("February bills four hours at 225 and five at 240", nets[-1], usd("2,100.00"))


def cut(world: World, deal: firm.Deal) -> None:
    """A change order takes 12,000 off M2, approved at once."""
    order = firm.raise_change_order(
        world,
        deal,
        title="Smaller second phase",
        deltas=[firm.delta(1, amount=usd("-12,000"), hours=-40, cost=usd("-6,600"))],
        milestones=[firm.changed_milestone("M2", usd("60,000"))],
    )
    firm.approve_change_order(world, key=order["key"])
    world.expect("The cut is applied", world.crm.get("change_order", order["key"])["status"], "APPLIED")


@scenario("S-12", "A change order while an invoice is in flight", invariants=["11", "14", "20", "21", "33", "38"])
def scenario_s12_change_in_flight(world: World) -> None:
    """M2 is drafted at 10:00, cut from 72,000 to 60,000 at 10:01, issued at 10:02: at 60,000. Where it was issued before, 12,000 come back."""
    world.at("2026-01-05T09:30")
    terms = {"fee": "144,000"}
    drafted, issued = fixed(world, "Penrose Analytics", **terms), fixed(world, "Quayside Studios", **terms)
    for deal in (drafted, issued):
        is_set_up(world, deal)
    world.at("2026-02-16T10:00")
    line = world.billing.one("plan_line", contract_no=drafted.contract_no, ms_code="M2")
    world.psa.act("start_milestone", key=drafted.milestone("M2"))
    world.billing.act("ready_plan_line", key=line["key"])
    draft = world.billing.act("draft_invoice", contract_no=drafted.contract_no, plan_lines=[line["key"]])
    world.require("The draft is of 72,000", draft["net"], usd("72,000"))
    world.billing.act("approve_invoice", id=draft["id"])
    firm.complete(world, issued, ms_code="M2")
    world.require("The other one is issued", [each["net"] for each in firm.invoices(world, issued)], [usd("72,000")])
    world.not_before("2026-02-16T10:01")
    for deal in (drafted, issued):
        cut(world, deal)
    world.not_before("2026-02-16T10:02")
    firm.complete(world, drafted, ms_code="M2", settle=False)
    firm.issue_drafts(world, drafted)
    world.settle()
    bills = firm.invoices(world, drafted)
    world.expect(
        "The draft goes out as it was agreed",
        [(each["net"], each["tax"]) for each in bills],
        [(usd("60,000"), usd("4,950"))],
    )
    world.expect("and nothing needs a credit", firm.credit_memos(world, drafted), [])
    memos = firm.credit_memos(world, issued)
    world.expect(
        "What was issued is credited down",
        [(each["net"], each["tax"]) for each in memos],
        [(usd("-12,000"), usd("-990"))],
    )
    kept = [each["net"] for each in firm.invoices(world, issued)]
    world.expect("by a document of its own", kept, [usd("72,000")])
    open_now = {each["open_amount"]["minor"] for deal in (drafted, issued) for each in firm.receivables(world, deal)}
    world.expect_money("and both customers owe the same", open_now, {usd("64,950")["minor"]})


@scenario("S-15", "Termination in mid-flight", invariants=["11", "23", "33", "36"])
def scenario_s15_termination(world: World) -> None:
    """A retainer of 120,000 a year ends after 100 days with 40,000 billed ahead: 32,876.71 are earned, 7,123.29 go back."""
    world.at("2026-01-14T09:30")
    deal = firm.sell(
        world,
        customer_name="Rothesay Marine",
        name="Advisory retainer",
        lines=[
            firm.retainer(usd("120,000"), start="2026-01-15", end="2027-01-14", tax_code="NT", service_item="RETAINER")
        ],
        start="2026-01-15",
        end="2027-01-14",
        rate_card="US-STD/1",
    )
    person = firm.hire(world, name="Retained adviser", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    is_set_up(world, deal)
    firm.staff(world, deal, employee=person["employee_no"])
    world.at("2026-04-24T16:00")
    billed = [each["net"] for each in firm.invoices(world, deal)]
    world.require("Four months are billed in advance", billed, [usd("10,000")] * 4)
    firm.terminate(world, deal, effective="2026-04-24")
    schedule = world.erp.one("revenue_schedule", contract_no=deal.contract_no)
    world.expect("The schedule is cut", (schedule["status"], schedule["end"]), ("COMPLETED", "2026-04-24"))
    credited = [each["net"] for each in firm.credit_memos(world, deal)]
    world.expect("The unearned advance is credited", credited, [usd("-7,123.29")])
    lines = sorted(each["status"] for each in world.billing.list("plan_line", contract_no=deal.contract_no))
    world.expect("The rest of the plan is cancelled", lines, ["CANCELLED"] * 8 + ["INVOICED"] * 4)
    world.expect("The project is closed", world.psa.get("project", deal.project_no)["status"], "CLOSED")
    with world.refused("PROJECT_CLOSED"):
        firm.work(world, deal, employee=person["employee_no"], work_date="2026-04-27", minutes=60)
    world.at("2026-07-01T09:00")
    months = [("2026-01", 558_904), ("2026-02", 920_548), ("2026-03", 1_019_178), ("2026-04", 789_041)]
    world.expect_money("Revenue stops after 100 days", firm.recognised(world, deal), months)
    world.expect_money("at 32,876.71", sum(amount for _, amount in months), usd("32,876.71")["minor"])
    world.expect("No further bill goes out", len(firm.invoices(world, deal)), 4)
    world.expect_money("and no liability is left", firm.Ledger(world, deal).balance("2300"), 0)
