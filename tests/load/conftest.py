"""`counterfoil load` as its users start it, and a landscape of one's own that can be stopped for a while."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

import counterfoil
import counterfoil_mocks
from counterfoil.client import Control

ROOTS = [str(Path(package.__file__ or "").parents[1]) for package in (counterfoil, counterfoil_mocks)]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(ROOTS), "COLUMNS": "160"}


class Done(NamedTuple):
    """A load that has ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """Its one result."""
        (result,) = orjson.loads(self.out)["scenarios"]
        return result

    @property
    def load(self) -> Any:
        """What was measured."""
        return self.result["load"]


class Running:
    """A load that runs."""

    def __init__(self, folder: Path, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "counterfoil", "load", "--json", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=ENVIRONMENT,
        )

    def end(self) -> Done:
        """Wait until it has ended."""
        out, err = self.process.communicate(timeout=200)
        return Done(self.process.returncode, out.decode(), err.decode())


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Running]:
    """Start `counterfoil load --json …`."""
    return lambda *words: Running(tmp_path, *words)


class Landscape:
    """`counterfoil up`, in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "counterfoil", "up", "--port-base", "0", "--json"],
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        assert self.process.stdout is not None
        self.url: str = orjson.loads(self.process.stdout.readline())["control"]["url"]

    def wait_for_deeds(self, count: int) -> None:
        """Wait until people have done so many things."""
        control, limit = Control(self.url), time.monotonic() + 60
        while len(control.get("/journal", kind="deed", limit=count)["items"]) < count:
            assert time.monotonic() < limit, f"{count} deeds are done"
            threading.Event().wait(0.05)
        control.close()

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing moves in it."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def landscape() -> Iterator[Landscape]:
    """A landscape that runs."""
    made = Landscape()
    yield made
    made.process.terminate()
    made.process.wait(20)
