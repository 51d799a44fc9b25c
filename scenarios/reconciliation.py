"""Batch reconciliation (S-42): what people and machines got wrong is found, all of it and nothing else."""

from __future__ import annotations

from typing import Any

from counterfoil import World, scenario, usd
from counterfoil import activity as firm

STONES = tuple(f"M{number:02d}" for number in range(1, 13))


def bill_by_hand(world: World, deal: firm.Deal, ms_code: str) -> dict[str, Any]:
    """Bill a milestone in billing, as somebody there would do it; returns the issued invoice."""
    line = world.billing.one("plan_line", contract_no=deal.contract_no, ms_code=ms_code)["key"]
    world.psa.act("complete_milestone", key=deal.milestone(ms_code))
    world.billing.act("ready_plan_line", key=line)
    draft = world.billing.act("draft_invoice", contract_no=deal.contract_no, plan_lines=[line])
    world.billing.act("approve_invoice", id=draft["id"])
    return world.billing.act("issue_invoice", id=draft["id"])


def post_by_hand(world: World, invoice: dict[str, Any], *, cents: int = 0, **wrong: Any) -> dict[str, Any]:
    """Post an invoice in the books, as somebody there would do it, so many cents too high or with other fields; returns the document."""
    lines = [
        {name: line[name] for name in ("line_no", "line_type", "contract_line", "net", "tax_code", "tax")}
        for line in invoice["lines"]
    ]
    lines[0] = {**lines[0], "net": {**lines[0]["net"], "minor": lines[0]["net"]["minor"] + cents}}
    known = {
        name: invoice[name] for name in ("invoice_no", "contract_no", "legal_entity", "ccy", "issue_date", "due", "tax")
    }
    sums = {name: {**invoice[name], "minor": invoice[name]["minor"] + cents} for name in ("net", "total")}
    debtor = world.erp.get("customer", invoice["customer_no"])["id"]
    return world.erp.create("ar_document", **{**known, **sums, "customer": debtor, "lines": lines, **wrong})


def mirror_by_hand(world: World, document: dict[str, Any]) -> None:
    """Show a posted invoice in billing and in the CRM."""
    world.billing.act("record_ar_status", key=document["invoice_no"], ar_status="POSTED")
    names = ("invoice_no", "contract_no", "ccy", "total", "issue_date", "due", "status")
    world.crm.create("invoice", **{name: document[name] for name in names})


def item_by_hand(world: World, entry: dict[str, Any], **wrong: Any) -> None:
    """Take an approved hour over into billing once more."""
    names = ("contract_no", "project_no", "line_no", "employee_no", "work_date", "minutes", "ccy", "amount")
    values = {name: entry[name] for name in names} | {"source_type": "TIME", "source_id": entry["key"]}
    world.billing.create("billable_item", unit_price=entry["bill_rate"], **values | wrong)


def plant(
    world: World, deal: firm.Deal, right: dict[str, dict[str, Any]], entries: list[str]
) -> dict[tuple[str, str], str]:
    """Get twelve things wrong while no event gets through; returns how each is to be classified, by kind and key."""
    planted = {}
    by_hand = {code: bill_by_hand(world, deal, code) for code in STONES[6:11]}
    missing, high, low, elsewhere, late = by_hand.values()
    planted["MISSING_IN_BOOKS", missing["invoice_no"]] = "an issued invoice that nobody posted"
    for invoice, what, kind, wrong in (
        (high, "a cent too much", "TOTAL_DIFFERS", {"cents": 1}),
        (low, "a cent too little, which nets it out", "TOTAL_DIFFERS", {"cents": -1}),
        (
            elsewhere,
            "in another company's books",
            "LEGAL_ENTITY_DIFFERS",
            {"legal_entity": "CF-UK", "fx_rate": "0.790000"},
        ),
        (late, "dated a day later", "ISSUE_DATE_DIFFERS", {"issue_date": "2026-01-29"}),
    ):
        mirror_by_hand(world, post_by_hand(world, invoice, **wrong))
        planted[kind, invoice["invoice_no"]] = what
    post_by_hand(world, right[STONES[0]])
    planted["TWICE_IN_BOOKS", right[STONES[0]]["invoice_no"]] = "posted again"
    credited = right[STONES[1]]["invoice_no"]
    memo = {**right[STONES[1]], "invoice_no": "CM-ORPHAN-1"}
    orphan = post_by_hand(world, memo, doc_type="CREDIT_MEMO", corrects=credited)
    world.billing.act("record_ar_status", key=credited, ar_status="CREDITED")
    world.crm.change("invoice", credited, status="CREDITED")
    planted["MISSING_IN_BILLING", orphan["invoice_no"]] = "a credit memo that billing does not know"
    world.crm.delete("invoice", right[STONES[2]]["invoice_no"])
    planted["MISSING_IN_CRM", right[STONES[2]]["invoice_no"]] = "gone from the CRM"
    world.crm.change("invoice", right[STONES[3]]["invoice_no"], status="DISPUTED")
    planted["STATUS_IN_CRM", right[STONES[3]]["invoice_no"]] = "stale status"
    twice, unapproved = (world.psa.get("time_entry", key) for key in entries[:2])
    item_by_hand(world, twice)
    planted["ITEM_TWICE", twice["key"]] = "an hour that billing has twice"
    forgotten = world.psa.act("approve_time", key=unapproved["key"], approver=firm.MANAGER)
    planted["MISSING_ITEM", forgotten["key"]] = "an approved hour that billing does not have"
    item_by_hand(world, twice, source_id="NO-SUCH-ENTRY")
    planted["ITEM_WITHOUT_ENTRY", "NO-SUCH-ENTRY"] = "an item for work that nobody did"
    return planted


@scenario(
    "S-42",
    "Seeded discrepancies",
    invariants=["46"],
    presupposes=["reconciliation"],
    without=["19", "27", "34", "42"],
)
def scenario_s42_seeded_discrepancies(world: World) -> None:
    """Twelve things are wrong among some thousand documents, two of them equal and opposite: the job at month-end finds these twelve."""
    world.at("2026-01-20T09:00")
    deal = firm.sell(
        world,
        customer_name="Gortahork Weavers Ltd",
        name="Loom control",
        lines=[
            firm.fixed_fee(usd("12,000"), hours=100, cost=usd("6,000"), tax_code="NT", service_item="CONSULTING-FF"),
            firm.time_and_materials(line_no=2, tax_code="NT", service_item="CONSULTING-TM"),
        ],
        milestones=[firm.milestone(code, usd("1,000")) for code in STONES],
        start="2026-01-05",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    person = firm.hire(world, name="Loom engineer", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")["employee_no"]
    firm.staff(world, deal, employee=person)
    entries = [
        firm.work(world, deal, employee=person, work_date=day, line_no=2, approver=approver)["key"]
        for day, approver in (("2026-01-12", firm.MANAGER), ("2026-01-13", None), ("2026-01-14", firm.MANAGER))
    ]
    for code in STONES[:6]:
        firm.complete(world, deal, ms_code=code, settle=False)
    world.settle()
    world.at("2026-01-28T10:00")
    lines = {each["key"]: each["ms_code"] for each in world.billing.list("plan_line", contract_no=deal.contract_no)}
    right = {lines[each["lines"][0]["plan_line"]]: each for each in firm.invoices(world, deal)}
    world.require("The integration has billed what was reached", sorted(right), list(STONES[:6]))

    world.faults.inject([{"kind": "drop", "operation": "*", "redeliver_after": 0.0}])
    planted = plant(world, deal, right, entries)
    world.settle()
    world.faults.clear()
    world.at("2026-01-30T18:00")
    world.erp.act("close_period", key="CF-US/2026-01", closed_by=firm.FINANCE)
    world.settle()
    assert world.integration is not None
    found = {(each["kind"], each["key"]): each for each in world.integration.reconcile()}
    for place, what in planted.items():
        world.expect_that(f"Found: {what}", place in found, kind=place[0], key=place[1])
    world.expect("and nothing else", sorted(place for place in found if place not in planted), [])
