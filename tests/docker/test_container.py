"""How an image is run, without running one: networks, ports, what it sees of this machine; and a machine that has no engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from counterfoil import container
from counterfoil.container import Container, Engine, Unrunnable
from counterfoil.descriptor import Start

NEAR, FAR = Engine(near=True, gateway="172.17.0.1"), Engine(near=False, gateway="172.17.0.1")
FACTS: dict[str, Any] = {
    "port": 40000,
    "ports": {"8080": 40000},
    "control": {"url": "http://127.0.0.1:8100", "token": ""},
    "systems": {
        "crm": {
            "url": "http://127.0.0.1:8101",
            "credentials": {"token_url": "http://127.0.0.1:8101/native/v1/oauth/token", "client_id": "127.0.0.1"},
        },
        "erp": {"url": "http://127.0.0.1:81", "credentials": {}},
    },
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Container]:
    """Makes a container for an engine that is only told of."""

    def make(found: Engine, **said: Any) -> Container:
        monkeypatch.setattr(container, "engine", lambda: found)
        start = Start(image="acme/mw:1", **said)
        return Container(start, "acme", 40000, {str(each): 40000 for each in start.ports})

    return make


def test_on_this_machine_an_image_shares_the_network(made: Callable[..., Container]) -> None:
    boxed = made(NEAR)
    words = boxed.command({"CRM_URL": "http://127.0.0.1:8101"}, ["serve"], "acme/mw:1")
    assert "--network=host" in words
    assert words[-3:] == ["--env=CRM_URL=http://127.0.0.1:8101", "acme/mw:1", "serve"]
    assert not [each for each in words if each.startswith("--publish")]
    assert boxed.facts(FACTS)["systems"] == FACTS["systems"]


def test_an_engine_in_a_virtual_machine_reaches_this_one_by_its_alias(made: Callable[..., Container]) -> None:
    boxed = made(FAR)
    words = boxed.command({}, [], "acme/mw:1")
    assert "--publish=127.0.0.1:40000:40000" in words
    assert "--add-host=host.docker.internal:host-gateway" in words
    seen = boxed.facts(FACTS)
    assert seen["systems"]["crm"]["url"] == "http://host.docker.internal:8101"
    assert seen["systems"]["crm"]["credentials"] == {
        "token_url": "http://host.docker.internal:8101/native/v1/oauth/token",
        "client_id": "127.0.0.1",
    }
    assert seen["systems"]["erp"]["url"] == "http://host.docker.internal:81"
    assert seen["control"]["url"] == "http://host.docker.internal:8100"


def test_a_fixed_port_is_published_and_is_the_port_within(made: Callable[..., Container]) -> None:
    boxed = made(FAR, ports=[8080])
    assert "--publish=127.0.0.1:40000:8080" in boxed.command({}, [], "acme/mw:1")
    assert boxed.facts(FACTS)["port"] == 8080


def test_a_network_of_its_own_needs_a_landscape_that_it_reaches(made: Callable[..., Container]) -> None:
    boxed = made(NEAR, network="bridge")
    with pytest.raises(
        Unrunnable, match=r"does not reach http://127\.0\.0\.1:8101; give the landscape the host 172\.17\.0\.1"
    ):
        boxed.facts(FACTS)


@pytest.mark.parametrize(
    ("found", "said", "host"),
    [
        (NEAR, {}, None),
        (NEAR, {"ports": [8080]}, "172.17.0.1"),
        (NEAR, {"network": "bridge"}, "172.17.0.1"),
        (FAR, {"ports": [8080]}, None),
        (FAR, {}, None),
    ],
)
def test_a_landscape_listens_where_the_image_reaches_it(
    found: Engine, said: dict[str, Any], host: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "engine", lambda: found)
    assert container.listening(Start(image="acme/mw:1", **said)) == host


def test_a_machine_without_docker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        Unrunnable, match="`docker` is not installed; an integration that starts from an `image` needs it"
    ):
        container.engine()


@pytest.mark.skipif(shutil.which("docker") is None, reason="`docker` is not installed: what it says cannot be tested")
def test_an_engine_that_does_not_answer_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    with pytest.raises(Unrunnable, match=r"no container engine answers.*nowhere\.sock") as caught:
        container.engine()
    assert "start it, or say where it is in DOCKER_HOST" in str(caught.value)


ROOT = Path(__file__).parents[2]


def test_each_profile_starts_what_it_is_for() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    started = {
        profile: {name for name, each in services.items() if profile in each["profiles"]}
        for profile in ("default", "demo", "scale")
    }
    assert started["default"] == {"counterfoil"}
    assert started["demo"] == {"counterfoil", "reference"}
    assert started["scale"] == {"postgres", "scaled", "load", "worker"}
    assert set().union(*started.values()) == set(services)
    assert "COMPOSE_PROFILES=default\n" in (ROOT / ".env").read_text()


def test_the_compose_file_follows_the_compose_specification() -> None:
    import subprocess
    import sys

    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
