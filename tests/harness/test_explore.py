"""`counterfoil explore` and `replay`: a defect is found by stories that nobody wrote, made short, kept, and seen again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from counterfoil.activity.deeds import DEEDS, Step
from counterfoil.exploring.shrinking import shrink
from counterfoil.exploring.telling import Told

Start = Callable[..., Any]

KEPT = {
    "integration": "mutant:F-26",
    "seed": 1,
    "steps": [{"deed": "sell_fixed_fee", "numbers": [0, 0, 0]}, {"deed": "work", "numbers": [0, 2]}],
    "violated": {"invariant": "INV-40", "rule": "…", "rows": []},
}


@pytest.mark.slow
def test_a_mutant_is_found_shortened_kept_and_told_again_exactly(cli: Start, tmp_path: Path) -> None:
    found = cli("explore", "--integration", "mutant:F-26", "--seconds", "120", "--seed", "1", "--json")
    assert found.code == 1, found.out + found.err
    assert 1 <= len(found.json["steps"]) <= 8
    kept = yaml.safe_load((tmp_path / "story.yaml").read_text())
    assert len(kept["steps"]) == len(found.json["steps"])
    assert kept["violated"]["rows"]

    again = cli("replay", "story.yaml")
    assert again.code == 1
    assert f"{found.json['found']} is violated again, exactly as before" in again.out
    assert cli("replay", "story.yaml", "--integration", "reference").code == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": None}, "there are no `steps`"),
        ({"steps": [{"deed": "fly", "numbers": []}]}, "'fly' is no deed"),
        ({"steps": [{"deed": "work", "numbers": [0]}]}, "work takes 2 numbers"),
        ({"integration": "mutant:F-99"}, "no such mutant"),
    ],
)
def test_a_file_that_makes_no_sense_exits_2(cli: Start, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(KEPT | change))
    done = cli("replay", "bad.yaml")
    assert done.code == 2
    assert said in done.err


def test_companies_of_one_name_stay_apart_when_one_of_them_is_renamed(cli: Start, tmp_path: Path) -> None:
    ballymore = {"deed": "sell_capped_time", "numbers": [0, 0]}
    steps = [ballymore, ballymore, {"deed": "edit", "numbers": [1, 1]}, ballymore]
    story = KEPT | {"steps": steps, "violated": {"invariant": "INV-01", "rule": "…", "rows": []}}
    (tmp_path / "story.yaml").write_text(yaml.safe_dump(story))
    done = cli("replay", "story.yaml", "--integration", "reference")
    assert done.code == 0, done.out + done.err


def test_shrinking_leaves_the_steps_that_matter() -> None:
    def tell(steps: list[Step]) -> Told:
        names = [each.deed for each in steps]
        broken = {"INV-01": {}} if "work" in names and "pay" in names[names.index("work") :] else {}
        return Told(steps, broken)

    long = [
        Step(name, (1,) * len(DEEDS[name].highest)) for name in ("pay", "edit", "work", *["spend"] * 9, "pay", "edit")
    ]
    assert [str(each) for each in shrink(tell(long), "INV-01", tell, seconds=60).steps] == ["work 0 0", "pay 0"]
