"""The engine as these tests use it: its command line, and waiting for what it does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Compose = Callable[..., str]
WHEELS = "wheelhouse"
"""Where wheels are, in the folder that the image is built from."""


def docker(*words: str, check: bool = True, cwd: Path | None = None, timeout: float = 600, stdin: str = "") -> str:
    """One command of `docker` and what it printed."""
    done = subprocess.run(
        ["docker", *words], capture_output=True, text=True, cwd=cwd, timeout=timeout, input=stdin, check=False
    )
    assert not check or done.returncode == 0, f"docker {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout + ("" if check else done.stderr)


def inspected(name: str) -> dict[str, object]:
    """What the engine knows of a container or an image."""
    found: dict[str, object] = json.loads(docker("inspect", name))[0]
    return found


def fetch_wheels(folder: Path, *wanted: str) -> None:
    """Put wheels of what is wanted, and of all that it needs, where the image is built from; not that of the project itself."""
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", WHEELS, *wanted]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    for own in (folder / WHEELS).glob("counterfoil-*"):
        own.unlink()


def until(so: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until something is so; fails saying what it waited for."""
    limit = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < limit, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.1)


def ready(name: str) -> None:
    """Wait until a container says that it is healthy."""
    health = "{{.State.Status}} {{.State.Health.Status}}"
    until(lambda: docker("inspect", "--format", health, name).strip() == "running healthy", f"{name} is healthy")
