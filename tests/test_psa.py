"""The PSA's deeds: projects, time, expenses, milestones, change orders and what billing tells delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.psa import rates

if TYPE_CHECKING:
    from tests.conftest import Desk

PROJECT, SENIOR, FIXED, HOURLY = "CT-0001-P01", "E-00001", "CT-0001-P01/T-1", "CT-0001-P01/T-2"


def usd(amount: str) -> Money:
    """Dollars."""
    return Money(money.minor(amount, "USD"), "USD")


@pytest.fixture
def staffed(psa: Desk) -> Desk:
    """A desk with an active project of three lines, two tasks, and a senior who is assigned to it."""
    psa.create("customer", customer_no="CU-000001", name="Aldergate Logistics", country="US")
    rows = [{"level": "SENIOR", "rate": money.price("225.00")}, {"level": "CONSULTANT", "rate": money.price("175.00")}]
    psa.create("rate_card", code="US", card_version=1, ccy="USD", effective_from="2026-01-01", rows=rows)
    psa.create(
        "employee", name="Dana", legal_entity="CF-US", level="SENIOR", cost_rate=money.price("110.00"), cost_ccy="USD"
    )
    lines: list[Record] = [
        {"line_no": 1, "type": "FIXED_FEE", "amount": usd("240,000.00")},
        {"line_no": 2, "type": "TM_CAPPED", "cap": usd("10,000.00")},
        {"line_no": 3, "type": "EXPENSE", "expense_markup": money.rate("0.10")},
    ]
    psa.create(
        "project",
        contract_no="CT-0001",
        customer="CU-000001",
        name="Network redesign",
        legal_entity="CF-US",
        ccy="USD",
        rate_card="US/1",
        budget_hours=1200,
        budget_cost=usd("132,000.00"),
        lines=lines,
    )
    psa.create("task", project=PROJECT, task_code="T-1", name="Fixed fee", line_no=1)
    psa.create("task", project=PROJECT, task_code="T-2", name="Change requests", line_no=2)
    psa.act("activate_project", PROJECT)
    psa.create("assignment", project=PROJECT, employee=SENIOR)
    psa.events.clear()
    return psa


def worked(psa: Desk, task: str = HOURLY, minutes: int = 480, on: str = "2026-01-20", **more: Any) -> Record:
    return psa.act("record_time", employee=SENIOR, task=task, work_date=on, minutes=minutes, **more)


def approved(psa: Desk, **more: Any) -> Record:
    return psa.act("approve_time", worked(psa, **more)["key"], approver="Project manager")


def spent(psa: Desk, gross: Money, **more: Any) -> Record:
    fields: Record = {"category": "HOTEL", "spend_date": "2026-01-20", "spend_ccy": gross.ccy, "gross": gross}
    return psa.act("record_expense", employee=SENIOR, project=PROJECT, **(fields | more))


# projects


def test_a_project_is_numbered_within_its_contract_and_sums_its_fee(staffed: Desk) -> None:
    project = staffed.get("project", PROJECT)
    assert (project["budget_fee"], project["rate_card_code"], project["rate_card_version"]) == (25_000_000, "US", 1)
    second = staffed.create(
        "project", contract_no="CT-0001", customer="CU-000001", name="Again", legal_entity="CF-US", ccy="USD"
    )
    assert second["project_no"] == "CT-0001-P02"
    carded = staffed.change("project", "CT-0001-P02", rate_card="US/1")
    assert (carded["rate_card_code"], carded["rate_card_version"]) == ("US", 1)
    assert staffed.change("project", "CT-0001-P02", rate_card=None)["rate_card_code"] is None


def test_a_project_lives_by_its_states(staffed: Desk) -> None:
    assert staffed.refused("activate_project", PROJECT).status == 409
    assert staffed.refused("resume_project", PROJECT).status == 409
    for action in ("hold_project", "resume_project", "complete_project"):
        staffed.act(action, PROJECT)
    staffed.act("reopen_project", PROJECT, approver="Partner")
    assert staffed.announced() == {"approver": "Partner"}
    staffed.act("complete_project", PROJECT)
    staffed.act("close_project", PROJECT)
    assert staffed.refused("cancel_project", PROJECT).status == 409
    assert staffed.events == ["psa.project.status_changed"] * 6
    assert staffed.refused("record_time", employee=SENIOR, task=HOURLY, work_date="2026-01-20", minutes=60).code == (
        "PROJECT_CLOSED"
    )


def test_a_task_belongs_to_a_line_of_its_project(staffed: Desk) -> None:
    task = staffed.get("task", HOURLY)
    assert (task["project_no"], task["contract_no"]) == (PROJECT, "CT-0001")
    with pytest.raises(Problem) as caught:
        staffed.create("task", project=PROJECT, task_code="T-9", name="Unknown line", line_no=9)
    assert (caught.value.status, caught.value.field) == (422, "line_no")


def test_a_project_s_estimate_is_announced(staffed: Desk) -> None:
    project = staffed.act("update_etc", PROJECT, etc_hours=400, etc_cost=usd("44,000.00"))
    assert (project["etc_hours"], project["etc_cost"]) == (400, 4_400_000)
    assert staffed.events == ["psa.etc.updated"]
    assert staffed.refused("update_etc", PROJECT, etc_cost=Money(1, "EUR")).field == "etc_cost.ccy"


# time


def test_approval_freezes_rate_amount_and_cost(staffed: Desk) -> None:
    entry = approved(staffed, minutes=450)
    assert (entry["bill_rate"], entry["rate_source"], entry["amount"], entry["cost"]) == (
        2_250_000,
        "CARD",
        168_750,
        82_500,
    )
    assert (entry["billing"], entry["project_no"], entry["line_no"]) == ("UNBILLED", PROJECT, 2)
    assert staffed.events == ["psa.time.submitted", "psa.time.approved"]
    with pytest.raises(Problem, match="past the state"):
        staffed.change("time_entry", entry["key"], minutes=60)


def test_an_override_beats_the_card(staffed: Desk) -> None:
    staffed.change("assignment", f"{PROJECT}/{SENIOR}", bill_rate_override=money.price("200.00"))
    entry = approved(staffed, minutes=60)
    assert (entry["rate_source"], entry["amount"]) == ("OVERRIDE", 20_000)


def test_a_level_of_the_assignment_beats_the_person_s(staffed: Desk) -> None:
    staffed.change("assignment", f"{PROJECT}/{SENIOR}", level="CONSULTANT")
    assert approved(staffed, minutes=1440)["amount"] == 420_000


def test_time_on_a_fixed_fee_costs_and_is_not_billed(staffed: Desk) -> None:
    entry = approved(staffed, task=FIXED, minutes=600)
    assert (entry["billing"], entry["amount"], entry["cost"]) == ("NOT_BILLABLE", None, 110_000)


def test_time_said_not_to_be_billable_is_not_billed(staffed: Desk) -> None:
    assert approved(staffed, minutes=60, billable=False)["billing"] == "NOT_BILLABLE"
    draft = staffed.create("time_entry", employee=SENIOR, task=HOURLY, work_date="2026-01-20", minutes=60)
    with pytest.raises(Problem, match="recorded as UNBILLED"):
        staffed.change("time_entry", draft["key"], billable=False)


def test_the_card_version_in_force_on_the_day_rates_the_time(staffed: Desk) -> None:
    rows = [{"level": "SENIOR", "rate": money.price("240.00")}]
    staffed.create("rate_card", code="US", card_version=2, ccy="USD", effective_from="2026-01-16", rows=rows)
    amounts = {day: approved(staffed, minutes=60, on=f"2026-01-{day}")["amount"] for day in (10, 15, 16, 20)}
    assert amounts == {10: 22_500, 15: 22_500, 16: 24_000, 20: 24_000}


def test_time_without_a_rate_is_not_approved(staffed: Desk) -> None:
    entry = worked(staffed, minutes=60, on="2025-12-31")
    refusal = staffed.refused("approve_time", entry["key"], approver="Project manager")
    assert (refusal.status, refusal.code) == (409, "NO_RATE")


def test_time_on_a_closed_task_is_refused(staffed: Desk) -> None:
    staffed.act("close_task", HOURLY, open_to="2026-01-31")
    assert staffed.events == ["psa.task.closed"]
    ask: Record = {"employee": SENIOR, "task": HOURLY, "minutes": 60}
    refusal = staffed.refused("record_time", **ask, work_date="2026-02-01")
    assert (refusal.code, refusal.field) == ("TASK_CLOSED", "task")
    assert worked(staffed, minutes=60, on="2026-01-31")["approval"] == "SUBMITTED"
    staffed.act("reopen_task", HOURLY)
    refusal = staffed.refused("record_time", **ask, work_date="2026-02-01")
    assert (refusal.code, refusal.field) == ("TASK_CLOSED", "work_date")


def test_time_of_somebody_who_is_not_assigned_is_refused(staffed: Desk) -> None:
    staffed.act("end_assignment", f"{PROJECT}/{SENIOR}", to_date="2026-01-15")
    ask: Record = {"employee": SENIOR, "task": HOURLY, "minutes": 60}
    assert staffed.refused("record_time", **ask, work_date="2026-01-16").code == "NOT_ASSIGNED"
    assert worked(staffed, minutes=60, on="2026-01-15")["approval"] == "SUBMITTED"
    draft = staffed.create("time_entry", **ask, work_date="2026-01-16")
    assert staffed.refused("submit_time", draft["key"]).code == "NOT_ASSIGNED"


def test_rejected_time_is_corrected_and_submitted_again(staffed: Desk) -> None:
    entry = worked(staffed, minutes=60)
    assert staffed.act("reject_time", entry["key"], reason="Wrong day")["rejected_reason"] == "Wrong day"
    assert staffed.change("time_entry", entry["key"], work_date="2026-01-21")["approval"] == "DRAFT"
    again = staffed.act("submit_time", entry["key"])
    assert (again["approval"], again["rejected_reason"], again["key"]) == ("SUBMITTED", None, entry["key"])
    staffed.act("reject_time", entry["key"], reason="Still wrong")
    assert staffed.act("submit_time", entry["key"])["approval"] == "SUBMITTED"


def test_approval_is_taken_back_only_while_nothing_is_billed(staffed: Desk) -> None:
    entry = approved(staffed, minutes=60)
    back = staffed.act("unapprove_time", entry["key"], reason="Wrong client")
    assert (back["approval"], back["amount"], back["bill_rate"], back["approved_by"]) == ("SUBMITTED", None, None, None)
    assert staffed.events[-1] == "psa.time.unapproved"
    assert staffed.refused("unapprove_time", entry["key"], reason="Again").code == "ILLEGAL_TRANSITION"
    staffed.act("approve_time", entry["key"], approver="Project manager")
    staffed.act("mark_billed", PROJECT, items=[item(entry)])
    assert staffed.refused("unapprove_time", entry["key"], reason="Too late").code == "ENTRY_BILLED"


# expenses


@pytest.mark.parametrize(
    ("gross", "vat", "fx", "markup", "cost", "bill"),
    [
        (usd("1,234.50"), None, None, "0.10", "1234.50", "1357.95"),
        (Money(41_230, "EUR"), None, "1.0830", "0.08", "446.52", "482.24"),
        (Money(41_230, "EUR"), Money(6_583, "EUR"), "1.0830", "0.08", "375.23", "405.25"),
    ],
)
def test_an_expense_is_billed_at_converted_cost_plus_markup(
    staffed: Desk, gross: Money, vat: Money | None, fx: str | None, markup: str, cost: str, bill: str
) -> None:
    given: Record = {"vat_recoverable": vat, "fx_rate": fx and money.rate(fx), "markup": money.rate(markup)}
    entry = spent(staffed, gross, **{name: value for name, value in given.items() if value is not None})
    done = staffed.act("approve_expense", entry["key"], approver="Project manager")
    assert (done["cost"], done["bill_amount"]) == (money.minor(cost, "USD"), money.minor(bill, "USD"))
    assert (done["billing"], done["line_no"]) == ("UNBILLED", 3)
    assert staffed.events == ["psa.expense.approved"]


def test_the_expense_line_gives_the_markup(staffed: Desk) -> None:
    entry = spent(staffed, usd("100.00"))
    assert entry["markup"] == money.rate("0.10")
    done = staffed.act("approve_expense", entry["key"], approver="Project manager")
    assert done["bill_amount"] == 11_000
    back = staffed.act("unapprove_expense", entry["key"], reason="No receipt")
    assert (back["approval"], back["cost"], back["bill_amount"]) == ("SUBMITTED", None, None)


def test_an_expense_beside_the_expense_lines_is_not_billed(staffed: Desk) -> None:
    entry = spent(staffed, usd("100.00"), line_no=1)
    done = staffed.act("approve_expense", entry["key"], approver="Project manager")
    assert (done["billing"], done["cost"], done["bill_amount"]) == ("NOT_BILLABLE", 10_000, None)


@pytest.mark.parametrize(
    ("gross", "more", "field"),
    [
        (Money(100, "EUR"), {}, "fx_rate"),
        (Money(100, "EUR"), {"spend_ccy": "USD"}, "gross.ccy"),
        (usd("100.00"), {"vat_recoverable": usd("100.01")}, "vat_recoverable"),
        (usd("100.00"), {"fx_rate": money.rate("1.1")}, "fx_rate"),
        (usd("100.00"), {"line_no": 9}, "line_no"),
        (Money(10**15, "EUR"), {"fx_rate": money.rate("999999")}, "gross"),
        (usd("9,000,000,000,000.00"), {"markup": money.rate("999999")}, "markup"),
    ],
)
def test_an_expense_that_does_not_add_up_is_refused(staffed: Desk, gross: Money, more: Record, field: str) -> None:
    with pytest.raises(Problem) as caught:
        spent(staffed, gross, **more)
    assert (caught.value.status, caught.value.field) == (422, field)


def test_a_foreign_expense_takes_the_published_rate_of_its_day(staffed: Desk) -> None:
    hotel = Money(41_230, "EUR")
    with pytest.raises(Problem, match="no rate of 2026-01-20 is published") as caught:
        spent(staffed, hotel)
    assert (caught.value.status, caught.value.field) == (422, "fx_rate")
    for day, rate in (("2026-01-14", "1.07"), ("2026-01-16", "1.083"), ("2026-01-21", "1.09")):
        staffed.create("fx_rate", from_ccy="EUR", to_ccy="USD", rate_date=day, rate=money.rate(rate))
    assert spent(staffed, hotel)["fx_rate"] == money.rate("1.083")
    assert spent(staffed, hotel, fx_rate=money.rate("1.1"))["fx_rate"] == money.rate("1.1")
    assert spent(staffed, usd("10"))["fx_rate"] == money.RATE_SCALE


@pytest.mark.parametrize(("gross", "receipt", "billing"), [
    ("75.01", False, "ON_HOLD"), ("75.00", False, "UNBILLED"), ("500.00", True, "UNBILLED"),
])  # fmt: skip
def test_without_a_receipt_a_large_expense_waits(staffed: Desk, gross: str, receipt: bool, billing: str) -> None:
    entry = spent(staffed, usd(gross), receipt=receipt)
    assert staffed.act("approve_expense", entry["key"], approver="Project manager")["billing"] == billing
    done = staffed.act("add_receipt", entry["key"])
    assert (done["billing"], done["receipt"]) == ("UNBILLED", True)
    assert staffed.events[-1] == ("psa.expense.approved" if receipt else "psa.expense.receipt_added")


def test_time_says_which_company_employs_the_person(staffed: Desk) -> None:
    staffed.change("employee", SENIOR, legal_entity="CF-UK")
    entry = worked(staffed)
    assert (entry["employee_entity"], entry["legal_entity"]) == ("CF-UK", "CF-US")


def test_expense_formulas_round_once_each() -> None:
    cost = rates.expense_cost(41_230, 6_583, money.rate("1.083"), "EUR", "USD")
    assert (cost, rates.expense_bill(cost, money.rate("0.08"))) == (37_523, 40_525)
    assert rates.expense_cost(10_000, 0, money.rate("0.0067"), "JPY", "USD") == 6_700


# what billing says


def item(entry: Record, invoice_line: str = "INV-US-00001/1", kind: str = "TIME") -> Record:
    return {"source_type": kind, "source_id": entry["key"], "invoice_line": invoice_line}


def test_billing_the_same_line_again_changes_nothing(staffed: Desk) -> None:
    entry = approved(staffed, minutes=60)
    staffed.act("mark_billed", PROJECT, items=[item(entry)])
    billed = staffed.get("time_entry", entry["key"])
    assert (billed["billing"], billed["invoice_line"]) == ("BILLED", "INV-US-00001/1")
    staffed.act("mark_billed", PROJECT, items=[item(entry)])
    assert staffed.get("time_entry", entry["key"]) == billed
    refusal = staffed.refused("mark_billed", PROJECT, items=[item(entry, "INV-US-00002/1")])
    assert (refusal.status, refusal.code) == (409, "ALREADY_BILLED")


def test_a_release_spares_what_a_later_invoice_bills(staffed: Desk) -> None:
    entry = approved(staffed, minutes=60)
    staffed.act("mark_billed", PROJECT, items=[item(entry)])
    staffed.act("release_billed", PROJECT, items=[item(entry)])
    assert staffed.get("time_entry", entry["key"])["billing"] == "UNBILLED"
    staffed.act("mark_billed", PROJECT, items=[item(entry, "INV-US-00002/1")])
    staffed.act("release_billed", PROJECT, items=[item(entry)])
    assert staffed.get("time_entry", entry["key"])["invoice_line"] == "INV-US-00002/1"


def test_only_approved_billable_entries_of_the_project_are_billed(staffed: Desk) -> None:
    submitted = worked(staffed, minutes=60)
    assert staffed.refused("mark_billed", PROJECT, items=[item(submitted)]).code == "NOT_APPROVED"
    fixed = approved(staffed, task=FIXED, minutes=60)
    assert staffed.refused("mark_billed", PROJECT, items=[item(fixed)]).code == "ILLEGAL_TRANSITION"
    refusal = staffed.refused("mark_billed", PROJECT, items=[{**item(fixed), "source_id": "TE-999999"}])
    assert (refusal.status, refusal.field) == (422, "items[0].source_id")


# milestones


@pytest.fixture
def milestone(staffed: Desk) -> Record:
    """M1 of the staffed project, planned."""
    return staffed.create("milestone", project=PROJECT, ms_code="M1", name="Design", amount=usd("72,000.00"))


def test_a_milestone_is_completed_accepted_and_taken_back(staffed: Desk, milestone: Record) -> None:
    assert (milestone["key"], milestone["ccy"], milestone["legal_entity"]) == ("CT-0001/M1", "USD", "CF-US")
    key = milestone["key"]
    assert staffed.refused("accept_milestone", key, accepted_by="Sponsor").status == 409
    done = staffed.act("complete_milestone", key)
    assert (done["status"], done["completed_at"], done["version"]) == ("COMPLETED", done["updated_at"], 3)
    accepted = staffed.act("accept_milestone", key, accepted_by="Sponsor")
    assert (accepted["status"], accepted["accepted_by"]) == ("ACCEPTED", "Sponsor")
    assert staffed.refused("complete_milestone", key).status == 409
    back = staffed.act("uncomplete_milestone", key, reason="Defect", approver="Partner")
    assert (back["status"], back["completed_at"], back["accepted_by"]) == ("IN_PROGRESS", None, None)
    assert staffed.announced() == {"reason": "Defect", "approver": "Partner"}
    assert staffed.events == ["psa.milestone.completed", "psa.milestone.accepted", "psa.milestone.uncompleted"]
    assert staffed.refused("uncomplete_milestone", key, reason="Again", approver="Partner").status == 409


# change orders

CO_1: Record = {
    "co_seq": 1,
    "fee": usd("36,000.00"),
    "cap": usd("30,000.00"),
    "hours": 200,
    "cost": usd("22,000.00"),
    "milestones": [{"op": "ADD", "ms_code": "M4", "name": "Extension", "amount": usd("36,000.00")}],
}


def test_a_change_order_moves_budget_and_milestones_once(staffed: Desk, milestone: Record) -> None:
    assert staffed.act("apply_change_order", PROJECT, **CO_1)["key"] == "CT-0001/CO-1"
    project = staffed.get("project", PROJECT)
    assert (project["budget_fee"], project["budget_hours"], project["budget_cost"]) == (31_600_000, 1400, 15_400_000)
    assert (project["co_seq"], project["lines"][0]["amount"], project["lines"][1]["cap"]) == (1, 27_600_000, 4_000_000)
    assert staffed.get("milestone", "CT-0001/M4")["amount"] == 3_600_000
    refusal = staffed.refused("apply_change_order", PROJECT, **CO_1)
    assert (refusal.status, refusal.code) == (409, "CHANGE_ORDER_APPLIED")
    assert staffed.get("project", PROJECT) == project


def test_a_change_order_changes_and_removes_milestones(staffed: Desk, milestone: Record) -> None:
    change = {"op": "CHANGE", "ms_code": "M1", "amount": usd("60,000.00")}
    staffed.act("apply_change_order", PROJECT, co_seq=1, milestones=[change])
    assert staffed.get("milestone", "CT-0001/M1")["amount"] == 6_000_000
    staffed.act("apply_change_order", PROJECT, co_seq=2, milestones=[{"op": "REMOVE", "ms_code": "M1"}])
    assert staffed.get("milestone", "CT-0001/M1")["status"] == "CANCELLED"


def test_the_amount_of_a_completed_milestone_follows_the_contract(staffed: Desk, milestone: Record) -> None:
    staffed.act("complete_milestone", "CT-0001/M1")
    change = {"op": "CHANGE", "ms_code": "M1", "amount": usd("60,000.00")}
    staffed.act("apply_change_order", PROJECT, co_seq=1, milestones=[change])
    held = staffed.get("milestone", "CT-0001/M1")
    assert (held["status"], held["amount"]) == ("COMPLETED", 6_000_000)


def test_a_change_order_that_does_not_fit_changes_nothing(staffed: Desk, milestone: Record) -> None:
    staffed.act("complete_milestone", "CT-0001/M1")
    before = staffed.get("project", PROJECT)
    removal = {"op": "REMOVE", "ms_code": "M1"}
    assert staffed.refused("apply_change_order", PROJECT, co_seq=1, milestones=[removal]).status == 409
    assert staffed.refused("apply_change_order", PROJECT, co_seq=1, hours=-1201).field == "hours"
    assert staffed.refused("apply_change_order", PROJECT, co_seq=1, fee=Money(1, "EUR")).field == "fee.ccy"
    assert staffed.get("project", PROJECT) == before
    assert staffed.list("change_order") == []


# master data


def test_a_copy_of_a_rate_card_is_published_from_the_start(staffed: Desk) -> None:
    assert staffed.get("rate_card", "US/1")["status"] == "PUBLISHED"
    with pytest.raises(Problem, match="never changes"):
        staffed.change("rate_card", "US/1", effective_from="2026-02-01")
    assert staffed.act("publish_rate_card", "US/1")["version"] == 1
    assert "crm.rate_card.published" not in staffed.events


def test_a_rate_card_is_changed_rate_by_rate_and_stays_while_a_project_is_priced_by_it(staffed: Desk) -> None:
    card = staffed.act("set_card_rate", "US/1", level="ANALYST", rate=money.price("120"))
    card = staffed.act("set_card_rate", "US/1", level="SENIOR", rate=money.price("260"))
    assert [(row["level"], row["rate"]) for row in card["rows"]] == [
        ("SENIOR", 2_600_000), ("CONSULTANT", 1_750_000), ("ANALYST", 1_200_000),
    ]  # fmt: skip
    before = approved(staffed)
    card = staffed.act("set_card_rate", "US/1", level="SENIOR", rate=money.price("270"))
    card = staffed.act("set_card_rate", "US/1", level="ANALYST")
    assert [row["level"] for row in card["rows"]] == ["SENIOR", "CONSULTANT"]
    assert staffed.get("time_entry", before["key"])["bill_rate"] == 2_600_000
    assert staffed.refused("drop_rate_card", "US/1").code == "RATE_CARD_IN_USE"
    staffed.create("rate_card", code="UK", card_version=1, ccy="GBP", effective_from="2026-06-01", rows=[])
    assert staffed.act("drop_rate_card", "UK/1")["deleted_at"] is not None


def test_a_version_stays_while_a_project_names_another_version_of_its_card(staffed: Desk) -> None:
    for number, ccy in ((2, "USD"), (3, "EUR")):
        card = {"code": "US", "card_version": number, "ccy": ccy, "effective_from": "2026-01-12"}
        staffed.create("rate_card", **card, rows=[{"level": "SENIOR", "rate": money.price("240")}])
    assert approved(staffed)["bill_rate"] == 2_400_000
    assert staffed.refused("drop_rate_card", "US/2").code == "RATE_CARD_IN_USE"
    assert staffed.act("drop_rate_card", "US/3")["deleted_at"] is not None
