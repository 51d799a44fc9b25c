"""HTTP servers for a landscape: several ports in one event loop, on uvicorn's protocol with uvloop and httptools.

Sockets are bound before anything starts, so that a taken port is known at once. The protocol hands the connection's wire to the
application, so that a fault can cut it and an answer can leave in one piece.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Coroutine
from email.utils import formatdate
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from counterfoil_mocks.kernel.face import ASGIApp
from counterfoil_mocks.kernel.pipeline import WIRE

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 2.0
COLLECTED = (20_000, 20, 50)
"""After how many new objects Python looks for cycles among the youngest, and after how many times among older ones."""


class PortTaken(Exception):
    """A port that the landscape needs is in use by somebody else."""


def bind(host: str, port: int, what: str) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises PortTaken, naming the port and what it was for."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        bound.close()
        said = getattr(error, "strerror", None) or str(error)
        raise PortTaken(f"Port {port} of {host}, wanted for {what}, cannot be used: {said}.") from error
    bound.setblocking(False)
    return bound


class Wire:
    """A connection's transport for one answer. Whoever holds it back lets head and body go as one write: uvloop sends every write at
    once, and each one wakes the caller."""

    __slots__ = ("_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] | None = None

    def hold(self) -> None:
        """Keep what is written until `release`."""
        self._held = []

    def release(self) -> None:
        """Send what was kept."""
        held, self._held = self._held, None
        if held:
            self._transport.write(b"".join(held))

    def write(self, part: bytes) -> None:
        """Send, or keep while held back."""
        if self._held is None:
            self._transport.write(part)
        else:
            self._held.append(part)

    def is_closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection when all is sent."""
        self.release()
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol; `scope["extensions"]` also holds the connection's wire."""

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._wire: Any = Wire(self.transport)
        extensions: dict[str, Any] = {WIRE: self._wire}
        self.scope["extensions"] = extensions

    def on_headers_complete(self) -> None:
        """The head of a request is there; its answer goes over the wire."""
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            self.cycle.transport = self._wire

    def _unsupported_upgrade_warning(self) -> None:
        """Some clients ask for a websocket first and go on without; nobody needs to hear of it."""


class Served:
    """One application on one socket, in the running event loop. Signals stay with the caller."""

    def __init__(self, app: ASGIApp, bound: socket.socket) -> None:
        self.bound = bound
        self._state = ServerState()
        self._listener: asyncio.Server | None = None
        self._dating: asyncio.TimerHandle | None = None
        self._config = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.bound.getsockname()[1])

    @property
    def started(self) -> bool:
        """Whether it takes requests."""
        return self._listener is not None

    async def start(self) -> None:
        """Take requests from now on."""
        self._config.load()
        loop = asyncio.get_running_loop()
        self._date(loop)
        self._listener = await loop.create_server(
            lambda: Protocol(config=self._config, server_state=self._state, app_state={}),
            sock=self.bound,
            backlog=BACKLOG,
        )

    def _date(self, loop: asyncio.AbstractEventLoop) -> None:
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        self._dating = loop.call_later(1.0, self._date, loop)

    async def stop(self) -> None:
        """Take no more, finish what has begun, close the port and every connection."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        if self._dating is not None:
            self._dating.cancel()
        listener.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=GRACE_SECONDS)
        for connection in list(self._state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end on the fastest event loop there is. Requests leave few cycles, so they are looked for less often."""
    gc.set_threshold(*COLLECTED)
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)
