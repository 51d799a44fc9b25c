"""The way of a request through a system, as one ASGI callable: receive, name the call, authenticate, limit, fault, answer, journal.

Calls below `/native/v1` go to the native face, those below `/__counterfoil` to the application beside, all others to the vendor's face.
Each step is the same for every face; what it means is the face's (`kernel/face.py`).
"""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

from counterfoil_mocks.kernel import auth
from counterfoil_mocks.kernel.errors import Problem, StoreAway, store_full
from counterfoil_mocks.kernel.face import (
    ASGIApp,
    Face,
    Headers,
    Receive,
    Rendered,
    Request,
    Scope,
    Send,
    as_bytes,
    flow_header,
)
from counterfoil_mocks.kernel.faults import Call, Exchange, Faults
from counterfoil_mocks.kernel.faults.kind import Aborted
from counterfoil_mocks.kernel.journal import Harmless, Journal, trace_of
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.limits import Limits
from counterfoil_mocks.kernel.operations import Answer, Operation
from counterfoil_mocks.kernel.store import no_room
from counterfoil_mocks.kernel.system import System

PREFIX = b"/native/v1/"
OWN = b"/__counterfoil/"
WIRE = "counterfoil.wire"
NOTHING: dict[str, Any] = {}

log = logging.getLogger("counterfoil.pipeline")


class Gone(Exception):
    """The caller has hung up while sending."""


class Pipeline:
    """The ASGI application of one system: its native face, the vendor's where it has one, and what is beside."""

    def __init__(
        self,
        system: System,
        native: Face,
        beside: ASGIApp,
        *,
        journal: Journal,
        faults: Faults,
        vendor: Face | None = None,
    ) -> None:
        self.system = system
        self.native = native
        self.vendor = vendor
        self.beside = beside
        self.journal = journal
        self.faults = faults
        self.limits = Limits(system)
        self._missed = Kept(system, "missed", 3600)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; never raises for what a caller does."""
        face = self._face(scope)
        if face is None:
            await self.beside(scope, receive, send)
            return
        traffic = self.system.world.traffic
        traffic.begin()
        request = Request(scope, self.journal.next_seq())
        try:
            await self._serve(face, request, receive, send)
        finally:
            face.leave(request)
            traffic.end()

    def _face(self, scope: Scope) -> Face | None:
        if scope["type"] != "http":
            return None
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        if path.startswith(PREFIX):
            return self.native
        return None if path.startswith(OWN) else self.vendor

    async def _serve(self, face: Face, request: Request, receive: Receive, send: Send) -> None:
        started, scope = perf_counter(), request.scope
        at = self.system.clock.now
        out = Rendered(0, [], b"")
        try:
            await _read_body(request, receive, face.body_limit)
            out = face.rendered(request, await self._answer(face, request))
        except Problem as problem:
            out = face.refused(request, problem)
        except (Aborted, Gone):
            out = Rendered(0, [], b"")
        except StoreAway as away:
            out = face.refused(request, away.refusal())
        except Exception as error:
            if no_room(error):
                out = face.refused(request, store_full())
            else:
                log.exception("%s %s failed", request.method, request.path.decode("latin-1"))
                out = face.refused(request, _internal())
        exchange = request.exchange
        if exchange is not None and self.faults.active and not exchange.abort:
            out = await self._after(face, request, exchange, out)
        face.leave(request)  # before the caller can come again
        status, headers, body = out
        if exchange is not None and exchange.abort:
            await _break(scope, receive)
        elif exchange is not None and exchange.send_only is not None:
            await _send_part(scope, receive, send, out, exchange.send_only)
        elif status:
            await send_whole(scope, send, status, headers, body)
        self._write_down(request, at, started, status, headers, body)

    async def _answer(self, face: Face, request: Request) -> Answer:
        face.name(request)
        operation = request.operation
        if operation is None or not operation.public:
            request.grant = face.authenticate(request)
        if self.limits.active:
            self.limits.enter(signing_in=operation is not None and operation.public and operation.secret)
            try:
                return await self._gate(face, request)
            finally:
                self.limits.leave()
        return await self._gate(face, request)

    async def _gate(self, face: Face, request: Request) -> Answer:
        if self.faults.active:
            request.exchange = self._exchange(face, request)
            await self.faults.before(self._call(face, request), request.exchange)
        operation = request.operation
        if operation is None:
            raise face.unknown(request)
        answer = face.answer(request, operation)
        if answer.later is not None:
            traffic = self.system.world.traffic
            traffic.end()
            try:
                answer = await answer.later()
            finally:
                traffic.begin()
        request.answer = answer
        return answer

    def _call(self, face: Face, request: Request) -> Call:
        operation = request.operation
        if operation is None:
            return Call(self.system.name, _named(request, None), None)
        request.key = face.business_key(request, operation)
        request.same = face.same(request, operation)
        return Call(self.system.name, operation.name, request.key, request.same)

    # faults

    def _exchange(self, face: Face, request: Request) -> Exchange:
        grant = request.grant
        return Exchange(
            write=bool(request.operation and request.operation.write),
            revoke=None if grant is None else lambda: face.revoke(grant),
            count=self._missed.count,
        )

    async def _after(self, face: Face, request: Request, exchange: Exchange, out: Rendered) -> Rendered:
        """The gate after the commit; it acts only on calls that were let through the gate before."""
        if request.answer is None:
            return out
        exchange.status, exchange.body = out.status, out.body
        exchange.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in out.headers]
        call = Call(self.system.name, request.operation.name if request.operation else "", request.key, request.same)
        await self.faults.after(call, exchange)
        if exchange.refusal is not None:
            return face.refused(request, exchange.refusal)
        return Rendered(exchange.status, as_bytes(exchange.headers), exchange.body)

    def _write_down(
        self,
        request: Request,
        at: str,
        started: float,
        status: int,
        answered: list[tuple[bytes, bytes]],
        body: bytes,
    ) -> None:
        operation, exchange, headers = request.operation, request.exchange, request.headers
        answer = request.answer
        secret = operation is not None and operation.secret
        read = answer is not None and operation is not None and not operation.write
        self.journal.add(
            seq=request.seq,
            kind="request",
            system=self.system.name,
            at=at,
            operation=_named(request, operation),
            key=answer.key if answer is not None and answer.key is not None else request.key,
            method=request.method,
            path=_shown_path(request),
            status=status or None,
            client=request.grant.client if request.grant else None,
            trace=trace_of(request.header(b"traceparent")),
            correlation_id=flow_header(headers, b"x-correlation-id"),
            causation_id=flow_header(headers, b"x-causation-id"),
            fault=" ".join(exchange.faults) or None if exchange is not None else None,
            micros=int((perf_counter() - started) * 1_000_000),
            retry_after=_seconds_told(answered) if status in (429, 503) else None,
            credential=_credential(request, secret=secret),
            request=None if secret else request.body,
            response=None if secret else Harmless(body) if read else body,
        )


def _credential(request: Request, *, secret: bool) -> str | None:
    """The mark of the token that a call came with; of the refresh token where that is what it shows."""
    if secret:
        parsed = request.parsed
        shown = parsed.get("refresh_token") if isinstance(parsed, dict) else None
        return auth.mark_of(shown) if isinstance(shown, str) else None
    return request.grant.mark if request.grant else auth.mark_of(request.headers.get(b"authorization"))


def _seconds_told(headers: list[tuple[bytes, bytes]]) -> int | None:
    value = next((value for name, value in headers if name == b"retry-after"), b"")
    return int(value) if value.isdigit() else None


async def _read_body(request: Request, receive: Receive, limit: int) -> None:
    """Read the whole body; raises Problem 413 beyond the limit."""
    if b"content-length" not in request.headers and b"transfer-encoding" not in request.headers:
        return
    parts, size, more = [], 0, True
    while more and size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    if len(body) > limit:
        raise Problem(
            413,
            "BODY_TOO_LARGE",
            f"The body is longer than {limit} bytes.",
            remedy="Split the call.",
            headers=[("Connection", "close")],
        )
    request.body = body


def _internal() -> Problem:
    return Problem(
        500, "INTERNAL", "This system failed at your call; that is a defect of it, not of you.", remedy="Report it."
    )


def _named(request: Request, operation: Operation | None) -> str:
    return operation.name if operation else f"{request.method} {request.path.decode('latin-1')}"


def _shown_path(request: Request) -> str:
    path = request.path.decode("latin-1")
    return f"{path}?{request.query.decode('latin-1')}" if request.query else path


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _break(scope: Scope, receive: Receive) -> None:
    """Close the connection with no word."""
    wire = scope.get("extensions", NOTHING).get(WIRE)
    if wire is None:
        raise ConnectionResetError("the connection is broken by plan")
    wire.abort()
    await _gone(receive)


async def send_whole(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer, head and body as one write where the server lets one."""
    headers.append((b"content-length", b"%d" % len(body)))
    wire = scope.get("extensions", NOTHING).get(WIRE)
    if wire is not None:
        wire.hold()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    if wire is not None:
        wire.release()


async def _send_part(scope: Scope, receive: Receive, send: Send, out: Rendered, count: int) -> None:
    """Promise the whole body, send a part of it, close."""
    wire = scope.get("extensions", NOTHING).get(WIRE)
    status, headers, body = out
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:count], "more_body": True})
    if wire is None:
        raise ConnectionResetError("the answer is cut off by plan")
    wire.close()
    await _gone(receive)
