"""Snapshot and restore, each by its own call of the control plane.

Run as `python tests/benchmarks/snapshots.py [--sizes S M L]`. Milliseconds are medians on the wall, the call included; beside them stands
what a copy of a database of that size costs in the same run, which is what restoring would cost without a log of changes.
"""

from __future__ import annotations

import sqlite3
import sys
from statistics import median
from typing import Any

from figures import Found, Target, seconds, tell
from landscape import Landscape

from counterfoil.world import World

CHANGES = 50
ROUNDS = 7
SIZES = ("S", "M", "L")
RESTORED = {size: f"restore after {CHANGES} changes, size {size}" for size in SIZES}
TARGETS = {
    "snapshot, size M": Target("ms"),
    RESTORED["S"]: Target("ms"),
    RESTORED["M"]: Target("ms", 50),
    RESTORED["L"]: Target("ms", 1_000),
}
PAGE = 4096


def copied(mebibytes: float) -> float:
    """Seconds of copying a database in memory of so many mebibytes."""
    source, into = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    source.execute("CREATE TABLE page (body BLOB)")
    source.executemany("INSERT INTO page VALUES (zeroblob(?))", [(PAGE - 100,)] * int(mebibytes * 2**20 / PAGE))
    source.commit()  # a copy waits for what is not committed
    took = seconds(lambda: source.backup(into))
    source.close()
    into.close()
    return took


def timed(world: World) -> tuple[float, float]:
    """Milliseconds of a snapshot, and of going back to it after the changes."""
    world.snapshot("warm")
    taken = [seconds(lambda: world.snapshot("benchmark")) for _ in range(ROUNDS)]
    marked, restored = world.snapshot("here"), []
    for _ in range(ROUNDS):
        for number in range(CHANGES):
            world.crm.create("customer", name=f"Changed {number}", country="US")
        restored.append(seconds(lambda: world.restore(marked)))
    return median(taken) * 1000, median(restored) * 1000


def measure(found: Found, asked: Any) -> None:
    """Every size that is asked for."""
    for size in asked.sizes:
        with Landscape("--size", size) as landscape:
            taken, restored = timed(World(landscape.control))
            held = landscape.mebibytes
        if size == "M":
            found.add("snapshot, size M", taken)
        found.add(RESTORED[size], restored, f"copying {held:,.0f} MiB: {copied(held) * 1000:,.0f} ms")
    found.figures.sort(key=lambda each: list(TARGETS).index(each.name))


if __name__ == "__main__":
    more = (("--sizes",), {"nargs": "+", "choices": SIZES, "default": list(SIZES)})
    sys.exit(tell(__doc__, TARGETS, measure, more))
