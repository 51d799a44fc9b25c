"""Seconds and rows of loading a firm of each size.

Run as `python tests/benchmarks/firm.py [SIZE …]`. The figure is the quietest of several loads, since what else the machine does
can only add to it. Exits with 1 where a size takes longer than its target.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "mocks")]

TARGETS = {"S": 0.5, "M": 4.0}
ROUNDS = {"S": 9, "M": 5}
NOW = "2026-01-05T15:00:00.000Z"


def load(size: str) -> tuple[float, int]:
    """CPU seconds and rows of one load into an empty store in memory."""
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
    store.close()
    return seconds, rows


def main() -> int:
    """Load, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=list(TARGETS), metavar="SIZE", help="S or M; both by default")
    slow = 0
    print(f"{'size':6}{'rows':>10}{'seconds':>10}{'target':>10}{'rows/s':>12}")
    for size in parser.parse_args().sizes:
        load(size)
        seconds, rows = min(load(size) for _ in range(ROUNDS[size]))
        slow += seconds > TARGETS[size]
        print(f"{size:6}{rows:>10,}{seconds:>10.2f}{TARGETS[size]:>10.1f}{rows / seconds:>12,.0f}")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
