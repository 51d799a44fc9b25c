"""Transactions: a deed's rows, versions and events are written together, in order, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from tests import deeds

from counterfoil_mocks.crm.model import CONTACT, CUSTOMER, QUOTE
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.roles import ROLES

if TYPE_CHECKING:
    from tests.conftest import Desk

ALL = ("customer", "history", "outbox", "sequence", "timer", "delivery")


def test_a_new_record_has_version_1_defaults_number_and_key(crm: Desk) -> None:
    customer = crm.create("customer", name="Aldergate", country="US", external_id="X-1", source_key="lead 7")
    assert (customer["version"], customer["customer_no"], customer["key"]) == (1, "CU-000001", "CU-000001")
    assert (customer["status"], customer["terms"], customer["po_required"]) == ("PROSPECT", "NET30", False)
    assert (customer["external_id"], customer["source_key"]) == ("X-1", "lead 7")
    assert crm.get("customer", "CU-000001") == customer
    assert len(customer["id"]) == 18


def test_each_change_is_a_version_with_its_history(crm: Desk) -> None:
    customer = crm.create("customer", name="Aldergate", country="US")
    changed = crm.change("customer", customer["key"], name="Aldergate Ltd")
    assert changed["version"] == 2
    rows = crm.system.store.rows("SELECT version, at, doc, before FROM crm.history ORDER BY seq")
    assert [row["version"] for row in rows] == [1, 2]
    assert rows[0]["at"] < rows[1]["at"]
    assert [orjson.loads(row["doc"])["name"] for row in rows] == ["Aldergate", "Aldergate Ltd"]
    assert rows[0]["before"] is None
    before = orjson.loads(rows[1]["before"])
    assert (before["name"], before["version"]) == ("Aldergate", 1)
    assert set(before) == {"name", "version", "updated_at"}


def test_an_attempt_that_fails_leaves_nothing_that_the_rest_of_the_deed_could_meet(crm: Desk) -> None:
    customer = crm.create("customer", name="Aldergate", country="US")

    def rename_and_fail(tx: Tx) -> None:
        with tx.attempt():
            tx.update(CUSTOMER, customer, {"name": "Aldergate Ltd"})
            tx.insert(CONTACT, {"customer": "nobody", "last_name": "Reed"})

    with Tx(crm.system, Origin()) as tx:
        with pytest.raises(Problem):
            rename_and_fail(tx)
        assert tx.events == []
        tx.emit(CUSTOMER, customer, "crm.account.updated")
    told = crm.system.store.rows(
        "SELECT h.doc FROM crm.outbox o LEFT JOIN crm.history h ON h.seq = o.history_seq ORDER BY o.seq"
    )
    assert [orjson.loads(each["doc"] or "null") for each in told] == [customer, customer]


def test_a_change_to_what_is_there_already_is_none(crm: Desk) -> None:
    customer = crm.create("customer", name="Aldergate", country="US")
    now = crm.system.clock.now
    assert crm.change("customer", customer["key"], name="Aldergate") == customer
    assert crm.events == ["crm.account.created"]
    assert crm.system.clock.now > now


def test_each_deed_has_an_instant_of_its_own(crm: Desk, psa: Desk) -> None:
    for desk in (crm, psa, crm):
        desk.create("customer", name="Aldergate", country="US", customer_no=f"CU-{desk.count('history')}")
    stamps = [
        row["at"]
        for desk in (crm, psa)
        for row in desk.system.store.rows(f"SELECT at FROM {desk.system.schema}.history")
    ]
    assert sorted(stamps) == [f"2026-01-05T15:00:00.00{n}Z" for n in (1, 2, 3)]


def test_the_crm_stamps_seconds_and_the_psa_milliseconds(crm: Desk, psa: Desk) -> None:
    assert crm.create("customer", name="A", country="US")["created_at"] == "2026-01-05T15:00:00.000Z"
    assert psa.create("customer", name="A", country="US")["created_at"] == "2026-01-05T15:00:00.002Z"


def test_an_event_is_a_row_of_the_same_deed(crm: Desk) -> None:
    crm.origin = Origin("integration", "acme", "OPP-00001", "evt-0", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    customer = crm.create("customer", name="Aldergate", country="US")
    rows = crm.system.store.rows("SELECT * FROM crm.outbox")
    assert [row["type"] for row in rows] == ["com.counterfoil.crm.account.created.v1"]
    event = rows[0]
    assert (event["key"], event["record_id"], event["version"]) == (customer["key"], customer["id"], 1)
    assert (event["correlation_id"], event["causation_id"]) == ("OPP-00001", "evt-0")
    assert event["traceparent"] == crm.origin.traceparent
    assert (customer["correlation_id"], customer["causation_id"]) == ("OPP-00001", "evt-0")


def test_a_subscriber_gets_a_delivery_of_what_it_asked_for(crm: Desk) -> None:
    for name, types in (("all", ""), ("sites", "com.counterfoil.crm.site.changed.v1")):
        crm.system.store.execute(
            "INSERT INTO crm.subscription VALUES (?, 'crm', 'http://127.0.0.1/', 's', ?, 1, 0, ?, '{}', '')",
            (name, types, crm.system.clock.now),
        )
    crm.create("customer", name="Aldergate", country="US")
    assert [row["subscription_id"] for row in crm.system.store.rows("SELECT * FROM crm.delivery")] == ["all"]


def write_much_and_fail(system: System) -> None:
    with Tx(system, Origin()) as tx:
        made = tx.insert(CUSTOMER, {"name": "Second", "country": "US"})
        tx.update(CUSTOMER, made, {"name": "Third"})
        tx.set_timer("reminder", "one", "2026-02-01T00:00:00.000Z")
        tx.number("invoices")
        tx.get("contract", "CT-0009")


def write_and_crash(system: System) -> None:
    with Tx(system, Origin()) as tx:
        tx.insert(CUSTOMER, {"name": "Aldergate", "country": "US"})
        raise ZeroDivisionError


def test_a_refused_deed_leaves_neither_row_nor_tick(crm: Desk) -> None:
    crm.create("customer", name="Aldergate", country="US")
    before, now = {name: crm.count(name) for name in ALL}, crm.system.clock.now
    with pytest.raises(Problem, match="no contract"):
        write_much_and_fail(crm.system)
    assert {name: crm.count(name) for name in ALL} == before
    assert crm.system.clock.now == now
    assert crm.create("customer", name="Next", country="US")["customer_no"] == "CU-000002"


def test_a_crash_in_a_deed_rolls_back_as_well(crm: Desk) -> None:
    now = crm.system.clock.now
    with pytest.raises(ZeroDivisionError):
        write_and_crash(crm.system)
    assert (crm.count("customer"), crm.system.clock.now) == (0, now)


def test_commits_are_told_and_roll_backs_are_not(crm: Desk) -> None:
    told: list[System] = []
    crm.system.world.on_commit.append(told.append)
    crm.create("customer", name="Aldergate", country="US")
    with pytest.raises(Problem):
        crm.change("customer", "CU-000001", if_match=9, name="Aldergate Ltd")
    assert told == [crm.system]


def test_a_stale_version_is_refused(crm: Desk) -> None:
    customer = crm.create("customer", name="Aldergate", country="US")
    crm.change("customer", customer["key"], if_match=1, name="Aldergate Ltd")
    with pytest.raises(Problem) as caught:
        crm.change("customer", customer["key"], if_match=1, name="Aldergate Inc")
    assert (caught.value.status, caught.value.code) == (412, "STALE_VERSION")
    with pytest.raises(Problem) as caught:
        crm.delete("customer", customer["key"], if_match=1)
    assert caught.value.status == 412
    assert crm.get("customer", customer["key"])["name"] == "Aldergate Ltd"


def test_two_currencies_are_not_mixed(crm: Desk) -> None:
    customer = crm.create("customer", name="Aldergate", country="US", invoice_ccy="USD")
    with pytest.raises(Problem) as caught:
        crm.change("customer", customer["key"], credit_limit=Money(1, "EUR"))
    assert (caught.value.status, caught.value.field) == (422, "credit_limit.ccy")
    assert crm.change("customer", customer["key"], credit_limit=Money(500, "USD"))["credit_limit"] == 500


def test_a_reference_must_point_at_a_live_record(crm: Desk) -> None:
    with pytest.raises(Problem) as caught:
        crm.create("contact", customer="CU-000009", name="Ann", email_norm="ann@aldergate.test")
    assert (caught.value.status, caught.value.field) == (422, "customer")
    gone = crm.create("customer", name="Aldergate", country="US")
    assert crm.delete("customer", gone["key"])["deleted_at"] is not None
    with pytest.raises(Problem):
        crm.create("contact", customer=gone["id"], name="Ann", email_norm="ann@aldergate.test")


def test_a_business_key_is_taken_once_and_free_after_deletion(psa: Desk) -> None:
    first = psa.create("employee", name="Dana", legal_entity="CF-US", level="SENIOR", cost_rate=1)
    again = {"name": "Dana", "legal_entity": "CF-US", "level": "SENIOR", "cost_rate": 1, "employee_no": "E-00001"}
    with pytest.raises(Problem) as caught:
        psa.create("employee", **again)
    assert (caught.value.status, caught.value.code) == (409, "DUPLICATE_KEY")
    psa.delete("employee", first["key"])
    assert psa.create("employee", **again)["key"] == "E-00001"


def test_series_count_without_gaps(crm: Desk) -> None:
    found: list[int] = []
    for fails in (False, True, False):
        try:
            with Tx(crm.system, Origin()) as tx:
                found.append(tx.number("INV-CF-US"))
                if fails:
                    tx.get(CONTACT, "nobody")
        except Problem:
            found.pop()
    assert found == [1, 2]


def test_a_timer_with_the_same_key_is_moved(crm: Desk) -> None:
    with Tx(crm.system, Origin()) as tx:
        for at in ("2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"):
            tx.set_timer("reminder", "one", at, {"n": 1})
        tx.set_timer("reminder", "two", "2026-02-01T00:00:00.000Z")
        tx.cancel_timer("reminder", "two")
    rows = crm.system.store.rows("SELECT at, key FROM crm.timer")
    assert rows == [{"at": "2026-03-01T00:00:00.000Z", "key": "one"}]


def test_a_record_without_a_flow_takes_the_one_of_its_contract(psa: Desk) -> None:
    psa.create("customer", name="Aldergate", country="US", customer_no="CU-000001")
    psa.origin = Origin("user", "Anne")
    fields = {"customer": "CU-000001", "name": "Redesign", "legal_entity": "CF-US", "ccy": "USD"}
    assert psa.create("project", contract_no="CT-0001", **fields)["correlation_id"] == "CT-0001"
    event = psa.system.store.rows("SELECT correlation_id, partition_key, legal_entity FROM psa.outbox")[-1]
    assert event == {"correlation_id": "CT-0001", "partition_key": "CT-0001", "legal_entity": "CF-US"}


def test_what_has_left_its_early_states_is_not_deleted(crm: Desk) -> None:
    customer = crm.create("customer", name="Aldergate", country="US")
    deal = crm.create("opportunity", customer=customer["id"], name="Deal", legal_entity="CF-US", ccy="USD")
    line = {"type": "TM", "rev_method": "AS_INVOICED"}
    draft, sent = (crm.create("quote", opportunity=deal["id"], ccy="USD", lines=[line]) for _ in range(2))
    for deed in ("submit_quote", "approve_quote", "send_quote"):
        crm.act(deed, sent["key"])
    gone, _ = deeds.remove(crm.system, Origin(), QUOTE, draft["key"], None)
    assert gone["deleted_at"] is not None
    with pytest.raises(Problem) as refused:
        deeds.remove(crm.system, Origin(), QUOTE, sent["key"], None)
    assert (refused.value.status, refused.value.code, refused.value.field) == (409, "NOT_DELETABLE", "status")
    assert crm.get("quote", sent["key"])["deleted_at"] is None


def test_states_that_allow_deletion_are_states_of_the_entity() -> None:
    told = [(role, entity) for role in ROLES.values() for entity in role.entities if entity.deletable_in]
    assert len(told) >= 8
    for _, entity in told:
        field, *states = entity.deletable_in
        assert set(states) <= set(entity.by_name[field].choices)


def test_a_list_that_is_emptied_is_an_empty_one_wherever_it_is_read(crm: Desk) -> None:
    made = crm.create("customer", name="Northwind", country="US", custom={"a": 1}, ext_refs=[])
    crm.change("customer", made["key"], custom=None, ext_refs=None)
    table = crm.system.table("customer")
    found, (selected,) = table.by_id("crm", made["id"]), table.select("crm", {"id": made["id"]})
    assert found is not None
    assert (found["custom"], found["ext_refs"]) == ({}, [])
    assert found == selected
