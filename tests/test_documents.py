"""What the pages say of the house is so: the files that they name are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
FOLDERS = ("mocks", "harness", "scenarios", "load", "tests")
PAGES = ("CONTRIBUTING.md", "docs/architecture.md")
NAMED = re.compile(r"`([\w*/]+(?:\.py|/))`")
THERE = [f"/{each.relative_to(HOUSE)}" for folder in FOLDERS for each in (HOUSE / folder).rglob("*")]
LINKED = re.compile(r"\]\(([^)#:]+)\)")


def missing(page: str) -> Iterator[str]:
    """Files and folders that a page names or links to, and that are nowhere."""
    text = (HOUSE / page).read_text(encoding="utf-8")
    for name in sorted(set(NAMED.findall(text))):
        if not any(fnmatch(each, f"*/{name.rstrip('/')}") for each in THERE):
            yield name
    for target in LINKED.findall(text):
        if not ((HOUSE / page).parent / target).exists():
            yield target


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    assert NAMED.search((HOUSE / page).read_text(encoding="utf-8"))
    assert list(missing(page)) == []
