"""Locust as processes of their own: it patches whatever it runs in, so that nothing here imports it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from counterfoil.client import Broken
from counterfoil.guard import Guard, over
from counterfoil.integration import free_port
from counterfoil.loading.crowd import Line
from counterfoil.loading.plan import Plan
from counterfoil.stories import shipped
from counterfoil_mocks.kernel.extras import install

LAST_DEED_SECONDS = 60
"""How long a deed may still take when the time is up."""
WORKERS_SECONDS = 60


class Locusts:
    """The processes that make a load. workers: how many beside the one that leads them, 0 for that one alone; elsewhere: how many more
    come from other machines, to `port`. Raises Broken where they cannot run."""

    def __init__(self, plan: Plan, *, workers: int = 0, elsewhere: int = 0, port: int | None = None) -> None:
        if importlib.util.find_spec("locust") is None:
            raise Broken(f"Locust is not installed: {install('load')}")
        self.plan = plan
        self.workers = workers
        self.elsewhere = elsewhere
        self._port = port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="counterfoil-load-")
        self._lines = Path(self._folder.name) / "lines.ndjson"
        self._lines.touch()
        self._said = (Path(self._folder.name) / "said").open("w+b")
        self._read = 0
        self._rest = b""
        self._processes: list[subprocess.Popen[bytes]] = []
        self._guards: list[Guard] = []

    def start(self) -> None:
        """Start them; the load begins when all users are there."""
        count = self.plan.users + self.plan.clients
        lead = ["--headless", "-u", str(count), "-r", str(max(count, 1))]
        lead += ["--stop-timeout", str(LAST_DEED_SECONDS), "--exit-code-on-error", "0"]
        if self.workers + self.elsewhere:
            host = "*" if self.elsewhere else "127.0.0.1"
            lead += ["--master", "--master-bind-host", host, "--master-bind-port", str(self._port)]
            lead += ["--expect-workers", str(self.workers + self.elsewhere)]
            lead += ["--expect-workers-max-wait", str(10 * WORKERS_SECONDS if self.elsewhere else WORKERS_SECONDS)]
        self._run(lead)
        for _ in range(self.workers):
            self._run(["--worker", "--master-host", "127.0.0.1", "--master-port", str(self._port)])

    def _run(self, more: list[str]) -> None:
        try:
            file = shipped("load") / "locustfile.py"
        except FileNotFoundError as error:
            raise Broken(str(error)) from error
        said = {"plan": self.plan.as_data(), "lines": str(self._lines)}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        environment |= {"COUNTERFOIL_LOAD": orjson.dumps(said).decode()}
        command = [sys.executable, "-m", "locust", "-f", str(file), "--only-summary", "--loglevel", "WARNING", *more]
        try:
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=self._said,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder.name,
                    env=environment,
                    start_new_session=True,  # Ctrl-C is the harness's to deal with
                )
            )
        except OSError as error:
            raise Broken(f"Locust could not be started: {error}") from error
        self._guards.append(over(self._processes[-1]))

    @property
    def running(self) -> bool:
        """Whether the process that leads is there; raises Broken where one has failed."""
        for each in self._processes:
            code = each.poll()
            if code:
                raise Broken(f"Locust ended with code {code}:\n{self.complaint()}")
        return self._processes[0].poll() is None

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it ends."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._processes[0].wait(seconds)

    def lines(self) -> list[Line]:
        """What was written down since the last look."""
        with self._lines.open("rb") as file:
            file.seek(self._read)
            found = file.read()
        self._read += len(found)
        *whole, self._rest = (self._rest + found).split(b"\n")
        return [orjson.loads(each) for each in whole if each]

    def complaint(self) -> str:
        """The last of what they said."""
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), 4000, max(0, size - 4000)).decode(errors="replace").strip()

    def hush(self) -> None:
        """Ask them to end after the deeds that are under way."""
        with contextlib.suppress(ProcessLookupError):
            self._processes[0].send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End them."""
        for each in self._processes:
            for ask in (each.terminate, each.kill):
                if each.poll() is None:
                    ask()
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        each.wait(5)
        for guard in self._guards:
            guard.dismiss()
        self._said.close()
        self._folder.cleanup()


def facts(line: Line) -> dict[str, Any]:
    """A line with names for its parts."""
    names = ("what", "number", "name", "outcome", "why", "due", "begun", "ended", "trace")
    return dict(zip(names, line, strict=True))
