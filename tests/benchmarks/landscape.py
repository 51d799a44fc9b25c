"""A whole landscape as a user starts it: seconds until ready, memory, restore, and the reference integration's set-up chain.

Run as `python tests/benchmarks/landscape.py`. Each figure stands beside its target; ready and restore also as a ratio to what the
same machine needs in the same run for a bare Python start and for a copy of the database.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "mocks"), str(ROOT / "harness")]

from counterfoil import activity as firm  # noqa: E402
from counterfoil import usd  # noqa: E402
from counterfoil.client import Control  # noqa: E402
from counterfoil.integration import Integration, resolve  # noqa: E402
from counterfoil.world import World  # noqa: E402

CREATES = 10_000
CHANGES = 50
FLOWS = 60
ROUNDS = 5


class Landscape:
    """`counterfoil up` as a process of its own."""

    def __init__(self, *words: str) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "counterfoil", "up", "--port-base", "0", "--json", *words],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": f"{ROOT / 'mocks'}:{ROOT / 'harness'}", "PATH": "/usr/bin:/bin"},
        )
        assert self.process.stdout is not None
        self.about: dict[str, Any] = orjson.loads(self.process.stdout.readline())
        self.seconds = time.perf_counter() - started
        self.control = Control(self.about["control"]["url"])

    @property
    def mebibytes(self) -> float:
        """Resident memory (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20

    def __enter__(self) -> Landscape:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def seconds(work: Any) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def show(name: str, value: str, target: str, beside: str = "") -> None:
    """A row."""
    print(f"{name:<46}{value:>12}   {target:<12}{beside}")


def ready() -> None:
    """From the command to the ready line, size S."""
    bare = median(
        seconds(lambda: subprocess.run([sys.executable, "-c", "import fastapi, sqlalchemy"], check=True))
        for _ in range(3)
    )
    took = []
    for _ in range(3):
        with Landscape("--size", "S") as landscape:
            took.append(landscape.seconds)
    show("ready, size S", f"{median(took):.2f} s", "<= 2 s", f"{median(took) / bare:.1f} x importing its libraries")


def restore(size: str) -> None:
    """Back to a snapshot after fifty changes."""
    with Landscape("--size", size) as landscape:
        world = World(landscape.control)
        marked = world.snapshot("benchmark")
        took = []
        for _ in range(ROUNDS):
            for number in range(CHANGES):
                world.crm.create("customer", name=f"Changed {number}", country="US")
            took.append(seconds(lambda: world.restore(marked)))
        show(
            f"restore, size {size}, {CHANGES} changes",
            f"{median(took) * 1000:.1f} ms",
            "<= 100 ms" if size == "M" else "",
        )


def memory(size: str) -> None:
    """Resident memory before and after many creates over the native face."""
    with Landscape("--size", size) as landscape:
        crm = next(each for each in landscape.about["systems"] if each["role"] == "crm")
        native = Control(crm["url"], crm["credentials"]["access_token"])
        before = landscape.mebibytes
        for number in range(CREATES):
            native.post("/native/v1/customers", {"name": f"Customer {number}", "country": "US"})
        after = landscape.mebibytes
    show(f"memory after {CREATES:,} creates, size {size}", f"{after:.0f} MiB", "<= 150 MiB", f"{before:.0f} MiB before")


def chain() -> None:
    """From won deal to project, plan, schedules and mobilisation invoice, by the reference integration."""
    with Landscape("--size", "S") as landscape:
        integration = Integration(resolve("reference"), landscape.control)
        integration.start()
        try:
            world = World(landscape.control, integration)
            deals = [prepared(world, number) for number in range(FLOWS + ROUNDS + 1)]
            world.settle()
            firm.win(world, deals.pop())
            alone = []
            for _ in range(ROUNDS):
                deal = deals.pop()
                world.crm.act("close_won", key=deal.opp_no)
                alone.append(seconds(world.settle))

            def together() -> None:
                for deal in deals:
                    world.crm.act("close_won", key=deal.opp_no)
                world.settle()

            took = seconds(together)
            projects = world.psa.count("project", legal_entity="CF-US", name="Benchmark")
            if projects != FLOWS + ROUNDS + 1:
                raise SystemExit(f"{projects} projects were set up, not {FLOWS + ROUNDS + 1}")
        finally:
            integration.stop()
    show("set-up chain, alone", f"{median(alone) * 1000:.0f} ms", "<= 25 ms")
    show(f"set-up chain, {FLOWS} at once", f"{FLOWS / took:.0f} flows/s", ">= 60 flows/s")


def prepared(world: World, number: int) -> firm.Deal:
    """A signed deal with a mobilisation invoice."""
    return firm.prepare(
        world,
        customer_name=f"Benchmark {number} Inc.",
        name="Benchmark",
        lines=[
            firm.fixed_fee(usd("24,000"), hours=120, cost=usd("13,200"), tax_code="TX-DP", service_item="CONSULTING-FF")
        ],
        milestones=[firm.milestone("M1", usd("19,200"))],
        mobilisation=usd("4,800"),
        start="2026-01-05",
        end="2026-06-30",
        rate_card="US-STD/1",
    )


def main() -> None:
    """All figures, one after another."""
    print(f"{'figure':<46}{'measured':>12}   {'target':<12}")
    ready()
    restore("S")
    restore("M")
    memory("empty")
    memory("S")
    chain()


if __name__ == "__main__":
    main()
