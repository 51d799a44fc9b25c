"""The reference's connector of Salesforce: it says and reads through Salesforce what the native face holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import Trail
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.connectors.salesforce import Connector
from counterfoil.reference.connectors.salesforce_objects import OBJECTS
from counterfoil.reference.errors import Refused

Deed = Callable[[Connector, NativeConnector], Awaitable[Any]]


class Firm:
    """A firm whose CRM speaks as Salesforce, and both ways to ask it."""

    def __init__(self, landscape: Any) -> None:
        self.landscape = landscape
        crm = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")
        token = crm["native"]["credentials"]["access_token"]
        self.settings = SystemSettings(
            "crm", crm["url"], token=token, vendor="salesforce", credentials=crm["credentials"]
        )

    def ask(self, deed: Deed) -> Any:
        """Have something done with the connector, and with the native one beside it."""

        async def doing() -> Any:
            async with aiohttp.ClientSession() as session:
                return await deed(Connector(self.settings, session), NativeConnector(self.settings, session))

        return asyncio.run(doing())

    def act(self, action: str, **fields: Any) -> Any:
        """A business deed, as a person does it."""
        return self.landscape.call("POST", f"/systems/crm/actions/{action}", fields).json

    def paths(self) -> list[str]:
        """The calls of the CRM so far."""
        items = self.landscape.call("GET", "/journal?system=crm&limit=1000").json["items"]
        return [each["path"] for each in items if each["kind"] == "request"]


@pytest.fixture(scope="module")
def firm(launch_shared: Any) -> Iterator[Firm]:
    systems: dict[str, Any] = {"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}}
    yield Firm(launch_shared(systems=systems, size="S"))


@pytest.mark.parametrize("entity", [entity for entity in OBJECTS if entity != "contact"])
@pytest.mark.by_test("query")
def test_what_is_read_through_salesforce_is_what_the_native_face_says(firm: Firm, entity: str) -> None:
    async def both(salesforce: Connector, native: NativeConnector) -> tuple[Any, ...]:
        read = await salesforce.list(entity, {})
        own = {each["id"]: each for each in await native.list(entity, {})}
        by_key = [await salesforce.get(entity, each["key"]) for each in read[:2] if each["key"]]
        by_id = [await salesforce.get(entity, each["id"]) for each in read[:2]]
        return read, own, by_key, by_id

    read, own, by_key, by_id = firm.ask(both)
    assert {each["id"] for each in read} == set(own)
    for each in read:
        shared = {name: own[each["id"]][name] for name in each if name not in ("created_at", "updated_at")}
        assert {name: each[name] for name in shared} == shared
    assert by_id == read[:2]
    assert by_key == [each for each in read[:2] if each["key"]]
    assert read or entity in ("approval", "change_order")
