"""Schemathesis against the control plane: no server error, no answer that its OpenAPI document does not tell of.

Its own calls are covered exhaustively. What it offers of the systems is fuzzed and walked in sequences; the operations behind are
covered on the native faces.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FULL = os.environ.get("COUNTERFOIL_FUZZ") == "full"
SEED = 20260105
PROGRAM = ("-c", "from schemathesis.cli import schemathesis; schemathesis()")
CONFIG = """
seed = {seed}
continue-on-failure = true
warnings = false

[generation]
max-examples = {examples}
database = "none"

[phases]
examples.enabled = false
stateful.generation.max-examples = 6

[checks]
# References and states are checked against what is there, which no schema can tell.
positive_data_acceptance.enabled = false

[[operations]]
include-operation-id = "settled"
parameters = {{ quiet_ms = 0, timeout_ms = 50 }}
"""
UNCOVERED = """
[[operations]]
include-path-regex = "^/systems/"
phases.coverage.enabled = false
"""


def fuzz(running: Any, folder: Path, config: str, *options: str) -> None:
    """Run Schemathesis over the control plane; fails with what it reports."""
    (folder / "schemathesis.toml").write_text(config)
    done = subprocess.run(
        [
            sys.executable,
            *PROGRAM,
            "--config-file",
            str(folder / "schemathesis.toml"),
            "run",
            f"{running.landscape.control_url}/openapi.json",
            "--no-color",
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


def operation_ids(running: Any, *, systems: bool) -> list[str]:
    """The operations that belong to the systems, or the others."""
    paths = running.call("GET", "/openapi.json").json["paths"]
    return [
        each["operationId"]
        for path, methods in paths.items()
        for each in methods.values()
        if path.startswith("/systems/") is systems
    ]


@pytest.mark.slow
def test_its_own_calls_answer_as_its_document_says(running: Any, tmp_path: Path) -> None:
    wanted = [name for name in operation_ids(running, systems=False) if name != "register"]
    only = [part for name in wanted for part in ("--include-operation-id", name)]
    fuzz(running, tmp_path, CONFIG.format(seed=SEED, examples=10), *only)


@pytest.mark.slow
def test_announcing_an_integration_answers_as_the_document_says(running: Any, tmp_path: Path) -> None:
    only = ("--include-path-regex", "^/integration", "--phases", "coverage,fuzzing")
    fuzz(running, tmp_path, CONFIG.format(seed=SEED, examples=30), *only)


@pytest.mark.slow
def test_what_it_offers_of_the_systems_answers_as_its_document_says(running: Any, tmp_path: Path) -> None:
    config = CONFIG.format(seed=SEED, examples=10 if FULL else 1) + ("" if FULL else UNCOVERED)
    fuzz(running, tmp_path, config, "--include-path-regex", "^/systems/")


def test_the_document_lists_every_collection_and_action_of_every_system(running: Any) -> None:
    paths = running.call("GET", "/openapi.json").json["paths"]
    for name, system in running.landscape.systems.items():
        for entity in system.role.entities:
            assert "get" in paths[f"/systems/{name}/{entity.plural}"]
            assert "get" in paths[f"/systems/{name}/{entity.plural}/{{id}}"]
        for action in system.role.actions:
            assert "post" in paths[f"/systems/{name}/actions/{action}"]


def test_no_link_leads_into_a_list_that_may_be_empty(running: Any) -> None:
    document = running.call("GET", "/openapi.json").json
    answers = [
        answer for path in document["paths"].values() for each in path.values() for answer in each["responses"].values()
    ]
    followed = [
        link["parameters"] for answer in answers for link in answer.get("links", {}).values() if "parameters" in link
    ]
    assert followed
    assert not [each for each in followed if any("/items/" in value for value in each.values())]


def test_every_reference_of_the_document_leads_somewhere(running: Any) -> None:
    document = running.call("GET", "/openapi.json").json
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    text = json.dumps(document)
    asked = {part.split('"', 1)[0] for part in text.split('"$ref": "')[1:]}
    assert asked <= known
