"""Runs scenarios through pytest in this process, with its own face on the terminal; used by the commands."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from counterfoil import places
from counterfoil.descriptor import Unreadable
from counterfoil.outcome import BROKEN, INTERRUPTED, USAGE, Run, idle_faults, run_object
from counterfoil.stories import scenario_folder

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from counterfoil_mocks.config import Config

DECLARED = re.compile(r"@(?:\w+\.)?scenario\(\s*[\"']([^\"']+)[\"']")
NAMED = re.compile(r"^[A-Za-z]+-\d+$")
SIGNS = {
    "passed": ("✓", "green"),
    "violated": ("✗", "red"),
    "broken": ("!", "yellow"),
    "unreadable": ("!", "yellow"),
    "not_applicable": ("–", "dim"),
}

HAS = {"seed": "the seed", "size": "the firm", "store": "the store", "processes": "the processes"}
"""What a landscape that runs already has, by the option that would give it to one of one's own; any other gives a face."""


@dataclass(frozen=True)
class Order:
    """What to run. targets: scenario ids, files or folders; all shipped scenarios when empty. workers: processes, each with a
    landscape and an integration of its own. vendors: by role, whose protocol a system speaks. store, processes: of the landscape."""

    targets: Sequence[str] = ()
    keyword: str | None = None
    integration: str = "reference"
    landscape: str | None = None
    faults: str | None = None
    junit: Path | None = None
    html: Path | None = None
    export: Path | None = None
    serial: bool = False
    workers: str | None = None
    seed: int | None = None
    size: str | None = None
    scenarios: Sequence[str] = field(default=())
    slow: bool = False
    vendors: Mapping[str, str] = field(default_factory=dict)
    store: str | None = None
    processes: int | None = None


def find(targets: Sequence[str], named: Sequence[str] = ()) -> tuple[list[Path], list[str]]:
    """The files to collect and the ids to keep (none: all). Raises Unreadable for an unknown id, file or folder."""
    ids = [each.upper() for each in (*named, *(each for each in targets if NAMED.match(each)))]
    paths = [Path(each) for each in targets if not NAMED.match(each)]
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise Unreadable(f"{path}: no such scenario, file or folder")
        files += [path] if path.is_file() else in_folder(path)
    if not paths:
        try:
            files = in_folder(scenario_folder())
        except FileNotFoundError as error:
            raise Unreadable(str(error)) from error
    known = {name.upper(): path for path in files for name in declared(path)}
    missing = [each for each in ids if each not in known]
    if missing:
        raise Unreadable(f"no scenario {', '.join(missing)}; there are: {', '.join(sorted(known)) or 'none'}")
    if ids:
        files = list(dict.fromkeys(known[each] for each in ids))
    return [path.resolve() for path in files], ids


def in_folder(folder: Path) -> list[Path]:
    """The files below a folder that hold scenarios."""
    return [path for path in sorted(folder.rglob("*.py")) if "def scenario_" in path.read_text(encoding="utf-8")]


def declared(path: Path) -> list[str]:
    """The ids that a scenario file declares, read without running it."""
    try:
        return DECLARED.findall(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: cannot be read ({error})") from error


def arguments(order: Order, files: Sequence[Path], ids: Sequence[str], answer: Path) -> list[str]:
    """What pytest is called with."""
    words = ["-c", os.devnull, "--rootdir", str(common(files)), "--import-mode=importlib", "-p", "no:cacheprovider"]
    words += ["-p", "counterfoil.plugin", "-q", "--counterfoil-json", str(answer), "--integration", order.integration]
    for name, value in (
        ("-k", order.keyword),
        ("--landscape", order.landscape),
        ("--faults", order.faults),
        ("--junitxml", order.junit),
        ("--html-report", order.html),
        ("--export", order.export),
        ("--seed", order.seed),
        ("--size", order.size),
        ("--store", order.store),
        ("--processes", order.processes),
    ):
        words += [] if value is None else [name, str(value)]
    words += [part for each in ids for part in ("--scenario", each)]
    words += [part for role, vendor in order.vendors.items() for part in (f"--{role}", vendor)]
    words += ["--serial"] if order.serial else []
    words += ["--slow-scenarios"] if order.slow else []
    words += ["-p", "xdist.plugin", "-n", order.workers] if order.workers not in (None, "0", "1") else []
    return [*words, *map(str, files)]


def common(files: Sequence[Path]) -> Path:
    """The folder that all files lie below."""
    return Path(os.path.commonpath([path.parent for path in files])) if files else Path.cwd()


def execute(order: Order, face: Face) -> Run:
    """Run, and return what the run says; its `exit_code` is the command's. Raises Unreadable for wrong usage."""
    from counterfoil import faults
    from counterfoil.integration import resolve

    resolve(order.integration)
    if order.workers is not None and order.workers not in ("auto", "logical") and not order.workers.isdigit():
        raise Unreadable(f"-n {order.workers}: expected a number of processes, or `auto`")
    planned = faults.plan(order.faults) if order.faults else []
    config = check_landscape(order)
    if order.faults not in (None, *faults.names()) and config is not None:
        check_faults(str(order.faults), planned, config)
    files, ids = find(order.targets, order.scenarios)
    check_places(order)
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as place:
        answer = Path(place) / "run.json"
        code = _pytest(arguments(order, files, ids, answer), face)
        if face.interrupted and not answer.exists():
            raise KeyboardInterrupt
        if not answer.exists():
            raise Unreadable("\n".join(face.complaints) or f"pytest ended with code {code}")
        run = cast(Run, orjson.loads(answer.read_bytes()))
    if face.complaints:
        run["exit_code"] = BROKEN if run["exit_code"] == BROKEN else USAGE
        run["verdict"] = "broken" if run["exit_code"] == BROKEN else "unreadable"
    if face.interrupted:
        run["verdict"], run["exit_code"] = "interrupted", INTERRUPTED
    run["complaints"] = face.complaints
    return run


def execute_all(order: Order, seeds: int, face: Callable[[], Face]) -> Run:
    """Run once with each of so many seeds, from the order's own (1 by default) on; returns all of it as one run. Raises Unreadable."""
    if order.html or order.junit or order.export:
        raise Unreadable("--html, --junit and --export are of one run; leave them out, or ask for one seed")
    first = 1 if order.seed is None else order.seed
    runs = []
    for seed in range(first, first + seeds):
        seen = face()
        if seen.console is not None:
            seen.console.print(f"seed {seed}", style="bold", highlight=False)
        runs.append(execute(replace(order, seed=seed), seen))
        if seen.interrupted:
            break
    whole = run_object(
        [each for run in runs for each in run["scenarios"]],
        integration=order.integration,
        seed=first,
        size=order.size,
        faults=order.faults,
        seconds=sum(run["seconds"] for run in runs),
    )
    whole["idle_faults"] = idle_faults([scenario for run in runs for scenario in run["scenarios"]])
    whole["complaints"] = [complaint for run in runs for complaint in run["complaints"]]
    whole["exit_code"] = max((run["exit_code"] for run in runs), default=USAGE)
    if whole["exit_code"] == INTERRUPTED:
        whole["verdict"] = "interrupted"
    return whole


def check_places(order: Order) -> None:
    """Make sure now that what is asked for can be written later; raises Unreadable."""
    places.check_file("--html", order.html)
    places.check_file("--junit", order.junit)
    places.check_folder("--export", order.export)


def check_landscape(order: Order) -> Config | None:
    """Read the landscape file now; None for a landscape that runs already. Raises Unreadable for a file that cannot be read, and for options of
    a landscape of one's own beside the address of one that runs."""
    from counterfoil_mocks import config

    if order.landscape is not None and order.landscape.startswith(("http://", "https://")):
        for name in (*(each for each in HAS if getattr(order, each) is not None), *order.vendors):
            raise Unreadable(f"--{name}: {order.landscape} runs already, with {HAS.get(name, 'the faces')} that it has")
        return None
    said = {
        name: value for name in ("seed", "size", "store", "processes") if (value := getattr(order, name)) is not None
    }
    try:
        found = {} if order.landscape is None else config.read(Path(order.landscape))
        return config.understood(config.wearing({**found, **said}, order.vendors), order.landscape or "landscape")
    except config.Unusable as error:
        raise Unreadable(str(error)) from error


def check_faults(name: str, planned: Sequence[Mapping[str, Any]], config: Config) -> None:
    """See that a landscape without a firm takes the fault plan of a file; raises Unreadable. Whether there is a further system, which a
    story may bring along, shows when that story is told."""
    from counterfoil_mocks.kernel.errors import Problem
    from counterfoil_mocks.landscape import Landscape

    further = tuple(f"{each.role}_" for each in config.systems.values())
    here = [{**each, "system": "*"} if str(each.get("system", "")).startswith(further) else each for each in planned]
    bare = Landscape.build(config.model_copy(update={"size": "empty", "store": "memory", "processes": 1}))
    try:
        bare.faults.inject(here)
    except Problem as problem:
        raise Unreadable(f"{name}: {problem.detail.rstrip('.')}. {problem.remedy}".rstrip()) from problem
    finally:
        bare.store.close()


def _pytest(words: list[str], face: Face) -> int:
    kept = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        return int(pytest.main(words, plugins=[face]))
    finally:
        if kept is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        else:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = kept
        face.close()


class Face:
    """The run's face on a terminal, a line for each scenario; a pytest plugin. console: None says nothing at all."""

    def __init__(self, console: Console | None) -> None:
        self.console = console
        self.complaints: list[str] = []
        self.interrupted = False
        self._status: Status | None = None
        self._quiet = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the place of pytest's own reporter."""
        from _pytest.terminal import TerminalReporter

        config.pluginmanager.unregister(config.pluginmanager.getplugin("terminalreporter"))
        config.pluginmanager.register(TerminalReporter(config, self._quiet), "terminalreporter")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected is a complaint."""
        if report.failed:
            self.complaints.append(f"{report.nodeid}: {report.longreprtext}")

    def pytest_internalerror(self, excrepr: object) -> None:
        """So is a failure of the machinery."""
        self.complaints.append(str(excrepr))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Who ended the run shall read that it was ended. (pytest tells files that it cannot collect by the same hook.)"""
        self.interrupted = excinfo.type is KeyboardInterrupt

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say what is being told."""
        if self.console is not None and self.console.is_terminal:
            if self._status is None:
                self._status = self.console.status("")
                self._status.start()
            self._status.update(f"telling {nodeid.rpartition('::')[2].replace('_', ' ')} …")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say how a scenario ended."""
        result: dict[str, Any] | None = getattr(report, "counterfoil", None)
        if result is not None and self.console is not None:
            self.console.print(line(result), highlight=False, soft_wrap=True)

    def close(self) -> None:
        """End the live line."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        self._quiet.close()


def line(result: dict[str, Any]) -> str:
    """One scenario on one line, in Rich's markup."""
    from rich.markup import escape

    sign, colour = SIGNS[result["verdict"]]
    found = [each["invariant"] for each in result.get("violations", ())]
    unmet = sum(not each["held"] for each in result.get("expectations", ()))
    found += [f"{unmet} expectation{'s' if unmet != 1 else ''} not met"] if unmet else []
    if result["verdict"] == "not_applicable" or (not found and result.get("error")):
        found = [str(result["error"]).splitlines()[0][:100]]
    said = f"  [{colour}]{escape(', '.join(found))}[/]" if found else ""
    title = escape(f"{result['id']:<6} {result['title']}")
    return f" [{colour}]{sign}[/] {title} [dim]{result['seconds']:.1f} s[/]{said}"
