"""Controls (S-50, S-51): who may decide, and when the books are open."""

from __future__ import annotations

from counterfoil import World, scenario, usd
from counterfoil import activity as firm


def advisory(world: World, name: str) -> firm.Deal:
    """A fixed fee of 100,000 with two milestones, won and set up."""
    return firm.sell(
        world,
        customer_name=f"{name} Ltd",
        name=name,
        lines=[
            firm.fixed_fee(usd("100,000"), hours=400, cost=usd("55,000"), tax_code="NT", service_item="CONSULTING-FF")
        ],
        milestones=[firm.milestone("M1", usd("60,000")), firm.milestone("M2", usd("40,000"))],
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )


@scenario("S-50", "High-risk approvals", invariants=["15", "26", "41"])
def scenario_s50_approvals(world: World) -> None:
    """Who asks does not decide: change order, reopened deal, write-off of work and milestone; decided by others they pass."""
    world.at("2026-01-05T09:30")
    deal = advisory(world, "Zennor Tin")
    order = firm.raise_change_order(
        world,
        deal,
        deltas=[firm.delta(1, amount=usd("66,000"), hours=200, cost=usd("30,000"))],
        milestones=[firm.added_milestone("M3", usd("66,000"))],
        requested_by=firm.MANAGER,
    )
    with world.refused("SELF_APPROVAL"):
        world.crm.act("approve_change_order", key=order["key"], approver=firm.MANAGER)
    world.settle()
    world.expect("Nothing has moved", world.crm.get("contract", deal.contract_no)["current_value"], usd("100,000"))
    firm.approve_change_order(world, key=order["key"], approver=firm.FINANCE)
    world.expect("Approved by another it is applied", world.crm.get("change_order", order["key"])["status"], "APPLIED")
    asked = world.crm.create("approval", subject=deal.contract_no, kind="WRITE_OFF", requester=firm.MANAGER)
    with world.refused("SELF_APPROVAL"):
        world.crm.act("decide_approval", key=asked["key"] or asked["id"], approver=firm.MANAGER, decision="APPROVED")
    decided = world.crm.act("decide_approval", id=asked["id"], approver=firm.FINANCE, decision="APPROVED")
    world.expect("Decided by another it stands", decided["decision"], "APPROVED")
    firm.complete(world, deal, ms_code="M1")
    bill = firm.invoices(world, deal)
    world.require("M1 is billed", [each["net"] for each in bill], [usd("60,000")])
    world.billing.act(
        "credit_invoice",
        key=bill[0]["invoice_no"],
        reason="CUSTOMER",
        approved_by=firm.FINANCE,
        lines=[{"line_no": 1, "net": usd("12,000")}],
    )
    world.settle()
    memo = firm.credit_memos(world, deal)
    world.expect("A large credit memo has a name under it", [each["approved_by"] for each in memo], [firm.FINANCE])
    posted = world.erp.list("ar_document", contract_no=deal.contract_no, doc_type="CREDIT_MEMO")
    world.expect_money("and is in the books", [each["total"]["minor"] for each in posted], [1_200_000])


@scenario("S-51", "A closed period is reopened", invariants=["24", "30", "31", "44"], presupposes=["dead_letters"])
def scenario_s51_period_reopen(world: World) -> None:
    """January is closed when an invoice dated in January is issued: it waits for an approved reopening, and is January's then."""
    world.at("2026-01-06T09:30")
    deal = advisory(world, "Ashgrove Nursery")
    lines = {each["ms_code"]: each["key"] for each in world.billing.list("plan_line", contract_no=deal.contract_no)}
    world.require("The integration has planned both milestones", sorted(lines), ["M1", "M2"])
    world.at("2026-01-30T16:00")
    firm.complete(world, deal, ms_code="M2")
    world.at("2026-02-05T18:00")
    world.erp.act("close_period", key="CF-US/2026-01", closed_by=firm.FINANCE)
    world.settle()
    world.at("2026-02-06T10:00")
    assert world.integration is not None
    world.billing.act("ready_plan_line", key=lines["M1"])
    draft = world.billing.act("draft_invoice", contract_no=deal.contract_no, plan_lines=[lines["M1"]])
    world.billing.act("approve_invoice", id=draft["id"])
    world.psa.act("complete_milestone", key=deal.milestone("M1"))
    issued = world.billing.act("issue_invoice", id=draft["id"], issue_date="2026-01-31")
    world.settle()
    world.expect("The books have not taken it", world.erp.list("ar_document", invoice_no=issued["invoice_no"]), [])
    world.expect_that("but somebody was told", len(world.integration.dead_letters()) >= 1)
    with world.refused("SELF_APPROVAL"):
        world.erp.act("reopen_period", key="CF-US/2026-01", approver=firm.FINANCE)
    world.advance(hours=0.5)
    world.erp.act("reopen_period", key="CF-US/2026-01", approver="Chief financial officer")
    world.integration.replay()
    world.settle()
    posted = world.erp.one("ar_document", invoice_no=issued["invoice_no"])
    entry = world.erp.get("journal_entry", posted["je"])
    world.expect("It is January's", (posted["issue_date"], entry["period"]), ("2026-01-31", "2026-01"))
    world.erp.act("close_period", key="CF-US/2026-01", closed_by=firm.FINANCE)
    world.settle()
    period = world.erp.get("period", "CF-US/2026-01")
    world.expect("January is closed again", period["status"], "CLOSED")
    world.expect_that("by somebody's leave", bool(period["reopen_approval"]), period=period)
    world.expect("No letter is left", world.integration.dead_letters(), [])
