"""The pytest plugin: functions named `scenario_*` are scenarios, each told to a fresh world and judged when it is told.

Imported by every pytest of the environment, so it imports nothing heavy until a scenario is met.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

from counterfoil.roles import ROLES

if TYPE_CHECKING:
    from counterfoil.bench import Bench
    from counterfoil.judge import Result
    from counterfoil.session import Session
    from counterfoil.stories import Story
    from counterfoil.world import World

PREFIX = "scenario_"
MARK = "__counterfoil__"

SESSION: pytest.StashKey[Session] = pytest.StashKey()
RESULT: pytest.StashKey[Result] = pytest.StashKey()
STARTED: pytest.StashKey[float] = pytest.StashKey()

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--integration", {"default": "reference", "help": "reference, noop, mutant:F-07 or a descriptor file"}),
    *((f"--{role}", {"metavar": "VENDOR", "help": f"whose protocol {role} speaks"}) for role in ROLES),
    ("--landscape", {"metavar": "FILE|URL", "help": "landscape file, or address of a control plane that runs"}),
    ("--seed", {"type": int, "help": "seed of the landscape's data, ids and faults"}),
    ("--size", {"choices": ["S", "M", "L", "XL"], "help": "size of the firm"}),
    ("--store", {"metavar": "URL", "help": "memory, sqlite:///FILE or postgresql://…, of the landscape"}),
    ("--processes", {"type": int, "help": "API processes that serve the systems, over one PostgreSQL store"}),
    ("--faults", {"metavar": "FILE|PLAN", "help": "fault plan in force in every scenario: a name or a file"}),
    (
        "--serial",
        {"action": "store_true", "help": "deliver events one at a time, so that a seed repeats byte for byte"},
    ),
    ("--slow-scenarios", {"action": "store_true", "help": "tell slow scenarios too, and the others in full size"}),
    ("--scenario", {"action": "append", "default": [], "metavar": "ID", "help": "run only these scenarios"}),
    ("--counterfoil-json", {"metavar": "PATH", "help": "write the run as one JSON object"}),
    ("--html-report", {"metavar": "PATH", "help": "write the run as one self-contained page"}),
    ("--export", {"metavar": "DIR", "help": "write state.ndjson and journal.ndjson of each scenario's end"}),
)


class ScenarioFailed(Exception):
    """A scenario's verdict is not `passed`; the text is the whole explanation."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `counterfoil run`, for plain pytest."""
    group = parser.getgroup("counterfoil", "scenarios against an integration under test")
    for name, settings in OPTIONS:
        group.addoption(name, **settings)


def pytest_configure(config: pytest.Config) -> None:
    """What was asked for and cannot be understood is refused before anything runs."""
    if config.getoption("integration") != "reference" or config.getoption("faults"):
        session_of(config).check()


# collecting


def looks_like_scenarios(path: Path) -> bool:
    """Whether a file below a folder that was given may hold scenarios: by its place or name, and by its text."""
    if path.parent.name != "scenarios" and not path.stem.startswith("scenario"):
        return False
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return f"def {PREFIX}" in text and "counterfoil" in text


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Scenario files are collected although their names are not those of test files."""
    if file_path.suffix != ".py" or parent.session.isinitpath(file_path):
        return None
    if any(file_path.match(pattern) for pattern in parent.config.getini("python_files")):
        return None
    if not looks_like_scenarios(file_path):
        return None
    return pytest.Module.from_parent(parent, path=file_path)


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> list[pytest.Item] | None:
    """A function `scenario_*` that is defined in the file or marked as a scenario is one."""
    if not (name.startswith(PREFIX) and isinstance(obj, FunctionType) and isinstance(collector, pytest.Module)):
        return None
    if not hasattr(obj, MARK) and obj.__module__ != collector.obj.__name__:
        return None
    return list(collector._genfunctions(name, obj))


def story_of(item: pytest.Item) -> Story | None:
    """The story that an item tells; None for an ordinary test."""
    function = getattr(item, "function", None)
    if function is None or not item.name.startswith(PREFIX):
        return None
    from counterfoil.stories import Story, scenario

    found = getattr(function, MARK, None)
    if isinstance(found, Story):
        return found
    title = (function.__doc__ or item.name.removeprefix(PREFIX).replace("_", " ")).strip().splitlines()[0]
    return getattr(scenario(item.name, title)(function), MARK)  # type: ignore[no-any-return]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the scenarios that were named, else all but the slow ones, in order of their ids."""
    wanted = {each.upper() for each in config.getoption("scenario")}
    stories = {item: story_of(item) for item in items}
    if wanted:
        dropped = [item for item, story in stories.items() if story is None or story.id.upper() not in wanted]
    else:
        dropped = [
            item for item, story in stories.items() if story and story.slow and not config.getoption("slow_scenarios")
        ]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]
    if any(stories.values()):
        items.sort(key=lambda item: story.id if (story := stories[item]) else "")


# telling


def session_of(config: pytest.Config) -> Session:
    """What this process keeps for the run; made when the first scenario needs it."""
    if SESSION not in config.stash:
        from counterfoil.session import Session

        config.stash[SESSION] = Session(config)
    return config.stash[SESSION]


def bench_of(config: pytest.Config) -> Bench:
    """This process's landscape and integration."""
    return session_of(config).bench


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """The landscape and the integration under test, in the state that every scenario starts from."""
    from counterfoil.stories import Story

    story = story_of(request.node) or Story(request.node.nodeid, request.node.name)
    session = session_of(request.config)
    session.check_story(story)
    missing = [each for each in story.presupposes if each not in session.declares]
    if missing:
        from counterfoil.judge import not_applicable

        request.node.stash[RESULT] = not_applicable(story, missing)
        pytest.skip(f"not applicable: the integration does not declare {', '.join(missing)}")
    request.node.stash[STARTED] = time.monotonic()
    return session.bench_for(story).world(story)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Tell the story, then judge it."""
    story = story_of(pyfuncitem)
    if story is None:
        return (yield)
    if "world" not in pyfuncitem.funcargs:
        raise pytest.UsageError(f"{pyfuncitem.nodeid}: a scenario takes `world`")
    failure: Exception | None = None
    told: object = None
    try:
        told = yield
    except Exception as error:  # noqa: BLE001 - whatever ends a story is part of its verdict
        failure = error
    result = session_of(pyfuncitem.config).finish(pyfuncitem, story, failure)
    pyfuncitem.stash[RESULT] = result
    if result["verdict"] != "passed":
        from counterfoil.explain import explain

        raise ScenarioFailed(explain(result))
    return told


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The result travels with the report, also from worker processes."""
    report = yield
    story = story_of(item)
    if story is None or report.when == "teardown":
        return report
    if report.when == "setup" and report.failed and call.excinfo is not None:
        from counterfoil.session import unprepared

        item.stash[RESULT] = unprepared(story, call.excinfo.value)
    result = item.stash.get(RESULT, None)
    if result is not None and (report.when == "call" or not report.passed):
        session_of(item.config).label(result, item)
        report.counterfoil = dict(result)  # type: ignore[attr-defined]
        if report.failed:
            from counterfoil.explain import explain

            report.longrepr = explain(result)
    return report


# gathering


def is_worker(config: pytest.Config) -> bool:
    """Whether this is one of several processes, which only tell the first what they found."""
    return hasattr(config, "workerinput")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker the place for its evidence."""
    node.workerinput["counterfoil_evidence"] = str(session_of(node.config).evidence)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect results where the run is gathered."""
    result = getattr(report, "counterfoil", None)
    if result is not None:
        GATHERED.append(result)


GATHERED: list[Result] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """A run begins with no results."""
    if not is_worker(session.config):
        GATHERED.clear()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Stop what runs; in the gathering process write the reports and settle the exit code."""
    config = session.config
    if is_worker(config):
        if SESSION in config.stash:
            config.stash[SESSION].stop()
        return
    if not GATHERED and not config.getoption("counterfoil_json"):  # ordinary tests: pytest's own exit code stands
        if SESSION in config.stash:
            config.stash[SESSION].discard()
        return
    code = session_of(config).conclude(GATHERED, int(exitstatus))
    if code is not None:
        session.exitstatus = code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line with the verdict."""
    if GATHERED and SESSION in config.stash and not is_worker(config):
        terminalreporter.write_sep("=", f"counterfoil: {config.stash[SESSION].sentence}")


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """A scenario that could not run is an error, not a failure."""
    result = getattr(report, "counterfoil", None)
    if result is None:
        return None
    shown: dict[str, tuple[str, str, str]] = {
        "broken": ("error", "E", "BROKEN"),
        "unreadable": ("error", "E", "UNREADABLE"),
        "violated": ("failed", "F", "VIOLATED"),
        "not_applicable": ("skipped", "s", "NOT APPLICABLE"),
    }
    return shown.get(result["verdict"])


def gathered() -> Iterable[Result]:
    """The results of the run so far, in the gathering process."""
    return tuple(GATHERED)
