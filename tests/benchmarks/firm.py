"""Loading a firm of each size, and asking every invariant over it.

Run as `python tests/benchmarks/firm.py [--sizes S M L]`. Seconds are processor seconds of one process, the quietest of several rounds,
since what else the machine does can only add to it; for what one waits see the wall beside it. Beside the load stands what plain
`executemany` of as many rows of 1 KB into an empty table costs in the same run.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import time
from typing import Any

from figures import Found, Target, tell

SIZES = ("S", "M", "L", "XL")
ROUNDS = {"S": 9, "M": 3, "L": 1, "XL": 1}
NOW = "2026-01-05T15:00:00.000Z"
LOADED = {size: f"loading a firm of size {size}" for size in SIZES}
JUDGED = {size: f"all invariants over size {size}" for size in SIZES}
TARGETS = {
    **{LOADED[size]: Target("s", limit, digits=2) for size, limit in zip(SIZES, (0.5, 4, 60, 900), strict=True)},
    **{JUDGED[size]: Target("s", limit, digits=2) for size, limit in zip(SIZES, (0.5, 3, 20, 300), strict=True)},
}


def plain(rows: int) -> float:
    """Processor seconds of writing so many rows of 1 KB into a table of a database in memory."""
    store = sqlite3.connect(":memory:")
    store.execute("CREATE TABLE row (id TEXT PRIMARY KEY, body TEXT)")
    began = time.process_time()
    store.executemany("INSERT INTO row VALUES (?, ?)", ((str(number), "x" * 1000) for number in range(rows)))
    store.commit()
    return time.process_time() - began


def load(size: str) -> tuple[float, int, float, float]:
    """Processor seconds and rows of one load into an empty store in memory, seconds on the wall, and processor seconds of all invariants
    over it."""
    from counterfoil import verdict
    from counterfoil_mocks import firm
    from counterfoil_mocks.kernel.clock import Clock
    from counterfoil_mocks.kernel.store import Store
    from counterfoil_mocks.kernel.system import System, World
    from counterfoil_mocks.roles import ROLES

    store, world = Store("memory", ROLES), World(Clock(NOW))
    systems = {name: System(name, role, store, world) for name, role in ROLES.items()}
    wall, began = time.perf_counter(), time.process_time()
    firm.load(store, systems, world, 1, size)
    seconds, wall = time.process_time() - began, time.perf_counter() - wall
    tables = [f"{schema}.{name}" for schema in ROLES for name in store.names(schema)]
    rows = sum(store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
    began = time.process_time()
    with store.local() as judged_store:
        broken = [each.id for each in verdict.check(judged_store, now=NOW) if each.status == "violated"]
    judged = time.process_time() - began
    if broken:
        raise SystemExit(f"a firm of size {size} breaks {', '.join(broken)}")
    store.close()
    return seconds, rows, wall, judged


def measure(found: Found, asked: Any) -> None:
    """Every size that is asked for."""
    from counterfoil.invariant import catalogue

    for size in asked.sizes:
        rounds = [load(size) for _ in range(ROUNDS[size])]
        seconds, rows, wall, _ = min(rounds)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told = f"{rows:,} rows, {wall:.1f} s on the wall; plain rows {plain(rows):.2f} s; {held:,.0f} MiB at most"
        found.add(LOADED[size], seconds, told)
        found.add(JUDGED[size], min(each[3] for each in rounds), f"{len(catalogue())} invariants")
    found.figures.sort(key=lambda each: list(TARGETS).index(each.name))


if __name__ == "__main__":
    more = (("--sizes",), {"nargs": "+", "choices": SIZES, "default": ["S", "M", "L"]})
    sys.exit(tell(__doc__, TARGETS, measure, more))
