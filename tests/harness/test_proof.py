"""What the whole is worth: the reference passes, every mutant is caught, and the same seed is the same run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from counterfoil.reference.mutants import catalogue

pytestmark = pytest.mark.slow

SHIPPED = [f"S-{number:02d}" for number in (*range(1, 52), 53)]
"""All that are told unless slow ones are asked for."""
SAMPLE = {
    "F-01": ("INV-24", "create_ar_document in erp"),
    "F-03": ("INV-34", "record_ar_status in billing"),
    "F-05": ("INV-43", "update_customer in erp"),
    "F-07": ("INV-44", "create_site in crm"),
    "F-14": ("INV-01", "create_customer in erp"),
    "F-28": ("INV-27", "create_project in psa"),
    "F-34": ("INV-14", "approve_change_order in crm"),
    "F-39": ("INV-14", "approve_change_order in crm"),
    "F-42": ("INV-19", "issue_invoice in billing"),
    "F-47": ("INV-15", "apply_change_order in crm"),
    "F-56": ("INV-36", "create_ar_document in erp"),
}
"""One of a kind, with the call that the defect made wrong (or whose effect it left out) as the first cause of an invariant. The whole
catalogue takes minutes and has a command of its own (`make mutants`)."""
NAMED = {
    "F-01": "24 42", "F-02": "42", "F-03": "42 21 34", "F-04": "42", "F-05": "43 03", "F-06": "43 04",
    "F-07": "44 17", "F-08": "44", "F-09": "44 17", "F-10": "01 02", "F-11": "03 20", "F-12": "03 26",
    "F-13": "52 47", "F-14": "01 02", "F-15": "01 03", "F-16": "06", "F-17": "10 06", "F-18": "05",
    "F-19": "07 01", "F-20": "07", "F-21": "25 24", "F-22": "25 24", "F-23": "25", "F-24": "25 24",
    "F-25": "24 40", "F-26": "40 37", "F-27": "42 23", "F-28": "27 09", "F-29": "31 30", "F-30": "24 44",
    "F-31": "17 44", "F-32": "47 08", "F-33": "44 47 17", "F-34": "44 14", "F-35": "42 19", "F-36": "44 08",
    "F-37": "44", "F-38": "44 14", "F-39": "24 44", "F-40": "51 18", "F-41": "19 23", "F-42": "19",
    "F-43": "18 20", "F-44": "13 20", "F-45": "21 36", "F-46": "11 14 21", "F-47": "14 38", "F-48": "15 14 12",
    "F-49": "33 24 32 30", "F-50": "26 41", "F-51": "35", "F-52": "35 37 30", "F-53": "36", "F-54": "36",
    "F-55": "28 34", "F-56": "36 37", "F-57": "08 10", "F-58": "44 01", "F-59": "09 03", "F-60": "22 39",
    "F-61": "04", "F-62": "16", "F-63": "41", "F-64": "46", "F-65": "29 30", "F-66": "45",
    "F-67": "48 37", "F-68": "49 19 21", "F-69": "50",
}  # fmt: skip
"""The invariants that the failure catalogue names for each defect."""

Start = Callable[..., Any]


def test_the_reference_passes_every_scenario(cli: Start) -> None:
    done = cli("run", "--json", "-n", 2)
    assert done.code == 0, done.out
    assert {each["id"]: each["verdict"] for each in done.json["scenarios"]} == dict.fromkeys(SHIPPED, "passed")


def test_every_mutant_names_the_invariants_of_its_catalogue_row() -> None:
    rows = {mutant: {f"INV-{number}" for number in numbers.split()} for mutant, numbers in NAMED.items()}
    assert {name: set(mutant.invariants) for name, mutant in catalogue().items()} == {
        name: rows[name] for name in catalogue()
    }


def test_a_mutant_of_each_kind_is_caught_as_the_catalogue_says_and_traced_to_the_call_it_broke(cli: Start) -> None:
    done = cli("mutants", *SAMPLE, "--named", "--json", "-n", 2)
    assert done.code == 0, done.out
    assert (done.json["total"], done.json["caught"], done.json["as_named"]) == (len(SAMPLE),) * 3
    causes = {each["id"]: each["causes"] for each in done.json["mutants"]}
    assert {each: (name, causes[each].get(name)) for each, (name, _) in SAMPLE.items()} == SAMPLE


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
    """The journal without wall-clock times, ports, trace ids and what the tokens were."""
    entries = [orjson.loads(line) for line in (folder / "journal.ndjson").read_bytes().splitlines()]
    assert len(entries) > 1000
    for entry in entries:
        for name in ("wall", "micros", "trace", "credential"):
            del entry[name]
        for name in ("request", "response", "path"):
            if entry[name]:
                without_ports = re.sub(r"127\.0\.0\.1:\d+", "HOST", entry[name])
                entry[name] = re.sub(r"00-[0-9a-f]{32}-[0-9a-f]{16}-\d\d", "TRACE", without_ports)
    return entries
