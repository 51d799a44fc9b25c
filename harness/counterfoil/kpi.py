"""What a KPI is: a figure of the seed's FAQ, with the inputs that it came from. `kpis/` holds one small file each."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from counterfoil import vocabulary
from counterfoil.invariant import Params, limits
from counterfoil_mocks.kernel.store import Store


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
        return [
            Figure(id=each.id, name=each.name, sentence=each.sentence, unit=each.unit, **each.find(store, params))
            for each in catalogue().values()
            if only is None or each.id in only
        ]
