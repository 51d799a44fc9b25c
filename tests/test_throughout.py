"""What must always hold is judged at every moment that a story passed through, not only at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests import deeds

from counterfoil import throughout, verdict
from counterfoil.causes import Past
from counterfoil.invariant import catalogue
from counterfoil_mocks.kernel.system import Origin

if TYPE_CHECKING:
    from tests.conftest import Desk

BEGUN = "2026-01-05T00:00:00.000Z"


def at(desks: dict[str, Desk], instant: str) -> None:
    """Let business time pass."""
    desks["crm"].system.clock.move_to(instant)


def linked(desks: dict[str, Desk], golden: str) -> str:
    """A customer in the books that says it is the CRM's; returns its id."""
    return str(desks["erp"].create("customer", name="Aldergate", country="US", external_id=golden)["id"])


def judged(desks: dict[str, Desk], *only: str, since: str | None = BEGUN) -> dict[str, verdict.Result]:
    """The verdict now, by invariant."""
    system = desks["crm"].system
    found = verdict.check(
        system.store, now=system.clock.now, only=only or None, at_rest=True, since=since, first_cause=True
    )
    return {each.id: each for each in found}


def a_duplicate_that_was_removed(desks: dict[str, Desk]) -> str:
    """For an hour two customers of the books were linked to one of the CRM; returns the instant of the second."""
    golden = desks["crm"].create("customer", name="Aldergate", country="US")["id"]
    linked(desks, golden)
    at(desks, "2026-01-06T10:00:00.000Z")
    second = linked(desks, golden)
    came = desks["erp"].system.clock.now
    at(desks, "2026-01-06T11:00:00.000Z")
    desks["erp"].delete("customer", second, if_match=1)
    return came


def test_a_breach_that_is_over_is_a_violation_and_dated(desks: dict[str, Desk]) -> None:
    came = a_duplicate_that_was_removed(desks)
    assert judged(desks, "INV-02", since=None)["INV-02"].status == "held"
    result = judged(desks, "INV-02")["INV-02"]
    assert (result.status, result.passed_by) == ("violated", came)
    assert result.first_cause is not None
    assert (result.first_cause.at, result.first_cause.system) == (came, "erp")


def test_moments_before_the_story_are_not_judged(desks: dict[str, Desk]) -> None:
    a_duplicate_that_was_removed(desks)
    assert judged(desks, "INV-02", since="2026-01-06T10:30:00.000Z")["INV-02"].status == "held"


def test_what_is_put_right_before_the_landscape_rests_was_never_observable(desks: dict[str, Desk]) -> None:
    golden = desks["crm"].create("customer", name="Aldergate", country="US")["id"]
    linked(desks, golden)
    desks["erp"].delete("customer", linked(desks, golden), if_match=1)
    assert judged(desks, "INV-02")["INV-02"].status == "held"


def test_what_is_due_later_is_not_asked_of_the_past(desks: dict[str, Desk]) -> None:
    golden = desks["crm"].create("customer", name="Aldergate", country="US")["id"]
    copy = linked(desks, golden)
    at(desks, "2026-01-06T10:00:00.000Z")
    desks["crm"].change("customer", golden, name="Aldergate Group")
    at(desks, "2026-01-08T10:00:00.000Z")
    system = desks["erp"].system
    deeds.change(system, Origin(), system.role.by_name["customer"], copy, {"name": "Aldergate Group"}, None)
    assert judged(desks, "INV-03")["INV-03"].status == "held"


@pytest.mark.parametrize(
    ("invariant", "table"),
    [("INV-18", ("psa", "time_entry")), ("INV-19", ("billing", "invoice")), ("INV-29", ("erp", "journal_entry"))],
)
def test_an_invariant_is_asked_again_when_what_it_looks_at_was_written(
    desks: dict[str, Desk], invariant: str, table: tuple[str, str]
) -> None:
    past = Past(desks["crm"].system.store)
    looked_at = throughout.touched_by(catalogue()[invariant], past)
    past.close()
    assert table in looked_at
    assert ("crm", "quote") not in looked_at


def test_looking_back_changes_nothing(desks: dict[str, Desk]) -> None:
    a_duplicate_that_was_removed(desks)
    store = desks["crm"].system.store
    before = [store.connection.serialize(name=schema) for schema in store.roles]
    judged(desks)
    assert [store.connection.serialize(name=schema) for schema in store.roles] == before
