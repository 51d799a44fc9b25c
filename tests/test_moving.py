"""Books that move to another ERP: handed over on one side, opened on the other, and nothing in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.money import Money

if TYPE_CHECKING:
    from tests.conftest import Desk

    from counterfoil_mocks.kernel.fields import Record


def gbp(amount: str) -> Money:
    """Pounds."""
    return Money(money.minor(amount, "GBP"), "GBP")


@pytest.fixture
def erp(desks: dict[str, Desk]) -> Desk:
    """A company in London with one contract: an invoice of 12,000 with VAT, work in progress of 900, January begun."""
    erp = desks["erp"]
    erp.create("legal_entity", code="CF-UK", name="CF-UK", country="GB", tz="Europe/London", functional_ccy="GBP")
    erp.create("period", legal_entity="CF-UK", period="2026-01")
    erp.create("customer", customer_no="CU-000001", name="Ulverston Glass", country="GB")
    of = {"contract_no": "CT-0001", "legal_entity": "CF-UK", "ccy": "GBP"}
    erp.create("revenue_schedule", **of, line_no=1, method="COST_TO_COST", tp=gbp("20,000"), budget_cost=gbp("11,000"))
    erp.create("revenue_schedule", **of, line_no=2, method="AS_INVOICED")
    line = {"line_no": 1, "line_type": "FIXED_FEE", "net": gbp("10,000"), "tax": gbp("2,000")}
    erp.create("ar_document", **of, invoice_no="INV-1", customer="CU-000001", issue_date="2026-01-05", lines=[line])
    work = {"source_type": "TIME", "line_no": 2, "work_date": "2026-01-05", "minutes": 240}
    erp.create("work_entry", **of, **work, source_id="TE-1", value=gbp("900"), cost=gbp("400"))
    return erp


def balances(erp: Desk) -> dict[str, int]:
    """Debits less credits by account, where there are any."""
    found: dict[str, int] = {}
    for entry in erp.list("journal_entry"):
        for line in entry["lines"]:
            found[line["account"]] = found.get(line["account"], 0) + line["dr"] - line["cr"]
    return {account: amount for account, amount in sorted(found.items()) if amount}


def test_a_handover_closes_the_contract_s_balances_and_takes_its_open_items_along(erp: Desk) -> None:
    erp.act("move_books", "CF-UK", to="erp_b")
    handover = erp.get("handover", "CF-UK/CT-0001")
    held = {line["account"]: line["dr"] - line["cr"] for line in handover["lines"]}
    assert held == {"1200": 1_200_000, "1220": 90_000, "2300": -1_000_000}
    assert [len(handover[name]) for name in ("documents", "schedules", "work")] == [1, 2, 1]
    assert balances(erp) == {"2200": -200_000, "2500": -40_000, "4010": -90_000, "5000": 40_000, "9900": 290_000}
    assert erp.list("ar_document") == erp.list("revenue_schedule") == erp.list("work_entry") == []
    assert erp.events[-1] == "erp.books.moved"


def test_nothing_is_posted_where_the_books_have_gone(erp: Desk) -> None:
    erp.act("move_books", "CF-UK", to="erp_b")
    paid = {"payer": "CU-000001", "legal_entity": "CF-UK", "ccy": "GBP", "amount": gbp("1"), "value_date": "2026-01-06"}
    assert erp.refused("receive_payment", bank_ref="B-1", **paid).code == "BOOKS_MOVED"
    assert erp.refused("move_books", "CF-UK", to="erp_c").code == "BOOKS_MOVED"


def test_what_is_loaded_stands_as_it_stood_and_posts_nothing(erp: Desk) -> None:
    document = {
        "invoice_no": "INV-7",
        "legal_entity": "CF-UK",
        "contract_no": "CT-0007",
        "customer": "CU-000001",
        "ccy": "GBP",
        "issue_date": "2025-12-01",
        "due": "2025-12-31",
        "net": gbp("500"),
        "tax": gbp("0"),
        "total": gbp("500"),
        "open_amount": gbp("200"),
        "paid": gbp("300"),
        "status": "PARTIALLY_PAID",
        "lines": [{"line_no": 1, "net": gbp("500"), "tax": gbp("0")}],
    }
    before = balances(erp)
    loaded: Record = erp.act("load_ar_document", legacy_system="erp_a", legacy_id="ARD-1", **document)
    assert (loaded["status"], loaded["open_amount"], loaded["je"]) == ("PARTIALLY_PAID", 20_000, None)
    assert loaded["ext_refs"] == [{"system": "erp_a", "type": "ar_document", "id": "ARD-1"}]
    assert balances(erp) == before
    assert (
        erp.refused("load_ar_document", legacy_system="erp_a", legacy_id="ARD-1", **document).code == "LOADED_ALREADY"
    )
    held = [{"account": "1200", "dr": gbp("200"), "func_dr": gbp("200")}]
    erp.act("load_opening", legal_entity="CF-UK", contract_no="CT-0007", as_of="2026-01-05", lines=held)
    assert balances(erp) == {**before, "1200": before["1200"] + 20_000, "9900": -20_000}


def test_a_record_is_told_of_again_and_nothing_changes(erp: Desk) -> None:
    document = erp.list("ar_document")[0]
    told = erp.act("announce_ar_document", document["id"])
    assert (told["version"], erp.events[-1]) == (document["version"], "erp.invoice.posted")


def test_what_nothing_announces_is_refused(crm: Desk) -> None:
    customer = crm.create("customer", name="Ulverston Glass", country="GB")
    deal = crm.create("opportunity", customer=customer["id"], name="Kiln", legal_entity="CF-UK", ccy="GBP")
    assert crm.refused("announce_opportunity", deal["opp_no"]).code == "NO_HISTORY"
