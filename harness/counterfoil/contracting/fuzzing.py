"""Schemathesis against any API that has an OpenAPI document, as a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from counterfoil_mocks.kernel.extras import install

PROGRAM = ("-c", "from schemathesis.cli import schemathesis; schemathesis()")
FAILED, BROKEN = 1, 3
CONFIG = """
seed = {seed}
continue-on-failure = true
warnings = false

[generation]
max-examples = {examples}
database = "none"

[phases]
stateful.generation.max-examples = {sequences}

[checks]
# References and states are checked against what is there, which no schema can tell.
positive_data_acceptance.enabled = false
"""


def fuzz(
    url: str, headers: Mapping[str, str], *, seed: int, examples: int, options: Sequence[str] = (), quiet: bool = False
) -> int:
    """Send an API what its document allows and forbids, alone and in sequences; returns an exit code of ours. quiet: prints failures
    alone."""
    if importlib.util.find_spec("schemathesis") is None:
        sys.stderr.write(f"Schemathesis is not installed: {install('fuzz')}\n")
        return BROKEN
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as folder:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(CONFIG.format(seed=seed, examples=examples, sequences=max(3, examples // 3)))
        said = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        command = [sys.executable, *PROGRAM, "--config-file", str(config), "run", url, "--no-color", *said, *options]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=quiet, text=True)
    if quiet and done.returncode:
        sys.stdout.write(done.stdout[-20_000:])
    return done.returncode if done.returncode in (0, FAILED) else BROKEN
