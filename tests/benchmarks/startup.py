"""What a user waits for and pays before anything happens: help, four systems that are ready, memory.

Run as `python tests/benchmarks/startup.py`. Seconds are medians on the wall; beside them stands what the same machine needs in the same
run for a Python that does nothing but import the libraries. Memory is resident memory of the one process. What is loaded at the first call
that needs it (the control plane's framework, the HTTP client) is measured by the first answer to `GET /health`, which needs both.
"""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from figures import PATHS, Found, Target, seconds, tell
from landscape import Landscape

from counterfoil.client import Control

CREATES = 10_000
ROUNDS = 5
TARGETS = {
    "`counterfoil --help`": Target("s", 0.3, digits=2),
    "ready: four systems and control plane, size S": Target("s", 1.2, digits=2),
    "first answer of the control plane": Target("s", digits=2),
    f"memory after {CREATES:,} creates, no firm": Target("MiB", 100, digits=0),
    f"memory after {CREATES:,} creates, size S": Target("MiB", digits=0),
}


def took(*command: str) -> float:
    """Median of how long a command takes."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(PATHS)}
    return median(
        seconds(lambda: subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, env=env))
        for _ in range(ROUNDS)
    )


def ready() -> tuple[float, float, float]:
    """Medians of seconds from the command to the ready line, of processor seconds until then, and of seconds until the control plane has
    answered for the first time."""
    walls, works, answers = [], [], []
    for _ in range(ROUNDS):
        with Landscape("--size", "S") as landscape:
            walls.append(landscape.seconds)
            works.append(landscape.cpu)
            answers.append(seconds(lambda: landscape.control.get("/health")))
    return median(walls), median(works), median(answers)


def memory(size: str) -> tuple[float, float, float]:
    """Mebibytes before and after many creates over the native face, and when the control plane has answered besides."""
    with Landscape("--size", size) as landscape:
        crm = landscape.system("crm")
        native = Control(crm["url"], crm["credentials"]["access_token"])
        before = landscape.mebibytes
        for number in range(CREATES):
            native.post("/native/v1/customers", {"name": f"Customer {number}", "country": "US"})
        after = landscape.mebibytes
        landscape.control.get("/health")
        return before, after, landscape.mebibytes


def measure(found: Found, _: object) -> None:
    """All figures, one after another."""
    help_name, ready_name, answer_name, empty_name, small_name = TARGETS
    idle = took("-c", "pass")
    found.add(help_name, took("-m", "counterfoil", "--help"), f"a Python that does nothing: {idle:.2f} s")
    bare = took("-c", "import pydantic, sqlalchemy, typer, uvicorn, uvloop")
    wall, work, answer = ready()
    found.add(ready_name, wall, f"{work:.2f} s of processor; importing its libraries: {bare:.2f} s")
    found.add(answer_name, answer, "`GET /health`; later ones take milliseconds")
    for name, size in ((empty_name, "empty"), (small_name, "S")):
        before, after, whole = memory(size)
        found.add(name, after, f"{before:.0f} MiB before; {whole:.0f} MiB when the control plane has been asked too")


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure))
