"""Merges, deletions taken back, terminations: what a deed leaves behind in each role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.money import Money

if TYPE_CHECKING:
    from tests.conftest import Desk, Faces

    from counterfoil_mocks.kernel.fields import Record


def usd(amount: str) -> Money:
    """Dollars."""
    return Money(money.minor(amount, "USD"), "USD")


def account(desk: Desk, name: str, **more: object) -> Record:
    """An account with a site."""
    made = desk.create("customer", name=name, country="US", **more)
    desk.create("site", customer=made["id"], site_code="HQ", country="US")
    return made


@pytest.fixture
def pair(crm: Desk) -> tuple[Record, Record]:
    """Two accounts."""
    return account(crm, "Ulverston Glass"), account(crm, "Ulverston Glazing")


def test_a_merge_takes_over_deals_sites_and_children(crm: Desk, pair: tuple[Record, Record]) -> None:
    winner, loser = pair
    site = crm.get("site", f"{loser['customer_no']}/HQ")
    deal = crm.create(
        "opportunity", customer=loser["id"], name="Kiln", legal_entity="CF-US", ccy="USD", bill_to=site["id"]
    )
    child = account(crm, "Ulverston Windows", parent=loser["id"])
    crm.act("merge_customer", winner["customer_no"], loser=loser["customer_no"])
    assert crm.get("opportunity", deal["opp_no"])["customer"] == winner["id"]
    assert crm.get("customer", child["id"])["parent"] == winner["id"]
    moved = crm.get("site", site["id"])
    assert (moved["key"], moved["customer"]) == (f"{winner['customer_no']}/HQ-2", winner["id"])
    assert crm.list("customer", customer_no=loser["customer_no"]) == []
    assert crm.events[-1] == "crm.account.merged"


def test_a_merge_told_again_changes_nothing_and_a_merged_account_goes_nowhere_else(
    crm: Desk, pair: tuple[Record, Record]
) -> None:
    winner, loser = pair
    crm.act("merge_customer", winner["id"], loser=loser["id"])
    version = crm.get("customer", winner["id"])["version"]
    assert crm.act("merge_customer", winner["id"], loser=loser["id"])["version"] == version
    other = account(crm, "Another Company")
    assert crm.refused("merge_customer", other["id"], loser=loser["id"]).code == "MERGED_ELSEWHERE"
    assert crm.refused("merge_customer", winner["id"], loser=winner["id"]).field == "loser"
    assert crm.refused("restore_customer", loser["id"]).code == "MERGED"


def test_a_winner_below_the_loser_takes_its_place(crm: Desk) -> None:
    top = account(crm, "Top")
    loser = account(crm, "Middle", parent=top["id"])
    winner = account(crm, "Bottom", parent=loser["id"])
    merged = crm.act("merge_customer", winner["id"], loser=loser["id"])
    assert (merged["parent"], merged["ultimate_parent"]) == (top["id"], top["id"])


def test_a_merged_record_leads_to_the_winner(faces: Faces) -> None:
    winner, loser = (
        faces.call("crm", "POST", "/customers", {"name": name, "country": "US"}).json["id"]
        for name in ("Winner", "Loser")
    )
    faces.call("crm", "POST", "/actions/merge_customer", {"id": winner, "loser": loser})
    reply = faces.call("crm", "GET", f"/customers/{loser}")
    assert reply.status == 301
    assert reply.headers["location"].endswith(f"/native/v1/customers/{winner}")
    assert faces.call("crm", "GET", "/customers/0010000000000000").status == 404


def test_a_deleted_deal_comes_back_at_its_stage(crm: Desk, pair: tuple[Record, Record]) -> None:
    deal = crm.create("opportunity", customer=pair[0]["id"], name="Kiln", legal_entity="CF-US", ccy="USD")
    crm.act("advance_stage", deal["opp_no"], to="QUALIFY")
    crm.delete("opportunity", deal["opp_no"])
    back = crm.act("restore_opportunity", deal["opp_no"])
    assert (back["stage"], back["deleted_at"]) == ("QUALIFY", None)
    assert crm.events[-1] == "crm.opportunity.restored"
    assert crm.act("restore_opportunity", deal["opp_no"])["version"] == back["version"]


def test_elsewhere_a_parent_is_taken_as_told(desks: dict[str, Desk]) -> None:
    erp = desks["erp"]
    top = erp.create("customer", name="Top", country="US")
    below = erp.create("customer", name="Below", country="US", parent=top["id"])
    assert erp.change("customer", top["id"], if_match=1, parent=below["id"])["parent"] == below["id"]


@pytest.fixture
def books(desks: dict[str, Desk]) -> Desk:
    """Books with a retainer of 120,000 from 15 January and its January recognised."""
    erp = desks["erp"]
    erp.create("legal_entity", code="CF-US", name="CF-US", country="US", tz="America/Chicago", functional_ccy="USD")
    for period in ("2026-01", "2026-04"):
        erp.create("period", legal_entity="CF-US", period=period)
    schedule = {"method": "STRAIGHT_LINE", "start": "2026-01-15", "end": "2027-01-14"}
    erp.create(
        "revenue_schedule",
        contract_no="CT-0001",
        line_no=1,
        legal_entity="CF-US",
        ccy="USD",
        tp=usd("120,000"),
        **schedule,
    )
    erp.act("run_revenue", legal_entity="CF-US", period="2026-01")
    return erp


def test_a_terminated_schedule_is_worth_what_is_earned_on_its_last_day(books: Desk) -> None:
    ended = books.act("end_schedules", contract_no="CT-0001", effective="2026-04-24")
    figures = (ended["status"], ended["end"], ended["tp"], ended["recognised"])
    assert figures == ("COMPLETED", "2026-04-24", 3_287_671, 3_287_671)
    assert books.act("end_schedules", contract_no="CT-0001", effective="2026-04-24")["version"] == ended["version"]
    assert books.refused("end_schedules", contract_no="CT-9999", effective="2026-04-24").field == "contract_no"


def test_a_fee_that_was_agreed_beats_what_is_earned(books: Desk) -> None:
    ended = books.act("end_schedules", contract_no="CT-0001", effective="2026-01-20", fee=usd("1,000"))
    assert (ended["tp"], ended["recognised"]) == (100_000, 100_000)
    kinds = [each["kind"] for each in books.list("revenue_entry")]
    assert kinds == ["NORMAL", "REVERSAL"]
