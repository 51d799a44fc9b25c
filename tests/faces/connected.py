"""The reference's connectors at the systems of a landscape, with the native one beside to compare."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.parts import connector_of

Deed = Callable[[Any, NativeConnector], Awaitable[Any]]


def ask(landscape: Any, name: str, deed: Deed) -> Any:
    """Have something done with the connector of a system's vendor, and with the native one."""
    system = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == name)
    settings = SystemSettings(
        name,
        system["url"],
        token=system["native"]["credentials"]["access_token"],
        vendor=system["vendor"],
        credentials=system["credentials"],
    )

    async def doing() -> Any:
        async with aiohttp.ClientSession() as session:
            connector = connector_of(settings.vendor, NativeConnector)
            return await deed(connector(settings, session), NativeConnector(settings, session))

    return asyncio.run(doing())
