"""The ERP's deeds: receivables, cash, work, revenue, change orders and periods, to the cent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.timers import next_timer
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk

CT = "CT-0001"
CHICAGO = "America/Chicago"
COMPANIES = [
    ("CF-US", "US", CHICAGO, "USD"),
    ("CF-UK", "GB", "Europe/London", "GBP"),
]
SERVICE_ITEMS = [("CONSULTING-FF", "4000"), ("CONSULTING-TM", "4010"), ("RETAINER", "4020")]


def usd(amount: str) -> Money:
    return Money(money.minor(amount, "USD"), "USD")


def eur(amount: str) -> Money:
    return Money(money.minor(amount, "EUR"), "EUR")


def cents(amount: str) -> int:
    return money.minor(amount, "USD")


def found(erp: Desk) -> Desk:
    """Give an ERP two companies with January open, a few service items and one customer."""
    for code, country, tz, ccy in COMPANIES:
        erp.create("legal_entity", code=code, name=code, country=country, tz=tz, functional_ccy=ccy)
        erp.create("period", legal_entity=code, period="2026-01")
    for code, account in SERVICE_ITEMS:
        erp.create("service_item", code=code, name=code, revenue_account=account)
    erp.create("customer", customer_no="CU-000001", name="Aldergate Logistics", country="US")
    return erp


@pytest.fixture
def erp(desks: dict[str, Desk]) -> Desk:
    """An ERP in which business can begin."""
    return found(desks["erp"])


def live_until(desks: list[Desk], day: str, hour: int = 9, after: Callable[[], None] = lambda: None) -> None:
    """Do what the timers of some systems say up to an hour in Chicago; `after` each, an integration may act."""
    until = clock.instant_of(day, CHICAGO, hour)
    systems = {desk.system.name: desk for desk in desks}
    while (timer := next_timer([desk.system for desk in desks], until)) is not None:
        system, schema = timer.system, timer.system.schema
        system.clock.move_to(timer.at)
        with Tx(system, Origin(kind="schedule", actor="schedule")) as tx:
            system.store.execute(f"DELETE FROM {schema}.timer WHERE id = ?", (timer.id,))
            system.role.timers[timer.kind](tx, timer.payload)
            announced = [each["type"].removeprefix("com.counterfoil.").removesuffix(".v1") for each in tx.events]
        systems[system.name].events += announced
        after()
    desks[0].system.clock.move_to(until)


def balance(erp: Desk, account: str, upto: str = "9999", *, func: bool = False, contract: str | None = None) -> int:
    """Debits less credits on an account."""
    prefix = "func_" if func else ""
    return sum(
        line[f"{prefix}dr"] - line[f"{prefix}cr"]
        for entry in erp.list("journal_entry")
        for line in entry["lines"]
        if entry["posting_date"] <= upto and line["account"] == account and contract in (None, line["contract_no"])
    )


def check_entries(erp: Desk) -> None:
    """Every entry balances in both currencies, and rounding never takes more than one minor unit."""
    for entry in erp.list("journal_entry"):
        for prefix in ("", "func_"):
            assert sum(line[f"{prefix}dr"] - line[f"{prefix}cr"] for line in entry["lines"]) == 0, entry["je_no"]
        assert sum(line["func_dr"] + line["func_cr"] for line in entry["lines"] if line["account"] == "9000") <= 1


def post(erp: Desk, number: str, *lines: dict[str, Any], **more: Any) -> Record:
    fields = {
        "legal_entity": "CF-US",
        "customer": "CU-000001",
        "contract_no": CT,
        "ccy": "USD",
        "issue_date": "2026-01-05",
    }
    return erp.create("ar_document", invoice_no=number, lines=list(lines), **(fields | more))


def ff(net: str, tax: str, **more: Any) -> dict[str, Any]:
    return {"line_type": "FIXED_FEE", "net": usd(net), "tax": usd(tax), "service_item": "CONSULTING-FF", **more}


def receive(erp: Desk, amount: Money, bank_ref: str = "WIRE-1", **more: Any) -> Record:
    fields = {"payer": "CU-000001", "legal_entity": "CF-US", "ccy": amount.ccy, "value_date": "2026-01-05"}
    return erp.act("receive_payment", amount=amount, bank_ref=bank_ref, **(fields | more))


def work(erp: Desk, source_id: str, day: str, *, cost: str = "0", value: str = "0", **more: Any) -> Record:
    fields = {"source_type": "TIME", "contract_no": CT, "line_no": 1, "legal_entity": "CF-US", "minutes": 60}
    amounts = {"ccy": "USD", "cost": usd(cost), "value": usd(value)}
    return erp.create("work_entry", source_id=source_id, work_date=day, **(fields | amounts | more))


def schedule(erp: Desk, line_no: int = 1, method: str = "COST_TO_COST", **more: Any) -> Record:
    fields = {"contract_no": CT, "customer": "CU-000001", "legal_entity": "CF-US", "ccy": "USD"}
    return erp.create("revenue_schedule", line_no=line_no, method=method, **(fields | more))


def refused(do: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        do()
    return caught.value


# receivables


def test_a_fixed_fee_invoice_is_posted_against_the_contract_liability(erp: Desk) -> None:
    document = post(erp, "INV-1", ff("48,000", "3,168"))
    assert erp.events[-1] == "erp.invoice.posted"
    assert (document["status"], document["open_amount"], document["due"]) == ("POSTED", cents("51,168"), "2026-02-04")
    assert (balance(erp, "1200"), balance(erp, "2300"), balance(erp, "2200")) == (5_116_800, -4_800_000, -316_800)
    assert erp.announced()["je_no"] == erp.get("journal_entry", document["je"])["je_no"] == "JE-000001"


def test_a_tm_invoice_relieves_what_was_unbilled(erp: Desk) -> None:
    lines = (
        {"line_type": "TM_CAPPED", "contract_line": 2, "net": usd("100"), "tax": usd("6.60")},
        {"line_type": "EXPENSE", "contract_line": 3, "net": usd("50"), "tax": usd("0")},
    )
    document = post(erp, "INV-1", *lines)
    entry = erp.get("journal_entry", document["je"])
    assert entry["rule"] == "P5"
    assert [(line["account"], line["dr"], line["cr"], line["contract_line"]) for line in entry["lines"]] == [
        ("1200", 15_660, 0, None),
        ("1220", 0, 10_000, 2),
        ("1220", 0, 5_000, 3),
        ("2200", 0, 660, None),
    ]
    override = post(erp, "INV-2", ff("10", "0", account="4000"))
    assert erp.get("journal_entry", override["je"])["lines"][1]["account"] == "4000"


def test_a_document_must_agree_with_its_lines_and_with_the_catalogue(erp: Desk) -> None:
    line = ff("100", "6.60")
    assert refused(lambda: post(erp, "INV-1", line, total=usd("106.61"))).field == "total"
    assert refused(lambda: post(erp, "INV-1", line, customer="CU-9")).field == "customer"
    assert refused(lambda: post(erp, "INV-1", {**line, "service_item": "NO"})).code == "UNKNOWN_SERVICE_ITEM"
    assert refused(lambda: post(erp, "INV-1")).field == "lines"
    assert refused(lambda: post(erp, "INV-1", line, issue_date="2025-12-31")).code == "PERIOD_CLOSED"
    assert not erp.list("ar_document")
    assert not erp.list("journal_entry")
    assert post(erp, "INV-1", line, net=usd("100"), tax=usd("6.60"), total=usd("106.60"))["total"] == 10_660
    assert post(erp, "INV-1", line)["status"] == "POSTED"


def test_an_open_invoice_is_overdue_the_day_after_it_was_due(erp: Desk) -> None:
    post(erp, "INV-1", ff("100", "0"), due="2026-01-20")
    post(erp, "INV-2", ff("100", "0"), due="2026-01-20")
    erp.act("apply_payment", receive(erp, usd("100"))["id"], invoice_no="INV-2")
    live_until([erp], "2026-01-20", 23)
    assert "erp.invoice.overdue" not in erp.events
    live_until([erp], "2026-01-21")
    assert erp.events.count("erp.invoice.overdue") == 1


def test_a_posted_document_is_never_edited(erp: Desk) -> None:
    document = post(erp, "INV-1", ff("100", "0"))
    assert refused(lambda: erp.change("ar_document", document["id"], due="2026-12-31")).code == "RECORD_FROZEN"
    assert erp.change("ar_document", document["id"], external_id="bil_1")["external_id"] == "bil_1"


def test_a_credit_memo_mirrors_the_posting_and_reduces_what_is_open(erp: Desk) -> None:
    post(erp, "INV-1", ff("9,137.50", "603.08"))
    post(erp, "CM-1", ff("9,137.50", "603.08"), doc_type="CREDIT_MEMO", corrects="INV-1")
    invoice = erp.get("ar_document", "INV-1")
    assert (invoice["status"], invoice["open_amount"], invoice["credited"]) == ("CREDITED", 0, cents("9,740.58"))
    assert [balance(erp, account) for account in ("1200", "2300", "2200")] == [0, 0, 0]
    assert erp.announced()["invoice"]["status"] == "CREDITED"
    assert refused(
        lambda: post(erp, "CM-2", ff("1", "0"), doc_type="CREDIT_MEMO", corrects="INV-1")
    ).field == "total"  # fmt: skip


def test_crediting_a_paid_invoice_leaves_unapplied_cash(erp: Desk) -> None:
    post(erp, "INV-1", ff("72,000", "4,752"))
    payment = receive(erp, usd("76,752"))
    erp.act("apply_payment", payment["id"], invoice_no="INV-1")
    post(erp, "CM-1", ff("72,000", "4,752"), doc_type="CREDIT_MEMO", corrects="INV-1")
    assert erp.get("ar_document", "INV-1")["status"] == "CREDITED"
    assert erp.get("payment", payment["id"])["status"] == "RECEIVED"
    assert (balance(erp, "2350"), balance(erp, "1200"), balance(erp, "1000")) == (-7_675_200, 0, 7_675_200)


def test_a_partial_credit_of_a_paid_invoice_frees_only_that_part(erp: Desk) -> None:
    post(erp, "INV-1", ff("100", "0"))
    payment = receive(erp, usd("100"))
    erp.act("apply_payment", payment["id"], invoice_no="INV-1")
    post(erp, "CM-1", ff("30", "0"), doc_type="CREDIT_MEMO", corrects="INV-1")
    invoice = erp.get("ar_document", "INV-1")
    assert (invoice["status"], invoice["paid"], invoice["credited"], invoice["open_amount"]) == (
        "PAID",
        7_000,
        3_000,
        0,
    )
    assert (erp.get("payment", payment["id"])["unapplied"], balance(erp, "2350")) == (3_000, -3_000)
    check_entries(erp)


# cash


def test_partial_over_and_reversed_payments(erp: Desk) -> None:
    for number in ("INV-1", "INV-2"):
        post(erp, number, ff("100", "0"))
    first = receive(erp, usd("150"), "WIRE-1")
    assert (first["status"], first["receipt_no"], balance(erp, "2350")) == ("RECEIVED", "RC-000001", -15_000)
    first = erp.act("apply_payment", first["id"], invoice_no="INV-1")
    assert (first["status"], first["unapplied"]) == ("PARTIALLY_APPLIED", 5_000)
    assert erp.announced()["invoice"]["status"] == "PAID"
    assert erp.act("apply_payment", first["id"], invoice_no="INV-2")["status"] == "APPLIED"
    assert erp.get("ar_document", "INV-2")["status"] == "PARTIALLY_PAID"
    second = receive(erp, usd("60"), "WIRE-2")
    second = erp.act("apply_payment", second["id"], invoice_no="INV-2")
    assert (second["status"], second["unapplied"], balance(erp, "2350")) == ("PARTIALLY_APPLIED", 1_000, -1_000)
    assert erp.refused("apply_payment", second["id"], invoice_no="INV-2").code == "NOTHING_TO_APPLY"

    back = erp.act("reverse_payment", first["id"], reason="Bounced")
    assert (back["status"], back["unapplied"], erp.events[-1]) == ("REVERSED", 0, "erp.payment.reversed")
    assert {each["invoice_no"]: each["status"] for each in erp.announced()["invoices"]} == {
        "INV-1": "POSTED",
        "INV-2": "PARTIALLY_PAID",
    }
    assert (balance(erp, "1200"), balance(erp, "1000"), balance(erp, "2350")) == (15_000, 6_000, -1_000)
    assert erp.refused("reverse_payment", first["id"]).code == "ILLEGAL_TRANSITION"
    check_entries(erp)


def pay_back(erp: Desk, reference: str, *lines: dict[str, Any], **more: Any) -> Record:
    given = {
        "payee": "CU-000001",
        "legal_entity": "CF-US",
        "ccy": "USD",
        "value_date": "2026-01-05",
        "bank_ref": reference,
    }
    return erp.act("pay_refund", **{**given, "lines": list(lines), **more})


def test_what_is_unapplied_is_paid_back_once(erp: Desk) -> None:
    post(erp, "INV-1", ff("100", "0"))
    for amount, reference in (("150", "WIRE-1"), ("20", "WIRE-2")):
        receive(erp, usd(amount), reference)
    erp.act("apply_payment", erp.get("payment", "WIRE-1")["id"], invoice_no="INV-1")
    made = pay_back(erp, "OUT-1", {"receipt": "WIRE-1", "amount": usd("30")}, {"receipt": "WIRE-2"})
    assert (made["refund_no"], made["amount"], erp.events[-1]) == ("RF-000001", 5_000, "erp.refund.paid")
    states = {each["bank_ref"]: each for each in erp.list("payment")}
    assert [states[name]["status"] for name in ("WIRE-1", "WIRE-2")] == ["PARTIALLY_APPLIED", "REFUNDED"]
    assert [states[name]["unapplied"] for name in ("WIRE-1", "WIRE-2")] == [2_000, 0]
    assert (balance(erp, "1000"), balance(erp, "2350")) == (12_000, -2_000)

    def code(reference: str, *lines: dict[str, Any], **more: Any) -> str:
        return refused(lambda: pay_back(erp, reference, *lines, **more)).code

    assert code("OUT-2", {"receipt": "WIRE-1", "amount": usd("20.01")}) == "NOTHING_TO_REFUND"
    assert code("OUT-2", {"receipt": "WIRE-2"}) == "NOTHING_TO_REFUND"
    assert code("OUT-2", {"receipt": "WIRE-1"}, {"receipt": "WIRE-1"}) == "NOTHING_TO_REFUND"
    assert code("OUT-2", {"receipt": "WIRE-1"}, ccy="EUR", fx_rate=money.rate("1.1")) == "INVALID_FIELD"
    assert code("OUT-2") == "INVALID_FIELD"
    assert code("OUT-1", {"receipt": "WIRE-1"}) == "DUPLICATE_BANK_REF"
    assert code("OUT-2", {"receipt": "WIRE-1"}, value_date="2025-12-31") == "PERIOD_CLOSED"
    assert erp.refused("reverse_payment", states["WIRE-2"]["id"]).code == "PAID_BACK"
    assert (len(erp.list("refund")), balance(erp, "2350")) == (1, -2_000)

    pay_back(erp, "OUT-2", {"receipt": "WIRE-1"})
    assert (erp.get("payment", "WIRE-1")["status"], balance(erp, "2350")) == ("APPLIED", 0)
    check_entries(erp)


def test_a_refund_at_another_rate_realises_the_difference(erp: Desk) -> None:
    for day, rate in (("2026-01-05", "0.86"), ("2026-01-20", "0.845")):
        fx(erp, day, rate)
    uk: dict[str, Any] = {"legal_entity": "CF-UK", "ccy": "EUR"}
    receive(erp, eur("1,000"), "EURO-1", **uk)
    live_until([erp], "2026-01-20")
    made = pay_back(erp, "OUT-1", {"receipt": "EURO-1"}, value_date="2026-01-20", **uk)
    assert (made["func_ccy"], made["fx_gain_loss"], balance(erp, "2350", func=True)) == ("GBP", 1_500, 0)
    assert (balance(erp, "1000", func=True), balance(erp, "7100", func=True)) == (1_500, -1_500)
    check_entries(erp)


def test_a_rate_of_exchange_is_positive(erp: Desk) -> None:
    erp.create("fx_rate", from_ccy="EUR", to_ccy="USD", rate_date="2026-01-05", rate=money.rate("1.1"))
    receive(erp, eur("100"), "WIRE-1")
    wrong: dict[str, Any] = {"fx_rate": money.rate("-1.1"), "ccy": "EUR"}
    line = {"line_type": "FIXED_FEE", "net": eur("100"), "tax": eur("0")}
    for book in (
        lambda: post(erp, "INV-1", line, **wrong),
        lambda: receive(erp, eur("100"), "WIRE-2", **wrong),
        lambda: pay_back(erp, "OUT-1", {"receipt": "WIRE-1"}, **wrong),
    ):
        assert refused(book).field == "fx_rate"
    assert [len(erp.list(name)) for name in ("ar_document", "payment", "refund")] == [0, 1, 0]


def test_a_bank_reference_is_booked_once(erp: Desk) -> None:
    receive(erp, usd("100"))
    assert refused(lambda: receive(erp, usd("100"))).code == "DUPLICATE_BANK_REF"


def fx(erp: Desk, day: str, rate: str) -> None:
    erp.create("fx_rate", from_ccy="EUR", to_ccy="GBP", rate_date=day, rate=money.rate(rate))


def test_a_euro_contract_in_a_sterling_company(erp: Desk) -> None:
    uk: dict[str, Any] = {"legal_entity": "CF-UK", "ccy": "EUR"}
    line = {"line_type": "FIXED_FEE", "net": eur("100,000"), "tax": eur("0")}
    assert refused(lambda: post(erp, "INV-1", line, issue_date="2026-01-15", **uk)).code == "FX_RATE_MISSING"
    for day, rate in (("2026-01-13", "0.86"), ("2026-02-20", "0.845"), ("2026-03-10", "0.87")):
        fx(erp, day, rate)
    invoice = post(erp, "INV-1", line, issue_date="2026-01-15", **uk)
    assert (invoice["fx_rate"], balance(erp, "1200", func=True)) == (money.rate("0.86"), 8_600_000)
    for day, amount, fx_loss in (("2026-02-20", "60,000", 90_000), ("2026-03-10", "40,000", 50_000)):
        live_until([erp], day)
        payment = receive(erp, eur(amount), f"WIRE-{day}", value_date=day, legal_entity="CF-UK")
        erp.act("apply_payment", payment["id"], invoice_no="INV-1")
        assert balance(erp, "7100", func=True) == fx_loss
    assert [each["fx_gain_loss"] for each in erp.list("payment_application")] == [-90_000, 40_000]
    assert balance(erp, "1000", func=True) == 8_550_000
    assert (balance(erp, "1200", func=True), balance(erp, "2350", func=True)) == (0, 0)
    check_entries(erp)


def test_revenue_from_an_advance_keeps_the_rate_of_the_advance(erp: Desk) -> None:
    uk: dict[str, Any] = {"legal_entity": "CF-UK", "ccy": "EUR"}
    for day, rate in (("2026-01-05", "0.86"), ("2026-02-28", "0.845"), ("2026-03-31", "0.87")):
        fx(erp, day, rate)
    post(erp, "INV-1", {"line_type": "FIXED_FEE", "net": eur("40,000"), "tax": eur("0")}, **uk)
    schedule(erp, tp=eur("100,000"), budget_cost=eur("100,000"), **uk)
    for month, cost, last in (("02", "25,000", "28"), ("03", "30,000", "31")):
        live_until([erp], f"2026-{month}-01")
        fx(erp, f"2026-{month}-02", "0.85")
        amounts = {"cost": eur(cost), "line_no": 1, "contract_no": CT, "work_date": f"2026-{month}-02"}
        erp.create("work_entry", source_type="TIME", source_id=f"W-{month}", **amounts, **uk)
        live_until([erp], f"2026-{month}-{last}", 23)
    assert -balance(erp, "4000", "2026-02-28", func=True) == money.minor("21,500", "GBP")
    assert -balance(erp, "4000", func=True) == money.minor("47,450", "GBP")
    assert (balance(erp, "1230", "2026-03-31"), balance(erp, "1230", "2026-03-31", func=True)) == (1_500_000, 1_305_000)
    check_entries(erp)


# work


def test_approved_work_books_value_and_cost(erp: Desk) -> None:
    entry = work(erp, "T-1", "2026-01-20", cost="500", value="900", line_no=2)
    assert (entry["period"], entry["kind"]) == ("2026-01", "NORMAL")
    assert erp.get("journal_entry", entry["je"])["rule"] == "P4+P6"
    wanted = {"1220": 90_000, "4010": -90_000, "5000": 50_000, "2500": -50_000}
    assert {account: balance(erp, account) for account in wanted} == wanted
    work(erp, "X-1", "2026-01-20", cost="1,234.50", value="1,357.95", line_no=3, source_type="EXPENSE")
    assert (-balance(erp, "4030"), balance(erp, "5010"), -balance(erp, "2510")) == (135_795, 123_450, 123_450)
    work(erp, "T-2", "2026-01-20")
    assert erp.get("work_entry", "T-2")["je"] is None


def test_late_work_goes_to_the_first_open_period(erp: Desk) -> None:
    live_until([erp], "2026-02-03")
    assert work(erp, "T-1", "2026-01-30", value="10", line_no=2)["period"] == "2026-01"
    live_until([erp], "2026-02-05", 18)
    erp.act("close_period", "CF-US/2026-01", closed_by="Controller")
    live_until([erp], "2026-02-06")
    late = work(erp, "T-2", "2026-01-30", cost="5", value="10", line_no=2)
    assert (late["period"], late["kind"]) == ("2026-02", "LATE")
    assert erp.get("journal_entry", late["je"])["posting_date"] == "2026-02-06"
    assert -balance(erp, "4010", "2026-01-31") == 1_000


def test_work_is_revalued_and_taken_back(erp: Desk) -> None:
    work(erp, "T-1", "2026-01-20", cost="50", value="100", line_no=2)
    assert erp.act("revalue_work", "T-1", value=usd("60"))["value"] == 6_000
    assert erp.list("journal_entry")[-1]["rule"] == "P11"
    erp.act("revalue_work", "T-1", value=usd("80"))
    assert (balance(erp, "1220"), balance(erp, "4010"), balance(erp, "5000")) == (8_000, -8_000, 5_000)
    erp.act("reverse_work", "T-1", reason="Approval withdrawn")
    assert [balance(erp, account) for account in ("1220", "4010", "5000", "2500")] == [0, 0, 0, 0]
    assert not erp.list("work_entry")


# revenue


def test_hours_progress_takes_the_managers_estimate(erp: Desk) -> None:
    made = schedule(erp, method="HOURS", tp=usd("90,000"), budget_hours=600)
    for number in range(21):
        work(erp, f"T-{number}", "2026-01-12", minutes=600, cost="500")
    assert erp.act("update_estimate", made["id"], etc_hours=400)["eac_minutes"] == 610 * 60
    erp.act("run_revenue", legal_entity="CF-US", period="2026-01")
    assert erp.get("revenue_schedule", made["id"])["recognised"] == cents("30,983.61")
    work(erp, "T-99", "2026-01-13", minutes=600, cost="500")
    assert erp.get("revenue_schedule", made["id"])["eac_minutes"] == 610 * 60


def test_output_method_follows_acceptance_and_not_billing(erp: Desk) -> None:
    weights = {"M1": "30", "M2": "45", "M3": "40"}
    made = schedule(erp, method="MILESTONE_OUTPUT", tp=usd("100,000"), weight_total=money.rate("115"))
    post(erp, "INV-1", ff("20,000", "0"))
    live_until([erp], "2026-02-03")
    assert -balance(erp, "2300", "2026-01-31") == cents("20,000")
    for _ in range(2):
        erp.act("record_output", made["id"], ms_code="M1", weight=money.rate(weights["M1"]))
    live_until([erp], "2026-03-01")
    assert -balance(erp, "4000") == cents("26,086.96")
    assert balance(erp, "1230", "2026-02-28") == cents("6,086.96")
    erp.act("record_output", made["id"], ms_code="M2", weight=money.rate(weights["M2"]))
    post(erp, "INV-2", ff("40,000", "0"), issue_date="2026-03-02")
    live_until([erp], "2026-04-01")
    assert -balance(erp, "4000") == cents("65,217.39")
    assert balance(erp, "1230", "2026-03-31") == cents("5,217.39")


def test_a_retainer_earns_by_day_for_thirteen_periods(erp: Desk) -> None:
    dates = {"start": "2026-01-15", "end": "2027-01-14"}
    schedule(erp, method="STRAIGHT_LINE", tp=usd("120,000"), service_item="RETAINER", **dates)
    live_until([erp], "2027-02-01")
    entries = sorted(erp.list("revenue_entry"), key=lambda each: each["period"])
    wanted = "5,589.04 9,205.48 10,191.78 9,863.02 10,191.78 9,863.01 10,191.78 10,191.78 9,863.01 10,191.79 9,863.01 10,191.78"
    assert [each["amount"] for each in entries] == [cents(each) for each in [*wanted.split(), "4,602.74"]]
    assert -balance(erp, "4020") == cents("120,000")


def test_positions_are_netted_by_contract_and_never_across(erp: Desk) -> None:
    post(erp, "INV-1", ff("30,000", "0"), ff("42,000", "0", contract_line=2))
    schedule(erp, 1, tp=usd("50,000"), budget_cost=usd("10"))
    schedule(erp, 2, tp=usd("10,000"), budget_cost=usd("10"))
    schedule(erp, 1, contract_no="CT-0002", tp=usd("5,000"), budget_cost=usd("10"))
    for number, (contract, line_no) in enumerate(((CT, 1), (CT, 2), ("CT-0002", 1))):
        work(erp, f"T-{number}", "2026-01-20", cost="10", contract_no=contract, line_no=line_no)
    live_until([erp], "2026-01-31", 23)
    live_until([erp], "2026-02-01", 0)
    assert (balance(erp, "2300", contract=CT), balance(erp, "1230", contract=CT)) == (cents("-12,000"), 0)
    assert (balance(erp, "1230"), balance(erp, "2300", contract="CT-0002")) == (cents("5,000"), 0)
    live_until([erp], "2026-02-02")
    assert (balance(erp, "1230"), balance(erp, "2300", contract="CT-0002")) == (0, cents("5,000"))
    assert balance(erp, "1230", "2026-01-31") == cents("5,000")


def test_a_second_run_books_only_what_has_moved(erp: Desk) -> None:
    schedule(erp, tp=usd("1,000"), budget_cost=usd("100"))
    work(erp, "T-1", "2026-01-20", cost="10")
    live_until([erp], "2026-02-02")
    count = erp.count("journal_entry")
    erp.act("run_revenue", legal_entity="CF-US", period="2026-01")
    assert erp.count("journal_entry") == count
    work(erp, "T-2", "2026-01-21", cost="20")
    erp.act("run_revenue", legal_entity="CF-US", period="2026-01")
    assert [each["amount"] for each in erp.list("revenue_entry")] == [10_000, 20_000]
    assert balance(erp, "1230", "2026-01-31") == 30_000
    assert (balance(erp, "1230"), -balance(erp, "4000")) == (0, 30_000)
    check_entries(erp)


# change orders


CO_1: dict[str, Any] = {
    "contract_no": CT,
    "co_seq": 1,
    "treatment": "CATCH_UP",
    "lines": [
        {"line_no": 1, "amount": usd("36,000"), "cost": usd("22,000"), "hours": 200},
        {"line_no": 2, "cap": usd("30,000")},
    ],
}


def test_a_change_order_supersedes_the_schedule_and_catches_up(erp: Desk) -> None:
    schedule(erp, tp=usd("240,000"), budget_cost=usd("132,000"), budget_hours=1200)
    schedule(erp, 2, "AS_INVOICED", cap=usd("10,000"))
    work(erp, "T-1", "2026-01-20", cost="46,200")
    erp.act("run_revenue", legal_entity="CF-US", period="2026-01")
    live_until([erp], "2026-02-10")
    order = erp.act("apply_change_order", **CO_1)
    assert (order["amount"], order["cap"], order["cost"]) == tuple(map(cents, ("36,000", "30,000", "22,000")))
    assert erp.events[-1] == "erp.revenue.posted"
    versions = sorted(erp.list("revenue_schedule", line_no=1), key=lambda each: each["schedule_version"])
    assert [each["status"] for each in versions] == ["SUPERSEDED", "ACTIVE"]
    assert (versions[1]["tp"], versions[1]["eac_cost"], versions[1]["eac_minutes"]) == (27_600_000, 15_400_000, 84_000)
    assert (versions[1]["co_seq"], versions[1]["treatment"]) == (1, "CATCH_UP")
    assert erp.list("revenue_schedule", line_no=2, status="ACTIVE")[0]["cap"] == cents("40,000")
    entry = erp.list("revenue_entry", kind="CATCH_UP")[0]
    assert (entry["period"], entry["amount"], entry["cum"]) == ("2026-02", cents("-1,200"), cents("82,800"))
    lines = erp.get("journal_entry", entry["je"])["lines"]
    assert [(line["account"], line["dr"], line["cr"]) for line in lines] == [("2300", 0, 120_000), ("4000", 120_000, 0)]
    assert erp.refused("apply_change_order", **CO_1).code == "CHANGE_ORDER_APPLIED"


def test_a_separate_line_starts_from_nothing(erp: Desk) -> None:
    schedule(erp, tp=usd("240,000"), budget_cost=usd("132,000"))
    work(erp, "T-1", "2026-01-20", cost="46,200")
    erp.act("run_revenue", legal_entity="CF-US", period="2026-01")
    change = {"contract_no": CT, "co_seq": 1, "treatment": "SEPARATE"}
    erp.act("apply_change_order", lines=[{"line_no": 4, "amount": usd("20,000"), "cost": usd("9,000")}], **change)
    new = erp.list("revenue_schedule", line_no=4)[0]
    assert (new["tp"], new["recognised"], new["schedule_version"], new["method"]) == (2_000_000, 0, 1, "COST_TO_COST")
    assert erp.list("revenue_schedule", line_no=1)[0]["recognised"] == cents("84,000")
    assert erp.refused("apply_change_order", contract_no="CT-9", co_seq=1).status == 422


def test_a_prospective_extension_leaves_the_past_alone(erp: Desk) -> None:
    dates = {"start": "2026-01-01", "end": "2026-12-31", "spread": "MONTH"}
    schedule(erp, method="STRAIGHT_LINE", tp=usd("120,000"), service_item="RETAINER", **dates)
    live_until([erp], "2026-05-01")
    delta = {"line_no": 1, "amount": usd("40,000"), "start": "2026-05-01", "end": "2027-06-30"}
    erp.act("apply_change_order", contract_no=CT, co_seq=1, treatment="PROSPECTIVE", lines=[delta])
    live_until([erp], "2027-07-01")
    amounts = [each["amount"] for each in sorted(erp.list("revenue_entry"), key=lambda each: each["period"])]
    assert amounts[:4] == [cents("10,000")] * 4
    assert amounts[4:8] == [cents("8,571.43")] * 3 + [cents("8,571.42")]
    assert len(amounts) == 18
    assert sum(amounts) == cents("160,000")


# periods


def test_a_period_runs_at_its_end_and_opens_the_next(erp: Desk) -> None:
    live_until([erp], "2026-01-31", 23)
    assert [each["period"] for each in erp.list("period", legal_entity="CF-US")] == ["2026-01"]
    live_until([erp], "2026-02-01", 0)
    opened = erp.get("period", "CF-US/2026-02")
    assert (opened["status"], opened["from_date"], opened["to_date"]) == ("OPEN", "2026-02-01", "2026-02-28")


def test_a_closed_period_takes_nothing_until_it_is_reopened(erp: Desk) -> None:
    erp.act("soft_close_period", "CF-US/2026-01")
    assert erp.events[-1] == "erp.period.soft_closed"
    assert post(erp, "INV-1", ff("1", "0"))["status"] == "POSTED"
    erp.origin = Origin(kind="integration", actor="integration")
    assert refused(lambda: post(erp, "INV-2", ff("1", "0"))).code == "PERIOD_CLOSED"
    erp.origin = Origin()
    assert erp.act("close_period", "CF-US/2026-01", closed_by="Controller")["closed_by"] == "Controller"
    assert refused(lambda: post(erp, "INV-2", ff("1", "0"))).code == "PERIOD_CLOSED"
    assert erp.refused("run_revenue", legal_entity="CF-US", period="2026-01").code == "PERIOD_CLOSED"
    assert erp.refused("reopen_period", "CF-US/2026-01", approver="controller").code == "SELF_APPROVAL"
    reopened = erp.act("reopen_period", "CF-US/2026-01", approver="CFO")
    assert (reopened["status"], reopened["reopen_approval"], erp.events[-1]) == ("OPEN", "CFO", "erp.period.reopened")
    assert post(erp, "INV-2", ff("1", "0"))["status"] == "POSTED"


def test_a_business_date_is_local(erp: Desk) -> None:
    erp.system.clock.move_to("2026-02-01T05:20:00.000Z")
    schedule(erp, tp=usd("1,000"), budget_cost=usd("100"))
    work(erp, "T-1", "2026-01-31", cost="10")
    live_until([erp], "2026-02-01", 0)
    assert [each["period"] for each in erp.list("revenue_entry")] == ["2026-01"]


# the running example


MONTHS = [
    # month, cost, revenue to date, 2300 Cr, 1230 Dr, 1220 Dr
    ("2026-01", "13,200", "24,000", "24,000", "0", "0"),
    ("2026-02", "33,000", "84,000", "36,000", "0", "0"),
    ("2026-03", "46,200", "165,600", "26,400", "0", "0"),
    ("2026-04", "46,200", "248,400", "0", "20,400", "16,214.20"),
    ("2026-05", "15,400", "276,000", "0", "0", "0"),
]
INVOICES = [
    ("2026-01-05", "48,000.00", "3,168.00", "51,168.00"),
    ("2026-02-27", "72,000.00", "4,752.00", "76,752.00"),
    ("2026-03-27", "72,000.00", "4,752.00", "76,752.00"),
    ("2026-04-20", "36,000.00", "2,376.00", "38,376.00"),
    ("2026-05-01", "16,214.20", "980.52", "17,194.72"),
    ("2026-05-15", "48,000.00", "3,168.00", "51,168.00"),
]


class Programme:
    """The running example lived in billing and ERP; this object does by hand what an integration does between them."""

    def __init__(self, desks: dict[str, Desk]) -> None:
        self.erp, self.billing = found(desks["erp"]), desks["billing"]
        self.billing.create("legal_entity", code="CF-US", name="CF-US", country="US", tz=CHICAGO, functional_ccy="USD")
        rates = {"rate": money.rate("0.0825"), "taxable_fraction": money.rate("0.8")}
        self.billing.create("tax_code", code="TX-DP", kind="SALES_TAX", **rates)
        self.billing.create("tax_code", code="NT", kind="NONE", rate=0, category="O")
        self.billing.create("customer", customer_no="CU-000001", name="Aldergate Logistics", country="US")
        schedule(self.erp, tp=usd("240,000"), budget_cost=usd("132,000"), budget_hours=1200)
        schedule(self.erp, 2, "AS_INVOICED", cap=usd("10,000"))
        self.plan()

    def plan(self) -> None:
        cycle = {"kind": "TM_CYCLE", "due": "2026-02-01", "every_months": 1}
        milestones = [("M1", "72,000"), ("M2", "72,000"), ("M3", "48,000")]
        lines = [
            {"kind": "MOBILISATION", "amount": usd("48,000"), "tax_code": "TX-DP"},
            *({"kind": "MILESTONE", "ms_code": c, "amount": usd(a), "tax_code": "TX-DP"} for c, a in milestones),
            {**cycle, "line_type": "TM_CAPPED", "line_no": 2, "cap": usd("10,000"), "tax_code": "TX-DP"},
            {**cycle, "line_type": "EXPENSE", "line_no": 3, "tax_code": "NT"},
        ]
        head = {"contract_no": CT, "customer": "CU-000001", "legal_entity": "CF-US", "ccy": "USD"}
        self.billing.act("create_plan", lines=lines, **head)

    def until(self, day: str, hour: int = 9) -> None:
        live_until([self.erp, self.billing], day, hour, self.bill_cycles)

    def bill_cycles(self) -> None:
        ready = self.billing.list("plan_line", kind="TM_CYCLE", status="READY")
        items = [each["source_id"] for each in self.billing.list("billable_item", billing="UNBILLED")]
        if ready and items:
            self.bill(plan_lines=[line["key"] for line in ready], items=items)
        for line in [] if items else ready:
            self.billing.act("cancel_plan_line", line["key"])

    def reach(self, **what: str) -> None:
        line = self.billing.list("plan_line", **what)[0]
        self.billing.act("ready_plan_line", line["key"])
        self.bill(plan_lines=[line["key"]])

    def bill(self, **what: Any) -> None:
        draft = self.billing.act("draft_invoice", contract_no=CT, **what)
        self.billing.act("approve_invoice", draft["id"])
        invoice = self.billing.act("issue_invoice", draft["id"])
        names = ("line_type", "contract_line", "tax_code")
        lines = [
            {**{name: line[name] for name in names}, "net": Money(line["net"], "USD"), "tax": Money(line["tax"], "USD")}
            for line in invoice["lines"]
        ]
        dates = {"issue_date": invoice["issue_date"], "due": invoice["due"]}
        posted = post(self.erp, invoice["invoice_no"], *lines, total=Money(invoice["total"], "USD"), **dates)
        self.mirror(posted)

    def mirror(self, document: Record) -> None:
        paid = Money(document["paid"], "USD")
        self.billing.act("record_ar_status", document["invoice_no"], ar_status=document["status"], paid=paid)

    def pay(self) -> None:
        for document in self.erp.list("ar_document", status="POSTED"):
            day = clock.business_date(self.erp.system.clock.now, CHICAGO)
            number = document["invoice_no"]
            payment = receive(self.erp, Money(document["open_amount"], "USD"), f"WIRE-{number}", value_date=day)
            self.erp.act("apply_payment", payment["id"], invoice_no=number)
            self.mirror(self.erp.get("ar_document", document["id"]))

    def change_order_1(self) -> None:
        self.erp.act("apply_change_order", **CO_1)
        added = {"kind": "MILESTONE", "ms_code": "M4", "amount": usd("36,000"), "tax_code": "TX-DP"}
        caps = [{"line_no": 2, "cap": usd("30,000")}]
        figures = {"amount": usd("36,000"), "cap": usd("30,000")}
        self.billing.act("apply_change_order", CT, co_seq=1, lines=[added], cap_lines=caps, **figures)

    def change_requests(self) -> None:
        """April's 42.5 h of a senior, 30.25 h of a consultant, and an expense."""
        entries = [("S", 510, "225", 5), ("C", 363, "175", 5)]
        for level, minutes, rate, days in entries:
            value = money.time_amount(minutes, money.price(rate), "USD")
            for number in range(days):
                name, day = f"{level}-{number}", f"2026-04-{number + 6:02d}"
                self.item(name, "TIME", 2, day, value, minutes=minutes, unit_price=money.price(rate))
        self.item("X-1", "EXPENSE", 3, "2026-04-14", cents("1,357.95"))

    def item(self, source_id: str, kind: str, line_no: int, day: str, value: int, **more: Any) -> None:
        common = {"source_type": kind, "source_id": source_id, "contract_no": CT, "line_no": line_no, "ccy": "USD"}
        amount = {"amount": Money(value, "USD"), "work_date": day}
        made = self.billing.create("billable_item", **common, **amount, **more)
        billable = Money(made["amount"] - made["over_cap"], "USD")
        self.erp.create("work_entry", **common, legal_entity="CF-US", work_date=day, value=billable, cost=usd("100"))


def test_the_running_example_comes_out_to_the_cent(desks: dict[str, Desk]) -> None:
    story = Programme(desks)
    erp, billing = story.erp, story.billing
    story.reach(kind="MOBILISATION")
    reached = {"2026-02": ("27", "M1"), "2026-03": ("27", "M2"), "2026-05": ("15", "M3")}
    for month, cost, to_date, liability, asset, unbilled in MONTHS:
        if month == "2026-03":
            story.until("2026-03-10")
            story.change_order_1()
            assert -balance(erp, "4000") == cents("82,800")
        if month == "2026-04":
            story.until("2026-04-20")
            story.reach(ms_code="M4")
            story.change_requests()
        if month in reached:
            day, code = reached[month]
            story.until(f"{month}-{day}")
            story.reach(ms_code=code)
        last = clock.period_end(month)
        story.until(last)
        work(erp, f"W-{month}", last, cost=cost)
        story.pay()
        story.until(clock.add_days(last, 1))
        assert -balance(erp, "4000", last) == cents(to_date), month
        assert -balance(erp, "2300", last) == cents(liability), month
        assert balance(erp, "1230", last) == cents(asset), month
        assert balance(erp, "1220", last) == cents(unbilled), month
    story.pay()

    issued = sorted(billing.list("invoice"), key=lambda each: each["invoice_no"])
    rows = [(each["issue_date"], each["net"], each["tax"], each["total"]) for each in issued]
    assert rows == [(day, cents(net), cents(tax), cents(total)) for day, net, tax, total in INVOICES]
    totals = [sum(each[name] for each in issued) for name in ("net", "tax", "total")]
    assert totals == [cents("292,214.20"), cents("19,196.52"), cents("311,410.72")]
    assert {each["status"] for each in issued} == {each["status"] for each in erp.list("ar_document")} == {"PAID"}
    assert [each["invoice_no"][-5:] for each in issued] == [f"{number:05d}" for number in range(1, 7)]
    for account in ("2300", "1230", "1220", "1200", "2350"):
        assert balance(erp, account) == 0, account
        assert balance(erp, account, func=True) == 0, account
    assert sum(-balance(erp, account) for account in ("4000", "4010", "4030")) == cents("292,214.20")
    assert (balance(erp, "1000"), -balance(erp, "2200")) == (cents("311,410.72"), cents("19,196.52"))
    entries = [(each["period"], each["amount"], each["kind"]) for each in erp.list("revenue_entry")]
    assert entries == [
        ("2026-01", cents("24,000"), "NORMAL"),
        ("2026-02", cents("60,000"), "NORMAL"),
        ("2026-03", cents("-1,200"), "CATCH_UP"),
        ("2026-03", cents("82,800"), "NORMAL"),
        ("2026-04", cents("82,800"), "NORMAL"),
        ("2026-05", cents("27,600"), "NORMAL"),
    ]
    assert billing.get("plan", CT)["co_seq"] == 1
    check_entries(erp)


def test_an_entry_by_hand_is_booked_in_the_books_currency(erp: Desk) -> None:
    erp.create("fx_rate", from_ccy="USD", to_ccy="GBP", rate_date="2026-01-04", rate=750_000)
    sides = [{"account": "5010", "dr": usd("100.10")}, {"account": "2510", "cr": usd("100.10")}]
    entry = erp.act(
        "post_journal", legal_entity="CF-UK", posting_date="2026-01-05", ccy="USD", memo="accrual", lines=sides
    )
    assert (entry["rule"], entry["status"], entry["source_doc"]) == ("MANUAL", "POSTED", "accrual")
    assert [(each["func_dr"], each["func_cr"]) for each in entry["lines"]] == [(7_508, 0), (0, 7_508)]


@pytest.mark.parametrize(
    ("sides", "field"),
    [
        ([{"account": "5010", "dr": usd("1")}, {"account": "2510", "cr": usd("2")}], "lines"),
        ([{"account": "5010", "dr": usd("1")}, {"account": "4711", "cr": usd("1")}], "lines[1].account"),
        ([{"account": "5010", "dr": usd("1"), "cr": usd("1")}], "lines[0].dr"),
        ([], "lines"),
    ],
)
def test_an_entry_by_hand_must_balance_over_accounts_that_there_are(erp: Desk, sides: list[Record], field: str) -> None:
    with pytest.raises(Problem) as refused:
        erp.act("post_journal", legal_entity="CF-US", posting_date="2026-01-05", ccy="USD", lines=sides)
    assert (refused.value.status, refused.value.field) == (422, field)
    assert not erp.list("journal_entry")
