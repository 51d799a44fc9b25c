"""An integration that is a container image: how it is run, what it sees of this machine, and how it goes away. Speaks to the engine by its
own command line, so that contexts, Docker Desktop and remote hosts work as they do in a shell."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from counterfoil.client import Broken, Record
from counterfoil.descriptor import Start
from counterfoil.guard import Guard

HOST_ALIAS = "host.docker.internal"
"""By what name a container reaches the machine that runs the engine, where it does not share its network."""
LABEL = "com.counterfoil.integration"
"""Marks containers that a run started: `docker ps --filter label=com.counterfoil.integration`."""
REMOVE = 'docker rm --force --volumes "$1"'
ASK_SECONDS, PULL_SECONDS, REMOVE_SECONDS = 20.0, 900.0, 60.0

Network = Literal["host", "bridge"]


class Unrunnable(Broken):
    """An image cannot be run here: there is no engine, no such image, or no way from it to the landscape."""


@dataclass(frozen=True)
class Engine:
    """The engine as it was found. near: whether this machine runs it, and not a virtual machine (as Docker Desktop does). gateway: this
    machine's address on the engine's default network."""

    near: bool
    gateway: str


def engine() -> Engine:
    """The engine that `docker` reaches; raises Unrunnable where there is none."""
    told = orjson.loads(ask("info", "--format", "{{json .}}"))
    if told.get("ServerErrors"):
        raise Unrunnable(f"no container engine answers: {'; '.join(told['ServerErrors'])}")
    near = sys.platform == "linux" and "Docker Desktop" not in str(told.get("OperatingSystem"))
    gateway = ask("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").strip()
    return Engine(near, gateway)


def ask(*words: str, patience: float = ASK_SECONDS) -> str:
    """One command of `docker` and what it printed; raises Unrunnable with what it complained of."""
    try:
        done = subprocess.run(
            ["docker", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience, check=False
        )
    except FileNotFoundError as error:
        raise Unrunnable("`docker` is not installed; an integration that starts from an `image` needs it") from error
    except subprocess.TimeoutExpired as error:
        raise Unrunnable(f"`docker {words[0]}` did not answer within {patience:g} s") from error
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"code {done.returncode}"
        if "daemon" in said and "connect" in said.lower():
            raise Unrunnable(f"no container engine answers ({said}); start it, or say where it is in DOCKER_HOST")
        raise Unrunnable(f"`docker {words[0]}` failed: {said}")
    return done.stdout


def network_of(start: Start, found: Engine) -> Network:
    """The network that an image is run with: the machine's own where that can be and no port is fixed, else a bridge."""
    return start.network or ("host" if found.near and not start.ports else "bridge")


def listening(start: Start) -> str | None:
    """The interface that a landscape has to listen on so that the image reaches it; None where loopback will do. Raises Unrunnable."""
    if start.image is None or start.network == "host":
        return None
    found = engine()
    return found.gateway if found.near and network_of(start, found) == "bridge" else None


class Container:
    """One container of an image, run again and again under the same name.

    port: the port of this machine that is the integration's. ports: the port of this machine for each that the image listens on.
    """

    def __init__(self, start: Start, name: str, port: int, ports: Mapping[str, int]) -> None:
        self.start = start
        self.integration = name
        self.name = f"counterfoil-{os.getpid()}-{port}"
        self.port = port
        self.ports = ports
        self._engine: Engine | None = None
        self._guard: Guard | None = None

    @property
    def engine(self) -> Engine:
        """The engine; raises Unrunnable."""
        if self._engine is None:
            self._engine = engine()
        return self._engine

    @property
    def network(self) -> Network:
        """The network that it is run with."""
        return network_of(self.start, self.engine)

    def facts(self, facts: Mapping[str, Any]) -> Record:
        """The landscape as it is seen from within: its own port, and this machine by the name that it has there. Raises Unrunnable where the
        landscape listens where a container cannot reach it."""
        seen: Record = {**facts, "port": self.start.ports[0] if self.start.ports else self.port}
        if self.network == "host":
            return seen
        urls = [each["url"] for each in facts["systems"].values()] + [facts["control"]["url"]]
        hidden = [url for url in urls if loopback(str(urlsplit(url).hostname))]
        if not self.engine.near:
            shown = {url: url.replace(str(urlsplit(url).hostname), HOST_ALIAS, 1) for url in hidden}
            return {name: elsewhere(value, shown) for name, value in seen.items()}
        if hidden:
            raise Unrunnable(
                f"{self.integration} runs in a network of its own and does not reach {hidden[0]}; give the landscape the host "
                f"{self.engine.gateway} (counterfoil up --host {self.engine.gateway}, with COUNTERFOIL_TOKEN set), or the image `network: host`"
            )
        return seen

    def command(self, environment: Mapping[str, str], arguments: Sequence[str], image: str) -> list[str]:
        """The command that runs it in the foreground. environment, arguments, image: with every `${…}` filled in."""
        words = ["docker", "run", f"--name={self.name}", f"--label={LABEL}={self.integration}", "--init"]
        if self.network == "host":
            words.append("--network=host")
        else:
            words.append(f"--add-host={HOST_ALIAS}:host-gateway")
            published = self.ports or {str(self.port): self.port}
            words += [f"--publish=127.0.0.1:{here}:{there}" for there, here in published.items()]
        return [*words, *(f"--env={name}={value}" for name, value in environment.items()), image, *arguments]

    def prepare(self, image: str) -> None:
        """See that the engine answers, that the image is there (pull it if not), and that the container goes when this process does; raises Unrunnable."""
        try:
            ask("image", "inspect", "--format", "{{.Id}}", image)
        except Unrunnable as absent:
            if "No such image" not in str(absent):
                raise
            try:
                ask("pull", "--quiet", image, patience=PULL_SECONDS)
            except Unrunnable as error:
                raise Unrunnable(f"there is no image {image} here, and it cannot be pulled: {error}") from error
        self.remove()
        self._guard = Guard(REMOVE, self.name)

    def remove(self) -> None:
        """Have it gone, running or not."""
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.release(REMOVE_SECONDS)


def loopback(host: str) -> bool:
    """Whether a host means the machine itself, and so in a container the container."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def elsewhere(value: Any, addresses: Mapping[str, str]) -> Any:
    """A fact in which everything that begins with one address begins with another. addresses: the new one by the old."""
    if isinstance(value, Mapping):
        return {name: elsewhere(each, addresses) for name, each in value.items()}
    for old, new in addresses.items():
        if isinstance(value, str) and (value == old or value.startswith(f"{old}/")):
            return new + value.removeprefix(old)
    return value
