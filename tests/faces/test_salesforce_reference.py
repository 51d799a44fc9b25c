"""The reference's connector of Salesforce: what it says to Salesforce, and what stays with the native face."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import Trail
from counterfoil.reference.connectors.salesforce import Connector


@pytest.mark.by_test("create_record update_record")
def test_an_invoice_s_mirror_is_written_by_salesforces_own_api(launch: Any) -> None:
    landscape = launch(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    crm = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")
    settings = SystemSettings(
        "crm",
        crm["url"],
        token=crm["native"]["credentials"]["access_token"],
        vendor="salesforce",
        credentials=crm["credentials"],
    )
    values = {
        "invoice_no": "INV-1",
        "ccy": "USD",
        "doc_type": "INVOICE",
        "total": {"minor": 30030, "ccy": "USD"},
        "status": "ISSUED",
    }

    async def mirror() -> Any:
        async with aiohttp.ClientSession() as session:
            connector = Connector(settings, session)
            made = await connector.create("invoice", dict(values), Trail(key="k"), None)
            return await connector.patch(
                "invoice", made, {"status": "PAID", "paid": {"minor": 30030, "ccy": "USD"}}, Trail(key="k2")
            )

    record = asyncio.run(mirror())
    assert (record["invoice_no"], record["status"]) == ("INV-1", "PAID")
    assert record["total"] == record["paid"] == {"minor": 30030, "ccy": "USD"}
    asked = [
        each["operation"]
        for each in landscape.call("GET", "/journal?system=crm&limit=50").json["items"]
        if each["kind"] == "request"
    ]
    assert "create_record" in asked
    assert "update_record" in asked
