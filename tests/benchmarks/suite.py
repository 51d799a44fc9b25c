"""The scenario suite, as `counterfoil run -n 2` tells it.

Run as `python tests/benchmarks/suite.py`. Seconds on the wall: measure on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from figures import PATHS, Found, Target, seconds, tell

TARGETS = {"all scenarios that are not slow, `run -n 2`": Target("s", 150, digits=0)}


def measure(found: Found, _: object) -> None:
    """One run of the whole suite."""
    told: list[str] = []

    def run() -> None:
        done = subprocess.run(
            [sys.executable, "-m", "counterfoil", "run", "-n", "2", "--json"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(PATHS)},
        )
        told.append(done.stdout)

    took = seconds(run)
    said = json.loads(told[0])
    (name,) = TARGETS
    found.add(name, took, f"{len(said['scenarios'])} scenarios, verdict {said['verdict']}")


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure))
