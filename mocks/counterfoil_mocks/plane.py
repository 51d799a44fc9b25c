"""The control plane as it is served: its gate, and behind it the deeds of people and, for everything else, the framework.

The framework and what it needs (`control.py`) are loaded at the first call that goes there: they take 14 MiB and a quarter of a second, and
a landscape that is only worked with through its systems never pays them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.canonical import PREFIX, Canonical
from counterfoil_mocks.control_gate import Answerable, Gate
from counterfoil_mocks.kernel.face import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

    from counterfoil_mocks.landscape import Landscape


class ControlPlane:
    """The ASGI application. What people do at the systems' screens goes past the framework: its layers cost as much as a read.

    routers: makers of what others add; each is asked for its router when the framework is loaded.
    """

    def __init__(self, landscape: Landscape) -> None:
        self.landscape = landscape
        self.routers: list[Callable[[], APIRouter]] = []
        self._direct = Answerable(Canonical(landscape.systems, landscape.journal))
        token = landscape.config.token
        self._app: ASGIApp = self._led if token is None else Gate(self._led, token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    async def _led(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{PREFIX}/")
        await (self._direct if direct else self.framework)(scope, receive, send)

    @cached_property
    def framework(self) -> FastAPI:
        """The application of the framework, made when it is first needed."""
        from counterfoil_mocks.control import build_control

        app = build_control(self.landscape)
        for made in self.routers:
            app.include_router(made())
        return app

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self.framework.openapi()
