"""What one pytest process keeps for a run: its bench, its settings and the way its results become reports."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args

import orjson
import pytest

from counterfoil import faults, judge, outcome
from counterfoil.bench import Bench, Settings, is_address
from counterfoil.client import Broken
from counterfoil.descriptor import Ability, Unreadable
from counterfoil.integration import resolve
from counterfoil.invariant import catalogue
from counterfoil.judge import Result
from counterfoil.plugin import STARTED, is_worker
from counterfoil.roles import ROLES
from counterfoil.stories import Story, is_shipped
from counterfoil.world import World


class Session:
    """The run as one process sees it; the gathering process makes the reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started = time.monotonic()
        self.benches: dict[bytes, Bench] = {}
        self.sentence = "no scenario ran"
        given = config.workerinput["counterfoil_evidence"] if is_worker(config) else None  # type: ignore[attr-defined]
        self.evidence = Path(given or tempfile.mkdtemp(prefix="counterfoil-evidence-"))

    @cached_property
    def settings(self) -> Settings:
        """What was asked for; raises pytest.UsageError for what cannot be understood."""
        option = self.config.getoption
        try:
            plan = faults.plan(option("faults")) if option("faults") else []
            integration = resolve(option("integration"))
        except Unreadable as error:
            raise pytest.UsageError(str(error)) from error
        token = os.environ.get("COUNTERFOIL_TOKEN")
        return Settings(
            integration,
            option("landscape"),
            option("seed"),
            option("size"),
            plan,
            option("serial"),
            token,
            option("slow_scenarios"),
            {role: vendor for role in ROLES if (vendor := option(role)) is not None},
            store=option("store"),
            processes=option("processes"),
        )

    def check(self) -> None:
        """Understand the settings now; raises pytest.UsageError."""
        _ = self.settings

    @property
    def declares(self) -> Sequence[str]:
        """What the integration claims to be able to do."""
        return self.settings.integration.declares

    @property
    def bench(self) -> Bench:
        """This process's landscape and integration."""
        return self._bench(())

    def bench_for(self, story: Story) -> Bench:
        """The same with the further systems that a story wants."""
        return self._bench(story.systems, story.size)

    def _bench(self, systems: Sequence[tuple[str, dict[str, Any]]], size: str | None = None) -> Bench:
        size = self.settings.size or size
        name = orjson.dumps([systems, size])
        if name not in self.benches:
            beside = self._store_beside(len(self.benches))
            anew = beside is not None and beside != self.settings.store
            wanted = replace(self.settings, systems=systems, size=size, store=beside, anew=anew)
            self.benches[name] = Bench(wanted)
        return self.benches[name]

    def _store_beside(self, number: int) -> str | None:
        """Where this process's landscape of some number is kept, if anywhere: a store belongs to one landscape."""
        from counterfoil_mocks import config

        settings = self.settings
        store = settings.store
        if store is None and settings.landscape is not None and not is_address(settings.landscape):
            store = config.read(Path(settings.landscape)).get("store")
        marks = [self.config.workerinput["workerid"]] if is_worker(self.config) else []  # type: ignore[attr-defined]
        marks += [str(number + 1)] if number else []
        return (
            config.beside(store, *marks) if marks and isinstance(store, str) and store != "memory" else settings.store
        )

    def check_story(self, story: Story) -> None:
        """Raises Unreadable where a story names an invariant or an ability that there is not: nothing would be looked at, and it would pass."""
        for what, asked, known in (
            ("invariant", story.invariants, tuple(catalogue())),
            ("ability", story.presupposes, get_args(Ability)),
        ):
            for each in asked:
                if each not in known:
                    raise Unreadable(f"there is no {what} {each}; there are: {', '.join(known)}")

    def finish(self, item: pytest.Function, story: Story, failure: Exception | None) -> Result:
        """Judge a told story and keep its evidence."""
        world = cast(World, item.funcargs["world"])
        try:
            if isinstance(failure, Broken):
                raise failure
            self.bench_for(story).check_alive()
            result = judge.judge(world, story, failure)
            self.bench_for(story).check_alive()
            result["kpis"] = world.kpis()
            result["evidence"] = self._keep(item, world)
        except Broken as error:
            result = judge.broken(story, error)
        result["seconds"] = round(time.monotonic() - item.stash[STARTED], 3)
        return result

    def _keep(self, item: pytest.Item, world: World) -> str:
        """Write what happened to a file; returns its name."""
        place = Path(tempfile.mkdtemp(dir=self.evidence))
        (place / "journal.json").write_bytes(orjson.dumps(judge.journal_of(world, world.journal_start)))
        if self.config.getoption("export"):
            (place / "state.ndjson").write_text(world.export(), encoding="utf-8")
            lines = (
                orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in world.journal(since=world.journal_start)
            )
            (place / "journal.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
        return place.name

    def label(self, result: Result, item: pytest.Item) -> None:
        """Say which item a result is of, and how to see it again."""
        result["nodeid"] = item.nodeid
        result["seed"] = self._seed_of(item)
        result.setdefault("seconds", 0.0)
        result["replay"] = self.replay(result["id"], item)

    def replay(self, story_id: str, item: pytest.Item) -> str:
        """The one command that tells a scenario again, the same way."""
        option, words = self.config.getoption, ["counterfoil", "run"]
        words += [story_id] if is_shipped(item.path) else [str(item.path), "--scenario", story_id]
        seed = None if is_address(option("landscape") or "") else self._seed_of(item)
        words += [] if seed is None else ["--seed", str(seed)]
        words += ["--integration", option("integration")] if option("integration") != "reference" else []
        words += [
            part
            for name in ("landscape", "size", "store", "processes", "faults", *ROLES)
            if option(name)
            for part in (f"--{name}", str(option(name)))
        ]
        words += [word for word, name in (("--serial", "serial"), ("--slow", "slow_scenarios")) if option(name)]
        return " ".join(words)

    def _seed_of(self, item: pytest.Item) -> int | None:
        world = getattr(item, "funcargs", {}).get("world")
        given: int | None = self.config.getoption("seed")
        return given if world is None else int(world.seed)

    def stop(self) -> None:
        """Stop the landscape and the integration of this process."""
        for each in self.benches.values():
            each.stop()

    def discard(self) -> None:
        """Stop, and leave nothing behind: no scenario ran."""
        self.stop()
        shutil.rmtree(self.evidence, ignore_errors=True)

    def conclude(self, results: Sequence[Result], exitstatus: int) -> int | None:
        """Stop, write the reports; returns the exit code, None where pytest's own stands."""
        self.stop()
        option = self.config.getoption
        seeds = [seed for each in results if (seed := each.get("seed")) is not None]
        run = outcome.run_object(
            results,
            integration=option("integration"),
            seed=option("seed") if option("seed") is not None else min(seeds, default=None),
            size=option("size"),
            faults=option("faults"),
            seconds=time.monotonic() - self.started,
        )
        self.sentence = f"{run['verdict']}: " + (
            ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(run["counts"].items()))
            or "no scenario ran"
        )
        self._report(run)
        self.discard()
        if exitstatus in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR):
            return None
        if run["exit_code"] == outcome.HELD and exitstatus == pytest.ExitCode.TESTS_FAILED:
            return None
        return run["exit_code"]

    def _report(self, run: outcome.Run) -> None:
        option = self.config.getoption
        if option("html_report"):
            from counterfoil.report.html import write

            write(run, self.evidence, Path(option("html_report")))
        if option("export"):
            from counterfoil.report.export import gather

            gather(run, self.evidence, Path(option("export")))
        if option("counterfoil_json"):
            body = orjson.dumps(outcome.public(run), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            Path(option("counterfoil_json")).write_bytes(body)


def unprepared(story: Story, error: BaseException) -> Result:
    """The verdict on a story whose world could not be made."""
    if isinstance(error, Unreadable):
        return judge.unreadable(story, error)
    return judge.broken(story, error if isinstance(error, Broken) else f"{type(error).__name__}: {error}")
