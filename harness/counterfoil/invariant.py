"""What an invariant is: a sentence that must be true across systems, as a query whose result must be empty.

An invariant knows no scenario and no integration; `verdict.py` runs the catalogue that `invariants/` holds.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil_mocks.kernel.store import Store

Row = dict[str, Any]
Params = Mapping[str, Any]

MINUTES: dict[str, int] = {
    "DL-S": 15,
    "DL-M": 15,
    "DL-P": 60,
    "DL-C": 60,
    "DL-T": 15,
    "DL-B": 24 * 60,
    "DL-I": 15,
    "DL-Y": 60,
    "DL-R": 4 * 60,
    "DL-X-S1": 2 * 60,
    "DL-X-S2": 4 * 60,
    "DL-X-S3": 8 * 60,
    "DL-X-S4": 24 * 60,
    "DL-W": 45 * 24 * 60,
    "DL-Q": 24 * 60,
}
"""Deadline classes in minutes of business time (domain §4.4). DL-B counts business days."""

PATIENCE = 6 * 60
"""Minutes ahead within which retries have been made once a landscape is at rest: shorter deadlines have then passed."""

KINDS = ("A", "E", "P", "Q")


@dataclass(frozen=True)
class Invariant:
    """One rule.

    id: `INV-24`. rule: the sentence, in finance's words. kind: A at every instant, E after a deadline, P at period close, Q at the
    end of a run. keys: result columns that name one violation. sql: the query; or find: a function of the store and the parameters
    that returns the same kind of rows. deadlines: classes that it waits for. presupposes: abilities that an integration must
    declare. money: result column with the amount at stake, minor units of the row's `ccy`.

    Parameters of a query: `:now`, and for each deadline class the latest instant whose deadline has passed (`:dl_s`, `:dl_x_s1`) and
    its length (`:dl_s_minutes`).
    """

    id: str
    rule: str
    kind: str
    keys: tuple[str, ...]
    sql: str = ""
    find: Callable[[Store, Params], list[Row]] | None = None
    deadlines: tuple[str, ...] = ()
    presupposes: tuple[str, ...] = ()
    money: str = "amount"

    def rows(self, store: Store, params: Params) -> list[Row]:
        """The violations, none when the rule holds."""
        return self.find(store, params) if self.find else store.rows(self.sql, dict(params))

    def key_of(self, row: Row) -> tuple[Any, ...]:
        """What names a violation, the same before and after other rows change."""
        return tuple(row.get(name) for name in self.keys)


def limits(now: str, deadlines: Mapping[str, int] | None = None, *, at_rest: bool = False) -> dict[str, Any]:
    """The parameters of the queries at an instant. deadlines: overrides classes, in minutes; raises KeyError for an unknown one.

    at_rest: nothing moves any more, so that what was due within hours will not come; only the time that people have (DL-X, DL-Q,
    DL-W, a business day) still counts.
    """
    minutes = dict(MINUTES)
    for name, value in (deadlines or {}).items():
        if name not in minutes:
            raise KeyError(f"unknown deadline class {name!r}; known are {', '.join(minutes)}")
        minutes[name] = value
    moment = datetime.fromisoformat(now.replace("Z", "+00:00"))
    params: dict[str, Any] = {"now": now}
    for name, length in minutes.items():
        params[f"{parameter(name)}_minutes"] = length
        value = 0 if at_rest and length <= PATIENCE and not name.startswith("DL-X") else length
        earlier = moment - timedelta(minutes=value)
        while name == "DL-B" and value and earlier.weekday() > 4:
            earlier -= timedelta(days=1)
        params[parameter(name)] = instant(earlier)
    return params


def parameter(name: str) -> str:
    """The name of a deadline class in a query: DL-X-S1 is `dl_x_s1`."""
    return name.lower().replace("-", "_")


def instant(moment: datetime) -> str:
    """An aware datetime as instant text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def catalogue() -> dict[str, Invariant]:
    """All invariants by id, in order: each module of `counterfoil.invariants` holds one, named INVARIANT."""
    from counterfoil import invariants

    found: list[Invariant] = []
    for module in pkgutil.iter_modules(invariants.__path__, "counterfoil.invariants."):
        found.append(importlib.import_module(module.name).INVARIANT)
    return {each.id: each for each in sorted(found, key=lambda each: each.id)}
