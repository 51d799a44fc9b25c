"""Delivery (S-22 to S-25): stale tasks, withdrawn approvals and milestones, and work that comes after the close."""

from __future__ import annotations

from counterfoil import World, scenario, usd
from counterfoil import activity as firm


def hourly(world: World, name: str, **more: object) -> tuple[firm.Deal, str]:
    """A T&M deal without tax and one senior on it; returns the deal and the person's number."""
    deal = firm.sell(
        world,
        customer_name=f"{name} Ltd",
        name=name,
        lines=[firm.time_and_materials(tax_code="NT", service_item="CONSULTING-TM")],
        **{"start": "2026-01-01", "end": "2026-12-31", "rate_card": "US-STD/1"} | more,  # type: ignore[arg-type]
    )
    person = firm.hire(world, name="Delivery consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    return deal, str(person["employee_no"])


@scenario("S-22", "A task that was closed", invariants=["16", "17"])
def scenario_s22_stale_task(world: World) -> None:
    """A task ends on the tenth: work of the ninth and tenth still counts, work of the eleventh is refused with a reason."""
    world.at("2026-02-02T09:30")
    deal, person = hourly(world, "Parkgate Logistics")
    world.at("2026-02-10T17:00")
    world.psa.act("close_task", key=deal.task(1), open_to="2026-02-10")
    world.settle()
    world.at("2026-02-12T10:00")
    entries = [firm.work(world, deal, employee=person, work_date=day) for day in ("2026-02-09", "2026-02-10")]
    with world.refused("TASK_CLOSED"):
        firm.work(world, deal, employee=person, work_date="2026-02-11")
    world.settle()
    items = {each["source_id"] for each in world.billing.list("billable_item", contract_no=deal.contract_no)}
    world.expect("Billing has the two days", items, {each["key"] for each in entries})
    world.expect("The task is still closed", world.psa.get("task", deal.task(1))["status"], "CLOSED")
    with world.refused("TASK_CLOSED"):
        firm.work(world, deal, employee=person, work_date="2026-02-12")


@scenario("S-23", "An approval is withdrawn", invariants=["17", "18", "33", "40"])
def scenario_s23_approval_withdrawn(world: World) -> None:
    """An entry on a draft leaves it when its approval is withdrawn; one that is billed stays until it is credited."""
    world.at("2026-01-05T09:30")
    deal, person = hourly(world, "Queensferry Marine")
    billed = firm.work(world, deal, employee=person, work_date="2026-01-05")
    world.settle()
    world.at("2026-02-02T10:00")
    world.require("January is billed", [each["net"] for each in firm.invoices(world, deal)], [usd("1,800.00")])
    world.expect("and delivery knows it", world.psa.get("time_entry", billed["key"])["billing"], "BILLED")
    with world.refused("ENTRY_BILLED"):
        world.psa.act("unapprove_time", key=billed["key"], reason="Wrong project")
    kept = firm.work(world, deal, employee=person, work_date="2026-02-02", minutes=240)
    doubted = firm.work(world, deal, employee=person, work_date="2026-02-02", minutes=120)
    world.settle()
    draft = world.billing.act("draft_invoice", contract_no=deal.contract_no, items=[kept["key"], doubted["key"]])
    world.psa.act("unapprove_time", key=doubted["key"], reason="Not agreed with the customer")
    world.settle()
    world.expect(
        "The draft that held it is discarded", world.billing.get("invoice", draft["id"])["status"], "DISCARDED"
    )
    drafts = world.billing.list("invoice", contract_no=deal.contract_no, status="DRAFT")
    world.expect("and made again without it", [each["net"] for each in drafts], [kept["amount"]])
    for each in world.billing.list("invoice", contract_no=deal.contract_no):
        if each["status"] == "DRAFT":
            world.billing.act("approve_invoice", id=each["id"])
            world.billing.act("issue_invoice", id=each["id"])
    world.settle()
    world.expect("Billing no longer holds the entry", world.billing.find("billable_item", doubted["key"]), None)
    world.expect_money("nor do the books", firm.Ledger(world, deal).balance("1220"), 0)


@scenario("S-24", "A milestone is taken back", invariants=["21", "33", "36"])
def scenario_s24_milestone_uncompleted(world: World) -> None:
    """M1 is invoiced and paid, then found unfinished: credited, its cash unapplied; finished later, it is invoiced once, and that cash pays it."""
    world.at("2026-01-05T09:30")
    deal = firm.sell(
        world,
        customer_name="Ravenscourt Media",
        name="Studio move",
        lines=[
            firm.fixed_fee(
                usd("120,000"), hours=600, cost=usd("66,000"), tax_code="TX-DP", service_item="CONSULTING-FF"
            )
        ],
        milestones=[firm.milestone("M1", usd("72,000")), firm.milestone("M2", usd("48,000"))],
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    world.at("2026-02-27T10:00")
    firm.complete(world, deal, ms_code="M1")
    firm.pay_all(world, deal)
    world.require("M1 is billed and paid", [each["status"] for each in firm.invoices(world, deal)], ["PAID"])
    world.at("2026-03-04T10:00")
    world.psa.act("uncomplete_milestone", key=deal.milestone("M1"), reason="Test failed", approver=firm.FINANCE)
    world.settle()
    memos = firm.credit_memos(world, deal)
    found = [(each["net"], each["tax"], each["total"]) for each in memos]
    world.expect(
        "A credit memo takes back 72,000 and its tax", found, [(usd("-72,000"), usd("-4,752"), usd("-76,752"))]
    )
    payments = world.erp.list("payment_application", contract_no=deal.contract_no, status="ACTIVE")
    world.expect_money("The cash is unapplied", sum(each["amount"]["minor"] for each in payments), 0)
    number = firm.invoices(world, deal)[0]["invoice_no"]
    world.expect("CRM shows the invoice credited", world.crm.one("invoice", invoice_no=number)["status"], "CREDITED")
    world.at("2026-03-20T10:00")
    firm.complete(world, deal, ms_code="M1")
    live = [each for each in firm.invoices(world, deal) if each["status"] not in ("CREDITED", "VOID")]
    world.expect("Finished at last, it is invoiced once", [each["net"] for each in live], [usd("72,000")])
    world.advance(days=2)
    again = [each for each in firm.invoices(world, deal) if each["status"] not in ("CREDITED", "VOID")]
    world.expect("and stays so", len(again), 1)
    for document in firm.receivables(world, deal):
        firm.apply_on_account(world, document)
    world.settle()
    world.expect("Finance pays it by what is on account", firm.receivables(world, deal)[-1]["open_amount"], usd("0"))
    number = firm.invoices(world, deal)[-1]["invoice_no"]
    shown = [system.one("invoice", invoice_no=number)["status"] for system in (world.billing, world.crm)]
    world.expect("which billing and CRM show", shown, ["PAID", "PAID"])


@scenario("S-25", "Late time after the close", invariants=["30", "31", "37", "40"])
def scenario_s25_late_time(world: World) -> None:
    """Worked on 30 January, approved after January was closed: revenue and cost of February, marked late; January stands."""
    world.at("2026-01-05T09:30")
    deal, person = hourly(world, "Saltmarsh Energy")
    on_time = firm.work(world, deal, employee=person, work_date="2026-01-05")
    world.settle()
    world.at("2026-02-05T18:00")
    january = firm.Ledger(world, deal).lines
    world.require(
        "January's work is in January", {period for _, period, _ in january if period < "2026-02"}, {"2026-01"}
    )
    world.erp.act("close_period", key="CF-US/2026-01", closed_by=firm.FINANCE)
    world.settle()
    world.at("2026-02-06T10:00")
    late = firm.work(world, deal, employee=person, work_date="2026-01-30", minutes=120)
    world.settle()
    booked = world.erp.get("work_entry", late["key"])
    world.expect("It is February's, and late", (booked["period"], booked["kind"]), ("2026-02", "LATE"))
    ledger = firm.Ledger(world, deal)
    world.expect_money(
        "January's revenue stands", -ledger.balance("4010", period="2026-01"), on_time["amount"]["minor"]
    )
    world.expect_money("February has the rest", -ledger.balance("4010", period="2026-02"), late["amount"]["minor"])
    cost = ledger.balance("5000", period="2026-02")
    world.expect_money("and its cost", cost, late["cost"]["minor"])
