"""The fidelity pages say what the tests say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _fidelity() -> ModuleType:
    place = Path(__file__).with_name("fidelity.py")
    spec = importlib.util.spec_from_file_location("counterfoil_fidelity", place)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


FIDELITY = _fidelity()


@pytest.mark.parametrize("vendor", FIDELITY.vendors())
def test_the_page_says_what_the_tests_say(vendor: str) -> None:
    written = (FIDELITY.PAGES / f"{vendor}.md").read_text(encoding="utf-8")
    assert written == FIDELITY.page(vendor), "run `python tests/faces/fidelity.py`"


def test_a_page_is_of_a_vendor_that_there_is() -> None:
    from counterfoil_mocks import vendors

    worn = {vendor for known in vendors.offered().values() for vendor in known if vendor != "native"}
    assert worn >= set(FIDELITY.vendors())
    assert "stripe" in FIDELITY.vendors()
