"""Publishing to a Pact broker, where one is configured: the work of the `pact` command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from counterfoil_mocks.kernel.extras import install


def publish(pacts: Sequence[Path], version: str, broker: str) -> int:
    """Publish pact files and folders as a version of their consumer; returns the exit code of `pact`, 127 where it is missing."""
    beside = Path(sys.executable).with_name("pact")
    program = str(beside) if beside.exists() else shutil.which("pact")
    if program is None:
        sys.stderr.write(f"the `pact` command line is not installed: {install('contracts')}\n")
        return 127
    command = [
        program,
        "broker",
        "publish",
        *map(str, pacts),
        "--broker-base-url",
        broker,
        "--consumer-app-version",
        version,
    ]
    return subprocess.run(command, check=False).returncode
