"""From a scenario that has been told to its verdict: rest, invariants, expectations, and the evidence for each of them."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from counterfoil import promises
from counterfoil.client import Broken, Record, Records, Refused
from counterfoil.descriptor import Unreadable
from counterfoil.expect import Expectation, Unmet
from counterfoil.integration import Integration
from counterfoil.money import readable
from counterfoil.stories import Story
from counterfoil.world import NotSettled, World

JOURNAL_COLUMNS: tuple[str, ...] = (
    *("seq", "kind", "system", "at", "operation", "key", "method", "path", "status", "client", "event_id", "fault"),
    *("correlation_id", "causation_id"),
)

Outcome = Literal["passed", "violated", "broken", "unreadable", "not_applicable"]


class Result(TypedDict, total=False):
    """A scenario's verdict as data (JSON values only, so that it can travel between processes).

    violations: `{invariant, rule, count, rows, at_stake, first_cause}`. expectations: all that were looked at, those that failed
    with both values. not_applicable, unknown: invariants that were asked for and could not be judged. faults: those in force from its start to its end, with how often each has `struck`. error: why the story
    could not be told to its end. replay: the command that tells it again. months: of a simulation, what each held. load: of a load, what was measured.
    """

    id: str
    title: str
    nodeid: str
    seed: int | None
    verdict: Outcome
    seconds: float
    violations: Records
    expectations: Records
    held: list[str]
    not_applicable: Records
    unknown: list[str]
    faults: Records
    error: str | None
    replay: str
    started_at: str
    ended_at: str
    kpis: Records
    months: Records
    load: Record
    evidence: str


def judge(world: World, story: Story, failure: BaseException | None, *, promised: bool = True) -> Result:
    """The verdict on a told story. failure: what ended it early, if anything did. promised: whether what the integration promises in
    seconds is held against it. Raises Broken."""
    error = None if failure is None or isinstance(failure, Unmet) else sentence_of(failure)
    if failure is None:
        try:
            world.settle()
        except NotSettled as restless:
            error = str(restless)
    if world.integration is not None:
        if promised:
            promises.look(world, world.integration.descriptor.slo)
        if failure is None and error is None:
            error = inquire(world.integration, story)
    asked = world.invariants(
        story.invariants, at_rest=failure is None and error is None, throughout=story.throughout, first_cause=True
    )
    by_status: dict[str, Records] = {"held": [], "violated": [], "not_applicable": []}
    for each in asked["items"]:
        by_status[each["status"]].append(each)
    planned = [each for each in world.faults.list() if each["id"] in world.planned]
    failed = by_status["violated"] or world.expectations.failed or error
    return {
        "id": story.id,
        "title": story.title,
        "verdict": "violated" if failed else "passed",
        "violations": [violation(each) for each in by_status["violated"]],
        "expectations": [as_data(each) for each in world.expectations.seen],
        "held": [each["id"] for each in by_status["held"]],
        "not_applicable": [
            {"invariant": each["id"], "rule": each["rule"], "missing": each["missing"]}
            for each in by_status["not_applicable"]
        ],
        "unknown": list(asked.get("unknown", ())),
        "faults": [{name: value for name, value in each.items() if name != "id"} for each in planned],
        "error": error,
        "started_at": world.started_at,
        "ended_at": str(asked["now"]),
    }


def inquire(integration: Integration, story: Story) -> str | None:
    """Have the integration say what the story's invariants compare with the systems: its dashboard, and a reconciliation where it has
    told of none. Returns what is wrong with its answer, if anything is; raises Broken."""
    try:
        if "INV-48" in story.invariants and integration.offers("dashboard"):
            integration.dashboard()
        if "INV-46" in story.invariants and integration.offers("reconcile") and not integration.has_reconciled:
            integration.reconcile()
    except Refused as refused:
        return f"the integration does not say what it is asked: {refused}"
    return None


def violation(item: Record) -> Record:
    """A violated invariant as the run's JSON shows it."""
    return {
        "invariant": item["id"],
        "rule": item["rule"],
        "kind": item["kind"],
        "count": item["count"],
        "rows": item["rows"],
        "at_stake": item["at_stake"],
        "passed_by": item["passed_by"],
        "first_cause": item["first_cause"],
    }


def as_data(each: Expectation) -> Record:
    """An expectation as data: values only where they help."""
    found: Record = {"sentence": each.sentence, "held": each.held, "at": each.at}
    if not each.held:
        found |= {"actual": plain(each.actual), "expected": plain(each.expected)}
        if each.evidence:
            found["evidence"] = {name: plain(value) for name, value in each.evidence.items()}
    return found


def plain(value: Any) -> Any:
    """A value as JSON has it; what JSON does not have becomes text."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else readable(value)


def sentence_of(failure: BaseException) -> str:
    """What ended a story early, with the line of the script where it happened."""
    if isinstance(failure, (Refused, NotSettled)):
        said = str(failure)
    else:
        said = f"{type(failure).__name__}: {failure}".removeprefix("AssertionError: ")
    script = [each for each in traceback.extract_tb(failure.__traceback__) if "scenario" in each.name]
    if not script:
        return said
    return f"{said}\n  at {script[-1].filename}:{script[-1].lineno}: {script[-1].line}"


def broken(story: Story, error: Broken | str) -> Result:
    """The verdict on a story that could not be told because something did not run."""
    return {"id": story.id, "title": story.title, "verdict": "broken", "error": str(error), "violations": []}


def unreadable(story: Story, error: Unreadable) -> Result:
    """The verdict on a story that could not be told because a file or argument makes no sense."""
    return {"id": story.id, "title": story.title, "verdict": "unreadable", "error": str(error), "violations": []}


def not_applicable(story: Story, missing: Sequence[str]) -> Result:
    """The verdict on a story that presupposes what the integration does not claim."""
    because = f"presupposes {', '.join(missing)}, which the integration does not declare"
    return {"id": story.id, "title": story.title, "verdict": "not_applicable", "error": because, "violations": []}


def journal_of(world: World, since: int) -> Records:
    """What happened since a journal number: the columns that a picture needs, no bodies."""
    entries = world.journal(since=since)
    return [{name: each[name] for name in JOURNAL_COLUMNS if each.get(name) is not None} for each in entries]
