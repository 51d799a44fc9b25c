"""The control plane: the landscape from above, over HTTP. Time, faults, deliveries, snapshots; state and deeds are `canonical`'s."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from counterfoil_mocks import console
from counterfoil_mocks.control_refusals import broken, refuse
from counterfoil_mocks.control_shapes import (
    Advance,
    ClockOut,
    DeliveryQuery,
    Flow,
    FlowOut,
    FreeJson,
    IntegrationEvent,
    IntegrationIn,
    JournalPage,
    JournalQuery,
    LimitIn,
    OwnEventQuery,
    Page,
    Queues,
    RestoreIn,
    Settled,
    SettledQuery,
    SnapshotIn,
    SnapshotOut,
)
from counterfoil_mocks.kernel.errors import Problem, StoreAway, invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import trace_of
from counterfoil_mocks.kernel.settle import Integration

if TYPE_CHECKING:
    from counterfoil_mocks.landscape import Landscape

KEEPALIVE_SECONDS = 15.0
OVERLAP = 10_000
"""Numbers before the last one in which entries may still be missing: a request has its number before it is answered."""


def build_control(landscape: Landscape) -> FastAPI:
    """What the framework answers of the control plane of a landscape."""
    app = FastAPI(
        title="Counterfoil control plane",
        version="1",
        description="The landscape from above: state and deeds of every system, time, faults, deliveries, snapshots.",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for kind in (Problem, StoreAway, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refuse)
    app.add_exception_handler(Exception, broken)
    for add in (add_life, add_time, add_events, add_faults, add_limits, add_states, add_integration):
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

    @app.post("/clock/flow")
    async def flow(body: Flow) -> FlowOut:
        """Let business time flow by itself, or stand still again; it does until the next restore."""
        landscape.rest.flow(body.rate)
        return FlowOut(now=landscape.world.clock.now, rate=landscape.rest.rate)

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

    @app.get("/queues")
    async def queues() -> Queues:
        """How much is on its way now, by counting only: cheap enough to be asked every second."""
        return Queues(
            now=landscape.world.clock.now,
            in_flight=landscape.world.traffic.in_flight,
            deliveries=landscape.deliverer.depth(),
            next_due=landscape.deliverer.next_due,
        )

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


def add_limits(app: FastAPI, landscape: Landscape) -> None:
    """How many calls the systems take."""

    @app.get("/limits")
    async def limits() -> dict[str, dict[str, float]]:
        """The rate limits in force, by system; a system without any takes as many calls as come."""
        return landscape.limits

    @app.put("/limits")
    async def limit(body: dict[str, LimitIn]) -> dict[str, dict[str, float]]:
        """Put rate limits in force until the next restore. Systems that are not named have those of the landscape file."""
        for name in body:
            if name not in landscape.systems:
                raise invalid(name, "there is no such system", f"One of {', '.join(landscape.systems)}.")
        landscape.limit({name: each.model_dump(exclude_none=True) for name, each in body.items()})
        return landscape.limits


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
        wanted = body or RestoreIn()
        return SnapshotOut(**(await landscape.restore(snapshot_id, wanted.label, wanted.nth)).shown())

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
