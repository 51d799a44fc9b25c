"""Stories and integrations with more than one system of a role."""

from __future__ import annotations

import json
from pathlib import Path

from counterfoil.bench import Settings, widened
from counterfoil.integration import resolve
from counterfoil.reference.event import Event
from counterfoil.reference.routes import Routes, along, named
from counterfoil.reference.state import State


def test_a_story_s_systems_come_after_the_first_four() -> None:
    with widened(Settings(resolve("noop"), systems=(("erp_b", {"role": "erp"}),))) as file:
        said = json.loads(Path(file.name).read_bytes())
    assert list(said["systems"]) == ["crm", "psa", "erp", "billing", "erp_b"]


def test_the_reference_says_what_it_needs_for_a_second_erp() -> None:
    also = resolve("reference").also["erp_b"]
    assert also.webhook is not None
    assert also.env["ERP_B_URL"] == "${systems.erp_b.url}"


def event(system: str, **record: str) -> Event:
    """An event about a record."""
    return Event(system, system, "1", "any", "key", "flow", 1, "", None, dict(record), {})


def test_an_event_goes_to_its_own_crm_and_to_the_books_of_its_company() -> None:
    state = State(":memory:")
    routes = Routes(state, dict.fromkeys(("crm", "crm_b", "psa", "billing", "erp", "erp_b")))  # type: ignore[arg-type]
    state.note("books", "CF-UK", "erp_b")
    [sold] = routes.of(event("crm_b", contract_no="CTB-1", legal_entity="CF-UK"))
    assert (sold["crm"], sold["erp"]) == ("crm_b", "erp_b")
    [billed] = routes.of(event("billing", contract_no="CTB-1", legal_entity="CF-US"))
    assert (billed["crm"], billed["erp"]) == ("crm_b", "erp")
    assert [each["erp"] for each in routes.of(event("crm"))] == ["erp", "erp_b"]


def test_cross_references_are_kept_by_the_systems_own_names() -> None:
    state = State(":memory:")
    state.link("customer", "C1", "erp", "A-1", 1)
    with along({"erp": "erp_b"}):
        assert named("erp") == "erp_b"
        assert state.links("customer", "C1") == {}
        state.link("customer", "C1", "erp", "B-1", 1)
        assert state.links("customer", "C1") == {"erp": ("B-1", 1)}
    assert state.links("customer", "C1") == {"erp": ("A-1", 1)}
