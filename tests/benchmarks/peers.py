"""CPU per request beside a named peer, measured in turn on the same core in the same run.

Run as `python tests/benchmarks/peers.py`. The peer is localstripe, a stateful fake of Stripe's API: `make performance` installs it into a
folder of its own (`.venv-peers`), or `--peer` names its program. Where there is none, the figures are skipped, and that is said.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from figures import ROOT, Found, Target, tell
from landscape import Landscape
from request_paths import micros

PEER = "localstripe"
INSTALLED = ROOT / ".venv-peers" / "bin" / PEER
KEEPS = 200
REQUESTS, ROUNDS = 100, 3
FORM = b"name=Northwind+Advisory&email=ap%40northwind.example&metadata%5Borigin%5D=benchmark"
PATHS = {
    f"get by id, as a multiple of {PEER}'s": "get",
    f"list of 20 out of {KEEPS}, as a multiple of {PEER}'s": "list",
    f"create, as a multiple of {PEER}'s": "create",
}
TARGETS = {name: Target("×", 0.4, digits=2) for name in PATHS}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Side:
    """One of the two: a process, its port, and the key that it takes."""

    def __init__(self, pid: int, port: int, key: str) -> None:
        self.pid, self.port = pid, port
        self.head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        self.id = ""

    def request(self, path: str) -> tuple[bytes, bytes]:
        """What is sent, and the status that it gets."""
        if path == "create":
            head = f"POST /v1/customers HTTP/1.1\r\n{self.head}Content-Type: application/x-www-form-urlencoded\r\n"
            return f"{head}Content-Length: {len(FORM)}\r\n\r\n".encode() + FORM, b"200"
        target = "/v1/customers?limit=20" if path == "list" else f"/v1/customers/{self.id}"
        return f"GET {target} HTTP/1.1\r\n{self.head}\r\n".encode(), b"200"

    async def fill(self) -> None:
        """As many customers as both keep, and the id of one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for _ in range(KEEPS):
            writer.write(self.request("create")[0])
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        writer.close()
        self.id = body.split(b'"id":')[1].split(b'"')[1].decode()


async def measured(sides: list[Side]) -> dict[str, list[float]]:
    """Microseconds of each path on each side: the quietest round. Creates come last, so that both hold as much before."""
    for side in sides:
        await side.fill()
    found: dict[str, list[float]] = {}
    for path in PATHS.values():
        rounds = []
        for _ in range(ROUNDS):
            rounds.append([await micros(each.pid, each.port, *each.request(path), REQUESTS) for each in sides])
        found[path] = [min(each[at] for each in rounds) for at in range(len(sides))]
    return found


def listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{PEER} did not start")


def measure(found: Found, asked: Any) -> None:
    """Both sides, where the peer is there."""
    program = asked.peer or (str(INSTALLED) if INSTALLED.exists() else shutil.which(PEER))
    if program is None or not Path(program).exists():
        print(f"SKIPPED: {PEER} is not installed here; see `make performance`", file=sys.stderr)
        return
    cores, port = sorted(os.sched_getaffinity(0)), free_port()
    quiet: Any = subprocess.DEVNULL
    peer = subprocess.Popen([program, "--port", str(port), "--from-scratch"], stdout=quiet, stderr=quiet)
    try:
        with Landscape("--billing", "stripe", "--size", "empty") as landscape:
            listening(port, peer)
            for pid in (peer.pid, landscape.process.pid):
                os.sched_setaffinity(pid, {cores[0]})
            os.sched_setaffinity(0, {cores[-1]})
            system = landscape.system("billing")
            ours = Side(landscape.process.pid, int(system["url"].rpartition(":")[2]), system["credentials"]["api_key"])
            spent = asyncio.run(measured([ours, Side(peer.pid, port, "sk_test_12345")]))
            os.sched_setaffinity(0, cores)
    finally:
        peer.terminate()
        peer.wait()
    for name, path in PATHS.items():
        own, theirs = spent[path]
        found.add(name, own / theirs, f"{own:,.0f} µs; {PEER} {theirs:,.0f} µs")


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure, (("--peer",), {"help": f"program of {PEER}"})))
