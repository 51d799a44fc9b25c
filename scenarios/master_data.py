"""Master data (S-16 to S-21): customers, sites and deals that change, in every system alike."""

from __future__ import annotations

import unicodedata

from counterfoil import World, scenario, usd
from counterfoil import activity as firm


def deal_for(world: World, customer: str, name: str) -> firm.Deal:
    """A small fixed-fee deal of the German company, negotiated and signed."""
    eur = {"minor": 2_000_000, "ccy": "EUR"}
    return firm.prepare(
        world,
        customer=customer,
        name=name,
        legal_entity="CF-DE",
        ccy="EUR",
        opportunity={"tax_region": "EU"},
        lines=[
            firm.fixed_fee(
                eur, hours=120, cost={"minor": 1_100_000, "ccy": "EUR"}, tax_code="VAT19", service_item="CONSULTING-FF"
            )
        ],
        milestones=[firm.milestone("M1", eur)],
        start="2026-01-05",
        end="2026-03-31",
        rate_card="DE-STD/1",
    )


@scenario("S-16", "Duplicate detection when a deal closes", invariants=["01", "03", "08"], presupposes=["approvals"])
def scenario_s16_duplicate_detection(world: World) -> None:
    """The books hold variants of the buyer; five deals close at once for three companies that look alike."""
    world.at("2026-01-06T09:00", "Europe/Berlin")
    germany = {"country": "DE", "region": "HH", "city": "Hamburg", "invoice_ccy": "EUR"}
    same = firm.add_customer(world, name="Nordlicht Beratung GmbH", vat_id="DE811111111", postcode="20095", **germany)
    other = firm.add_customer(world, name="Nordlicht Beratung GmbH", vat_id="DE822222222", postcode="80331", **germany)
    doubtful = firm.add_customer(world, name="Nordlicht Beratungs mbH", postcode="50667", **germany)
    known = world.erp.create(
        "customer", name="NORDLICHT BERATUNG, GMBH.", country="DE", vat_id="DE811111111", invoice_ccy="EUR"
    )
    world.erp.create("site", customer=known["id"], site_code="MAIN", country="DE", postcode="20457", city="Hamburg")
    look_alike = world.erp.create("customer", name="Nordlicht Beratungs GmbH", country="DE", invoice_ccy="EUR")
    world.erp.create("site", customer=look_alike["id"], site_code="MAIN", country="DE", postcode="10115", city="Berlin")
    before = world.erp.count("customer")

    buyers = [same, same, same, other, doubtful]
    deals = [deal_for(world, each["customer_no"], f"Assessment {number}") for number, each in enumerate(buyers, 1)]
    won = [firm.win(world, each, settle=False) for each in deals]
    world.settle()

    linked = world.erp.list("customer", customer_no=same["customer_no"])
    world.expect("The known company was found by its VAT number", [each["id"] for each in linked], [known["id"]])
    apart = world.erp.list("customer", customer_no=other["customer_no"])
    world.expect("The company with another VAT number stays separate", len(apart), 1)
    world.expect_that(
        "and is a new record", all(each["id"] not in (known["id"], look_alike["id"]) for each in apart), found=apart
    )
    world.expect(
        "Nothing was made of the doubtful one", world.erp.count("customer", customer_no=doubtful["customer_no"]), 0
    )
    world.expect("Only one customer is new", world.erp.count("customer"), before + 1)
    set_up = [world.psa.count("project", contract_no=each.contract_no) for each in won]
    world.expect("The four clear deals have a project each, the doubtful one waits", set_up, [1, 1, 1, 1, 0])
    raised = [
        each for each in world.control.items("/integration/events") if each["type"].endswith("exception.raised.v1")
    ]
    world.expect("An exception asks a person about it", len(raised), 1, raised=raised)
    world.expect("Fees are booked nowhere yet", world.erp.count("ar_document", contract_no=won[4].contract_no), 0)


def small_deal(world: World, customer: str, name: str, **more: object) -> firm.Deal:
    """A fixed fee of 10,000 without tax for a customer, won and set up."""
    return firm.sell(
        world,
        customer=customer,
        name=name,
        lines=[firm.fixed_fee(usd("10,000"), hours=40, cost=usd("5,500"), tax_code="NT", service_item="CONSULTING-FF")],
        **{
            "milestones": [firm.milestone("M1", usd("10,000"))],
            "start": "2026-01-05",
            "end": "2026-03-31",
            "rate_card": "US-STD/1",
        }
        | more,  # type: ignore[arg-type]
    )


@scenario("S-18", "The address changes between approval and issue", invariants=["03", "04", "52"])
def scenario_s18_bill_to_changes(world: World) -> None:
    """Approved at 9:00, moved at 9:05, issued at 9:30: the document carries the new address, and later moves leave it alone."""
    world.at("2026-01-05T09:00")
    buyer = firm.add_customer(world, name="Wexcombe Properties Ltd", address=("1 Old Street",))
    deal = small_deal(world, buyer["customer_no"], "Office move")
    world.require("The books know the buyer", world.erp.count("customer", customer_no=buyer["customer_no"]), 1)
    world.erp.change("customer", buyer["customer_no"], vat_id="US-700001", terms="NET45")
    world.settle()
    world.at("2026-01-12T09:00")
    lines = world.billing.list("plan_line", contract_no=deal.contract_no)
    world.require("The integration has planned the milestone", len(lines), 1)
    world.psa.act("start_milestone", key=deal.milestone("M1"))
    world.billing.act("ready_plan_line", key=lines[0]["key"])
    draft = world.billing.act("draft_invoice", contract_no=deal.contract_no, plan_lines=[lines[0]["key"]])
    world.billing.act("approve_invoice", id=draft["id"])
    world.at("2026-01-12T09:05")
    site = f"{buyer['customer_no']}/HQ"
    world.crm.change("site", site, lines=["2 New Street"])
    world.settle()
    world.at("2026-01-12T09:30")
    firm.complete(world, deal, ms_code="M1", settle=False)
    issued = world.billing.act("issue_invoice", id=draft["id"])
    world.settle()
    world.expect("The invoice carries the new address", issued["bill_to_lines"], ["2 New Street"])
    world.at("2026-01-13T09:00")
    world.crm.change("customer", buyer["customer_no"], owner="New account owner")
    world.settle()
    debtor = world.erp.one("customer", customer_no=buyer["customer_no"])
    kept = (debtor["owner"], debtor["vat_id"], debtor["terms"])
    world.expect("The books take the owner and keep their own", kept, ("New account owner", "US-700001", "NET45"))
    world.crm.change("site", site, lines=["3 Next Street"])
    world.settle()
    world.expect("Billing has the newest address", world.billing.get("site", site)["lines"], ["3 Next Street"])
    after = world.billing.get("invoice", issued["invoice_no"])
    world.expect("The issued document stays as it was", after["bill_to_lines"], ["2 New Street"])
    world.expect("The milestone is billed once", len(firm.invoices(world, deal)), 1)


LONG = " ".join(
    ["Transcontinental", "Association", "of", "Independent", "Maritime", "and", "Inland", "Freight", "Forwarding"] * 2
)
NAMES = (
    "Công ty Cổ phần Nguyễn Ngụy Trang",
    "شركة المدار للاستشارات",
    "Cafe\u0301 Zurüch Ångström",
    "Rocket 🚀 Labs",
    (LONG + " Group")[:180].strip(),
    "Consolidated Provincial Water and Sewerage Undertakings of the North",
    "Consolidated Provincial Water and Sewerage Undertakings of the South",
)
"""Vietnamese, Arabic, combining marks, emoji, 180 letters, and two that are alike in their first 60."""


@scenario("S-20", "Letters of every kind, and long names", invariants=["01", "03", "07", "52"])
def scenario_s20_unicode_and_length(world: World) -> None:
    """Names keep their letters in every system; what is too long is shortened at a word, with the whole beside it."""
    world.at("2026-01-05T09:00")
    buyers = []
    for number, name in enumerate(NAMES):
        made = firm.add_customer(
            world, name=name, legal_name=None, postcode=f"606{number:02d}", vat_id=f"US90000000{number}"
        )
        buyers.append(made["customer_no"])
    deals = [small_deal(world, buyer, f"Naming {number}") for number, buyer in enumerate(buyers)]
    for buyer, name in zip(buyers, NAMES, strict=True):
        for system in (world.erp, world.psa, world.billing):
            held = list(system.list("customer", customer_no=buyer))
            shown = [each["name_full"] or each["name"] for each in held]
            same = [unicodedata.normalize("NFC", each) for each in shown]
            world.expect(f"{system.name} holds {name[:40]}", same, [unicodedata.normalize("NFC", name)])
    projects = [world.psa.count("project", contract_no=deal.contract_no) for deal in deals]
    world.expect("Every deal has a project", projects, [1] * len(NAMES))
    debtors = {world.erp.one("customer", customer_no=buyer)["id"] for buyer in buyers}
    world.expect("and every company is a debtor of its own", len(debtors), len(NAMES))
    world.crm.change("customer", buyers[0], name=NAMES[0] + " II")
    world.settle()
    world.expect("A new name arrives whole", world.erp.one("customer", customer_no=buyers[0])["name"], NAMES[0] + " II")


@scenario("S-21", "A deal is taken back, deleted, won again", invariants=["08", "10"])
def scenario_s21_reopened(world: World) -> None:
    """Without an invoice a won deal may be reopened: project and plan wait, and go on when it is won again. With one it may not."""
    world.at("2026-01-05T09:00")
    free = firm.add_customer(world, name="Xanthos Minerals Ltd")
    deal = small_deal(world, free["customer_no"], "Survey")
    billed = small_deal(
        world,
        firm.add_customer(world, name="Yarrow Crafts Ltd")["customer_no"],
        "Shop",
        milestones=[],
        mobilisation=usd("10,000"),
    )
    world.require("One deal is invoiced", len(firm.invoices(world, billed)), 1)
    with world.refused("DEAL_INVOICED"):
        world.crm.act("reopen_opportunity", key=billed.opp_no, approver=firm.FINANCE)
    world.at("2026-01-06T09:00")
    world.crm.act("reopen_opportunity", key=deal.opp_no, approver=firm.FINANCE)
    world.settle()
    world.expect("The project waits", world.psa.get("project", deal.project_no)["status"], "ON_HOLD")
    world.expect("The plan is held", world.billing.get("plan", deal.contract_no)["status"], "HELD")
    dropped = small_deal(world, firm.add_customer(world, name="Zelkova Timber Ltd")["customer_no"], "Yard")
    world.crm.delete("opportunity", dropped.opp_no)
    world.settle()
    world.expect(
        "A deleted deal's project waits too", world.psa.get("project", dropped.project_no)["status"], "ON_HOLD"
    )
    world.at("2026-01-08T09:00")
    again = firm.win(world, deal)
    world.expect("Won again it is the same contract", again.contract_no, deal.contract_no)
    projects = [each["status"] for each in world.psa.list("project", contract_no=deal.contract_no)]
    world.expect("with the one project, active again", projects, ["ACTIVE"])
    world.expect(
        "and the one plan",
        [each["status"] for each in world.billing.list("plan", contract_no=deal.contract_no)],
        ["ACTIVE"],
    )
    schedules = world.erp.count("revenue_schedule", contract_no=deal.contract_no, status="ACTIVE")
    world.expect("and one schedule", schedules, 1)


@scenario("S-17", "Two accounts are merged after they were billed", invariants=["03", "06", "20", "24", "30"])
def scenario_s17_account_merge(world: World) -> None:
    """Two accounts with open invoices turn out to be one company: what is live goes to the winner, what was posted stays as it was."""
    world.at("2026-01-05T09:00")
    winner = firm.add_customer(world, name="Ulverston Glass Ltd", vat_id="US-710001", address=("1 Furnace Lane",))
    loser = firm.add_customer(
        world, name="Ulverston Glazing Ltd", vat_id="US-710002", address=("7 Kiln Road",), postcode="60602"
    )
    half = [firm.milestone("M1", usd("6,000")), firm.milestone("M2", usd("4,000"))]
    deals = [small_deal(world, each["customer_no"], "Kiln control", milestones=half) for each in (winner, loser)]
    world.require(
        "Both deals are set up", [world.psa.count("milestone", contract_no=each.contract_no) for each in deals], [2, 2]
    )
    for deal in deals:
        firm.complete(world, deal, ms_code="M1", settle=False)
    world.settle()
    posted = [each for deal in deals for each in firm.receivables(world, deal)]
    world.require("Both owe 6,000", [each["open_amount"] for each in posted], [usd("6,000")] * 2)
    snapshots = [snapshot(each) for deal in deals for each in firm.invoices(world, deal)]
    lines = world.billing.list("plan_line", contract_no=deals[1].contract_no, ms_code="M2")
    world.billing.act("ready_plan_line", key=lines[0]["key"])
    draft = world.billing.act("draft_invoice", contract_no=deals[1].contract_no, plan_lines=[lines[0]["key"]])

    world.at("2026-01-12T09:00")
    firm.merge_accounts(world, winner=winner["customer_no"], loser=loser["customer_no"])
    number = winner["customer_no"]
    for system in (world.crm, world.erp, world.billing, world.psa):
        left = [system.count("customer", customer_no=each) for each in (number, loser["customer_no"])]
        world.expect(f"One account is left in {system.name}", left, [1, 0])
    owners = {
        "contract": world.crm.get("contract", deals[1].contract_no)["customer"] == winner["id"],
        "plan": world.billing.get("plan", deals[1].contract_no)["customer_no"] == number,
        "draft": world.billing.get("invoice", draft["id"])["customer_no"] == number,
        "project": world.psa.get("project", deals[1].project_no)["customer"]
        == world.psa.one("customer", customer_no=number)["id"],
        "receivables": {each["customer_no"] for deal in deals for each in firm.receivables(world, deal)} == {number},
    }
    world.expect("What is live belongs to the winner", owners, dict.fromkeys(owners, True))
    after = [snapshot(each) for deal in deals for each in firm.invoices(world, deal)]
    world.expect("What was issued stays as it was", after, snapshots)
    open_now = [each["open_amount"] for deal in deals for each in firm.receivables(world, deal)]
    world.expect("The receivables are what they were", open_now, [usd("6,000")] * 2)

    world.at("2026-01-19T09:00")
    firm.complete(world, deals[1], ms_code="M2", settle=False)
    firm.issue_drafts(world, deals[1])
    world.settle()
    last = firm.invoices(world, deals[1])[-1]
    shown = (last["bill_to_name"], last["bill_to_lines"], last["net"])
    world.expect(
        "The next bill is the winner's, at the old place", shown, ("Ulverston Glass Ltd", ["7 Kiln Road"], usd("4,000"))
    )
    for deal in deals:
        firm.pay_all(world, deal)
    statuses = {each["status"] for deal in deals for each in world.crm.list("invoice", contract_no=deal.contract_no)}
    world.expect("All of it is paid", statuses, {"PAID"})


def snapshot(invoice: dict[str, object]) -> dict[str, object]:
    """What an issued invoice shows."""
    shown = (
        "invoice_no",
        "bill_to_name",
        "bill_to_lines",
        "bill_to_vat_id",
        "net",
        "tax",
        "total",
        "issue_date",
        "due",
    )
    return {name: invoice[name] for name in shown}


def tree(world: World, system: str, names: dict[str, str]) -> dict[str, str | None]:
    """Who stands below whom in a system, by short names. names: short name by customer number."""
    found = [each for each in world.systems[system].list("customer") if each["customer_no"] in names]
    short = {each["id"]: names[each["customer_no"]] for each in found}
    return {names[each["customer_no"]]: short.get(each["parent"]) for each in found}


@scenario("S-19", "The hierarchy is turned round, and a circle is refused", invariants=["03", "05"])
def scenario_s19_hierarchy(world: World) -> None:
    """A above B above C. C cannot become A's parent, however many try at once; with B detached in the same moment it can."""
    world.at("2026-01-05T09:00")
    top = firm.add_customer(world, name="Ashcombe Holdings", vat_id="US-720001")
    middle = firm.add_customer(world, name="Birchall Group", vat_id="US-720002", parent=top["id"], postcode="60602")
    leaf = firm.add_customer(world, name="Coldharbour Works", vat_id="US-720003", parent=middle["id"], postcode="60603")
    names = {each["customer_no"]: short for each, short in ((top, "A"), (middle, "B"), (leaf, "C"))}
    small_deal(world, leaf["customer_no"], "Works survey")
    copies = (world.crm.name, world.erp.name, world.billing.name)
    before = {"A": None, "B": "A", "C": "B"}
    for name in copies:
        world.require(f"{name} has A above B above C", tree(world, name, names), before)
    for _ in range(2):
        with world.refused("HIERARCHY_CYCLE"):
            world.crm.change("customer", top["customer_no"], parent=leaf["id"])
    world.settle()
    for name in copies:
        world.expect(f"{name} keeps the tree", tree(world, name, names), before)

    world.at("2026-01-06T09:00")
    world.crm.change("customer", middle["customer_no"], parent=None)
    world.crm.change("customer", top["customer_no"], parent=leaf["id"])
    world.settle()
    after = {"A": "C", "B": None, "C": "B"}
    for name in copies:
        world.expect(f"{name} has B above C above A", tree(world, name, names), after)
    with world.refused("HIERARCHY_CYCLE"):
        world.crm.change("customer", middle["customer_no"], parent=top["id"])
    roots = {
        each["customer_no"]: each["ultimate_parent"]
        for each in world.crm.list("customer")
        if each["customer_no"] in names
    }
    world.expect(
        "B is the top of all",
        roots,
        {top["customer_no"]: middle["id"], middle["customer_no"]: None, leaf["customer_no"]: middle["id"]},
    )
