"""What a landscape file may choose of a vendor's face: what its code reads is declared in `settings`, and what is declared is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from counterfoil_mocks import config, vendors

ROOT = Path(__file__).parents[2]
FACES = [(role, vendor) for role, offered in config.VENDORS.items() for vendor in offered if vendor != "native"]
READ = re.compile(r"""\bsettings(?:\.get\(|\[)\s*["'](\w+)["']""")
OWN = re.compile(r"\bsystem\.settings\b")
FROM_ELSEWHERE = {"limits", "public_url", "custom"}
"""Settings that the landscape makes of other keys of its file."""


def read_of(folder: Path) -> set[str]:
    """The names that code reads of its system's settings."""
    lines = [line for file in folder.glob("*.py") for line in file.read_text(encoding="utf-8").splitlines()]
    return {name for line in lines if OWN.search(line) for name in READ.findall(line)}


@pytest.mark.parametrize(("role", "vendor"), FACES)
def test_every_setting_that_a_face_reads_can_be_chosen(role: str, vendor: str) -> None:
    face = vendors.face_of(role, vendor)
    assert face is not None
    read = read_of(ROOT / "mocks" / "counterfoil_mocks" / role / vendor)
    assert read, "the pattern finds what is read"
    assert read <= {*face.settings, *config.COMMON_SETTINGS, *FROM_ELSEWHERE}


@pytest.mark.parametrize(("role", "vendor"), FACES)
def test_every_setting_that_can_be_chosen_is_told(role: str, vendor: str) -> None:
    face = vendors.face_of(role, vendor)
    assert face is not None
    page = (ROOT / "docs" / "vendors" / f"{vendor}.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(?:[\w.]*settings\.)?(\w+)", page))
    assert [each for each in face.settings if each not in told] == []
