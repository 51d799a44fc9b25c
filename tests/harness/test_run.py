"""`counterfoil run`: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import orjson
import pytest
from tests.harness.conftest import ROOTS, start

Start = Callable[..., Any]


def test_a_passing_scenario_prints_one_object_writes_its_reports_and_exits_0(
    cli: Start, quick: Path, tmp_path: Path
) -> None:
    files = {"--junit": tmp_path / "junit.xml", "--html": tmp_path / "page.html", "--export": tmp_path / "out"}
    words = [part for pair in files.items() for part in pair]
    done = cli("run", quick, "--integration", "noop", "--json", "--seed", 7, *words)
    assert done.code == 0, done.err
    run = done.json
    assert (run["verdict"], run["seed"], run["exit_code"]) == ("passed", 7, 0)
    [told] = run["scenarios"]
    assert (told["id"], told["verdict"], told["violations"]) == ("Q-01", "passed", [])
    assert told["seconds"] > 0
    assert "INV-02" in told["held"]
    assert told["replay"] == f"counterfoil run {quick} --scenario Q-01 --seed 7 --integration noop"
    suite = ElementTree.parse(files["--junit"]).getroot().find("testsuite")
    assert suite is not None
    assert suite.get("tests") == "1"
    assert "The books are right" in files["--html"].read_text(encoding="utf-8")
    state = [orjson.loads(line) for line in (tmp_path / "out" / "state.ndjson").read_bytes().splitlines()]
    assert "Quick Test Ltd" in {each["record"].get("name") for each in state}
    journal = [orjson.loads(line) for line in (tmp_path / "out" / "journal.ndjson").read_bytes().splitlines()]
    assert {"deed", "event", "delivery"} <= {each["kind"] for each in journal}


def test_an_unmet_expectation_is_a_violation_told_in_words_and_the_story_goes_on(cli: Start, wrong: Path) -> None:
    done = cli("run", wrong, "--integration", "noop", "--html", "page.html")
    assert done.code == 1
    assert "should be USD 1,234.50" in done.out
    assert "found     USD 0.00" in done.out
    assert "bank_ref: WIRE-1" in done.out
    assert "See it again: counterfoil run" in done.out
    assert "The books are not right" in done.out
    assert "and the story went on" in (wrong.parents[1] / "page.html").read_text(encoding="utf-8")


def test_a_violation_names_rule_rows_cause_and_chain(cli: Start, tmp_path: Path) -> None:
    story = tmp_path / "broken_books.py"
    story.write_text(
        "from counterfoil import scenario, usd, activity\n"
        "@scenario('Q-03', 'A won deal that nobody sets up', invariants=['08'])\n"
        "def scenario_won(world):\n"
        "    activity.sell(world, lines=[activity.fixed_fee(usd('1,000'), hours=10, cost=usd('500'))],\n"
        "        milestones=[activity.milestone('M1', usd('1,000'))], start='2026-01-05', end='2026-03-31')\n"
        "    world.advance(days=1)\n",
        encoding="utf-8",
    )
    done = cli("run", story, "--integration", "noop", "--json")
    assert done.code == 1, done.err
    [found] = [each for each in done.json["scenarios"][0]["violations"] if each["invariant"] == "INV-08"]
    assert found["rule"].endswith(".")
    assert found["rows"]
    assert found["first_cause"]["deed"] == "close_won"


def test_all_shipped_scenarios_fail_with_an_integration_that_does_nothing(cli: Start) -> None:
    done = cli("run", "--integration", "noop", "--json", "-n", 2)
    assert done.code == 1, done.err
    assert {each["id"]: each["verdict"] for each in done.json["scenarios"] if each["verdict"] != "violated"} == {}
    assert len(done.json["scenarios"]) >= 9


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("S-99",), "no scenario S-99; there are: S-01"),
        (("nowhere.py",), "nowhere.py: no such scenario, file or folder"),
        (("--integration", "nowhere.yaml"), "nowhere.yaml: no such file; an integration is"),
        (("--faults", "calm"), "a fault plan is a file or one of: failing, lossy, noisy, repeating"),
        (("--landscape", "nowhere.yaml"), "nowhere.yaml cannot be read"),
        (
            ("--landscape", "http://127.0.0.1:9", "--seed", "7"),
            "--seed: http://127.0.0.1:9 runs already, with the seed",
        ),
        (("-n", "many"), "-n many: expected a number of processes, or `auto`"),
    ],
)
def test_wrong_usage_exits_2_with_a_sentence(cli: Start, words: tuple[str, ...], said: str) -> None:
    done = cli("run", "--integration", "noop", *words)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_zero_scenarios_exit_2(cli: Start, quick: Path) -> None:
    done = cli("run", quick, "-k", "nothing_of_that_name", "--integration", "noop", "--json")
    assert done.code == 2, done.err
    assert (done.json["verdict"], done.json["scenarios"]) == ("empty", [])


def test_a_file_that_cannot_be_imported_exits_2_and_says_why(cli: Start, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import nowhere_to_be_found\ndef scenario_x(world): ...\n", encoding="utf-8")
    done = cli("run", bad, "--integration", "noop", "--json")
    assert done.code == 2, done.err
    assert "nowhere_to_be_found" in done.json["complaints"][0]


def test_an_integration_that_cannot_start_is_broken_and_exits_3(
    cli: Start, quick: Path, wrong: Path, tmp_path: Path
) -> None:
    descriptor = tmp_path / "crash.json"
    command = [sys.executable, "-c", "import sys; print('no licence'); sys.exit(5)"]
    ready = {"url": "http://127.0.0.1:${port}/"}
    descriptor.write_bytes(orjson.dumps({"name": "crash", "start": {"command": command}, "ready": ready}))
    done = cli("run", quick, wrong, "--integration", descriptor, "--json")
    assert done.code == 3, done.err
    assert [each["verdict"] for each in done.json["scenarios"]] == ["broken", "broken"]
    assert "crash ended with code 5; it said last:\nno licence" in done.json["scenarios"][0]["error"]


def test_an_integration_that_is_not_where_it_is_said_to_run_is_broken_and_exits_3(
    cli: Start, quick: Path, tmp_path: Path
) -> None:
    descriptor = tmp_path / "away.json"
    start = {"url": "http://127.0.0.1:9"}
    descriptor.write_bytes(orjson.dumps({"name": "away", "start": start, "webhooks": {"crm": "http://127.0.0.1:9/"}}))
    done = cli("run", quick, "--integration", descriptor, "--json")
    assert done.code == 3, done.err
    assert "away does not run: nobody listens at http://127.0.0.1:9" in done.json["scenarios"][0]["error"]


def test_a_fault_that_struck_nothing_is_told(cli: Start, quick: Path, tmp_path: Path) -> None:
    plan = tmp_path / "idle.json"
    plan.write_bytes(orjson.dumps([{"kind": "latency", "system": "erp", "operation": "create_work_entry", "nth": 1}]))
    done = cli("run", quick, "--integration", "noop", "--faults", plan, "--json")
    assert ["operation: create_work_entry" in each for each in done.json["idle_faults"]] == [True]


def test_what_is_wrong_for_all_scenarios_is_told_once(cli: Start, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "- {kind: latency, system: erp_b, ms: 1}\n", encoding="utf-8"
    )  # a system that some stories bring along
    done = cli("run", "S-01", "S-03", "S-08", "--integration", "noop", "--faults", plan)
    assert done.code == 2, done.err
    assert done.out.count("See it again") == 1
    assert "there is no system 'erp_b'. One of: crm, psa, erp, billing" in done.out
    assert "The same for S-03, S-08." in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_has_no_verdict(number: int, tmp_path: Path) -> None:
    words = [sys.executable, "-u", "-m", "counterfoil", "run", "S-01", "S-03", "S-08", "--integration", "noop"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(ROOTS), "COLUMNS": "160"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) as run:
        assert run.stdout is not None
        assert "S-01" in run.stdout.readline()
        run.send_signal(number)
        said = run.stdout.read()
    assert run.returncode == 130, said
    assert "No verdict: interrupted" in said


def test_a_fault_of_an_operation_that_there_is_not_exits_2(cli: Start, quick: Path, tmp_path: Path) -> None:
    plan = tmp_path / "typo.json"
    plan.write_bytes(orjson.dumps([{"kind": "latency", "system": "erp", "operation": "create_work_entri"}]))
    done = cli("run", quick, "--integration", "noop", "--faults", plan, "--json")
    assert (done.code, done.out) == (2, ""), done.err
    assert "[0].operation: erp has no operation or event 'create_work_entri'. Near it: create_work_entry" in done.err


def test_a_fault_plan_that_cannot_be_is_refused_before_anything_starts(cli: Start, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("- {kind: eror, system: erp}\n", encoding="utf-8")
    done = cli("run", "S-01", "--integration", "noop", "--faults", plan)
    assert (done.code, done.out) == (2, ""), done.err
    assert f"{plan}: [0].kind: 'eror' is not a kind of fault. One of: auth_expiry" in done.err


def test_a_descriptor_that_does_not_fit_the_landscape_exits_2(cli: Start, quick: Path, tmp_path: Path) -> None:
    descriptor = tmp_path / "odd.yaml"
    descriptor.write_text(
        "name: odd\nstart: {url: 'http://127.0.0.1:1'}\nwebhooks: {hr: 'http://127.0.0.1:1/hr'}\n", encoding="utf-8"
    )
    done = cli("run", quick, "--integration", descriptor, "--json")
    assert done.code == 2, done.err
    assert "webhooks.hr: the landscape has no such system" in done.json["scenarios"][0]["error"]


def test_the_same_seed_exports_the_same_state_byte_for_byte(cli: Start, quick: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert (
            cli("run", quick, "--integration", "noop", "--serial", "--seed", 5, "--export", tmp_path / name).code == 0
        )
    assert (tmp_path / "one" / "state.ndjson").read_bytes() == (tmp_path / "two" / "state.ndjson").read_bytes()


def test_a_landscape_that_runs_already_is_used_and_left_as_it_was(cli: Start, quick: Path) -> None:
    from counterfoil.bench import LandscapeProcess, Settings
    from counterfoil.client import Control
    from counterfoil.integration import resolve

    landscape = LandscapeProcess(Settings(resolve("noop")))
    try:
        url = landscape.announcement()["control"]["url"]
        done = cli("run", quick, "--integration", "noop", "--landscape", url, "--json")
        assert done.code == 0, done.err
        system = Control(url).get("/landscape")["systems"][0]
        hooks = Control(f"{system['url']}/native/v1", system["credentials"]["access_token"]).get("/webhooks")
        assert hooks["items"] == []
    finally:
        landscape.stop()


SLOW = """
from counterfoil import World, scenario

@scenario("Q-08", "A long story", slow=True)
def scenario_long(world: World) -> None:
    world.expect("it is told in full", world.slow, True)
    world.expect("its answers may take their time", world.integration.patience > 60, True)

@scenario("Q-09", "A short story")
def scenario_short(world: World) -> None:
    world.expect("it is told in brief", world.slow, False)
"""


def test_a_slow_scenario_is_told_only_when_asked_for(cli: Start, tmp_path: Path) -> None:
    path = tmp_path / "scenarios" / "slow.py"
    path.parent.mkdir()
    path.write_text(SLOW, encoding="utf-8")
    verdicts = {}
    for words in ((), ("--slow",), ("--scenario", "Q-08")):
        done = cli("run", path, "--integration", "noop", "--json", *words)
        verdicts[words] = {each["id"]: each["verdict"] for each in done.json["scenarios"]}
    assert verdicts[()] == {"Q-09": "passed"}
    assert verdicts["--slow",] == {"Q-08": "passed", "Q-09": "violated"}
    assert verdicts["--scenario", "Q-08"] == {"Q-08": "passed"}


def test_promises_on_the_wall_clock_are_judged(cli: Start, tmp_path: Path) -> None:
    from counterfoil.integration import resolve

    about = resolve("reference").model_dump(mode="json", exclude_none=True)
    about["slo"] = {"project_setup_seconds": 0.000001}
    path = tmp_path / "hasty.json"
    path.write_bytes(orjson.dumps(about))
    done = cli("run", "S-02", "--integration", path, "--json")
    assert done.code == 1, done.out
    [told] = done.json["scenarios"]
    [unmet] = [each for each in told["expectations"] if not each["held"]]
    assert unmet["sentence"] == "A project follows a won deal within 1e-06 s"
    assert unmet["evidence"]["seconds"] > 0
    assert told["violations"] == []


def test_several_seeds_are_one_verdict(cli: Start, quick: Path, tmp_path: Path) -> None:
    done = cli("run", quick, "--integration", "noop", "--json", "--seed", 5, "--seeds", 2)
    assert done.code == 0, done.err
    assert [(each["id"], each["seed"]) for each in done.json["scenarios"]] == [("Q-01", 5), ("Q-01", 6)]
    assert "seeds 5 to 6" in cli("run", quick, "--integration", "noop", "--seed", 5, "--seeds", 2).out
    assert cli("run", quick, "--seeds", 2, "--html", tmp_path / "x.html").code == 2


def test_the_version_is_told(cli: Start) -> None:
    done = cli("--version")
    assert (done.code, done.out.split()[0]) == (0, "counterfoil")


def test_a_run_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    story = tmp_path / "killed.py"
    story.write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from counterfoil import scenario\n"
        "@scenario('Q-09', 'The run ends in the middle', invariants=['02'])\n"
        "def scenario_killed(world):\n"
        "    world.crm.create('customer', name='Still There Ltd', country='US')\n"
        "    Path('addresses').write_text(world.control.url + ' ' + world.integration.base)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert start("counterfoil", "run", story, "--integration", "noop", cwd=tmp_path).code == -signal.SIGKILL
    for address in (tmp_path / "addresses").read_text().split():
        where, limit = urlsplit(address), time.monotonic() + 30
        while listens(where.hostname or "", where.port or 0):
            assert time.monotonic() < limit, address


def listens(host: str, port: int) -> bool:
    """Whether somebody takes connections there; where so, it has waited until they let this one go."""
    try:
        with (
            socket.create_connection((host, port), timeout=5) as held,
            contextlib.suppress(TimeoutError, ConnectionError),
        ):
            held.recv(1)
    except OSError:
        return False
    return True
