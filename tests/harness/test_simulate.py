"""`counterfoil simulate`: months of the firm, the same from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.activity.debtors import paid_on

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
    (month,) = done.json["scenarios"][0]["months"]
    assert month["deeds"]["collect"] > 20, "the firm's own customers go on paying"


def test_who_owed_money_before_pays_later_than_today_most_of_them_within_a_month_and_some_never() -> None:
    owed: list[Any] = [{"invoice_no": f"INV-{number}", "due": "2026-01-20"} for number in range(1000)]
    days = [paid_on(7, each, "2026-01-10") for each in owed]
    paid = [day for day in days if day is not None]
    assert all("2026-01-10" < day <= "2026-06-19" for day in paid)
    assert 0 < days.count(None) < 30
    assert 700 < sum(day <= "2026-02-19" for day in paid) < 800
    assert days == [paid_on(7, each, "2026-01-10") for each in owed]
    assert paid_on(7, {"invoice_no": "INV-1", "due": "2025-01-20"}, "2026-01-10") is None


@pytest.mark.parametrize("words", [("--size", "XXL"), ("--months", "0"), ("--faults", "no-such-plan")])
def test_wrong_usage_exits_2(cli: Start, words: tuple[str, str]) -> None:
    done = cli("simulate", *words)
    assert done.code == 2
    assert "simulate" in done.err
