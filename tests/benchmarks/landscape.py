"""A whole landscape as a user starts it, for the benchmarks that need one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
from figures import PATHS, cpu

from counterfoil.client import Control


class Landscape:
    """`counterfoil up` as a process of its own. seconds: from the command to the ready line."""

    def __init__(self, *words: str) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "counterfoil", "up", "--port-base", "0", "--json", *words],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(PATHS)},
        )
        assert self.process.stdout is not None
        self.about: dict[str, Any] = orjson.loads(self.process.stdout.readline())
        self.seconds = time.perf_counter() - started
        self.control = Control(self.about["control"]["url"])

    def system(self, role: str) -> dict[str, Any]:
        """What is told of the system of a role."""
        return next(each for each in self.about["systems"] if each["role"] == role)

    @property
    def mebibytes(self) -> float:
        """Resident memory (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20

    @property
    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        return cpu(self.process.pid)

    def __enter__(self) -> Landscape:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
