"""A landscape in a container for a test suite of your own, by testcontainers: `pip install 'counterfoil[docker]'`.

import pytest
from counterfoil.containers import CounterfoilContainer

@pytest.fixture(scope="session")
def counterfoil():
    with CounterfoilContainer(size="S", seed=7, billing="stripe") as running:
        yield running
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Self

import orjson
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy

from counterfoil import faults as plans
from counterfoil.client import Control, Record, Refused
from counterfoil.container import HOST_ALIAS, elsewhere
from counterfoil.descriptor import Unreadable

IMAGE = "counterfoil"
PORT = 8100
"""Of the control plane, within; the systems follow it."""
FILE = "/etc/counterfoil/landscape.json"
READY_SECONDS = {"L": 300, "XL": 3600}
"""Longest wait until a landscape of a size is ready; of the others a minute and a half."""


class CounterfoilContainer(DockerContainer):
    """A landscape of four systems, ready when `start` (or `with`) returns.

    image: what to run. seed, size: of the firm. crm, psa, erp, billing: whose protocol each speaks. landscape: more of a landscape file, as
    data (`{"limits": {"crm": {"rate": 10}}}`; `systems`, where given, names all of them). faults: what is broken from the start: the name of a plan, a file, or a list
    of faults. token: of the control plane; made up when absent. Whatever else testcontainers' own class takes is passed on.

    `host.docker.internal` is, within, the machine that runs the engine: there a webhook finds what listens in the tests' own process.
    Raises Unreadable for a fault plan that cannot be read or taken.
    """

    def __init__(
        self,
        image: str = IMAGE,
        *,
        seed: int | None = None,
        size: str | None = None,
        crm: str | None = None,
        psa: str | None = None,
        erp: str | None = None,
        billing: str | None = None,
        landscape: Mapping[str, Any] | None = None,
        faults: str | Sequence[Mapping[str, Any]] | None = None,
        token: str | None = None,
        **more: Any,
    ) -> None:
        from counterfoil_mocks import config

        said = {**(landscape or {}), "host": "0.0.0.0", "port_base": PORT}
        said |= {name: value for name, value in (("seed", seed), ("size", size)) if value is not None}
        said["token"] = token or said.get("token") or secrets.token_hex(16)
        said = config.wearing(said, {"crm": crm, "psa": psa, "erp": erp, "billing": billing})
        wanted = config.understood(said)
        self.token: str = said["token"]
        self._faults = plans.plan(faults) if isinstance(faults, str) else [dict(each) for each in faults or ()]
        self._inner = {name: wanted.port_of(name) for name in wanted.order}
        more.setdefault("extra_hosts", {HOST_ALIAS: "host-gateway"})
        super().__init__(image, **more)
        self.with_exposed_ports(PORT, *self._inner.values())
        self.with_copy_into_container(orjson.dumps(said), FILE)
        self.with_command(["up", FILE])
        self.waiting_for(
            HttpWaitStrategy(PORT, "/ready")
            .with_startup_timeout(READY_SECONDS.get(wanted.size, 90))
            .with_poll_interval(0.1)
        )

    def start(self) -> Self:
        """Start it, wait until `/ready` answers, and break what is to be broken."""
        super().start()
        if self._faults:
            try:
                self.control.post("/faults", self._faults)
            except Refused as error:
                raise Unreadable(f"the fault plan cannot be taken: {error.detail} {error.remedy}".strip()) from error
        return self

    @property
    def address(self) -> str:
        """Address of the control plane, and of the console in a browser, as the tests reach it."""
        return self._outside(PORT)

    @property
    def control(self) -> Control:
        """A client of the control plane that holds its token."""
        return Control(self.address, self.token)

    def landscape(self, *, within: str | None = None) -> Record:
        """What `GET /landscape` says: `{"systems": [{"name", "role", "vendor", "url", "credentials", "native"}], "clock", "seed", …}`, its
        addresses as the tests reach them.

        within: the name by which other containers of the same network reach this one (its alias there); then as they reach it.
        """
        told: Record = self.control.get("/landscape")
        ports = {each["url"]: self._inner[each["name"]] for each in told["systems"]} | {told["control"]["url"]: PORT}
        seen = {url: f"http://{within}:{port}" if within else self._outside(port) for url, port in ports.items()}
        return told | {
            "systems": [elsewhere(each, seen) for each in told["systems"]],
            "control": elsewhere(told["control"], seen),
        }

    def system(self, name: str) -> Record:
        """One system of the landscape, by its name."""
        return next(each for each in self.landscape()["systems"] if each["name"] == name)

    def subscribe(self, name: str, url: str, types: Sequence[str] = ()) -> str:
        """Have a system send its native events to an address; returns the secret that they are signed with (Standard Webhooks).

        types: which events; all when empty. What listens in the tests' process is at `http://host.docker.internal:PORT`.
        """
        native = self.system(name)["native"]
        body = {"url": url, "types": list(types)}
        return str(Control(native["url"], native["credentials"]["access_token"]).post("/webhooks", body)["secret"])

    def reset(self) -> None:
        """Back to the firm as it was seeded, with nothing broken but what was from the start."""
        control = self.control
        control.post("/reset")
        if self._faults:
            control.post("/faults", self._faults)

    def settle(self, timeout_ms: int = 30_000) -> Record:
        """Wait until nothing moves; `{"settled", "moving"}`."""
        return dict(self.control.get("/settled", timeout_ms=timeout_ms))

    def _outside(self, port: int) -> str:
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(port)}"
