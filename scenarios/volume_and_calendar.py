"""Volume and calendar (S-53, S-54): leap days, short months, clocks that are put forward and back, and years on end."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from counterfoil import World, amount, scenario
from counterfoil import activity as firm
from counterfoil.activity import rhythm
from counterfoil.activity.deeds import Life, Step
from counterfoil.faults import plan

RETAINERS = (
    # name, entity, currency, country, tax code, rate card, fee, from, to, days on which it is billed
    ("29th", "CF-DE", "EUR", "DE", "VAT19", "DE-STD/1", "120,000", "2027-12-29", "2028-12-28", 29),
    ("30th", "CF-JP", "JPY", "JP", "JCT10", "JP-STD/1", "1,200,000", "2027-12-30", "2028-12-29", 30),
    ("31st", "CF-US", "USD", "US", "NT", "US-STD/1", "120,000", "2027-12-31", "2028-12-30", 31),
    ("26th", "CF-DE", "EUR", "DE", "VAT19", "DE-STD/1", "60,000", "2028-01-26", "2029-01-25", 26),
    ("leap year", "CF-US", "USD", "US", "NT", "US-STD/1", "120,000", "2028-01-15", "2029-01-14", 15),
    ("short", "CF-US", "USD", "US", "NT", "US-STD/1", "9,000", "2028-01-31", "2028-03-30", 31),
)
SEASON = (
    ("25th", "CF-DE", "EUR", "DE", "VAT19", "DE-STD/1", "9,000", "2026-09-25", "2026-11-24", 25),
    ("last day", "CF-US", "USD", "US", "NT", "US-STD/1", "9,000", "2026-08-31", "2026-11-29", 31),
)
"""An autumn: one bill on the day on which Berlin's clocks are put back, and a 31st that comes back after a month of thirty days."""
KNOWN = {
    "leap year": [("2028-01", 557_377), ("2028-02", 950_820), ("2028-03", 1_016_393)],
    "short": [("2028-01", 15_000), ("2028-02", 435_000), ("2028-03", 450_000)],
}
"""Revenue of the first months, worked out by hand."""

MONTHS = 24
OUT_FOR = 6 * 60
SYSTEMS = ("crm", "psa", "billing", "erp")


def last_day(day: date) -> date:
    """The last day of a date's month."""
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)


def bill_days(start: str, end: str, anchor: int) -> list[str]:
    """The anchor day of each month from start to end, or the month's last day where it is shorter."""
    first, last, found = date.fromisoformat(start), date.fromisoformat(end), []
    month = first.replace(day=1)
    while month <= last:
        day = month.replace(day=min(anchor, last_day(month).day))
        found += [day.isoformat()] if first <= day <= last else []
        month = last_day(month) + timedelta(days=1)
    return found


def earned(fee: int, start: str, end: str) -> list[tuple[str, int]]:
    """A fee by the day, month by month, rounded on the sum to date."""
    first, last, found, before = date.fromisoformat(start), date.fromisoformat(end), [], 0
    whole, month = (last - first).days + 1, first
    while month <= last:
        upto = min(last_day(month), last)
        so_far = (2 * fee * ((upto - first).days + 1) + whole) // (2 * whole)
        found.append((month.isoformat()[:7], so_far - before))
        before, month = so_far, upto + timedelta(days=1)
    return found


def let_pass(world: World, until: str) -> None:
    """Let time pass month by month up to a date."""
    while (following := last_day(date.fromisoformat(world.now[:10])) + timedelta(days=1)).isoformat() <= until:
        world.advance(to=following.isoformat())
    if world.now[:10] < until:
        world.advance(to=until)


@scenario(
    "S-53", "Leap day, short months, and clocks put forward and back", invariants=["11", "23", "24", "36", "40", "44"]
)
def scenario_s53_calendar(world: World) -> None:
    """Retainers that are billed late in the month through an autumn; in full size on the 26th, 29th, 30th and 31st in three zones,
    through a leap year: one bill on each of their days, no day too many or too few in any month."""
    retainers, begin, until = (
        (RETAINERS, "2027-12-01", "2029-03-31") if world.slow else (SEASON, "2026-08-01", "2026-12-02")
    )
    let_pass(world, begin)
    deals = []
    for name, entity, ccy, country, tax_code, card, fee, start, end, anchor in retainers:
        buyer = firm.add_customer(world, name=f"Calendar {name} Co", country=country, region=country, invoice_ccy=ccy)
        price = amount(fee, ccy)
        terms = {"start": start, "end": end}
        line = firm.retainer(price, tax_code=tax_code, service_item="RETAINER", **terms)
        deal = firm.sell(
            world,
            customer=buyer,
            name=f"Retainer {name}",
            legal_entity=entity,
            ccy=ccy,
            lines=[line],
            rate_card=card,
            settle=False,
            **terms,
        )
        deals.append((name, deal, price["minor"], start, end, anchor))
    world.settle()
    let_pass(world, until)
    for name, deal, fee_minor, start, end, anchor in deals:
        issued = firm.invoices(world, deal)
        days = Counter(each["issue_date"] for each in issued)
        expected = bill_days(start, end, anchor)
        world.expect(f"{name}: one bill on each day, and back to its anchor", days, Counter(expected))
        world.expect_money(f"{name}: billed in all", sum(each["net"]["minor"] for each in issued), fee_minor, deal.ccy)
        by_month = firm.recognised(world, deal)
        world.expect_money(f"{name}: recognised by the day", by_month, earned(fee_minor, start, end), deal.ccy)
        known = KNOWN.get(name, [])
        world.expect_money(f"{name}: as worked out by hand", by_month[: len(known)], known, deal.ccy)


@scenario(
    "S-54",
    "Two years of the firm with random faults",
    invariants=[
        *("01", "03", "06", "07", "08", "09", "10", "11", "13", "14", "15", "16", "17", "21", "23", "24", "26", "30"),
        *("32", "33", "35", "36", "37", "38", "39", "40", "43", "44"),
    ],
    faults=plan("noisy"),
    slow=True,
    throughout=False,
)
def scenario_s54_two_years(world: World) -> None:
    """Two years at size S on ordinary bad days, with one outage of six hours a month: nothing is lost, and the books are right."""
    world.faults.inject([{"kind": "reorder", "operation": "*", "spread": 5400.0, "share": 0.005}])
    taken: dict[str, int] = {}
    broken: dict[str, list[str]] = {}

    def done(step: Step, was_taken: bool) -> None:
        taken[step.deed] = taken.get(step.deed, 0) + was_taken

    def month_over(now: str) -> None:
        answer = world.invariants(at_rest=True)
        broken[now[:7]] = [each["id"] for each in answer["items"] if each["status"] == "violated"]
        out = SYSTEMS[len(broken) % len(SYSTEMS)]
        world.faults.inject([{"kind": "outage", "system": out, "minutes": OUT_FOR}])
        world.advance(hours=OUT_FOR / 60 + 1)
        world.settle()

    rhythm.live(Life(world), months=MONTHS, done=done, month_over=month_over)
    world.expect("After no month was anything wrong", {month: ids for month, ids in broken.items() if ids}, {})
    world.expect_that(
        "The firm has lived", all(taken.get(name, 0) for name in ("work", "pay", "complete")), taken=taken
    )
    figures = world.kpis()
    world.expect_that("All twenty figures are there", len(figures) == 20, figures=[each["id"] for each in figures])
    world.expect("and they are the same when asked again", world.kpis(), figures)
