"""A violation names the commit after which it has stood, and the chain from there back to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests import deeds

from counterfoil import verdict
from counterfoil.causes import NEAR, earliest
from counterfoil_mocks.kernel.system import Origin

if TYPE_CHECKING:
    from tests.conftest import Desk

INTEGRATION = Origin("integration", "counterfoil-integration", journal_seq=7, deed="update_customer")


def customer(desks: dict[str, Desk]) -> tuple[str, str]:
    """A customer of the CRM, copied to the books by the integration; returns both ids."""
    golden = desks["crm"].create("customer", name="Aldergate Logistics", country="US")
    cause = desks["crm"].system.store.rows("SELECT id FROM crm.outbox ORDER BY seq DESC LIMIT 1")[0]["id"]
    origin = INTEGRATION._replace(causation_id=cause, deed="create_customer", journal_seq=6)
    copy = {"name": golden["name"], "country": "US", "customer_no": golden["customer_no"], "external_id": golden["id"]}
    made, _ = deeds.create(desks["erp"].system, origin, desks["erp"].system.role.by_name["customer"], copy)
    return golden["id"], made["id"]


def renamed(desks: dict[str, Desk], role: str, record_id: str, name: str, cause: str | None = None) -> str:
    """Give a customer another name, in the books as the integration; returns the instant."""
    if role == "crm":
        desks["crm"].change("customer", record_id, name=name)
    else:
        system = desks[role].system
        origin = INTEGRATION._replace(causation_id=cause)
        deeds.change(system, origin, system.role.by_name["customer"], record_id, {"name": name}, None)
    return desks[role].system.clock.now


def found(desks: dict[str, Desk], invariant: str) -> Any:
    """The first cause of the first row of an invariant, at rest."""
    system = desks["crm"].system
    [result] = verdict.check(system.store, now=system.clock.now, only=[invariant], at_rest=True, first_cause=True)
    assert result.status == "violated"
    return result.first_cause


def last_event(desks: dict[str, Desk]) -> str:
    """Id of the CRM's last event."""
    return str(desks["crm"].system.store.rows("SELECT id FROM crm.outbox ORDER BY seq DESC LIMIT 1")[0]["id"])


def test_a_stale_event_that_overwrites_a_newer_name_is_the_first_cause(desks: dict[str, Desk]) -> None:
    golden, copy = customer(desks)
    renamed(desks, "crm", golden, "Aldergate One")
    first = last_event(desks)
    renamed(desks, "crm", golden, "Aldergate Two")
    second = last_event(desks)
    renamed(desks, "erp", copy, "Aldergate Two", second)
    stale = renamed(desks, "erp", copy, "Aldergate One", first)
    renamed(desks, "crm", customer(desks)[0], "Somebody Else")
    cause = found(desks, "INV-43")
    assert (cause.at, cause.deed, cause.system, cause.journal_seq) == (stale, "update_customer", "erp", 7)
    assert cause.record == "customer CU-000001"
    event = cause.chain[0]
    assert (event.kind, event.name, event.id) == ("event", "crm.account.updated", first)
    assert cause.chain[-1].kind == "deed"
    assert cause.chain[-1].actor == "user"


def test_what_is_lacking_was_caused_by_what_made_it_due(desks: dict[str, Desk]) -> None:
    golden, _ = customer(desks)
    due = renamed(desks, "crm", golden, "Aldergate Group")
    cause = found(desks, "INV-03")
    assert (cause.at, cause.system, cause.actor) == (due, "crm", "user")
    assert cause.chain == []


def test_a_second_record_is_the_first_cause_of_a_duplicate(desks: dict[str, Desk]) -> None:
    golden, copy = customer(desks)
    renamed(desks, "crm", golden, "Aldergate Group")
    renamed(desks, "erp", copy, "Aldergate Group")
    desks["erp"].create("customer", name="Other", country="US", external_id=golden)
    at = desks["erp"].system.clock.now
    renamed(desks, "erp", copy, "Aldergate Group Ltd")
    cause = found(desks, "INV-02")
    assert (cause.at, cause.system, cause.actor) == (at, "erp", "user")


def test_a_state_that_was_wrong_when_seeded_has_no_first_cause(desks: dict[str, Desk]) -> None:
    golden, _ = customer(desks)
    store = desks["erp"].system.store
    store.execute("UPDATE erp.customer SET name = 'Wrong from the start'")
    store.execute("DELETE FROM erp.history")
    store.execute("DELETE FROM crm.history")
    assert found(desks, "INV-03") is None
    desks["crm"].change("customer", golden, owner="Dana")
    assert found(desks, "INV-03") is None


def test_looking_back_changes_nothing(desks: dict[str, Desk]) -> None:
    golden, _ = customer(desks)
    renamed(desks, "crm", golden, "Aldergate Group")
    store = desks["crm"].system.store
    before = [store.connection.serialize(name=schema) for schema in store.roles]
    found(desks, "INV-03")
    assert [store.connection.serialize(name=schema) for schema in store.roles] == before


def test_the_search_finds_the_last_coming_near_the_end_and_one_coming_far_back() -> None:
    instants = [f"{number:04d}" for number in range(1000)]
    assert earliest(instants, lambda at: at >= "0990" or "0980" <= at < "0985") == "0990"
    assert earliest(instants, lambda at: at >= "0123") == "0123"
    assert earliest(instants, lambda at: False) is None
    assert earliest(instants, lambda at: True) is None
    asked: list[str] = []
    earliest(instants, lambda at: bool(asked.append(at)) or at >= "0001")
    assert len(asked) < NEAR + 40
