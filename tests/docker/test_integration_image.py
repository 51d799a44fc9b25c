"""An integration that is an image, run against a landscape on this machine: it works as a command does, and it is gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker_engine import docker, until

from counterfoil.container import LABEL

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

AT_HOME: dict[str, Any] = {"command": ["--port", "${port}"], "network": "host"}
FIXED: dict[str, Any] = {"command": ["--host", "0.0.0.0", "--port", "9000"], "ports": [9000]}


@pytest.fixture
def described(reference_image: str, tmp_path: Path) -> Any:
    """Writes the descriptor of the reference as an image, started so."""

    def write(start: dict[str, Any], **more: Any) -> Path:
        said = yaml.safe_load(files("counterfoil.reference").joinpath("reference.yaml").read_text(encoding="utf-8"))
        said |= {"name": "boxed", "start": {"image": reference_image, **start}, **more}
        path = tmp_path / "boxed.yaml"
        path.write_text(yaml.safe_dump(said), encoding="utf-8")
        return path

    return write


def command(path: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "counterfoil", "run", *words, "--integration", str(path)]


def containers() -> list[str]:
    """Those that runs have started."""
    return docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}=boxed").split()


@pytest.mark.parametrize("start", [AT_HOME, FIXED], ids=["host", "bridge"])
def test_an_image_is_judged_as_a_command_is(start: dict[str, Any], described: Any) -> None:
    done = subprocess.run(command(described(start), "S-04"), capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The books are right: 1 passed" in done.stdout
    assert containers() == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_container_goes_with_the_run_however_that_ends(sign: signal.Signals, described: Any) -> None:
    process = subprocess.Popen(
        command(described(AT_HOME), "S-01", "S-02", "-n", "1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: bool(containers()), "a container runs")
    os.killpg(process.pid, sign)
    process.wait(60)
    until(lambda: not containers(), "no container is left")


def test_what_it_wrote_is_told_when_it_ends(described: Any) -> None:
    path = described({"command": ["--port", "not-a-port"], "network": "host"})
    done = subprocess.run(command(path, "S-04"), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3
    assert "boxed ended with code 2; it said last:" in done.stdout
    assert "invalid int value: 'not-a-port'" in done.stdout
    assert containers() == []


def test_an_image_that_cannot_be_had_is_told(described: Any) -> None:
    path = described({"image": "registry.invalid/acme/middleware:1"})
    done = subprocess.run(command(path, "S-04"), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3
    assert "there is no image registry.invalid/acme/middleware:1 here, and it cannot be pulled" in done.stdout
