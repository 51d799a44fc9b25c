"""The way of a request through a system, as one ASGI callable: receive, name the call, authenticate, limit, fault, answer, journal.

Calls below `/native/v1` are dispatched by table; every other path goes to the application that is mounted beside.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter
from typing import Any, Protocol
from urllib.parse import unquote

import orjson

from counterfoil_mocks.kernel import auth, idempotency, pages
from counterfoil_mocks.kernel.auth import Grant, Tokens
from counterfoil_mocks.kernel.errors import Problem, not_found
from counterfoil_mocks.kernel.faults import Call, Exchange, Faults
from counterfoil_mocks.kernel.faults.kind import Aborted
from counterfoil_mocks.kernel.journal import Harmless, Journal, trace_of
from counterfoil_mocks.kernel.limits import Limits
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.system import Origin, System

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

ROOT = "/native/v1"
PREFIX = b"/native/v1/"
BODY_LIMIT = 1024 * 1024
TRANSPORT = "counterfoil.transport"
JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")
NO_ORIGIN = Origin("integration", "unknown")

log = logging.getLogger("counterfoil.pipeline")


class Gone(Exception):
    """The caller has hung up while sending."""


class Routes(Protocol):
    """Finds what a request means. `find` takes the raw path below the root; returns the operations by method, and the subject."""

    def find(self, path: bytes) -> tuple[Mapping[str, Operation], str] | None:
        """The operations at a path, or None."""
        ...


class Request:
    """One request on its way. `operation` is None while nobody knows what it means."""

    __slots__ = (
        "allowed", "answer", "body", "exchange", "grant", "headers", "key", "method", "operation", "parsed", "path",
        "scope", "seq", "subject",
    )  # fmt: skip

    def __init__(self, scope: Scope, seq: int) -> None:
        self.scope = scope
        self.seq = seq
        self.method: str = scope["method"]
        self.path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.body = b""
        self.parsed: Any = None
        self.operation: Operation | None = None
        self.allowed: tuple[str, ...] = ()
        self.subject = ""
        self.grant: Grant | None = None
        self.exchange: Exchange | None = None
        self.answer: Answer | None = None
        self.key: str | None = None

    def header(self, name: bytes) -> str | None:
        """A header as text."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


class Pipeline:
    """The ASGI application of one system."""

    def __init__(
        self, system: System, routes: Routes, beside: ASGIApp, *, journal: Journal, faults: Faults, tokens: Tokens
    ) -> None:
        self.system = system
        self.routes = routes
        self.beside = beside
        self.journal = journal
        self.faults = faults
        self.tokens = tokens
        self.limits = Limits(system)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; never raises for what a caller does."""
        if scope["type"] != "http" or not (scope.get("raw_path") or scope["path"].encode()).startswith(PREFIX):
            await self.beside(scope, receive, send)
            return
        traffic = self.system.world.traffic
        traffic.begin()
        try:
            await self._serve(scope, receive, send)
        finally:
            traffic.end()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        at = self.system.clock.now
        request = Request(scope, self.journal.next_seq())
        status, headers, body = 0, [], b""
        try:
            await _read_body(request, receive)
            answer = await self._answer(request)
            status, headers, body = answer.status, self._headers(request, answer), _rendered(answer)
        except Problem as problem:
            status, headers, body = _refusal(problem)
        except (Aborted, Gone):
            status = 0
        except Exception:
            log.exception("%s %s failed", request.method, request.path.decode("latin-1"))
            status, headers, body = _refusal(_internal())
        exchange = request.exchange
        if exchange is not None and self.faults.active and not exchange.abort:
            status, headers, body = await self._after(request, exchange, status, headers, body)
        if exchange is not None and exchange.abort:
            await _break(scope, receive)
        elif exchange is not None and exchange.send_only is not None:
            await _send_part(scope, receive, send, status, headers, body, exchange.send_only)
        elif status:
            headers.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        self._write_down(request, at, started, status, body)

    async def _answer(self, request: Request) -> Answer:
        self._name(request)
        operation = request.operation
        if operation is None or not operation.public:
            request.grant = self.tokens.check(request.headers.get(b"authorization"))
        if self.limits.active:
            self.limits.enter()
            try:
                return await self._gate(request)
            finally:
                self.limits.leave()
        return await self._gate(request)

    async def _gate(self, request: Request) -> Answer:
        if self.faults.active:
            request.exchange = self._exchange(request)
            await self.faults.before(self._call(request), request.exchange)
        operation = request.operation
        if operation is None:
            raise self._unknown(request)
        _check_accept(request.headers.get(b"accept"))
        if operation.body:
            request.parsed = _parsed(request, operation)
        answer = operation.run(self._ask(request, operation))
        request.answer = answer
        return answer

    # naming

    def _name(self, request: Request) -> None:
        """What the call means: operation and subject; nothing where the path or the method is unknown."""
        found = self.routes.find(request.path[len(PREFIX) :])
        if found is not None:
            methods, request.subject = found
            request.allowed = tuple(methods)
            request.operation = methods.get(request.method)

    def _call(self, request: Request) -> Call:
        operation = request.operation
        if operation is None:
            return Call(self.system.name, f"{request.method} {request.path.decode('latin-1')}", None)
        request.key = self._business_key(request, operation)
        return Call(self.system.name, operation.name, request.key)

    def _business_key(self, request: Request, operation: Operation) -> str | None:
        """The business key of what a call is about, as far as the call itself or the record that it names tells it."""
        named, entity = request.subject, operation.entity
        if entity is None:
            return None
        if operation.body and not named:
            try:
                body = orjson.loads(request.body)
            except orjson.JSONDecodeError:
                return None
            if not isinstance(body, dict):
                return None
            if operation.action is None or operation.action.subject is None:
                return entity.key_of(body)
            entity, named = operation.action.subject, body.get("key") or body.get("id") or ""
        if not isinstance(named, str) or not named:
            return None
        record = self.system.table(entity.name).by_id(self.system.name, named)
        return named if record is None else record["key"]

    def _unknown(self, request: Request) -> Problem:
        if request.allowed:
            allowed = ", ".join(sorted(request.allowed))
            return Problem(
                405,
                "METHOD_NOT_ALLOWED",
                f"{request.method} is not offered here.",
                remedy=f"Use {allowed}.",
                headers=[("Allow", allowed)],
            )
        problem = not_found("path", request.path.decode("latin-1"))
        problem.remedy = f"See {ROOT}/openapi.json for what there is."
        return problem

    # asking

    def _ask(self, request: Request, operation: Operation) -> Ask:
        ask = Ask(self.system, NO_ORIGIN, operation, request.subject, request.parsed, as_json=True)
        query = request.scope["query_string"]
        if query:
            ask.query = pages.parsed(query)
        headers = request.headers
        if operation.write:
            grant = request.grant
            ask.origin = Origin(
                "integration",
                grant.client if grant else "unknown",
                _flow_header(headers, b"x-correlation-id"),
                _flow_header(headers, b"x-causation-id"),
                _flow_header(headers, b"traceparent"),
                request.seq,
                operation.name,
            )
            if_match = headers.get(b"if-match")
            if if_match is not None:
                ask.if_match = if_match.decode("latin-1").strip().removeprefix("W/").strip('"')
            key = headers.get(b"idempotency-key")
            if key is not None and request.method == "POST" and self.system.role.idempotency:
                ask.idempotency_key = idempotency.checked(key.decode("latin-1"))
                ask.fingerprint = idempotency.fingerprint(operation.name, request.subject, request.body)
        elif operation.public and operation.secret:
            ask.if_match = request.header(b"authorization")
        exchange = request.exchange
        if exchange is not None:
            ask.hidden, ask.fail_item = exchange.hidden, exchange.fail_item
        return ask

    # faults

    def _exchange(self, request: Request) -> Exchange:
        grant = request.grant
        return Exchange(
            {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()},
            write=bool(request.operation and request.operation.write),
            revoke=None if grant is None else lambda: self.tokens.revoke(grant),
        )

    async def _after(
        self, request: Request, exchange: Exchange, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """The gate after the commit; it acts only on calls that were let through the gate before."""
        if request.answer is None:
            return status, headers, body
        exchange.status, exchange.body = status, body
        exchange.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        call = Call(self.system.name, request.operation.name if request.operation else "", request.key)
        await self.faults.after(call, exchange)
        return exchange.status, _bytes(exchange.headers), exchange.body

    # answering

    def _headers(self, request: Request, answer: Answer) -> list[tuple[bytes, bytes]]:
        headers = [JSON]
        if answer.version is not None:
            headers.append((b"etag", b'"%d"' % answer.version))
        if answer.location is not None:
            headers.append((b"location", f"{self._base(request)}{ROOT}{answer.location}".encode("latin-1")))
        if answer.headers:
            headers += _bytes(answer.headers)
        return headers

    def _base(self, request: Request) -> str:
        public = self.system.settings.get("public_url")
        if public:
            return str(public).rstrip("/")
        return f"{request.scope.get('scheme', 'http')}://{request.header(b'host') or 'localhost'}"

    def _write_down(self, request: Request, at: str, started: float, status: int, body: bytes) -> None:
        operation, exchange, headers = request.operation, request.exchange, request.headers
        answer = request.answer
        secret = operation is not None and operation.secret
        read = answer is not None and operation is not None and not operation.write
        self.journal.add(
            seq=request.seq,
            kind="request",
            system=self.system.name,
            at=at,
            operation=operation.name if operation else f"{request.method} {request.path.decode('latin-1')}",
            key=answer.key if answer is not None and answer.key is not None else request.key,
            method=request.method,
            path=_shown_path(request),
            status=status or None,
            client=request.grant.client if request.grant else None,
            trace=trace_of(request.header(b"traceparent")),
            correlation_id=_flow_header(headers, b"x-correlation-id"),
            causation_id=_flow_header(headers, b"x-causation-id"),
            fault=" ".join(exchange.faults) or None if exchange is not None else None,
            micros=int((perf_counter() - started) * 1_000_000),
            request=None if secret else request.body,
            response=None if secret else Harmless(body) if read else body,
        )


async def _read_body(request: Request, receive: Receive) -> None:
    """Read the whole body; raises Problem 413 beyond the limit."""
    if b"content-length" not in request.headers and b"transfer-encoding" not in request.headers:
        return
    parts, size, more = [], 0, True
    while more and size <= BODY_LIMIT:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    if len(body) > BODY_LIMIT:
        raise Problem(
            413,
            "BODY_TOO_LARGE",
            f"The body is longer than {BODY_LIMIT} bytes.",
            remedy="Split the call.",
            headers=[("Connection", "close")],
        )
    request.body = body


def _parsed(request: Request, operation: Operation) -> Any:
    """The JSON value of the body; raises Problem 415 for another media type, 400 where it cannot be read."""
    media = request.headers.get(b"content-type")
    if media is not None:
        kind = media.split(b";", 1)[0].strip().lower()
        if operation.public and kind == b"application/x-www-form-urlencoded":
            return auth.form(request.body)
        if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
            raise Problem(
                415,
                "UNSUPPORTED_MEDIA_TYPE",
                f"{media.decode('latin-1')!r} is not read here.",
                field="Content-Type",
                remedy="Send application/json.",
            )
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise Problem(
            400,
            "UNPARSABLE",
            f"The body is not JSON: {error}." if request.body else "The body is empty.",
            remedy="Send a JSON document in UTF-8.",
        ) from None


def _check_accept(accept: bytes | None) -> None:
    if accept is None or b"json" in accept or b"*/*" in accept or b"application/*" in accept or not accept.strip():
        return
    raise Problem(
        406,
        "NOT_ACCEPTABLE",
        f"Answers are JSON; {accept.decode('latin-1')!r} does not take that.",
        field="Accept",
        remedy="Accept application/json.",
    )


def _flow_header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    if not value:
        return None
    return value[:255].decode("latin-1").replace("\0", "")


def _rendered(answer: Answer) -> bytes:
    return orjson.dumps(answer.payload)


def _refusal(problem: Problem) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    return problem.status, [PROBLEM, *_bytes(problem.headers)], orjson.dumps(problem.as_json())


def _internal() -> Problem:
    return Problem(
        500, "INTERNAL", "This system failed at your call; that is a defect of it, not of you.", remedy="Report it."
    )


def _bytes(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _shown_path(request: Request) -> str:
    query = request.scope["query_string"]
    path = request.path.decode("latin-1")
    return f"{path}?{query.decode('latin-1')}" if query else path


def subject_of(raw: bytes) -> str:
    """A percent-encoded path segment as text."""
    return unquote(raw.decode("latin-1"), errors="replace") if b"%" in raw else raw.decode("latin-1")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _break(scope: Scope, receive: Receive) -> None:
    """Close the connection with no word."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError("the connection is broken by plan")
    transport.abort()
    await _gone(receive)


async def _send_part(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    count: int,
) -> None:
    """Promise the whole body, send a part of it, close."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:count], "more_body": True})
    if transport is None:
        raise ConnectionResetError("the answer is cut off by plan")
    transport.close()
    await _gone(receive)
