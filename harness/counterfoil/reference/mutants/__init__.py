"""Mutants: the reference with one realistic defect each, by the id of the failure catalogue. Each is one small file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil.reference.event import type_named
from counterfoil.reference.flows import handled


@dataclass(frozen=True)
class Mutant:
    """A defect, told in the title. parts: what it exchanges in the reference. invariants: which should catch it, as its row in the catalogue says. scenarios: which expose it.
    faults: a plan that must be in force for it to show, beyond what those scenarios inject themselves."""

    id: str
    title: str
    invariants: tuple[str, ...]
    scenarios: tuple[str, ...]
    parts: Mapping[str, type]
    faults: tuple[dict[str, Any], ...] = field(default=())

    def hears(self) -> set[str]:
        """Types of the events that its parts deal with."""
        return {type_named(each) for part in self.parts.values() for each in handled(part)}


def bent(document: Mapping[str, Any], change: Callable[[int], int]) -> dict[str, Any]:
    """A document with its amounts changed, its lines' too. change: of minor units."""
    made = dict(document)
    for name in ("net", "tax", "total"):
        if made.get(name) is not None:
            made[name] = {**made[name], "minor": change(made[name]["minor"])}
    if "lines" in made:
        made["lines"] = [bent(line, change) for line in made["lines"]]
    return made


def names() -> list[str]:
    """Ids of all mutants, in order."""
    return sorted(
        each.name.replace("f_", "F-") for each in pkgutil.iter_modules(__path__) if each.name.startswith("f_")
    )


def find(name: str) -> Mutant | None:
    """The mutant with this id, None where there is none."""
    if name not in names():
        return None
    found: Mutant = importlib.import_module(f"{__name__}.{name.replace('F-', 'f_')}").MUTANT
    return found


def catalogue() -> dict[str, Mutant]:
    """All mutants by id, in order."""
    return {mutant.id: mutant for mutant in map(find, names()) if mutant is not None}
