"""The control plane: the landscape from above, over HTTP. State and deeds in canonical form, time, faults, deliveries, snapshots."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qs

import orjson
from fastapi import Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException

from counterfoil_mocks import console
from counterfoil_mocks.canonical import PREFIX, Canonical
from counterfoil_mocks.kernel.delivery import STATES
from counterfoil_mocks.kernel.errors import Problem, invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import trace_of
from counterfoil_mocks.kernel.settle import DEFAULT_TIMEOUT_MS, Integration

if TYPE_CHECKING:
    from counterfoil_mocks.landscape import Landscape

PROBLEM = "application/problem+json"
MOST_LISTED = 1000
KEEPALIVE_SECONDS = 15.0
OVERLAP = 10_000
"""Numbers before the last one in which entries may still be missing: a request has its number before it is answered."""
COOKIE = "counterfoil_token"
INTEGRATION_EVENT = r"^(com\.counterfoil\.)?int\.[a-z_.]+(\.v[0-9]+)?$"


def whole(value: Any) -> Any:
    """JSON Schema says that 316.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def kept(value: Any) -> Any:
    """Free JSON that can be written down: whole numbers of 64 bits, text without lone surrogates."""
    try:
        orjson.dumps(value)
    except TypeError as error:
        raise ValueError(str(error)) from None
    return value


FreeJson = Annotated[dict[str, Any], AfterValidator(kept)]
Text = Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[A-Za-z0-9.\[\]:_-]+(/[!-~]*)?$")]
Whole = Annotated[int, BeforeValidator(whole)]


class Strict(BaseModel):
    """A body: no member that is not known, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Advance(Strict):
    """Where to move the business clock: to an instant or date (midnight UTC), or so many days ahead."""

    to: Annotated[str, Field(max_length=40, examples=["2026-03-31"])] | None = None
    days: Annotated[Whole, Field(ge=0, le=400)] | None = None


class SnapshotIn(Strict):
    """A label for a snapshot."""

    label: Text = "snapshot"


class RestoreIn(Strict):
    """What the restored state is for: the label is mixed into all ids from then on. The snapshot's own by default."""

    label: Text | None = None


class IntegrationIn(Strict):
    """What is under test. webhooks: the addresses, by system, that it subscribes at the systems by itself; deleting it here
    ends those subscriptions. declares, links, deadlines: what it claims of itself."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    idle_url: Url | None = None
    quiet_ms: Annotated[Whole, Field(ge=0, le=3_600_000)] = 500
    serial: bool = False
    webhooks: dict[str, Url] = {}
    declares: list[Text] | None = None
    links: dict[str, Text] | None = None
    deadlines: FreeJson | None = None


class IntegrationEvent(BaseModel):
    """An event that the integration announces about itself (`int.exception.raised`, `int.dlq.parked`…), best as a CloudEvent."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: Annotated[str, Field(max_length=120, pattern=INTEGRATION_EVENT)]
    id: Text | None = None
    businesskey: Text | None = None
    correlationid: Text | None = None
    causationid: Text | None = None
    traceparent: Text | None = None
    data: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _kept(cls, value: Any) -> Any:
        return kept(value)


class ClockOut(BaseModel):
    """now: business instant."""

    now: str


class Settled(BaseModel):
    """Whether all is at rest, else what still moves."""

    settled: bool
    moving: list[dict[str, Any]]


class SnapshotOut(BaseModel):
    """A snapshot."""

    id: str
    label: str
    clock: str


class Page(BaseModel):
    """A page of a list; `next` is the cursor of the following page."""

    items: list[dict[str, Any]]
    next: str | None


class JournalPage(Page):
    """A page of the journal; `last` is the highest number taken so far."""

    last: int


Filter = Annotated[str, Field(max_length=255)] | None


class Listed(BaseModel):
    """What every list can be asked for. cursor: `next` of the page before."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 100
    cursor: Annotated[str, Field(max_length=18, pattern=r"^[0-9]+$")] | None = None

    def cut(self, found: list[Record], following: str) -> dict[str, Any]:
        """One page out of at most one more record than it holds."""
        return {"items": found[: self.limit], "next": following if len(found) > self.limit else None}


class JournalQuery(Listed):
    """Which entries. since: only those with a higher number; trace: a trace id or traceparent; newest: the last ones."""

    trace: Filter = None
    system: Filter = None
    kind: Filter = None
    operation: Filter = None
    key: Filter = None
    correlation: Filter = None
    event_id: Filter = None
    since: Annotated[int, Field(ge=0, le=2**53)] = 0
    newest: bool = False

    def filters(self) -> Record:
        """The filters by column."""
        named = ("system", "kind", "operation", "key", "event_id")
        return {name: getattr(self, name) for name in named} | {"correlation_id": self.correlation}


class DeliveryQuery(Listed):
    """Which deliveries."""

    system: Filter = None
    state: Literal[STATES] | None = None  # type: ignore[valid-type]
    type: Filter = None
    key: Filter = None
    event_id: Filter = None

    def filters(self) -> Record:
        """The filters by column."""
        return {
            "d.system": self.system,
            "d.state": self.state,
            "o.type": self.type,
            "o.key": self.key,
            "o.id": self.event_id,
        }


class OwnEventQuery(Listed):
    """Which of the integration's events. since: entries with a higher number; by default all since the last restore."""

    type: Filter = None
    since: Annotated[int, Field(ge=0, le=2**53)] | None = None


class SettledQuery(BaseModel):
    """How long silence must last (milliseconds; the integration's own quiet time by default), and how long to wait at most."""

    model_config = ConfigDict(extra="forbid")

    quiet_ms: Annotated[int, Field(ge=0, le=3_600_000)] | None = None
    timeout_ms: Annotated[int, Field(ge=0, le=3_600_000)] = DEFAULT_TIMEOUT_MS


def problem_response(problem: Problem) -> Response:
    """A refusal as RFC 9457 says."""
    headers = dict(problem.headers)
    return Response(orjson.dumps(problem.as_json()), problem.status, headers, PROBLEM)


async def refuse(request: Request, error: Exception) -> Response:
    """Render whatever went wrong."""
    if isinstance(error, Problem):
        return problem_response(error)
    if isinstance(error, RequestValidationError):
        return problem_response(explained(error))
    if isinstance(error, HTTPException):
        remedy = "See /openapi.json for what there is."
        code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "REFUSED")
        headers = list((error.headers or {}).items())
        if error.status_code == 405:
            headers = [("Allow", ", ".join(allowed(request)))]
        return problem_response(Problem(error.status_code, code, str(error.detail), remedy=remedy, headers=headers))
    raise error


async def broken(request: Request, error: Exception) -> Response:
    """A defect of the control plane itself; the server's log has it in full."""
    said = f"{request.method} {request.url.path} failed: {type(error).__name__}."
    return problem_response(Problem(500, "INTERNAL", said, remedy="That is a defect here, not of the call: report it."))


def allowed(request: Request) -> list[str]:
    """Every method that the path has."""
    found: set[str] = set()
    for route in request.app.routes:
        regex, methods = getattr(route, "path_regex", None), getattr(route, "methods", None)
        if regex is not None and methods and regex.match(request.scope["path"]):
            found |= methods
    return sorted(found)


def explained(error: RequestValidationError) -> Problem:
    """A body or parameter that cannot be taken: 400 where it is not JSON, else 422 naming each member."""
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return Problem(400, "UNPARSABLE", "The body is not JSON.", remedy="Send a JSON object.")
    errors = [
        {"field": ".".join(map(str, each["loc"][1:])) or str(each["loc"][0]), "detail": str(each["msg"])}
        for each in found[:20]
    ]
    first = errors[0]
    return Problem(
        422,
        "INVALID_FIELD",
        f"{first['field']}: {first['detail']}",
        field=first["field"],
        remedy="See /openapi.json for what it may be.",
        errors=errors,
    )


class Gate:
    """Asks callers for the landscape's token, if it has one: as a bearer token, or as the cookie that `/?token=…` sets."""

    def __init__(self, app: Any, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let through or refuse."""
        if scope["type"] != "http" or scope["path"] in ("/health", "/ready") or self._known(scope):
            await self.app(scope, receive, send)
            return
        if scope["path"] == "/" and self._right(
            parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ):
            answer: Response = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.token.decode(), httponly=True, samesite="strict")
        else:
            answer = problem_response(
                Problem(
                    401,
                    "TOKEN_NEEDED",
                    "The control plane of this landscape needs its token.",
                    remedy="Send it as `Authorization: Bearer …`.",
                    headers=[("WWW-Authenticate", "Bearer")],
                )
            )
        await answer(scope, receive, send)

    def _right(self, said: str) -> bool:
        return hmac.compare_digest(said.encode(), self.token)

    def _known(self, scope: Any) -> bool:
        sent = {
            name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"authorization", b"cookie")
        }
        scheme, _, token = sent.get(b"authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._right(token.strip()):
            return True
        cookie = SimpleCookie(sent.get(b"cookie", "")).get(COOKIE)
        return cookie is not None and self._right(cookie.value)


def build_control(landscape: Landscape) -> FastAPI:
    """The control plane of a landscape."""
    app = FastAPI(
        title="Counterfoil control plane",
        version="1",
        description="The landscape from above: state and deeds of every system, time, faults, deliveries, snapshots.",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for kind in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refuse)
    app.add_exception_handler(Exception, broken)
    if landscape.config.token is not None:
        app.add_middleware(Gate, token=landscape.config.token)
    app.mount(PREFIX, Canonical(landscape.systems, landscape.journal))
    for add in (add_life, add_time, add_events, add_faults, add_states, add_integration):
        add(app, landscape)
    app.openapi = lambda: described(app, landscape)  # type: ignore[method-assign]
    return app


def described(app: FastAPI, landscape: Landscape) -> dict[str, Any]:
    """The OpenAPI document, made when it is first asked for."""
    from counterfoil_mocks import control_openapi

    if app.openapi_schema is None:
        app.openapi_schema = control_openapi.document(app, landscape)
    return app.openapi_schema


def add_life(app: FastAPI, landscape: Landscape) -> None:
    """Whether it lives and what it is."""

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """200 when every system answers, else 503."""
        return await state_of_health(landscape)

    @app.get("/ready")
    async def ready() -> dict[str, bool]:
        """200 when the firm is loaded and all ports are bound, else 503."""
        if not landscape.ready:
            raise Problem(503, "NOT_READY", "The landscape is starting.", remedy="Ask again.")
        return {"ready": True}

    @app.get("/landscape")
    async def describe() -> dict[str, Any]:
        """The systems with their addresses and credentials, the clock and the seed."""
        return landscape.describe()

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return console.page(landscape)

    @app.get("/console/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        return console.asset(name)


async def state_of_health(landscape: Landscape) -> dict[str, Any]:
    """What each system says of itself; raises Problem 503 when one does not answer."""
    said = await landscape.ask_health()
    ill = [name for name, well in said.items() if not well]
    if ill:
        raise Problem(503, "NOT_HEALTHY", f"No answer from {', '.join(ill)}.", remedy="Restart the landscape.")
    return {"status": "ok", "systems": dict.fromkeys(said, "ok")}


def add_time(app: FastAPI, landscape: Landscape) -> None:
    """The business clock, and waiting."""

    @app.get("/clock")
    async def read_clock() -> ClockOut:
        """The business instant."""
        return ClockOut(now=landscape.world.clock.now)

    @app.post("/clock/advance")
    async def advance(body: Advance) -> ClockOut:
        """Let time pass, from timer to timer, settling between; answers when it is done."""
        return ClockOut(now=await landscape.advance(body.to, body.days))

    @app.get("/settled")
    async def settled(query: Annotated[SettledQuery, Query()]) -> Settled:
        """Wait until nothing moves; answers 200 also at the time limit, saying what still moves."""
        return Settled(**await landscape.settle(query.quiet_ms, query.timeout_ms))


def add_events(app: FastAPI, landscape: Landscape) -> None:
    """The journal and the deliveries."""

    @app.get("/journal", response_model=JournalPage, responses={200: {"content": {"text/event-stream": {}}}})
    async def journal(request: Request, query: Annotated[JournalQuery, Query()]) -> Any:
        """What happened, in order. Asked for `text/event-stream`, it goes on as things happen."""
        if "text/event-stream" in request.headers.get("accept", ""):
            last = request.headers.get("last-event-id", "")
            start = int(last) if last.isascii() and last.isdigit() and len(last) < 18 else query.since
            return StreamingResponse(
                stream(landscape, query.trace, start, query.filters()),
                media_type="text/event-stream",
                headers={"cache-control": "no-store"},
            )
        found = landscape.journal.query(
            trace=query.trace,
            since=max(query.since, int(query.cursor or 0)),
            limit=query.limit + 1,
            newest=query.newest,
            **query.filters(),
        )
        last_seq = {"last": landscape.journal.last}
        if query.newest:
            return {"items": found[-query.limit :], "next": None} | last_seq
        return query.cut(found, str(found[query.limit - 1]["seq"]) if len(found) > query.limit else "") | last_seq

    @app.get("/deliveries")
    async def deliveries(query: Annotated[DeliveryQuery, Query()]) -> Page:
        """Events on their way, delivered ones and dead ones, in the order in which they happened."""
        start = int(query.cursor or 0)
        found = landscape.deliverer.listed(query.filters(), query.limit + 1, start)
        return Page(**query.cut(found, str(start + query.limit)))

    @app.post("/deliveries/{delivery_id}/redeliver")
    async def redeliver(delivery_id: str) -> dict[str, Any]:
        """Send an event again, whatever became of it."""
        return landscape.deliverer.redeliver(delivery_id)


async def stream(landscape: Landscape, trace: str | None, since: int, wanted: Record) -> AsyncIterator[bytes]:
    """The journal as server-sent events: what is there, then what happens."""
    follower = landscape.journal.follow()
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if trace is not None:
        wanted["trace"] = trace_of(trace)
    told: set[int] = set()
    recent = landscape.journal.last - OVERLAP
    try:
        yield b"retry: 1000\n\n"
        filters = {name: value for name, value in wanted.items() if name != "trace"}
        while found := landscape.journal.query(trace=trace, since=since, limit=500, **filters):
            for entry in found:
                since = entry["seq"]
                if since > recent:
                    told.add(since)
                yield sent_event(entry)
        while not follower.ended:
            heard = await follower.next(KEEPALIVE_SECONDS)
            if heard is None:
                yield b": still here\n\n"
            elif heard["seq"] not in told and all(heard[name] == value for name, value in wanted.items()):
                yield sent_event(heard)
    finally:
        follower.close()


def sent_event(entry: Record) -> bytes:
    """One journal entry as a server-sent event."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (entry["seq"], entry["kind"].encode(), orjson.dumps(entry))


def add_faults(app: FastAPI, landscape: Landscape) -> None:
    """What is broken."""

    @app.get("/faults")
    async def faults() -> Page:
        """What is broken now, and how often each fault has struck."""
        return Page(items=landscape.faults.view(), next=None)

    @app.post("/faults", status_code=201)
    async def inject(body: Annotated[list[FreeJson], Body(max_length=1000)]) -> Page:
        """Break things: a list of `{kind, system, operation, key, nth | every | share, …settings}`; all or none."""
        made = {fault.id for fault in landscape.faults.inject(body)}
        return Page(items=[each for each in landscape.faults.view() if each["id"] in made], next=None)

    @app.delete("/faults")
    async def mend_all() -> Page:
        """Mend everything."""
        landscape.faults.clear()
        return Page(items=[], next=None)

    @app.delete("/faults/{fault_id}")
    async def mend(fault_id: str) -> Page:
        """Mend one thing."""
        landscape.faults.clear(fault_id)
        return Page(items=landscape.faults.view(), next=None)


def add_states(app: FastAPI, landscape: Landscape) -> None:
    """Snapshots and the export."""

    @app.get("/snapshots")
    async def snapshots() -> Page:
        """The states that one can go back to."""
        return Page(items=[each.shown() for each in landscape.snapshots.taken.values()], next=None)

    @app.post("/snapshots", status_code=201)
    async def snapshot(body: SnapshotIn | None = None) -> SnapshotOut:
        """Keep the present state."""
        return SnapshotOut(**landscape.snapshot((body or SnapshotIn()).label).shown())

    @app.post("/snapshots/{snapshot_id}/restore")
    async def restore(snapshot_id: str, body: RestoreIn | None = None) -> SnapshotOut:
        """Go back to a state, clock included."""
        return SnapshotOut(**(await landscape.restore(snapshot_id, (body or RestoreIn()).label)).shown())

    @app.delete("/snapshots/{snapshot_id}")
    async def forget(snapshot_id: str) -> SnapshotOut:
        """Forget a state; the seeded one stays."""
        return SnapshotOut(**landscape.forget(snapshot_id).shown())

    @app.post("/reset")
    async def reset() -> SnapshotOut:
        """Go back to the firm as it was seeded, with nothing broken."""
        return SnapshotOut(**(await landscape.reset()).shown())

    @app.get("/export", responses={200: {"content": {"application/x-ndjson": {}}}}, response_class=Response)
    async def export() -> Response:
        """The whole canonical state, one record a line, in a stable order."""
        return Response(b"".join(landscape.export()), media_type="application/x-ndjson")


def add_integration(app: FastAPI, landscape: Landscape) -> None:
    """What is under test."""

    @app.get("/integration")
    async def integration() -> dict[str, Any]:
        """What is registered; its name is null when nothing is."""
        return landscape.integration or {"name": None}

    @app.put("/integration")
    async def register(body: IntegrationIn) -> dict[str, Any]:
        """Announce what is under test: its subscriptions at each system, how it says that it is idle."""
        for name in body.webhooks:
            if name not in landscape.systems:
                raise invalid(f"webhooks.{name}", "there is no such system", f"One of {', '.join(landscape.systems)}.")
        landscape.register(Integration(**body.model_dump()))
        return landscape.integration or {}

    @app.delete("/integration")
    async def unregister() -> dict[str, Any]:
        """Forget what is under test, and its subscriptions."""
        known = landscape.rest.integration
        landscape.unregister()
        return {"name": known.name if known else None}

    @app.get("/integration/events")
    async def own_events(query: Annotated[OwnEventQuery, Query()]) -> Page:
        """What the integration has announced about itself, in order."""
        since = int(query.cursor) if query.cursor else query.since
        found = landscape.own_events(query.type, since, query.limit + 1)
        return Page(**query.cut(found, str(found[query.limit - 1]["seq"]) if len(found) > query.limit else ""))

    @app.post("/integration/events", status_code=201)
    async def announce(body: IntegrationEvent | Annotated[list[IntegrationEvent], Field(max_length=100)]) -> Page:
        """The integration's own `int.*` events: one, or a list."""
        sent = body if isinstance(body, list) else [body]
        return Page(items=[written_down(landscape, each) for each in sent], next=None)


def written_down(landscape: Landscape, event: IntegrationEvent) -> Record:
    """Put an integration's event into the journal; returns it as it is listed."""
    said = event.model_dump(exclude_none=True)
    seq = landscape.journal.add(
        kind="integration",
        system="integration",
        operation=event.type,
        key=event.businesskey,
        trace=trace_of(event.traceparent),
        correlation_id=event.correlationid,
        causation_id=event.causationid,
        event_id=event.id,
        request=orjson.dumps(said),
    )
    landscape.world.traffic.touch()
    return {**said, "seq": seq, "at": landscape.world.clock.now}
