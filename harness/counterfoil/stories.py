"""A scenario's own description: its id, title, the invariants it adds to the always-on set, its faults, and what it
presupposes. The decorator only attaches it; the pytest plugin does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

ALWAYS_ON = tuple(f"INV-{number:02d}" for number in (2, 18, 19, 20, 22, 25, 27, 28, 29, 31, 34, 41, 42, 45, 47, 51))
"""Invariants that every scenario asserts (domain §7)."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Story:
    """What a scenario says of itself.

    invariants: ids as `INV-03`, those of the always-on set included. faults: a plan (list of faults) in force from its start.
    presupposes: abilities that an integration must declare (`dead_letters`, `reconciliation`, …), else the scenario is not
    applicable to it. slow: takes minutes, so that it is told only when asked for. systems: further systems that its landscape has, as
    a landscape file says them: `{"erp_b": {"role": "erp"}}`. size: of the firm that it needs, where no other is asked for.
    throughout: what must always hold is judged at every moment of it, not only at its end; years have too many moments.
    """

    id: str
    title: str
    invariants: tuple[str, ...] = ()
    faults: tuple[dict[str, Any], ...] = field(default=())
    presupposes: tuple[str, ...] = ()
    slow: bool = False
    systems: tuple[tuple[str, dict[str, Any]], ...] = ()
    throughout: bool = True
    size: str | None = None


def invariant_id(text: str) -> str:
    """`03` and `INV-03` are the same invariant."""
    return text if text.startswith("INV-") else f"INV-{int(text):02d}"


def scenario(
    id: str,
    title: str,
    *,
    invariants: Sequence[str] = (),
    faults: Sequence[dict[str, Any]] = (),
    presupposes: Sequence[str] = (),
    without: Sequence[str] = (),
    slow: bool = False,
    systems: Mapping[str, dict[str, Any]] | None = None,
    throughout: bool = True,
    size: str | None = None,
) -> Callable[[Function], Function]:
    """Mark a function `scenario_*(world)` as a scenario: `@scenario("S-01", "The end-to-end workflow", invariants=["03", "08"])`.

    without: invariants of the always-on set that people of the story break on purpose, for the integration to find.
    """
    broken = set(map(invariant_id, without))
    named = tuple(dict.fromkeys((*map(invariant_id, invariants), *(each for each in ALWAYS_ON if each not in broken))))
    extra = tuple((systems or {}).items())
    story = Story(id, title, tuple(sorted(named)), tuple(faults), tuple(presupposes), slow, extra, throughout, size)

    def mark(function: Function) -> Function:
        function.__counterfoil__ = story  # type: ignore[attr-defined]
        return function

    return mark


def scenario_folder() -> Path:
    """Where the shipped scenarios are: beside the packages in a checkout, inside the package in a wheel.

    Raises FileNotFoundError when neither is there.
    """
    return shipped("scenarios")


def shipped(name: str) -> Path:
    """A folder of scripts or data that the wheel ships inside the package (`scenarios`, `contracts`, `load`)."""
    package = Path(__file__).resolve().parent
    for folder in (package / name, package.parents[1] / name):
        if folder.is_dir() and any(folder.iterdir()):
            return folder
    raise FileNotFoundError(f"this installation holds no folder {name!r}")


def is_shipped(path: Path) -> bool:
    """Whether a file is one of the scenarios that come along."""
    try:
        return scenario_folder() in path.resolve().parents
    except FileNotFoundError:
        return False
