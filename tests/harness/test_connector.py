"""How the reference calls a system that is not always there."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import native
from counterfoil.reference.connectors.native import Call, NativeConnector
from counterfoil.reference.errors import Unreachable


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def one_site(request: web.Request) -> web.Response:
    """The only record of that system."""
    return web.json_response({"id": "1"})


class Starting(NativeConnector):
    """A connector of a system that starts after as many calls as there are attempts, and one more."""

    calls = 0
    runner: web.AppRunner | None = None

    async def _attempt(self, call: Call) -> tuple[int, Any, float]:
        answer = await super()._attempt(call)
        self.calls += 1
        if self.calls == native.MOST_ATTEMPTS + 1:
            app = web.Application()
            app.router.add_get("/native/v1/sites/1", one_site)
            self.runner = web.AppRunner(app)
            await self.runner.setup()
            await web.TCPSite(self.runner, "127.0.0.1", int(self.settings.url.rpartition(":")[2])).start()
        return answer


def settings() -> SystemSettings:
    return SystemSettings("crm", f"http://127.0.0.1:{free_port()}", token="secret-of-the-test")


def test_no_attempt_is_spent_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "RESTART_PAUSE", 0)

    async def story() -> Any:
        async with aiohttp.ClientSession() as session:
            connector = Starting(settings(), session)
            found = await connector.get("site", "1")
            assert connector.runner is not None
            await connector.runner.cleanup()
            return found

    assert asyncio.run(story()) == {"id": "1"}


def test_a_system_that_never_starts_is_unreachable_and_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "LONGEST_RESTART", 0)

    async def story() -> None:
        async with aiohttp.ClientSession() as session:
            await NativeConnector(settings(), session).get("site", "1")

    with pytest.raises(Unreachable, match="in 8 attempts; the last: ClientConnectorError"):
        asyncio.run(story())
