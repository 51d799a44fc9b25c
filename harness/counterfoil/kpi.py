"""What a KPI is: a figure of the seed's FAQ, with the inputs that it came from. `kpis/` holds one small file each."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

from pydantic import BaseModel, Field

from counterfoil import vocabulary
from counterfoil.invariant import Params, limits
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.store import Store

REPORTING_CCY = "USD"
"""Currency in which amounts of several currencies are added up."""


@dataclass(frozen=True)
class Kpi:
    """One figure. find: from the store and the parameters (as of an invariant) to `{"value", "inputs": {…}}`; the value is None
    where there is nothing to measure, and a decimal text where it is a fraction."""

    id: str
    name: str
    sentence: str
    unit: str
    find: Callable[[Store, Params], dict[str, Any]]


class Figure(BaseModel):
    """A KPI's value now."""

    id: str
    name: str
    sentence: str
    unit: str
    value: str | int | None
    inputs: dict[str, Any] = Field(default_factory=dict)


def fraction(part: int, whole: int, places: int = 4) -> str | None:
    """`part / whole` as decimal text, rounded half-up; None where there is nothing to divide by."""
    return money.unscaled(money.half_up(part * 10**places, whole), 10**places) if whole else None


def spread(values: Sequence[int]) -> dict[str, int | None]:
    """Median (the lower of two middles), 95th percentile (nearest rank) and count."""
    ordered = sorted(values)
    if not ordered:
        return {"median": None, "p95": None, "count": 0}
    return {
        "median": ordered[(len(ordered) - 1) // 2],
        "p95": ordered[ceil(len(ordered) * 95 / 100) - 1],
        "count": len(ordered),
    }


def milliseconds(earlier: str, later: str) -> int:
    """Business time between two instants."""
    return round((clock.parse(later) - clock.parse(earlier)).total_seconds() * 1000)


def weekdays(first: str, last: str) -> int:
    """Mondays to Fridays from one date to another, both included."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return sum((begin + timedelta(days=number)).weekday() < 5 for number in range((end - begin).days + 1))


def in_reporting_ccy(store: Store, amounts: Mapping[str, int], now: str) -> tuple[int, str]:
    """Minor units of all amounts (by currency) in one currency: their own where there is only one, else the reporting currency at the
    last spot rate. Raises LookupError where a rate is missing."""
    used = [ccy for ccy, amount in amounts.items() if amount]
    if len(used) < 2:
        ccy = used[0] if used else REPORTING_CCY
        return amounts.get(ccy, 0), ccy
    return sum(_converted(store, amounts[ccy], ccy, now) for ccy in used), REPORTING_CCY


def _converted(store: Store, minor: int, ccy: str, now: str) -> int:
    if ccy == REPORTING_CCY:
        return minor
    found = store.rows(
        "SELECT rate FROM erp.fx_rate WHERE from_ccy = ? AND to_ccy = ? AND type = 'SPOT' AND rate_date <= ? AND deleted_at IS NULL"
        " ORDER BY rate_date DESC LIMIT 1",
        (ccy, REPORTING_CCY, now[:10]),
    )
    if not found:
        raise LookupError(f"there is no rate from {ccy} to {REPORTING_CCY}")
    return money.convert(minor, found[0]["rate"], ccy, REPORTING_CCY)


def catalogue() -> dict[str, Kpi]:
    """All KPIs by id, in order: each module of `counterfoil.kpis` holds one, named KPI."""
    from counterfoil import kpis

    found: list[Kpi] = []
    for module in pkgutil.iter_modules(kpis.__path__, "counterfoil.kpis."):
        found.append(importlib.import_module(module.name).KPI)
    return {each.id: each for each in sorted(found, key=lambda each: each.id)}


def compute(
    store: Store,
    *,
    now: str,
    only: Sequence[str] | None = None,
    links: Mapping[str, str] | None = None,
    deadlines: Mapping[str, int] | None = None,
    events: Iterable[Mapping[str, Any]] = (),
) -> list[Figure]:
    """The figures at a business instant; writes nothing."""
    vocabulary.prepare(store, links=links, events=events)
    params = limits(now, deadlines)
    with store.read_only():
        return [_figure(store, each, params) for each in catalogue().values() if only is None or each.id in only]


def _figure(store: Store, each: Kpi, params: Params) -> Figure:
    try:
        found = each.find(store, params)
    except LookupError as error:
        found = {"value": None, "inputs": {"missing": str(error)}}
    return Figure(id=each.id, name=each.name, sentence=each.sentence, unit=each.unit, **found)
