"""The command line in a process of its own, and one scenario, told and recorded once for all tests of contracts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

import counterfoil
import counterfoil_mocks
from counterfoil.bench import LandscapeProcess, Settings
from counterfoil.client import Control
from counterfoil.integration import resolve

ROOTS = [str(Path(package.__file__ or "").parents[1]) for package in (counterfoil, counterfoil_mocks)]


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


def start(*words: object, cwd: Path) -> Done:
    """Run `counterfoil …`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(ROOTS), "COLUMNS": "160"}
    done = subprocess.run(
        [sys.executable, "-m", "counterfoil", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
        timeout=280,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(tmp_path: Path) -> Start:
    """`counterfoil …` in an empty folder."""
    return lambda *words: start(*words, cwd=tmp_path)


class Recorded(NamedTuple):
    """A run's export, and the pacts recorded from it."""

    run: Path
    pacts: Path


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """S-01 with the reference integration, recorded."""
    home = tmp_path_factory.mktemp("recorded")
    told = start("run", "S-01", "--seed", 1, "--serial", "--export", home / "run", cwd=home)
    assert told.code == 0, told.out + told.err
    made = start(
        "contracts", "record", "--from", home / "run", "--out", home / "pacts", "--consumer-version", "1.0", cwd=home
    )
    assert made.code == 0, made.err
    return Recorded(home / "run", home / "pacts")


@pytest.fixture(scope="session")
def landscape() -> Iterator[Control]:
    """A fresh landscape with the same seed, and nobody else on it."""
    process = LandscapeProcess(Settings(resolve("noop"), seed=1))
    try:
        yield Control(process.announcement()["control"]["url"])
    finally:
        process.stop()
