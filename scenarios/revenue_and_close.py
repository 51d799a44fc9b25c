"""Revenue and close (S-30 to S-32): estimates, losses, what a contract's position shows at a month's end, and the close itself."""

from __future__ import annotations

from counterfoil import World, amount, scenario, usd
from counterfoil import activity as firm

COPIES = (
    # entity, currency, country, tax code, rate card, provision for the loss
    ("CF-US", "USD", "US", "NT", "US-STD/1", 0),
    ("CF-DE", "EUR", "DE", "VAT19", "DE-STD/1", 900_000),
)


def fee(world: World, place: tuple[object, ...], name: str, price: str, **line: object) -> firm.Deal:
    """A fixed fee of one milestone at the end of June, in one of the companies, won and set up."""
    entity, ccy, country, tax_code, card, _ = map(str, place)
    buyer = firm.add_customer(world, name=f"{name} {country} Co", country=country, region=country, invoice_ccy=ccy)
    return firm.sell(
        world,
        customer=buyer,
        name=name,
        legal_entity=entity,
        ccy=ccy,
        lines=[
            firm.fixed_fee(amount(price, ccy), tax_code=tax_code, service_item="CONSULTING-FF", **line)  # type: ignore[arg-type]
        ],
        milestones=[firm.milestone("M1", amount(price, ccy), planned="2026-06-30")],
        start="2026-01-05",
        end="2026-06-30",
        rate_card=card,
    )


def spent(world: World, deal: firm.Deal, hours: int, cost_rate: str) -> None:
    """So many hours of one month on a deal, by people who cost the same."""
    left = hours * firm.HOUR
    while left > 0:
        person = firm.hire(
            world,
            name=f"Consultant {left}",
            level="SENIOR",
            cost_rate=cost_rate,
            legal_entity=deal.legal_entity,
            cost_ccy=deal.ccy,
        )
        firm.staff(world, deal, employee=person["employee_no"])
        part = min(left, 140 * firm.HOUR)
        firm.work_minutes(
            world,
            deal,
            employee=person["employee_no"],
            minutes=part,
            first="2026-01-06",
            last="2026-01-30",
            most_a_day=600,
        )
        left -= part
    world.settle()


@scenario("S-30", "A new estimate, and a contract that makes a loss", invariants=["36", "37"])
def scenario_s30_estimate_and_loss(world: World) -> None:
    """400 hours are still to go where 390 were budgeted; another contract will cost 115,000 for a fee of 100,000. Only the company
    under IFRS provides for the loss to come."""
    world.at("2026-01-05T09:30")
    deals = []
    for place in COPIES:
        entity, ccy = str(place[0]), str(place[1])
        firm.hire(world, name=f"Manager {ccy}", level="MANAGER", cost_rate="90.0000", legal_entity=entity, cost_ccy=ccy)
        by_hours = fee(
            world, place, "Roll-out by hours", "90,000", rev_method="HOURS", hours=600, cost=amount("54,000", ccy)
        )
        losing = fee(world, place, "Roll-out at a loss", "100,000", hours=800, cost=amount("92,000", ccy))
        for deal in (by_hours, losing):
            there = world.psa.find("project", deal.project_no) is not None
            world.require(f"{entity}: the integration has made {deal.project_no}", there, True)
        deals.append((by_hours, losing, place[5]))
    world.at("2026-01-30T18:00", "Europe/Berlin")
    for by_hours, losing, _ in deals:
        spent(world, by_hours, 210, "90.0000")
        firm.estimate(world, by_hours, etc_hours=400, etc_cost=amount("36,000", by_hours.ccy))
        spent(world, losing, 400, "115.0000")
        firm.estimate(world, losing, etc_hours=600, etc_cost=amount("69,000", losing.ccy))
    world.at("2026-02-01T12:00")
    for by_hours, losing, provision in deals:
        expect_books(world, by_hours, losing, provision)


def expect_books(world: World, by_hours: firm.Deal, losing: firm.Deal, provision: object) -> None:
    """What January's run must have booked."""
    entity = by_hours.legal_entity
    found = firm.recognised(world, by_hours)
    world.expect_money(f"{entity}: 210 of 610 hours, not of 600", found, [("2026-01", 3_098_361)], by_hours.ccy)
    world.expect_money(
        f"{entity}: 40 % of the fee", firm.recognised(world, losing), [("2026-01", 4_000_000)], losing.ccy
    )
    ledger = firm.Ledger(world, losing)
    world.expect_money(f"{entity}: cost to date", ledger.balance("5000"), 4_600_000, losing.ccy)
    booked = (ledger.balance("6110"), -ledger.balance("2400"))
    world.expect_money(f"{entity}: the loss that is still to come", booked, (provision, provision), losing.ccy)
    shown = -ledger.balance("4000") - ledger.balance("5000") - ledger.balance("6110")
    world.expect_money(f"{entity}: loss shown by now", -shown, 600_000 + int(str(provision)), losing.ccy)


@scenario("S-31", "One position for each contract", invariants=["30", "36", "37"])
def scenario_s31_netting(world: World) -> None:
    """A contract with a line ahead of billing and one behind shows one liability; another contract of the same customer shows its own
    asset; nothing is netted across, and the next day the ledger is as it was."""
    world.at("2026-01-05T09:30")
    terms = {"tax_code": "NT", "service_item": "CONSULTING-FF"}
    buyer = firm.add_customer(world, name="Kestrel Aerospace Ltd")
    plain = {"customer": buyer, "start": "2026-01-05", "end": "2026-06-30", "rate_card": "US-STD/1"}
    half = {"hours": 500, "cost": usd("50,000")}
    first = firm.sell(
        world,
        name="Two lines and change requests",
        lines=[
            firm.fixed_fee(usd("100,000"), name="Line A", **half, **terms),
            firm.fixed_fee(usd("100,000"), line_no=2, name="Line B", **half, **terms),
            firm.time_and_materials(line_no=3, tax_code="NT", service_item="CONSULTING-TM"),
        ],
        milestones=[
            firm.milestone("A1", usd("30,000")),
            firm.milestone("A2", usd("70,000")),
            firm.milestone("B1", usd("42,000"), line_no=2),
            firm.milestone("B2", usd("58,000"), line_no=2),
        ],
        **plain,
    )
    second = firm.sell(
        world,
        name="Study",
        lines=[firm.fixed_fee(usd("50,000"), hours=250, cost=usd("25,000"), **terms)],
        milestones=[firm.milestone("M1", usd("50,000"))],
        **plain,
    )
    world.at("2026-01-20T10:00")
    firm.complete(world, first, ms_code="A1")
    firm.complete(world, first, ms_code="B1")
    numbers = {each["lines"][0]["ms_code"]: each["invoice_no"] for each in firm.invoices(world, first)}
    world.require("Both lines have been billed", sorted(numbers), ["A1", "B1"])
    firm.pay(world, invoice_no=numbers["A1"])
    firm.pay(world, invoice_no=numbers["B1"], amount=usd("27,000"))
    world.at("2026-01-30T18:00")
    deliver(world, first, second)
    world.at("2026-01-31T12:00")
    before = firm.Ledger(world, first), firm.Ledger(world, second)
    world.at("2026-02-01T12:00")
    check_position(world, first, second)
    carried = [ledger.balance(account) for ledger in before for account in ("2300", "1230")]
    recognised = [0, 0, 0, 0]
    for number, deal in enumerate((first, second)):
        recognised[2 * number] = sum(part for line in (1, 2) for _, part in firm.recognised(world, deal, line_no=line))
    expected = [was + part for was, part in zip(carried, recognised, strict=True)]
    after = [firm.Ledger(world, deal).balance(account) for deal in (first, second) for account in ("2300", "1230")]
    world.expect_money("The next day starts from the ledger's own balances", after, expected)
    shown = world.erp.list("journal_entry", rule="P3")
    mine = [each["contract_no"] for each in shown if each["contract_no"] in (first.contract_no, second.contract_no)]
    world.expect("Only the contract ahead of billing was reclassified, there and back", mine, [second.contract_no] * 2)


def deliver(world: World, first: firm.Deal, second: firm.Deal) -> None:
    """Cost of 25,000 and 5,000 on the first contract's lines, 7,000 of change requests, cost of 2,500 on the second."""
    people = []
    for number in (1, 2):
        hired = firm.hire(world, name=f"Engineer {number}", level="CONSULTANT", cost_rate="100.0000", cost_ccy="USD")
        people.append(str(hired["employee_no"]))
        for deal in (first, second):
            firm.staff(world, deal, employee=people[-1])
    january = {"first": "2026-01-06", "last": "2026-01-30", "most_a_day": 600}
    for person in people:
        firm.work_minutes(world, first, employee=person, minutes=125 * firm.HOUR, **january)
    firm.work_minutes(world, first, employee=people[0], minutes=50 * firm.HOUR, line_no=2, **january)
    firm.work_minutes(world, first, employee=people[1], minutes=40 * firm.HOUR, line_no=3, **january)
    firm.work_minutes(world, second, employee=people[0], minutes=25 * firm.HOUR, **january)
    world.settle()


def check_position(world: World, first: firm.Deal, second: firm.Deal) -> None:
    """The balance sheet at the end of January."""
    end = "2026-01-31"
    ledger, other = firm.Ledger(world, first), firm.Ledger(world, second)
    parts = [sum(part for _, part in firm.recognised(world, first, line_no=line)) for line in (1, 2)]
    world.expect_money("Line A is ahead, line B behind", parts, [5_000_000, 1_000_000])
    world.expect_money("One liability of 12,000", -ledger.balance("2300", upto=end), 1_200_000)
    world.expect_money("no asset beside it", ledger.balance("1230", upto=end), 0)
    world.expect_money("approved change requests are receivable", ledger.balance("1220", upto=end), 700_000)
    world.expect_money("and 15,000 is owed", ledger.balance("1200", upto=end), 1_500_000)
    world.expect_money("The other contract shows 5,000", other.balance("1230", upto=end), 500_000)
    world.expect_money("and no liability", other.balance("2300", upto=end), 0)


ZONES = (
    # entity, currency, country, zone, tax code, rate card, cost an hour
    ("CF-JP", "JPY", "JP", "Asia/Tokyo", "JCT10", "JP-STD/1", "9000"),
    ("CF-DE", "EUR", "DE", "Europe/Berlin", "VAT19", "DE-STD/1", "80.0000"),
    ("CF-US", "USD", "US", "America/Chicago", "NT", "US-STD/1", "90.0000"),
)
STRAGGLERS = (
    # entity, day worked, local time of the approval, period that it belongs to; in order of the instants
    ("CF-JP", "2026-01-31", "2026-02-01T00:30", "2026-01"),
    ("CF-JP", "2026-02-01", "2026-02-01T08:15", "2026-02"),
    ("CF-DE", "2026-01-31", "2026-02-01T00:30", "2026-01"),
    ("CF-US", "2026-01-31", "2026-01-31T23:20", "2026-01"),
    ("CF-US", "2026-01-31", "2026-02-01T00:30", "2026-01"),
)


def of_every_type(world: World, zone: tuple[str, ...]) -> tuple[firm.Deal, str]:
    """A fixed fee with hours beside it, capped hours, and a retainer in one company; returns the first deal and its consultant."""
    entity, ccy, country, _, tax_code, card, cost = zone
    buyer = firm.add_customer(world, name=f"Month-end {country} Co", country=country, region=country, invoice_ccy=ccy)
    worker = firm.hire(
        world, name=f"Closer {country}", level="SENIOR", cost_rate=cost, legal_entity=entity, cost_ccy=ccy
    )
    work = {"tax_code": tax_code, "service_item": "CONSULTING-TM"}
    terms = {
        "customer": buyer,
        "legal_entity": entity,
        "ccy": ccy,
        "start": "2026-01-05",
        "end": "2026-06-30",
        "rate_card": card,
    }
    mixed = firm.sell(
        world,
        name=f"Fee and hours {country}",
        lines=[
            firm.fixed_fee(
                amount("60,000", ccy),
                hours=300,
                cost=amount("33,000", ccy),
                tax_code=tax_code,
                service_item="CONSULTING-FF",
            ),
            firm.time_and_materials(line_no=2, **work),
        ],
        milestones=[firm.milestone("M1", amount("20,000", ccy)), firm.milestone("M2", amount("28,000", ccy))],
        mobilisation=amount("12,000", ccy),
        settle=False,
        **terms,  # type: ignore[arg-type]
    )
    firm.sell(
        world,
        name=f"Capped hours {country}",
        lines=[firm.time_and_materials(cap=amount("900,000", ccy), **work)],
        settle=False,
        **terms,  # type: ignore[arg-type]
    )
    year = {"start": "2026-01-05", "end": "2027-01-04", "tax_code": tax_code, "service_item": "RETAINER"}
    firm.sell(
        world,
        name=f"Retainer {country}",
        lines=[firm.retainer(amount("36,500", ccy), **year)],  # type: ignore[arg-type]
        settle=False,
        **terms | {"end": "2027-01-04"},  # type: ignore[arg-type]
    )
    world.settle()
    firm.staff(world, mixed, employee=worker["employee_no"])
    return mixed, worker["employee_no"]


def books_of(world: World, entry: dict[str, object]) -> tuple[str, str]:
    """The period in which the books have an entry, and whether as a late one."""
    booked = world.erp.find("work_entry", str(entry["key"])) or {}
    return str(booked.get("period")), str(booked.get("kind"))


@scenario("S-32", "Month close in three zones", invariants=["17", "19", "24", "30", "31", "37", "40", "44", "46"])
def scenario_s32_month_close(world: World) -> None:
    """Contracts of all types, hours that are approved around midnight in Tokyo, Berlin and Chicago: cut-off, estimates, revenue,
    reconciliation, soft close, close; what comes after that is February's, and late."""
    world.at("2026-01-06T18:00", "Asia/Tokyo")
    deals = {zone[0]: of_every_type(world, zone) for zone in ZONES}
    contracts = world.crm.list("contract", status="ACTIVE")
    world.expect_that("More than forty contracts are active", len(contracts) > 40, contracts=len(contracts))
    world.at("2026-01-28T09:00")
    for deal, person in deals.values():
        firm.work_minutes(world, deal, employee=person, minutes=40 * 60, first="2026-01-12", last="2026-01-16")
        firm.work_minutes(
            world, deal, employee=person, minutes=16 * 60, first="2026-01-19", last="2026-01-20", line_no=2
        )
    world.settle()
    for deal, _ in deals.values():
        firm.complete(world, deal, ms_code="M1", settle=False)
        firm.estimate(world, deal, etc_hours=240, etc_cost=amount("26,400", deal.ccy), settle=False)
    world.settle()

    zones = {zone[0]: zone[3] for zone in ZONES}
    entries = []
    for entity, day, local, period in STRAGGLERS:
        world.at(local, zones[entity])
        deal, person = deals[entity]
        entry = firm.work(world, deal, employee=person, work_date=day, minutes=120, line_no=2)
        entries.append((f"Worked in {entity} on {day}, approved {local}", entry, (period, "NORMAL")))
    world.settle()
    for sentence, entry, expected in entries:
        world.expect(sentence, books_of(world, entry), expected)

    world.at("2026-02-05T18:00", "America/Chicago")
    for entity in deals:
        world.erp.act("run_revenue", legal_entity=entity, period="2026-01")
        world.erp.act("soft_close_period", key=f"{entity}/2026-01")
    world.settle()
    for entity in deals:
        world.erp.act("close_period", key=f"{entity}/2026-01", closed_by=firm.FINANCE)
    world.settle()
    states = {entity: world.erp.get("period", f"{entity}/2026-01")["status"] for entity in deals}
    world.expect("January is closed in all three", set(states.values()), {"CLOSED"})
    deal, person = deals["CF-JP"]
    late = firm.work(world, deal, employee=person, work_date="2026-01-30", minutes=60, line_no=2)
    world.settle()
    world.expect("What comes after the close is February's, and late", books_of(world, late), ("2026-02", "LATE"))
    for entity, (deal, _) in deals.items():
        january = firm.recognised(world, deal)
        world.expect_that(f"{entity} recognised January's part of the fee", january[:1] and january[0][0] == "2026-01")
        world.expect(f"{entity} billed advance, milestone and hours", len(firm.invoices(world, deal)), 3)
