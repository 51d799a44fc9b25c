"""State and deeds of every system in canonical form, below `/systems`: what the control plane offers of each, by table.

The operations are the same that the native faces offer; here they are done as a person at the system's own screen would do them.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import orjson

from counterfoil_mocks.kernel import offers, pages
from counterfoil_mocks.kernel.errors import Problem, not_found, not_offered
from counterfoil_mocks.kernel.journal import Journal, trace_of
from counterfoil_mocks.kernel.operations import ANY_VERSION, Answer, Ask, Operation
from counterfoil_mocks.kernel.pipeline import send_whole
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.system import Origin, System

PREFIX = "/systems"
BODY_LIMIT = 1024 * 1024
PERSON = "user"
OFFERED = ("list", "get", "create", "update", "delete", "action")

Scope = MutableMapping[str, Any]


class Canonical:
    """The ASGI application at `/systems`."""

    def __init__(self, systems: Mapping[str, System], journal: Journal) -> None:
        self.systems = systems
        self.journal = journal

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise Problem(404, "NOT_FOUND", "Only HTTP is spoken here.")
        system, operation, subject = self.find(scope["method"], path_of(scope))
        body = await read_body(receive) if operation.body else b""
        origin = Origin(actor=PERSON, deed=operation.name, traceparent=header(scope, b"traceparent"))
        ask = Ask(system, origin, operation, subject, if_match=if_match(scope))
        if operation.kind == "list":
            ask.query = [
                (system.role.page[0] if name == "cursor" else name, value)
                for name, value in pages.parsed(scope["query_string"])
            ]
        answer = self.deed(ask, body) if operation.write else operation.run(ask)
        await respond(scope, send, answer, system.name)

    def deed(self, ask: Ask, body: bytes) -> Answer:
        """Do what changes the state, and write it down."""
        at, seq = ask.system.clock.now, self.journal.next_seq()
        ask.origin = ask.origin._replace(journal_seq=seq)
        answer, said = None, None
        try:
            ask.body = parsed(body) if ask.operation.body else None
            answer = ask.operation.run(ask)
        except Problem as problem:
            said = problem
            raise
        finally:
            self.journal.add(
                seq=seq,
                kind="deed",
                system=ask.system.name,
                at=at,
                operation=ask.operation.name,
                key=answer.key if answer else ask.subject or None,
                client=PERSON,
                status=answer.status if answer else said.status if said else 500,
                trace=trace_of(ask.origin.traceparent),
                request=body,
                response=orjson.dumps(answer.payload if answer else said.as_json() if said else {}),
            )
        return answer

    def find(self, method: str, segments: list[str]) -> tuple[System, Operation, str]:
        """The system, the operation and its subject; raises Problem 404, or 405 naming the methods that the path has."""
        system = self.systems.get(segments[0]) if segments else None
        if system is None:
            raise not_found("system", segments[0] if segments else "", self.systems)
        found = route(system.role, segments[1:])
        if not found:
            raise unknown(system, segments[1:])
        operation = found.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise not_offered(method, found)
        return system, operation, segments[2] if "{id}" in operation.path else ""


def offered(role: Role) -> list[Operation]:
    """The operations of a role that the control plane offers."""
    return [each for each in offers.table(role).values() if each.kind in OFFERED]


def unknown(system: System, segments: list[str]) -> Problem:
    """404 for a path below a system, with the names that it could have had."""
    if len(segments) == 2 and segments[0] == "actions":
        return not_found("action", segments[1], system.role.actions)
    if len(segments) in (1, 2) and all(segments):
        return not_found("collection", segments[0], system.role.by_plural)
    problem = not_found("path", "/".join(["", "systems", system.name, *segments]))
    problem.remedy = (
        "Ask for /systems/{system}/{collection}, one of its records, or /systems/{system}/actions/{action}."
    )
    return problem


@lru_cache(maxsize=64)
def by_path(role: Role) -> dict[str, dict[str, Operation]]:
    """The operations that the control plane offers of a role, by path and method."""
    found: dict[str, dict[str, Operation]] = {}
    for each in offered(role):
        found.setdefault(each.path, {})[each.method] = each
    return found


def route(role: Role, segments: list[str]) -> dict[str, Operation]:
    """The operations at a path below a system, by method."""
    if len(segments) == 2 and segments[0] == "actions":
        wanted = f"/actions/{segments[1]}"
    elif len(segments) in (1, 2) and segments[0] in role.by_plural and all(segments):
        wanted = f"/{segments[0]}" + ("/{id}" if len(segments) == 2 else "")
    else:
        return {}
    return by_path(role).get(wanted, {})


def path_of(scope: Scope) -> list[str]:
    """The segments below `/systems`, percent-decoded one by one (keys hold slashes)."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.split(b"?")[0].decode("latin-1")
    below = path.split(PREFIX + "/", 1)[-1]
    return [unquote(each) for each in below.split("/")]


def header(scope: Scope, name: bytes) -> str | None:
    """A request header as text."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def if_match(scope: Scope) -> str:
    """The version that the caller has seen; a person at a screen need not say."""
    said = header(scope, b"if-match")
    return ANY_VERSION if said is None else said.strip().removeprefix("W/").strip('"') or ANY_VERSION


async def read_body(receive: Any) -> bytes:
    """The request's body; raises Problem 413."""
    chunks, size = [], 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_LIMIT:
            raise Problem(413, "TOO_LARGE", f"The body is larger than {BODY_LIMIT} bytes.", remedy="Send less.")
        if not message.get("more_body"):
            break
    return b"".join(chunks)


def parsed(body: bytes) -> Any:
    """The JSON that a body holds; raises Problem 400."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "UNPARSABLE", f"The body is not JSON: {error}.", remedy="Send a JSON object.") from None


async def respond(scope: Scope, send: Any, answer: Answer, system: str) -> None:
    """Send an answer."""
    headers = [(b"content-type", b"application/json")]
    if answer.version is not None:
        headers.append((b"etag", f'"{answer.version}"'.encode()))
    if answer.location is not None:
        headers.append((b"location", f"{PREFIX}/{system}{answer.location}".encode()))
    headers += [(name.encode(), value.encode()) for name, value in answer.headers]
    await send_whole(scope, send, answer.status, headers, orjson.dumps(answer.payload))
