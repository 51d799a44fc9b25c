"""CPU per request of the native face's hot paths, as multiples of a bare uvicorn route measured in the same run.

Run as `python tests/benchmarks/request_paths.py`. The server is a process of its own on one core, the caller sits on another;
authentication, journal and fault gate are on. The figure is the quietest of several rounds, since what else the machine does can only
add to it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from figures import Found, Target, cpu, tell

ROWS = 100_000
CONNECTIONS = 32
REQUESTS = 2_000
ROUNDS = 9
PATHS = {
    "native get by id": "get",
    f"native filtered list of 20 out of {ROWS:,} rows": "list",
    "native create, with event, outbox and history": "create",
}
TARGETS = {name: Target("×", limit, digits=2) for name, limit in zip(PATHS, (3, 4, 5), strict=True)}
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
    from counterfoil_mocks.kernel.store import Store
    from counterfoil_mocks.kernel.system import Origin, System, World
    from counterfoil_mocks.kernel.tx import Tx, made
    from counterfoil_mocks.kernel.wire import create_shape
    from counterfoil_mocks.roles import FACES, ROLES

    world = World(Clock(START))
    store = Store("memory", ROLES)
    system = System("crm", ROLES["crm"], store, world)
    for name, role in ROLES.items():
        if name != "crm":
            System(name, role, store, world)
    with Tx(system, Origin()) as tx:
        first = made(tx, CUSTOMER, create_shape(CUSTOMER).read(json.loads(BODY)))
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
        "get": f"/native/v1/customers/001{ROWS // 2:015d}",
        "list": "/native/v1/customers?vat_id=V123&limit=20",
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
    await deserted()


async def deserted() -> None:
    """Return when the caller has gone. No thread waits for that: a landscape has one only, and every lock costs more with two."""
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), gone.set)
    await gone.wait()


# the caller's side


class Caller(asyncio.Protocol):
    """Sends one request after the other over one connection, and counts the answers."""

    def __init__(self, requests: Iterator[bytes], left: list[int], done: asyncio.Future[None], status: bytes) -> None:
        self.requests, self.left, self.done, self.status = requests, left, done, status
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        transport.write(next(self.requests))

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
            self.transport.write(next(self.requests))
        elif self.left[0] <= 1 - CONNECTIONS and not self.done.done():
            self.done.set_result(None)


async def micros(pid: int, port: int, request: bytes | Iterator[bytes], status: bytes, count: int) -> float:
    """Microseconds of the server's processor time for one request. request: the same for all, or one after the other."""
    requests = itertools.repeat(request) if isinstance(request, bytes) else request
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = [count]
    before = cpu(pid)
    callers = [
        await loop.create_connection(lambda: Caller(requests, left, done, status), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await done
    for transport, _ in callers:
        transport.close()
    return (cpu(pid) - before) / (count + CONNECTIONS - 1) * 1_000_000


def asked_of(facts: Any) -> dict[str, tuple[int, bytes, bytes]]:
    """Port, request and status wanted of each path, the bare route first."""
    paths, ports = facts["paths"], facts["ports"]
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {paths['token']}\r\n"
    asked = {"bare": (ports["bare"], f"GET / HTTP/1.1\r\n{head}\r\n".encode(), b"200")}
    for path in PATHS.values():
        asked[path] = (ports["native"], f"GET {paths[path]} HTTP/1.1\r\n{head}\r\n".encode(), b"200")
    length = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    text = f"POST {paths['create']} HTTP/1.1\r\n{head}{length}".encode() + BODY
    asked["create"] = (ports["native"], text, b"201")
    return asked


async def measured(pid: int, facts: Any, count: int, rounds: int) -> dict[str, float]:
    """Microseconds a request of every path: the quietest round, after one to get warm."""
    found: dict[str, float] = {}
    asked = asked_of(facts)
    for port, text, status in asked.values():
        await micros(pid, port, text, status, count // 10)
    for _ in range(rounds):
        for name, (port, text, status) in asked.items():
            spent = await micros(pid, port, text, status, count)
            found[name] = min(spent, found.get(name, spent))
    return found


def served(requests: int, rounds: int) -> dict[str, float]:
    """The same, of a server of one's own."""
    cores = sorted(os.sched_getaffinity(0))
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        os.sched_setaffinity(0, {cores[-1]})
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise SystemExit("the server did not start")
        found = asyncio.run(measured(child.pid, json.loads(line), requests, rounds))
        child.communicate()
    return found


def measure(found: Found, asked: Any) -> None:
    """Every path beside the bare route."""
    spent = served(asked.requests, asked.rounds)
    for name, path in PATHS.items():
        found.add(name, spent[path] / spent["bare"], f"{spent[path]:.0f} µs; the bare route {spent['bare']:.0f} µs")


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        from counterfoil_mocks.kernel import server

        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
        server.run(serve())
        sys.exit(0)
    numbers = [
        ((f"--{name}",), {"type": int, "default": least})
        for name, least in (("requests", REQUESTS), ("rounds", ROUNDS))
    ]
    sys.exit(tell(__doc__, TARGETS, measure, *numbers))
