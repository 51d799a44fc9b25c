"""How a supply is taxed: the table of the domain row by row, and what billing makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from counterfoil_mocks.billing.treatment import VAT_ID_NOT_VALIDATED, Buyer, Supply, determine
from counterfoil_mocks.firm.base import TAX_CODES
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.money import Money

if TYPE_CHECKING:
    from tests.conftest import Desk

CODES: list[dict[str, Any]] = [
    {
        "code": code,
        "kind": kind,
        "category": category,
        "jurisdiction": place,
        "valid_from": "2025-01-01",
        "valid_to": None,
    }
    for code, kind, _, _, category, place, _ in TAX_CODES
]
PLAIN = Buyer("TAXABLE", None, None, None, None)
REGISTERED = PLAIN._replace(vat_id="FR83404833048", validated_at="2026-01-06T10:00:00.000Z")
CERTIFIED = Buyer("EXEMPT", "C-1", "2026-03-31", None, None)
UNVALIDATED = REGISTERED._replace(validated_at=None)

ROWS = [
    # seller, ship-to, jurisdiction, category, customer, tax point, code, warning
    ("US", "US", "US-TX", "SERVICES", PLAIN, "2026-01-06", "TX-DP", None),
    ("US", "US", "US-TX-825", "SERVICES", PLAIN, "2026-01-06", "TX-825", None),
    ("US", "US", "US-IL", "SERVICES", PLAIN, "2026-01-06", "NT", None),
    ("US", "US", "US-TX", "EXPENSES", PLAIN, "2026-01-06", "NT", None),
    ("US", "FR", "FR", "SERVICES", PLAIN, "2026-01-06", "NT", None),
    ("US", "US", "US-TX", "SERVICES", CERTIFIED, "2026-03-31", "EX", None),
    ("US", "US", "US-TX", "SERVICES", CERTIFIED, "2026-04-01", "TX-DP", None),
    ("GB", "GB", "GB", "EXPENSES", PLAIN, "2026-01-06", "VAT20", None),
    ("GB", "FR", "FR", "SERVICES", REGISTERED, "2026-01-06", "OS", None),
    ("DE", "DE", "DE", "SERVICES", REGISTERED, "2026-01-06", "VAT19", None),
    ("DE", "FR", "FR", "SERVICES", REGISTERED, "2026-01-06", "RC", None),
    ("DE", "FR", "FR", "SERVICES", UNVALIDATED, "2026-01-06", "VAT19", VAT_ID_NOT_VALIDATED),
    ("DE", "FR", "FR", "SERVICES", PLAIN, "2026-01-06", "VAT19", VAT_ID_NOT_VALIDATED),
    ("DE", "GB", "GB", "SERVICES", PLAIN, "2026-01-06", "OS", None),
    ("DE", "US", "US-TX", "SERVICES", PLAIN, "2026-01-06", "OS", None),
    ("JP", "JP", "JP", "SERVICES", PLAIN, "2026-01-06", "JCT10", None),
    ("KW", "KW", "KW", "SERVICES", PLAIN, "2026-01-06", "NT", None),
]


@pytest.mark.parametrize(("seller", "ship_to", "place", "category", "buyer", "on", "code", "warning"), ROWS)
def test_a_supply_is_taxed_as_the_table_says(
    seller: str, ship_to: str, place: str, category: str, buyer: Buyer, on: str, code: str, warning: str | None
) -> None:
    assert determine(Supply(seller, ship_to, place, category, on), buyer, CODES) == (code, warning)


def test_a_code_applies_only_while_it_is_valid() -> None:
    codes = [{**code, "valid_to": "2026-06-30" if code["code"] == "VAT19" else None} for code in CODES]
    codes.append({**CODES[4], "code": "VAT20-DE", "jurisdiction": "DE", "valid_from": "2026-07-01"})
    supply = Supply("DE", "DE", "DE", "SERVICES", "2026-06-30")
    assert determine(supply, PLAIN, codes).code == "VAT19"
    assert determine(supply._replace(tax_point="2026-07-01"), PLAIN, codes).code == "VAT20-DE"


@pytest.fixture
def billing(desks: dict[str, Desk]) -> Desk:
    """A British and a German seller, and a French customer whose VAT id nobody has checked."""
    desk = desks["billing"]
    for code, country, tz, ccy, vat_id in (
        ("CF-DE", "DE", "Europe/Berlin", "EUR", "DE136695976"),
        ("CF-UK", "GB", "Europe/London", "GBP", "GB365462636"),
    ):
        desk.create(
            "legal_entity",
            code=code,
            name=code,
            country=country,
            tz=tz,
            functional_ccy=ccy,
            vat_id=vat_id,
            gapless=True,
        )
    for code, kind, rate, _, category, place, legend in TAX_CODES:
        desk.create(
            "tax_code",
            code=code,
            kind=kind,
            rate=money.rate(rate),
            category=category,
            jurisdiction=place,
            legend=legend,
        )
    for number, country in (("CU-000001", "FR"), ("CU-000002", "GB")):
        desk.create("customer", customer_no=number, name=number, country=country, vat_id=f"{country}83404833048")
        desk.create("site", customer=number, site_code="HQ", country=country, jurisdiction_code=country)
    return desk


def plan(billing: Desk, seller: str, customer: str, ccy: str = "EUR", **line: Any) -> None:
    """A plan of one milestone of 10,000."""
    fee = {"kind": "MILESTONE", "ms_code": "M1", "amount": Money(1_000_000, ccy), **line}
    billing.act(
        "create_plan",
        contract_no="CT-0001",
        customer=customer,
        legal_entity=seller,
        ccy=ccy,
        ship_to=f"{customer}/HQ",
        lines=[fee],
    )


def draft(billing: Desk, **more: Any) -> Record:
    """A draft of the plan's one line."""
    billing.act("ready_plan_line", "CT-0001/1")
    return billing.act("draft_invoice", contract_no="CT-0001", plan_lines=["CT-0001/1"], **more)


def issued(billing: Desk, drafted: Record, **more: Any) -> Record:
    """The draft, approved and issued."""
    billing.act("approve_invoice", drafted["id"])
    return billing.act("issue_invoice", drafted["id"], **more)


def test_a_draft_is_taxed_at_home_until_the_vat_id_is_validated(billing: Desk) -> None:
    plan(billing, "CF-DE", "CU-000001")
    drafted = draft(billing)
    line = drafted["lines"][0]
    assert (line["tax_code"], line["tax"], drafted["warnings"]) == ("VAT19", 190_000, [VAT_ID_NOT_VALIDATED])
    billing.change("customer", "CU-000001", vat_validated_at="2026-01-05T16:00:00.000Z")
    drafted = billing.act("recalculate_invoice", drafted["id"])
    assert (drafted["lines"][0]["tax_code"], drafted["tax"], drafted["warnings"]) == ("RC", 0, [])
    invoice = issued(billing, drafted)
    assert (invoice["legends"], invoice["ec_sales"]) == (["Reverse charge"], True)
    assert (invoice["seller_vat_id"], invoice["bill_to_vat_id"]) == ("DE136695976", "FR83404833048")
    assert billing.refused("recalculate_invoice", invoice["id"]).code == "ILLEGAL_TRANSITION"


@pytest.mark.parametrize("where", ["plan", "draft"])
def test_a_code_that_is_given_stays_and_shows_as_an_override(billing: Desk, where: str) -> None:
    given = {"tax_code": "OS"}
    plan(billing, "CF-UK", "CU-000002", "GBP", **(given if where == "plan" else {}))
    line = issued(billing, draft(billing, **(given if where == "draft" else {})))["lines"][0]
    assert (line["tax_code"], line["tax_determined"], line["tax"]) == ("OS", "VAT20", 0)


def test_a_domestic_invoice_in_euros_states_its_tax_in_pounds_as_well(billing: Desk) -> None:
    plan(billing, "CF-UK", "CU-000002")
    drafted = draft(billing)
    billing.act("approve_invoice", drafted["id"])
    assert billing.refused("issue_invoice", drafted["id"]).code == "FX_RATE_MISSING"
    billing.create("fx_rate", from_ccy="EUR", to_ccy="GBP", rate_date="2026-01-05", rate=money.rate("0.86"))
    invoice = billing.act("issue_invoice", drafted["id"])
    assert (invoice["tax"], invoice["local_ccy"], invoice["tax_local"]) == (200_000, "GBP", 172_000)


def test_a_credit_keeps_the_code_and_the_local_rate_of_its_invoice(billing: Desk) -> None:
    plan(billing, "CF-UK", "CU-000002")
    invoice = issued(billing, draft(billing), fx_rate=money.rate("0.86"))
    billing.act("record_ar_status", invoice["id"], ar_status="POSTED")
    billing.create("fx_rate", from_ccy="EUR", to_ccy="GBP", rate_date="2026-01-05", rate=money.rate("0.9"))
    memo = billing.act("credit_invoice", invoice["id"], reason="TAX")
    assert (memo["lines"][0]["tax_code"], memo["tax"], memo["tax_local"]) == ("VAT20", -200_000, -172_000)
