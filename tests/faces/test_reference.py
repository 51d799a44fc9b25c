"""The reference integration against vendors' faces, by a connector of its own for each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil.reference import connectors
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.connectors.vendor import VendorConnector
from counterfoil.reference.parts import connector_of
from counterfoil_mocks import vendors

CONNECTED = [
    (role, vendor)
    for role, known in vendors.offered().items()
    for vendor in known
    if vendor != "native" and Path(connectors.__path__[0], f"{vendor}.py").exists()
]


VERBS = {"bulk": "create", "update": "patch", "delete": "remove"}
"""What the native face calls an operation, and what a connector calls it, where the two differ."""


def has_reason(connector: type[VendorConnector], operation: str) -> bool:
    """Whether a connector says why an operation goes by the native face."""
    verb, _, entity = operation.partition("_")
    return operation in connector.NATIVE or connector.natively(entity, VERBS.get(verb, verb))


DOCS = Path(__file__).parents[2] / "docs" / "vendors"


@pytest.mark.parametrize("vendor", [vendor for _, vendor in CONNECTED])
def test_people_are_told_why_something_goes_by_the_native_face(vendor: str) -> None:
    connector = connector_of(vendor, NativeConnector)
    assert issubclass(connector, VendorConnector)
    told = (DOCS / f"{vendor}.md").read_text(encoding="utf-8")
    for name, reason in connector.NATIVE.items():
        assert f"| `{name}` | {reason} |" in told


@pytest.mark.parametrize(("role", "vendor"), CONNECTED)
def test_the_reference_keeps_the_books_right_through_a_vendor_s_face(role: str, vendor: str, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "counterfoil",
        "run",
        "S-01",
        f"--{role}",
        vendor,
        "--json",
        "--export",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout.decode()[-3000:] + done.stderr.decode()[-2000:]
    assert json.loads(done.stdout)["verdict"] == "passed"
    journal = [json.loads(line) for line in (tmp_path / "journal.ndjson").read_text(encoding="utf-8").splitlines()]
    asked = [each for each in journal if each["kind"] == "request" and each["system"] == role]
    spoken = [each for each in asked if "/native/" not in each["path"]]
    assert {each["method"] for each in spoken} & {"POST", "PATCH", "PUT"}
    connector = connector_of(vendor, NativeConnector)
    assert issubclass(connector, VendorConnector)
    native = {each["operation"] for each in asked if each not in spoken} - {"token"}
    assert {name for name in native if not has_reason(connector, name)} == set()
