"""`counterfoil init`: what it writes runs as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Start = Callable[..., Any]
WRITTEN = (
    "integration.yaml",
    "integration.py",
    "landscape.yaml",
    "scenarios/first_customer.py",
    ".github/workflows/counterfoil.yml",
)
AS_WRITTEN = ("--landscape", "landscape.yaml", "--json")


def test_what_it_writes_runs_and_a_do_nothing_integration_fails_it(cli: Start, tmp_path: Path) -> None:
    done = cli("init")
    assert done.code == 0, done.err
    assert all((tmp_path / name).is_file() for name in WRITTEN)

    own = cli("run", "scenarios", "--integration", "integration.yaml", *AS_WRITTEN)
    assert own.code == 0, own.out + own.err
    assert own.json["counts"] == {"passed": 1}
    assert cli("run", "scenarios", "--integration", "noop", *AS_WRITTEN).code == 1


def test_the_workflow_runs_commands_on_the_files_that_are_there(cli: Start, tmp_path: Path) -> None:
    assert cli("init", "books").code == 0
    workflow = yaml.safe_load((tmp_path / "books/.github/workflows/counterfoil.yml").read_text())
    words = " ".join(step["run"] for step in workflow["jobs"]["books"]["steps"] if "run" in step).split()
    for name in ("integration.yaml", "landscape.yaml", "scenarios"):
        assert name in words
        assert (tmp_path / "books" / name).exists()


@pytest.mark.parametrize("there", ["landscape.yaml", "scenarios/first_customer.py"])
def test_nothing_is_overwritten_and_nothing_else_written(cli: Start, tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine")
    done = cli("init")
    assert done.code == 2
    assert there in done.err
    assert (tmp_path / there).read_text() == "mine"
    assert [each for each in WRITTEN if (tmp_path / each).exists()] == [there]


def test_a_folder_that_cannot_be_made_is_named(cli: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cli("init", "file")
    assert done.code == 2
    assert "file" in done.err
