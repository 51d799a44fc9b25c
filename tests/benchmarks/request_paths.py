"""CPU per request of the native face's hot paths, as multiples of a bare uvicorn route measured in the same run.

Run as `python tests/benchmarks/request_paths.py`. The server is a process of its own on one core, the caller sits on another;
authentication, journal and fault gate are on. The figure is the quietest of several rounds, since what else the machine does can only add to it. Exits with 1 where a path is
slower than its target.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "mocks")]

ROWS = 100_000
CONNECTIONS = 32
REQUESTS = 2_000
ROUNDS = 9
TARGETS = {"get by id": 4.5, "filtered list of 20": 6.0, "create": 8.0}
START = "2026-01-05T15:00:00.000Z"
BODY = b'{"name":"Northwind Advisory","country":"US","segment":"BENCH","custom":{"origin":"benchmark"}}'


# the server's side


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """A route that does nothing but answer with a kilobyte."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1024")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * 1024})


def filled() -> tuple[Any, dict[str, str]]:
    """A CRM with many customers, and the paths to ask it for."""
    from counterfoil_mocks.crm.model import CUSTOMER
    from counterfoil_mocks.kernel.auth import Tokens
    from counterfoil_mocks.kernel.clock import Clock
    from counterfoil_mocks.kernel.faults import Faults
    from counterfoil_mocks.kernel.journal import Journal
    from counterfoil_mocks.kernel.native import build_app
    from counterfoil_mocks.kernel.operations import run
    from counterfoil_mocks.kernel.store import Store
    from counterfoil_mocks.kernel.system import Origin, System, World
    from counterfoil_mocks.roles import FACES, ROLES

    world = World(Clock(START))
    store = Store("memory", ROLES)
    system = System("crm", ROLES["crm"], store, world)
    for name, role in ROLES.items():
        if name != "crm":
            System(name, role, store, world)
    first = run(system, Origin(), "create_customer", json.loads(BODY))
    pattern = system.table("customer").by_id("crm", first["id"])
    assert pattern is not None
    rows = [
        {
            **pattern,
            "id": f"001{number:015d}",
            "key": f"B-{number:06d}",
            "customer_no": f"B-{number:06d}",
            "vat_id": f"V{number % 500}",
        }
        for number in range(ROWS)
    ]
    system.table(CUSTOMER.name).insert_many("crm", rows, rendered=True)  # as the native face writes them
    tokens = Tokens(system)
    app = build_app(system, FACES["crm"], journal=Journal(store, world), faults=Faults(world), auth=tokens)
    return app, {
        "token": tokens.access_token,
        "get by id": f"/native/v1/customers/001{ROWS // 2:015d}",
        "filtered list of 20": "/native/v1/customers?vat_id=V123&limit=20",
        "create": "/native/v1/customers",
    }


async def serve() -> None:
    """Serve both applications until the caller goes."""
    from counterfoil_mocks.kernel import server

    app, paths = filled()
    ports = {}
    for name, each in (("bare", bare), ("native", app)):
        served = server.Served(each, server.bind("127.0.0.1", 0, name))
        await served.start()
        ports[name] = served.port
    print(json.dumps({"ports": ports, "paths": paths}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


# the caller's side


class Caller(asyncio.Protocol):
    """Sends the same request again and again over one connection, and counts the answers."""

    def __init__(self, request: bytes, left: list[int], done: asyncio.Future[None], status: bytes) -> None:
        self.request, self.left, self.done, self.status = request, left, done, status
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Count an answer that is complete, ask again."""
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        if head[9:12] != self.status and not self.done.done():
            self.done.set_exception(RuntimeError(self.buffer.decode()))
            return
        self.buffer = b""
        self.left[0] -= 1
        if self.left[0] > 0:
            self.transport.write(self.request)
        elif self.left[0] <= 1 - CONNECTIONS and not self.done.done():
            self.done.set_result(None)


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used: its clock is numbered as `clock_getcpuclockid` numbers it on Linux."""
    return time.clock_gettime((~pid << 3) | 2)


async def micros(pid: int, port: int, request: bytes, status: bytes, count: int) -> float:
    """Microseconds of the server's processor time for one request."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = [count]
    before = cpu(pid)
    callers = [
        await loop.create_connection(lambda: Caller(request, left, done, status), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await done
    for transport, _ in callers:
        transport.close()
    return (cpu(pid) - before) / (count + CONNECTIONS - 1) * 1_000_000


async def measured(pid: int, facts: Any, count: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds a request, of every path in every round."""
    paths, ports = facts["paths"], facts["ports"]
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {paths['token']}\r\n"
    asked = {"bare": (ports["bare"], f"GET / HTTP/1.1\r\n{head}\r\n".encode(), b"200")}
    for name in TARGETS:
        text = f"GET {paths[name]} HTTP/1.1\r\n{head}\r\n".encode()
        if name == "create":
            text = (
                f"POST {paths[name]} HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
                + BODY
            )
        asked[name] = (ports["native"], text, b"201" if name == "create" else b"200")
    found: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(rounds + 1):
        for name, (port, text, status) in asked.items():
            spent = await micros(pid, port, text, status, count if number else count // 10)
            if number:
                found[name].append(spent)
    return found


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if args.serve:
        from counterfoil_mocks.kernel import server

        os.sched_setaffinity(0, {cores[0]})
        server.run(serve())
        return 0
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        os.sched_setaffinity(0, {cores[-1]})
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            return 1
        found = asyncio.run(measured(child.pid, json.loads(line), args.requests, args.rounds))
        child.communicate()
    base = min(found["bare"])
    print(f"{'path':<22}{'µs CPU':>9}{'median':>9}{'× bare':>9}{'target':>9}")
    slow = 0
    for name, spent in found.items():
        ratio = min(spent) / base
        target = TARGETS.get(name)
        slow += target is not None and ratio > target
        print(
            f"{name:<22}{min(spent):>9.1f}{statistics.median(spent):>9.1f}{ratio:>9.2f}{'' if target is None else f'≤ {target}':>9}"
        )
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
