"""A load on a landscape and the integration under test: deeds at a rate, watched from the control plane, drained, and judged like a scenario."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from counterfoil import judge
from counterfoil.activity import rhythm
from counterfoil.activity.rhythm import first_of_month
from counterfoil.client import Broken, Record, Records, Refused
from counterfoil.flows import FLOWS, Span, Watch
from counterfoil.judge import Result
from counterfoil.loading import figures
from counterfoil.loading.crowd import FAILED, Line
from counterfoil.loading.locusts import LAST_DEED_SECONDS, Locusts
from counterfoil.loading.plan import SHAPES, Plan
from counterfoil.stories import Story
from counterfoil.world import PAGE, NotSettled, World, instant, moment

ENOUGH = 0.95
"""The share of the intended rate that counts as achieved."""
SETTLE_STEP = 20.0
FLOW_RATE = 1.0
"""Business seconds a wall second while the load lasts."""
KEPT = ("now", "in_flight", "next_due")
LOOK_SECONDS = 1.0


@dataclass
class Seen:
    """What has been seen of a load so far. begin: when the first deed could be due (wall seconds; 0 before). samples: what the control
    plane said each second."""

    plan: Plan
    stage: str = "starting"
    begin: float = 0.0
    lines: list[Line] = field(default_factory=list)
    samples: Records = field(default_factory=list)
    watch: Watch = field(default_factory=Watch)
    journal: int = 0
    stopped: bool = False

    @property
    def elapsed(self) -> float:
        """Wall seconds since the begin."""
        return time.time() - self.begin if self.begin else 0.0


def story(plan: Plan) -> Story:
    """A load as the verdict names it: all invariants are asked."""
    from counterfoil.invariant import catalogue

    title = f"{plan.rate:g} deeds a second for {plan.seconds:g} s, {plan.shape}"
    return Story("LOAD", title, tuple(catalogue()), throughout=False)


def aimed(plan: Plan, world: World, token: str | None) -> Plan:
    """The plan with the control plane that its people go to, and the size of the firm that they find there."""
    size = str(world.landscape.get("size", "empty"))
    busy = size if size in rhythm.BUSY else "S" if size == "empty" else "M"
    return replace(plan, control=world.control.url, token=token, size=busy)


def load(
    world: World,
    plan: Plan,
    *,
    workers: int = 0,
    elsewhere: int = 0,
    port: int | None = None,
    drain_seconds: float = 300.0,
    told: Callable[[Seen], object] = lambda seen: None,
) -> Result:
    """Make the load, let everything drain, judge. told: called every second with what has been seen. Raises Broken.

    An interrupt (Ctrl-C) ends the load early, not the judging; a second one ends all.
    """
    seen = Seen(plan)
    if SHAPES[plan.shape].month_end:
        to_last_working_day(world)
    seen.journal = world.control.get("/journal", limit=1)["last"]
    world.control.post("/clock/flow", {"rate": FLOW_RATE})
    locusts, loaded = Locusts(plan, workers=workers, elsewhere=elsewhere, port=port), plan.seconds
    try:
        try:
            locusts.start()
            attend(world, locusts, seen, told)
        except KeyboardInterrupt:  # no more deeds, but those that were begun are ended
            seen.stopped, seen.stage, stopped = True, "stopping", time.time()
            locusts.hush()
            attend(world, locusts, seen, told)
            loaded = min(plan.seconds, stopped - seen.begin) if seen.begin else 0.0
    finally:
        locusts.stop()
    if loaded <= 0:
        raise Broken("the load was stopped before it had begun")
    failure, drained = drain(world, seen, drain_seconds, told)
    rate = figures.rates(seen.lines, plan, "deed", seen.begin, loaded)
    expect(world, seen, rate)
    seen.stage = "judging"
    told(seen)
    result = judge.judge(world, story(plan), failure, promised=not world.planned)
    result["load"] = measured(world, seen, loaded, drained, rate) | {"workers": workers + elsewhere}
    result["kpis"] = world.kpis()
    return result


def to_last_working_day(world: World) -> None:
    """Let time pass until the last afternoon of work in the month."""
    last = moment(first_of_month(moment(world.now), 1)) - timedelta(days=1)
    while last.weekday() > 4:
        last -= timedelta(days=1)
    afternoon = instant(last.replace(hour=21))
    if afternoon > world.now:
        world.advance(to=afternoon)
        world.settle()


def attend(world: World, locusts: Locusts, seen: Seen, told: Callable[[Seen], object]) -> None:
    """Look once a second until Locust has ended; raises Broken where it fails."""
    limit = None
    while locusts.running:
        locusts.wait(LOOK_SECONDS)
        look(world, locusts.lines(), seen)
        told(seen)
        if seen.begin and limit is None:
            limit = seen.begin + seen.plan.seconds + LAST_DEED_SECONDS + 30
        if limit is not None and time.time() > limit:
            raise Broken(f"Locust did not end:\n{locusts.complaint()}")
    look(world, locusts.lines(), seen)


def look(world: World, lines: Sequence[Line], seen: Seen) -> None:
    """Take what was done, what is queued, and what came of it."""
    seen.lines += lines
    if not seen.begin and seen.lines:
        first = min(seen.lines, key=lambda each: each[figures.DUE])
        seen.begin = first[figures.DUE] - (seen.plan.due(first[figures.WHAT]).due(first[figures.NUMBER]) or 0.0)
        seen.stage = "loading"
    asked = time.time()
    queues = world.control.get("/queues")
    answered = {"at": asked, "answer": round(time.time() - asked, 4)}
    seen.samples.append(answered | queues["deliveries"] | {name: queues[name] for name in KEPT})
    while True:
        page = world.control.get("/journal", kind="event", since=seen.journal, limit=PAGE)["items"]
        seen.watch.see(page)
        if page:
            seen.journal = page[-1]["seq"]
        if len(page) < PAGE:
            return


def drain(world: World, seen: Seen, seconds: float, told: Callable[[Seen], object]) -> tuple[NotSettled | None, Record]:
    """Wait until nothing moves any more; what kept it from rest, and how long it took. Business time stands
    still while anything moves, so that nothing comes late by it, and goes from one retry to the next."""
    began, failure = time.time(), None
    seen.stage = "draining"
    world.control.post("/clock/flow", {"rate": 0})
    while True:
        try:
            world.settle(timeout=max(1.0, min(SETTLE_STEP, began + seconds - time.time())))
            failure = None
            break
        except NotSettled as restless:
            failure = restless
        look(world, (), seen)
        told(seen)
        if time.time() - began >= seconds:
            break
    took = time.time() - began
    if failure is None and SHAPES[seen.plan.shape].month_end:
        seen.stage = "ending the month"
        told(seen)
        world.advance(to=first_of_month(moment(world.now), 1))
        try:
            world.settle(timeout=seconds)
        except NotSettled as restless:
            failure = restless
    look(world, (), seen)
    return failure, {"drained": failure is None, "seconds": round(took, 1)}


def expect(world: World, seen: Seen, rate: Record) -> None:
    """Say what must be so of the load itself."""
    world.expect_that(
        f"At least {ENOUGH:.0%} of the intended rate is achieved",
        rate["answered"] >= ENOUGH * rate["intended"] and rate["intended"] > 0,
        intended_rate=rate["intended_rate"],
        achieved_rate=rate["achieved_rate"],
        not_begun=rate["not_begun"],
        late_p95=rate["late"]["p95"],
    )
    failed = [each for each in seen.lines if each[figures.OUTCOME] == FAILED]
    world.expect(
        "Every deed is answered by its system, done or refused",
        len(failed),
        0,
        first=failed[0][figures.WHY] if failed else None,
    )


def measured(world: World, seen: Seen, seconds: float, drained: Record, rate: Record) -> Record:
    """Everything that was measured, as data."""
    plan = seen.plan
    late = figures.late_by_trace(seen.lines)
    invoices = {
        each["invoice_no"]: each
        for system in of_role(world, "billing")
        for each in world.systems[system].list("invoice")
    }
    spans: dict[str, list[Span]] = {flow.name: seen.watch.spans(flow, late, invoices) for flow in FLOWS}
    shown = replace(plan, token=None)
    return {
        "plan": {name: value for name, value in shown.as_data().items() if name not in ("token", "control")},
        "seconds": round(seconds, 1),
        "stopped": seen.stopped,
        "deeds": rate,
        "calls": figures.rates(seen.lines, plan, "call", seen.begin, seconds),
        "by_deed": figures.by_name(seen.lines, plan, "deed", seen.begin, seconds),
        "by_call": figures.by_name(seen.lines, plan, "call", seen.begin, seconds),
        "flows": [{"name": name} | figures.flow(found) for name, found in spans.items()],
        "drain": drained,
        "dead_letters": dead_letters(world),
        "control_plane": figures.percentiles(each["answer"] for each in seen.samples),
        "queues": [
            {"second": round(each["at"] - seen.begin, 1), **each} for each in seen.samples if each["at"] >= seen.begin
        ],
        "over_time": figures.over_time(
            seen.lines, plan, seen.begin, seconds, spans, seen.samples[-1]["at"] if seen.samples else seen.begin
        ),
    }


def dead_letters(world: World) -> Record:
    """How many messages the integration has parked, and the commonest reasons; none where it cannot say."""
    letters: Records = []
    if world.integration is not None and world.integration.offers("dead_letters"):
        with contextlib.suppress(Broken, Refused):
            letters = world.integration.dead_letters()
    reasons = Counter(str(each.get("reason"))[:120] for each in letters)
    return {"count": len(letters), "reasons": dict(reasons.most_common(10))}


def of_role(world: World, role: str) -> list[str]:
    """The names of the systems of a role."""
    return [name for name, system in world.systems.items() if system.role == role]
