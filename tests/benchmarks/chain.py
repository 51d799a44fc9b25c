"""The reference integration's set-up chain: from a won deal to project, plan, schedules and a mobilisation invoice in the books.

Run as `python tests/benchmarks/chain.py`. One alone is the median, on the wall, from the deed's answer until the landscape has settled;
many at once say flows a second. What the two processes work for one flow is processor time, and does not depend on what else the machine
does. `CEILING` flows a second is what the busier of the two would allow if it never waited.
"""

from __future__ import annotations

import sys
from statistics import median

from figures import Found, Target, cpu, seconds, tell
from landscape import Landscape

from counterfoil import activity as firm
from counterfoil import usd
from counterfoil.integration import Integration, resolve
from counterfoil.world import World

FLOWS = 120
ALONE = 15
WARM = 5
TARGETS = {
    "one alone": Target("ms", 12, digits=0),
    f"{FLOWS} at once": Target("flows/s", 150, least=True, digits=0),
    "calls and deliveries of one flow": Target("", digits=0),
    "work of the systems for one flow": Target("ms", digits=1),
    "work of the integration for one flow": Target("ms", digits=1),
    "ceiling by the busier process": Target("flows/s", digits=0),
}


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


def won(world: World, deal: firm.Deal) -> None:
    """Win a deal that is ready to be won."""
    world.crm.act("close_won", key=deal.opp_no)


def traffic(landscape: Landscape) -> int:
    """How many calls and deliveries the journal holds."""
    count, since = 0, 0
    while items := landscape.control.get(f"/journal?since={since}&limit=1000")["items"]:
        since = items[-1]["seq"]
        count += sum(each["kind"] in ("request", "delivery") for each in items)
    return count


def measure(found: Found, _: object) -> None:
    """One after another, then all at once."""
    alone_name, together_name, calls_name, systems_name, integration_name, ceiling_name = TARGETS
    with Landscape("--size", "S") as landscape:
        integration = Integration(resolve("reference"), landscape.control)
        integration.start()
        try:
            world = World(landscape.control, integration)
            deals = [prepared(world, number) for number in range(FLOWS + ALONE + WARM)]
            world.settle()
            firm.win(world, deals.pop())
            for _ in range(WARM - 2):
                won(world, deals.pop())
                world.settle()
            before = traffic(landscape)
            won(world, deals.pop())
            world.settle()
            calls = traffic(landscape) - before
            alone = []
            for _ in range(ALONE):
                won(world, deals.pop())
                alone.append(seconds(world.settle))

            def together() -> None:
                for deal in deals:
                    won(world, deal)
                world.settle()

            pids = landscape.process.pid, integration.pid or 0
            started = [cpu(pid) for pid in pids]
            took = seconds(together)
            systems, own = ((cpu(pid) - at) / FLOWS for pid, at in zip(pids, started, strict=True))
            projects = world.psa.count("project", legal_entity="CF-US", name="Benchmark")
            if projects != FLOWS + ALONE + WARM:
                raise SystemExit(f"{projects} projects were set up, not {FLOWS + ALONE + WARM}")
        finally:
            integration.stop()
    found.add(alone_name, median(alone) * 1000)
    found.add(together_name, FLOWS / took)
    found.add(calls_name, calls)
    found.add(systems_name, systems * 1000)
    found.add(integration_name, own * 1000)
    found.add(ceiling_name, 1 / max(systems, own))


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure))
