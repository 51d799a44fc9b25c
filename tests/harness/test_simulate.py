"""`counterfoil simulate`: months of the firm, the same from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_report(cli: Start, tmp_path: Path) -> None:
    words = ("simulate", "--months", "1", "--seed", "3", "--serial", "--json", "--html")
    first, second = cli(*words, "a.html"), cli(*words, "b.html")
    assert first.code == 0, first.out + first.err
    assert first.out == second.out
    assert (tmp_path / "a.html").read_text() == (tmp_path / "b.html").read_text()
    (month,) = first.json["scenarios"][0]["months"]
    assert month["month"] == "2026-01"
    assert month["deals"] > 0
    assert sum(month["deeds"].values()) > month["deals"]
    assert len(first.json["scenarios"][0]["kpis"]) == 20


def test_a_do_nothing_integration_leaves_the_books_wrong(cli: Start) -> None:
    done = cli("simulate", "--months", "1", "--seed", "3", "--integration", "noop", "--json")
    assert done.code == 1, done.out + done.err
    assert done.json["scenarios"][0]["violations"]


@pytest.mark.parametrize("words", [("--size", "XXL"), ("--months", "0"), ("--faults", "no-such-plan")])
def test_wrong_usage_exits_2(cli: Start, words: tuple[str, str]) -> None:
    done = cli("simulate", *words)
    assert done.code == 2
    assert "simulate" in done.err
