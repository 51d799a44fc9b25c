"""`kill -9` of any one process while several projects are being set up, and the verdict is what it would have been: an API process, the
process that holds control plane and clock, the integration, the database server.

Needs the programs of a PostgreSQL server on this machine, and that somebody wants the tests on PostgreSQL (`COUNTERFOIL_TEST_POSTGRES`).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from tests.conftest import POSTGRES
from tests.postgres import Server, binaries

from counterfoil import World, usd
from counterfoil import activity as firm
from counterfoil.client import Broken, Control
from counterfoil.integration import Integration, resolve

pytestmark = pytest.mark.skipif(POSTGRES is None or binaries() is None, reason="no PostgreSQL server")

LINES = [
    firm.fixed_fee(usd("24,000"), hours=100, cost=usd("10,000"), tax_code="NT", service_item="CONSULTING-FF"),
    firm.time_and_materials(line_no=2, cap=usd("10,000"), tax_code="NT", service_item="CONSULTING-TM"),
]
MILESTONES = [firm.milestone("M1", usd("20,000"))]
PROJECTS = 8


class Whole:
    """Everything there is: a server, a landscape of two API processes over it, the reference, and people who sell."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        # Ports that stay: what is restarted must be found where it was.
        said = {"size": "S", "port_base": free_ports(5), "processes": 2, "store": server.address}
        (folder / "landscape.json").write_bytes(orjson.dumps(said))
        self.up()
        self.control = Control(self.about["control"]["url"])
        descriptor = resolve("reference")
        descriptor = descriptor.model_copy(update={"env": descriptor.env | {"STATE": str(folder / "reference.db")}})
        self.integration = Integration(descriptor, self.control)
        self.integration.start()
        self.world = World(self.control, self.integration)
        self.deals: list[firm.Deal] = []

    def up(self) -> None:
        """Start the landscape, and wait until it is ready."""
        command = [sys.executable, "-m", "counterfoil", "up", "--landscape", "landscape.json", "--json"]
        with (self.folder / "complaints").open("ab") as complaints:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, cwd=self.folder)
        assert self.process.stdout is not None
        self.about: Any = orjson.loads(self.process.stdout.readline())

    def workers(self) -> list[int]:
        """Its API processes."""
        asked = ["pgrep", "-P", str(self.process.pid), "-f", "counterfoil_mocks.worker"]
        return [int(each) for each in subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()]

    def prepare(self) -> None:
        """Take deals to the signature."""
        terms: Any = {"lines": LINES, "milestones": MILESTONES, "mobilisation": usd("4,000"), "start": "2026-01-05"}
        self.deals = [
            firm.prepare(self.world, customer_name=f"Customer {number}", end="2026-06-30", **terms)
            for number in range(PROJECTS)
        ]
        self.world.settle()

    def sign(self, some: slice) -> None:
        """Win some of them; nobody waits for the integration, which has its hands full then."""
        self.deals[some] = [firm.win(self.world, each, settle=False) for each in self.deals[some]]

    def begun(self) -> None:
        """Wait until the integration has set up the first project, so that it is in the middle of the others."""
        until(lambda: self.world.psa.count("project", contract_no=self.deals[0].contract_no) > 0)

    def judge(self) -> None:
        """Every project is there once, and no invariant is broken."""
        until(lambda: self.control.get("/settled", quiet_ms=500, timeout_ms=60_000)["settled"])
        for each in self.deals:
            assert self.world.psa.count("project", contract_no=each.contract_no) == 1
            assert self.world.billing.count("plan", contract_no=each.contract_no) == 1
        found = self.world.invariants(at_rest=True)
        assert [each for each in found["items"] if each["status"] == "violated"] == []
        assert self.world.control.get("/deliveries", state="DEAD")["items"] == []

    def native(self, system: str, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        """One call of a system, as an integration makes it."""
        facts = next(each for each in self.about["systems"] if each["name"] == system)
        where = urlsplit(facts["url"])
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
        sent = {"Authorization": f"Bearer {facts['native']['credentials']['access_token']}"}
        connection.request(method, f"/native/v1{path}", None if body is None else orjson.dumps(body), sent)
        reply = connection.getresponse()
        answer = orjson.loads(reply.read())
        connection.close()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}, answer

    def close(self) -> None:
        """End all of it."""
        self.integration.stop()
        self.control.close()
        self.process.terminate()
        self.process.wait(20)


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on, below those of which the operating system hands one to whoever asks for
    any: nobody gets one of them before they are used."""
    for first in range(20_000 + os.getpid() % 100 * 100, 32_000, count):
        with contextlib.ExitStack() as kept, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = kept.enter_context(socket.socket())
                probe.bind(("127.0.0.1", port))
            return first
    raise AssertionError("no ports are free")


def until(true: Callable[[], bool]) -> None:
    """Ask until something is so; nobody who is being restarted has to answer meanwhile."""
    limit = time.monotonic() + 120
    while True:
        with contextlib.suppress(Broken):
            if true():
                return
        assert time.monotonic() < limit


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    """Everything, with deals that are ready to be signed."""
    programs = binaries()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="counterfoil-pg-") as folder:
        server = Server(programs, folder)
        server.start()
        try:
            made = Whole(tmp_path, server)
            try:
                made.prepare()
                yield made
            finally:
                made.close()
        finally:
            server.stop()


def test_an_api_process(whole: Whole) -> None:
    whole.sign(slice(0, 5))
    whole.begun()
    before = whole.workers()
    os.kill(before[0], signal.SIGKILL)
    whole.sign(slice(5, None))
    whole.judge()
    assert before[1] in whole.workers()
    assert len(set(whole.workers()) - set(before)) == 1


def test_the_process_of_control_plane_clock_and_deliveries(whole: Whole) -> None:
    whole.sign(slice(0, 5))
    whole.begun()
    whole.process.kill()
    whole.process.wait(10)
    whole.up()
    whole.sign(slice(5, None))
    whole.judge()


def test_the_integration(whole: Whole) -> None:
    whole.sign(slice(0, 5))
    whole.begun()
    process = whole.integration._process
    assert process is not None
    process.kill()
    process.wait(10)
    whole.sign(slice(5, None))
    whole.integration.launch()
    whole.judge()


def test_the_database_server(whole: Whole) -> None:
    whole.sign(slice(0, 5))
    whole.begun()
    os.kill(whole.server.pid, signal.SIGKILL)

    def refused() -> bool:
        status, headers, problem = whole.native("crm", "POST", "/customers", {"name": "Nobody", "country": "US"})
        assert status in (201, 503)
        return status == 503 and (headers["retry-after"], problem["code"]) == ("1", "STORE_AWAY")

    until(refused)
    status, headers, problem = whole.native("erp", "GET", "/customers")
    assert (status, headers["content-type"]) == (503, "application/problem+json")
    assert problem["remedy"].startswith("Call again")
    with pytest.raises(Broken, match="STORE_AWAY"):
        whole.control.get("/deliveries")
    again(whole.server)
    until(lambda: whole.control.get("/deliveries") is not None)
    whole.sign(slice(5, None))
    whole.judge()
    assert whole.native("crm", "GET", "/customers")[0] == 200


def again(server: Server) -> None:
    """Start a server that was killed; what is left of it must have noticed first."""
    limit = time.monotonic() + 60
    while True:
        try:
            server.start()
            return
        except subprocess.CalledProcessError:
            assert time.monotonic() < limit
