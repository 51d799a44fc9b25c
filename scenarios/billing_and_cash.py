"""Billing and cash (S-26 to S-29): corrections, cash of every kind, and tax to the cent, in billing and in the books."""

from __future__ import annotations

from counterfoil import World, amount, scenario, usd
from counterfoil import activity as firm

BASKETS = [
    # entity, currency, country of the buyer, tax code, rate card, nets, tax by line, tax by invoice
    ("CF-US", "USD", "US", "TX-825", "US-STD/1", ("2,113.08", "2,012.18", "175.43"), "354.80", "354.81"),
    ("CF-UK", "GBP", "GB", "VAT20", "UK-STD/1", ("560.38", "256.04", "1,288.88"), "421.07", "421.06"),
    ("CF-DE", "EUR", "DE", "VAT19", "DE-STD/1", ("1,429.28", "34.13", "2,471.92"), "747.70", "747.71"),
]


def set_policy(world: World, entity: str, policy: str) -> None:
    """Finance elects the rounding policy of a company, in billing and in the books."""
    world.billing.change("legal_entity", entity, rounding_policy=policy)
    world.erp.change("legal_entity", entity, rounding_policy=policy)


@scenario("S-29", "Line against invoice rounding", invariants=["24"])
def scenario_s29_rounding(world: World) -> None:
    """Three baskets, two policies: six tax totals that differ by a cent, the same in billing and in the ERP."""
    world.at("2026-01-06T09:00", "Europe/London")
    for entity, ccy, country, tax_code, card, nets, by_line, by_invoice in BASKETS:
        place = firm.AMERICAN_PLACES.get(tax_code)
        buyer = firm.add_customer(
            world, name=f"Rounding {country} Ltd", country=country, invoice_ccy=ccy, jurisdiction=place
        )
        fee = amount("0", ccy) | {"minor": sum(amount(net, ccy)["minor"] for net in nets)}
        for policy, tax in (("LINE", by_line), ("INVOICE", by_invoice)):
            set_policy(world, entity, policy)
            deal = firm.sell(
                world,
                customer=buyer,
                name=f"Basket {policy.lower()}",
                legal_entity=entity,
                ccy=ccy,
                lines=[
                    firm.fixed_fee(
                        fee, hours=40, cost=amount("1,000", ccy), tax_code=tax_code, service_item="CONSULTING-FF"
                    )
                ],
                milestones=[firm.milestone(f"M{number}", amount(net, ccy)) for number, net in enumerate(nets, 1)],
                start="2026-01-05",
                end="2026-03-31",
                rate_card=card,
            )
            planned = world.billing.list("plan_line", contract_no=deal.contract_no)
            world.require("The integration has planned three milestones", len(planned), 3)
            for line in planned:
                world.billing.act("ready_plan_line", key=line["key"])
            draft = world.billing.act(
                "draft_invoice", contract_no=deal.contract_no, plan_lines=[line["key"] for line in planned]
            )
            world.billing.act("approve_invoice", id=draft["id"])
            issued = world.billing.act("issue_invoice", id=draft["id"])
            world.settle()
            world.expect(f"{entity} by {policy.lower()}: tax in billing", issued["tax"], amount(tax, ccy))
            posted = world.erp.list("ar_document", invoice_no=issued["invoice_no"])
            world.expect(
                f"{entity} by {policy.lower()}: tax in the books", [each["tax"] for each in posted], [amount(tax, ccy)]
            )


def three_stones(world: World, name: str) -> firm.Deal:
    """A fixed fee of 30,000 without tax, billed and posted as three invoices of 10,000."""
    deal = firm.sell(
        world,
        customer_name=f"{name} Ltd",
        name=name,
        lines=[
            firm.fixed_fee(usd("30,000"), hours=100, cost=usd("11,000"), tax_code="NT", service_item="CONSULTING-FF")
        ],
        milestones=[firm.milestone(f"M{number}", usd("10,000")) for number in (1, 2, 3)],
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )
    for number in (1, 2, 3):
        firm.complete(world, deal, ms_code=f"M{number}")
    world.require("Three invoices are issued", len(firm.invoices(world, deal)), 3)
    return deal


@scenario("S-26", "Credit and rebill", invariants=["24", "33", "37"])
def scenario_s26_credit_and_rebill(world: World) -> None:
    """42.5 h went out at 215.00 instead of 225.00: credited with release, approved anew, billed again; three documents, not two."""
    world.at("2026-01-05T09:30")
    deal = firm.sell(
        world,
        customer_name="Thornbury Estates Ltd",
        name="Lease review",
        lines=[firm.time_and_materials(tax_code="TX-DP", service_item="CONSULTING-TM")],
        start="2026-01-01",
        end="2026-12-31",
        rate_card="US-STD/1",
    )
    person = firm.hire(world, name="Lease consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    assigned = firm.staff(world, deal, employee=person["employee_no"], bill_rate="215.0000")
    entries = firm.work_minutes(
        world, deal, employee=person["employee_no"], minutes=2550, first="2026-01-05", last="2026-01-16"
    )
    world.settle()
    world.at("2026-02-02T10:00")
    wrong = firm.invoices(world, deal)
    found = [(each["net"], each["tax"], each["total"]) for each in wrong]
    world.require("The wrong invoice is out", found, [(usd("9,137.50"), usd("603.08"), usd("9,740.58"))])
    before = firm.Ledger(world, deal)
    revenue, receivable, tax = (before.balance(account) for account in ("4010", "1200", "2200"))
    world.billing.act(
        "credit_invoice", key=wrong[0]["invoice_no"], reason="RATE", release_items=True, approved_by=firm.FINANCE
    )
    world.settle()
    memo = firm.credit_memos(world, deal)
    world.expect("It is credited in full", [each["total"] for each in memo], [usd("-9,740.58")])
    world.psa.change("assignment", assigned["key"], bill_rate_override="225.0000")
    for entry in entries:
        world.psa.act("unapprove_time", key=entry["key"], reason="Wrong rate")
    world.settle()
    for entry in entries:
        world.psa.act("approve_time", key=entry["key"], approver=firm.MANAGER)
    world.settle()
    keys = [entry["key"] for entry in entries]
    draft = world.billing.act("draft_invoice", contract_no=deal.contract_no, items=keys)
    world.billing.act("approve_invoice", id=draft["id"])
    world.billing.act("issue_invoice", id=draft["id"])
    world.settle()
    bills = firm.invoices(world, deal)
    right = [(each["net"], each["tax"], each["total"]) for each in bills[1:]]
    world.expect("The new one is right", right, [(usd("9,562.50"), usd("631.13"), usd("10,193.63"))])
    after = firm.Ledger(world, deal)
    moved = (revenue - after.balance("4010"), tax - after.balance("2200"), after.balance("1200") - receivable)
    world.expect_money("Revenue +425.00, tax +28.05, receivable +453.05", moved, (42_500, 2_805, 45_305))
    shown = {world.psa.get("time_entry", key)["invoice_line"].rpartition("/")[0] for key in keys}
    world.expect("The entries stand on the new invoice alone", shown, {bills[1]["invoice_no"]})
    documents = world.erp.list("ar_document", contract_no=deal.contract_no)
    world.expect("The books hold three documents", len(documents), 3)


@scenario("S-27", "Partial, over-, short and reversed payments", invariants=["32", "34"])
def scenario_s27_payments(world: World) -> None:
    """One receipt covers an invoice and a half, one pays 10.00 too much, one bounces: balances and mirrors follow each time."""
    world.at("2026-01-06T09:30")
    deal = three_stones(world, "Underwood Textiles")
    one, two, three = (each["invoice_no"] for each in firm.invoices(world, deal))
    payer = world.erp.one("ar_document", invoice_no=one)["customer"]
    money = {"payer": payer, "legal_entity": "CF-US", "ccy": "USD", "value_date": "2026-01-20"}

    def opened() -> list[object]:
        return [world.erp.one("ar_document", invoice_no=number)["open_amount"] for number in (one, two, three)]

    def shown() -> list[object]:
        return [world.crm.one("invoice", invoice_no=number)["paid"] for number in (one, two, three)]

    world.at("2026-01-20T10:00")
    first = world.erp.act("receive_payment", amount=usd("15,000"), bank_ref="BANK-S27-1", **money)
    world.erp.act("apply_payment", key=first["key"], invoice_no=one, amount=usd("10,000"))
    world.erp.act("apply_payment", key=first["key"], invoice_no=two, amount=usd("5,000"))
    world.settle()
    world.expect("One and a half are paid", opened(), [usd("0"), usd("5,000"), usd("10,000")])
    second = world.erp.act("receive_payment", amount=usd("5,010"), bank_ref="BANK-S27-2", **money)
    world.erp.act("apply_payment", key=second["key"], invoice_no=two, amount=usd("5,000"))
    third = world.erp.act("receive_payment", amount=usd("10,000"), bank_ref="BANK-S27-3", **money)
    world.erp.act("apply_payment", key=third["key"], invoice_no=three)
    world.settle()
    world.expect("All are paid", opened(), [usd("0")] * 3)
    world.expect("10.00 is left unapplied", world.erp.get("payment", second["key"])["unapplied"], usd("10.00"))
    world.expect("CRM shows it", shown(), [usd("10,000")] * 3)
    with world.refused("DUPLICATE_BANK_REF"):
        world.erp.act("receive_payment", amount=usd("10,000"), bank_ref="BANK-S27-3", **money)
    world.at("2026-01-23T10:00")
    world.erp.act("reverse_payment", key=third["key"], reason="Returned by the bank")
    world.settle()
    world.expect("The third is open again", opened(), [usd("0"), usd("0"), usd("10,000")])
    world.expect("CRM follows", shown(), [usd("10,000"), usd("10,000"), usd("0")])
    told = world.billing.get("invoice", three)
    world.expect("and billing", (told["status"], told["paid"]), ("POSTED", usd("0")))


AGED = (
    # day of completion, milestones with their amounts
    ("2026-01-15", (("OLD", "1,740"),)),
    ("2026-02-16", (("LATE", "10,000"), ("PAID", "78,400"))),
    ("2026-03-16", (("SPRING", "24,000"),)),
    ("2026-04-15", (("APRIL", "60,000"),)),
    ("2026-05-15", (("MAY", "180,000"),)),
)
SISTER = "CF-CA"


def open_company(world: World) -> None:
    """A company whose receivables are only this story's, and a state that taxes services at 6.5 %."""
    company = {"name": "Counterfoil West Inc.", "country": "US", "tz": "America/Chicago", "functional_ccy": "USD"}
    code = {"kind": "SALES_TAX", "rate": "0.065000", "jurisdiction": "US-NV", "category": "S"}
    for system in (world.billing, world.erp):
        system.create("legal_entity", code=SISTER, invoice_series=f"INV-{SISTER}", **company)
        system.create("tax_code", code="NV-65", **code)
    world.erp.create("period", legal_entity=SISTER, period="2026-01")
    firm.hire(world, name="Manager West", level="MANAGER", cost_rate="90.0000", legal_entity=SISTER, cost_ccy="USD")


def consulting(world: World, name: str, fee: str, stones: list[tuple[str, str]], tax_code: str) -> firm.Deal:
    """A fixed fee of the sister company, billed by milestones, won and set up."""
    buyer = firm.add_customer(world, name=f"{name} Inc.", jurisdiction="US-NV" if tax_code == "NV-65" else None)
    return firm.sell(
        world,
        customer=buyer,
        name=name,
        legal_entity=SISTER,
        lines=[firm.fixed_fee(usd(fee), hours=40, cost=usd("2,000"), tax_code=tax_code, service_item="CONSULTING-FF")],
        milestones=[firm.milestone(code, usd(part)) for code, part in stones],
        start="2026-01-05",
        end="2026-12-31",
        rate_card="US-STD/1",
    )


@scenario("S-28", "Dispute, allowance, write-off, recovery", invariants=["30", "32", "33", "41"])
def scenario_s28_bad_debt(world: World) -> None:
    """Receivables of five ages, one of them disputed and given up: the allowance follows the ages, the write-off takes from it, what
    comes in after all goes back; revenue is never touched."""
    world.at("2026-01-05T09:30")
    open_company(world)
    stones = [stone for _, of_day in AGED for stone in of_day]
    deal = consulting(world, "Millrace", "354,140", stones, "NT")
    doubtful = consulting(world, "Nettlecombe", "4,000", [("M1", "4,000")], "NV-65")
    world.require("The integration has set both up", world.psa.count("project", legal_entity=SISTER), 2)
    person = firm.hire(world, name="Auditor", level="SENIOR", cost_rate="50.0000", legal_entity=SISTER, cost_ccy="USD")
    firm.staff(world, doubtful, employee=person["employee_no"])
    for day, of_day in AGED:
        world.at(f"{day}T10:00")
        for code, _ in of_day:
            firm.complete(world, deal, ms_code=code)
        if day == "2026-01-15":
            firm.complete(world, doubtful, ms_code="M1")
            for worked in ("2026-01-13", "2026-01-14"):
                firm.work(world, doubtful, employee=person["employee_no"], work_date=worked, minutes=600)
        if day == "2026-04-15":
            world.at("2026-05-01T10:00")
            provision = world.erp.act("run_provision", legal_entity=SISTER, period="2026-04")
            found = (provision["required"], provision["expense"])
            world.require("6,100 is held before", found, (usd("6,100"), usd("6,100")))
    paid = next(each for each in firm.invoices(world, deal) if each["net"] == usd("78,400"))
    firm.pay(world, invoice_no=paid["invoice_no"])
    world.at("2026-06-01T10:00")
    provision = world.erp.act("run_provision", legal_entity=SISTER, period="2026-05")
    ages = [(each["bucket"], each["open_amount"], each["required"]) for each in provision["ages"]]
    world.expect("Receivables by age", ages, [(age, usd(left), usd(part)) for age, left, part in MATRIX])
    found = (provision["required"], provision["held"], provision["expense"])
    world.expect("1,100 more is provided for", found, (usd("7,200"), usd("6,100"), usd("1,100")))
    give_up(world, doubtful)


MATRIX = (
    ("CURRENT", "180,000", "900"),
    ("1-30", "60,000", "1,200"),
    ("31-60", "24,000", "1,200"),
    ("61-90", "10,000", "1,500"),
    (">90", "6,000", "2,400"),
)


def give_up(world: World, doubtful: firm.Deal) -> None:
    """The disputed invoice is written off, and part of it comes in after all."""
    number = str(firm.invoices(world, doubtful)[0]["invoice_no"])
    earned = firm.recognised(world, doubtful)
    world.expect_money("Half of the fee is earned", earned, [("2026-01", 200_000)])

    def shown() -> tuple[object, object]:
        return world.crm.get("invoice", number)["status"], world.billing.get("invoice", number)["status"]

    def allowance() -> int:
        entries = world.erp.list("journal_entry", legal_entity=SISTER)
        lines = [line for entry in entries for line in entry["lines"] if line["account"] == "1210"]
        return sum(line["cr"]["minor"] - line["dr"]["minor"] for line in lines)

    world.erp.act("dispute_invoice", key=number, reason="The report was not what was ordered.")
    world.settle()
    world.expect("CRM and billing show the dispute", shown(), ("DISPUTED", "DISPUTED"))
    with world.refused("SELF_APPROVAL"):
        world.erp.act("write_off_invoice", key=number, requester=firm.FINANCE, approver=firm.FINANCE)
    before = firm.Ledger(world, doubtful)
    written = world.erp.act(
        "write_off_invoice", key=number, requester=firm.FINANCE, approver="Chief financial officer", reason="Insolvent"
    )
    world.settle()
    found = (written["written_off"], written["written_off_tax"], written["open_amount"])
    world.expect("4,260 is written off, 260 of it tax", found, (usd("4,260"), usd("260"), usd("0")))
    world.expect("both systems show it", shown(), ("WRITTEN_OFF", "WRITTEN_OFF"))
    world.expect_money("3,200 is left of the allowance", allowance(), 320_000)
    after = firm.Ledger(world, doubtful)
    moved = [after.balance(account) - before.balance(account) for account in ("1210", "2200", "1200")]
    world.expect_money("Allowance and tax carry it", moved, [400_000, 26_000, -426_000])
    world.at("2026-06-22T10:00")
    world.erp.act(
        "recover_write_off", key=number, amount=usd("1,597.50"), value_date="2026-06-22", bank_ref="S28-RECOVERY"
    )
    world.settle()
    world.expect_money("1,500 net goes back to the allowance", allowance(), 470_000)
    world.expect("The status stays", shown(), ("WRITTEN_OFF", "WRITTEN_OFF"))
    world.expect_money("and revenue never moved", firm.recognised(world, doubtful), earned)
