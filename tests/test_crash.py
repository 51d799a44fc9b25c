"""A landscape in a file survives `kill -9` in mid-traffic: acknowledged writes are there, undelivered events go out."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from counterfoil_mocks.kernel.store import discard, open_store
from counterfoil_mocks.roles import ROLES

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Listener(ThreadingHTTPServer):
    """Takes deliveries; leaves them without an answer while `open` is not set. got: bodies taken, by event id."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.open = threading.Event()
        self.got: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hooks"


class Hook(BaseHTTPRequestHandler):
    """One delivery."""

    server: Listener

    def do_POST(self) -> None:
        """Take it when the time has come."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.server.open.wait(60):
            return
        self.server.got[self.headers["webhook-id"]] = orjson.loads(body)
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A receiver that outlives the landscape."""
    made = Listener()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def up(folder: Path) -> tuple[subprocess.Popen[bytes], Any]:
    command = [sys.executable, "-m", "counterfoil", "up", "firm.yaml", "--store", "sqlite:///firm.db", "--json"]
    (folder / "firm.yaml").write_text("size: empty\nport_base: 0\n")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder, env=ENVIRONMENT)
    assert process.stdout is not None
    return process, orjson.loads(process.stdout.readline())


class Client:
    """One connection to an address."""

    def __init__(self, url: str, token: str | None = None) -> None:
        where = urlsplit(url)
        self.connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
        self.headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """One call that must succeed."""
        self.connection.request(method, path, None if body is None else orjson.dumps(body), self.headers)
        reply = self.connection.getresponse()
        content = reply.read()
        assert reply.status < 300, content
        return orjson.loads(content)


def write_until_it_dies(url: str, token: str, name: str, acknowledged: list[Any]) -> None:
    client = Client(url, token)
    number = 0
    try:
        while True:
            number += 1
            made = client.send("POST", "/native/v1/customers", {"name": f"{name} {number}", "country": "US"})
            acknowledged.append(made)
    except (OSError, http.client.HTTPException):
        return


def test_nothing_acknowledged_is_lost_and_every_event_goes_out(tmp_path: Path, listener: Listener) -> None:
    process, about = up(tmp_path)
    crm = about["systems"][0]
    token = crm["credentials"]["access_token"]
    Client(crm["url"], token).send("POST", "/native/v1/webhooks", {"url": listener.url})
    acknowledged: list[Any] = []
    writers = [
        threading.Thread(target=write_until_it_dies, args=(crm["url"], token, f"Writer {number}", acknowledged))
        for number in range(4)
    ]
    for each in writers:
        each.start()
    while len(acknowledged) < 200:
        writers[0].join(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    for each in writers:
        each.join(10)
    listener.open.set()
    listener.got.clear()

    process, about = up(tmp_path)
    crm, control = about["systems"][0], Client(about["control"]["url"])
    assert crm["credentials"]["access_token"] == token
    client = Client(crm["url"], token)
    kept = {}
    page = {"next": ""}
    while page["next"] is not None:
        page = client.send(
            "GET", "/native/v1/customers?limit=200" + (f"&cursor={page['next']}" if page["next"] else "")
        )
        kept |= {each["id"]: each for each in page["items"]}
    for each in acknowledged:
        assert kept[each["id"]] == each
    assert control.send("GET", "/clock")["now"] >= max(each["created_at"] for each in acknowledged)

    assert control.send("GET", "/settled?quiet_ms=100&timeout_ms=60000")["settled"]
    told = {each["data"]["after"]["id"] for each in listener.got.values()}
    assert told >= set(kept)
    states = {each["state"] for each in control.send("GET", "/deliveries?limit=1000")["items"]}
    assert states == {"DELIVERED"}
    made = client.send("POST", "/native/v1/customers", {"name": "After", "country": "US"})
    assert made["id"] not in kept
    process.terminate()
    assert process.wait(20) == 0


def test_a_clean_stop_keeps_clock_and_state(tmp_path: Path) -> None:
    process, about = up(tmp_path)
    control = Client(about["control"]["url"])
    control.send("POST", "/systems/crm/customers", {"name": "Acme", "country": "US"})
    now = control.send("POST", "/clock/advance", {"days": 30})["now"]
    control.connection.close()
    process.terminate()
    assert process.wait(20) == 0
    process, about = up(tmp_path)
    control = Client(about["control"]["url"])
    assert control.send("GET", "/clock")["now"] == now
    assert len(control.send("GET", "/systems/crm/customers")["items"]) == 1
    process.terminate()
    assert process.wait(20) == 0


def test_a_store_that_is_full_says_so_and_keeps_nothing_of_the_call(running: Any) -> None:
    running.customer("Before")
    connection = running.landscape.store.connection
    room = connection.execute("PRAGMA crm.page_count").fetchone()[0]
    connection.execute(f"PRAGMA crm.max_page_count = {room}")
    body = {"name": "Too much", "country": "US", "custom": {"note": "x" * 6_000}}
    by_native = running.native("crm", "POST", "/customers", body)
    by_hand = running.call("POST", "/systems/crm/customers", body)
    for reply in (by_native, by_hand):
        assert (reply.status, reply.json["code"]) == (507, "STORE_FULL"), reply.raw
        assert "sqlite:///" in reply.json["remedy"]
    connection.execute(f"PRAGMA crm.max_page_count = {room + 1_000}")
    running.customer("After")
    names = [each["name"] for each in running.call("GET", "/systems/crm/customers").json["items"]]
    assert names == ["Before", "After"]


def test_what_is_thrown_away_of_a_store_is_its_own_files_and_no_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'firm.db'}"
    open_store(url, ROLES).close()
    kept = [tmp_path / name for name in ("firm.backup.db", "firm.crm.db.old", "firm2.crm.db")]
    for each in kept:
        each.write_text("somebody's")
    discard(url, ROLES)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
