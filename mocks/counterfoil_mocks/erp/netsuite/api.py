"""NetSuite's REST web services: how a call is read and answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from counterfoil_mocks.erp.netsuite import declared, errors, events
from counterfoil_mocks.erp.netsuite.auth import TOKEN_PATH, Sessions
from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.given import MALFORMED
from counterfoil_mocks.erp.netsuite.jobs import Jobs
from counterfoil_mocks.erp.netsuite.metadata import Metadata
from counterfoil_mocks.erp.netsuite.permissions import Permissions
from counterfoil_mocks.erp.netsuite.queries import PATH as QUERY_PATH
from counterfoil_mocks.erp.netsuite.queries import Queries
from counterfoil_mocks.erp.netsuite.reader import RECORDS, Reader
from counterfoil_mocks.erp.netsuite.record_routes import Records
from counterfoil_mocks.erp.netsuite.transforms import Transforms
from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.auth import Grant
from counterfoil_mocks.kernel.customs import Customs, of_settings
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.face import Face, Rendered, Request, as_bytes
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.ids import IdStyle
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols.fieldmap import ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.system import System
    from counterfoil_mocks.kernel.tx import Tx

VENDOR = "netsuite"
MEDIA = "application/vnd.oracle.resource+json; type="
CONCURRENT = 5
MOST_TOGETHER = 100
"""Records that a collection may bring."""


class NetSuiteFace(Face):
    """NetSuite in front of an ERP."""

    vendor = VENDOR
    settings = (
        "account_id",
        "consumer_key",
        "consumer_secret",
        "token_id",
        "token_secret",
        "oauth2_client_id",
        "oauth2_certificate_id",
        "oauth2_private_key",
        "legal_entity",
        "role",
        "unordered_pages",
    )
    hosts = ("*.suitetalk.api.netsuite.com", "*.restlets.api.netsuite.com")
    retry_seconds = ()
    most_failures = 1_000_000

    def __init__(self, system: System) -> None:
        self.system = system
        self.types = declared.types(of_settings(system.settings))
        self.permissions = Permissions(system.settings.get("role") or {}, self.types)
        self.sessions = Sessions(self)
        self.records = Records(self)
        self.queries = Queries(self)
        self.transforms = Transforms(self, self.records)
        self.metadata = Metadata(self)
        self.jobs = Jobs(self)
        super().__init__(system)

    @property
    def id_style(self) -> IdStyle:
        return ids.integer

    @classmethod
    def declare(cls, customs: Customs) -> Mapping[str, ObjectMap]:
        return declared.types(customs)

    def credentials(self, url: str) -> dict[str, str]:
        return self.sessions.credentials(url)

    def operations(self) -> Iterable[Operation]:
        for each in (self.records, self.transforms, self.queries, self.metadata, self.jobs):
            yield from each.operations()
        system = "/services/rest/system/v1"
        yield Operation(
            "token", "POST", TOKEN_PATH, self._token, "An access token", kind="form", secret=True, public=True
        )
        yield Operation("server_time", "GET", f"{system}/serverTime", self._time, "The time of the server")
        yield Operation(
            "governance_limits", "GET", f"{system}/governanceLimits", self._limits, "How many calls may run at a time"
        )

    def _token(self, ask: Ask) -> Answer:
        return self.sessions.token(ask.request, self.base(ask.request))

    def _time(self, ask: Ask) -> Answer:
        return Answer(200, {"serverTime": self.system.clock.now})

    def _limits(self, ask: Ask) -> Answer:
        most = (self.system.settings.get("limits") or {}).get("concurrent", CONCURRENT)
        return Answer(200, {"accountConcurrencyLimit": most, "accountUnallocatedConcurrencyLimit": most})

    # what others ask of it

    def reader(self, ask: Ask) -> Reader:
        """A reader whose links begin as the call did."""
        return Reader(self.system, self.base(ask.request), self.types, self.permissions.hidden)

    # reading a call

    def name(self, request: Request) -> None:
        super().name(request)
        if request.operation is None and b"/%21transform/" in request.path:
            found = self.paths.find(request.path.replace(b"/%21transform/", b"/!transform/"))
            if found is not None:
                request.params, request.subject = found.params, found.params.get("id", "")
                request.operation = found.methods.get(request.method)
        operation = request.operation
        if operation is not None and operation.name == "query":
            request.operation = self.queries.meant(request, operation)
        elif operation is not None and request.method == "PUT":
            each = operation.about["type"]
            if Reader(self.system, "", self.types).find(each, request.subject) is not None:
                request.operation = operation.about["update"]

    def record(self, entity: Entity, named: str) -> Record | None:
        if named.startswith("eid:"):
            found = Reader(self.system, "", self.types).by_external(entity.name, named[4:])
            return found[0] if found else None
        return super().record(entity, named)

    def key_in_body(self, request: Request, operation: Operation, entity: Entity) -> str | None:
        try:
            said = orjson.loads(request.body) if request.body else None
        except orjson.JSONDecodeError:
            return None
        names = ("tranId", "checkNum", "externalId", "entityId", "itemId", "companyName")
        return next((str(said[name]) for name in names if said.get(name)), None) if isinstance(said, dict) else None

    def authenticate(self, request: Request) -> Grant:
        return self.sessions.check(request)

    def revoke(self, grant: Grant) -> None:
        self.sessions.end(grant)

    def unknown(self, request: Request) -> Problem:
        path = request.path.decode("latin-1")
        if request.allowed:
            return Refused(
                405,
                "METHOD_NOT_ALLOWED",
                f"The method {request.method} is not supported for this resource.",
                headers=(("Allow", ", ".join(sorted(request.allowed))),),
            )
        if path.startswith(RECORDS + "/") and path.split("/")[5] not in self.types:
            return Refused(
                404, "NOT_FOUND", f"The requested record type '{path.split('/')[5]}' does not exist.", url=path
            )
        return Refused(404, "NOT_FOUND", "The requested resource does not exist.", url=path)

    def parsed(self, request: Request, operation: Operation) -> Any:
        if operation.kind == "form":
            return None
        if not request.body:
            return {}
        query = operation.path == QUERY_PATH
        media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
        if not media.endswith("json") and (media or not query):
            raise Refused(415, "INVALID_CONTENT", "Invalid content type. Use application/json.", header="Content-Type")
        try:
            # Clients write queries over several lines into their JSON, and send them as they are.
            return json.loads(request.body, strict=False) if query else orjson.loads(request.body)
        except ValueError:
            raise Refused(400, "INVALID_REQUEST", MALFORMED) from None

    def answer(self, request: Request, operation: Operation) -> Answer:
        self.permissions.check(request, operation)
        try:
            whole = "{id}" not in operation.path and isinstance(operation.about, dict) and "type" in operation.about
            if whole and request.method == "DELETE":
                return self._by_ids(request, operation)
            if whole and request.method in ("PATCH", "PUT") and not self.jobs.many(request):
                raise Refused(400, "INVALID_HEADER", "Many records are changed by a collection only. Use type=collection.",
                              header="Content-Type")  # fmt: skip
            if self.jobs.wanted(request, operation):
                if self.jobs.many(request) and operation.write:
                    return self.jobs.take(request, operation, self._each(request, operation))
                return self.jobs.take(
                    request, operation, [lambda: super(NetSuiteFace, self).answer(request, operation)]
                )
            if self.jobs.many(request) and operation.write:
                raise Refused(400, "INVALID_HEADER", "Collections are written asynchronously only. Use Prefer: respond-async.",
                              header="Prefer")  # fmt: skip
            return super().answer(request, operation)
        except OverflowError:
            raise errors.content("A number is out of range.") from None

    def place(self, request: Request) -> tuple[Hashable, ...]:
        return *super().place(request), self.base(request)

    def _each(self, request: Request, operation: Operation) -> list[Callable[[], Answer]]:
        """The work of a collection, record by record; raises Refused."""
        said = self.parsed(request, operation)
        items = said.get("items") if isinstance(said, dict) else None
        if not isinstance(items, list) or not items or len(items) > MOST_TOGETHER or "{id}" in operation.path:
            raise Refused(400, "INVALID_REQUEST", MALFORMED, path="items")

        return self._works(request, operation, items)

    def _works(self, request: Request, operation: Operation, bodies: Sequence[Any]) -> list[Callable[[], Answer]]:
        def work(body: Any) -> Callable[[], Answer]:
            def run() -> Answer:
                request.parsed = body
                return operation.run(self.ask(request, operation))

            return run

        return [work(each) for each in bodies]

    def _by_ids(self, request: Request, operation: Operation) -> Answer:
        """Delete the records that the address names; raises Refused."""
        if "ids" not in dict(parse_qsl(request.query.decode("latin-1"))):
            raise self.unknown(request)
        if not self.jobs.wanted(request, operation):
            raise Refused(400, "INVALID_HEADER", "Many records are deleted asynchronously only. Use Prefer: respond-async.",
                          header="Prefer")  # fmt: skip
        named = [each.strip() for each in dict(parse_qsl(request.query.decode("latin-1")))["ids"].split(",")]
        named = [each for each in dict.fromkeys(named) if each]
        if not named or len(named) > MOST_TOGETHER:
            raise Refused(400, "INVALID_PARAMETER", f"Between 1 and {MOST_TOGETHER} ids are expected.", parameter="ids")
        return self.jobs.take(request, operation, self._works(request, operation, named))

    # answering

    def rendered(self, request: Request, answer: Answer) -> Rendered:
        headers = as_bytes(answer.headers)
        if answer.payload is None:
            return Rendered(answer.status, headers, b"")
        if not any(name == b"content-type" for name, _ in headers):
            kind = "collection" if isinstance(answer.payload, dict) and "items" in answer.payload else "singular"
            headers.append((b"content-type", f"{MEDIA}{kind}".encode()))
        return Rendered(answer.status, headers, self.dumped(answer.payload))

    def refused(self, request: Request, problem: Problem) -> Rendered:
        about = request.operation.about if request.operation is not None else None
        each = about["type"] if isinstance(about, dict) and "type" in about else None
        found = errors.of(problem, self.sessions.account, each.named if each is not None else lambda column: column)
        kind = b"application/json" if isinstance(found, errors.TokenRefused) else f"{MEDIA}error".encode()
        return Rendered(found.status, [(b"content-type", kind), *as_bytes(found.headers)], orjson.dumps(found.shown()))

    # events

    def subscribe(self, url: str, types: list[str], secret: str | None) -> Record:
        return events.subscribe(self.system, self.types, url, types, secret, VENDOR)

    def wrote(self, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
        events.wrote(tx, self.types, touched, VENDOR)

    def event_body(self, event: Record, subscription: Record) -> bytes:
        return events.body(event)

    def event_headers(
        self, event: Record, delivery_id: str, subscription: Record, body: bytes, *, bad_signature: bool = False
    ) -> dict[str, str]:
        return {"content-type": "application/json", "user-agent": "NetSuite/2026.1 (SuiteScript)"}


FACE = NetSuiteFace
