"""Migration (S-43, S-48, S-49): history that is loaded, systems that join, books that move, all while business goes on."""

from __future__ import annotations

from typing import Any

from counterfoil import World, amount, scenario
from counterfoil import activity as firm

LONDON = "Europe/London"
COMPANY = (
    "code",
    "name",
    "country",
    "tz",
    "functional_ccy",
    "gaap",
    "rounding_policy",
    "gapless",
    "invoice_series",
    "vat_id",
)
CODES = {
    "service_item": ("code", "name", "revenue_account", "tax_category"),
    "tax_code": ("code", "kind", "rate", "taxable_fraction", "category", "legend", "jurisdiction"),
}


def gbp(text: str) -> dict[str, Any]:
    """Pounds."""
    return amount(text, "GBP")


def prepare_books(world: World, system: str, company: str) -> None:
    """Finance prepares a second ERP for a company: the company itself, its open periods, service items and tax codes."""
    books, new = world.erp, world.systems[system]
    held = books.get("legal_entity", company)
    new.create("legal_entity", **{name: held[name] for name in COMPANY if held[name] is not None})
    this_month = world.today(held["tz"])[:7]
    for period in books.list("period", legal_entity=company, status="OPEN"):
        if period["period"] < this_month:
            continue
        new.create("period", legal_entity=company, period=period["period"])
    for entity, names in CODES.items():
        for each in books.list(entity):
            new.create(entity, **{name: each[name] for name in names if each[name] is not None})


def british_deal(world: World, name: str) -> firm.Deal:
    """60,000 in London: 12,000 up front, two milestones of 24,000, and further work by the hour."""
    for level in ("MANAGER", "SENIOR"):
        firm.hire(
            world,
            name=f"{level.title()} in London",
            level=level,
            cost_rate="110.0000",
            legal_entity="CF-UK",
            cost_ccy="GBP",
        )
    buyer = firm.add_customer(
        world,
        name=f"{name} plc",
        country="GB",
        region="LND",
        city="London",
        postcode="EC1A 1BB",
        invoice_ccy="GBP",
        vat_id="GB123456789",
    )
    return firm.sell(
        world,
        customer=buyer,
        name=name,
        legal_entity="CF-UK",
        ccy="GBP",
        opportunity={"tax_region": "UK"},
        lines=[
            firm.fixed_fee(
                gbp("60,000"), hours=300, cost=gbp("33,000"), tax_code="VAT20", service_item="CONSULTING-FF"
            ),
            firm.time_and_materials(line_no=2, tax_code="VAT20", service_item="CONSULTING-TM"),
        ],
        milestones=[firm.milestone("M1", gbp("24,000")), firm.milestone("M2", gbp("24,000"))],
        mobilisation=gbp("12,000"),
        start="2026-01-05",
        end="2026-06-30",
        rate_card="UK-STD/1",
    )


def balance(world: World, deal: firm.Deal, account: str, *systems: str) -> int:
    """A contract's debits less credits on an account, in several ERPs together."""
    return sum(
        line["dr"]["minor"] - line["cr"]["minor"]
        for name in systems
        for entry in world.systems[name].list("journal_entry", contract_no=deal.contract_no)
        for line in entry["lines"]
        if line["account"] == account
    )


@scenario(
    "S-49",
    "The ERP is replaced in the middle of a month",
    invariants=["24", "30", "49"],
    presupposes=["migration"],
    systems={"erp_b": {"role": "erp"}},
)
def scenario_s49_cut_over(world: World) -> None:
    """On 18 February the books of CF-UK move, with open receivables, work in progress, a schedule at 20 % and an invoice in flight."""
    world.at("2026-01-06T09:00", LONDON)
    new = world.systems["erp_b"]
    deal = british_deal(world, "Thameside Works")
    senior = world.psa.one("employee", name="Senior in London")["employee_no"]
    world.require("The deal is set up", world.psa.count("project", contract_no=deal.contract_no), 1)
    firm.staff(world, deal, employee=senior)
    world.at("2026-01-30T17:00", LONDON)
    firm.work_minutes(world, deal, employee=senior, minutes=60 * 60, first="2026-01-07", last="2026-01-30", line_no=1)
    world.settle()
    advance = firm.invoices(world, deal)[0]
    world.at("2026-02-10T10:00", LONDON)
    firm.pay(world, invoice_no=advance["invoice_no"], amount=gbp("4,400"), bank_ref="PART-1")
    firm.complete(world, deal, ms_code="M1")
    world.at("2026-02-13T17:00", LONDON)
    firm.work_minutes(world, deal, employee=senior, minutes=30 * 60, first="2026-02-02", last="2026-02-13", line_no=1)
    firm.work_minutes(world, deal, employee=senior, minutes=10 * 60, first="2026-02-09", last="2026-02-12", line_no=2)
    world.settle()
    prepare_books(world, "erp_b", "CF-UK")

    world.at("2026-02-18T09:00", LONDON)
    before = {account: balance(world, deal, account, "erp") for account in ("1200", "1220", "2300")}
    world.expect_money(
        "Open receivables, work in progress, liability",
        before,
        {"1200": 3_880_000, "1220": 175_500, "2300": -2_400_000},
        "GBP",
        required=True,
    )
    firm.complete(world, deal, ms_code="M2", settle=False)
    world.erp.act("move_books", key="CF-UK", to="erp_b")
    world.settle()

    after = {account: balance(world, deal, account, "erp", "erp_b") for account in before}
    world.expect_money(
        "Both books together say the same and M2",
        after,
        {"1200": 6_760_000, "1220": 175_500, "2300": -4_800_000},
        "GBP",
    )
    old = {account: balance(world, deal, account, "erp") for account in before}
    world.expect_money("The old books hold nothing of it", old, dict.fromkeys(before, 0), "GBP")
    bills = [each["invoice_no"] for each in firm.invoices(world, deal)]
    held = sorted(each["invoice_no"] for each in new.list("ar_document", contract_no=deal.contract_no))
    world.expect("Three invoices stand in the new books, each once", held, bills)
    world.expect("and none in the old", world.erp.count("ar_document", contract_no=deal.contract_no), 0)
    open_now = {
        each["invoice_no"]: each["open_amount"] for each in new.list("ar_document", contract_no=deal.contract_no)
    }
    world.expect(
        "with what was open", [open_now.get(each) for each in bills], [gbp("10,000"), gbp("28,800"), gbp("28,800")]
    )
    with world.refused("BOOKS_MOVED"):
        firm.pay(world, invoice_no=advance["invoice_no"], bank_ref="LATE-1", books=world.erp, document=advance)

    world.not_before("2026-02-20T10:00", LONDON)
    firm.pay(world, invoice_no=bills[1], books=new)
    shown = (world.billing.get("invoice", bills[1])["status"], world.crm.one("invoice", invoice_no=bills[1])["status"])
    world.expect("Cash in the new books reaches billing and CRM", shown, ("PAID", "PAID"))
    world.at("2026-03-01T09:00", LONDON)
    months = {
        name: [
            (each["period"], each["amount"])
            for each in world.systems[name].list("revenue_entry", contract_no=deal.contract_no, line_no=1)
        ]
        for name in ("erp", "erp_b")
    }
    expected = {"erp": [("2026-01", gbp("12,000"))], "erp_b": [("2026-02", gbp("6,000"))]}
    world.expect("The schedule goes on where it stood", months, expected)
    labour = firm.invoices(world, deal)[-1]
    world.expect("The work in progress is billed", labour["net"], gbp("1,755"))
    world.expect_money("and nothing is left of it", balance(world, deal, "1220", "erp", "erp_b"), 0, "GBP")


BACKFILLED = {
    # system: entity, what is announced of it, most of them (all of them in full size)
    "crm": (("opportunity", {"stage": "CLOSED_WON"}, 30), ("contract", {"status": "ACTIVE"}, 30)),
    "psa": (
        ("milestone", {"status": "COMPLETED"}, 40),
        ("milestone", {"status": "ACCEPTED"}, 20),
        ("time_entry", {"approval": "APPROVED"}, 80),
    ),
    "billing": (("plan", {}, 30), ("invoice", {"status": "PAID"}, 60), ("invoice", {"status": "POSTED"}, 30)),
    "erp": (("payment", {"status": "APPLIED"}, 30),),
}
HELD = {
    "crm": ("customer", "contract", "invoice"),
    "psa": ("customer", "project", "task", "milestone"),
    "billing": ("customer", "plan", "plan_line", "billable_item", "invoice", "credit_memo"),
    "erp": ("customer", "ar_document", "work_entry", "revenue_schedule", "journal_entry"),
}


def census(world: World, without: set[str]) -> dict[str, int]:
    """How many records each system holds, those of some contracts and customers aside."""
    return {
        f"{system}.{entity}": sum(
            each.get("contract_no") not in without and each.get("customer_no") not in without
            for each in world.systems[system].list(entity)
        )
        for system, entities in HELD.items()
        for entity in entities
    }


@scenario("S-43", "History is back-filled while business goes on", invariants=["08", "42", "49"])
def scenario_s43_historical_load(world: World) -> None:
    """Every system tells of two years again, in the middle of a working day: nothing is made or billed twice, new deals do not wait."""
    world.at("2026-01-06T09:00")
    before = census(world, set())
    first = quick_deal(world, "Vale Foundry")
    world.require("The integration is at work", world.psa.count("project", contract_no=first.contract_no), 1)
    told = 0
    live = [first]
    for system, rows in BACKFILLED.items():
        for entity, where, most in rows:
            for record in world.systems[system].list(entity, **where)[: None if world.slow else most]:
                if record.get("contract_no") != first.contract_no:
                    world.systems[system].act(f"announce_{entity}", id=str(record["id"]))
                    told += 1
        live.append(quick_deal(world, f"{system.upper()} Newcomer", settle=False))
    world.settle()
    world.expect_that("History came through", told >= 200, told=told)
    ready = [world.psa.count("project", contract_no=each.contract_no) for each in live]
    world.expect("Each new deal is set up meanwhile", ready, [1] * len(live))
    bills = [[each["net"] for each in firm.invoices(world, deal)] for deal in live]
    world.expect("and its advance billed", bills, [[amount("2,000", "USD")]] * len(live))
    ours = {name for each in live for name in (each.contract_no, each.customer_no)}
    after = census(world, ours)
    world.expect(
        "Nothing else was made anywhere", {n: after[n] - before[n] for n in before if after[n] != before[n]}, {}
    )


def quick_deal(world: World, name: str, *, settle: bool = True) -> firm.Deal:
    """10,000 with 2,000 up front, without tax."""
    usd = amount("10,000", "USD")
    return firm.sell(
        world,
        settle=settle,
        customer_name=f"{name} Ltd",
        name=name,
        lines=[firm.fixed_fee(usd, hours=40, cost=amount("5,500", "USD"), tax_code="NT", service_item="CONSULTING-FF")],
        milestones=[firm.milestone("M1", amount("8,000", "USD"))],
        mobilisation=amount("2,000", "USD"),
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )


CRM_B = {
    "role": "crm",
    "settings": {
        "numbers": {
            "customer": "CB-{:06d}",
            "opportunity": "OPB-{:05d}",
            "quote": "QB-{:05d}",
            "contract": "CTB-{:04d}",
        }
    },
}


def acquired_deal(
    world: World, crm: str, customer: dict[str, Any], company: str, ccy: str, card: str, tax_code: str
) -> str:
    """A deal of 10,000 in the acquired firm's own CRM, from first contact to closed-won; returns its contract number."""
    system = world.systems[crm]
    site = f"{customer['customer_no']}/HQ"
    deal = system.create(
        "opportunity",
        customer=customer["id"],
        name="Acquired work",
        legal_entity=company,
        ccy=ccy,
        practice="Operations",
        bill_to=site,
        ship_to=site,
        tax_region=company[-2:],
    )
    for stage in ("QUALIFY", "PROPOSE", "NEGOTIATE"):
        system.act("advance_stage", key=deal["opp_no"], to=stage)
    fee = {"minor": 1_000_000, "ccy": ccy}
    line = firm.fixed_fee(
        fee, hours=40, cost={"minor": 550_000, "ccy": ccy}, tax_code=tax_code, service_item="CONSULTING-FF"
    )
    quote = system.create(
        "quote",
        opportunity=deal["opp_no"],
        ccy=ccy,
        lines=[line],
        milestones=[firm.milestone("M1", fee)],
        start="2026-01-05",
        end="2026-06-30",
        rate_card=card,
    )
    system.act("submit_quote", key=quote["key"])
    system.act("approve_quote", key=quote["key"], approver=firm.FINANCE)
    system.act("send_quote", key=quote["key"])
    system.act("accept_quote", key=quote["key"], signer="Customer's signatory")
    return str(system.act("close_won", key=deal["opp_no"])["contract_no"])


@scenario(
    "S-48",
    "An acquired firm brings a CRM and an ERP of its own",
    invariants=["01", "02", "05", "06", "24", "49"],
    presupposes=["migration"],
    systems={"crm_b": CRM_B, "erp_b": {"role": "erp"}},
)
def scenario_s48_acquired_firm(world: World) -> None:
    """CRM-B with eight flat accounts, one of them ours already, and ERP-B for London: one golden customer, each company in its own books."""
    world.at("2026-01-06T10:00", LONDON)
    ours = firm.add_customer(world, name="Meridian Freight Inc.", vat_id="US-733001", postcode="60611")
    sold = firm.sell(
        world,
        customer=ours,
        name="Freight desk",
        lines=[
            firm.fixed_fee(
                amount("10,000", "USD"),
                hours=40,
                cost=amount("5,500", "USD"),
                tax_code="NT",
                service_item="CONSULTING-FF",
            )
        ],
        milestones=[firm.milestone("M1", amount("10,000", "USD"))],
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    world.require("The first deal is set up", world.psa.count("project", contract_no=sold.contract_no), 1)
    debtor = world.erp.one("customer", customer_no=ours["customer_no"])
    firm.hire(
        world, name="Manager in London", level="MANAGER", cost_rate="110.0000", legal_entity="CF-UK", cost_ccy="GBP"
    )

    prepare_books(world, "erp_b", "CF-UK")
    world.erp.act("move_books", key="CF-UK", to="erp_b")
    world.settle()

    world.not_before("2026-01-07T10:00", LONDON)
    crm, new = world.systems["crm_b"], world.systems["erp_b"]
    for card in ("US-STD/1", "UK-STD/1"):
        held = world.crm.get("rate_card", card)
        named = {name: held[name] for name in ("code", "card_version", "ccy", "region", "effective_from")}
        crm.create("rate_card", **named, rows=[{"level": row["level"], "rate": row["rate"]} for row in held["rows"]])
        crm.act("publish_rate_card", key=card)
    names = (
        "MERIDIAN FREIGHT, INC",
        "Orrell Castings",
        "Parbold Mills",
        "Queensferry Tugs",
        "Rainford Seeds",
        "Skelmer Glass",
        "Tarleton Boats",
        "Upholland Clay",
    )
    accounts = []
    for at, name in enumerate(names):
        where = (
            {"country": "US", "region": "IL", "city": "Chicago", "postcode": "60611"}
            if at == 0
            else {"country": "GB", "city": "Wigan", "postcode": f"WN{at} 1AA"}
        )
        made = crm.create(
            "customer",
            name=name,
            legal_name=name,
            country=where["country"],
            vat_id="US-733001" if at == 0 else f"GB99900000{at}",
        )
        crm.create("site", customer=made["id"], site_code="HQ", kind="BOTH", lines=["1 Quay Road"], **where)
        accounts.append(made)
    overlap = acquired_deal(world, "crm_b", accounts[0], "CF-US", "USD", "US-STD/1", "NT")
    fresh = acquired_deal(world, "crm_b", accounts[1], "CF-UK", "GBP", "UK-STD/1", "VAT20")
    world.settle()

    found = [each["id"] for each in world.erp.list("customer", vat_id="US-733001")]
    world.expect("The overlap is the debtor that we had", found, [debtor["id"]])
    for system in (world.billing, world.psa):
        world.expect(f"and one customer in {system.name}", system.count("customer", vat_id="US-733001"), 1)
    projects = [world.psa.count("project", contract_no=each) for each in (overlap, fresh)]
    world.expect("Both of the acquired deals have a project", projects, [1, 1])
    where = {
        name: (
            world.systems[name].count("revenue_schedule", contract_no=overlap),
            world.systems[name].count("revenue_schedule", contract_no=fresh),
        )
        for name in ("erp", "erp_b")
    }
    world.expect("Chicago's in the old books, London's in the new", where, {"erp": (1, 0), "erp_b": (0, 1)})
    for contract_no in (overlap, fresh):
        world.psa.act("complete_milestone", key=f"{contract_no}/M1")
    world.settle()
    posted = {
        name: sorted(
            each["contract_no"]
            for each in world.systems[name].list("ar_document")
            if each["contract_no"] in (overlap, fresh)
        )
        for name in ("erp", "erp_b")
    }
    world.expect("Both ERPs keep posting for their companies", posted, {"erp": [overlap], "erp_b": [fresh]})
    shown = {
        name: sorted(
            each["contract_no"]
            for each in world.systems[name].list("invoice")
            if each["contract_no"] in (overlap, fresh)
        )
        for name in ("crm", "crm_b")
    }
    world.expect("and each CRM sees its own invoices", shown, {"crm": [], "crm_b": sorted((overlap, fresh))})
    debtors = [new.count("customer", vat_id=each["vat_id"]) for each in accounts[1:3]]
    world.expect("Only who buys becomes a debtor", debtors, [1, 0])
