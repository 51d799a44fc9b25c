"""The integration's own small API: what people and the testbed ask of it. Events come in by `hooks`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from counterfoil.reference.app import Integration
from counterfoil.reference.config import Settings
from counterfoil.reference.errors import Trouble
from counterfoil.reference.hooks import MOST_PATIENCE, Door, preferred
from counterfoil.reference.parts import Parts


class Body(BaseModel):
    """What callers send; unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Health(BaseModel):
    """How the integration is."""

    status: Literal["ok"] = "ok"
    name: str
    events: dict[str, int]
    dead_letters: int
    idle: bool


class Idle(BaseModel):
    """Whether there is nothing to do."""

    idle: bool


class DeadLetter(BaseModel):
    """An event that was parked."""

    id: str
    kind: Literal["refused", "exhausted", "waiting", "approval"]
    code: str
    reason: str
    severity: str
    attempts: int
    system: str
    type: str
    key: str
    event: str


class DeadLetters(BaseModel):
    """Events that were parked, oldest first."""

    items: list[DeadLetter]


class Replayed(BaseModel):
    """How many events are tried again."""

    replayed: int


class Approval(BaseModel):
    """A decision that a person must take. candidates: records that the subject may be the same as."""

    id: str
    subject: str
    detail: str
    candidates: list[str]
    state: Literal["PENDING", "DECIDED"]
    decision: dict[str, Any] | None = None


class Approvals(BaseModel):
    """Decisions, asked for and taken."""

    items: list[Approval]


class Decision(Body):
    """distinct: another company, make it; same: it is `customer` (id in the books; the only candidate by default)."""

    decision: Literal["distinct", "same"] = "distinct"
    customer: str | None = None
    approver: Annotated[str, Field(min_length=1, max_length=120)] = "Master data steward"


class Scope(Body):
    """What to reconcile; everything by default."""

    legal_entity: str | None = None
    period: Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")] | None = None


class Difference(BaseModel):
    """A difference between two systems. amount: minor units at stake."""

    kind: str
    key: str
    legal_entity: str | None = None
    period: str
    ccy: str | None = None
    amount: int
    expected: Any = None
    found: Any = None


class Variance(BaseModel):
    """Totals of one legal entity, period and currency in minor units; variance is billed less posted."""

    legal_entity: str
    period: str
    ccy: str
    billed: int
    posted: int
    variance: int
    differences: int


class Reconciled(BaseModel):
    """The outcome of a reconciliation."""

    id: str
    items: list[Difference]
    scopes: list[Variance]


class Reconciliations(BaseModel):
    """Outcomes, newest first."""

    items: list[Reconciled]


class Polled(BaseModel):
    """By system: how many changes were found that no event had told of, or why it could not be read to its end."""

    found: dict[str, int]
    failed: dict[str, str]


class Refusal(BaseModel):
    """Why not: a sentence, or one entry for each value that cannot be taken."""

    detail: Any


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What an operation may refuse with, for its document."""
    return {status: {"model": Refusal} for status in statuses}


def build(settings: Settings, parts: Parts, name: str) -> Door:
    """The application, behind its door for events."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        app.state.integration = Integration(settings, parts)
        await app.state.integration.start()
        yield
        await app.state.integration.stop()

    app = FastAPI(title=f"Counterfoil {name} integration", lifespan=life, docs_url=None, redoc_url=None)

    def running(request: Request) -> Integration:
        found: Integration = request.app.state.integration
        return found

    @app.get("/health")
    async def health(request: Request) -> Health:
        """How the integration is."""
        return Health(name=name, **running(request).engine.view())

    @app.get("/idle")
    async def idle(request: Request, wait_ms: Annotated[int, Query(ge=0, le=30_000)] = 0) -> Idle:
        """Whether there is nothing to do; held until there is, as long as `wait_ms` or `Prefer: wait` (seconds) allow."""
        wanted = max(wait_ms / 1000, preferred(request.headers.get("prefer", "")))
        return Idle(idle=await running(request).engine.wait_idle(min(wanted, MOST_PATIENCE)))

    @app.post("/testing/reset", status_code=204, response_class=Response)
    async def reset(request: Request) -> Response:
        """Forget everything."""
        await running(request).reset()
        return Response(status_code=204)

    @app.get("/dead-letters")
    async def dead_letters(request: Request) -> DeadLetters:
        """Events that were parked."""
        return DeadLetters(items=[DeadLetter(**each) for each in running(request).state.letters()])

    @app.post("/dead-letters/replay", status_code=202)
    async def replay_all(request: Request) -> Replayed:
        """Try all parked events again, except those that wait for a decision."""
        return Replayed(replayed=running(request).engine.replay())

    @app.post("/dead-letters/{letter_id}/replay", status_code=202, responses=refusals(404))
    async def replay(letter_id: str, request: Request) -> Replayed:
        """Try one parked event again."""
        if not running(request).state.letters(letter_id):
            raise HTTPException(404, f"there is no dead letter {letter_id!r}")
        return Replayed(replayed=running(request).engine.replay(letter_id))

    @app.get("/approvals")
    async def approvals(request: Request) -> Approvals:
        """Decisions, asked for and taken."""
        return Approvals(items=[Approval(**each) for each in running(request).state.approvals()])

    @app.post("/approvals/{approval_id}", status_code=202, responses=refusals(404, 422))
    async def decide(approval_id: str, request: Request, decision: Decision | None = None) -> Replayed:
        """Take a decision; the event that waited for it goes on."""
        taken = decision or Decision()
        state = running(request).state
        asked = next(
            (each for each in state.approvals() if each["id"] == approval_id and each["state"] == "PENDING"), None
        )
        if asked is None:
            raise HTTPException(404, f"there is no pending approval {approval_id!r}")
        if taken.decision == "same" and taken.customer is None:
            if len(asked["candidates"]) != 1:
                raise HTTPException(422, f"name the customer: one of {', '.join(asked['candidates'])}")
            taken = taken.model_copy(update={"customer": asked["candidates"][0]})
        seq = state.decide(approval_id, taken.model_dump())
        if seq is not None:
            running(request).engine.requeue(seq)
        return Replayed(replayed=1)

    @app.post("/poll")
    async def poll(request: Request) -> Polled:
        """Look for changes that no event told of. A system that cannot be read now is read next time."""
        polled = await running(request).poller.poll()
        return Polled(found=polled.found, failed=polled.failed)

    @app.post("/reconcile", responses=refusals(503))
    async def reconcile(request: Request, scope: Scope | None = None) -> Reconciled:
        """Reconcile now."""
        wanted = scope or Scope()
        try:
            return Reconciled(**await running(request).reconciliation.run(wanted.legal_entity, wanted.period))
        except Trouble as trouble:
            raise HTTPException(503, trouble.detail) from trouble

    @app.get("/reconciliations")
    async def reconciliations(request: Request) -> Reconciliations:
        """Outcomes of former reconciliations."""
        return Reconciliations(items=[Reconciled(**each) for each in running(request).state.reconciliations()])

    @app.get("/dashboard", responses=refusals(503))
    async def dashboard(request: Request) -> dict[str, Any]:
        """Billed, unbilled, recognised, backlog and receivable: money by currency."""
        try:
            return await running(request).figures()
        except Trouble as trouble:
            raise HTTPException(503, trouble.detail) from trouble

    return Door(app, settings.tolerance)
