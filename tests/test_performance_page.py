"""docs/performance.md holds what the benchmarks tell, under the names and beside the targets that they have."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"
ROW = re.compile(
    r"^\| (?P<name>[^|]+) \| (?P<measured>[^|]+) \| (?P<target>[^|]*) \| (?P<beside>[^|]*) \|$", re.MULTILINE
)


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    known = set(sys.modules)
    yield importlib.import_module("page")
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def test_every_benchmark_has_its_place_in_the_page_and_no_place_is_left_over(benchmarks: ModuleType) -> None:
    text = benchmarks.PAGE.read_text(encoding="utf-8")
    places = re.findall(r"<!-- (\w+) -->", text)
    assert places == ["machine", *benchmarks.BENCHMARKS]
    scripts = {each.stem for each in BENCHMARKS.glob("*.py") if "__main__" in each.read_text(encoding="utf-8")}
    assert scripts == {*benchmarks.BENCHMARKS, "page", "exploration"}


def test_the_page_shows_figures_that_benchmarks_have_beside_the_targets_that_they_have(benchmarks: ModuleType) -> None:
    text = benchmarks.PAGE.read_text(encoding="utf-8")
    for name in benchmarks.BENCHMARKS:
        targets = importlib.import_module(name).TARGETS
        found = benchmarks.block(name).search(text)
        rows = [each for each in ROW.finditer(found["text"]) if each["name"] not in ("figure", "---")]
        assert rows or found["text"] == benchmarks.UNMEASURED, f"no figures of {name}: run `make performance`"
        for row in rows:
            assert row["name"] in targets, f"{name} knows no figure {row['name']!r}"
            assert row["target"].strip() == targets[row["name"]].shown()


def test_new_figures_replace_the_old_ones_and_nothing_else(benchmarks: ModuleType) -> None:
    page = "a\n<!-- firm -->\nold\n<!-- end of firm -->\nb\n<!-- chain -->\nkept\n<!-- end of chain -->\n"
    figures = [{"name": "n", "value": "1 s", "target": "≤ 2 s", "met": False, "beside": ""}]
    after = benchmarks.put(page, "firm", benchmarks.table(figures))
    assert after.startswith("a\n<!-- firm -->\n| figure |")
    assert "| n | 1 s **(missed)** | ≤ 2 s |  |" in after
    assert "old" not in after
    assert after.endswith(page[page.index("b\n<!--") :])
    with pytest.raises(SystemExit, match="no place for suite"):
        benchmarks.put(page, "suite", "")
