"""The ERP's deeds around a close: revaluation, bad debt, losses to come, sister companies, and what forces a closed period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from counterfoil_mocks.erp import progress
from counterfoil_mocks.erp.debtors import is_registered
from counterfoil_mocks.erp.debts import bucket_of, required
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.timers import next_timer
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from tests.conftest import Desk

COMPANIES = (
    ("CF-US", "US", "America/Chicago", "USD", "US"),
    ("CF-UK", "GB", "Europe/London", "GBP", "IFRS"),
    ("CF-DE", "DE", "Europe/Berlin", "EUR", "IFRS"),
)
UK: dict[str, Any] = {"legal_entity": "CF-UK", "contract_no": "CT-0001", "ccy": "EUR"}


def of(amount: str, ccy: str) -> Money:
    return Money(money.minor(amount, ccy), ccy)


@pytest.fixture
def erp(desks: dict[str, Desk]) -> Desk:
    """Three companies with January open, a catalogue and one customer."""
    desk = desks["erp"]
    for code, country, tz, ccy, gaap in COMPANIES:
        desk.create("legal_entity", code=code, name=code, country=country, tz=tz, functional_ccy=ccy, gaap=gaap)
        desk.create("period", legal_entity=code, period="2026-01")
    desk.create("service_item", code="CONSULTING-FF", name="Consulting", revenue_account="4000")
    desk.create("customer", customer_no="CU-000001", name="Aldergate", country="FR", vat_id="FR83404833048")
    return desk


def live_until(erp: Desk, day: str, hour: int = 9) -> None:
    """Let the timers run up to an hour in Chicago."""
    until = clock.instant_of(day, "America/Chicago", hour)
    while (timer := next_timer([erp.system], until)) is not None:
        erp.system.clock.move_to(timer.at)
        with Tx(erp.system, Origin(kind="schedule", actor="schedule")) as tx:
            erp.system.store.execute("DELETE FROM erp.timer WHERE id = ?", (timer.id,))
            erp.system.role.timers[timer.kind](tx, timer.payload)
    erp.system.clock.move_to(until)


def balance(erp: Desk, account: str, upto: str = "9999", *, func: bool = False) -> int:
    prefix = "func_" if func else ""
    return sum(
        line[f"{prefix}dr"] - line[f"{prefix}cr"]
        for entry in erp.list("journal_entry")
        for line in entry["lines"]
        if entry["posting_date"] <= upto and line["account"] == account
    )


def fx(erp: Desk, day: str, rate: str, kind: str = "SPOT", pair: str = "EURGBP") -> None:
    erp.create("fx_rate", from_ccy=pair[:3], to_ccy=pair[3:], rate_date=day, rate=money.rate(rate), type=kind)


def bill(erp: Desk, number: str, net: Money, tax: str = "0", **more: Any) -> Record:
    line = {"line_type": "FIXED_FEE", "net": net, "tax": of(tax, net.ccy)}
    fields = {"legal_entity": "CF-US", "customer": "CU-000001", "contract_no": "CT-0001", "issue_date": "2026-01-15"}
    return erp.create("ar_document", invoice_no=number, lines=[line], **(fields | {"ccy": net.ccy} | more))


# revaluation


def test_open_receivables_are_revalued_and_taken_back_the_next_day(erp: Desk) -> None:
    for day, rate in (("2026-01-15", "0.86"), ("2026-01-31", "0.852")):
        fx(erp, day, rate)
    fx(erp, "2026-01-31", "0.852", "CLOSING")
    live_until(erp, "2026-01-15")
    bill(erp, "INV-1", of("100,000", "EUR"), **UK)
    live_until(erp, "2026-02-01")
    assert balance(erp, "7110", "2026-01-31", func=True) == 80_000
    assert balance(erp, "1200", "2026-01-31", func=True) == 8_520_000
    assert (balance(erp, "7110", func=True), balance(erp, "1200", func=True)) == (0, 8_600_000)
    assert balance(erp, "2300", "2026-01-31", func=True) == -8_600_000
    assert balance(erp, "1200") == 10_000_000


def test_without_a_closing_rate_revaluation_waits_and_then_books_once(erp: Desk) -> None:
    fx(erp, "2026-01-15", "0.86")
    live_until(erp, "2026-01-15")
    bill(erp, "INV-1", of("100,000", "EUR"), **UK)
    live_until(erp, "2026-02-02")
    assert not erp.list("journal_entry", rule="P10")
    fx(erp, "2026-01-31", "0.852", "CLOSING")
    for _ in range(2):
        erp.act("revalue_period", legal_entity="CF-UK", period="2026-01")
    found = [(each["posting_date"], each["reverses"] is None) for each in erp.list("journal_entry", rule="P10")]
    assert sorted(found) == [("2026-01-31", True), ("2026-02-01", False)]
    erp.act("close_period", "CF-UK/2026-01", closed_by="Controller")
    assert erp.refused("revalue_period", legal_entity="CF-UK", period="2026-01").code == "PERIOD_CLOSED"


EUROS = (
    # day, rate, what happens, unrealised loss at its end, realised loss by then, receivable in pounds after it
    ("2026-01-15", "0.86", "INVOICE", "0", "0", "86,000.00"),
    ("2026-01-31", "0.852", "CLOSING", "800.00", "0", "85,200.00"),
    ("2026-02-20", "0.845", "60,000", "0", "900.00", "34,400.00"),
    ("2026-02-28", "0.84", "CLOSING", "800.00", "900.00", "33,600.00"),
    ("2026-03-10", "0.87", "40,000", "0", "500.00", "0"),
)


def test_a_euro_invoice_lives_through_two_month_ends_and_two_receipts(erp: Desk) -> None:
    for day, rate, what, unrealised, realised, left in EUROS:
        live_until(erp, day, 6)
        fx(erp, day, rate, "CLOSING" if what == "CLOSING" else "SPOT")
        if what == "CLOSING":
            fx(erp, day, rate)
            live_until(erp, clock.add_days(day, 1))
        elif what == "INVOICE":
            bill(erp, "INV-1", of("100,000", "EUR"), **UK)
        else:
            money_in = {"payer": "CU-000001", "legal_entity": "CF-UK", "value_date": day, "ccy": "EUR"}
            paid = erp.act("receive_payment", amount=of(what, "EUR"), bank_ref=f"W-{day}", **money_in)
            erp.act("apply_payment", paid["id"], invoice_no="INV-1")
        found = [balance(erp, account, day, func=True) for account in ("7110", "7100", "1200")]
        assert found == [money.minor(each, "GBP") for each in (unrealised, realised, left)], day
    assert balance(erp, "1000", func=True) == money.minor("85,500", "GBP")
    assert balance(erp, "2300", func=True) == -money.minor("86,000", "GBP")


def test_one_contract_shows_one_position_and_contracts_are_not_netted(erp: Desk) -> None:
    live_until(erp, "2026-01-15")
    for number, contract, line_no, net in (("A", "CT-0001", 1, "30,000"), ("B", "CT-0001", 2, "42,000")):
        line = {"line_type": "FIXED_FEE", "contract_line": line_no, "net": of(net, "USD"), "tax": of("0", "USD")}
        head = {"customer": "CU-000001", "issue_date": "2026-01-15", "legal_entity": "CF-US", "ccy": "USD"}
        erp.create("ar_document", invoice_no=number, contract_no=contract, lines=[line], **head)
    progressed = (("CT-0001", 1, "50,000"), ("CT-0001", 2, "10,000"), ("CT-0002", 1, "5,000"))
    for contract, line_no, earned in progressed:
        mine = {"contract_no": contract, "line_no": line_no, "legal_entity": "CF-US", "ccy": "USD"}
        price = of("100,000", "USD")
        erp.create("revenue_schedule", method="COST_TO_COST", tp=price, budget_cost=price, **mine)
        source = f"T-{contract}-{line_no}"
        work = {"source_type": "TIME", "source_id": source, "work_date": "2026-01-20", "cost": of(earned, "USD")}
        erp.create("work_entry", **work, **mine)
    tm = {"contract_no": "CT-0001", "line_no": 3, "legal_entity": "CF-US", "ccy": "USD", "work_date": "2026-01-20"}
    erp.create("work_entry", source_type="TIME", source_id="T-TM", value=of("7,000", "USD"), **tm)
    live_until(erp, "2026-02-01")

    def position(contract: str, upto: str) -> list[int]:
        return [
            sum(
                line["dr"] - line["cr"]
                for entry in erp.list("journal_entry")
                for line in entry["lines"]
                if entry["posting_date"] <= upto and (line["account"], line["contract_no"]) == (account, contract)
            )
            for account in ("2300", "1230", "1220")
        ]

    assert position("CT-0001", "2026-01-31") == [-1_200_000, 0, 700_000]
    assert position("CT-0002", "2026-01-31") == [0, 500_000, 0]
    assert position("CT-0002", "2026-02-01") == [500_000, 0, 0]


def test_unapplied_receipts_are_revalued_contract_liabilities_never(erp: Desk) -> None:
    fx(erp, "2026-01-15", "0.86")
    fx(erp, "2026-01-31", "0.852", "CLOSING")
    live_until(erp, "2026-01-15")
    money_in = {"payer": "CU-000001", "legal_entity": "CF-UK", "value_date": "2026-01-15", "bank_ref": "W-1"}
    erp.act("receive_payment", amount=of("1,000", "EUR"), ccy="EUR", **money_in)
    live_until(erp, "2026-02-01")
    assert balance(erp, "2350", "2026-01-31", func=True) == -85_200
    erp.act("revalue_period", legal_entity="CF-UK", period="2026-01")
    accounts = {line["account"] for entry in erp.list("journal_entry", rule="P10") for line in entry["lines"]}
    assert accounts == {"2350", "7110"}


def test_what_was_earned_at_another_rate_is_billed_with_a_realised_difference(erp: Desk) -> None:
    fx(erp, "2026-01-10", "0.86")
    fx(erp, "2026-01-20", "0.87")
    work = {"source_type": "TIME", "line_no": 2, "work_date": "2026-01-10", **UK}
    erp.create("work_entry", source_id="T-1", value=of("100", "EUR"), **work)
    assert balance(erp, "1220", func=True) == 8_600
    live_until(erp, "2026-01-20")
    line = {"line_type": "TM", "contract_line": 2, "net": of("100", "EUR"), "tax": of("0", "EUR")}
    erp.create("ar_document", invoice_no="INV-1", lines=[line], customer="CU-000001", issue_date="2026-01-20", **UK)
    assert (balance(erp, "1200", func=True), balance(erp, "1220", func=True)) == (8_700, 0)
    assert -balance(erp, "7100", func=True) == 100


def test_a_contract_asset_is_billed_at_what_it_was_booked_at(erp: Desk) -> None:
    fx(erp, "2026-01-31", "0.87")
    mine = {"line_no": 1, **UK}
    erp.create(
        "revenue_schedule", method="COST_TO_COST", tp=of("30,000", "EUR"), budget_cost=of("30,000", "EUR"), **mine
    )
    spent = {"source_type": "TIME", "source_id": "T-1", "work_date": "2026-01-29", "cost": of("15,000", "EUR")}
    fx(erp, "2026-01-29", "0.87")
    erp.create("work_entry", **spent, **mine)
    live_until(erp, "2026-02-10")
    assert (balance(erp, "2300"), balance(erp, "2300", func=True)) == (1_500_000, 1_305_000)
    fx(erp, "2026-02-10", "0.88")
    bill(erp, "INV-1", of("20,000", "EUR"), issue_date="2026-02-10", **UK)
    assert (balance(erp, "2300"), balance(erp, "2300", func=True)) == (-500_000, -440_000)
    assert (balance(erp, "1200", func=True), -balance(erp, "7100", func=True)) == (1_760_000, 15_000)


# converted by the sender, and forced


def test_a_document_that_its_sender_converted_is_booked_as_it_comes(erp: Desk) -> None:
    fx(erp, "2026-01-15", "0.86")
    live_until(erp, "2026-01-15")
    line = {"line_type": "FIXED_FEE", "net": of("100.02", "EUR"), "tax": of("0", "EUR"), "func_net": of("86.02", "GBP")}
    head = {"customer": "CU-000001", "issue_date": "2026-01-15", "invoice_no": "INV-1", **UK}
    erp.create("ar_document", lines=[line] * 3, func_total=of("258.05", "GBP"), **head)
    assert balance(erp, "1200", func=True) + balance(erp, "2300", func=True) == -1
    assert balance(erp, "9000", func=True) == 0


def test_a_closed_period_takes_only_what_finance_forces(erp: Desk) -> None:
    live_until(erp, "2026-02-05")
    erp.act("close_period", "CF-US/2026-01", closed_by="Controller")
    with pytest.raises(Exception, match="CLOSED"):
        bill(erp, "INV-1", of("100", "USD"))
    forced = bill(erp, "INV-1", of("100", "USD"), override_period=True)
    assert erp.get("journal_entry", forced["je"])["period"] == "2026-01"


# bad debt


def test_the_allowance_follows_the_matrix() -> None:
    open_amounts = [money.minor(each, "USD") for each in ("180,000", "60,000", "24,000", "10,000", "6,000")]
    parts = required(open_amounts)
    assert parts == [money.minor(each, "USD") for each in ("900", "1,200", "1,200", "1,500", "2,400")]
    assert sum(parts) - money.minor("6,100", "USD") == money.minor("1,100", "USD")
    days = (
        "2026-05-31",
        "2026-05-30",
        "2026-05-01",
        "2026-04-30",
        "2026-04-01",
        "2026-03-31",
        "2026-03-02",
        "2026-03-01",
    )
    assert [bucket_of(day, "2026-05-31") for day in days] == [0, 1, 1, 2, 2, 3, 3, 4]


def test_a_provision_books_the_difference_once(erp: Desk) -> None:
    bill(erp, "INV-1", of("60,000", "USD"), due="2026-01-16")
    bill(erp, "INV-2", of("180,000", "USD"))
    run = erp.act("run_provision", legal_entity="CF-US", period="2026-01")
    assert (run["required"], run["held"], run["expense"]) == (210_000, 0, 210_000)
    again = erp.act("run_provision", legal_entity="CF-US", period="2026-01")
    assert (again["held"], again["expense"], balance(erp, "6100"), balance(erp, "1210")) == (
        210_000,
        0,
        210_000,
        -210_000,
    )


@pytest.mark.parametrize(("relief", "net", "tax"), [(True, 400_000, 26_000), (False, 426_000, 0)])
def test_a_write_off_takes_from_the_allowance_and_a_recovery_gives_back(
    erp: Desk, relief: bool, net: int, tax: int
) -> None:
    bill(erp, "INV-1", of("4,000", "USD"), "260")
    gone = {"requester": "Collections", "reason": "Insolvent", "tax_relief": relief}
    assert erp.refused("write_off_invoice", "INV-1", approver="collections ", **gone).code == "SELF_APPROVAL"
    written = erp.act("write_off_invoice", "INV-1", approver="CFO", **gone)
    assert (written["status"], written["open_amount"], erp.events[-1]) == ("WRITTEN_OFF", 0, "erp.invoice.written_off")
    assert (balance(erp, "1210"), balance(erp, "2200"), balance(erp, "1200")) == (net, tax - 26_000, 0)
    money_in = {"value_date": "2026-01-15", "bank_ref": "W-1"}
    erp.act("recover_write_off", "INV-1", amount=of("1,597.50", "USD"), **money_in)
    back = 150_000 if relief else 159_750
    assert (balance(erp, "1210"), balance(erp, "1000")) == (net - back, 159_750)
    assert erp.refused("recover_write_off", "INV-1", amount=of("4,000", "USD"), **money_in).code == "NOTHING_TO_RECOVER"
    assert erp.refused("write_off_invoice", "INV-1", approver="CFO", **gone).code == "ILLEGAL_TRANSITION"
    assert balance(erp, "2300") == -400_000


def test_a_dispute_leaves_the_figures_as_they_are(erp: Desk) -> None:
    bill(erp, "INV-1", of("4,000", "USD"))
    disputed = erp.act("dispute_invoice", "INV-1", reason="Not ordered")
    assert (disputed["status"], disputed["open_amount"], erp.events[-1]) == (
        "DISPUTED",
        400_000,
        "erp.invoice.disputed",
    )
    assert erp.act("resolve_dispute", "INV-1")["status"] == "POSTED"
    assert erp.refused("resolve_dispute", "INV-1").code == "ILLEGAL_TRANSITION"


# losses


def test_what_is_still_to_be_lost() -> None:
    tp, eac = money.minor("100,000", "USD"), money.minor("115,000", "USD")
    spent, recognised = money.minor("46,000", "USD"), money.minor("40,000", "USD")
    assert progress.by_effort(tp, spent, eac) == recognised
    assert progress.loss_to_come(tp, eac, spent, recognised) == money.minor("9,000", "USD")
    assert progress.loss_to_come(tp, eac, eac, tp) == 0
    assert progress.loss_to_come(tp, tp, spent, spent) == 0


@pytest.mark.parametrize(("entity", "ccy", "policy", "provided"), [
    ("CF-US", "USD", False, 0), ("CF-US", "USD", True, 900_000), ("CF-DE", "EUR", False, 900_000),
])  # fmt: skip
def test_a_loss_is_provided_for_under_ifrs_or_by_policy(
    erp: Desk, entity: str, ccy: str, policy: bool, provided: int
) -> None:
    erp.change("legal_entity", entity, loss_provision=policy)
    mine = {"contract_no": "CT-0001", "line_no": 1, "legal_entity": entity, "ccy": ccy}
    made = erp.create(
        "revenue_schedule", method="COST_TO_COST", tp=of("100,000", ccy), budget_cost=of("92,000", ccy), **mine
    )
    erp.create(
        "work_entry", source_type="TIME", source_id="T-1", work_date="2026-01-10", cost=of("46,000", ccy), **mine
    )
    erp.act("update_estimate", made["id"], etc_cost=of("69,000", ccy), etc_hours=100)
    live_until(erp, "2026-02-01")
    assert -balance(erp, "4000") == 4_000_000
    assert (balance(erp, "6110"), -balance(erp, "2400")) == (provided, provided)
    live_until(erp, "2026-02-02")
    erp.act("update_estimate", made["id"], etc_cost=of("50,000", ccy), etc_hours=80)
    live_until(erp, "2026-03-01")
    assert -balance(erp, "2400") == 0


def test_scope_whose_price_is_not_agreed_counts_for_nothing_until_it_is(erp: Desk) -> None:
    live_until(erp, "2026-01-10")
    mine = {"contract_no": "CT-0001", "line_no": 1, "legal_entity": "CF-US", "ccy": "USD"}
    erp.create(
        "revenue_schedule", method="COST_TO_COST", tp=of("240,000", "USD"), budget_cost=of("132,000", "USD"), **mine
    )
    spent = {"source_type": "TIME", "source_id": "T-1", "work_date": "2026-01-10", "cost": of("46,200", "USD")}
    erp.create("work_entry", **spent, **mine)
    live_until(erp, "2026-02-10")
    assert -balance(erp, "4000") == money.minor("84,000", "USD")
    scope = {"line_no": 1, "cost": of("22,000", "USD"), "hours": 200}
    erp.act("apply_change_order", contract_no="CT-0001", co_seq=1, lines=[scope])
    assert -balance(erp, "4000") == money.minor("72,000", "USD")
    priced = {"line_no": 1, "amount": of("36,000", "USD")}
    erp.act("apply_change_order", contract_no="CT-0001", co_seq=2, lines=[priced])
    assert -balance(erp, "4000") == money.minor("82,800", "USD")
    kinds = [(each["kind"], each["amount"]) for each in erp.list("revenue_entry")]
    assert kinds == [("NORMAL", 8_400_000), ("CATCH_UP", -1_200_000), ("CATCH_UP", 1_080_000)]


# sister companies


def test_work_of_a_sister_company_is_booked_by_both(erp: Desk) -> None:
    fx(erp, "2026-01-10", "1.27", pair="GBPUSD")
    shared = {"contract_no": "CT-0001", "source_id": "T-1", "work_date": "2026-01-12", "minutes": 1200}
    cost = of("1,900", "GBP")
    booked = erp.create(
        "work_entry", source_type="TIME", line_no=1, legal_entity="CF-US", ccy="USD", value=of("4,500", "USD"),
        cost=cost, ic_partner="CF-UK", **shared,
    )  # fmt: skip
    assert (booked["cost"], booked["cost_ccy"], booked["effort"], booked["ic_ref"]) == (
        265_430,
        "USD",
        265_430,
        "IC-T-1",
    )
    charge = erp.create(
        "ic_charge", ic_ref="IC-T-1", legal_entity="CF-UK", ic_partner="CF-US", ccy="GBP", cost=cost, **shared
    )
    assert charge["amount"] == 209_000
    wanted = {"1600": 209_000, "4100": -209_000, "5030": 265_430, "2600": -265_430, "5000": 190_000, "2500": -190_000}
    assert {account: balance(erp, account) for account in wanted} == wanted
    pairs = {
        (line["account"], line["ic_partner"], line["ic_ref"])
        for entry in erp.list("journal_entry")
        for line in entry["lines"]
        if line["ic_ref"]
    }
    assert ("1600", "CF-US", "IC-T-1") in pairs
    assert ("2600", "CF-UK", "IC-T-1") in pairs
    erp.act("reverse_work", booked["id"])
    erp.act("reverse_ic_charge", charge["id"])
    assert [balance(erp, account) for account in wanted] == [0] * 6


def test_a_company_does_not_charge_itself(erp: Desk) -> None:
    with pytest.raises(Exception, match="does not charge itself"):
        erp.create(
            "ic_charge", ic_ref="IC-1", legal_entity="CF-UK", ic_partner="CF-UK", source_id="T-1", ccy="GBP",
            work_date="2026-01-12", cost=of("1", "GBP"),
        )  # fmt: skip


def test_cost_in_the_books_currency_is_effort_in_the_contract_s(erp: Desk) -> None:
    fx(erp, "2026-01-12", "1.16", pair="GBPEUR")
    mine = {"source_type": "TIME", "line_no": 1, "work_date": "2026-01-12", **UK}
    booked = erp.create("work_entry", source_id="T-1", cost=of("100", "GBP"), **mine)
    assert (booked["cost"], booked["cost_ccy"], booked["effort"]) == (10_000, "GBP", 11_600)
    assert balance(erp, "5000", func=True) == 10_000


# VAT ids


@pytest.mark.parametrize(("vat_id", "country", "known"), [
    ("FR83404833048", "FR", True), ("FR 83 404833048", "FR", True), ("DE136695976", "FR", False), ("FR1", "FR", False),
    ("EL123456789", "GR", True),
])  # fmt: skip
def test_the_register_knows_what_has_the_shape_of_a_vat_id(vat_id: str, country: str, known: bool) -> None:
    assert is_registered(vat_id, country) is known


def test_a_validated_vat_id_says_when(erp: Desk) -> None:
    assert erp.act("validate_vat_id", "CU-000001")["vat_validated_at"] is not None
    erp.change("customer", "CU-000001", vat_id="FR1")
    assert erp.act("validate_vat_id", "CU-000001")["vat_validated_at"] is None
    erp.change("customer", "CU-000001", vat_id=None)
    assert erp.refused("validate_vat_id", "CU-000001").field == "vat_id"
