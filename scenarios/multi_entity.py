"""Several companies, currencies and taxes (S-44 to S-47)."""

from __future__ import annotations

from counterfoil import World, amount, eur, gbp, scenario, usd
from counterfoil import activity as firm

EXACT = (
    # entity, currency, country, zone, tax code, rate an hour, minutes, net, tax
    ("CF-JP", "JPY", "JP", "Asia/Tokyo", "JCT10", "18350.0000", 435, 133_038, 13_303),
    ("CF-KW", "KWD", "KW", "Asia/Kuwait", "NT", "78.1250", 390, 507_813, 0),
)


@scenario("S-46", "Currencies without and with three decimals", invariants=["24", "25", "30"])
def scenario_s46_jpy_and_kwd(world: World) -> None:
    """7.25 h at 18,350 yen and 6.5 h at 78.125 dinars: the same minor units in every system, invoiced, posted and paid."""
    world.at("2026-01-06T18:00", "Asia/Tokyo")
    for entity, ccy, country, zone, tax_code, rate, minutes, net, tax in EXACT:
        firm.hire(
            world, name=f"Manager {country}", level="MANAGER", cost_rate="1.0000", legal_entity=entity, cost_ccy=ccy
        )
        person = firm.hire(
            world, name=f"Consultant {country}", level="SENIOR", cost_rate="1.0000", legal_entity=entity, cost_ccy=ccy
        )
        buyer = firm.add_customer(world, name=f"Exact {country} Co", country=country, region=country, invoice_ccy=ccy)
        deal = firm.sell(
            world,
            customer=buyer,
            name=f"Advice {country}",
            legal_entity=entity,
            ccy=ccy,
            lines=[firm.time_and_materials(tax_code=tax_code, service_item="CONSULTING-TM")],
            start="2026-01-01",
            end="2026-12-31",
            rate_card=f"{country}-STD/1",
        )
        firm.staff(world, deal, employee=person["employee_no"], bill_rate=rate)
        world.at("2026-01-30T18:00" if country == "JP" else "2026-02-26T18:00", zone)
        day = world.today(zone)
        entry = firm.work(world, deal, employee=person["employee_no"], work_date=day, minutes=minutes)
        world.settle()
        money = {"minor": net, "ccy": ccy}
        world.expect(f"{ccy}: the entry's value", entry["amount"], money)
        item = world.billing.get("billable_item", entry["key"])
        booked = world.erp.get("work_entry", entry["key"])
        world.expect(f"{ccy}: billing and books agree", (item["amount"], booked["value"]), (money, money))
        world.at(f"2026-{int(day[5:7]) + 1:02d}-01T12:00", zone)
        bill = firm.invoices(world, deal)
        found = [(each["net"], each["tax"]) for each in bill]
        world.require(f"{ccy}: the invoice", found, [(money, amount("0", ccy) | {"minor": tax})])
        firm.pay_all(world, deal)
        posted = world.erp.one("ar_document", invoice_no=bill[0]["invoice_no"])
        world.expect(f"{ccy}: posted and paid", (posted["net"], posted["status"]), (money, "PAID"))
        shown = world.crm.one("invoice", invoice_no=bill[0]["invoice_no"])
        world.expect_money(f"{ccy}: seen in the CRM", shown["paid"]["minor"], net + tax, ccy)


PARIS = {"country": "FR", "region": "FR", "city": "Paris", "postcode": "75002", "invoice_ccy": "EUR"}


def sterling_deal(world: World, name: str, **more: object) -> firm.Deal:
    """A contract of the British company in euros, with a French customer, won and set up."""
    buyer = firm.add_customer(world, name=f"{name} SA", **PARIS)  # type: ignore[arg-type]
    plain = {"start": "2026-01-12", "end": "2026-12-31", "rate_card": "UK-STD/1", "legal_entity": "CF-UK", "ccy": "EUR"}
    # A card in pounds does not price a deal in euros: it is left out.
    del plain["rate_card"]
    return firm.sell(world, customer=buyer, name=name, **plain, **more)  # type: ignore[arg-type]


@scenario(
    "S-44", "A contract in euros of a company that keeps its books in pounds", invariants=["24", "30", "35", "37"]
)
def scenario_s44_euros_in_sterling_books(world: World) -> None:
    """An invoice, two receipts and two month-ends, and an advance, each at the rate of its own day; the invoice's rate and a closing
    rate are published late, and what needs them waits and then bears the right date."""
    world.at("2026-01-12T10:00", "Europe/London")
    firm.hire(world, name="Manager", level="MANAGER", cost_rate="70.0000", legal_entity="CF-UK", cost_ccy="GBP")
    terms = {"tax_code": "OS", "service_item": "CONSULTING-FF"}
    bill = sterling_deal(
        world,
        "Marais",
        lines=[firm.fixed_fee(eur("100,300.06"), hours=900, cost=eur("60,000"), **terms)],  # type: ignore[arg-type]
        milestones=[
            firm.milestone("M1", eur("100,000")),
            *(firm.milestone(f"N{number}", eur("100.02")) for number in (1, 2, 3)),
        ],
    )
    world.at("2026-01-15T10:00", "Europe/London")
    advance = sterling_deal(
        world,
        "Bastille",
        lines=[firm.fixed_fee(eur("100,000"), rev_method="HOURS", hours=100, cost=eur("60,000"), **terms)],  # type: ignore[arg-type]
        milestones=[firm.milestone("M1", eur("60,000"))],
        mobilisation=eur("40,000"),
    )
    firm.complete(world, bill, ms_code="M1")
    first = firm.invoices(world, bill)
    world.require("The invoice is out", [each["total"] for each in first], [eur("100,000")])
    world.expect("Without a rate the books wait", world.erp.list("ar_document", contract_no=bill.contract_no), [])
    world.at("2026-01-16T09:00", "Europe/London")
    firm.publish_rate(world, "EURGBP", "2026-01-15", "0.860000")
    for deal in (bill, advance):
        posted = world.erp.one("ar_document", contract_no=deal.contract_no)
        entry = world.erp.get("journal_entry", posted["je"])
        found = (posted["fx_rate"], posted["issue_date"], entry["posting_date"])
        world.expect(
            f"{deal.contract_no}: the rate and the date of the tax point", found, ("0.860000", *["2026-01-15"] * 2)
        )
    small_bill(world, bill, advance)
    number = str(first[0]["invoice_no"])
    world.at("2026-01-31T17:00", "Europe/London")
    firm.publish_rate(world, "EURGBP", "2026-01-31", "0.852000", kind="CLOSING")
    world.at("2026-02-01T12:00", "Europe/London")
    expect_revalued(world, bill, "2026-01-31", 80_000)
    world.at("2026-02-20T10:00", "Europe/London")
    firm.publish_rate(world, "EURGBP", "2026-02-20", "0.845000")
    firm.pay(world, invoice_no=number, amount=eur("60,000"), bank_ref="S44-1")
    ledger = firm.Ledger(world, bill)
    world.expect_money("Realised: a loss of 900", ledger.balance("7100", in_books=True), 90_000, "GBP")
    world.expect_money("40,000 is owed at the old rate", ledger.balance("1200", in_books=True), 3_440_000, "GBP")
    earn(world, advance, "2026-02", 25, "0.841000")
    world.at("2026-03-02T10:00", "Europe/London")
    world.expect("Without a closing rate nothing is revalued", revaluations(world, bill, "2026-02"), [])
    firm.publish_rate(world, "EURGBP", "2026-02-28", "0.840000", kind="CLOSING")
    expect_revalued(world, bill, "2026-02-28", 80_000)
    world.at("2026-03-10T10:00", "Europe/London")
    firm.publish_rate(world, "EURGBP", "2026-03-10", "0.870000")
    firm.pay(world, invoice_no=number, amount=eur("40,000"), bank_ref="S44-2")
    gains = [each["fx_gain_loss"] for each in world.erp.list("payment_application", invoice_no=number)]
    world.expect("Realised in all: 500 lost", (gains, gbp("-500")), ([gbp("-900"), gbp("400")], gbp("-500")))
    ledger = firm.Ledger(world, bill)
    world.expect_money("Nothing is owed any more", ledger.balance("1200", in_books=True), 0, "GBP")
    check_advance(world, advance)


def small_bill(world: World, bill: firm.Deal, advance: firm.Deal) -> None:
    """Three lines of 100.02 that do not convert evenly, billed and paid at the same rate; and the advance is paid."""
    world.at("2026-01-19T10:00", "Europe/London")
    lines = world.billing.list("plan_line", contract_no=bill.contract_no)
    mine = [each["key"] for each in lines if str(each["ms_code"]).startswith("N")]
    for key in mine:
        world.billing.act("ready_plan_line", key=key)
    draft = world.billing.act("draft_invoice", contract_no=bill.contract_no, plan_lines=mine)
    world.billing.act("approve_invoice", id=draft["id"])
    issued = world.billing.act("issue_invoice", id=draft["id"])
    world.settle()
    posted = world.erp.one("ar_document", invoice_no=issued["invoice_no"])
    entry = world.erp.get("journal_entry", posted["je"])
    world.expect("300.06 euros are 258.05 pounds", entry["lines"][0]["func_dr"], gbp("258.05"))
    for deal in (bill, advance):
        for each in world.erp.list("ar_document", contract_no=deal.contract_no):
            if each["total"] != eur("100,000"):
                firm.pay(world, invoice_no=each["invoice_no"])


def revaluations(world: World, deal: firm.Deal, period: str) -> list[dict[str, object]]:
    """The entries by which a deal was revalued at a period's end."""
    found = world.erp.list("journal_entry", contract_no=deal.contract_no, rule="P10", period=period)
    return [each for each in found if each["reverses"] is None]


def expect_revalued(world: World, deal: firm.Deal, end: str, loss: int) -> None:
    """The receivable is at the closing rate on the last day, and back the next."""
    world.expect(f"{end}: one revaluation", len(revaluations(world, deal, end[:7])), 1)
    ledger = firm.Ledger(world, deal)
    following = f"{end[:5]}{int(end[5:7]) + 1:02d}-01"
    world.expect_money(f"{end}: unrealised loss", ledger.balance("7110", upto=end, in_books=True), loss, "GBP")
    world.expect_money("taken back the next day", ledger.balance("7110", upto=following, in_books=True), 0, "GBP")
    liability = [line for _, _, line in ledger.lines if line["account"] == "2300" and not line["dr"]["minor"]]
    world.expect("The liability stays", [each for each in liability if not each["cr"]["minor"]], [])


def earn(world: World, deal: firm.Deal, month: str, hours: int, spot: str) -> None:
    """So many hours of a month, and the rate of its last day."""
    day = f"{month}-{'23' if month == '2026-02' else '30'}"
    world.at(f"{day}T18:00", "Europe/London")
    firm.publish_rate(world, "EURGBP", day, spot)
    firm.publish_rate(world, "GBPEUR", day, "1.160000")
    person = firm.hire(
        world, name=f"Analyst {month}", level="SENIOR", cost_rate="60.0000", legal_entity="CF-UK", cost_ccy="GBP"
    )
    firm.staff(world, deal, employee=person["employee_no"])
    for minutes in (600, 600, hours * firm.HOUR - 1200):
        firm.work(world, deal, employee=person["employee_no"], work_date=day, minutes=minutes)
    world.settle()


def check_advance(world: World, deal: firm.Deal) -> None:
    """Revenue is taken from the advance at its own rate first; what goes beyond it is an asset at the day's rate, and monetary."""
    ledger = firm.Ledger(world, deal)
    world.expect_money(
        "February's revenue", -ledger.balance("4000", upto="2026-02-28", in_books=True), 2_150_000, "GBP"
    )
    earn(world, deal, "2026-03", 30, "0.868000")
    world.at("2026-03-31T17:00", "Europe/London")
    firm.publish_rate(world, "EURGBP", "2026-03-31", "0.870000")
    firm.publish_rate(world, "EURGBP", "2026-03-31", "0.875000", kind="CLOSING")
    world.at("2026-04-01T12:00", "Europe/London")
    ledger = firm.Ledger(world, deal)
    world.expect_money("March's revenue", -ledger.balance("4000", period="2026-03", in_books=True), 2_595_000, "GBP")
    end = "2026-03-31"
    world.expect_money("The asset is 15,000", ledger.balance("1230", upto=end), 1_500_000, "EUR")
    asset = ledger.balance("1230", upto=end, in_books=True)
    world.expect_money("which were 13,050 and are revalued to 13,125", asset, 1_312_500, "GBP")
    gain = -ledger.balance("7110", upto=end, in_books=True)
    world.expect_money("by a gain of 75", gain, 7_500, "GBP")


MATRIX = (
    # seller, currency, buyer's country, VAT id, code, tax, legend
    ("CF-DE", "EUR", "DE", "DE136695976", "VAT19", "1,900.00", ""),
    ("CF-DE", "EUR", "FR", "FR83404833048", "RC", "0", "Reverse charge"),
    ("CF-DE", "EUR", "FR", None, "VAT19", "1,900.00", ""),
    ("CF-DE", "EUR", "GB", "GB365462636", "OS", "0", "Outside the scope of VAT: place of supply is abroad"),
    ("CF-DE", "EUR", "US", None, "OS", "0", "Outside the scope of VAT: place of supply is abroad"),
    ("CF-UK", "GBP", "FR", "FR40303265045", "OS", "0", "Outside the scope of VAT: place of supply is abroad"),
    ("CF-UK", "EUR", "GB", "GB365462636", "VAT20", "2,000.00", ""),
)


def advice(
    world: World,
    seller: str,
    ccy: str,
    country: str,
    *,
    tax_code: str | None = None,
    stones: tuple[str, ...] = ("M1",),
    **customer: object,
) -> firm.Deal:
    """A fixed fee of 10,000 for each milestone, for a customer abroad or at home, won and set up; sales names no tax code."""
    named = {"tax_code": tax_code} if tax_code else {}
    count = world.crm.count("customer")
    buyer = firm.add_customer(
        world,
        name=f"Client {count} {country}",
        country=country,
        invoice_ccy=ccy,
        **{"region": country, **customer},  # type: ignore[arg-type]
    )
    fees = amount(str(10_000 * len(stones)), ccy)
    return firm.sell(
        world,
        customer=buyer,
        name=f"Advice {count}",
        legal_entity=seller,
        ccy=ccy,
        lines=[firm.fixed_fee(fees, hours=50, cost=amount("5,000", ccy), service_item="CONSULTING-FF", **named)],
        milestones=[firm.milestone(code, amount("10,000", ccy)) for code in stones],
        start="2026-01-05",
        end="2026-12-31",
    )


def billed(world: World, deal: firm.Deal, ms_code: str = "M1") -> dict[str, object] | None:
    """The issued invoice of a milestone; None while there is none."""
    firm.complete(world, deal, ms_code=ms_code)
    return issued_for(world, deal, ms_code)


def issued_for(world: World, deal: firm.Deal, ms_code: str = "M1") -> dict[str, object] | None:
    """The issued invoice that bills a milestone, as it stands now."""
    found = [each for each in firm.invoices(world, deal) if each["lines"][0]["ms_code"] == ms_code]
    return found[-1] if found else None


@scenario(
    "S-45",
    "Tax across borders",
    invariants=["24", "26", "41"],
    presupposes=["dead_letters"],
)
def scenario_s45_tax_matrix(world: World) -> None:
    """Sellers and buyers of four countries, with and without a valid VAT id; an override that somebody must approve; a register that
    does not answer; an exemption that runs out; a rate that changes."""
    world.at("2026-01-06T12:00", "Europe/Berlin")
    for entity, ccy in (("CF-DE", "EUR"), ("CF-UK", "GBP")):
        firm.hire(world, name=f"Manager {ccy}", level="MANAGER", cost_rate="70.0000", legal_entity=entity, cost_ccy=ccy)
    firm.publish_rate(world, "EURGBP", "2026-01-06", "0.860000")
    for seller, ccy, country, vat_id, code, tax, legend in MATRIX:
        what = f"{seller} to {country}, {'VAT id' if vat_id else 'no VAT id'}, in {ccy}"
        invoice = billed(world, advice(world, seller, ccy, country, vat_id=vat_id))
        world.require(f"{what}: an invoice is out", invoice is not None, True)
        assert invoice is not None
        found = [(line["tax_code"], line["tax"]) for line in invoice["lines"]]  # type: ignore[attr-defined]
        world.expect(f"{what}: code and tax", found, [(code, amount(tax, ccy))])
        world.expect(f"{what}: legend", " ".join(invoice["legends"]), legend)  # type: ignore[arg-type]
        ids = (invoice["seller_vat_id"] is not None, invoice["bill_to_vat_id"])
        world.expect(f"{what}: VAT ids", ids, (True, vat_id))
        world.expect(f"{what}: on the EC sales list", invoice["ec_sales"], code == "RC")
        if (seller, ccy) == ("CF-UK", "EUR"):
            world.expect("VAT is stated in pounds too", invoice["tax_local"], gbp("1,720.00"))
    check_override(world)
    check_register(world)
    check_exemption(world)
    check_new_rate(world)


def check_override(world: World) -> None:
    """Sales has promised a German customer an invoice without tax: it waits until somebody else has approved that."""
    deal = advice(world, "CF-DE", "EUR", "DE", tax_code="OS")
    world.expect("An override goes nowhere by itself", billed(world, deal), None)
    asked = world.crm.create(
        "approval",
        subject=deal.contract_no,
        kind="TAX_OVERRIDE",
        requester=firm.MANAGER,
        reason="The service is received by the customer's plant in Norway.",
    )
    with world.refused("SELF_APPROVAL"):
        world.crm.act("decide_approval", id=asked["id"], approver=firm.MANAGER, decision="APPROVED")
    world.settle()
    world.expect("nor by who asks for it", issued_for(world, deal), None)
    world.crm.act("decide_approval", id=asked["id"], approver=firm.FINANCE, decision="APPROVED")
    world.settle()
    invoice = issued_for(world, deal)
    world.expect("Approved, it is issued without tax", invoice and invoice["tax"], eur("0"))


def check_register(world: World) -> None:
    """While the register of VAT ids does not answer, nobody guesses."""
    assert world.integration is not None
    deal = advice(world, "CF-DE", "EUR", "FR", vat_id="FR61954506077")
    world.faults.inject(
        [{"kind": "status", "system": "erp", "operation": "validate_vat_id", "status": 503, "every": 1}]
    )
    world.expect("Without an answer nothing is issued", billed(world, deal), None)
    world.faults.clear()
    world.integration.replay()
    world.settle()
    invoice = issued_for(world, deal)
    world.expect("With it, reverse charge", invoice and invoice["legends"], ["Reverse charge"])


def check_exemption(world: World) -> None:
    """A certificate frees from tax up to the day on which it runs out."""
    deal = advice(
        world,
        "CF-US",
        "USD",
        "US",
        stones=("M1", "M2"),
        jurisdiction="US-TX",
        tax_status="EXEMPT",
        exemption_cert="TX-EX-1",
        exemption_expires="2026-03-31",
    )
    for day, ms_code, tax in (("2026-03-31", "M1", usd("0")), ("2026-04-01", "M2", usd("660.00"))):
        world.at(f"{day}T12:00")
        invoice = billed(world, deal, ms_code)
        found = invoice and (invoice["tax_point"], invoice["tax"])
        world.expect(f"{day}: tax of an exempt customer", found, (day, tax))


def check_new_rate(world: World) -> None:
    """Germany raises its rate from April: the books' code ends, another begins, and billing follows."""
    world.erp.change("tax_code", "VAT19", valid_to="2026-03-31")
    raised = {"kind": "VAT", "rate": "0.210000", "category": "S", "jurisdiction": "DE", "valid_from": "2026-04-01"}
    world.erp.create("tax_code", code="VAT21", **raised)
    world.settle()
    invoice = billed(world, advice(world, "CF-DE", "EUR", "DE"))
    found = invoice and (invoice["lines"][0]["tax_code"], invoice["tax"])  # type: ignore[index]
    world.expect("The new rate is in force", found, ("VAT21", eur("2,100.00")))


@scenario("S-47", "A person of the sister company", invariants=["27", "30", "37", "50"])
def scenario_s47_cross_entity_staffing(world: World) -> None:
    """20 hours of a British consultant on an American contract: both companies book the charge, and only one bills the customer."""
    world.at("2026-01-06T09:30")
    deal = firm.sell(
        world,
        customer_name="Larkhill Avionics Inc.",
        name="Safety case",
        lines=[firm.time_and_materials(tax_code="NT", service_item="CONSULTING-TM")],
        start="2026-01-01",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    person = firm.hire(
        world, name="British consultant", level="SENIOR", cost_rate="95.0000", legal_entity="CF-UK", cost_ccy="GBP"
    )
    firm.staff(world, deal, employee=person["employee_no"])
    world.at("2026-01-22T18:00")
    firm.publish_rate(world, "GBPUSD", "2026-01-21", "1.270000")
    entries = [
        firm.work(world, deal, employee=person["employee_no"], work_date=day, minutes=10 * firm.HOUR)
        for day in ("2026-01-21", "2026-01-22")
    ]
    world.settle()
    lines = charged(world, deal)
    refs = sorted({str(line["ic_ref"]) for _, line in lines})
    world.require("Each entry has its pair", len(refs), len(entries))
    sums = {account: sum(of(line) for _, line in lines if line["account"] == account) for account in BOTH}
    for ccy, what, expected in (
        ("GBP", "The claim", {"1600": 209_000, "4100": -209_000}),
        ("USD", "The debt", {"5030": 265_430, "2600": -265_430}),
    ):
        world.expect_money(what, {account: sums[account] for account in expected}, expected, ccy)
    sides = {
        (entity, line["account"], line["ic_partner"]) for entity, line in lines if line["account"] in ("1600", "2600")
    }
    world.expect("name each other", sides, {("CF-UK", "1600", "CF-US"), ("CF-US", "2600", "CF-UK")})
    for ref in refs:
        claim, debt = (
            sum(abs(of(line)) for _, line in lines if line["ic_ref"] == ref and line["account"] == account)
            for account in ("1600", "2600")
        )
        world.expect_money(f"{ref}: the claim", claim, 104_500, "GBP")
        world.expect_money(f"{ref}: the debt, equal after translation", debt, 132_715, "USD")
    world.at("2026-02-05T18:00")
    world.erp.act("close_period", key="CF-US/2026-01", closed_by=firm.FINANCE)
    world.at("2026-02-06T18:00")
    world.erp.act("close_period", key="CF-UK/2026-01", closed_by=firm.FINANCE)
    world.settle()
    bill = [(each["legal_entity"], each["net"]) for each in firm.invoices(world, deal)]
    world.expect("The customer is invoiced by the contract's company alone", bill, [("CF-US", usd("4,500.00"))])
    periods = {each["period"] for each in world.erp.list("journal_entry") if any(x["ic_ref"] for x in each["lines"])}
    world.expect("Both sides are January's", periods, {"2026-01"})


BOTH = ("1600", "4100", "5030", "2600")


def charged(world: World, deal: firm.Deal) -> list[tuple[str, dict[str, object]]]:
    """The intercompany lines of a deal, each with the company in whose books it stands."""
    return [
        (str(entry["legal_entity"]), line)
        for entry in world.erp.list("journal_entry", contract_no=deal.contract_no)
        for line in entry["lines"]
        if line["ic_ref"]
    ]


def of(line: dict[str, object]) -> int:
    """Debit less credit of a journal line, minor units."""
    return int(line["dr"]["minor"]) - int(line["cr"]["minor"])  # type: ignore[index]
