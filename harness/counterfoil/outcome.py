"""What a whole run says: one object from all scenarios' results, and the exit code that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from counterfoil.judge import Result

HELD, VIOLATED, USAGE, BROKEN, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: all held; something was violated; wrong usage or nothing ran; something could not be run (wins over 1); ended by Ctrl-C
or SIGTERM before all was told."""


class Run(TypedDict):
    """A run as `--json` prints it. verdict: `passed`, `violated`, `broken`, `empty` when no scenario ran, `unreadable` when a file
    or argument could not be understood, `interrupted`; complaints, or the scenarios' errors, say why. idle_faults: planned faults that struck nothing
    in any scenario."""

    verdict: str
    seed: int | None
    size: str | None
    integration: str
    faults: str | None
    seconds: float
    exit_code: int
    counts: dict[str, int]
    scenarios: list[Result]
    complaints: list[str]
    idle_faults: list[str]


def exit_code(results: Sequence[Mapping[str, Any]]) -> int:
    """From the scenarios' verdicts."""
    verdicts = {each["verdict"] for each in results}
    if "broken" in verdicts:
        return BROKEN
    if "unreadable" in verdicts:
        return USAGE
    if "violated" in verdicts:
        return VIOLATED
    return HELD if "passed" in verdicts else USAGE


def run_object(
    results: Iterable[Result],
    *,
    integration: str,
    seed: int | None,
    size: str | None,
    faults: str | None,
    seconds: float,
) -> Run:
    """All results in order of their ids, with the verdict over them."""
    ordered = sorted(results, key=lambda each: (each["id"], each.get("nodeid", "")))
    code = exit_code(ordered)
    verdict = {HELD: "passed", VIOLATED: "violated", USAGE: "empty", BROKEN: "broken"}[code]
    return {
        "verdict": "unreadable" if code == USAGE and ordered and ordered[0]["verdict"] == "unreadable" else verdict,
        "seed": seed,
        "size": size,
        "integration": integration,
        "faults": faults,
        "seconds": round(seconds, 3),
        "exit_code": code,
        "counts": dict(Counter(str(each["verdict"]) for each in ordered)),
        "scenarios": ordered,
        "complaints": [],
        "idle_faults": idle_faults(ordered),
    }


def idle_faults(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Faults that were in force from start to end wherever they were planned, and struck nothing, as people would name them."""
    struck: Counter[str] = Counter()
    for each in results:
        for fault in each.get("faults") or ():
            named = ", ".join(
                f"{name}: {value}" for name, value in fault.items() if name != "struck" and value is not None
            )
            struck[named] += int(fault["struck"])
    return [named for named, count in struck.items() if not count]


def public(run: Run) -> dict[str, Any]:
    """The run without the names of evidence files, which live no longer than the run."""
    return {**run, "scenarios": [{k: v for k, v in each.items() if k != "evidence"} for each in run["scenarios"]]}
