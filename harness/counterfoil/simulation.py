"""A firm's life for months on end, through the integration under test: lived by the rhythm of `activity`, looked at after each month, and
judged like a scenario at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil import judge
from counterfoil.activity import rhythm
from counterfoil.activity.deeds import Life, Step
from counterfoil.client import Record, Records
from counterfoil.judge import Result
from counterfoil.stories import Story
from counterfoil.world import NotSettled, World


@dataclass
class Month:
    """What a month held. violated: invariants that did not hold at its end; deeds, refused: how often each was done, or refused."""

    month: str
    deals: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    violated: list[str] = field(default_factory=list)


def story(months: int) -> Story:
    """A simulation as the verdict names it: all invariants are asked."""
    from counterfoil.invariant import catalogue

    return Story("SIM", f"{months} month{'' if months == 1 else 's'} of the firm", tuple(catalogue()), throughout=False)


def simulate(
    world: World,
    *,
    months: int,
    size: str = "S",
    done: Callable[[str, int, int], object] = lambda now, deals, deeds: None,
) -> Result:
    """Live so many months from now on and judge them. done: told, after each week, what day it is and how many deals and deeds there were.

    Raises Broken.
    """
    life, lived, began = Life(world), [Month(world.now[:7])], world.now[:10]
    total = 0

    def deed_done(step: Step, taken: bool) -> None:
        nonlocal total
        total += 1
        (lived[-1].deeds if taken else lived[-1].refused)[step.deed] += 1

    def week_over(now: str) -> None:
        lived[-1].deals = len(life.deals)
        done(now[:10], len(life.deals), total)

    def month_over(now: str) -> None:
        lived[-1].violated = violated(world)
        lived.append(Month(now[:7]))

    failure: Exception | None = None
    try:
        rhythm.live(life, months=months, size=size, done=deed_done, week_over=week_over, month_over=month_over)
        lived.pop()  # the one that has only begun
    except NotSettled as restless:
        failure = restless
    result = judge.judge(world, story(months), failure)
    result["months"] = figures(world, lived, began)
    result["kpis"] = world.kpis()
    return result


def violated(world: World) -> list[str]:
    """Ids of the invariants that do not hold now, at rest."""
    return [each["id"] for each in world.invariants(at_rest=True)["items"] if each["status"] == "violated"]


def figures(world: World, lived: list[Month], began: str) -> Records:
    """Each month as data, with what was invoiced (net) and what came in, by currency in minor units."""
    invoiced = by_month(world.billing.list("invoice"), "issue_date", "net", began)
    received = by_month(world.erp.list("payment"), "value_date", "amount", began)
    return [
        {
            "month": each.month,
            "deals": each.deals,
            "deeds": dict(sorted(each.deeds.items())),
            "refused": dict(sorted(each.refused.items())),
            "invoiced": invoiced.get(each.month, {}),
            "received": received.get(each.month, {}),
            "violated": each.violated,
        }
        for each in lived
    ]


def by_month(records: Records, day: str, amount: str, since: str) -> dict[str, dict[str, int]]:
    """Sums of an amount by month and currency, of records dated on or after a day."""
    sums: dict[str, Counter[str]] = {}
    for each in records:
        if each[day] and each[day] >= since:
            money: Record = each[amount]
            sums.setdefault(each[day][:7], Counter())[money["ccy"]] += money["minor"]
    return {month: dict(sorted(found.items())) for month, found in sums.items()}
