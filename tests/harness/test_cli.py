"""The command line as a whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from counterfoil.cli import ORDER, main


def test_help_lists_the_verbs_by_name_and_nothing_else() -> None:
    shown = CliRunner().invoke(main, ["--help"], env={"COLUMNS": "120", "TERM": "dumb"}).output
    listed = shown[shown.index("Commands") :]
    assert tuple(re.findall(r"^\W{1,3}([a-z]+)  ", listed, re.MULTILINE)) == ORDER


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "--html"),
        ("mutants", "F-47", "--html"),
        ("load", "--html"),
        ("explore", "--out"),
        ("certify", "--out"),
        ("contracts", "record", "--from", ".", "--out"),
        ("contracts", "verify", "--results"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    cli: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = cli(*words, tmp_path / "file" / "page")
    assert done.code == 2, done.out + done.err
    assert f"{words[-1]} {tmp_path / 'file' / 'page'}: cannot be written (" in done.err
    assert "Traceback" not in done.err
