"""One list of steps, told from the same beginning and judged by all invariants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from counterfoil.activity.deeds import DEEDS, Life, Step, do
from counterfoil.bench import Bench
from counterfoil.descriptor import Unreadable
from counterfoil.invariant import catalogue
from counterfoil.stories import Story
from counterfoil.world import NotSettled
from counterfoil_mocks.reading import Undecodable, decoded

STORY = Story("explore", "A story that nobody wrote")
RESTLESS = "REST"
"""Stands where an invariant's id would, for a landscape that did not come to rest."""


KEPT = 5
"""Rows of a violation that a kept story holds."""


@dataclass
class Told:
    """What came of a telling. broken: violated invariants as the verdict shows them, by id. refused: steps that the systems refused."""

    steps: list[Step]
    broken: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)


def tell(bench: Bench, steps: Sequence[Step], only: Sequence[str] = ()) -> Told:
    """Tell the steps to a fresh world and judge it. only: invariants that are asked; all by default.

    Looking back is dear: it is done only where all holds at the end, and at what must always hold.
    """
    world, told = bench.world(STORY), Told(list(steps))
    life = Life(world)
    try:
        for number, step in enumerate(steps):
            if not do(life, step):
                told.refused.append(number)
        world.settle()
    except NotSettled as error:
        told.broken[RESTLESS] = {
            "id": RESTLESS,
            "rule": "The landscape comes to rest.",
            "rows": [],
            "count": 0,
            "detail": str(error),
        }
        return told
    told.broken = violated(world.invariants(only, at_rest=True))
    always = [name for name, each in catalogue().items() if each.kind == "A" and (not only or name in only)]
    if not told.broken and always:
        told.broken = violated(world.invariants(always, at_rest=True, throughout=True))
    return told


def violated(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What does not hold, by id."""
    return {each["id"]: each for each in answer["items"] if each["status"] == "violated"}


def same_rows(kept: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a telling broke an invariant by the very rows that a kept story holds; ids are of each telling's own (two tellings never
    share any, so that no integration is fooled by what it remembers), and not compared."""
    return [_named(row) for row in kept] == [_named(row) for row in found[:KEPT]]


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id" and not name.endswith("_id")}


def write(
    path: Path,
    told: Told,
    *,
    seed: int,
    integration: str,
    faults: str | None,
    found: str,
    vendors: Mapping[str, str] | None = None,
) -> None:
    """Keep a telling in a file that `read` understands."""
    broken = told.broken[found]
    content = {
        "integration": integration,
        "seed": seed,
        "faults": faults,
        **({"vendors": dict(vendors)} if vendors else {}),
        "steps": [{"deed": each.deed, "numbers": list(each.numbers)} for each in told.steps],
        "violated": {"invariant": found, "rule": broken["rule"], "rows": broken["rows"][:KEPT]},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """A file that `write` made, its steps as `Step`; raises Unreadable naming what is wrong with it."""
    try:
        content = decoded(path)
    except Undecodable as error:
        raise Unreadable(f"{path} {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("steps"), list):
        raise Unreadable(f"{path}: is not a story that `counterfoil explore` has kept: there are no `steps`")
    steps = []
    for number, each in enumerate(content["steps"], 1):
        name = each.get("deed") if isinstance(each, dict) else None
        if name not in DEEDS:
            raise Unreadable(f"{path}: step {number}: {name!r} is no deed; there are: {', '.join(DEEDS)}")
        numbers = tuple(each.get("numbers") or ())
        highest = DEEDS[name].highest
        if len(numbers) != len(highest) or not all(
            isinstance(one, int) and 0 <= one <= most for one, most in zip(numbers, highest, strict=False)
        ):
            raise Unreadable(f"{path}: step {number}: {name} takes {len(highest)} numbers, up to {list(highest)}")
        steps.append(Step(name, numbers))
    return {**content, "steps": steps}
