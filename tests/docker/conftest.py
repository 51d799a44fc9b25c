"""A container engine and the image under test. Without an engine these tests are skipped, and say so; where no registry can be reached they
build on a base image that is there already, from wheels that are made outside."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from docker_engine import WHEELS, Compose, docker, fetch_wheels

ROOT = Path(__file__).parents[2]
OFFICIAL, LOCAL = "python:3.11-slim", "counterfoil-ci/python:3.11"
"""Base images: what the Dockerfile says, and what stands in for it on a machine that reaches no registry."""
PARTS = ("harness", "mocks", "scenarios", "contracts", "load", *("pyproject.toml", "README.md", "LICENSE"))
FILES = ("Dockerfile", ".dockerignore", "docker-compose.yml", ".env")


def why_no_engine() -> str:
    """What is missing, as a sentence; empty where an engine, compose and buildx answer."""
    if shutil.which("docker") is None:
        return "`docker` is not installed"
    for words in (("info",), ("compose", "version"), ("buildx", "version")):
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=30)
        if done.returncode != 0:
            return f"`docker {' '.join(words)}` fails: {(done.stderr or done.stdout).strip()[:200]}"
    return ""


@pytest.fixture(scope="session")
def base() -> str:
    """The base image: the official one where it can be had, else the local one. Skips without an engine or a base."""
    missing = why_no_engine()
    if missing:
        pytest.skip(f"NO CONTAINER ENGINE, so the image, the compose file and testcontainers are NOT TESTED: {missing}")
    for name in filter(None, (os.environ.get("BASE"), LOCAL, OFFICIAL)):
        if subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False).returncode == 0:
            return name
    done = subprocess.run(["docker", "pull", "-q", OFFICIAL], capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        pytest.skip(
            f"NO BASE IMAGE, so the image is NOT TESTED: {OFFICIAL} cannot be pulled: {done.stderr.strip()[:200]}"
        )
    return OFFICIAL


@pytest.fixture(scope="session")
def tree(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to build and compose in: what the image is made of, and settings for the base image that there is."""
    folder = tmp_path_factory.mktemp("tree")
    for name in (*PARTS, *FILES):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    settings = {"BASE": base, "PORTS": free_range(5), "POSTGRES_IMAGE": os.environ.get("POSTGRES_IMAGE", "")}
    settings["MONTHS"] = "0"
    if base == LOCAL:
        settings["WHEELS"] = WHEELS
        fetch_wheels(folder, ".[postgres]", "hatchling")
    with (folder / ".env").open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in settings.items() if value)
    return folder


def free_range(count: int) -> str:
    """So many ports in a row that nobody listens on, as `first-last`."""
    for first in range(18100, 60000, 100):
        taken = False
        for port in range(first, first + count):
            with socket.socket() as probe:
                taken = taken or probe.connect_ex(("127.0.0.1", port)) == 0
        if not taken:
            return f"{first}-{first + count - 1}"
    raise AssertionError("no free ports")


@pytest.fixture(scope="session")
def compose(tree: Path) -> Iterator[Compose]:
    """`docker compose …` in a project of its own, which is gone at the end."""

    def run(*words: str, check: bool = True) -> str:
        return docker("compose", "--project-name", "counterfoil-tests", *words, cwd=tree, check=check)

    yield run
    run("--profile", "*", "down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def image(compose: Compose) -> str:
    """The image, built as the compose file says."""
    compose("build", "--quiet", "counterfoil")
    return "counterfoil"


@pytest.fixture(scope="session")
def reference_image(image: str) -> str:
    """The reference integration as a vendor would hand it over: an image that serves it."""
    recipe = f'FROM {image}\nENTRYPOINT ["python", "-m", "counterfoil.reference"]\nHEALTHCHECK NONE\nCMD []\n'
    docker("build", "--quiet", "--tag", "counterfoil-tests/reference", "-", stdin=recipe)
    return "counterfoil-tests/reference"


@pytest.fixture
def at_hand(image: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The image, and testcontainers without the helper image that it would pull (the tests stop what they start)."""
    from testcontainers.core.config import ConnectionMode, testcontainers_config

    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
    return image
