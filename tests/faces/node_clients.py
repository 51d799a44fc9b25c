"""Vendors' clients for Node: installed from npm once, unmodified. Without Node or npm their tests are skipped, loudly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SECONDS = 200
"""How long npm may take."""


def installed(packages: Mapping[str, str]) -> Path:
    """A folder in which packages are installed. packages: versions by name."""
    first, version = next(iter(packages.items()))
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"NOT TESTED: {first}, because there is no node and npm here")
    place = Path(
        os.environ.get("COUNTERFOIL_NODE") or Path(tempfile.gettempdir()) / f"counterfoil-node-{first}-{version}"
    )
    if not all((place / "node_modules" / name / "package.json").exists() for name in packages):
        place.mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}@{said}" for name, said in packages.items()]
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), *wanted]
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
        if done.returncode != 0:
            pytest.skip(f"NOT TESTED: {first} cannot be installed: {done.stderr.decode()[-300:]}")
    return place


def run(place: Path, script: str, *words: str) -> Any:
    """What a script prints as JSON when it is run with some words."""
    (place / "flow.js").write_text(script, encoding="utf-8")
    command = ["node", str(place / "flow.js"), *words]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd=place)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
