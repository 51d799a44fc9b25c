"""The image as it is run: who it runs as, what it asks for, how healthy it says it is, and the compose file's profiles."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from docker_engine import Compose, docker, fetch_wheels, inspected, ready

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@contextmanager
def run(image: str, *options: str) -> Iterator[str]:
    """A container of the image; gone at the end."""
    name = docker("run", "--detach", *options, image).strip()
    try:
        yield name
    finally:
        docker("rm", "--force", name)


def test_it_is_healthy_when_the_landscape_is_ready_and_ends_when_it_is_told(image: str) -> None:
    with run(image, "--env=COUNTERFOIL_TOKEN=of-the-tests", "--publish=127.0.0.1::8100") as name:
        ready(name)
        host, _, port = docker("port", name, "8100").strip().partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", "/landscape")
        assert connection.getresponse().status == 401
        connection.close()
        connection.request("GET", "/landscape", headers={"Authorization": "Bearer of-the-tests"})
        assert len(orjson.loads(connection.getresponse().read())["systems"]) == 4
        docker("stop", "--time=20", name)
        state: Any = inspected(name)["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_it_runs_as_nobody_in_particular_and_can_keep_a_store(image: str) -> None:
    said: Any = inspected(image)["Config"]
    assert said["User"] == "10001"
    script = "id -u; touch /opt/counterfoil/x 2>/dev/null || echo sealed; touch /data/x && echo kept"
    assert docker("run", "--rm", "--entrypoint=sh", image, "-c", script).split() == ["10001", "sealed", "kept"]


def test_without_a_token_it_does_not_serve_and_says_what_is_missing(image: str) -> None:
    done = subprocess.run(["docker", "run", "--rm", image], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "needs a `token` (the file's, or COUNTERFOIL_TOKEN in the environment)" in done.stderr


def test_it_runs_scenarios_too(image: str) -> None:
    said = docker("run", "--rm", "--init", image, "run", "S-04")
    assert "The books are right: 1 passed" in said


def test_the_demo_shows_the_reference_at_work(compose: Compose, image: str) -> None:
    del image
    try:
        compose("--profile", "demo", "up", "--detach", "--wait")
        body = '{"name": "Compose Test Ltd", "country": "US", "invoice_ccy": "USD"}'
        call = (
            "import json, os, sys, urllib.request as u;"
            "q = lambda path, body=None, **how: u.urlopen(u.Request('http://127.0.0.1:8100' + path, body and json.dumps(body).encode(),"
            " {'Authorization': 'Bearer ' + os.environ['COUNTERFOIL_TOKEN'], 'Content-Type': 'application/json'}, **how)).read().decode();"
            "made = json.loads(q('/systems/crm/customers', json.loads(sys.argv[1])));"
            "q('/systems/crm/customers/' + made['id'], {'name': 'Compose Holdings Ltd'}, method='PATCH');"
            "q('/settled?timeout_ms=60000');"
            "print(q('/integration'), q('/journal?kind=delivery&system=crm'))"
        )
        said = compose("exec", "-T", "counterfoil", "python", "-c", call, body)
        assert '"name":"reference"' in said
        assert '"operation":"com.counterfoil.crm.account.updated.v1"' in said
        assert '"status":202' in said
    finally:
        print(compose("--profile", "demo", "logs", "--no-color", check=False))
        compose("--profile", "demo", "down", "--volumes")


@pytest.mark.night
def test_at_scale_the_load_goes_through_postgresql_and_the_books_are_right(
    compose: Compose, tree: Path, base: str
) -> None:
    more = {"DURATION": "20s", "RATE": "0.5"}
    if "WHEELS" in (tree / ".env").read_text():  # no registry can be reached
        fetch_wheels(tree, ".[load]")
        if "POSTGRES_IMAGE" not in (tree / ".env").read_text():
            recipe = Path(__file__).parent / "postgres.Dockerfile"
            words = ("build", "--quiet", "--network=host", f"--build-arg=BASE={base}", f"--file={recipe}")
            docker(*words, "--tag=counterfoil-tests/postgres", str(recipe.parent))
            more["POSTGRES_IMAGE"] = "counterfoil-tests/postgres"
    with (tree / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in more.items())
    try:
        said = compose("--profile", "scale", "up", "--build", "--exit-code-from=load")
        assert "The books are right" in said
        worked = compose("--profile", "scale", "logs", "--no-color", "worker", check=False)
        assert worked.count("Got quit message from master") == 2
    finally:
        compose("--profile", "scale", "down", "--volumes")
