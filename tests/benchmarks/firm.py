"""Seconds and rows of loading a firm of each size, and of asking every invariant over it.

Run as `python tests/benchmarks/firm.py [SIZE …]`. The figure is the quietest of several loads, since what else the machine does
can only add to it. Exits with 1 where a size takes longer than its target.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "mocks"), str(ROOT / "harness")]

TARGETS = {"S": 0.5, "M": 4.0, "L": 60.0, "XL": 900.0}
JUDGED = {"S": 0.5, "M": 3.0, "L": 20.0, "XL": 300.0}
"""Most seconds for all invariants."""

ROUNDS = {"S": 9, "M": 5, "L": 1, "XL": 1}
NOW = "2026-01-05T15:00:00.000Z"


def load(size: str) -> tuple[float, int, float]:
    """CPU seconds and rows of one load into an empty store in memory, and CPU seconds of all invariants over it."""
    from counterfoil import verdict
    from counterfoil_mocks import firm
    from counterfoil_mocks.kernel.clock import Clock
    from counterfoil_mocks.kernel.store import Store
    from counterfoil_mocks.kernel.system import System, World
    from counterfoil_mocks.roles import ROLES

    store, world = Store("memory", ROLES), World(Clock(NOW))
    systems = {name: System(name, role, store, world) for name, role in ROLES.items()}
    before, began = store.connection.total_changes, time.process_time()
    firm.load(store, systems, world, 1, size)
    seconds, rows = time.process_time() - began, store.connection.total_changes - before
    began = time.process_time()
    broken = [each.id for each in verdict.check(store, now=NOW) if each.status == "violated"]
    judged = time.process_time() - began
    if broken:
        raise SystemExit(f"a firm of size {size} breaks {', '.join(broken)}")
    store.close()
    return seconds, rows, judged


def main() -> int:
    """Load, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=["S", "M", "L"], metavar="SIZE", help="S, M and L by default")
    slow = 0
    print(
        f"{'size':6}{'rows':>10}{'seconds':>10}{'target':>10}{'rows/s':>12}{'invariants':>12}{'target':>10}{'MiB at most':>13}"
    )
    for size in parser.parse_args().sizes:
        rounds = [load(size) for _ in range(ROUNDS[size])]
        seconds, rows = min(each[:2] for each in rounds)
        judged = min(each[2] for each in rounds)
        slow += seconds > TARGETS[size] or judged > JUDGED[size]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures = f"{size:6}{rows:>10,}{seconds:>10.2f}{TARGETS[size]:>10.1f}{rows / seconds:>12,.0f}"
        print(f"{figures}{judged:>12.2f}{JUDGED[size]:>10.1f}{most:>13,.0f}")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
