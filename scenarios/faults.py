"""Faults (S-33): the books do the work and the answer is lost."""

from __future__ import annotations

from collections import Counter

from counterfoil import World, scenario, usd
from counterfoil import activity as firm

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
