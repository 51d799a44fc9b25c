"""Schemathesis against the native face of every system: no server error, no answer that its OpenAPI document does not tell of.

Every operation is fuzzed and walked in sequences; the exhaustive coverage phase, whose cases grow with the number of fields, runs
over single reads and all deeds, and over the lists and writes of some entities. `COUNTERFOIL_FUZZ=full` runs it over everything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from counterfoil_mocks.kernel import offers
from counterfoil_mocks.roles import ROLES

FULL = os.environ.get("COUNTERFOIL_FUZZ") == "full"
COVERED = {
    "crm": ("customer", "rate_card"),
    "psa": ("time_entry", "task"),
    "erp": ("period", "work_entry"),
    "billing": ("tax_code", "billable_item"),
}
"""Entities whose writes the coverage phase covers."""
COVERED_KINDS = ("get", "action", "webhook", "token")
SEED = 20260105
EXAMPLES = 2
SEQUENCES = 6

CONFIG = """
seed = {seed}
continue-on-failure = true
warnings = false

[generation]
max-examples = {examples}
database = "none"

[phases]
examples.enabled = false
stateful.generation.max-examples = {sequences}

[checks]
# References, currencies and states are checked against what is there, which no schema can tell.
positive_data_acceptance.enabled = false
missing_required_header.expected-statuses = [400, 401, 403, 404, 406, 415, 422, 428]

[[operations]]
# A batch answers 200 and tells of each item whether it could be taken.
include-operation-id-regex = "^bulk_"
checks.negative_data_rejection.enabled = false
"""
UNCOVERED = """
[[operations]]
include-operation-id = {names}
phases.coverage.enabled = false
"""


def config(system: str) -> str:
    """The configuration of a run."""
    text = CONFIG.format(seed=SEED, examples=EXAMPLES, sequences=SEQUENCES)
    uncovered = [
        each.name
        for each in offers.table(ROLES[system]).values()
        if each.kind not in COVERED_KINDS and (each.entity is None or each.entity.name not in COVERED[system])
    ]
    return text if FULL else text + UNCOVERED.format(names=json.dumps(uncovered))


@pytest.mark.slow
@pytest.mark.parametrize("system", list(ROLES))
def test_whatever_is_sent_the_answer_is_one_that_the_document_tells_of(faces: Any, system: str, tmp_path: Path) -> None:
    path = tmp_path / "schemathesis.toml"
    path.write_text(config(system))
    document = f"{faces.url(system)}/native/v1/openapi.json"
    token = f"Authorization: Bearer {faces.tokens[system].access_token}"
    program = ("-c", "from schemathesis.cli import schemathesis; schemathesis()")
    done = subprocess.run(
        [sys.executable, *program, "--config-file", str(path), "run", document, "-H", token, "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    faces.journal.flush()
    tested = faces.store.rows(
        "SELECT count(*) AS calls, count(DISTINCT operation) AS names FROM journal.entry WHERE system = ?", (system,)
    )
    assert tested[0]["names"] > len(offers.table(ROLES[system])) * 0.9, done.stdout[-3_000:]
