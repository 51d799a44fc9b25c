"""Between the issue of an invoice and its lock in the PSA: an approval is withdrawn and the reference credits, and bills again what stands;
what is billed is locked once, whatever comes first."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.started import as_at_the_start

from counterfoil import World, usd
from counterfoil import activity as firm
from counterfoil.bench import LandscapeProcess, Settings
from counterfoil.client import Control, Record, Records
from counterfoil.integration import Integration, resolve

VENDORS = {"crm": "salesforce", "psa": "kantata", "erp": "netsuite", "billing": "stripe"}
HOUR = 3600.0
ISSUED = {"kind": "delay", "system": "billing", "operation": "billing.invoice.issued", "seconds": 8 * HOUR}
"""Nobody is told of an invoice before the afternoon; `settle` does not wait that long."""
WITHDRAWN = {"kind": "delay", "system": "psa", "operation": "psa.time.unapproved", "seconds": 10 * HOUR}
"""Nor of a withdrawal before the evening."""


class Race:
    """A deal with hours on it, and the reference."""

    def __init__(self, control: Control, integration: Integration) -> None:
        self.world = World(control, integration)
        self.integration = integration

    def agree(self, *, cap: Any = None) -> None:
        """Sell work by the hour, taxed on a part, with expenses."""
        lines = [
            firm.time_and_materials(tax_code="TX-DP", service_item="CONSULTING-TM", cap=cap),
            firm.rebilled_expenses(line_no=2, markup="0.10", tax_code="NT", service_item="EXPENSE"),
        ]
        term = {"start": "2026-01-05", "end": "2026-12-31"}
        self.deal = firm.sell(self.world, customer_name="Withdrawn Works Ltd", lines=lines, **term)
        person = firm.hire(self.world, name="Consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
        self.person = person["employee_no"]
        firm.staff(self.world, self.deal, employee=self.person)

    def work(self, *hours: int) -> Records:
        """Approved work of so many hours each."""
        made = [
            firm.work(self.world, self.deal, employee=self.person, work_date="2026-01-05", minutes=60 * each)
            for each in hours
        ]
        self.world.settle()
        return made

    def issue(self, *faults: Record) -> Record:
        """Have an invoice issued of which the reference is not told yet, so that nothing is locked; returns it."""
        self.world.faults.inject([ISSUED, *faults])
        self.bill()
        invoice: Record = firm.invoices(self.world, self.deal)[-1]
        assert invoice["status"] == "ISSUED"
        return invoice

    def bill(self) -> None:
        """End the billing cycle."""
        firm.bill_cycles(self.world, self.deal)
        self.world.settle()

    def withdraw(self, entry: Record) -> None:
        """Take an approval back."""
        self.world.psa.act("unapprove_time", key=entry["key"], reason="Not agreed with the customer")
        self.world.settle()

    def approve(self, entry: Record) -> None:
        """Give an approval again."""
        self.world.psa.act("approve_time", key=entry["key"], approver=firm.MANAGER)
        self.world.settle()

    def correct(self, entry: Record, minutes: int) -> None:
        """Send an entry back, and have it handed in anew with other minutes."""
        self.world.psa.act("reject_time", key=entry["key"], reason="Too long")
        self.world.psa.change("time_entry", entry["key"], minutes=minutes)
        self.world.psa.act("submit_time", key=entry["key"])

    def pass_time(self, hours: int = 12) -> None:
        """Let everybody be told of everything."""
        self.world.faults.clear()
        self.world.advance(hours=hours)
        self.world.settle()

    def killed_at(self, system: str, step: str, meanwhile: Callable[[World], object]) -> None:
        """Do something meanwhile, and kill the reference when a step of it is done and it has not heard so; then have it go on."""
        done, refused = ({"system": system, "operation": step} for _ in range(2))
        done |= {"kind": "lost_response", "nth": 1}
        self.world.faults.inject([done, {**refused, "kind": "status", "status": 503, "nth": list(range(2, 9))}])
        with ThreadPoolExecutor(1) as beside:
            passing = beside.submit(meanwhile, World(Control(self.world.control.url)))
            limit = time.monotonic() + 60
            while self.world.faults.list()[1]["struck"] == 0:
                assert time.monotonic() < limit
            assert self.integration.pid is not None
            os.kill(self.integration.pid, signal.SIGKILL)
            self.world.faults.clear()
            self.integration.launch()
            passing.result()
        self.world.settle()

    def billed(self) -> list[set[str]]:
        """What each invoice bills that is not credited."""
        live = [each for each in firm.invoices(self.world, self.deal) if each["status"] != "CREDITED"]
        return [{key for line in each["lines"] for key in line["items"]} for each in live]

    def judge(self) -> None:
        """The books are right, and nothing is left for people."""
        assert self.letters() == []
        found = self.world.invariants(at_rest=True)["items"]
        assert [(each["id"], each["rows"]) for each in found if each["status"] == "violated"] == []

    def letters(self) -> Any:
        """Open dead letters."""
        return Control(self.integration.base, timeout=60, peer="the reference").send("GET", "/dead-letters")["items"]


@pytest.fixture(scope="module")
def landscape(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Control, Integration]]:
    """A small firm with the reference. Its systems speak natively, or as the four vendors where a test asks for that."""
    vendors = VENDORS if getattr(request, "param", "native") == "vendors" else {}
    process = LandscapeProcess(Settings(resolve("reference"), seed=1, size="S", vendors=vendors))
    control = Control(process.announcement()["control"]["url"])
    descriptor = resolve("reference")
    state = str(tmp_path_factory.mktemp("reference") / "state.db")
    integration = Integration(descriptor.model_copy(update={"env": descriptor.env | {"STATE": state}}), control)
    integration.start()
    yield control, integration
    integration.stop()
    control.close()
    process.stop()


@pytest.fixture
def race(landscape: tuple[Control, Integration]) -> Iterator[Race]:
    """Firm and reference as they were at the start."""
    with as_at_the_start(*landscape):
        yield Race(*landscape)


spoken = pytest.mark.parametrize("landscape", ["native", "vendors"], indirect=True)


@spoken
@pytest.mark.parametrize("first", ["withdrawal", "invoice"])
def test_the_invoice_is_credited_and_what_stands_is_billed_again(race: Race, first: str) -> None:
    race.agree()
    *kept, doubted = race.work(24, 20, 4)
    wrong = race.issue(*([WITHDRAWN] if first == "invoice" else []))
    race.withdraw(doubted)
    race.pass_time()
    race.judge()
    [memo] = firm.credit_memos(race.world, race.deal)
    assert (memo["corrects"], memo["total"]["minor"]) == (wrong["invoice_no"], -wrong["total"]["minor"])
    assert memo["approved_by"] == firm.MANAGER
    assert race.billed() == [{each["key"] for each in kept}]
    assert {race.world.psa.get("time_entry", each["key"])["billing"] for each in kept} == {"BILLED"}
    assert race.world.billing.find("billable_item", doubted["key"]) is None
    assert race.world.deliveries.redeliver_all() > 5
    race.world.settle()
    assert len(firm.invoices(race.world, race.deal)) == 2
    race.judge()


@spoken
def test_an_hour_that_is_approved_again_later_is_billed_once(race: Race) -> None:
    race.agree()
    kept, doubted = race.work(4, 2)
    race.issue()
    race.withdraw(doubted)
    race.pass_time()
    race.correct(doubted, minutes=90)
    race.approve(doubted)
    race.bill()
    race.judge()
    assert race.billed() == [{kept["key"]}, {doubted["key"]}]
    assert [each["net"] for each in firm.invoices(race.world, race.deal)][1:] == [usd("900"), usd("337.50")]


@spoken
@pytest.mark.parametrize(("first", "minutes"), [("withdrawal", 90), ("invoice", 90), ("invoice", 120)])
def test_an_hour_that_was_approved_again_before_anybody_was_told_is_billed_at_what_it_is_now(
    race: Race, first: str, minutes: int
) -> None:
    race.agree()
    kept, doubted = race.work(4, 2)
    told = {"withdrawal": 7 * HOUR, "invoice": 9 * HOUR}[first]
    race.issue({"kind": "delay", "system": "psa", "operation": "psa.time.*", "seconds": told})
    race.withdraw(doubted)
    race.correct(doubted, minutes)
    race.approve(doubted)
    race.pass_time()
    race.judge()
    assert race.billed() == [{kept["key"], doubted["key"]}]
    assert [each["status"] for each in firm.invoices(race.world, race.deal)] == ["CREDITED", "POSTED"]
    assert len(firm.credit_memos(race.world, race.deal)) == 1


def test_where_nothing_stands_nothing_is_billed_again(race: Race) -> None:
    race.agree()
    entries = race.work(4, 2)
    race.issue()
    for each in entries:
        race.withdraw(each)
    race.pass_time()
    race.judge()
    assert race.billed() == []
    for each in entries:
        race.approve(each)
    race.bill()
    race.judge()
    assert race.billed() == [{each["key"] for each in entries}]


def test_a_withdrawal_while_it_is_being_billed_again_is_healed_as_well(race: Race) -> None:
    race.agree()
    kept, second, first = race.work(4, 3, 2)
    race.issue()
    race.withdraw(first)
    race.world.advance(hours=9)
    race.world.settle()
    assert [each["status"] for each in firm.invoices(race.world, race.deal)] == ["CREDITED", "ISSUED"]
    race.withdraw(second)
    race.pass_time()
    race.judge()
    assert race.billed() == [{kept["key"]}]


@spoken
def test_where_no_event_tells_of_a_withdrawal_a_poll_does(race: Race) -> None:
    race.agree()
    *kept, doubted = race.work(24, 20, 4)
    wrong = race.issue({"kind": "drop", "system": "psa", "operation": "psa.time.unapproved", "redeliver_after": 0.0})
    race.withdraw(doubted)
    race.pass_time()
    assert race.billed() == [{each["key"] for each in (*kept, doubted)}]
    race.integration.poll()
    race.world.settle()
    race.judge()
    [memo] = firm.credit_memos(race.world, race.deal)
    assert (memo["corrects"], memo["approved_by"]) == (wrong["invoice_no"], firm.MANAGER)
    assert race.billed() == [{each["key"] for each in kept}]


@spoken
def test_what_was_paid_on_the_credited_invoice_is_on_account(race: Race) -> None:
    race.agree()
    kept, doubted = race.work(4, 2)
    wrong = race.issue({**WITHDRAWN, "seconds": 24 * HOUR})
    race.withdraw(doubted)
    race.pass_time()
    assert [each["code"] for each in race.letters()] == ["PARENT_MISSING"]
    firm.pay(race.world, invoice_no=wrong["invoice_no"], amount=usd("100"))
    race.pass_time()
    race.judge()
    assert race.billed() == [{kept["key"]}]
    [payment] = race.world.erp.list("payment", bank_ref=race.world.erp.list("payment")[-1]["bank_ref"])
    assert payment["unapplied"] == usd("100")
    anew = firm.apply_on_account(race.world, firm.receivables(race.world, race.deal)[-1])
    assert (anew["paid"], anew["open_amount"]["minor"]) == (usd("100"), anew["total"]["minor"] - 10_000)
    race.world.settle()
    race.judge()


def test_an_expense_whose_approval_was_withdrawn_is_credited_as_time_is(race: Race) -> None:
    race.agree()
    [kept] = race.work(4)
    spent = firm.spend(race.world, race.deal, employee=race.person, gross=usd("80"), line_no=2, spend_date="2026-01-05")
    race.world.settle()
    race.issue()
    race.world.psa.act("unapprove_expense", key=spent["key"], reason="Not agreed")
    race.pass_time()
    race.judge()
    assert race.billed() == [{kept["key"]}]


def test_below_a_cap_what_stands_is_billed_again_to_the_cap(race: Race) -> None:
    race.agree(cap=usd("1,000"))
    kept, split = race.work(4, 2)
    assert race.issue()["net"] == usd("1,000")
    race.withdraw(split)
    race.pass_time()
    race.judge()
    assert race.billed() == [{kept["key"]}]
    race.approve(split)
    race.bill()
    race.judge()
    assert [each["net"] for each in firm.invoices(race.world, race.deal)][1:] == [usd("900"), usd("100")]


@spoken
def test_what_is_billed_anew_before_delivery_has_it_back_from_a_credit_is_locked_when_it_has(race: Race) -> None:
    race.agree()
    entries = race.work(4, 2)
    race.bill()
    [first] = firm.invoices(race.world, race.deal)
    late = {"kind": "delay", "system": "billing", "operation": "billing.credit_memo.issued", "seconds": 8 * HOUR}
    race.world.faults.inject([late])
    race.world.billing.act("credit_invoice", id=first["id"], reason="RATE", release_items=True)
    race.bill()
    race.pass_time()
    race.judge()
    assert race.billed() == [{each["key"] for each in entries}]
    again = firm.invoices(race.world, race.deal)[-1]["invoice_no"]
    shown = {race.world.psa.get("time_entry", each["key"])["invoice_line"].partition("/")[0] for each in entries}
    assert shown == {again}


@spoken
def test_an_entry_that_is_billed_in_two_parts_is_locked_on_the_first_and_keeps_no_other_from_being(race: Race) -> None:
    race.agree(cap=usd("1,000"))
    whole, split = race.work(4, 2)
    race.bill()
    order = firm.raise_change_order(race.world, race.deal, title="More", deltas=[firm.delta(1, cap=usd("1,000"))])
    firm.approve_change_order(race.world, key=order["key"])
    [other] = race.work(1)
    race.bill()
    race.judge()
    assert [each["net"] for each in firm.invoices(race.world, race.deal)] == [usd("1,000"), usd("575")]
    first, second = (each["invoice_no"] for each in firm.invoices(race.world, race.deal))
    on = [race.world.psa.get("time_entry", each["key"])["invoice_line"] for each in (whole, split, other)]
    assert [each.partition("/")[0] for each in on] == [first, first, second]


STEPS = [
    ("billing", "credit_invoice"),
    ("billing", "delete_billable_item"),
    ("erp", "reverse_work"),
    ("psa", "release_billed"),
    ("billing", "draft_invoice"),
    ("billing", "issue_invoice"),
]


@pytest.mark.parametrize(("system", "step"), STEPS)
def test_killed_before_it_knows_that_a_step_is_done_it_goes_on_from_there(race: Race, system: str, step: str) -> None:
    race.agree()
    kept, doubted = race.work(4, 2)
    race.issue()
    race.withdraw(doubted)
    race.world.faults.clear()
    race.killed_at(system, step, lambda world: world.advance(hours=8.01))
    race.judge()
    assert race.billed() == [{kept["key"]}]
    assert len(firm.invoices(race.world, race.deal)) == 2
    assert len(firm.credit_memos(race.world, race.deal)) == 1


@pytest.mark.parametrize("step", ["draft_invoice", "approve_invoice", "issue_invoice"])
def test_killed_before_it_knows_that_a_cycle_is_drafted_it_issues_that_draft(race: Race, step: str) -> None:
    race.agree()
    entries = race.work(4, 2)
    race.killed_at("billing", step, lambda world: firm.bill_cycles(world, race.deal))
    race.pass_time()
    race.judge()
    assert race.billed() == [{each["key"] for each in entries}]
    assert [each["status"] for each in firm.invoices(race.world, race.deal)] == ["POSTED"]
