"""Faults (S-33 to S-37): what breaks between systems, and what must come of it nevertheless."""

from __future__ import annotations

from collections import Counter

from counterfoil import World, scenario, usd
from counterfoil import activity as firm
from counterfoil.world import moment

INVOICES = 200


@scenario(
    "S-33",
    "Time-out after commit on one in ten postings",
    invariants=["24", "44"],
    faults=[{"kind": "lost_response", "system": "erp", "operation": "create_ar_document", "share": 0.1}],
)
def scenario_s33_timeout_after_commit(world: World) -> None:
    """200 invoices issue while the ERP loses one reply in ten: 200 documents, none twice."""
    world.at("2026-01-06T09:00")
    codes = [f"M{number:03d}" for number in range(1, INVOICES + 1)]
    deal = firm.sell(
        world,
        customer_name="Castlebar Utilities",
        name="Meter exchange",
        lines=[
            firm.fixed_fee(usd("200,000"), hours=1000, cost=usd("110,000"), tax_code="NT", service_item="CONSULTING-FF")
        ],
        milestones=[firm.milestone(code, usd("1,000")) for code in codes],
        start="2026-01-05",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    lines = {line["ms_code"]: line["key"] for line in world.billing.list("plan_line", contract_no=deal.contract_no)}
    world.require("The integration has planned every milestone", len(lines), INVOICES)
    for code in codes:
        world.billing.act("ready_plan_line", key=lines[code])
        draft = world.billing.act("draft_invoice", contract_no=deal.contract_no, plan_lines=[lines[code]])
        world.billing.act("approve_invoice", id=draft["id"])
        world.billing.act("issue_invoice", id=draft["id"])
    world.settle()
    struck = sum(each["struck"] for each in world.faults.list())
    world.expect_that("Replies were lost", struck >= 5, struck=struck)
    issued = {each["invoice_no"] for each in firm.invoices(world, deal)}
    world.expect("200 invoices are issued", len(issued), INVOICES)
    posted = Counter(each["invoice_no"] for each in world.erp.list("ar_document", contract_no=deal.contract_no))
    world.expect("The ERP has a document for each", set(posted), issued)
    world.expect("and none twice", [number for number, count in posted.items() if count > 1], [])


def month_of_time(world: World, name: str, entries: int) -> tuple[firm.Deal, list[str]]:
    """A T&M deal with so many hours of one senior recorded and submitted, not yet approved; returns the entries' keys."""
    deal = firm.sell(
        world,
        customer_name=f"{name} Ltd",
        name=name,
        lines=[firm.time_and_materials(tax_code="NT", service_item="CONSULTING-TM")],
        start="2026-01-01",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    person = firm.hire(world, name="Batch consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    days = firm.weekdays("2026-01-01", "2026-01-30")
    keys = [
        firm.work(
            world,
            deal,
            employee=person["employee_no"],
            work_date=days[number % len(days)],
            minutes=60,
            approver=None,
        )["key"]
        for number in range(entries)
    ]
    world.settle()
    return deal, keys


def all_arrived(world: World, deal: firm.Deal, keys: list[str]) -> None:
    """Every approved hour is in billing and in the books, once."""
    for system, entity in ((world.billing, "billable_item"), (world.erp, "work_entry")):
        found = Counter(each["source_id"] for each in system.list(entity, contract_no=deal.contract_no))
        world.expect(f"{system.name} holds every entry once", found, Counter(keys))


def milestones_due(world: World, name: str, count: int) -> firm.Deal:
    """A fixed fee with so many milestones of 10,000, none of them reached yet."""
    deal = firm.sell(
        world,
        customer_name=f"{name} Ltd",
        name=name,
        lines=[
            firm.fixed_fee(
                usd(f"{count * 10_000}"), hours=100, cost=usd("16,500"), tax_code="NT", service_item="CONSULTING-FF"
            )
        ],
        milestones=[firm.milestone(f"M{number}", usd("10,000")) for number in range(1, count + 1)],
        start="2026-01-05",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    world.require("The deal is set up", world.psa.count("project", contract_no=deal.contract_no), 1)
    return deal


@scenario("S-34", "Too many calls at month-end", invariants=["08", "17", "24", "44", "47"])
def scenario_s34_rate_limit(world: World) -> None:
    """The books take so many calls a second while a month's hours are approved and invoices issue: the limit is kept, everything
    arrives, and the invoices do not wait behind the hours."""
    entries, invoices, rate = (500, 50, 10) if world.slow else (24, 3, 30)
    world.at("2026-01-30T09:00")
    deal, keys = month_of_time(world, "Carrigart Mills", entries)
    stones = milestones_due(world, "Doonbeg Dairies", invoices)
    world.limit("erp", rate=rate)
    since = world.journal_end
    for key in keys:
        world.psa.act("approve_time", key=key, approver=firm.MANAGER)
    for number in range(1, invoices + 1):
        firm.complete(world, stones, ms_code=f"M{number}", settle=False)
    world.settle(timeout=600)
    asked = world.journal(system="erp", kind="request", since=since)
    refused = [each for each in asked if each["status"] == 429]
    pressed = max(Counter(int(each["wall"]) for each in asked).values(), default=0)
    world.expect_that(
        "The books had to refuse calls, where they were asked faster than they answer",
        bool(refused) or 0 < pressed <= 2 * rate,  # a full bucket, and what flows in within the second
        refused=len(refused),
        most_in_a_second=pressed,
    )
    all_arrived(world, deal, keys)
    issued = {each["invoice_no"] for each in firm.invoices(world, stones)}
    posted = Counter(each["invoice_no"] for each in world.erp.list("ar_document", contract_no=stones.contract_no))
    world.expect("Every invoice is issued", len(issued), invoices)
    world.expect("and posted once", posted, Counter(issued))
    walls = {
        name: sorted(each["wall"] for each in world.calls("erp", name) if each["status"] == 201)
        for name in ("create_work_entry", "create_ar_document")
    }
    if world.integration is not None and not world.integration.serial and all(walls.values()):
        first, last = walls["create_ar_document"][0], walls["create_work_entry"][-1]
        if refused:
            world.expect_that(
                "Invoices did not wait until all hours were through", first < last, first=first, last=last
            )
    approved = min(each["approved_at"] for each in world.psa.list("time_entry", contract_no=deal.contract_no))
    booked = max(each["created_at"] for each in world.erp.list("work_entry", contract_no=deal.contract_no))
    minutes = (moment(booked) - moment(approved)).total_seconds() / 60
    world.expect_that("Every hour was in the books within the hour", minutes <= 60, minutes=minutes)


@scenario("S-35", "A token dies in the middle of a batch", invariants=["17", "44", "47"])
def scenario_s35_token_expiry(world: World) -> None:
    """100 approvals for four clients at once; the books' token dies at the 57th, as others do before and after it: one chain of
    refreshes, nobody is locked out, everything arrives."""
    world.at("2026-01-30T09:00")
    batches = [month_of_time(world, f"Bramley {name}", 25) for name in ("Foods", "Farms", "Mills", "Stores")]
    keys = [key for together in zip(*(mine for _, mine in batches), strict=True) for key in together]
    world.faults.inject(
        [
            {"kind": "auth_expiry", "system": "erp", "operation": "create_work_entry", "key": keys[at], "nth": 1}
            for at in (8, 32, 56, 76, 96)
        ]
    )
    for key in keys:
        world.psa.act("approve_time", key=key, approver=firm.MANAGER)
    world.settle()
    struck = sum(each["struck"] for each in world.faults.list())
    world.expect_that("The token died", struck >= 1, struck=struck)
    for deal, mine in batches:
        all_arrived(world, deal, mine)
    refreshed = [each for each in world.journal(system="erp", kind="request") if each["operation"] == "token"]
    world.expect_that("with no storm of new tokens", len(refreshed) <= 20, tokens=len(refreshed))


@scenario("S-36", "A batch fails in part", invariants=["11", "17", "44"])
def scenario_s36_partial_batch(world: World) -> None:
    """A hundred milestones go over in one batch and three of them are refused: the others are there once, the three follow."""
    world.at("2026-01-06T09:00")
    codes = [f"M{number:03d}" for number in range(1, 101)]
    world.faults.inject([{"kind": "partial_batch", "system": "psa", "operation": "*milestone*", "each": 33, "nth": 1}])
    deal = firm.sell(
        world,
        customer_name="Carnforth Rail Ltd",
        name="Signal survey",
        lines=[
            firm.fixed_fee(usd("100,000"), hours=500, cost=usd("55,000"), tax_code="NT", service_item="CONSULTING-FF")
        ],
        milestones=[firm.milestone(code, usd("1,000")) for code in codes],
        start="2026-01-05",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    struck = sum(each["struck"] for each in world.faults.list())
    world.expect_that("A batch failed in part", struck >= 1, struck=struck)
    found = Counter(each["ms_code"] for each in world.psa.list("milestone", contract_no=deal.contract_no))
    world.expect("All hundred are there, each once", found, Counter(codes))


@scenario(
    "S-37",
    "The books are out for six hours over the end of the month",
    invariants=["24", "31", "40", "44"],
    presupposes=["dead_letters"],
)
def scenario_s37_outage(world: World) -> None:
    """The ERP is down from eight to two on the last night; documents keep their dates and drain in order when it is back."""
    world.at("2026-01-30T09:00")
    deal, keys = month_of_time(world, "Dunmore Shipping", 10 if world.slow else 3)
    stones = milestones_due(world, "Easington Ports", 3)
    world.at("2026-01-31T20:00")
    world.faults.inject([{"kind": "outage", "system": "erp", "minutes": 360.0}])
    world.at("2026-01-31T21:00")
    for number in (1, 2, 3):
        firm.complete(world, stones, ms_code=f"M{number}", settle=False)
    for key in keys:
        world.psa.act("approve_time", key=key, approver=firm.MANAGER)
    world.settle()
    world.expect("Billing has issued", len(firm.invoices(world, stones)), 3)
    world.expect("The books have nothing yet", world.erp.count("ar_document", contract_no=stones.contract_no), 0)
    world.at("2026-02-01T02:30")
    assert world.integration is not None
    world.integration.replay()
    world.settle()
    posted = {
        each["invoice_no"]: each["issue_date"] for each in world.erp.list("ar_document", contract_no=stones.contract_no)
    }
    issued = {each["invoice_no"]: each["issue_date"] for each in firm.invoices(world, stones)}
    world.expect("Every document is posted with its own date", posted, issued)
    world.expect("which is the last of January", set(issued.values()), {"2026-01-31"})
    all_arrived(world, deal, keys)
    world.expect("No letter is left", world.integration.dead_letters(), [])
