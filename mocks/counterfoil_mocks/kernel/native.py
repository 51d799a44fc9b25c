"""The native face: our own REST API, the same for every role. This file says where each operation is found; `operations` does them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil_mocks.kernel import events, operations
from counterfoil_mocks.kernel.auth import Tokens
from counterfoil_mocks.kernel.faults import Faults
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.pipeline import ASGIApp, Pipeline, Receive, Scope, Send, subject_of
from counterfoil_mocks.kernel.system import System


@dataclass(frozen=True)
class Face:
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
        return None if methods is None else (methods, subject_of(tail))


def table(system: System, face: Face, tokens: Tokens) -> Table:
    """Every operation of a system's native face."""

    def token(ask: Ask) -> Answer:
        headers = (("cache-control", "no-store"),)
        return Answer(200, tokens.issue(ask.body, ask.if_match), headers=headers)

    def document(ask: Ask) -> Answer:
        from counterfoil_mocks.kernel import openapi

        return Answer(200, openapi.document(system.role, face.title, face.description, tuple(found.values())))

    found = dict(operations.table(system.role))
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


def replayed(ask: Ask) -> Answer:
    """Events again, for a caller that was away."""
    return Answer(200, events.replay(ask.system, dict(ask.query)))


def build_app(
    system: System,
    face: Face | None = None,
    *,
    journal: Journal,
    faults: Faults,
    auth: Tokens | None = None,
    beside: ASGIApp | None = None,
) -> Pipeline:
    """The ASGI application of a system: its native face, and `beside` (its health answer by default) at every other path."""
    tokens = auth or Tokens(system)
    return Pipeline(
        system,
        table(system, face or Face(system.role.name.upper(), ""), tokens),
        beside or health_app(system),
        journal=journal,
        faults=faults,
        tokens=tokens,
    )


def health_app(system: System) -> ASGIApp:
    """Answers `GET /__counterfoil/health`; vendors' faces are mounted on it. Made at its first request: most never come."""
    made: list[Any] = []

    async def beside(scope: Scope, receive: Receive, send: Send) -> None:
        if not made:
            made.append(_fastapi(system))
        await made[0](scope, receive, send)

    return beside


def _fastapi(system: System) -> Any:
    from fastapi import FastAPI

    app = FastAPI(title=system.name, openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/__counterfoil/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "system": system.name, "role": system.role.name}

    return app
