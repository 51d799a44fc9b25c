"""The billing engine's deeds: plans and their due dates, items and caps, invoices and credit memos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from counterfoil_mocks.billing.plans import next_due
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.timers import next_timer
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from tests.conftest import Desk

US: dict[str, Any] = {
    "code": "CF-US",
    "name": "Counterfoil Advisory Inc.",
    "country": "US",
    "tz": "America/Chicago",
    "functional_ccy": "USD",
    "rounding_policy": "LINE",
    "invoice_series": "INV-CF-US",
}
FIRST, SECOND = "INV-CF-US-00001", "INV-CF-US-00002"


def usd(amount: str) -> Money:
    return Money(money.minor(amount, "USD"), "USD")


def cents(amount: str) -> int:
    return money.minor(amount, "USD")


@pytest.fixture
def billing(desks: dict[str, Desk]) -> Desk:
    """A billing engine with one company, two tax codes and one customer."""
    desk = desks["billing"]
    desk.create("legal_entity", **US)
    desk.create(
        "tax_code", code="TX-DP", kind="SALES_TAX", rate=money.rate("0.0825"), taxable_fraction=money.rate("0.8")
    )
    desk.create("tax_code", code="NT", kind="NONE", rate=0, category="O")
    desk.create("tax_code", code="RC", kind="VAT", rate=0, category="AE", legend="Reverse charge")
    desk.create("customer", customer_no="CU-000001", name="Aldergate Logistics", country="US", vat_id="US-1")
    desk.create("site", customer="CU-000001", site_code="HQ", country="US", lines=["1 Harbor Way", "Chicago"])
    return desk


LINES: list[dict[str, Any]] = [
    {"kind": "MOBILISATION", "amount": usd("48,000"), "tax_code": "TX-DP"},
    {"kind": "MILESTONE", "amount": usd("72,000"), "ms_code": "M1", "tax_code": "TX-DP"},
    {"kind": "MILESTONE", "amount": usd("72,000"), "ms_code": "M2", "tax_code": "TX-DP"},
    {
        "kind": "TM_CYCLE",
        "line_type": "TM_CAPPED",
        "line_no": 2,
        "cap": usd("10,000"),
        "due": "2026-02-01",
        "every_months": 1,
        "tax_code": "TX-DP",
    },
    {
        "kind": "TM_CYCLE",
        "line_type": "EXPENSE",
        "line_no": 3,
        "due": "2026-02-01",
        "every_months": 1,
        "tax_code": "NT",
    },
]


def a_plan(billing: Desk, lines: list[dict[str, Any]] | None = None, **more: Any) -> Record:
    fields = {"contract_no": "CT-0001", "customer": "CU-000001", "legal_entity": "CF-US", "ccy": "USD"}
    return billing.act("create_plan", **(fields | more), lines=LINES if lines is None else lines)


def an_hour(billing: Desk, source_id: str, minutes: int, rate: str, day: str = "2026-01-20", **more: Any) -> Record:
    price = money.price(rate)
    fields = {"contract_no": "CT-0001", "line_no": 2, "work_date": day, "minutes": minutes, "unit_price": price}
    amount = Money(money.time_amount(minutes, price, "USD"), "USD")
    return billing.create(
        "billable_item", source_type="TIME", source_id=source_id, ccy="USD", amount=amount, **(fields | more)
    )


def an_expense(billing: Desk, source_id: str, amount: str, **more: Any) -> Record:
    fields = {"contract_no": "CT-0001", "line_no": 3, "work_date": "2026-01-21", "ccy": "USD"}
    return billing.create(
        "billable_item", source_type="EXPENSE", source_id=source_id, amount=usd(amount), **(fields | more)
    )


def issued(billing: Desk, **what: Any) -> Record:
    draft = billing.act("draft_invoice", contract_no="CT-0001", **what)
    billing.act("approve_invoice", draft["id"])
    return billing.act("issue_invoice", draft["id"])


def live_until(billing: Desk, day: str) -> None:
    """Do what the timers say up to 09:00 in Chicago."""
    system, until = billing.system, clock.instant_of(day, "America/Chicago", 9)
    while (timer := next_timer([system], until)) is not None:
        system.clock.move_to(timer.at)
        with Tx(system, Origin(kind="schedule", actor="schedule")) as tx:
            system.store.execute("DELETE FROM billing.timer WHERE id = ?", (timer.id,))
            system.role.timers[timer.kind](tx, timer.payload)
            billing.events += [each["type"].removeprefix("com.counterfoil.").removesuffix(".v1") for each in tx.events]
    system.clock.move_to(until)


def lines_of(billing: Desk, **where: Any) -> list[Record]:
    return sorted(billing.list("plan_line", **where), key=lambda line: line["plan_line"])


# plans


def test_a_plan_and_its_lines_are_made_at_once_and_announced_once(billing: Desk) -> None:
    plan = a_plan(billing)
    assert billing.events[-1] == "billing.plan.created"
    assert billing.events.count("billing.plan.created") == 1
    assert plan["customer_no"] == "CU-000001"
    told = billing.announced()["lines"]
    assert [(line["key"], line["status"]) for line in told][:2] == [
        ("CT-0001/1", "SCHEDULED"),
        ("CT-0001/2", "SCHEDULED"),
    ]
    assert told[0]["amount"] == {"minor": 4_800_000, "ccy": "USD"}


def test_a_contract_has_one_plan(billing: Desk) -> None:
    a_plan(billing)
    with pytest.raises(Problem) as refused:
        a_plan(billing)
    assert refused.value.code == "DUPLICATE_KEY"


def test_due_lines_of_a_plan_become_ready_together_and_leave_successors(billing: Desk) -> None:
    a_plan(billing)
    live_until(billing, "2026-01-31")
    assert not lines_of(billing, status="READY")
    live_until(billing, "2026-02-01")
    assert [line["key"] for line in lines_of(billing, status="READY")] == ["CT-0001/4", "CT-0001/5"]
    assert [line["due"] for line in lines_of(billing, kind="TM_CYCLE", status="SCHEDULED")] == ["2026-03-01"] * 2
    assert billing.events[-2:] == ["billing.plan.changed"] * 2
    live_until(billing, "2026-04-02")
    assert [line["due"] for line in lines_of(billing, kind="TM_CYCLE", line_no=2)] == [
        "2026-02-01",
        "2026-03-01",
        "2026-04-01",
        "2026-05-01",
    ]
    assert {line["cap"] for line in lines_of(billing, line_no=2)} == {cents("10,000")}


def test_an_anchor_day_is_remembered_through_short_months() -> None:
    assert next_due("2028-01-31", 1, 31) == "2028-02-29"
    assert next_due("2028-02-29", 1, 31) == "2028-03-31"
    assert next_due("2026-01-31", 1, 31) == "2026-02-28"
    assert next_due("2026-12-15", 1, 15) == "2027-01-15"
    assert next_due("2026-11-30", 3, 30) == "2027-02-28"


def test_a_schedule_on_the_31st_returns_to_the_31st(billing: Desk) -> None:
    a_plan(
        billing,
        [{"kind": "RETAINER", "line_type": "RETAINER", "amount": usd("100"), "due": "2026-01-31", "every_months": 1}],
    )
    live_until(billing, "2026-04-01")
    assert [line["due"] for line in lines_of(billing)] == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_a_held_plan_waits_and_catches_up_when_it_is_resumed(billing: Desk) -> None:
    a_plan(billing)
    billing.act("hold_plan", "CT-0001")
    live_until(billing, "2026-02-02")
    assert not lines_of(billing, status="READY")
    assert billing.refused("draft_invoice", contract_no="CT-0001", plan_lines=["CT-0001/1"]).code == "PLAN_HELD"
    billing.act("resume_plan", "CT-0001")
    assert len(lines_of(billing, status="READY")) == 2


def test_a_plan_line_is_held_released_and_cancelled(billing: Desk) -> None:
    a_plan(billing)
    assert billing.act("ready_plan_line", "CT-0001/2")["ready_at"] is not None
    assert billing.act("ready_plan_line", "CT-0001/2")["version"] == 2
    billing.act("hold_plan_line", "CT-0001/2")
    refused = billing.refused("draft_invoice", contract_no="CT-0001", plan_lines=["CT-0001/2"])
    assert refused.code == "PLAN_LINE_NOT_READY"
    assert billing.act("release_plan_line", "CT-0001/2")["status"] == "READY"
    assert billing.act("cancel_plan_line", "CT-0001/2")["status"] == "CANCELLED"
    assert billing.refused("ready_plan_line", "CT-0001/2").code == "ILLEGAL_TRANSITION"


def test_a_cycle_that_is_ended_early_leaves_the_next_one(billing: Desk) -> None:
    a_plan(billing)
    billing.act("ready_plan_line", "CT-0001/4")
    assert [(line["status"], line["due"]) for line in lines_of(billing, line_no=2)] == [
        ("READY", "2026-02-01"),
        ("SCHEDULED", "2026-03-01"),
    ]
    live_until(billing, "2026-03-02")
    assert [line["due"] for line in lines_of(billing, line_no=2)] == ["2026-02-01", "2026-03-01", "2026-04-01"]


# items and caps


def test_work_that_was_credited_and_not_released_has_used_its_cap(billing: Desk) -> None:
    a_plan(billing)
    billing.act("ready_plan_line", "CT-0001/4")
    an_hour(billing, "e1", 600, "1000")
    issued(billing, plan_lines=["CT-0001/4"], items=["e1"])
    billing.act("record_ar_status", FIRST, ar_status="POSTED")
    billing.act("credit_invoice", FIRST, reason="GOODWILL")
    assert an_hour(billing, "e2", 60, "1000")["billing"] == "OVER_CAP"


def test_work_above_the_cap_goes_when_its_approval_is_withdrawn(billing: Desk) -> None:
    a_plan(billing)
    an_hour(billing, "e1", 600, "1000")
    assert an_hour(billing, "e2", 60, "1000")["billing"] == "OVER_CAP"
    billing.delete("billable_item", "e2")
    assert [each["source_id"] for each in billing.list("billable_item")] == ["e1"]


def test_labour_above_the_cap_is_split_and_announced_once(billing: Desk) -> None:
    cap = {"kind": "TM_CYCLE", "line_type": "TM_CAPPED", "line_no": 2, "cap": usd("40,000"), "tax_code": "TX-DP"}
    expenses = {"kind": "TM_CYCLE", "line_type": "EXPENSE", "line_no": 3, "tax_code": "NT"}
    a_plan(billing, [cap, expenses])
    an_hour(billing, "e0", 60 * 16, "2093.75")
    for number, (minutes, rate) in enumerate([(480, "225"), (480, "175"), (450, "225"), (570, "175"), (240, "225")], 1):
        an_hour(billing, f"e{number}", minutes, rate, f"2026-01-2{number}")
    an_expense(billing, "x1", "5,000")
    items = {each["source_id"]: each for each in billing.list("billable_item")}
    assert items["e3"]["over_cap"] == 0
    assert (items["e4"]["over_cap"], items["e4"]["billing"]) == (cents("50"), "UNBILLED")
    assert (items["e5"]["over_cap"], items["e5"]["billing"]) == (cents("900"), "OVER_CAP")
    assert items["x1"]["over_cap"] == 0
    assert billing.events.count("billing.cap.reached") == 1

    invoice = issued(billing, plan_lines=["CT-0001/1"], items=[f"e{number}" for number in range(1, 6)])
    assert invoice["net"] == cents("6,500")
    assert billing.get("billable_item", "e4")["billing"] == "BILLED"
    assert billing.get("billable_item", "e5")["billing"] == "OVER_CAP"

    billing.act(
        "apply_change_order", "CT-0001", co_seq=1, cap=usd("5,000"), cap_lines=[{"line_no": 2, "cap": usd("5,000")}]
    )
    assert billing.announced()["released"] == [
        {"source_id": "e4", "amount": {"minor": 5_000, "ccy": "USD"}},
        {"source_id": "e5", "amount": {"minor": 90_000, "ccy": "USD"}},
    ]
    rest = issued(billing, items=["e4", "e5"])
    assert rest["net"] == cents("950")
    assert {each["billing"] for each in billing.list("billable_item", source_id=["e4", "e5"])} == {"BILLED"}
    assert sum(each["amount"] - each["over_cap"] for each in billing.list("billable_item", line_no=2)) == cents(
        "40,950"
    )


def test_an_item_is_frozen_but_may_be_held_and_given_up(billing: Desk) -> None:
    a_plan(billing)
    an_hour(billing, "e1", 60, "225")
    with pytest.raises(Problem) as refused:
        billing.change("billable_item", "e1", amount=usd("1"))
    assert refused.value.code == "RECORD_FROZEN"
    assert billing.act("hold_item", "e1", hold_reason="Receipt missing")["hold_reason"] == "Receipt missing"
    assert billing.refused("draft_invoice", contract_no="CT-0001", items=["e1"]).code == "ITEM_NOT_BILLABLE"
    assert billing.act("release_item", "e1")["billing"] == "UNBILLED"
    assert billing.act("write_off_item", "e1", reason="Goodwill", approver="Controller")["billing"] == "WRITTEN_OFF"


# invoices


def test_the_mobilisation_invoice_is_right_to_the_cent(billing: Desk) -> None:
    a_plan(billing)
    billing.act("ready_plan_line", "CT-0001/1")
    invoice = issued(billing, plan_lines=["CT-0001/1"])
    assert billing.events[-1] == "billing.invoice.issued"
    assert (invoice["net"], invoice["tax"], invoice["total"]) == tuple(map(cents, ("48,000", "3,168", "51,168")))
    assert (invoice["invoice_no"], invoice["issue_date"], invoice["due"]) == (FIRST, "2026-01-05", "2026-02-04")
    assert invoice["bill_to_name"] == "Aldergate Logistics"
    assert invoice["bill_to_lines"] == ["1 Harbor Way", "Chicago"]
    assert invoice["bill_to_vat_id"] == "US-1"
    line = billing.get("plan_line", "CT-0001/1")
    assert (line["status"], line["invoice_no"]) == ("INVOICED", FIRST)


def test_april_of_the_running_example(billing: Desk) -> None:
    a_plan(billing)
    billing.change("plan_line", "CT-0001/4", cap=usd("40,000"))
    for number, minutes in enumerate((600, 600, 600, 600, 150), 1):
        an_hour(billing, f"s{number}", minutes, "225")
    for number, minutes in enumerate((600, 600, 615), 1):
        an_hour(billing, f"c{number}", minutes, "175")
    an_expense(billing, "x1", "1,357.95")
    live_until(billing, "2026-02-01")
    invoice = issued(
        billing,
        plan_lines=["CT-0001/4", "CT-0001/5"],
        items=[each["source_id"] for each in billing.list("billable_item")],
    )
    rows = [(line["minutes"], line["net"], line["tax"], line["plan_line"]) for line in invoice["lines"]]
    assert rows == [
        (2550, cents("9,562.50"), cents("631.13"), "CT-0001/4"),
        (1815, cents("5,293.75"), cents("349.39"), "CT-0001/4"),
        (None, cents("1,357.95"), 0, "CT-0001/5"),
    ]
    assert (invoice["net"], invoice["tax"], invoice["total"]) == tuple(map(cents, ("16,214.20", "980.52", "17,194.72")))
    assert [line["line_type"] for line in invoice["lines"]] == ["TM_CAPPED", "TM_CAPPED", "EXPENSE"]
    assert sum(row["amount"] for row in invoice["items"]) == invoice["net"]
    assert {each["billing"] for each in billing.list("billable_item")} == {"BILLED"}


def test_hours_share_a_line_only_where_their_sum_rounds_to_the_same(billing: Desk) -> None:
    a_plan(billing)
    for number in range(3):
        an_hour(billing, f"e{number}", 10, "100.10")
    draft = billing.act("draft_invoice", contract_no="CT-0001", items=["e0", "e1", "e2"])
    assert [line["net"] for line in draft["lines"]] == [1668, 1668, 1668]
    assert draft["net"] == sum(each["amount"] for each in billing.list("billable_item"))


def test_a_per_invoice_policy_distributes_the_rounded_tax(billing: Desk) -> None:
    billing.change("legal_entity", "CF-US", rounding_policy="INVOICE")
    billing.create("tax_code", code="TX-825", kind="SALES_TAX", rate=money.rate("0.0825"))
    nets = ("2,113.08", "2,012.18", "175.43")
    lines = [
        {"kind": "MILESTONE", "ms_code": f"M{n}", "amount": usd(net), "tax_code": "TX-825"}
        for n, net in enumerate(nets)
    ]
    a_plan(billing, lines)
    draft = billing.act("draft_invoice", contract_no="CT-0001", plan_lines=[f"CT-0001/{n}" for n in (1, 2, 3)])
    assert (draft["rounding_policy"], draft["tax"]) == ("INVOICE", cents("354.81"))
    assert sum(line["tax"] for line in draft["lines"]) == draft["tax"]


def test_the_legend_of_a_tax_code_stands_on_the_invoice(billing: Desk) -> None:
    a_plan(billing, [{"kind": "MILESTONE", "amount": usd("10,000"), "tax_code": "RC"}])
    draft = billing.act("draft_invoice", contract_no="CT-0001", plan_lines=["CT-0001/1"])
    assert (draft["tax"], draft["legends"]) == (0, ["Reverse charge"])


def test_an_exemption_holds_until_its_certificate_expires(billing: Desk) -> None:
    billing.change("customer", "CU-000001", tax_status="EXEMPT", exemption_cert="C-1", exemption_expires="2026-03-31")
    a_plan(billing)
    for tax_point, tax in (("2026-03-31", 0), ("2026-04-01", cents("3,168"))):
        draft = billing.act("draft_invoice", contract_no="CT-0001", plan_lines=["CT-0001/1"], tax_point=tax_point)
        assert draft["tax"] == tax


def test_the_engine_bills_what_it_is_told_also_twice(billing: Desk) -> None:
    a_plan(billing)
    an_hour(billing, "e1", 60, "225")
    first = issued(billing, plan_lines=["CT-0001/1"], items=["e1"])
    second = issued(billing, plan_lines=["CT-0001/1"], items=["e1"])
    assert first["net"] == second["net"] == cents("48,225")
    assert second["invoice_no"] == SECOND


def test_unknown_and_empty_drafts_are_refused(billing: Desk) -> None:
    a_plan(billing)
    assert billing.refused("draft_invoice", contract_no="CT-0001").code == "NOTHING_TO_BILL"
    for what in ({"items": ["nothing"]}, {"plan_lines": ["CT-0001/99"]}):
        assert billing.refused("draft_invoice", contract_no="CT-0001", **what).status == 422
    assert billing.refused("draft_invoice", contract_no="CT-9999", items=["e1"]).status == 422


def test_a_discarded_draft_lets_go_of_its_items_and_leaves_no_gap(billing: Desk) -> None:
    a_plan(billing)
    an_hour(billing, "e1", 60, "225")
    draft = billing.act("draft_invoice", contract_no="CT-0001", items=["e1"])
    assert billing.get("billable_item", "e1")["billing"] == "SELECTED"
    billing.act("discard_invoice", draft["id"])
    assert billing.events[-1] == "billing.invoice.discarded"
    assert billing.get("billable_item", "e1")["billing"] == "UNBILLED"
    assert issued(billing, items=["e1"])["invoice_no"] == FIRST


def test_a_void_invoice_keeps_its_number_and_gives_back_what_it_billed(billing: Desk) -> None:
    a_plan(billing)
    billing.act("ready_plan_line", "CT-0001/1")
    an_hour(billing, "e1", 60, "225")
    issued(billing, plan_lines=["CT-0001/1"], items=["e1"])
    void = billing.act("void_invoice", FIRST, reason="Wrong customer")
    assert (void["status"], void["invoice_no"], billing.events[-1]) == ("VOID", FIRST, "billing.invoice.voided")
    assert billing.get("plan_line", "CT-0001/1")["status"] == "READY"
    assert billing.get("billable_item", "e1")["billing"] == "UNBILLED"
    assert issued(billing, plan_lines=["CT-0001/1"], items=["e1"])["net"] == cents("48,225")


def test_an_issued_invoice_is_frozen(billing: Desk) -> None:
    a_plan(billing)
    issued(billing, plan_lines=["CT-0001/1"])
    with pytest.raises(Problem) as refused:
        billing.change("invoice", FIRST, po_no="PO-2")
    assert refused.value.code == "RECORD_FROZEN"
    assert billing.change("invoice", FIRST, external_id="ARD-1")["external_id"] == "ARD-1"
    assert billing.refused("discard_invoice", FIRST).code == "ILLEGAL_TRANSITION"


def test_a_free_form_draft_is_worked_out_and_may_be_changed(billing: Desk) -> None:
    line = {"unit_price": money.price("225"), "minutes": 2550, "tax_code": "TX-DP", "line_type": "TM"}
    head = {"contract_no": "CT-0002", "legal_entity": "CF-US", "customer": "CU-000001", "ccy": "USD"}
    draft = billing.create("invoice", lines=[line], **head)
    assert (draft["net"], draft["tax"]) == (cents("9,562.50"), cents("631.13"))
    changed = billing.change("invoice", draft["id"], lines=[{**line, "minutes": 60}])
    assert (changed["net"], changed["total"]) == (cents("225"), cents("239.85"))


def test_a_customer_on_credit_hold_gets_no_invoice(billing: Desk) -> None:
    a_plan(billing)
    draft = billing.act("draft_invoice", contract_no="CT-0001", plan_lines=["CT-0001/1"])
    billing.act("approve_invoice", draft["id"])
    billing.change("customer", "CU-000001", status="CREDIT_HOLD")
    assert billing.refused("issue_invoice", draft["id"]).code == "CREDIT_HOLD"


def test_a_mirrored_status_walks_legal_steps_and_repeats_change_nothing(billing: Desk) -> None:
    a_plan(billing)
    issued(billing, plan_lines=["CT-0001/1"])
    paid = billing.act("record_ar_status", FIRST, ar_status="PAID", paid=usd("51,168"))
    assert (paid["status"], paid["paid"], paid["ar_status"]) == ("PAID", cents("51,168"), "PAID")
    history = billing.system.store.rows("SELECT doc FROM billing.history WHERE entity = 'invoice' ORDER BY seq")
    assert [orjson.loads(row["doc"])["status"] for row in history][-3:] == ["ISSUED", "POSTED", "PAID"]
    assert billing.act("record_ar_status", FIRST, ar_status="PAID", paid=usd("51,168"))["version"] == paid["version"]
    assert billing.act("record_ar_status", FIRST, ar_status="POSTED", paid=usd("0"))["status"] == "POSTED"
    draft = billing.act("draft_invoice", contract_no="CT-0001", plan_lines=["CT-0001/2"])
    assert billing.refused("record_ar_status", draft["id"], ar_status="PAID").code == "ILLEGAL_TRANSITION"


# credit memos


def test_credit_with_release_and_rebill(billing: Desk) -> None:
    a_plan(billing, [{"kind": "TM_CYCLE", "line_type": "TM", "line_no": 2, "tax_code": "TX-DP"}])
    an_hour(billing, "e1", 1440, "215")
    an_hour(billing, "e2", 1110, "215")
    wrong = issued(billing, items=["e1", "e2"])
    assert (wrong["net"], wrong["tax"]) == (cents("9,137.50"), cents("603.08"))
    assert billing.refused("credit_invoice", FIRST, reason="RATE").code == "ILLEGAL_TRANSITION"
    billing.act("record_ar_status", FIRST, ar_status="POSTED")
    memo = billing.act("credit_invoice", FIRST, reason="RATE", release_items=True, approved_by="Controller")
    assert billing.events[-1] == "billing.credit_memo.issued"
    assert (memo["cm_no"], memo["corrects"], memo["status"]) == ("CM-CF-US-00001", FIRST, "ISSUED")
    assert (memo["net"], memo["tax"], memo["total"]) == tuple(map(cents, ("-9,137.50", "-603.08", "-9,740.58")))
    assert billing.get("invoice", FIRST)["status"] == "CREDITED"
    assert {each["billing"] for each in billing.list("billable_item")} == {"UNBILLED"}

    for name, minutes in (("e1", 1440), ("e2", 1110)):
        billing.delete("billable_item", name)
        an_hour(billing, name, minutes, "225")
    right = issued(billing, items=["e1", "e2"])
    assert (right["net"], right["total"]) == (cents("9,562.50"), cents("10,193.63"))
    assert right["net"] + memo["net"] + wrong["net"] - wrong["net"] == cents("425")
    assert billing.act("record_credit_posted", "CM-CF-US-00001")["status"] == "POSTED"
    assert billing.act("record_credit_posted", "CM-CF-US-00001")["version"] == 2


def test_credit_without_release_ends_the_items(billing: Desk) -> None:
    a_plan(billing)
    billing.act("ready_plan_line", "CT-0001/1")
    an_hour(billing, "e1", 60, "225")
    issued(billing, plan_lines=["CT-0001/1"], items=["e1"])
    billing.act("record_ar_status", FIRST, ar_status="POSTED")
    billing.act("credit_invoice", FIRST, reason="GOODWILL")
    assert billing.get("billable_item", "e1")["billing"] == "CREDITED"
    assert billing.get("plan_line", "CT-0001/1")["status"] == "INVOICED"


def test_a_part_of_a_line_is_credited_at_the_original_rate(billing: Desk) -> None:
    a_plan(billing)
    issued(billing, plan_lines=["CT-0001/3"])
    billing.act("record_ar_status", FIRST, ar_status="POSTED")
    memo = billing.act("credit_invoice", FIRST, reason="SCOPE", lines=[{"line_no": 1, "net": usd("12,000")}])
    assert (memo["net"], memo["tax"]) == (cents("-12,000"), cents("-792"))
    assert billing.get("invoice", FIRST)["status"] == "POSTED"
    refused = billing.refused("credit_invoice", FIRST, reason="SCOPE", lines=[{"line_no": 1, "net": usd("72,001")}])
    assert refused.status == 422


# change orders


def test_a_change_order_changes_the_plan_once(billing: Desk) -> None:
    a_plan(billing)
    added = {"kind": "MILESTONE", "ms_code": "M4", "amount": usd("36,000"), "tax_code": "TX-DP"}
    change = {
        "amount": usd("24,000"),
        "cap": usd("30,000"),
        "lines": [added],
        "changes": [{"ms_code": "M2", "amount": usd("60,000")}],
        "cap_lines": [{"line_no": 2, "cap": usd("30,000")}],
        "removes": ["M1"],
    }
    before = len(billing.events)
    plan = billing.act("apply_change_order", "CT-0001", co_seq=1, **change)
    assert billing.events[before:] == ["billing.plan.changed"]
    assert plan["co_seq"] == 1
    by_code = {line["ms_code"]: line for line in lines_of(billing, kind="MILESTONE")}
    assert (by_code["M4"]["amount"], by_code["M4"]["co_seq"]) == (cents("36,000"), 1)
    assert by_code["M2"]["amount"] == cents("60,000")
    assert by_code["M1"]["status"] == "CANCELLED"
    assert {line["cap"] for line in lines_of(billing, line_no=2)} == {cents("40,000")}
    assert billing.refused("apply_change_order", "CT-0001", co_seq=1, **change).code == "CHANGE_ORDER_APPLIED"


def test_a_billed_milestone_is_not_changed_behind_its_invoice(billing: Desk) -> None:
    a_plan(billing)
    billing.act("ready_plan_line", "CT-0001/3")
    issued(billing, plan_lines=["CT-0001/3"])
    change = {"changes": [{"ms_code": "M2", "amount": usd("60,000")}]}
    assert billing.refused("apply_change_order", "CT-0001", co_seq=1, **change).code == "PLAN_LINE_INVOICED"
    assert not billing.list("change_order")
