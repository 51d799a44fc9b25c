"""Happy paths by contract type (S-01 to S-07): every number of the domain's worked examples is asserted."""

from __future__ import annotations

from counterfoil import World, eur, scenario, total, usd
from counterfoil import activity as firm

MONTHS = {
    # month: (last working day, minutes of each of two people, revenue to date, revenue of the month, 2300 Cr, 1230 Dr, 1220 Dr)
    "2026-01": ("2026-01-30", 60 * 60, "24,000.00", "24,000.00", "24,000.00", "0", "0"),
    "2026-02": ("2026-02-27", 150 * 60, "84,000.00", "60,000.00", "36,000.00", "0", "0"),
    "2026-03": ("2026-03-31", 210 * 60, "165,600.00", "81,600.00", "26,400.00", "0", "0"),
    "2026-04": ("2026-04-30", 210 * 60, "248,400.00", "82,800.00", "0", "20,400.00", "16,214.20"),
    "2026-05": ("2026-05-29", 70 * 60, "276,000.00", "27,600.00", "0", "0", "0"),
}
INVOICES = [
    ("2026-01-05", "48,000.00", "3,168.00", "51,168.00"),
    ("2026-02-27", "72,000.00", "4,752.00", "76,752.00"),
    ("2026-03-27", "72,000.00", "4,752.00", "76,752.00"),
    ("2026-04-20", "36,000.00", "2,376.00", "38,376.00"),
    ("2026-05-01", "16,214.20", "980.52", "17,194.72"),
    ("2026-05-15", "48,000.00", "3,168.00", "51,168.00"),
]


def programme(world: World, customer: object) -> firm.Deal:
    """The S-01 deal, negotiated and signed: fixed fee 240,000, T&M change requests capped at 10,000, expenses at cost plus 10 %."""
    return firm.prepare(
        world,
        customer=customer,  # type: ignore[arg-type]
        name="Warehouse programme",
        lines=[
            firm.fixed_fee(
                usd("240,000"), hours=1200, cost=usd("132,000"), tax_code="TX-DP", service_item="CONSULTING-FF"
            ),
            firm.time_and_materials(line_no=2, cap=usd("10,000"), tax_code="TX-DP", service_item="CONSULTING-TM"),
            firm.rebilled_expenses(line_no=3, markup="0.10", tax_code="NT", service_item="EXPENSE"),
        ],
        milestones=[
            firm.milestone("M1", usd("72,000"), planned="2026-02-27"),
            firm.milestone("M2", usd("72,000"), planned="2026-03-27"),
            firm.milestone("M3", usd("48,000"), planned="2026-05-15"),
        ],
        mobilisation=usd("48,000"),
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )


def change_order_1(world: World, deal: firm.Deal) -> None:
    """CO-1: fixed fee +36,000 with a new M4, +200 h, cost +22,000; the T&M cap from 10,000 to 40,000."""
    order = firm.raise_change_order(
        world,
        deal,
        title="Second warehouse",
        deltas=[firm.delta(1, amount=usd("36,000"), hours=200, cost=usd("22,000")), firm.delta(2, cap=usd("30,000"))],
        milestones=[firm.added_milestone("M4", usd("36,000"), planned="2026-04-20")],
        treatment="CATCH_UP",
    )
    firm.approve_change_order(world, key=order["key"])


def check_month_end(world: World, deal: firm.Deal, month: str) -> None:
    """The month's row of the running example, read from the ledger."""
    _, _, to_date, of_month, liability, asset, unbilled = MONTHS[month]
    last = f"{month}-31"
    ledger = firm.Ledger(world, deal)
    world.expect_money(f"{month}: revenue to date", -ledger.balance("4000", upto=last), usd(to_date)["minor"])
    world.expect_money(f"{month}: revenue of the month", -ledger.balance("4000", period=month), usd(of_month)["minor"])
    world.expect_money(f"{month}: contract liability", -ledger.balance("2300", upto=last), usd(liability)["minor"])
    world.expect_money(f"{month}: contract asset", ledger.balance("1230", upto=last), usd(asset)["minor"])
    world.expect_money(f"{month}: unbilled receivable", ledger.balance("1220", upto=last), usd(unbilled)["minor"])


def check_set_up(world: World, deal: firm.Deal, buyer: str) -> None:
    """What must stand after the deal was won: one debtor, a project, a plan, schedules, the mobilisation invoice."""
    same_name = [each for each in world.erp.list("customer") if each["name"].upper().startswith("ALDERGATE LOGISTICS")]
    world.expect("The ERP has one customer for the buyer", len(same_name), 1, found=[each["id"] for each in same_name])
    world.expect("and it is linked to the CRM", same_name[0]["customer_no"], buyer)
    contract = world.crm.get("contract", deal.contract_no)
    world.require("The contract is active", contract["status"], "ACTIVE")
    projects = world.psa.list("project", contract_no=deal.contract_no)
    world.require("There is one project", len(projects), 1)
    project = projects[0]
    world.expect("The project is active", project["status"], "ACTIVE")
    world.expect(
        "with the contract's entity, currency, practice and rate card",
        (
            project["legal_entity"],
            project["ccy"],
            project["practice"],
            project["rate_card_code"],
            project["rate_card_version"],
        ),
        ("CF-US", "USD", "Operations", "US-STD", 1),
    )
    won = world.crm.get("opportunity", deal.opp_no)["closed_at"]
    world.expect_that(
        "It was ready within 60 minutes", project["updated_at"] <= later(won, 60), won=won, ready=project["updated_at"]
    )
    world.expect("The plan bills the fixed fee", plan_total(world, deal), usd("240,000"))
    schedules = world.erp.list("revenue_schedule", contract_no=deal.contract_no, status="ACTIVE")
    world.expect(
        "There are revenue schedules for both revenue lines", sorted(each["line_no"] for each in schedules), [1, 2]
    )


def later(instant: str, minutes: int) -> str:
    """An instant some minutes later."""
    from datetime import datetime, timedelta

    moved = datetime.fromisoformat(instant.replace("Z", "+00:00")) + timedelta(minutes=minutes)
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plan_total(world: World, deal: firm.Deal) -> object:
    """The sum of the live amounts of the billing plan."""
    lines = world.billing.list("plan_line", contract_no=deal.contract_no)
    return total([line["amount"] for line in lines if line["status"] != "CANCELLED"], "USD")


@scenario(
    "S-01",
    "From won deal to cash and revenue: fixed fee with T&M change requests",
    invariants=["03", "08", "09", "10", "11", "14", "15", "17", "21", "24", "26", "30", "32", "36", "44", "46", "48"],
)
def scenario_s01_the_whole_story(world: World) -> None:
    """A deal with mobilisation, milestones, capped change requests, expenses and a change order, through to the last payment."""
    world.at("2026-01-05T09:30")
    holding = firm.add_customer(world, name="Aldergate Holdings Inc.", segment="ENTERPRISE")
    buyer = firm.add_customer(
        world, name="Aldergate Logistics Inc.", parent=holding["customer_no"], jurisdiction="US-TX"
    )
    twin = world.erp.create("customer", name="ALDERGATE LOGISTICS INC.", country="US")
    world.erp.create("site", customer=twin["id"], site_code="MAIN", country="US", postcode="60601", city="Chicago")

    world.at("2026-01-05T10:00")
    deal = firm.win(world, programme(world, buyer))
    check_set_up(world, deal, buyer["customer_no"])
    lead, consultant = firm.team(world, deal)

    for month, (last_day, minutes, *_) in MONTHS.items():
        first = max(f"{month}-01", "2026-01-06")
        if month == "2026-03":
            world.at("2026-03-10T10:00")
            change_order_1(world, deal)
            check_change_order(world, deal)
        if month == "2026-04":
            world.at("2026-04-20T10:00")
            firm.complete(world, deal, ms_code="M4")
            change_requests(world, deal, lead, consultant)
        if month == "2026-05":
            world.at("2026-05-15T10:00")
            firm.complete(world, deal, ms_code="M3")
        if month in ("2026-02", "2026-03"):
            code, day = ("M1", "2026-02-27") if month == "2026-02" else ("M2", "2026-03-27")
            world.at(f"{day}T10:00")
            firm.complete(world, deal, ms_code=code)
        world.at(f"{last_day}T17:00")
        for person in (lead, consultant):
            firm.work_minutes(world, deal, employee=person, minutes=minutes, first=first, last=last_day, most_a_day=600)
        world.settle()
        firm.pay_all(world, deal)
        year, number = int(month[:4]), int(month[5:])
        world.at(f"{year}-{number + 1:02d}-01T09:00")
        check_month_end(world, deal, month)
    firm.pay_all(world, deal)
    check_the_end(world, deal)


def change_requests(world: World, deal: firm.Deal, lead: str, consultant: str) -> None:
    """April's T&M work: 42.5 h of a senior, 30.25 h of a consultant, one expense of 1,234.50."""
    firm.work_minutes(world, deal, employee=lead, minutes=2550, first="2026-04-06", last="2026-04-17", line_no=2)
    firm.work_minutes(world, deal, employee=consultant, minutes=1815, first="2026-04-06", last="2026-04-17", line_no=2)
    firm.spend(world, deal, employee=lead, gross=usd("1,234.50"), spend_date="2026-04-14", category="FLIGHT")
    world.settle()


def check_change_order(world: World, deal: firm.Deal) -> None:
    """CO-1 has reached all four systems, and the catch-up is booked."""
    value = usd("316,000.00")
    contract = world.crm.get("contract", deal.contract_no)
    world.expect("CRM holds the new contract value", contract["current_value"], value)
    orders = world.crm.list("change_order", contract_no=deal.contract_no)
    world.expect("The change order is applied", [each["status"] for each in orders], ["APPLIED"])
    project = world.psa.get("project", deal.project_no)
    world.expect("The PSA holds the new budget", (project["budget_fee"], project["budget_hours"]), (value, 1400))
    world.expect("The billing plan bills the new fee", plan_total(world, deal), usd("276,000.00"))
    caps = {
        line["cap"]["minor"] for line in world.billing.list("plan_line", contract_no=deal.contract_no) if line["cap"]
    }
    world.expect_money("and holds the new cap", caps, {usd("40,000")["minor"]})
    schedules = world.erp.list("revenue_schedule", contract_no=deal.contract_no, status="ACTIVE")
    prices = total(
        [each["tp"] for each in schedules if each["tp"]] + [each["cap"] for each in schedules if each["cap"]], "USD"
    )
    world.expect("The ERP holds the new price and cap", prices, value)
    entries = world.erp.list("revenue_entry", contract_no=deal.contract_no, kind="CATCH_UP")
    world.expect(
        "The catch-up is booked in March",
        [(each["period"], each["amount"]) for each in entries],
        [("2026-03", usd("-1,200.00"))],
    )


def check_the_end(world: World, deal: firm.Deal) -> None:
    """Six invoices to the cent, all paid, every balance back to zero, and the chain of causes unbroken."""
    issued = firm.invoices(world, deal)
    rows = [(each["issue_date"], each["net"], each["tax"], each["total"]) for each in issued]
    world.expect(
        "The six invoices are right", rows, [(day, usd(net), usd(tax), usd(sum_)) for day, net, tax, sum_ in INVOICES]
    )
    world.expect("Net in all", total([each["net"] for each in issued], "USD"), usd("292,214.20"))
    world.expect("Tax in all", total([each["tax"] for each in issued], "USD"), usd("19,196.52"))
    world.expect("Total in all", total([each["total"] for each in issued], "USD"), usd("311,410.72"))
    world.expect("Billing shows them paid", {each["status"] for each in issued}, {"PAID"})
    seen = world.crm.list("invoice", contract_no=deal.contract_no)
    world.expect("CRM shows them paid", (len(seen), {each["status"] for each in seen}), (6, {"PAID"}))
    ledger = firm.Ledger(world, deal)
    for account in ("2300", "1230", "1220", "1200"):
        world.expect_money(f"Account {account} is back to zero", ledger.balance(account), 0)
    revenue = sum(-ledger.balance(account) for account in ("4000", "4010", "4030"))
    world.expect_money("Revenue in all", revenue, usd("292,214.20")["minor"])
    check_causes(world, deal, issued)


def check_causes(world: World, deal: firm.Deal, issued: list[dict[str, object]]) -> None:
    """closed_won → contract.activated → project and plan → invoice → posting; one correlation id throughout."""
    events = {each["event_id"]: each for each in world.journal(kind="event", correlation=deal.contract_no)}

    def short(event_id: object) -> str:
        found = events.get(str(event_id))
        return (
            str(found["operation"]).removeprefix("com.counterfoil.").removesuffix(".v1")
            if found
            else f"unknown ({event_id})"
        )

    project = world.psa.get("project", deal.project_no)
    plan = world.billing.get("plan", deal.contract_no)
    posted = world.erp.one("ar_document", invoice_no=issued[0]["invoice_no"])
    world.expect(
        "The activation was caused by the won deal",
        cause_of(events, short, "crm.contract.activated"),
        "crm.opportunity.closed_won",
    )
    world.expect("The project was caused by the activation", short(project["causation_id"]), "crm.contract.activated")
    world.expect("The plan was caused by the activation", short(plan["causation_id"]), "crm.contract.activated")
    world.expect(
        "The mobilisation invoice was caused by the plan", short(issued[0]["causation_id"]), "billing.plan.created"
    )
    world.expect(
        "The milestone invoice was caused by the milestone", short(issued[1]["causation_id"]), "psa.milestone.completed"
    )
    cause = events.get(str(posted["causation_id"]), {})  # each vendor has a name of its own for it
    world.expect(
        "The posting was caused by the invoice", (cause.get("system"), cause.get("key")), ("billing", posted["key"])
    )
    flows = {each["correlation_id"] for each in (project, plan, posted)}
    world.expect("One correlation id runs through all of it", flows, {deal.contract_no})


def cause_of(events: dict[str, dict[str, object]], short: object, kind: str) -> str:
    """The type of the event that caused the (first) event of a kind."""
    for each in events.values():
        if str(each["operation"]).endswith(f"{kind}.v1"):
            return str(short(each["causation_id"]))  # type: ignore[operator]
    return "no such event"


@scenario("S-02", "A month of pure T&M", invariants=["17", "23", "24", "44"])
def scenario_s02_time_and_materials(world: World) -> None:
    """Three people, two levels, 62 approved entries; drafts and rejected ones stay out, a late one goes on the next invoice."""
    world.at("2026-01-05T09:30")
    deal = firm.sell(
        world,
        customer_name="Fernwick Retail Group",
        name="Store roll-out support",
        lines=[firm.time_and_materials(tax_code="TX-825", service_item="CONSULTING-TM")],
        start="2026-01-01",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    people = []
    for number, level in enumerate(("SENIOR", "CONSULTANT", "CONSULTANT"), 1):
        hired = firm.hire(world, name=f"Roll-out consultant {number}", level=level, cost_rate="95.0000", cost_ccy="USD")
        firm.staff(world, deal, employee=hired["employee_no"])
        people.append(hired["employee_no"])

    world.at("2026-01-30T17:00")
    days = firm.weekdays("2026-01-02", "2026-01-30")
    entries = [
        firm.work(world, deal, employee=person, work_date=day)
        for person, count in zip(people, (21, 21, 20), strict=True)
        for day in days[:count]
    ]
    world.require("62 entries are approved", len(entries), 62)
    firm.work(world, deal, employee=people[2], work_date="2026-01-30", approver=None, note="left as submitted")
    rejected = firm.work(world, deal, employee=people[2], work_date="2026-01-30", approver=None)
    world.psa.act("reject_time", key=rejected["key"], reason="Wrong task")
    world.settle()
    expected = total([each["amount"] for each in entries])
    world.expect("Frozen at 225.00 and 175.00", expected, usd("95,200.00"))

    world.at("2026-02-01T09:00")
    first = firm.invoices(world, deal)
    world.require("One invoice on the first of February", [each["issue_date"] for each in first], ["2026-02-01"])
    world.expect("It bills exactly the approved work", first[0]["net"], expected)
    world.expect("and lists 62 entries", len(first[0]["items"]), 62)
    world.expect_money("Unbilled receivable is back to zero", firm.Ledger(world, deal).balance("1220"), 0)

    world.at("2026-02-03T10:00")
    late = firm.work(world, deal, employee=people[0], work_date="2026-01-29", minutes=90)
    world.settle()
    world.at("2026-03-01T09:00")
    second = firm.invoices(world, deal)[1:]
    world.require("One more invoice on the first of March", [each["issue_date"] for each in second], ["2026-03-01"])
    world.expect("It bills the late entry alone", (second[0]["net"], len(second[0]["items"])), (late["amount"], 1))
    world.expect_money("Unbilled receivable is zero again", firm.Ledger(world, deal).balance("1220"), 0)


@scenario("S-03", "Capped T&M reaches its ceiling", invariants=["13", "17", "22", "24", "36", "39", "48"])
def scenario_s03_capped_time_and_materials(world: World) -> None:
    """7,450.00 of work under a headroom of 6,500.00: 950.00 stays over the cap, expenses do not count against it."""
    deal, _, _ = firm.capped_story(world)
    world.expect_money("950.00 is over the cap", firm.over_cap(world, deal), usd("950.00")["minor"])
    reached = world.journal(kind="event", operation="com.counterfoil.billing.cap.reached.v1")
    world.expect("The cap was reached once", len(reached), 1)
    world.at("2026-03-01T09:00")
    bills = firm.invoices(world, deal)[1:]
    world.require("One invoice on the first of March", [each["issue_date"] for each in bills], ["2026-03-01"])
    by_type: dict[str, int] = {}
    for line in bills[0]["lines"]:
        by_type[line["line_type"]] = by_type.get(line["line_type"], 0) + line["net"]["minor"]
    world.expect_money(
        "It bills 6,500.00 of labour and the expense in full", by_type, {"TM_CAPPED": 650_000, "EXPENSE": 11_000}
    )
    ledger = firm.Ledger(world, deal)
    world.expect_money("6,500.00 is recognised in February", -ledger.balance("4010", period="2026-02"), 650_000)
    world.expect_money("40,000.00 in all", -ledger.balance("4010"), usd("40,000")["minor"])
    world.expect_money("Unbilled receivable is zero", ledger.balance("1220"), 0)


@scenario("S-04", "Fixed fee without an advance", invariants=["30", "36", "37"])
def scenario_s04_fixed_fee_without_advance(world: World) -> None:
    """One final milestone: for three months revenue runs ahead of billing, then the contract asset becomes a receivable."""
    world.at("2026-01-05T09:30")
    deal = firm.sell(
        world,
        customer_name="Harrowgate Instruments",
        name="Calibration process",
        lines=[
            firm.fixed_fee(usd("90,000"), hours=300, cost=usd("33,000"), tax_code="NT", service_item="CONSULTING-FF")
        ],
        milestones=[firm.milestone("M1", usd("90,000"), planned="2026-04-10")],
        start="2026-01-05",
        end="2026-04-30",
        rate_card="US-STD/1",
    )
    person = firm.hire(world, name="Process engineer", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    for number, (month, last) in enumerate((("2026-01", "30"), ("2026-02", "27"), ("2026-03", "31")), 1):
        world.at(f"{month}-{last}T17:00")
        first = max(f"{month}-01", "2026-01-06")
        firm.work_minutes(
            world, deal, employee=person["employee_no"], minutes=100 * 60, first=first, last=f"{month}-{last}"
        )
        world.settle()
        world.at(f"2026-{number + 1:02d}-01T09:00")
        ledger = firm.Ledger(world, deal)
        world.expect_money(f"{month}: contract asset", ledger.balance("1230", upto=f"{month}-31"), number * 3_000_000)
        world.expect_money(f"{month}: nothing is receivable", ledger.balance("1200"), 0)
        world.expect_money(f"{month}: the liability is nil", ledger.balance("2300", upto=f"{month}-31"), 0)
    world.at("2026-04-10T10:00")
    firm.complete(world, deal, ms_code="M1")
    ledger = firm.Ledger(world, deal)
    world.expect_money(
        "The asset has become a receivable", (ledger.balance("1230"), ledger.balance("1200")), (0, 9_000_000)
    )
    world.expect_money("Revenue is the fee", -ledger.balance("4000"), 9_000_000)
    world.expect_money("and no liability is left", ledger.balance("2300"), 0)


@scenario("S-05", "Output method: billing is not revenue", invariants=["21", "36", "37"])
def scenario_s05_milestone_output(world: World) -> None:
    """Billed on completion, recognised on acceptance by stand-alone weight: an invoice in January, revenue in February."""
    world.at("2026-01-05T09:30")
    stones = (("M1", "20,000", "30"), ("M2", "40,000", "45"), ("M3", "40,000", "40"))
    deal = firm.sell(
        world,
        customer_name="Inverleith Bank",
        name="Risk model",
        lines=[
            firm.fixed_fee(
                usd("100,000"),
                hours=400,
                cost=usd("50,000"),
                rev_method="MILESTONE_OUTPUT",
                tax_code="NT",
                service_item="CONSULTING-FF",
            )
        ],
        milestones=[firm.milestone(code, usd(part), rev_weight=weight) for code, part, weight in stones],
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    world.at("2026-01-30T10:00")
    firm.complete(world, deal, ms_code="M1")
    world.at("2026-02-01T09:00")
    issued = [(each["issue_date"], each["net"]) for each in firm.invoices(world, deal)]
    world.expect("M1 is billed in January", issued, [("2026-01-30", usd("20,000"))])
    ledger = firm.Ledger(world, deal)
    world.expect_money("January shows a liability of 20,000", -ledger.balance("2300"), 2_000_000)
    world.expect_money("and no revenue", ledger.balance("4000"), 0)
    world.at("2026-02-03T10:00")
    firm.accept(world, deal, ms_code="M1")
    world.at("2026-03-01T09:00")
    world.expect_money("February recognises 26,086.96", firm.recognised(world, deal), [("2026-02", 2_608_696)])
    ledger = firm.Ledger(world, deal)
    world.expect_money("The contract asset is 6,086.96", ledger.balance("1230", upto="2026-02-28"), 608_696)
    world.at("2026-03-10T10:00")
    firm.complete(world, deal, ms_code="M2")
    firm.accept(world, deal, ms_code="M2")
    world.at("2026-04-01T09:00")
    world.expect_money(
        "After M2 65,217.39 is recognised", sum(part for _, part in firm.recognised(world, deal)), 6_521_739
    )
    ledger = firm.Ledger(world, deal)
    world.expect_money("and the asset is 5,217.39", ledger.balance("1230", upto="2026-03-31"), 521_739)


RETAINED = (
    ("2026-01", 558_904), ("2026-02", 920_548), ("2026-03", 1_019_178), ("2026-04", 986_302), ("2026-05", 1_019_178),
    ("2026-06", 986_301), ("2026-07", 1_019_178), ("2026-08", 1_019_178), ("2026-09", 986_301), ("2026-10", 1_019_179),
    ("2026-11", 986_301), ("2026-12", 1_019_178), ("2027-01", 460_274),
)  # fmt: skip
"""A fee of 120,000 for the year from 15 January, by day."""


@scenario("S-06", "Retainer from the fifteenth", invariants=["24", "36"])
def scenario_s06_retainer(world: World) -> None:
    """120,000 for a year from 15 January: billed monthly in advance, recognised by the day, to the cent in each of 13 months."""
    world.at("2026-01-14T09:30")
    deal = firm.sell(
        world,
        customer_name="Jarrow Shipping",
        name="Advisory retainer",
        lines=[
            firm.retainer(usd("120,000"), start="2026-01-15", end="2027-01-14", tax_code="NT", service_item="RETAINER")
        ],
        start="2026-01-15",
        end="2027-01-14",
        rate_card="US-STD/1",
    )
    world.at("2027-02-01T09:00")
    issued = firm.invoices(world, deal)
    world.expect("Twelve bills of 10,000", [each["net"] for each in issued], [usd("10,000")] * 12)
    days = [each["issue_date"] for each in issued]
    expected = [f"2026-{month:02d}-15" for month in range(1, 13)]
    world.expect("each on the fifteenth", days, expected)
    world.expect_money("Revenue by month", firm.recognised(world, deal), list(RETAINED))
    ledger = firm.Ledger(world, deal)
    world.expect_money("The year's fee is recognised", -ledger.balance("4020"), usd("120,000")["minor"])
    world.expect_money("and no liability is left", ledger.balance("2300"), 0)


@scenario("S-07", "Expenses with markup and foreign receipts", invariants=["17", "24", "35", "39"])
def scenario_s07_expenses(world: World) -> None:
    """Three receipts, two in euros and one of them with recoverable tax; a fourth has no receipt and waits until it comes."""
    world.at("2026-01-05T09:30")
    deal = firm.sell(
        world,
        customer_name="Brackenridge Mills",
        name="Plant visits",
        lines=[
            firm.time_and_materials(tax_code="NT", service_item="CONSULTING-TM"),
            firm.rebilled_expenses(line_no=2, markup="0.10", tax_code="NT", service_item="EXPENSE"),
            firm.rebilled_expenses(line_no=3, markup="0.08", tax_code="NT", service_item="EXPENSE"),
        ],
        start="2026-01-01",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    person = firm.hire(world, name="Travelling consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    world.at("2026-01-14T18:00")
    firm.publish_rate(world, "EURUSD", "2026-01-14", "1.083000")
    trip = {"employee": person["employee_no"], "spend_date": "2026-01-14"}
    flight = firm.spend(world, deal, gross=usd("1,234.50"), category="FLIGHT", line_no=2, **trip)
    hotel = firm.spend(world, deal, gross=eur("412.30"), category="HOTEL", line_no=3, **trip)
    taxed = firm.spend(
        world, deal, gross=eur("412.30"), vat_recoverable=eur("65.83"), category="HOTEL", line_no=3, **trip
    )
    lost = firm.spend(world, deal, gross=usd("120.00"), category="MEALS", line_no=2, receipt=False, **trip)
    world.settle()
    found = [(each["cost"], each["bill_amount"]) for each in (flight, hotel, taxed)]
    expected = [("1,234.50", "1,357.95"), ("446.52", "482.24"), ("375.23", "405.25")]
    world.expect("Cost and bill of each", found, [(usd(cost), usd(bill)) for cost, bill in expected])
    world.expect("The spend date's rate was used", hotel["fx_rate"], "1.083000")
    held = world.billing.get("billable_item", lost["key"])
    world.expect("Without a receipt it waits", (held["billing"], bool(held["hold_reason"])), ("ON_HOLD", True))
    ledger = firm.Ledger(world, deal)
    world.expect_money("Revenue is shown gross", -ledger.balance("4030"), 135_795 + 48_224 + 40_525 + 13_200)
    world.expect_money("and so is cost", ledger.balance("5010"), 123_450 + 44_652 + 37_523 + 12_000)
    world.at("2026-02-01T12:00")
    bill = firm.invoices(world, deal)
    nets = sorted(line["net"]["minor"] for each in bill for line in each["lines"])
    world.expect_money("The three are billed", nets, [40_525, 48_224, 135_795], required=True)
    world.psa.act("add_receipt", key=lost["key"])
    world.settle()
    world.expect("With its receipt it is free", world.billing.get("billable_item", lost["key"])["billing"], "UNBILLED")
    world.at("2026-03-01T12:00")
    later = [each["net"] for each in firm.invoices(world, deal)[1:]]
    world.expect("and billed next time", later, [usd("132.00")])
