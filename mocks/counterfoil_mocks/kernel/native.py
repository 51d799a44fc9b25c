"""The native face: our own REST API, the same for every role. This file says where each operation is found and how it is asked for;
`offers` has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from counterfoil_mocks.kernel import auth, events, idempotency, offers
from counterfoil_mocks.kernel.auth import Grant, Tokens
from counterfoil_mocks.kernel.errors import Problem, not_found, not_offered
from counterfoil_mocks.kernel.face import JSON, ASGIApp, Face, Receive, Rendered, Request, Scope, Send, as_bytes
from counterfoil_mocks.kernel.faults import Faults
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.paths import text_of
from counterfoil_mocks.kernel.pipeline import PREFIX, Pipeline, send_whole
from counterfoil_mocks.kernel.system import System

ROOT = "/native/v1"
HEALTH = "/__counterfoil/health"
PROBLEM = (b"content-type", b"application/problem+json")


@dataclass(frozen=True)
class About:
    """What a role's native face says of itself: a title, and its habits in a paragraph for whoever writes a client."""

    title: str
    description: str


class Table:
    """Operations by path. Fixed paths are looked up whole; `/{plural}/{id}` by their first segment."""

    def __init__(self, found: Mapping[str, Operation]) -> None:
        self.operations = dict(found)
        self._fixed: dict[bytes, dict[str, Operation]] = {}
        self._records: dict[bytes, dict[str, Operation]] = {}
        for each in self.operations.values():
            head, _, tail = each.path[1:].partition("/")
            place = self._records if tail == "{id}" else self._fixed
            where = head if tail == "{id}" else each.path[1:]
            place.setdefault(where.encode(), {})[each.method] = each

    def find(self, path: bytes) -> tuple[Mapping[str, Operation], str] | None:
        """The operations at a raw path below the root, and the subject in it."""
        methods = self._fixed.get(path)
        if methods is not None:
            return methods, ""
        head, _, tail = path.partition(b"/")
        if not tail or b"/" in tail:
            return None
        methods = self._records.get(head)
        return None if methods is None else (methods, text_of(tail))


def table(system: System, about: About, tokens: Tokens) -> Table:
    """Every operation of a system's native face."""

    def token(ask: Ask) -> Answer:
        headers = (("cache-control", "no-store"),)
        return Answer(200, tokens.issue(ask.body, ask.if_match), headers=headers)

    def document(ask: Ask) -> Answer:
        from counterfoil_mocks.kernel import openapi

        return Answer(200, openapi.document(system.role, about.title, about.description, tuple(found.values())))

    found = dict(offers.table(system.role))
    found["token"] = Operation(
        "token", "POST", "/oauth/token", token, "Get an access token", kind="token", secret=True, public=True
    )
    found["list_event"] = Operation(
        "list_event", "GET", "/events", replayed, "The events of the last 72 hours again, oldest first", kind="replay"
    )
    found["openapi"] = Operation(
        "openapi", "GET", "/openapi.json", document, "This document", kind="document", public=True, secret=True
    )
    return Table(found)


UNLISTED = ("token", "list_event", "openapi")
"""Operations of every native face that no role has."""


def operation_names(system: System) -> Iterator[str]:
    """What a system's native face can be asked."""
    yield from offers.table(system.role)
    yield from UNLISTED


def replayed(ask: Ask) -> Answer:
    """Events again, for a caller that was away."""
    return Answer(200, events.replay(ask.system, dict(ask.query)))


class NativeFace(Face):
    """Our own protocol: JSON, OAuth 2, problems as RFC 9457 says."""

    def __init__(self, system: System, about: About | None = None, tokens: Tokens | None = None) -> None:
        self.system = system
        self.tokens = tokens or Tokens(system)
        self.table = table(system, about or About(system.role.name.upper(), ""), self.tokens)

    def credentials(self, url: str) -> dict[str, str]:
        return self.tokens.credentials(url)

    def name(self, request: Request) -> None:
        found = self.table.find(request.path[len(PREFIX) :])
        if found is not None:
            methods, request.subject = found
            request.allowed = tuple(methods)
            request.operation = methods.get(request.method)

    def authenticate(self, request: Request) -> Grant:
        return self.tokens.check(request.headers.get(b"authorization"))

    def revoke(self, grant: Grant) -> None:
        self.tokens.revoke(grant)

    def business_key(self, request: Request, operation: Operation) -> str | None:
        named, entity = request.subject, operation.entity
        if entity is None:
            return None
        if operation.body and not named:
            body = _object(request.body)
            if body is None:
                return None
            if operation.action is None or operation.action.subject is None:
                return entity.key_of(body)
            entity, named = operation.action.subject, body.get("key") or body.get("id") or ""
        if not isinstance(named, str) or not named:
            return None
        record = self.record(entity, named)
        return named if record is None else record["key"]

    def unknown(self, request: Request) -> Problem:
        if request.allowed:
            return not_offered(request.method, request.allowed)
        problem = not_found("path", request.path.decode("latin-1"))
        problem.remedy = f"See {ROOT}/openapi.json for what there is."
        return problem

    def answer(self, request: Request, operation: Operation) -> Answer:
        _check_accept(request.headers.get(b"accept"))
        return super().answer(request, operation)

    def parsed(self, request: Request, operation: Operation) -> Any:
        return _parsed(request, operation)

    def ask(self, request: Request, operation: Operation) -> Ask:
        ask = super().ask(request, operation)
        headers = request.headers
        if operation.write:
            if_match = headers.get(b"if-match")
            if if_match is not None:
                ask.if_match = if_match.decode("latin-1").strip().removeprefix("W/").strip('"')
            key = headers.get(b"idempotency-key")
            if key is not None and request.method == "POST" and self.system.role.idempotency:
                ask.idempotency_key = idempotency.checked(key.decode("latin-1"))
                ask.fingerprint = idempotency.fingerprint(operation.name, request.subject, request.body)
        elif operation.public and operation.secret:
            ask.if_match = request.header(b"authorization")
        return ask

    def rendered(self, request: Request, answer: Answer) -> Rendered:
        headers = [JSON]
        if answer.version is not None:
            headers.append((b"etag", b'"%d"' % answer.version))
        if answer.location is not None:
            headers.append((b"location", f"{self.base(request)}{ROOT}{answer.location}".encode("latin-1")))
        if answer.headers:
            headers += as_bytes(answer.headers)
        return Rendered(answer.status, headers, orjson.dumps(answer.payload))

    def refused(self, request: Request, problem: Problem) -> Rendered:
        return Rendered(problem.status, [PROBLEM, *as_bytes(problem.headers)], orjson.dumps(problem.as_json()))


def _object(body: bytes) -> Record | None:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None


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


def build_app(
    system: System,
    about: About | None = None,
    *,
    journal: Journal,
    faults: Faults,
    auth: Tokens | None = None,
    beside: ASGIApp | None = None,
    vendor: Face | None = None,
) -> Pipeline:
    """The ASGI application of a system: its native face, the vendor's at the root, and `beside` (its health answer by default)."""
    return Pipeline(
        system,
        NativeFace(system, about, auth),
        beside or health_app(system),
        journal=journal,
        faults=faults,
        vendor=vendor,
    )


def health_app(system: System) -> ASGIApp:
    """Answers `GET /__counterfoil/health`."""
    well = orjson.dumps({"status": "ok", "system": system.name, "role": system.role.name})

    async def beside(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != HEALTH:
            problem = not_found("path", scope["path"])
            problem.remedy = f"Its native face is at {ROOT}; {ROOT}/openapi.json says what there is."
        elif scope["method"] != "GET":
            problem = not_offered(scope["method"], ("GET",))
        else:
            await send_whole(scope, send, 200, [JSON], well)
            return
        headers = [PROBLEM, *as_bytes(problem.headers)]
        await send_whole(scope, send, problem.status, headers, orjson.dumps(problem.as_json()))

    return beside
