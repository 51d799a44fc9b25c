"""The pytest plugin: what it collects, what it leaves alone, and what it passes on."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

Start = Callable[..., Any]


def test_ordinary_tests_are_left_alone(own_pytest: Start, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "def scenario_like_name(): raise AssertionError\ndef test_own(): assert scenario_like_name\n",
        encoding="utf-8",
    )
    done = own_pytest("-q", "--co", "test_own.py")
    assert "test_own.py::test_own" in done.out


def test_ordinary_tests_keep_their_exit_code_over_several_processes(own_pytest: Start, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_one(): pass\ndef test_two(): pass\n", encoding="utf-8")
    assert own_pytest("test_own.py").code == 0
    assert own_pytest("test_own.py", "-n", 2).code == 0


def test_a_folder_named_scenarios_is_collected(own_pytest: Start, quick: Path, wrong: Path) -> None:
    done = own_pytest("-q", "--co", "scenarios")
    assert "scenario_customer" in done.out
    assert "scenario_paid" in done.out


def test_results_of_worker_processes_are_gathered(own_pytest: Start, quick: Path, wrong: Path, tmp_path: Path) -> None:
    done = own_pytest("scenarios", "-n", 2, "--integration", "noop", "--counterfoil-json", "run.json")
    assert done.code == 1, done.out
    run = orjson.loads((tmp_path / "run.json").read_bytes())
    assert {each["id"]: each["verdict"] for each in run["scenarios"]} == {"Q-01": "passed", "Q-02": "violated"}
    assert "counterfoil: violated: 1 passed, 1 violated" in done.out


def test_the_explanation_is_what_pytest_shows(own_pytest: Start, wrong: Path) -> None:
    done = own_pytest(wrong, "--integration", "noop")
    assert "Expected: the payment is there" in done.out
    assert "Traceback" not in done.out
    assert "should be {1200: JPY 0, months: []}" in done.out
    assert "found     {1200: JPY 123,450, months: [[2026-01, JPY 0]]}" in done.out


def test_no_scenario_tells_a_reader_minor_units() -> None:
    bare = [
        f"{path.name}:{call.lineno}"
        for path in sorted((Path(__file__).parents[2] / "scenarios").glob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("world.expect", "world.require")
        for actual in call.args[1:2]
        if re.search(r"\['minor'\]$|\.balance\(|recognised\(|over_cap\(", ast.unparse(actual))
    ]
    assert bare == []


def test_a_scenario_presupposing_what_is_not_declared_does_not_apply(own_pytest: Start, tmp_path: Path) -> None:
    (tmp_path / "scenario_dead.py").write_text(
        "from counterfoil import scenario\n"
        "@scenario('Q-04', 'Dead letters', presupposes=['dead_letters'])\n"
        "def scenario_dead(world): raise AssertionError\n"
        "@scenario('Q-05', 'Anything')\n"
        "def scenario_any(world): world.settle()\n",
        encoding="utf-8",
    )
    (tmp_path / "modest.yaml").write_text(
        "name: modest\nstart: {command: [python3, -m, http.server, '${port}']}\n"
        "ready: {url: 'http://127.0.0.1:${port}/'}\nquiet: 0.1\n",
        encoding="utf-8",
    )
    done = own_pytest("scenario_dead.py", "--integration", "modest.yaml", "--counterfoil-json", "run.json", "-rs")
    assert done.code == 0, done.out
    run = orjson.loads((tmp_path / "run.json").read_bytes())
    by_id = {each["id"]: each for each in run["scenarios"]}
    assert by_id["Q-04"]["verdict"] == "not_applicable"
    assert "dead_letters" in by_id["Q-04"]["error"]
    missing = {name for each in by_id["Q-05"]["not_applicable"] for name in each["missing"]}
    assert "trace" in missing


def test_a_scenario_that_names_what_there_is_not_has_no_verdict(own_pytest: Start, tmp_path: Path) -> None:
    (tmp_path / "scenario_typo.py").write_text(
        "from counterfoil import scenario\n"
        "@scenario('Q-06', 'An invariant', invariants=['99'])\n"
        "def scenario_invariant(world): raise AssertionError\n"
        "@scenario('Q-07', 'An ability', presupposes=['dead_letter'])\n"
        "def scenario_ability(world): raise AssertionError\n",
        encoding="utf-8",
    )
    done = own_pytest("scenario_typo.py", "--integration", "noop", "--counterfoil-json", "run.json")
    assert done.code == 2, done.out
    run = orjson.loads((tmp_path / "run.json").read_bytes())
    assert [each["verdict"] for each in run["scenarios"]] == ["unreadable", "unreadable"]
    assert run["scenarios"][0]["error"].startswith("there is no invariant INV-99; there are: INV-01, INV-02")
    assert run["scenarios"][1]["error"].startswith("there is no ability dead_letter; there are: trace, dead_letters")


def test_each_scenario_starts_from_the_same_state(own_pytest: Start, tmp_path: Path) -> None:
    (tmp_path / "scenario_twice.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('turn', [1, 2])\n"
        "def scenario_first_number(world, turn):\n"
        "    before = world.now\n"
        "    world.expect('the clock starts at the same instant', before, '2026-01-05T15:00:00.000Z')\n"
        "    known = world.crm.count('customer')\n"
        "    made = world.crm.create('customer', name='A', country='US')\n"
        "    world.expect('one more', world.crm.count('customer'), known + 1)\n"
        "    world.expect('no other', world.crm.find('customer', 'CU-999999'), None)\n"
        "    with world.refused('NOT_FOUND'):\n"
        "        world.crm.get('customer', 'CU-999999')\n"
        "    world.advance(days=3)\n",
        encoding="utf-8",
    )
    done = own_pytest("scenario_twice.py", "--integration", "noop")
    assert done.code == 0, done.out
    assert "2 passed" in done.out


def test_a_landscape_that_dies_breaks_the_run(own_pytest: Start, tmp_path: Path) -> None:
    (tmp_path / "scenario_kill.py").write_text(
        "def scenario_kill(world, request):\n"
        "    from counterfoil.plugin import bench_of\n"
        "    bench_of(request.config)._landscape._process.kill()\n"
        "    world.settle()\n"
        "def scenario_next(world): world.settle()\n",
        encoding="utf-8",
    )
    done = own_pytest("scenario_kill.py", "--integration", "noop")
    assert done.code == 3, done.out
    assert "counterfoil: broken: 2 broken" in done.out
