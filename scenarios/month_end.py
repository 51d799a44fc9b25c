"""Volume (S-52): the month-end of a large firm."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from counterfoil import World, scenario
from counterfoil.world import NotSettled

BILL_DAY, BILL_HOUR = "2026-02-01", "2026-02-01T08:30"
"""At half past eight in Chicago it is the first of February in every office, and every one of them has billed."""

WORK_DAY = "2026-01-07"
LIMITS: dict[str, dict[str, float]] = {
    "erp": {"rate": 50, "burst": 100, "concurrent": 5},
    "crm": {"daily": 100_000},
}
"""Calls that the systems take, as vendors limit them, on the wall clock."""

LONGEST = 1800.0
"""Seconds in which the integration has to come to rest."""

PATIENCE = 60.0
"""Seconds of one look whether it has."""


def rest(world: World) -> None:
    """Wait until nothing moves any more, however much there is to do; raises NotSettled after half an hour."""
    limit = time.monotonic() + LONGEST
    while True:
        try:
            return world.settle(timeout=PATIENCE)
        except NotSettled:
            if time.monotonic() > limit:
                raise


def live_until(world: World, local: str) -> None:
    """Let time pass day by day, each with all that it brings."""
    while world.today() < local[:10]:
        world.advance(hours=12)
        rest(world)
    world.not_before(local)
    rest(world)


def last_hours(world: World) -> list[str]:
    """An hour of approved work on every running contract that is billed by time; returns the contracts."""
    tasks = {(each["project"], each["line_no"]): each["key"] for each in world.psa.list("task", status="OPEN")}
    staffed = {each["project"]: each["employee_no"] for each in world.psa.list("assignment", status="CONFIRMED")}
    billed: list[str] = []
    for project in world.psa.list("project", status="ACTIVE"):
        timed = next((line["line_no"] for line in project["lines"] if line["type"] in ("TM", "TM_CAPPED")), None)
        task, person = tasks.get((project["id"], timed)), staffed.get(project["id"])
        if task is None or person is None:
            continue
        entry = world.psa.act("record_time", employee=person, task=task, work_date=WORK_DAY, minutes=60)
        world.psa.act("approve_time", key=entry["key"], approver="delivery-office@counterfoil.test")
        billed.append(project["contract_no"])
    return billed


def next_milestones(world: World) -> list[str]:
    """Complete the next milestone of every running contract that is billed by milestones; returns the contracts."""
    triggers = {each["contract_no"]: each["billing_trigger"] for each in world.billing.list("plan", status="ACTIVE")}
    reached: dict[str, str] = {}
    for stone in sorted(world.psa.list("milestone", status="PLANNED"), key=lambda each: (each["planned"], each["key"])):
        if triggers.get(stone["contract_no"]) == "COMPLETED" and stone["contract_no"] not in reached:
            reached[stone["contract_no"]] = stone["key"]
    for key in reached.values():
        world.psa.act("complete_milestone", key=key)
    return list(reached)


def figures(world: World, since: int, seconds: float, invoices: int) -> dict[str, Any]:
    """Throughput, calls by system, and the latency that 95 in a hundred calls keep within, as the systems measured it."""
    calls = [each for each in world.journal(kind="request", since=since) if each["micros"] is not None]
    slowest = sorted(int(each["micros"]) for each in calls)
    return {
        "invoices_a_second": round(invoices / seconds, 1),
        "calls": dict(sorted(Counter(each["system"] for each in calls).items())),
        "calls_a_second": round(len(calls) / seconds, 1),
        "refused_by_limits": sum(each["status"] == 429 for each in calls),
        "p95_ms": round(slowest[len(slowest) * 95 // 100] / 1000, 1) if slowest else None,
    }


@scenario("S-52", "Month-end at size L", invariants=["23", "24", "46", "48"], slow=True, size="L", throughout=False)
def scenario_s52_month_end(world: World) -> None:
    """The last hours of a month on every contract are approved, and on one day all of them are billed, together with a milestone of
    every fixed fee, while the systems limit how fast they are called."""
    due = [each for each in world.billing.list("plan_line", status="SCHEDULED") if each["due"] == BILL_DAY]
    world.require("The firm bills on the first of the month, as those from size M on do", bool(due), True)
    for system, rules in LIMITS.items():
        world.limit(system, **rules)
    world.at("2026-01-08T09:00")
    timed = last_hours(world)
    rest(world)
    waiting = Counter(
        each["contract_no"] for each in world.billing.list("billable_item", billing="UNBILLED") if each["contract_no"]
    )
    world.expect("Every approved hour waits to be billed", sorted(set(timed) - set(waiting)), [])

    live_until(world, "2026-01-31T12:00")
    began, since = time.monotonic(), world.journal_end
    live_until(world, BILL_HOUR)
    reached = next_milestones(world)
    rest(world)
    seconds = time.monotonic() - began

    issued = world.billing.list("invoice", issue_date=BILL_DAY)
    by_contract = Counter(each["contract_no"] for each in issued if each["status"] not in ("DRAFT", "DISCARDED"))
    world.expect("Every contract with hours is billed that day", sorted(set(timed) - set(by_contract)), [])
    world.expect("Every milestone is billed that day", sorted(set(reached) - set(by_contract)), [])
    booked = {each["invoice_no"] for each in world.erp.list("ar_document", issue_date=BILL_DAY)}
    world.expect(
        "Every invoice is in the books the same day", sorted({each["invoice_no"] for each in issued} - booked), []
    )
    left = world.billing.list("billable_item", billing="UNBILLED")
    world.expect("Nothing is left unbilled", sorted(each["key"] for each in left), [])
    told = figures(world, since, seconds, len(issued))
    world.expect_that(
        f"{len(issued)} invoices in {seconds:.0f} s: {told['invoices_a_second']} a second, {told['calls_a_second']} calls a second,"
        f" 95 in a hundred within {told['p95_ms']} ms, {told['refused_by_limits']} refused by limits; calls: {told['calls']}",
        len(issued) >= len(set(timed) | set(reached)) > 0,
        **told,
    )
