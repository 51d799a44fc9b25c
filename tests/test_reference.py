"""The reference integration as a process of its own: its API, and what it keeps true over a real landscape."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.started import as_at_the_start

import counterfoil.reference
from counterfoil import World, usd
from counterfoil import activity as firm
from counterfoil.client import Control, Refused
from counterfoil.integration import Integration, resolve, secret_of
from counterfoil.reference import dates, matching, mutants
from counterfoil.reference.event import type_named
from counterfoil.reference.flows import handled
from counterfoil.reference.flows.closing import Closing
from counterfoil.reference.flows.setup import plan_lines
from counterfoil.reference.parts import Parts

ACME = {"id": "001A", "customer_no": "CU-000001", "name": "Acme Inc", "country": "US", "vat_id": None}
THEIRS = {"id": "CUST-1", "external_id": None, "customer_no": None, "country": "US", "vat_id": None, "status": "ACTIVE"}
LINES = [
    firm.fixed_fee(usd("24,000"), hours=100, cost=usd("10,000"), tax_code="NT", service_item="CONSULTING-FF"),
    firm.time_and_materials(line_no=2, cap=usd("10,000"), tax_code="NT", service_item="CONSULTING-TM"),
]
MILESTONES = [firm.milestone("M1", usd("20,000"))]


@dataclass
class Answer:
    """What the integration answered."""

    status: int
    json: Any


class Live:
    """The reference over a small firm."""

    def __init__(self, control: Control, integration: Integration) -> None:
        self.world = World(control, integration)
        self.integration = integration
        self.client = Control(integration.base, timeout=60, peer="the reference")

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One call of the integration's own API."""
        try:
            return Answer(200, self.client.send(method, path, body))
        except Refused as refused:
            return Answer(refused.status, refused.problem)

    def deliver(self, envelope: Any, *, secret: str | None = None, at: float | None = None, signed: bool = True) -> int:
        """Deliver an event to the CRM's hook; returns the status."""
        import http.client

        body = envelope if isinstance(envelope, bytes) else orjson.dumps(envelope)
        stamp = str(int(at or time.time()))
        key = base64.b64decode((secret or secret_of(1, "crm")).removeprefix("whsec_"))
        digest = hmac.new(key, f"evt.{stamp}.".encode() + body, hashlib.sha256).digest()
        headers = {"webhook-id": "evt", "webhook-timestamp": stamp, "content-type": "application/cloudevents+json"}
        if signed:
            headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.integration.port, timeout=20)
        connection.request("POST", "/hooks/crm", body, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def taken(self) -> int:
        """How many events the inbox holds."""
        return sum(self.ask("GET", "/health").json["events"].values())

    def sell(self, **more: Any) -> firm.Deal:
        """A won deal, set up."""
        terms = {"lines": LINES, "milestones": MILESTONES, "mobilisation": usd("4,000"), "start": "2026-01-05"}
        return firm.sell(self.world, **{**terms, "end": "2026-06-30", **more})


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """A small firm, in a process of its own."""
    from counterfoil.bench import LandscapeProcess, Settings

    started = LandscapeProcess(Settings(resolve("reference"), seed=1, size="S"))
    announced = started.announcement()
    control = Control(announced["control"]["url"])
    yield control
    control.close()
    started.stop()


@pytest.fixture(scope="module")
def started(control: Control) -> Iterator[Integration]:
    """The reference, started and subscribed."""
    integration = Integration(resolve("reference"), control)
    integration.start()
    yield integration
    integration.stop()


@pytest.fixture
def live(control: Control, started: Integration) -> Iterator[Live]:
    """Reference and landscape as they were at the start."""
    with as_at_the_start(control, started):
        yield Live(control, started)


def an_event(id: str = "01EVENT", type: str = "crm.opportunity.stage_changed") -> dict[str, Any]:
    """A minimal event of the CRM that needs nothing done."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": "//cf-crm",
        "type": f"com.counterfoil.{type}.v1",
        "entityversion": "1",
        "data": {"after": {"id": "006X", "key": "OPP-1"}},
    }


# its own API


def test_a_delivery_that_is_not_signed_rightly_is_refused_and_not_kept(live: Live) -> None:
    before = live.taken()
    assert live.deliver(an_event(), signed=False) == 401
    assert live.deliver(an_event(), secret="whsec_" + base64.b64encode(b"another secret of 24 b.").decode()) == 401
    assert live.deliver(an_event(), at=time.time() - 3600) == 401
    assert live.taken() == before


def test_the_same_event_is_taken_once(live: Live) -> None:
    before = live.taken()
    assert [live.deliver(an_event()) for _ in range(3)] == [202, 200, 200]
    assert live.taken() == before + 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 1}', b'{"id":"a","source":"b","type":"c"}', b"\xff"])
def test_what_is_no_event_is_refused_in_words(live: Live, body: bytes) -> None:
    before = live.taken()
    assert live.deliver(body) == 422
    assert live.taken() == before


def test_an_unknown_system_dead_letter_and_approval_are_not_found(live: Live) -> None:
    assert live.ask("POST", "/hooks/sap", {}).status == 404
    assert live.ask("POST", "/dead-letters/dl-99/replay").status == 404
    assert live.ask("POST", "/approvals/ap-99").status == 404
    assert live.ask("POST", "/reconcile", {"period": "January"}).status == 422


def test_idle_waits_until_the_work_is_done(live: Live) -> None:
    live.sell(settle=False)
    assert live.ask("GET", "/idle?wait_ms=20000").json == {"idle": True}


# set-up


def test_a_won_deal_is_set_up_in_all_systems_with_one_trace(live: Live) -> None:
    deal = live.sell(customer_name="Set-up Works Inc.")
    world = live.world
    project = world.psa.get("project", deal.project_no)
    assert (project["status"], project["budget_fee"], project["manager"] is None) == ("ACTIVE", usd("34,000"), False)
    assert [each["task_code"] for each in world.psa.list("task", contract_no=deal.contract_no)] == ["T-1", "T-2"]
    lines = world.billing.list("plan_line", contract_no=deal.contract_no)
    kinds = sorted((each["kind"], each["status"]) for each in lines)
    assert kinds == [("MILESTONE", "SCHEDULED"), ("MOBILISATION", "INVOICED"), ("TM_CYCLE", "SCHEDULED")]
    assert len(world.erp.list("revenue_schedule", contract_no=deal.contract_no)) == 2
    posted = world.erp.list("ar_document", contract_no=deal.contract_no)
    assert [each["correlation_id"] for each in posted] == [deal.contract_no]
    assert [each["ar_status"] for each in firm.invoices(world, deal)] == ["POSTED"]
    assert world.crm.get("invoice", posted[0]["invoice_no"])["status"] == "POSTED"


def test_events_that_come_again_make_nothing_new(live: Live) -> None:
    deal = live.sell(customer_name="Twice Told Ltd")
    counted = {name: getattr(live.world, system).count(name) for system, name in COUNTED}
    assert live.world.deliveries.redeliver_all(state="DELIVERED") > 5
    live.world.settle()
    assert {name: getattr(live.world, system).count(name) for system, name in COUNTED} == counted
    assert live.world.psa.count("project", contract_no=deal.contract_no) == 1


COUNTED = (
    ("psa", "project"),
    ("billing", "plan"),
    ("billing", "invoice"),
    ("erp", "ar_document"),
    ("erp", "revenue_schedule"),
    ("erp", "customer"),
    ("crm", "invoice"),
)


def test_a_look_alike_in_the_books_is_found_and_linked(live: Live) -> None:
    known = live.world.erp.create("customer", name="LOOK-ALIKE LOGISTICS INC.", country="US")
    deal = live.sell(customer_name="Look-Alike Logistics Inc")
    linked = live.world.erp.list("customer", customer_no=deal.customer_no)
    assert [each["id"] for each in linked] == [known["id"]]


def test_a_doubtful_duplicate_waits_for_a_person(live: Live) -> None:
    known = live.world.erp.create("customer", name="Doubtful Duplicates", country="US")
    live.world.erp.create("site", customer=known["id"], site_code="MAIN", country="US", postcode="99999")
    deal = live.sell(customer_name="Doubtful Duplicates Inc.")
    assert live.world.psa.count("project", contract_no=deal.contract_no) == 0
    (asked,) = live.ask("GET", "/approvals").json["items"]
    assert (asked["state"], asked["candidates"]) == ("PENDING", [known["id"]])
    live.ask("POST", f"/approvals/{asked['id']}", {"decision": "same", "approver": "Data steward"})
    live.world.settle()
    assert live.world.psa.count("project", contract_no=deal.contract_no) == 1
    assert live.world.erp.get("customer", known["id"])["customer_no"] == deal.customer_no
    (decided,) = live.world.crm.list("approval", kind="DUPLICATE")
    assert (decided["decision"], decided["approver"]) == ("REJECTED", "Data steward")


# when things go wrong


def test_a_lost_answer_makes_no_second_record(live: Live) -> None:
    lost = [("erp", "create_customer"), ("psa", "create_project"), ("psa", "bulk_task"), ("billing", "create_plan")]
    lost += [("billing", "draft_invoice"), ("erp", "create_ar_document"), ("crm", "activate_contract")]
    live.world.faults.inject(
        [{"kind": "lost_response", "system": system, "operation": name, "nth": 1} for system, name in lost]
    )
    deal = live.sell(customer_name="Lost and Found Co")
    assert [each["struck"] for each in live.world.faults.list()] == [1] * len(lost)
    assert live.world.erp.count("customer", customer_no=deal.customer_no) == 1
    assert live.world.psa.count("project", contract_no=deal.contract_no) == 1
    assert live.world.psa.count("task", contract_no=deal.contract_no) == 2
    assert live.world.billing.count("invoice", contract_no=deal.contract_no) == 1
    assert live.world.erp.count("ar_document", contract_no=deal.contract_no) == 1
    assert live.ask("GET", "/dead-letters").json["items"] == []


def test_a_token_that_dies_is_renewed(live: Live) -> None:
    live.world.faults.inject([{"kind": "auth_expiry", "system": "*", "operation": "*", "every": 5}])
    deal = live.sell(customer_name="Short Lived Tokens")
    assert live.world.erp.count("ar_document", contract_no=deal.contract_no) == 1


def test_a_refused_posting_is_parked_told_of_and_replayed(live: Live) -> None:
    lines = [{**LINES[0], "service_item": "NOT-YET-THERE"}]
    deal = live.sell(customer_name="Parked Postings", lines=lines)
    letters = live.ask("GET", "/dead-letters").json["items"]
    assert {each["code"] for each in letters} == {"UNKNOWN_SERVICE_ITEM"}
    told = [each["type"] for each in live.world.control.items("/integration/events")]
    assert told.count("com.counterfoil.int.dlq.parked.v1") == len(letters)
    live.world.erp.create("service_item", code="NOT-YET-THERE", name="Now it is", revenue_account="4000")
    assert live.ask("POST", "/dead-letters/replay").json == {"replayed": len(letters)}
    live.world.settle()
    assert live.ask("GET", "/dead-letters").json["items"] == []
    assert live.world.erp.count("ar_document", contract_no=deal.contract_no) == 1
    told = [each["type"] for each in live.world.control.items("/integration/events")]
    assert told.count("com.counterfoil.int.exception.resolved.v1") == len(letters)


def test_a_child_before_its_parent_is_dealt_with_when_the_parent_comes(live: Live) -> None:
    live.world.faults.inject(
        [{"kind": "reorder", "system": "crm", "operation": "crm.contract.activated", "spread": 600.0}]
    )
    deal = live.sell(customer_name="Late Parents", settle=False)
    live.world.settle()
    assert live.world.psa.get("project", deal.project_no)["status"] == "ACTIVE"
    assert live.ask("GET", "/dead-letters").json["items"] == []


def test_an_older_version_does_not_overwrite_a_newer_one(live: Live) -> None:
    deal = live.sell(customer_name="Owner Changes Ltd")
    live.world.faults.inject(
        [{"kind": "reorder", "system": "crm", "operation": "crm.account.updated", "spread": 900.0}]
    )
    for owner in ("First", "Second", "Third"):
        live.world.crm.change("customer", deal.customer_no, owner=owner)
    live.world.settle()
    for system in (live.world.erp, live.world.billing, live.world.psa):
        assert system.get("customer", deal.customer_no)["owner"] == "Third"


def test_an_hour_whose_approval_was_withdrawn_is_not_billed_though_no_event_told_of_it_yet(live: Live) -> None:
    world = live.world
    deal = live.sell(customer_name="Withdrawn Works Ltd")
    person = firm.hire(world, name="Delivery consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    kept, doubted = (
        firm.work(world, deal, employee=person["employee_no"], work_date="2026-01-05", line_no=2, minutes=minutes)
        for minutes in (240, 120)
    )
    world.settle()
    world.faults.inject([{"kind": "delay", "system": "psa", "operation": "psa.time.unapproved", "seconds": 7200.0}])
    world.psa.act("unapprove_time", key=doubted["key"], reason="Not agreed with the customer")
    firm.bill_cycles(world, deal)
    world.settle()
    [billed] = [each for each in firm.invoices(world, deal) if each["lines"][0]["items"]]
    assert [key for line in billed["lines"] for key in line["items"]] == [kept["key"]]
    assert world.billing.find("billable_item", doubted["key"]) is None
    assert [each["id"] for each in world.invariants(at_rest=True)["items"] if each["status"] == "violated"] == []


def test_what_no_event_told_of_is_found_by_polling(live: Live) -> None:
    deal = live.sell(customer_name="Polled Partners")
    live.ask("POST", "/poll")
    live.world.settle()
    live.world.faults.inject([{"kind": "drop", "system": "crm", "operation": "*", "redeliver_after": 0.0}])
    live.world.crm.change("customer", deal.customer_no, owner="Nobody told")
    live.world.settle()
    assert live.world.erp.get("customer", deal.customer_no)["owner"] is None
    found = live.ask("POST", "/poll").json["found"]
    live.world.settle()
    assert found["crm"] == 1
    assert live.world.erp.get("customer", deal.customer_no)["owner"] == "Nobody told"
    assert live.ask("POST", "/poll").json["found"]["crm"] == 0


def test_what_is_taken_back_is_found_by_polling_and_once(live: Live) -> None:
    world = live.world
    deal = live.sell(customer_name="Second Thoughts Ltd")
    person = firm.hire(world, name="Polled consultant", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])
    world.faults.inject([{"kind": "drop", "system": "*", "operation": "*", "redeliver_after": 0.0}])
    entry = firm.work(world, deal, employee=person["employee_no"], work_date="2026-01-05", line_no=2, minutes=240)
    milestone = deal.milestone("M1")
    world.psa.act("complete_milestone", key=milestone)
    for _ in range(3):  # what the integration does is told by polls too
        live.ask("POST", "/poll")
        world.settle()
    assert world.billing.find("billable_item", entry["key"]) is not None
    assert world.billing.one("plan_line", contract_no=deal.contract_no, ms_code="M1")["status"] == "INVOICED"

    world.psa.act("unapprove_time", key=entry["key"], reason="Not agreed with the customer")
    world.psa.act("uncomplete_milestone", key=milestone, reason="Not finished", approver=firm.FINANCE)
    assert live.ask("POST", "/poll").json["found"]["psa"] == 2
    world.settle()
    assert world.billing.find("billable_item", entry["key"]) is None
    assert firm.Ledger(world, deal).balance("1220") == 0
    letters = live.ask("GET", "/dead-letters").json["items"]
    assert [each["code"] for each in letters] == ["APPROVER_UNKNOWN"]  # who let it be taken back, only the event says

    world.psa.act("reject_time", key=entry["key"], reason="Too long")
    assert live.ask("POST", "/poll").json["found"]["psa"] == 0
    world.psa.change("time_entry", entry["key"], minutes=120)
    world.psa.act("submit_time", key=entry["key"])
    world.psa.act("approve_time", key=entry["key"], approver=firm.MANAGER)
    live.ask("POST", "/poll")
    world.settle()
    assert world.billing.get("billable_item", entry["key"])["minutes"] == 120


def test_a_poll_bills_a_credited_cycle_not_again_and_finds_that_a_contract_has_ended(live: Live) -> None:
    world = live.world
    deal = live.sell(customer_name="Polled to the End Ltd")
    person = firm.hire(world, name="Polled analyst", level="SENIOR", cost_rate="110.0000", cost_ccy="USD")
    firm.staff(world, deal, employee=person["employee_no"])

    def poll() -> None:
        for _ in range(4):  # what the integration does is told by polls too
            live.ask("POST", "/poll")
            world.settle()

    world.faults.inject([{"kind": "drop", "system": "*", "operation": "*", "redeliver_after": 0.0}])
    firm.work(world, deal, employee=person["employee_no"], work_date="2026-01-05", line_no=2, minutes=240)
    poll()
    firm.bill_cycles(world, deal)
    poll()
    [bill] = [each for each in firm.invoices(world, deal) if each["items"]]
    credit = {"reason": "RATE", "release_items": True, "approved_by": firm.FINANCE}
    world.billing.act("credit_invoice", key=bill["invoice_no"], **credit)
    poll()
    [item] = world.billing.list("billable_item", contract_no=deal.contract_no)
    assert item["billing"] == "UNBILLED"
    assert [each["status"] for each in firm.invoices(world, deal) if each["items"]] == ["CREDITED"]

    firm.terminate(world, deal, effective="2026-01-05", settle=False)
    poll()
    assert world.psa.get("project", deal.project_no)["status"] == "CLOSED"
    assert world.billing.get("plan", deal.contract_no)["status"] == "CLOSED"
    assert live.ask("GET", "/dead-letters").json["items"] == []


def test_a_system_that_cannot_be_polled_now_is_polled_next_time(live: Live) -> None:
    deal = live.sell(customer_name="Broken Pages")
    live.ask("POST", "/poll")
    live.world.settle()
    faults = [
        {"kind": "drop", "system": "crm", "operation": "*", "redeliver_after": 0.0},
        {"kind": "status", "system": "crm", "operation": "list_customer", "status": 503, "nth": list(range(1, 9))},
    ]
    live.world.faults.inject(faults)
    live.world.crm.change("customer", deal.customer_no, owner="Found later")
    assert set(live.ask("POST", "/poll").json["failed"]) == {"crm"}
    assert live.ask("POST", "/poll").json["failed"] == {}
    live.world.settle()
    assert live.world.erp.get("customer", deal.customer_no)["owner"] == "Found later"


def test_reconciliation_finds_a_planted_difference_and_only_that(live: Live) -> None:
    before = billed(live)
    deal = live.sell(customer_name="Reconciled Retail")
    assert billed(live) - before == usd("4,000")["minor"]
    assert live.ask("POST", "/reconcile", {}).json["items"] == []
    customer = live.world.erp.list("customer", customer_no=deal.customer_no)[0]
    live.world.erp.create(
        "ar_document",
        invoice_no="ORPHAN-1",
        legal_entity="CF-US",
        customer=customer["id"],
        ccy="USD",
        issue_date="2026-01-05",
        lines=[{"line_no": 1, "net": usd("10.00"), "tax": usd("0")}],
    )
    live.world.settle()
    items = live.ask("POST", "/reconcile", {"legal_entity": "CF-US"}).json["items"]
    assert [(each["kind"], each["key"], each["amount"]) for each in items] == [("MISSING_IN_BILLING", "ORPHAN-1", 1000)]
    assert len(live.ask("GET", "/reconciliations").json["items"]) == 2


def billed(live: Live) -> int:
    """Dollars billed in minor units, as the dashboard shows them."""
    return sum(each["minor"] for each in live.ask("GET", "/dashboard").json["billed"] if each["ccy"] == "USD")


# pure parts


@pytest.mark.parametrize(
    ("theirs", "postcodes", "verdict"),
    [
        ({"name": "ACME, Inc."}, [], "same"),
        ({"name": "Acme"}, ["60601"], "same"),
        ({"name": "Acme Incorporated"}, ["10001"], "doubtful"),
        ({"name": "Acme Inc", "country": "CA"}, [], "other"),
        ({"name": "Acme Holdings"}, [], "other"),
        ({"name": "Another name", "external_id": "001A"}, [], "same"),
        ({"name": "Acme Inc", "status": "MERGED"}, [], "other"),
    ],
)
def test_a_company_is_known_by_number_tax_id_or_name_with_place(
    theirs: dict[str, Any], postcodes: list[str], verdict: str
) -> None:
    assert matching.compare(ACME, THEIRS | theirs, postcodes, "60601") == verdict


def test_the_tax_id_decides_over_the_name() -> None:
    ours = ACME | {"vat_id": "US 12.345"}
    assert matching.compare(ours, THEIRS | {"name": "Whatever", "vat_id": "US12345"}) == "same"
    assert matching.compare(ours, THEIRS | {"name": "Acme Inc", "vat_id": "US99999"}) == "other"


def test_a_retainer_is_billed_on_its_anchor_day_and_sums_to_its_price() -> None:
    assert dates.anchors("2028-01-31", "2028-03-31") == ["2028-01-31", "2028-02-29", "2028-03-31"]
    assert len(dates.anchors("2026-01-15", "2027-01-14")) == 12
    assert dates.split(10_000, 3) == [3333, 3334, 3333]
    assert dates.first_of_next_month("2026-12-31") == "2027-01-01"


def test_what_no_milestone_bills_falls_due_at_the_end() -> None:
    line = {"line_no": 1, "type": "FIXED_FEE", "name": None, "amount": usd("24,000"), "cap": None, "start": None}
    line |= {"end": None, "tax_code": None, "service_item": None, "expense_markup": None}
    contract = {"ccy": "USD", "start": "2026-01-05", "end": "2026-06-30", "mobilisation": usd("4,000"), "lines": [line]}
    milestone = {"ms_code": "M1", "name": "One", "line_no": 1, "amount": usd("15,000")}
    found = plan_lines(contract | {"milestones": [milestone]})
    assert [(each["kind"], each["amount"]) for each in found] == [
        ("MOBILISATION", usd("4,000")),
        ("MILESTONE", usd("15,000")),
        ("SCHEDULE", usd("5,000")),
    ]
    assert found[-1]["due"] == "2026-06-30"


# mutants and descriptors


def test_every_mutant_names_what_catches_it_and_exchanges_parts_that_there_are() -> None:
    catalogue = mutants.catalogue()
    assert list(catalogue) == [f"F-{number:02d}" for number in range(1, 70)]
    parts = {each.name for each in fields(Parts)}
    for mutant in catalogue.values():
        assert mutant.title
        assert mutant.parts
        assert set(mutant.parts) <= parts
        assert all(re.fullmatch(r"INV-\d\d", each) for each in mutant.invariants)
        assert all(re.fullmatch(r"S-\d\d", each) for each in mutant.scenarios)
        assert all("kind" in fault for fault in mutant.faults)


def test_the_descriptor_of_a_mutant_is_the_references_with_one_argument_more() -> None:
    plain, mutant = resolve("reference"), resolve("mutant:F-07")
    assert mutant.start.command == [*(plain.start.command or []), "--mutant", "F-07"]
    assert mutant.operations == plain.operations
    assert plain.declares == [
        "trace",
        "dead_letters",
        "reconciliation",
        "dashboard",
        "approvals",
        "polling",
        "migration",
    ]


def test_the_reference_is_sent_what_it_deals_with_and_a_mutant_what_it_deals_with_besides() -> None:
    parts = [each.default for each in fields(Parts)] + [Closing]
    dealt_with = {type_named(each) for part in parts for each in handled(part)}
    assert set(resolve("reference").events) == dealt_with
    assert set(resolve("mutant:F-62").events) == dealt_with | {"com.counterfoil.psa.task.closed.v1"}


def test_nobody_is_told_of_events_that_the_reference_does_not_deal_with(live: Live) -> None:
    deal = firm.prepare(live.world, lines=LINES[:1], milestones=MILESTONES)
    firm.win(live.world, deal)
    sent = {each["operation"] for each in live.world.control.items("/journal?kind=delivery")}
    assert "com.counterfoil.crm.contract.activated.v1" in sent
    assert sent <= set(live.integration.descriptor.events)


def test_a_won_deal_costs_no_calls_for_what_the_reference_knows_already(live: Live) -> None:
    def calls() -> list[str]:
        items = live.world.control.items("/journal")
        return [each["operation"] for each in items if each["kind"] in ("request", "delivery")]

    before = 0
    for name in ("Alder", "Birch"):  # the first one also finds out about cards, managers and companies
        deal = firm.prepare(
            live.world, customer_name=name, lines=LINES[:1], milestones=MILESTONES, mobilisation=usd("4,000")
        )
        live.world.settle()
        before = len(calls())
        firm.win(live.world, deal)
    made = calls()[before:]
    assert "create_ar_document" in made
    assert "create_invoice" in made
    assert len(made) <= 36, "\n".join(made)


def test_the_reference_knows_nothing_of_the_fakes() -> None:
    folder = Path(counterfoil.reference.__file__ or "").parent
    for file in folder.rglob("*.py"):
        assert "counterfoil_mocks" not in file.read_text(encoding="utf-8"), file
