"""The reference's connector of NetSuite: what it says to NetSuite, what it reads of it, and what stays with the native face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from connected import Deed, ask

from counterfoil.reference.connectors import Record, Trail
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.connectors.netsuite import Connector
from counterfoil.reference.errors import Refused

TRAIL = Trail(flow="CT-1", cause="event-1", key="k")
COARSE = ("updated_at", "created_at")
"""NetSuite's records tell moments to the second."""


@pytest.fixture
def spoken(netsuite_face: Any) -> Callable[[Deed], Any]:
    """Runs what is done with the connector and the native one beside it."""
    return lambda deed: ask(netsuite_face, "erp", deed)


def a_customer(number: str, **more: Any) -> Record:
    return {
        "name": f"Acme {number}",
        "country": "US",
        "customer_no": f"CU-{number}",
        "external_id": f"crm-{number}",
        "tax_status": "TAXABLE",
        "terms": "NET30",
        "invoice_ccy": "USD",
        "credit_limit": {"minor": 500_000, "ccy": "USD"},
        "po_required": True,
        **more,
    }


def a_document(number: str, customer: str, **more: Any) -> Record:
    line = {
        "line_no": 1,
        "line_type": "TM",
        "contract_line": 2,
        "description": "Consulting",
        "net": {"minor": 100_030, "ccy": "USD"},
        "tax_code": "US-8",
        "tax": {"minor": 8_002, "ccy": "USD"},
        "service_item": "CONSULTING",
    }
    return {
        "invoice_no": number,
        "doc_type": "INVOICE",
        "legal_entity": "CF-US",
        "customer": customer,
        "contract_no": "CT-0001",
        "ccy": "USD",
        "issue_date": "2026-01-06",
        "due": "2026-02-05",
        "external_id": number,
        "lines": [line],
        **more,
    }


def test_what_netsuite_shows_is_what_the_books_know(spoken: Any) -> None:
    async def deed(connector: Connector, native: NativeConnector) -> None:
        buyer = await connector.create("customer", a_customer("0100"), TRAIL, None)
        place = {"customer": buyer["id"], "site_code": "BILL", "kind": "BILL_TO", "country": "US", "external_id": "s-1",
                 "lines": ["1 Pier", "Dock 2", "Gate 3", "Door 4"], "city": "Boston", "postcode": "02110",
                 "jurisdiction_code": "US-MA"}  # fmt: skip
        site = await connector.create("site", place, TRAIL, None)
        await connector.patch("site", site, {"city": None, "lines": ["2 Pier"]}, TRAIL)
        await connector.patch("customer", buyer, {"name": "Acme Renamed", "status": "INACTIVE"}, TRAIL)
        invoice = await connector.create("ar_document", a_document("INV-100", buyer["id"]), TRAIL, None)
        memo = a_document("CM-100", buyer["id"], doc_type="CREDIT_MEMO", corrects=invoice["invoice_no"])
        await connector.create("ar_document", memo, TRAIL, None)
        await connector.create("ar_document", a_document("INV-101", buyer["id"]), TRAIL, None)
        rate = {"from_ccy": "USD", "to_ccy": "EUR", "rate_date": "2026-01-05", "rate": "0.9"}
        await native.create("fx_rate", rate, TRAIL, None)
        money = {"payer": buyer["id"], "legal_entity": "CF-US", "ccy": "USD", "amount": {"minor": 60_000, "ccy": "USD"},
                 "bank_ref": "WIRE-1", "value_date": "2026-01-06"}  # fmt: skip
        payment = await native.act("receive_payment", {}, money, Trail(key="receive"))
        await native.act("apply_payment", {"id": payment["id"]}, {"invoice_no": "INV-101"}, Trail(key="apply"))
        plan = {"contract_no": "CT-0001", "line_no": 1, "customer": buyer["id"], "legal_entity": "CF-US", "ccy": "USD",
                "method": "STRAIGHT_LINE", "service_item": "CONSULTING", "tp": {"minor": 1_200_000, "ccy": "USD"},
                "start": "2026-01-01", "end": "2026-12-31"}  # fmt: skip
        await native.create("revenue_schedule", plan, Trail(key="plan"), None)
        for entity in connector.sources:
            shown = {each["id"]: each for each in await connector.list(entity, {})}
            known = {each["id"]: each for each in await native.list(entity, {})}
            assert shown.keys() == known.keys() != set(), entity
            for id, record in shown.items():
                for name in record.keys() & known[id].keys() - {*COARSE, "lines"}:
                    assert record[name] == known[id][name], (entity, name)
                for ours, theirs in zip(record.get("lines") or (), known[id].get("lines") or (), strict=True):
                    if isinstance(ours, dict):
                        assert ours == {name: theirs[name] for name in ours}, entity

    spoken(deed)


def test_a_customer_that_is_made_twice_is_there_once(spoken: Any) -> None:
    async def deed(connector: Connector, native: NativeConnector) -> None:
        first = await connector.create("customer", a_customer("0200"), TRAIL, None)
        again = await connector.create("customer", a_customer("0200"), TRAIL, None)
        assert first["id"] == again["id"]
        assert len(await native.list("customer", {"customer_no": "CU-0200"})) == 1

    spoken(deed)


def test_an_invoice_that_is_there_is_refused_by_our_word(spoken: Any) -> None:
    async def deed(connector: Connector, native: NativeConnector) -> None:
        buyer = await connector.create("customer", a_customer("0300"), TRAIL, None)
        await connector.create("ar_document", a_document("INV-300", buyer["id"]), TRAIL, None)
        with pytest.raises(Refused) as refused:
            await connector.create("ar_document", a_document("INV-300", buyer["id"]), TRAIL, None)
        assert refused.value.code == "DUPLICATE_KEY"
        late = a_document("INV-301", buyer["id"], issue_date="2025-12-30")
        with pytest.raises(Refused) as closed:
            await connector.create("ar_document", late, TRAIL, None)
        assert closed.value.code == "PERIOD_CLOSED"

    spoken(deed)


def test_a_customer_is_made_known_to_a_company_before_its_first_invoice(netsuite_face: Any, spoken: Any) -> None:
    netsuite_face.call("POST", "/systems/erp/periods", {"legal_entity": "CF-UK", "period": "2026-01"})
    rate = {"from_ccy": "USD", "to_ccy": "GBP", "rate_date": "2026-01-05", "rate": "0.75"}
    netsuite_face.call("POST", "/systems/erp/fx_rates", rate)

    async def deed(connector: Connector, native: NativeConnector) -> None:
        buyer = await connector.create("customer", a_customer("0400"), TRAIL, None)
        for number, company in enumerate(("CF-US", "CF-UK", "CF-UK")):
            values = a_document(f"INV-40{number}", buyer["id"], legal_entity=company)
            assert (await connector.create("ar_document", values, TRAIL, None))["legal_entity"] == company

    spoken(deed)
    made = [each for each in netsuite_face.call("GET", "/journal?system=erp&limit=200").json["items"]
            if each["operation"] == "create_customer_subsidiary_relationship"]  # fmt: skip
    assert len(made) == 1


def test_a_code_that_no_list_has_is_refused_before_anything_is_written(spoken: Any) -> None:
    async def deed(connector: Connector, native: NativeConnector) -> None:
        buyer = await connector.create("customer", a_customer("0500"), TRAIL, None)
        values = a_document("INV-500", buyer["id"])
        values["lines"][0]["service_item"] = "UNHEARD-OF"
        with pytest.raises(Refused) as refused:
            await connector.create("ar_document", values, TRAIL, None)
        assert refused.value.body["field"] == "item"
        assert await connector.get("ar_document", "INV-500") is None

    spoken(deed)
