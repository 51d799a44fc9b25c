"""The command line and pytest as users start them: in processes of their own, against a landscape of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

import counterfoil
import counterfoil_mocks

ROOTS = [str(Path(package.__file__ or "").parents[1]) for package in (counterfoil, counterfoil_mocks)]

QUICK = """
from counterfoil import World, scenario

@scenario("Q-01", "A customer is known by number", invariants=["02"])
def scenario_customer(world: World) -> None:
    made = world.crm.create("customer", name="Quick Test Ltd", country="US")
    world.expect("it is found", world.crm.get("customer", made["customer_no"])["name"], "Quick Test Ltd")
"""
WRONG = """
from counterfoil import World, scenario, usd

@scenario("Q-02", "Somebody paid", invariants=["34"])
def scenario_paid(world: World) -> None:
    world.expect("the payment is there", usd("0"), usd("1,234.50"), bank_ref="WIRE-1")
    world.expect("and the story went on", 1, 1)
    world.expect_money("the books agree", {"1200": 123_450, "months": [("2026-01", 0)]}, {"1200": 0, "months": []}, "JPY")
"""


class Done(NamedTuple):
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return orjson.loads(self.out)


Start = Callable[..., Done]


def start(module: str, *words: object, cwd: Path | None = None) -> Done:
    """Run a module with arguments, the packages under test on its path."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(ROOTS), "COLUMNS": "160"}
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(tmp_path: Path) -> Start:
    """`counterfoil …`."""
    return lambda *words: start("counterfoil", *words, cwd=tmp_path)


PLUGINS = ("-p", "counterfoil.plugin", "-p", "xdist.plugin", "-p", "no:cacheprovider")


@pytest.fixture
def own_pytest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """`pytest …` in a folder of the user's."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return lambda *words: start("pytest", *PLUGINS, *words, cwd=tmp_path)


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A scenario file of the user's whose scenario passes with any integration."""
    return written(tmp_path / "scenarios" / "quick.py", QUICK)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """One whose scenario fails."""
    return written(tmp_path / "scenarios" / "wrong.py", WRONG)


def written(path: Path, text: str) -> Path:
    """A file with this text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
