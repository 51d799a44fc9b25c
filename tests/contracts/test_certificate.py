"""A certificate says what was asked, what held and what did not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest


@pytest.mark.slow
def test_a_certificate_names_what_was_tried_and_what_held(cli: Any, tmp_path: Path) -> None:
    done = cli("certify", "--scenario", "S-16", "--out", tmp_path)
    assert done.code == 0, done.out + done.err
    found = orjson.loads((tmp_path / "certificate.json").read_bytes())
    assert (found["verdict"], found["level"]) == ("passed", "none")
    assert "reference: passed (S-16 only, no level, seed 1)" in done.out
    assert found["seed"] == 1
    assert found["deviations"] == []
    assert found["scope"]["scenarios"] == ["S-16"]
    assert found["faults"] == {"lossy": {"S-16": "passed"}, "repeating": {"S-16": "passed"}}
    assert found["invariants"]["held"]
    assert all(each["held"] == each["interactions"] > 0 for each in found["contracts"])
    assert "create_customer" in found["operations"]["erp"]["used"]
    assert found["operations"]["erp"]["offered"] > 50
    page = (tmp_path / "certificate.html").read_text("utf-8")
    assert "reference: passed" in page
    assert "S-16" in page


def test_a_level_that_does_not_exist_is_refused(cli: Any, tmp_path: Path) -> None:
    done = cli("certify", "--level", "gold", "--out", tmp_path)
    assert done.code == 2
    assert "core or full" in done.err


def test_what_cannot_be_certified_leaves_no_folder(cli: Any, tmp_path: Path) -> None:
    for asked in (("--scenario", "S-99"), ("--integration", "nowhere.yaml")):
        done = cli("certify", *asked, "--out", tmp_path / "page")
        assert done.code == 2, done.err
        assert not (tmp_path / "page").exists()


def test_only_a_level_is_certified() -> None:
    from counterfoil.contracting import certificate

    told: Any = {"id": "S-02", "title": "A month", "verdict": "passed"}
    plain: Any = {"scenarios": [told]}
    whole = certificate.drawn(certificate.Commission("noop"), plain, {}, [], [])
    chosen = certificate.drawn(certificate.Commission("noop", scenarios=("S-02",)), plain, {}, [], [])
    assert (whole["verdict"], chosen["verdict"]) == ("certified", "passed")


def test_the_page_says_of_each_scenario_what_did_not_hold(tmp_path: Path) -> None:
    from counterfoil.contracting import certificate

    told: Any = {"id": "S-02", "title": "A month", "verdict": "violated", "expectations": [{"held": False}]}
    plain: Any = {"scenarios": [told]}
    made = certificate.drawn(certificate.Commission("noop", scenarios=("S-02",)), plain, {"lossy": plain}, [], [])
    assert made["deviations"] == [
        "S-02 is violated: 1 expectation not met",
        "S-02 under the fault plan lossy is violated",
    ]
    page, _ = certificate.write(made, tmp_path)
    drawn = page.read_text("utf-8")
    assert '<section class="verdict violated">' in drawn
    assert "<td>1 expectation not met</td>" in drawn
    assert "none: chosen scenarios" in drawn
