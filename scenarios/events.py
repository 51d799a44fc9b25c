"""Events (S-38 to S-41): duplicates and disorder, dead letters and replay, polling within one second."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from counterfoil import World, scenario, usd
from counterfoil import activity as firm

ORDERS, MANY_ORDERS = 3, 50
"""How often the story is told out of order, and how often where time is no matter."""


def short_story(world: World) -> firm.Deal:
    """S-01 in small: deal, change order, milestone, time, expense, bill run, payment."""
    world.at("2026-01-06T09:00")
    deal = firm.sell(
        world,
        customer_name="Drumcondra Media",
        name="Archive migration",
        lines=[
            firm.fixed_fee(
                usd("60,000"), hours=300, cost=usd("33,000"), tax_code="TX-DP", service_item="CONSULTING-FF"
            ),
            firm.time_and_materials(line_no=2, cap=usd("10,000"), tax_code="TX-DP", service_item="CONSULTING-TM"),
            firm.rebilled_expenses(line_no=3, markup="0.10", tax_code="NT", service_item="EXPENSE"),
        ],
        milestones=[firm.milestone("M1", usd("30,000")), firm.milestone("M2", usd("18,000"))],
        mobilisation=usd("12,000"),
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    person = firm.hire(world, name="Archive consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")[
        "employee_no"
    ]
    firm.staff(world, deal, employee=person)
    world.at("2026-01-20T10:00")
    order = firm.raise_change_order(
        world,
        deal,
        deltas=[firm.delta(1, amount=usd("6,000"), hours=30, cost=usd("3,300"))],
        milestones=[firm.added_milestone("M3", usd("6,000"))],
    )
    firm.approve_change_order(world, key=order["key"], settle=False)
    customer = world.crm.get("customer", deal.customer_no)
    for owner in ("First owner", "Second owner", "Third owner"):
        world.crm.change("customer", customer["id"], owner=owner)
    firm.complete(world, deal, ms_code="M1", settle=False)
    firm.work_minutes(world, deal, employee=person, minutes=40 * 60, first="2026-01-12", last="2026-01-16", line_no=1)
    firm.work_minutes(world, deal, employee=person, minutes=10 * 60, first="2026-01-19", last="2026-01-20", line_no=2)
    firm.spend(world, deal, employee=person, gross=usd("200.00"), spend_date="2026-01-15")
    world.settle()
    world.at("2026-02-01T09:00")
    for invoice in firm.invoices(world, deal):
        firm.pay(
            world,
            invoice_no=invoice["invoice_no"],
            amount=usd("100.00"),
            bank_ref=f"PART-{invoice['net']['minor']}",
            settle=False,
        )
    firm.pay_all(world, deal, settle=False)
    world.settle()
    return deal


def state_by_key(world: World, deal: firm.Deal) -> dict[str, list[dict[str, Any]]]:
    """The flow's records in all systems by business key, without what an order of delivery may change: ids, versions, times."""
    collections = {
        "crm": ("contract", "change_order", "invoice"),
        "psa": ("project", "milestone", "time_entry", "expense", "change_order"),
        "billing": ("plan", "plan_line", "billable_item", "invoice", "change_order"),
        "erp": ("ar_document", "work_entry", "revenue_schedule", "change_order"),
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for system, names in collections.items():
        for name in names:
            records = world.systems[system].list(name, contract_no=deal.contract_no)
            found[f"{system}.{name}"] = sorted((comparable(each) for each in records), key=json.dumps)
    return found


FREE = ("id", "version", "causation_id", "external_id", "source_key", "key", "je", "ext_refs", "custom")
REFERENCES = (
    "customer",
    "project",
    "task",
    "employee",
    "plan",
    "schedule",
    "contract",
    "opportunity",
    "quote",
    "bill_to",
    "ship_to",
)
NUMBERS = (
    "invoice_no",
    "invoice_line",
    "items",
    "entry_id",
    "expense_id",
    "source_id",
    "description",
    "bill_to_version",
    "rate_card",
)


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """A record without ids and versions of any kind, instants, and numbers that the order of issue decides."""
    skipped = {*FREE, *REFERENCES, *NUMBERS, "manager", "plan_line", "parent"}
    kept = {name: value for name, value in record.items() if name not in skipped and not name.endswith("_at")}
    if "lines" in kept and isinstance(kept["lines"], list):
        kept["lines"] = sorted(
            ({n: v for n, v in line.items() if n not in skipped} for line in kept["lines"]), key=json.dumps
        )
    return kept


@scenario("S-38", "Duplicates and disorder", invariants=["03", "32", "43", "44"])
def scenario_s38_duplicate_and_shuffle(world: World) -> None:
    """The same story with 30 % duplicates in several random orders ends in the state of the orderly run."""
    start = world.snapshot("before the story")
    orderly = state_by_key(world, short_story(world))
    world.expect_that(
        "The orderly run billed and posted", len(orderly["erp.ar_document"]) >= 3, found=orderly["erp.ar_document"]
    )
    for number in range(1, (MANY_ORDERS if world.slow else ORDERS) + 1):
        world.faults.clear()
        world.restore(start, nth=number)
        if world.integration is not None:
            world.integration.reset()
        world.faults.inject(
            [
                {"kind": "duplicate", "operation": "*", "share": 0.3},
                {"kind": "reorder", "operation": "*", "share": 0.9, "spread": 40.0 + 10 * (number % 10)},
            ]
        )
        shuffled = state_by_key(world, short_story(world))
        world.faults.clear()
        differing = [name for name in orderly if shuffled[name] != orderly[name]]
        world.expect(
            f"Order {number} ends like the orderly run",
            {name: shuffled[name] for name in differing},
            {name: orderly[name] for name in differing},
        )


@scenario("S-39", "Dead letters and replay", invariants=["14", "15", "43", "44"], presupposes=["dead_letters"])
def scenario_s39_dead_letters_and_replay(world: World) -> None:
    """The ERP lacks a service item: work, an invoice and a change order are parked. Mended, replayed, then 30 days replayed again."""
    world.at("2026-01-06T09:00")
    deal = firm.sell(
        world,
        customer_name="Ennistymon Health",
        name="Clinic scheduling",
        lines=[
            firm.fixed_fee(
                usd("50,000"), hours=250, cost=usd("27,500"), tax_code="NT", service_item="CLINICAL-ADVISORY"
            )
        ],
        milestones=[firm.milestone("M1", usd("25,000")), firm.milestone("M2", usd("15,000"))],
        mobilisation=usd("10,000"),
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    assert world.integration is not None
    parked = world.integration.dead_letters()
    world.expect_that("What the ERP could not take is parked, not lost", len(parked) >= 1, parked=parked)
    world.expect("The books hold no schedule yet", world.erp.count("revenue_schedule", contract_no=deal.contract_no), 0)
    order = firm.raise_change_order(
        world,
        deal,
        deltas=[firm.delta(1, amount=usd("5,000"), hours=25, cost=usd("2,750"))],
        milestones=[firm.added_milestone("M3", usd("5,000"))],
    )
    firm.approve_change_order(world, key=order["key"])
    world.expect(
        "The change order is not applied yet", world.crm.get("change_order", order["key"])["status"], "APPROVED"
    )

    for owner in ("First owner", "Second owner"):
        world.crm.change("customer", deal.customer_no, owner=owner)
        world.settle()
    world.advance(hours=3)
    world.erp.create("service_item", code="CLINICAL-ADVISORY", name="Clinical advisory", revenue_account="4000")
    world.integration.replay()
    world.settle()
    world.expect("No dead letter is left", world.integration.dead_letters(), [])
    world.expect("The change order is applied", world.crm.get("change_order", order["key"])["status"], "APPLIED")
    owner = world.erp.one("customer", customer_no=deal.customer_no)["owner"]
    world.expect("The account has its last owner", owner, "Second owner")
    check_clinic(world, deal)
    before = world.erp.count("journal_entry", contract_no=deal.contract_no)

    world.advance(days=30)
    booked = world.erp.count("journal_entry", contract_no=deal.contract_no) - before
    sent_again = world.deliveries.redeliver_all(state="DELIVERED")
    world.settle()
    world.expect_that("30 days of events came again", sent_again >= 10, sent_again=sent_again)
    check_clinic(world, deal)
    again = world.erp.count("journal_entry", contract_no=deal.contract_no) - before
    world.expect("The books have no new entry for it", again, booked)


def check_clinic(world: World, deal: firm.Deal) -> None:
    """One project, one plan, one document for the mobilisation invoice, the change order once."""
    world.expect("One project", world.psa.count("project", contract_no=deal.contract_no), 1)
    world.expect("One plan", world.billing.count("plan", contract_no=deal.contract_no), 1)
    world.expect("One receivable", world.erp.count("ar_document", contract_no=deal.contract_no), 1)
    world.expect("The change order once in the books", world.erp.count("change_order", contract_no=deal.contract_no), 1)
    active = world.erp.list("revenue_schedule", contract_no=deal.contract_no, status="ACTIVE")
    world.expect("The price counts it once", [each["tp"] for each in active], [usd("55,000")])


@scenario(
    "S-40", "Silence for longer than the event store remembers", invariants=["03", "08", "44"], presupposes=["polling"]
)
def scenario_s40_replay_window_exceeded(world: World) -> None:
    """For 80 hours no event gets through while the store keeps 72: the gap is found by polling, and nothing is lost."""
    world.at("2026-01-06T09:00")
    before = firm.sell(world, **glade("Glanmire Glass"))  # type: ignore[arg-type]
    assert world.integration is not None
    world.integration.poll()
    world.settle()
    world.faults.inject([{"kind": "drop", "operation": "*", "redeliver_after": 0.0}])
    world.at("2026-01-07T09:00")
    deal = firm.sell(world, **glade("Harlow Harps"))  # type: ignore[arg-type]
    world.crm.change("customer", before.customer_no, owner="New owner")
    world.advance(hours=80)
    world.expect("Nothing has got through", world.psa.count("project", contract_no=deal.contract_no), 0)
    world.faults.clear()
    world.require("The window is over: events of the seventh are gone", gone(world), True)
    for _ in range(3):
        world.integration.poll()
        world.settle()
        world.advance(hours=1 / 60)
    world.expect("The deal is set up after all", world.psa.count("project", contract_no=deal.contract_no), 1)
    world.expect("with its plan", world.billing.count("plan", contract_no=deal.contract_no), 1)
    schedules = world.erp.count("revenue_schedule", contract_no=deal.contract_no, status="ACTIVE")
    world.expect("and its schedule", schedules, 1)
    owners = {system.one("customer", customer_no=before.customer_no)["owner"] for system in (world.erp, world.billing)}
    world.expect("The edit has arrived too", owners, {"New owner"})


def glade(name: str) -> dict[str, object]:
    """Terms of a small fixed-fee deal."""
    return {
        "customer_name": f"{name} Ltd",
        "name": name,
        "lines": [
            firm.fixed_fee(usd("20,000"), hours=100, cost=usd("11,000"), tax_code="NT", service_item="CONSULTING-FF")
        ],
        "milestones": [firm.milestone("M1", usd("20,000"))],
        "start": "2026-01-05",
        "end": "2026-06-30",
        "rate_card": "US-STD/1",
    }


def gone(world: World) -> bool:
    """Whether the CRM no longer replays what happened more than 72 hours ago."""
    events = world.journal(kind="event", system="crm", operation="com.counterfoil.crm.opportunity.closed_won.v1")
    return bool(events) and events[-1]["at"][:10] < world.now[:10]


@scenario(
    "S-41",
    "300 records within one second, polled",
    invariants=["03", "17", "44"],
    presupposes=["polling"],
)
def scenario_s41_same_second_poll(world: World) -> None:
    """300 sites change in one second while no webhook arrives; a fifth shows up a search late, and one page fails once. Then hours are
    polled while some of those on the first page move behind the last."""
    world.at("2026-01-06T09:00")
    deal = firm.sell(
        world,
        customer_name="Foxrock Convenience",
        name="Branch network",
        lines=[
            firm.fixed_fee(usd("20,000"), hours=100, cost=usd("11,000"), tax_code="NT", service_item="CONSULTING-FF"),
            firm.time_and_materials(line_no=2, tax_code="NT", service_item="CONSULTING-TM"),
        ],
        milestones=[firm.milestone("M1", usd("20,000"))],
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    assert world.integration is not None
    world.integration.poll()
    world.settle()
    world.faults.inject(
        [
            {"kind": "drop", "system": "crm", "operation": "*site.changed*", "redeliver_after": 0.0},
            {"kind": "search_lag", "system": "crm", "operation": "list_site", "searches": 1, "records": 0.2},
            {"kind": "status", "system": "crm", "operation": "list_site", "status": 503, "nth": 2},
        ]
    )
    world.at("2026-01-06T10:00")
    moment = world.now[:19]
    for number in range(300):
        world.crm.create(
            "site",
            customer=deal.customer_no,
            site_code=f"B{number:03d}",
            kind="SHIP_TO",
            country="US",
            city="Chicago",
            postcode=f"60{number:03d}",
            lines=[f"{number + 1} Market Street"],
        )
    stamps = {each["updated_at"][:19] for each in world.crm.list("site", kind="SHIP_TO", customer_no=deal.customer_no)}
    world.expect("All 300 carry the same second", stamps, {moment})
    world.advance(hours=1 / 120)
    world.crm.change("customer", deal.customer_no, owner="Branch manager")
    for _ in range(3):
        world.integration.poll()
        world.settle()
        world.advance(hours=1 / 60)
    for system in (world.billing, world.erp):
        held = {each["site_code"] for each in system.list("site", customer_no=deal.customer_no)}
        missing = sorted({f"B{number:03d}" for number in range(300)} - held)
        world.expect(f"{system.name} has all 300", missing, [])
    polled_while_rows_move(world, deal)


def polled_while_rows_move(world: World, deal: firm.Deal) -> None:
    """110 hours on two pages, sixty of them approved while no event gets through; between the pages some of the first are rejected."""
    assert world.integration is not None
    person = firm.hire(world, name="Branch consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    world.settle()
    world.faults.clear()
    world.faults.inject(
        [
            {"kind": "drop", "system": "psa", "operation": "*", "redeliver_after": 0.0},
            {"kind": "latency", "system": "psa", "operation": "list_time_entry", "ms": 700, "nth": 2},
        ]
    )
    keys = [
        firm.work(
            world, deal, employee=person["employee_no"], work_date="2026-01-05", minutes=6, line_no=2, approver=None
        )["key"]
        for _ in range(110)
    ]
    for key in keys[50:]:
        world.psa.act("approve_time", key=key, approver=firm.MANAGER)
    seen = len(world.calls("psa", "list_time_entry"))
    with ThreadPoolExecutor(1) as beside:
        polling = beside.submit(world.integration.poll)
        while not polling.done() and len(world.calls("psa", "list_time_entry")) == seen:
            continue
        for key in keys[:10]:
            world.psa.act("reject_time", key=key, reason="Twice on one day")
        polling.result()
    world.settle()
    for system, entity in ((world.billing, "billable_item"), (world.erp, "work_entry")):
        held = {each["source_id"] for each in system.list(entity, contract_no=deal.contract_no)}
        world.expect(f"{system.name} has all sixty hours", sorted(set(keys[50:]) - held), [])
