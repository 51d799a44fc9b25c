"""The command line as a whole."""

from __future__ import annotations

import re

from typer.testing import CliRunner

from counterfoil.cli import ORDER, main


def test_help_lists_the_verbs_by_name_and_nothing_else() -> None:
    shown = CliRunner().invoke(main, ["--help"], env={"COLUMNS": "120", "TERM": "dumb"}).output
    listed = shown[shown.index("Commands") :]
    assert tuple(re.findall(r"^\W{1,3}([a-z]+)  ", listed, re.MULTILINE)) == ORDER
