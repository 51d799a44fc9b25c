"""The rhythm of a firm: which deeds an ordinary week holds, and how often. Chance is by seed, week, deed and deal, so that a deed more in
one week shifts nothing in the next."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from counterfoil.activity.debtors import Debtors
from counterfoil.activity.deeds import DEEDS, Life, Step, do
from counterfoil.world import instant, moment
from counterfoil_mocks.kernel.ids import chance

BUSY = {"S": 10, "M": 40}
"""Deals that a firm of a size works on at once; the older ones are only paid, edited and taken back."""
HUNGRY = 3
"""How much more a firm sells that is not busy."""
FRIDAY = 4
PACES = {
    "ordinary": {
        **{"sell_fixed_fee": 6, "sell_capped_time": 4, "sell_retainer": 2},
        **{"work": 36, "spend": 5, "complete": 12, "change": 2, "withdraw": 2, "estimate": 5},
        **{"bill": 9, "pay": 12, "edit": 4, "credit": 1},
    },
    "month_end": {
        **{"sell_fixed_fee": 3, "sell_capped_time": 2, "sell_retainer": 1},
        **{"work": 44, "spend": 8, "complete": 10, "change": 1, "withdraw": 2, "estimate": 8},
        **{"bill": 15, "pay": 4, "edit": 1, "credit": 1},
    },
}
"""How often people who work without pause do what, in parts: in the middle of a month, and when it ends."""
MEANT = {
    "complete": "FIXED_FEE",
    "estimate": "FIXED_FEE",
    "change": "FIXED_FEE",
    "spend": "EXPENSE",
    "bill": "TM_CAPPED",
}
"""The type of line that a deal must have for a deed to make sense."""

COLLECT = Step("collect")
"""A customer of before the story pays an invoice: chance says when, not how often."""


@dataclass(frozen=True)
class Habit:
    """How often a deed is done in a week: by the firm (of size S), by each deal that it works on (`busy`), or by each there is (`all`)."""

    deed: str
    weekly: float
    of: str = "firm"


HABITS = (
    Habit("sell_fixed_fee", 0.15),
    Habit("sell_capped_time", 0.1),
    Habit("sell_retainer", 0.05),
    Habit("work", 0.8, "busy"),
    Habit("spend", 0.15, "busy"),
    Habit("complete", 0.06, "busy"),
    Habit("change", 0.02, "busy"),
    Habit("withdraw", 0.02, "busy"),
    Habit("estimate", 0.05, "busy"),
    Habit("edit", 0.01, "all"),
    Habit("credit", 0.004, "all"),
    Habit("pay", 0.2, "all"),
)


def week(life: Life, number: int, size: str = "S") -> Iterator[Step]:
    """What is done in a week, in order: sales first, then the deals' work, then money. number: of the week, from 0."""
    seed, scale = life.world.seed, BUSY[size] / BUSY["S"]
    if len(life.deals) < BUSY[size]:
        scale *= HUNGRY
    for habit in HABITS:
        highest = DEEDS[habit.deed].highest
        if habit.of == "firm":
            whole, part = divmod(habit.weekly * scale, 1)
            for nth in range(int(whole) + (chance(seed, number, habit.deed) < part)):
                yield Step(
                    habit.deed,
                    tuple(_number(most, seed, number, habit.deed, nth, at) for at, most in enumerate(highest)),
                )
            continue
        deals = len(life.deals) if habit.of == "all" else min(len(life.deals), BUSY[size])
        for which in range(deals):
            about = (seed, number, habit.deed, life.deals[-1 - which].contract_no)
            if chance(*about) < habit.weekly:
                rest = (_number(most, *about, at) for at, most in enumerate(highest[1:]))
                yield Step(habit.deed, (which, *rest))


def next_step(life: Life, number: int, *, pace: str = "ordinary", size: str = "S") -> Step:
    """The next deed of people who work without pause; without a deal to work on they sell. number: of the deed, from 0."""
    seed, parts = life.world.seed, dict(PACES[pace])
    if not life.deals:
        parts = {name: part for name, part in parts.items() if name.startswith("sell_")}
    elif len(life.deals) < BUSY[size]:
        parts |= {name: HUNGRY * part for name, part in parts.items() if name.startswith("sell_")}
    passed = list(accumulate(parts.values()))
    name = list(parts)[bisect(passed, chance(seed, "pace", number) * passed[-1])]
    highest = DEEDS[name].highest
    return Step(name, tuple(_number(most, seed, "pace", number, name, at) for at, most in enumerate(highest)))


def _number(most: int, *parts: object) -> int:
    return int(chance(*parts, "number") * (most + 1))


def live(
    life: Life,
    *,
    months: int,
    size: str = "S",
    done: Callable[[Step, bool], object] = lambda step, taken: None,
    week_over: Callable[[str], object] = lambda now: None,
    month_over: Callable[[str], object] = lambda now: None,
) -> None:
    """Live to the end of the month after so many, a week at a time, from Friday to Friday; the morning after each month is a stop of
    its own, when its runs are through.

    done: told of each deed and whether the systems took it. week_over: told what time it is after each week's deeds. month_over: told
    what time it is on the first of each month.
    """
    world = life.world
    begin = moment(world.now)
    firsts = [first_of_month(begin, number) for number in range(1, months + 1)]
    friday = begin + timedelta(days=(FRIDAY - begin.weekday()) % 7)
    debtors = Debtors(world)
    for number in range(5 * months):
        while firsts and instant(friday) > firsts[0]:
            world.advance(to=firsts.pop(0))
            world.settle()
            month_over(world.now)
        if not firsts:
            return
        world.advance(to=max(instant(friday), world.now))  # whoever was told of the month's end may have let time pass
        for step in week(life, number, size):
            done(step, do(life, step))
        for invoice_no in debtors.due():
            done(COLLECT, debtors.settle(invoice_no))
        world.settle()
        week_over(world.now)
        friday += timedelta(days=7)


def first_of_month(begin: datetime, number: int) -> str:
    """The first of the month so many months after an instant, at noon UTC."""
    at = begin.month - 1 + number
    return f"{begin.year + at // 12}-{at % 12 + 1:02d}-01T12:00:00.000Z"
