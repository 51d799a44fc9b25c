"""The verdict: every invariant that applies is asked, and answers with the rows that break it. Also the `/invariants` and `/kpis`
router that `counterfoil up` mounts on the control plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from counterfoil import causes, kpi, throughout, vocabulary
from counterfoil.invariant import Invariant, Row, catalogue, limits
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import World

ABILITIES = ("trace", "dead_letters", "reconciliation", "dashboard", "approvals", "polling", "batch", "migration")
ROW_LIMIT = 100
"""Rows that an answer shows of one violated invariant; `count` tells how many there are."""


class Amount(BaseModel):
    """Money at stake: minor units of a currency."""

    minor: int
    ccy: str


class Link(BaseModel):
    """One step of a causal chain: an event, or the deed that was its first cause."""

    at: str
    kind: Literal["event", "deed"]
    name: str
    key: str | None = None
    system: str
    id: str | None = None
    actor: str | None = None


class Cause(BaseModel):
    """The commit after which the first row stood: what was done, by whom, to what, and why (chain, nearest first)."""

    at: str
    deed: str
    actor: str | None = None
    system: str
    journal_seq: int | None = None
    record: str
    request: dict[str, Any] | None = None
    chain: list[Link] = Field(default_factory=list)


class Result(BaseModel):
    """What one invariant says."""

    id: str
    rule: str
    kind: Literal["A", "E", "P", "Q"]
    status: Literal["held", "violated", "not_applicable"]
    count: int = 0
    rows: list[dict[str, Any]] = Field(default_factory=list)
    at_stake: list[Amount] = Field(default_factory=list)
    passed_by: str | None = Field(None, description="The moment at which it was broken, where it holds again now.")
    first_cause: Cause | None = None
    missing: list[str] = Field(default_factory=list, description="Abilities that the integration does not declare.")


class Verdict(BaseModel):
    """All results. unknown: ids that were asked for and that the catalogue does not hold."""

    now: str
    verdict: Literal["passed", "violated"]
    items: list[Result]
    unknown: list[str] = Field(default_factory=list)


class Figures(BaseModel):
    """All KPIs."""

    now: str
    items: list[kpi.Figure]


class Landscape(Protocol):
    """What the router needs of a landscape."""

    store: Store
    world: World


def check(
    store: Store,
    *,
    now: str,
    only: Sequence[str] | None = None,
    declares: Iterable[str] | None = None,
    links: Mapping[str, str] | None = None,
    deadlines: Mapping[str, int] | None = None,
    events: Iterable[Mapping[str, Any]] = (),
    at_rest: bool = False,
    since: str | None = None,
    first_cause: bool = False,
) -> list[Result]:
    """Ask the invariants of the catalogue (or `only` those named) at a business instant; writes nothing.

    declares: abilities of the integration (None: all of them). links, deadlines (minutes by class): from its descriptor. events:
    what it has told of itself. at_rest: judge as if the deadlines of a few hours had passed. since: judge what must always hold at
    every moment from that instant on, and what must hold at period close at each close. first_cause: also look for the commit that
    broke each one. Raises ValueError, KeyError for a link or a deadline class that makes no sense.
    """
    able = set(ABILITIES if declares is None else declares)
    params = limits(now, deadlines, at_rest=at_rest)
    events = list(events)
    vocabulary.prepare(store, links=links, events=events)
    with store.read_only():
        results = [
            _judge(store, each, params, able) for each in catalogue().values() if only is None or each.id in only
        ]
    broken = [each for each in results if each.status == "violated"]
    if since is None and not (broken and first_cause):
        return results
    past = causes.Past(store, links=links, events=events)
    try:
        if since is not None:
            _look_back(past, results, since, deadlines, first_cause=first_cause)
        for each in broken if first_cause else ():
            found = past.first_cause(catalogue()[each.id], each.rows[0], params)
            each.first_cause = Cause.model_validate(found) if found else None
    finally:
        past.close()
    return results


def _look_back(
    past: causes.Past,
    results: Sequence[Result],
    since: str,
    deadlines: Mapping[str, int] | None,
    *,
    first_cause: bool,
) -> None:
    held = {each.id: each for each in results if each.status == "held"}
    for breach in throughout.breaches(past, [catalogue()[name] for name in held], since=since, deadlines=deadlines):
        result = held[breach.invariant.id]
        _state(result, breach.invariant, breach.rows)
        result.passed_by = breach.at
        if first_cause:
            params = limits(breach.at, deadlines)
            found = past.first_cause(breach.invariant, breach.rows[0], params, upto=breach.at)
            result.first_cause = Cause.model_validate(found) if found else None


def _judge(store: Store, invariant: Invariant, params: Mapping[str, Any], able: set[str]) -> Result:
    result = Result(id=invariant.id, rule=invariant.rule, kind=invariant.kind, status="held")
    result.missing = [each for each in invariant.presupposes if each not in able]
    if result.missing:
        result.status = "not_applicable"
        return result
    rows = invariant.rows(store, params)
    if invariant.kind == "E" and rows:
        excused = excused_keys(store, params)
        rows = [row for row in rows if not excused.intersection(invariant.key_of(row))]
    if rows:
        _state(result, invariant, rows)
    return result


def _state(result: Result, invariant: Invariant, rows: list[Row]) -> None:
    result.status = "violated"
    result.count = len(rows)
    result.rows = rows
    result.at_stake = at_stake(rows, invariant.money)


OPEN_EXCEPTIONS = """
SELECT e.key, e.severity, e.at, e.owner FROM temp.int_event e
WHERE e.type = 'int.exception.raised' AND e.key IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM temp.int_event r WHERE r.type = 'int.exception.resolved' AND coalesce(r.ref = e.ref, r.key = e.key) AND r.at >= e.at)
"""


def excused_keys(store: Store, params: Mapping[str, Any]) -> set[Any]:
    """Business keys that the integration has put before a person and whose time to be resolved (DL-X) has not run out."""
    return {
        row["key"]
        for row in store.rows(OPEN_EXCEPTIONS)
        if row["owner"] or row["at"] > params[f"dl_x_{(row['severity'] or 'S4').lower()}"]
    }


def at_stake(rows: Sequence[Row], money: str) -> list[Amount]:
    """The sum of the money column, one for each currency; none where the rows have nothing of it at stake."""
    sums: dict[str, int] = {}
    for row in rows:
        amount, ccy = row.get(money), row.get("ccy")
        if isinstance(amount, int) and ccy:
            sums[ccy] = sums.get(ccy, 0) + abs(amount)
    return [Amount(minor=minor, ccy=ccy) for ccy, minor in sorted(sums.items()) if minor]


def router(landscape: Landscape) -> APIRouter:
    """`GET /invariants` and `GET /kpis` over a landscape; what is known of the integration is read from it when asked."""
    routes = APIRouter()

    @routes.get("/invariants", response_model=Verdict, tags=["verdict"])
    async def invariants(
        only: str | None = Query(None, description="Ids, with commas between: `INV-01,INV-24`."),
        applicable: str | None = Query(None, description="Abilities that the integration declares; all by default."),
        at_rest: bool = Query(False, description="Nothing moves any more: deadlines of a few hours count as passed."),
        since: str | None = Query(
            None, description="Judge what must always hold at every moment since this instant, not only now."
        ),
        first_cause: bool = Query(False, description="Also find the commit that broke each one."),
    ) -> Verdict:
        """The verdict, now."""
        wanted = _listed(only)
        about = integration_of(landscape)
        written_out(landscape)
        try:
            with landscape.store.local() as store:
                results = check(
                    store,
                    now=landscape.world.clock.now,
                    only=wanted,
                    declares=_listed(applicable) if applicable is not None else about.get("declares"),
                    links=about.get("links"),
                    deadlines=about.get("deadlines"),
                    events=events_of(landscape),
                    at_rest=at_rest,
                    since=since,
                    first_cause=first_cause,
                )
        except (KeyError, ValueError) as error:
            raise HTTPException(422, str(error)) from error
        broken = any(each.status == "violated" for each in results)
        for each in results:
            each.rows = each.rows[:ROW_LIMIT]
        return Verdict(
            now=landscape.world.clock.now,
            verdict="violated" if broken else "passed",
            items=results,
            unknown=[each for each in wanted or () if each not in catalogue()],
        )

    @routes.get("/kpis", response_model=Figures, tags=["verdict"])
    async def kpis(only: str | None = Query(None, description="Ids, with commas between.")) -> Figures:
        """The figures, now."""
        about = integration_of(landscape)
        now = landscape.world.clock.now
        with landscape.store.local() as store:
            figures = kpi.compute(
                store,
                now=now,
                only=_listed(only),
                links=about.get("links"),
                deadlines=about.get("deadlines"),
                events=events_of(landscape),
            )
        return Figures(now=now, items=figures)

    return routes


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [each.strip() for each in text.split(",") if each.strip()]


def written_out(landscape: Any) -> None:
    """Have the journal write what it buffers, where there is one."""
    journal = getattr(landscape, "journal", None)
    if journal is not None:
        journal.gather()


def integration_of(landscape: Any) -> Mapping[str, Any]:
    """What is registered of the integration under test (`declares`, `links`, `deadlines`), or nothing."""
    about = getattr(landscape, "integration", None)
    return about if isinstance(about, Mapping) else {}


def events_of(landscape: Any) -> list[Mapping[str, Any]]:
    """The `int.*` events that the integration has posted to the control plane."""
    return list(getattr(landscape, "integration_events", ()))
