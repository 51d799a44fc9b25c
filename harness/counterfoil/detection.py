"""Detection power, measured: each mutant of the reference integration against the scenarios and faults that can expose it.

Every worker keeps one landscape for all its mutants and takes it back to its seeded state in between.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypedDict

import orjson

from counterfoil.bench import LandscapeProcess, Settings
from counterfoil.client import Broken, Control, Refused
from counterfoil.integration import resolve
from counterfoil.reference.mutants import Mutant


class Verdict(TypedDict):
    """What became of a mutant. by: ids of the invariants that caught it, and ids of the scenarios whose expectations did;
    sentences: those expectations, by scenario; causes: the call that broke each invariant first, as `deed in system`; expected: the invariants that its catalogue row names; as_named: one of these caught it;
    runs: the scenarios with their verdicts."""

    id: str
    title: str
    caught: bool
    as_named: bool
    by: list[str]
    sentences: dict[str, list[str]]
    causes: dict[str, str]
    expected: list[str]
    runs: dict[str, str]
    error: str | None


class Ground:
    """A landscape for one mutant after the other."""

    def __init__(self, seed: int | None, vendors: Mapping[str, str]) -> None:
        self._seed = seed
        self._vendors = vendors
        self._process: LandscapeProcess | None = None
        self._control: Control | None = None

    def cleared(self) -> tuple[str, str]:
        """Address and token of the landscape in its seeded state; starts it where it does not run. Raises Broken."""
        if self._process is None or self._process.ended or self._control is None:
            self.close()
            self._process = LandscapeProcess(Settings(resolve("noop"), seed=self._seed, vendors=self._vendors))
            told = self._process.announcement()["control"]
            self._control = Control(told["url"], told.get("token"))
            self.token = str(told.get("token") or "")
        else:
            try:
                self._control.delete("/faults")
                self._control.post("/reset")
            except (Broken, Refused):
                self._process.stop()
                return self.cleared()
        return self._control.url, self.token

    def close(self) -> None:
        """End it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.stop()


def measure(
    mutants: Sequence[Mutant],
    *,
    workers: int,
    seed: int | None,
    vendors: Mapping[str, str] | None = None,
    done: Callable[[Verdict], object] = lambda verdict: None,
) -> list[Verdict]:
    """Try them all, `workers` at once; those that nothing caught come first. vendors: by role, whose protocol a system
    speaks. done: told of each as it ends."""
    grounds: SimpleQueue[Ground] = SimpleQueue()
    made = [Ground(seed, vendors or {}) for _ in range(min(workers, max(len(mutants), 1)))]
    for each in made:
        grounds.put(each)

    def one(mutant: Mutant) -> Verdict:
        ground = grounds.get()
        try:
            verdict = tried(mutant, ground)
        finally:
            grounds.put(ground)
        done(verdict)
        return verdict

    try:
        with ThreadPoolExecutor(len(made)) as pool:
            try:
                found = list(pool.map(one, mutants))
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for each in made:
            each.close()
    return sorted(found, key=lambda each: (each["caught"], each["as_named"], each["id"]))


def tried(mutant: Mutant, ground: Ground) -> Verdict:
    """Run one mutant; what it declares says against which scenarios, under which faults."""
    found = untried(mutant)
    try:
        url, token = ground.cleared()
    except Broken as error:
        return found | {"error": str(error)}
    command = [sys.executable, "-m", "counterfoil", "run", *mutant.scenarios, "--integration", f"mutant:{mutant.id}"]
    command += ["--json", "--landscape", url]
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as place:
        if mutant.faults:
            plan = Path(place) / "faults.json"
            plan.write_bytes(orjson.dumps(list(mutant.faults)))
            command += ["--faults", str(plan)]
        environment = os.environ | {"COUNTERFOIL_TOKEN": token}
        ended = subprocess.run(command, capture_output=True, check=False, env=environment)
    try:
        run = orjson.loads(ended.stdout)
    except orjson.JSONDecodeError:
        return found | {"error": ended.stderr.decode(errors="replace")[-2000:] or f"ended with code {ended.returncode}"}
    return judged(found, run["scenarios"])


def untried(mutant: Mutant) -> Verdict:
    """The verdict before anything ran."""
    return {
        "id": mutant.id,
        "title": mutant.title,
        "caught": False,
        "as_named": False,
        "by": [],
        "sentences": {},
        "causes": {},
        "expected": list(mutant.invariants),
        "runs": {},
        "error": None,
    }


def judged(found: Verdict, scenarios: Iterable[dict[str, Any]]) -> Verdict:
    """The verdict on a mutant from its scenarios: violated is caught, broken is neither."""
    by: dict[str, None] = {}
    for each in scenarios:
        found["runs"][each["id"]] = each["verdict"]
        for violation in each["violations"]:
            by[violation["invariant"]] = None
            cause = violation.get("first_cause")
            if cause is not None:
                found["causes"].setdefault(violation["invariant"], f"{cause['deed']} in {cause['system']}")
        unmet = [seen["sentence"] for seen in each.get("expectations", ()) if not seen["held"]]
        unmet += [str(each["error"]).splitlines()[0]] if each["error"] else []
        if unmet and each["verdict"] == "violated":
            by[each["id"]] = None
            found["sentences"][each["id"]] = unmet
        if each["verdict"] == "broken":
            found["error"] = str(each["error"])
    found["by"] = sorted(by)
    found["caught"] = bool(by)
    found["as_named"] = not set(found["by"]).isdisjoint(found["expected"])
    return found


def exit_code(verdicts: Sequence[Verdict], *, named: bool = False) -> int:
    """3 when a mutant that nothing caught could not be run, 1 when one survived; named: or was caught by others than its row names."""
    if any(each["error"] and not each["caught"] for each in verdicts):
        return 3
    return 0 if verdicts and all(each["as_named" if named else "caught"] for each in verdicts) else 1
