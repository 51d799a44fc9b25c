"""The way in for events, `POST /hooks/{system}`, and the answer to whoever waits for rest, `GET /idle`: given before the framework, since
nothing is asked more often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.datastructures import Headers

from counterfoil.reference import event as events

PATH = "/hooks/"
IDLE = "/idle"
MOST_PATIENCE = 30.0
"""Seconds that an answer about rest may be held."""
MOST_BYTES = 4 * 1024 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Door:
    """An ASGI application: events and questions about rest go to the integration that `app` holds, everything else to `app`. tolerance: most seconds between a
    signature's time and now."""

    def __init__(self, app: FastAPI, tolerance: int) -> None:
        self.app = app
        self.tolerance = tolerance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] == "http" and scope["path"].startswith(PATH):
            status, refusal = await self._answer(scope, receive)
            said = None if refusal is None else {"detail": refusal}
        elif (
            scope["type"] == "http" and scope["path"] == IDLE and scope["method"] == "GET" and not scope["query_string"]
        ):
            wanted = preferred(Headers(scope=scope).get("prefer", ""))
            status, said = 200, {"idle": await self.app.state.integration.engine.wait_idle(min(wanted, MOST_PATIENCE))}
        else:
            await self.app(scope, receive, send)
            return
        body = b"" if said is None else orjson.dumps(said)
        headers = [(b"content-length", b"%d" % len(body))]
        if said is not None:
            headers.append((b"content-type", b"application/json"))
        if status == 405:
            headers.append((b"allow", b"POST"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, str | None]:
        """202 for a new event, 200 for a known one, 401 unsigned, 422 no event; why, where it is refused."""
        system = scope["path"][len(PATH) :]
        integration = self.app.state.integration
        connector = integration.systems.get(system)
        if connector is None:
            return 404, f"there is no system {system!r} here"
        if scope["method"] != "POST":
            return 405, "events are posted"
        body = await _read(receive)
        if body is None:
            return 413, "the event is too large"
        try:
            event = connector.event(body, Headers(scope=scope), self.tolerance)
        except events.BadSignature as error:
            return 401, str(error)
        except events.BadEvent as error:
            return 422, str(error)
        return (202 if integration.take(event) else 200), None


def preferred(prefer: str) -> float:
    """Seconds that `Prefer: wait=N` asks for. source: RFC 7240."""
    for part in prefer.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "wait" and value.strip().isdecimal():
            return float(value)
    return 0.0


async def _read(receive: Receive) -> bytes | None:
    """The whole body, None where it is too large."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES or message["type"] == "http.disconnect":
            return None
        more = message.get("more_body", False)
    return b"".join(parts)
