"""Which mutants exploration finds unaided: for each, from a cold start, the seconds until a story broke an invariant and the steps that
are left of it.

Run as `python tests/benchmarks/exploration.py [--seconds 120] [--seed 1] [F-07 …]`; all mutants by default. The goal: at least 20 found
within 120 s, each in at most 8 steps.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[2]
PATHS = [str(ROOT / "mocks"), str(ROOT / "harness")]
sys.path[:0] = PATHS

from counterfoil.reference.mutants import catalogue  # noqa: E402

GOAL, LONGEST = 20, 8


def explored(mutant: str, *, seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """What `counterfoil explore` says of a mutant."""
    words = ["--integration", f"mutant:{mutant}", "--seconds", str(seconds), "--seed", str(seed), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "counterfoil", "explore", *words, "--out", str(folder / f"{mutant}.yaml")],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(PATHS)},
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{mutant}: {done.stderr.decode(errors='replace')}")
    return dict(orjson.loads(done.stdout))


def main() -> int:
    """Explore each mutant and print a line for it, then the count."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("mutants", nargs="*")
    asked.add_argument("--seconds", type=float, default=120)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    wanted = given.mutants or list(catalogue())
    good = found = 0
    print(f"{'mutant':8}{'found':8}{'seconds':>8}{'steps':>7}  story", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for mutant in wanted:
            told = explored(mutant, seconds=given.seconds, seed=given.seed, folder=Path(folder))
            steps = told["steps"]
            found += bool(told["found"])
            good += bool(told["found"]) and len(steps) <= LONGEST
            shown = f"{told['searched_seconds']:8.1f}{len(steps) or '–':>7}  {', '.join(steps)}"
            print(f"{mutant:8}{told['found'] or 'no':8}{shown}", flush=True)
    print(f"{found} of {len(wanted)} found within {given.seconds:g} s, {good} of them in at most {LONGEST} steps")
    return 0 if good >= min(GOAL, len(wanted)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
