"""A face: a wire protocol in front of a system, as the kernel drives it. The native face and every vendor's are made of the same hooks.

A face translates: bytes to values and back, refusals to its own error shape, events to its own payloads. It holds no business rule.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping, MutableMapping, Sequence
from fnmatch import fnmatch
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import orjson

from counterfoil_mocks.kernel import events, pages, webhooks
from counterfoil_mocks.kernel.auth import Grant
from counterfoil_mocks.kernel.customs import Customs, refuse
from counterfoil_mocks.kernel.errors import Problem, not_found
from counterfoil_mocks.kernel.faults import Exchange
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.ids import IdStyle
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.paths import Paths
from counterfoil_mocks.kernel.remembered import Lookups, Remembered
from counterfoil_mocks.kernel.system import Origin, System

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.tx import Tx

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
NO_ORIGIN = Origin("integration", "unknown")


class Rendered(NamedTuple):
    """An answer as it goes out."""

    status: int
    headers: Headers
    body: bytes


class Request:
    """One request on its way. `operation` is None while nobody knows what it means; `params` are the parts of its path."""

    __slots__ = (
        "allowed",
        "answer",
        "body",
        "exchange",
        "grant",
        "headers",
        "kept",
        "key",
        "method",
        "operation",
        "params",
        "parsed",
        "path",
        "query",
        "same",
        "scope",
        "seq",
        "subject",
    )  # fmt: skip

    def __init__(self, scope: Scope, seq: int) -> None:
        self.scope = scope
        self.seq = seq
        self.method: str = scope["method"]
        self.path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.query: bytes = scope["query_string"]
        self.body = b""
        self.parsed: Any = None
        self.operation: Operation | None = None
        self.allowed: tuple[str, ...] = ()
        self.subject = ""
        self.params: Mapping[str, str] = {}
        self.grant: Grant | None = None
        self.exchange: Exchange | None = None
        self.answer: Answer | None = None
        self.key: str | None = None
        self.same = ""
        self.kept: Any = None
        """Whatever the face wants to remember of it."""

    def header(self, name: bytes) -> str | None:
        """A header as text."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


class Face:
    """The hooks of a face, in the order in which a request meets them. Subclasses override what their protocol does differently.

    vendor: whose protocol it is. body_limit: most bytes of a body.
    event_types: the vendor's own types of events; a fault may name one.
    same_events: our types of events by the vendor's own, where both tell of the same; a fault of either name strikes.
    retry_seconds, most_failures: how long its deliveries are tried on the business clock, and when a subscription is given up.
    hosts: where the vendor itself is found, as patterns; who names one of them has come through a tunnel, and by https.
    settings: what a landscape file may choose of it, besides what can be chosen of every system.
    undeclared: why a landscape declares no custom fields of it, where it has none to declare.
    """

    vendor: ClassVar[str] = "native"
    body_limit: ClassVar[int] = 1024 * 1024
    retry_seconds: ClassVar[Sequence[int]] = (10, 60, 300, 1800, 7200, 7200, 7200)
    most_failures: ClassVar[int] = 20
    event_types: ClassVar[Collection[str]] = ()
    same_events: ClassVar[Mapping[str, str]] = {}
    hosts: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[Sequence[str]] = ()
    undeclared: ClassVar[str] = "records keep what `custom` says under any name"

    def __init__(self, system: System) -> None:
        self.system = system
        self.remembered = Remembered(system)
        self.lookups = Lookups(system)
        self.paths = Paths(self.operations())

    @property
    def id_style(self) -> IdStyle | None:
        """How ids of new records look, where the vendor has a say in it."""
        return None

    @classmethod
    def declare(cls, customs: Customs) -> Any:
        """Its field tables with the custom fields that a landscape declares; raises Undeclarable for one that it cannot have."""
        for name in customs:
            refuse(f"{cls.vendor} has nothing to declare: {cls.undeclared}", name)

    def operations(self) -> Iterable[Operation]:
        """All that can be asked of it; `path` is a template below the host's root, as `/v1/customers/{id}`."""
        return ()

    def furnish(self) -> None:
        """Make what the vendor's system has from its first day on; done once, when the firm has been loaded."""

    def credentials(self, url: str) -> dict[str, str]:
        """What a client at `url` needs, under the names that the vendor's documentation uses."""
        return {}

    # a request

    def name(self, request: Request) -> None:
        """What the call means: operation, subject and path parameters; nothing where the path or the method is unknown."""
        found = self.paths.find(request.path)
        if found is not None:
            request.params = found.params
            request.allowed = tuple(found.methods)
            request.operation = found.methods.get(request.method)
            request.subject = found.params.get("id", "")

    def authenticate(self, request: Request) -> Grant | None:
        """Who calls; raises Problem 401."""
        raise NotImplementedError

    def revoke(self, grant: Grant) -> None:
        """Kill what a call authenticated itself with, where that can die."""

    def same(self, request: Request, operation: Operation) -> str:
        """What a call would be called on the native face, where it has a name of the vendor's own: faults know it by both."""
        return ""

    def business_key(self, request: Request, operation: Operation) -> str | None:
        """The business key of what a call is about, as far as the call itself or the record that it names tells it."""
        entity = operation.entity
        if entity is None:
            return None
        if request.subject:
            record = self.record(entity, request.subject)
            return request.subject if record is None else record["key"]
        return self.key_in_body(request, operation, entity)

    def record(self, entity: Entity, named: str) -> Record | None:
        """The record that a path names."""
        return self.system.table(entity.name).by_id(self.system.name, named)

    def key_in_body(self, request: Request, operation: Operation, entity: Entity) -> str | None:
        """The business key that a body gives; None where it gives none."""
        return None

    def unknown(self, request: Request) -> Problem:
        """The refusal of a path or method that is not offered."""
        return not_found("path", request.path.decode("latin-1"))

    def answer(self, request: Request, operation: Operation) -> Answer:
        """Translate in, do it, translate out; where the answer of last time holds, that one."""
        if operation.lasting:
            return self._lasting(request, operation)
        if operation.body:
            request.parsed = self.parsed(request, operation)
        return operation.run(self.ask(request, operation))

    def _lasting(self, request: Request, operation: Operation) -> Answer:
        exchange = request.exchange
        if request.body or (exchange is not None and exchange.hidden is not None):
            return operation.run(self.ask(request, operation))
        place = self.place(request)
        found: Answer | None = self.remembered.find(place)
        if found is None:
            state = self.system.state
            with self.system.store.watched(state) as reads:
                found = operation.run(self.ask(request, operation))
            if found.status == 200:
                body = bytes(memoryview(self.dumped(found.payload)))  # a copy: what orjson makes holds 8 KiB
                found = Answer(200, orjson.Fragment(body), *found[2:])
                self.remembered.keep(place, found, state, reads)
        return found

    def place(self, request: Request) -> tuple[Hashable, ...]:
        """What tells a get from others: all that its answer is made of besides what is stored."""
        return request.path, request.query, request.grant.client if request.grant else None

    def parsed(self, request: Request, operation: Operation) -> Any:
        """The value of the body; raises Problem where it cannot be read."""
        try:
            return orjson.loads(request.body) if request.body else {}
        except orjson.JSONDecodeError as error:
            raise Problem(
                400, "UNPARSABLE", f"The body is not JSON: {error}.", remedy="Send a JSON document."
            ) from None

    def ask(self, request: Request, operation: Operation) -> Ask:
        """The call as operations get it."""
        ask = Ask(self.system, NO_ORIGIN, operation, request.subject, request.parsed, as_json=True)
        ask.request, ask.params = request, request.params
        if request.query:
            ask.query = pages.parsed(request.query)
        if operation.write:
            ask.origin = self.origin(request, operation)
        exchange = request.exchange
        if exchange is not None:
            ask.hidden, ask.fail_item = exchange.hidden, exchange.fail_item
        return ask

    def origin(self, request: Request, operation: Operation) -> Origin:
        """Where a write comes from."""
        grant, headers = request.grant, request.headers
        return Origin(
            "integration",
            grant.client if grant else "unknown",
            flow_header(headers, b"x-correlation-id"),
            flow_header(headers, b"x-causation-id"),
            flow_header(headers, b"traceparent"),
            request.seq,
            operation.name,
        )

    def base(self, request: Request) -> str:
        """The address that the caller knows the system by; links in answers begin with it."""
        public = self.system.settings.get("public_url")
        if public:
            return str(public).rstrip("/")
        return f"{self.scheme(request)}://{request.header(b'host') or 'localhost'}"

    def scheme(self, request: Request) -> str:
        """http or https, as the caller believes it, who may not know of the tunnel in between."""
        if self.hosts and _among(request.headers.get(b"host", b""), self.hosts):
            return "https"
        return str(request.scope.get("scheme", "http"))

    def rendered(self, request: Request, answer: Answer) -> Rendered:
        """An answer as the protocol writes it."""
        headers = [JSON]
        if answer.headers:
            headers += as_bytes(answer.headers)
        return Rendered(answer.status, headers, self.dumped(answer.payload))

    def dumped(self, payload: Any) -> bytes:
        """JSON as the protocol spells it."""
        return orjson.dumps(payload)

    def refused(self, request: Request, problem: Problem) -> Rendered:
        """A refusal in the protocol's own error shape, injected ones and failures of the fake itself as well."""
        return Rendered(problem.status, [JSON, *as_bytes(problem.headers)], orjson.dumps(problem.as_json()))

    def leave(self, request: Request) -> None:
        """A request is over, whatever became of it: said before its answer goes out, and again when it is gone or was broken off."""

    # events

    def wrote(self, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
        """A deed is about to be committed: announce the vendor's own events of it by `tx.tell`.

        touched: what the deed wrote, each record once: entity, the record before (None: it is new) and after.
        """

    def subscribe(self, url: str, types: list[str], secret: str | None) -> Record:
        """A subscription to the vendor's events that is there from the start; to the native ones where the vendor pushes none."""
        return webhooks.subscribe(self.system, url, types, secret)

    def event_body(self, event: Record, subscription: Record) -> bytes:
        """What is posted to a subscriber: the same bytes at every attempt. event: as `events.read` gives it."""
        return events.body_of(self.system, event)

    def acknowledged(self, status: int, body: bytes) -> bool:
        """Whether a receiver's answer means that it has taken the event."""
        return 200 <= status < 300

    def event_headers(
        self, event: Record, delivery_id: str, subscription: Record, body: bytes, *, bad_signature: bool = False
    ) -> dict[str, str]:
        """The headers of one attempt."""
        return events.headers(event, delivery_id, subscription["secret"], body, bad_signature=bad_signature)


@lru_cache(maxsize=1000)
def _among(host: bytes, patterns: Sequence[str]) -> bool:
    """Whether a host is one of some."""
    return any(fnmatch(host.decode("latin-1").lower(), pattern) for pattern in patterns)


def flow_header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """A header about the business flow, at most 255 characters."""
    value = headers.get(name)
    if not value:
        return None
    return value[:255].decode("latin-1").replace("\0", "")


def as_bytes(headers: Iterable[tuple[str, str]]) -> Headers:
    """Headers as ASGI wants them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
