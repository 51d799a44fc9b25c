"""What the whole is worth: the reference passes, every mutant is caught, and the same seed is the same run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

pytestmark = pytest.mark.slow

SHIPPED = ["S-01", "S-02", "S-08", "S-16", "S-29", "S-33", "S-38", "S-39", "S-41"]
MUTANTS = ["F-01", "F-03", "F-05", "F-07", "F-08", "F-14", "F-28", "F-34", "F-39", "F-42", "F-47", "F-56"]
NAMED = {
    "F-01": "24 42", "F-03": "42 21 34", "F-05": "43 03", "F-07": "44 17", "F-08": "44", "F-14": "01 02", "F-28": "27 09",
    "F-34": "44 14", "F-39": "24 44", "F-42": "19", "F-47": "14 38", "F-56": "36 37",
}  # fmt: skip
"""The invariants that the failure catalogue names for each defect."""

Start = Callable[..., Any]


def test_the_reference_passes_every_scenario(cli: Start) -> None:
    done = cli("run", "--json", "-n", 2)
    assert done.code == 0, done.out
    assert {each["id"]: each["verdict"] for each in done.json["scenarios"]} == dict.fromkeys(SHIPPED, "passed")


def test_every_mutant_is_caught_by_an_invariant_that_the_catalogue_names(cli: Start) -> None:
    done = cli("mutants", "--json", "-n", 2)
    assert done.code == 0, done.out
    caught = {each["id"]: set(each["by"]) for each in done.json["mutants"] if each["caught"]}
    assert sorted(caught) == MUTANTS
    named = {mutant: {f"INV-{number}" for number in numbers.split()} for mutant, numbers in NAMED.items()}
    assert {mutant: sorted(by) for mutant, by in caught.items() if not by & named[mutant]} == {}
    assert (done.json["total"], done.json["caught"]) == (12, 12)


def test_the_same_seed_gives_the_same_state_and_the_same_journal(cli: Start, tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = cli("run", "S-01", "--serial", "--seed", 7, "--export", tmp_path / name)
        assert done.code == 0, done.out
    one, two = ((tmp_path / name / "state.ndjson").read_bytes() for name in ("one", "two"))
    assert len(one) > 1_000_000
    assert one == two
    assert normalised(tmp_path / "one") == normalised(tmp_path / "two")


def test_another_seed_gives_another_firm(cli: Start, tmp_path: Path) -> None:
    for seed in (7, 8):
        done = cli("run", "S-29", "--serial", "--seed", seed, "--export", tmp_path / str(seed))
        assert done.code == 0, done.out
    seven, eight = ((tmp_path / name / "state.ndjson").read_bytes() for name in ("7", "8"))
    assert seven != eight


def normalised(folder: Path) -> list[dict[str, Any]]:
    """The journal without wall-clock times, ports and trace ids."""
    entries = [orjson.loads(line) for line in (folder / "journal.ndjson").read_bytes().splitlines()]
    assert len(entries) > 1000
    for entry in entries:
        for name in ("wall", "micros", "trace"):
            del entry[name]
        for name in ("request", "response", "path"):
            if entry[name]:
                without_ports = re.sub(r"127\.0\.0\.1:\d+", "HOST", entry[name])
                entry[name] = re.sub(r"00-[0-9a-f]{32}-[0-9a-f]{16}-\d\d", "TRACE", without_ports)
    return entries
