"""The figures of the domain's table, on the numbers that it gives (§8)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from counterfoil import kpi

if TYPE_CHECKING:
    from tests.conftest import Books

NOW = "2026-05-01T00:00:00.000Z"


def figure(books: Books, name: str, now: str = NOW, **more: Any) -> kpi.Figure:
    """One figure of the books."""
    [found] = kpi.compute(books.store, now=now, only=[name], **more)
    return found


def test_there_are_the_twenty_figures_of_the_domain(books: Books) -> None:
    figures = kpi.compute(books.store, now=NOW)
    assert len(figures) == 20
    assert all(each.value in (None, 0) for each in figures), "nothing has happened yet"


def test_setup_takes_from_closed_won_to_the_last_of_project_plan_and_schedules(books: Books) -> None:
    for number, minutes in (("1", 20), ("2", 60), ("3", 30)):
        won = {"opp_no": f"OPP-{number}", "stage": "CLOSED_WON", "closed_at": "2026-01-05T15:00:00.000Z"}
        books.put("crm.opportunity", id=f"O{number}", **won)
        books.put("crm.contract", opportunity=f"O{number}", contract_no=f"CT-{number}", status="ACTIVE")
        at = f"2026-01-05T{15 + minutes // 60}:{minutes % 60:02d}:00.000Z"
        books.put("psa.project", contract_no=f"CT-{number}", project_no=f"CT-{number}-P01", status="ACTIVE")
        books.put("billing.plan", contract_no=f"CT-{number}")
        books.put("erp.revenue_schedule", at, contract_no=f"CT-{number}", line_no=1, status="ACTIVE")
    found = figure(books, "setup_cycle_time")
    assert (found.value, found.inputs["p95"], found.inputs["deals"]) == ("30.00", "60.00", 3)


def test_three_wrong_invoices_of_two_hundred_are_985_per_mille(books: Books) -> None:
    for number in range(200):
        books.put("billing.invoice", invoice_no=f"INV-{number}", issue_date="2026-01-31", status="POSTED")
    for number, reason in enumerate(("RATE", "DUPLICATE", "TAX", "GOODWILL")):
        memo = {"cm_no": f"CM-{number}", "corrects": f"INV-{number}", "issue_date": "2026-02-10", "status": "ISSUED"}
        books.put("billing.credit_memo", reason=reason, **memo)
    found = figure(books, "invoice_accuracy")
    assert (found.value, found.inputs["wrong"]) == ("0.9850", 3)


def test_a_milestone_of_ten_o_clock_invoiced_at_four_took_a_quarter_of_a_day(books: Books) -> None:
    books.put("billing.plan", id="B1", contract_no="CT-1", billing_trigger="COMPLETED")
    books.put("billing.plan_line", plan="B1", contract_no="CT-1", plan_line=1, kind="MILESTONE", ms_code="M1")
    books.put(
        "psa.milestone", contract_no="CT-1", ms_code="M1", status="COMPLETED", completed_at="2026-02-27T16:00:00.000Z"
    )
    lines = [{"plan_line": "CT-1/1", "net": 100}]
    books.put("billing.invoice", invoice_no="INV-1", status="ISSUED", issued_at="2026-02-27T22:00:00.000Z", lines=lines)
    assert figure(books, "billing_cycle_time").value == "0.25"


def test_revenue_over_billable_hours_at_standard_is_93_percent(books: Books) -> None:
    books.put("psa.rate_card", code="US", card_version=1, rows=[{"level": "SENIOR", "rate": 2_000_000}])
    books.put("psa.project", project_no="CT-1-P01", rate_card_code="US", rate_card_version=1, status="ACTIVE")
    books.put("psa.employee", id="E1", employee_no="E-1", level="SENIOR")
    for number in range(133):
        entry = {"project_no": "CT-1-P01", "employee": "E1", "approval": "APPROVED", "billable": True, "ccy": "USD"}
        books.put("psa.time_entry", entry_id=f"T{number}", minutes=480, **entry)
    books.entry("JE-1", "2026-01-31T00:00:00.000Z", "P2", "2300 197904 | 4000 -197904")
    found = figure(books, "utilization_to_revenue")
    assert found.inputs["standard_value"] == {"minor": 21_280_000, "ccy": "USD"}
    assert found.value == "0.9300"


def item(books: Books, key: str, amount: int, worked: str, billing: str = "UNBILLED", **more: Any) -> None:
    """Approved work of that value, and its billable item."""
    common = {"amount": amount, "ccy": "USD", "billing": billing}
    approved = {"approval": "APPROVED", "approved_at": f"{worked}T18:00:00.000Z"}
    books.put("psa.time_entry", entry_id=key, work_date=worked, **common, **approved)
    books.put("billing.billable_item", source_type="TIME", source_id=key, work_date=worked, **common, **more)


def test_wip_of_15050_falls_into_its_ages(books: Books) -> None:
    today = date(2026, 5, 1)
    for key, amount, age in (("a", 800_000, 10), ("b", 400_000, 45), ("c", 200_000, 75), ("d", 105_000, 120)):
        item(books, key, amount, (today - timedelta(days=age)).isoformat())
    item(books, "e", 95_000, "2026-04-20", "OVER_CAP")
    found = figure(books, "wip_aging")
    assert found.value == 1_505_000
    assert found.inputs["by_age"] == {"0-30": 800_000, "31-60": 400_000, "61-90": 200_000, "over 90": 105_000}
    assert found.inputs["average_age_days"] == "35.6"


def test_one_percent_of_what_was_earned_leaks(books: Books) -> None:
    item(books, "billed", 9_400_000, "2026-02-01", "BILLED")
    item(books, "waiting", 420_000, "2026-04-20")
    item(books, "written off", 80_000, "2026-02-01", "WRITTEN_OFF")
    item(books, "forgotten", 100_000, "2026-02-01")
    items = [{"source_id": "billed", "ccy": "USD", "amount": 9_400_000}]
    books.put("billing.invoice", invoice_no="INV-1", status="POSTED", ccy="USD", items=items)
    found = figure(books, "revenue_leakage")
    assert found.value == "0.0100"
    assert found.inputs == {
        "earned": 10_000_000,
        "billed": 9_400_000,
        "in_time": 420_000,
        "written_off": 80_000,
        "leaked": 100_000,
        "ccy": "USD",
    }


def test_forty_messages_of_twenty_thousand_failed(books: Books) -> None:
    rows = [(str(number), "DEAD" if number < 30 else "DELIVERED", 8 if number < 30 else 1) for number in range(20_000)]
    books.store.connection.executemany(
        "INSERT INTO psa.delivery (id, system, event_seq, subscription_id, state, attempts) VALUES (?, 'psa', 1, 's', ?, ?)",
        rows,
    )
    parked = [{"type": "int.dlq.parked", "businesskey": f"CT-{number}", "at": NOW} for number in range(10)]
    found = figure(books, "integration_failure_rate", events=parked)
    assert (found.value, found.inputs["failed"]) == ("0.0020", 40)
    assert found.inputs["attempt_failure_rate"] == "0.0119"


def test_exceptions_take_from_raised_to_resolved_by_severity(books: Books) -> None:
    told = []
    for key, severity, minutes in (("a", "S1", 30), ("b", "S1", 90), ("c", "S3", 240), ("d", "S2", None)):
        told.append(
            {"type": "int.exception.raised", "businesskey": key, "severity": severity, "at": "2026-02-01T00:00:00.000Z"}
        )
        if minutes:
            at = f"2026-02-01T{minutes // 60:02d}:{minutes % 60:02d}:00.000Z"
            told.append({"type": "int.exception.resolved", "businesskey": key, "at": at})
    found = figure(books, "exception_resolution_time", events=told)
    assert (found.value, found.inputs["p95"], found.inputs["open"]) == ("90.00", "240.00", 1)
    assert found.inputs["by_severity"]["S1"] == {"median": "30.00", "p95": "90.00", "count": 2}


def test_amounts_of_two_currencies_are_added_at_the_last_spot_rate(books: Books) -> None:
    rate = {"from_ccy": "EUR", "to_ccy": "USD", "type": "SPOT", "rate": 1_080_000}
    books.put("erp.fx_rate", rate_date="2026-04-30", **rate)
    books.put("erp.fx_rate", rate_date="2026-05-30", **rate | {"rate": 2_000_000})
    assert kpi.in_reporting_ccy(books.store, {"USD": 100, "EUR": 100}, NOW) == (208, "USD")
    assert kpi.in_reporting_ccy(books.store, {"EUR": 100}, NOW) == (100, "EUR")
    with pytest.raises(LookupError, match="GBP"):
        kpi.in_reporting_ccy(books.store, {"USD": 100, "GBP": 100}, NOW)


def test_a_project_was_ready_two_hours_after_its_quote_and_billed_the_same_day(books: Books) -> None:
    books.put("crm.quote", id="Q1", quote_no="QT-1", rev=1, status="ACCEPTED", signed_at="2026-01-05T13:00:00.000Z")
    books.put("crm.contract", quote="Q1", contract_no="CT-1", status="ACTIVE")
    books.put("psa.project", "2026-01-05T15:00:00.000Z", contract_no="CT-1", project_no="CT-1-P01", status="ACTIVE")
    books.put(
        "billing.invoice", contract_no="CT-1", invoice_no="INV-1", status="ISSUED", issued_at="2026-01-05T21:00:00.000Z"
    )
    assert figure(books, "quote_to_project").value == "120.00"
    assert figure(books, "project_to_bill").value == "0.25"


def test_bill_to_cash_is_weighted_by_what_was_paid(books: Books) -> None:
    for number, (issued, paid, amount) in enumerate(
        (("2026-01-01", "2026-01-31", 300), ("2026-01-01", "2026-01-11", 100))
    ):
        books.put("erp.ar_document", id=f"D{number}", invoice_no=f"INV-{number}", issue_date=issued, status="PAID")
        books.put("erp.payment", id=f"P{number}", bank_ref=f"B-{number}", value_date=paid)
        link = {"payment": f"P{number}", "ar_document": f"D{number}", "status": "ACTIVE"}
        books.put("erp.payment_application", ccy="USD", amount=amount, **link)
    assert figure(books, "bill_to_cash").value == "25.0"


def test_the_backlog_of_march_is_110400_with_40000_of_headroom(books: Books) -> None:
    fee = {"line_no": 1, "type": "FIXED_FEE", "ccy": "USD", "amount": 27_600_000}
    capped = {"line_no": 2, "type": "TM_CAPPED", "ccy": "USD", "cap": 4_000_000}
    books.put("crm.contract", contract_no="CT-1", status="ACTIVE", ccy="USD", lines=[fee, capped])
    books.entry("JE-1", "2026-03-31T00:00:00.000Z", "P2", "2300 165600 | 4000 -165600", contract_no="CT-1")
    found = figure(books, "backlog")
    assert (found.value, found.inputs["cap_headroom"]) == (11_040_000, 4_000_000)


def test_1064_billable_hours_of_1600_are_665_per_mille(books: Books) -> None:
    for number in range(10):
        books.put(
            "psa.employee", id=f"E{number}", employee_no=f"E-{number}", status="ACTIVE", capacity_minutes_per_day=480
        )
    days = ["2026-02-02", "2026-02-27"]
    for number, (day, hours, billing) in enumerate(((days[0], 800, "BILLED"), (days[1], 264, "UNBILLED"))):
        entry = {"minutes": hours * 60, "work_date": day, "approval": "APPROVED", "billable": True, "billing": billing}
        books.put("psa.time_entry", entry_id=f"T{number}", **entry)
    assert figure(books, "utilization").value == "0.6650"
    assert figure(books, "billed_utilization").value == "0.5000"


def test_what_was_billed_is_93_percent_of_the_card(books: Books) -> None:
    books.put("psa.rate_card", code="US", card_version=1, rows=[{"level": "SENIOR", "rate": 2_000_000}])
    books.put("psa.project", project_no="CT-1-P01", rate_card_code="US", rate_card_version=1, status="ACTIVE")
    books.put("psa.employee", id="E1", employee_no="E-1", level="SENIOR")
    entry = {"project_no": "CT-1-P01", "employee": "E1", "approval": "APPROVED", "ccy": "USD", "billing": "BILLED"}
    books.put("psa.time_entry", entry_id="T1", minutes=60_000, **entry)
    items = [{"source_id": "T1", "ccy": "USD", "amount": 18_600_000}]
    books.put("billing.invoice", invoice_no="INV-1", status="POSTED", ccy="USD", items=items)
    assert figure(books, "realization").value == "0.9300"


def test_the_margin_of_276000_with_154000_of_cost_is_442_per_mille(books: Books) -> None:
    books.entry("JE-1", "2026-05-31T00:00:00.000Z", "P2", "2300 276000 | 4000 -276000")
    books.entry("JE-2", "2026-05-31T00:00:00.000Z", "P6", "5000 154000 | 2500 -154000")
    assert figure(books, "project_margin").value == "0.4420"


def test_280000_open_of_840000_billed_are_30_days(books: Books) -> None:
    for number, (due, opened) in enumerate((("2026-04-20", 7_000_000), ("2026-05-20", 21_000_000), ("2026-05-20", 0))):
        head = {"invoice_no": f"INV-{number}", "doc_type": "INVOICE", "issue_date": "2026-03-20", "status": "POSTED"}
        books.put("erp.ar_document", ccy="USD", total=28_000_000, open_amount=opened, due=due, **head)
    assert figure(books, "dso").value == "30.0"
    assert figure(books, "best_possible_dso").value == "22.5"


def test_a_forecast_of_90_for_100_was_90_percent_right(books: Books) -> None:
    stones = [{"ms_code": "M1", "amount": 9_000, "ccy": "USD", "planned": "2026-04-15"}]
    books.put("crm.contract", contract_no="CT-1", status="ACTIVE", ccy="USD", milestones=stones)
    lines = [{"line_no": 1, "ms_code": "M1", "net": 10_000}]
    invoice = {
        "invoice_no": "INV-1",
        "contract_no": "CT-1",
        "status": "POSTED",
        "issue_date": "2026-04-20",
        "ccy": "USD",
    }
    books.put("billing.invoice", lines=lines, **invoice)
    assert figure(books, "forecast_accuracy").value == "0.9000"


def test_one_customer_of_four_is_redundant(books: Books) -> None:
    for name in ("Acme Inc", "ACME, Inc.", "Borealis", "Caldera"):
        books.put("erp.customer", name=name, country="US", status="ACTIVE", distinct_approved=False)
    assert figure(books, "duplicate_rate").value == "0.2500"
