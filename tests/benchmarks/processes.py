"""CPU per request over PostgreSQL, served by one, two and four API processes: as multiples of a bare uvicorn route, and of one process.

Run as `python tests/benchmarks/processes.py`; it starts a PostgreSQL server of its own. Counted is what all processes of the landscape use,
and beside it what the server's processes use. The figure is the quietest of several rounds.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from figures import ROOT, Found, Target, cpu, tell
from request_paths import BODY, CONNECTIONS, Caller, bare, deserted

sys.path.insert(0, str(ROOT))

REQUESTS, ROUNDS = 1_000, 3
COUNTS = (1, 2, 4)
TARGETS = {
    "get by id over PostgreSQL, one process": Target("×", 10, digits=1),
    "create over PostgreSQL, one process": Target("×", 18, digits=1),
    "get, two processes over one": Target("×", 1.25, digits=2),
    "create, two processes over one": Target("×", 1.25, digits=2),
    "get, four processes over one": Target("×", digits=2),
    "create, four processes over one": Target("×", digits=2),
}


@contextmanager
def landscape(address: str, processes: int) -> Iterator[tuple[list[int], Any]]:
    """A landscape without a firm: its processes, and what it says of its CRM."""
    import psycopg

    name = f"bench_{processes}"
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    said = {"size": "empty", "port_base": 0, "store": f"{address.rpartition('/')[0]}/{name}", "processes": processes}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "landscape.json").write_text(json.dumps(said))
        command = [sys.executable, "-m", "counterfoil", "up", "--landscape", "landscape.json", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder, text=True) as up:
            assert up.stdout is not None
            about = json.loads(up.stdout.readline())
            try:
                yield [up.pid, *children(up.pid)], next(each for each in about["systems"] if each["name"] == "crm")
            finally:
                up.terminate()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    asked = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(each) for each in asked.stdout.split()]


async def spent(port: int, request: bytes, status: bytes, count: int, *used: Callable[[], float]) -> list[float]:
    """Microseconds of processor time for one request, by each of several clocks."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = [count]
    before = [each() for each in used]
    callers = [
        await loop.create_connection(lambda: Caller(repeat(request), left, done, status), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await done
    for transport, _ in callers:
        transport.close()
    return [(each() - start) / (count + CONNECTIONS - 1) * 1e6 for each, start in zip(used, before, strict=True)]


async def quietest(
    port: int, request: bytes, status: bytes, asked: Any, *used: Callable[[], float]
) -> tuple[float, ...]:
    """The same, of the quietest round by the first clock, after one to get warm."""
    await spent(port, request, status, asked.requests // 2, *used)
    rounds = [await spent(port, request, status, asked.requests, *used) for _ in range(asked.rounds)]
    return tuple(min(rounds))


def plain(asked: Any) -> float:
    """Of a route that does nothing."""
    with subprocess.Popen([sys.executable, __file__, "--bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        (found,) = asyncio.run(
            quietest(port, b"GET / HTTP/1.1\r\nHost: bare\r\n\r\n", b"200", asked, lambda: cpu(child.pid))
        )
        child.communicate()
    return found


async def serve_bare() -> None:
    """Serve the route that does nothing until the caller goes."""
    from counterfoil_mocks.kernel import server

    served = server.Served(bare, server.bind("127.0.0.1", 0, "bare"))
    await served.start()
    print(served.port, flush=True)
    await deserted()


def over(address: str, postmaster: int, processes: int, asked: Any) -> dict[str, tuple[float, ...]]:
    """Microseconds of the landscape's and of the server's processes for each request, by path."""
    with landscape(address, processes) as (pids, crm):
        port = urlsplit(crm["url"]).port or 0
        head = f"Host: bench\r\nAuthorization: Bearer {crm['native']['credentials']['access_token']}\r\n"
        length = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
        create = f"POST /native/v1/customers HTTP/1.1\r\n{head}{length}".encode() + BODY
        get = f"GET /native/v1/customers/CU-000001 HTTP/1.1\r\n{head}\r\n".encode()
        backends = children(postmaster)
        used = (lambda: sum(map(cpu, pids)), lambda: sum(map(cpu, backends)))
        made = asyncio.run(quietest(port, create, b"201", asked, *used))
        return {"create": made, "get": asyncio.run(quietest(port, get, b"200", asked, *used))}


def measure(found: Found, asked: Any) -> None:
    """Each count of processes, one after another."""
    from tests.postgres import HURRIED, Server, binaries

    programs = binaries()
    if programs is None:
        raise SystemExit("no PostgreSQL here; install it (Debian: apt-get install postgresql)")
    with tempfile.TemporaryDirectory(prefix="counterfoil-pg-") as folder:
        server = Server(programs, folder, HURRIED)
        server.start()
        try:
            each = {count: over(server.address, server.pid, count, asked) for count in COUNTS}
        finally:
            server.stop()
    route = plain(asked)
    for path, name in (("get", "get by id"), ("create", "create")):
        ours, theirs = each[1][path]
        said = f"{ours:.0f} µs, and {theirs:.0f} µs of the server; the bare route {route:.0f} µs"
        found.add(f"{name} over PostgreSQL, one process", ours / route, said)
    for count, word in ((2, "two"), (4, "four")):
        for path in ("get", "create"):
            (ours, theirs), (own, other) = each[count][path], each[1][path]
            said = f"{ours:.0f} µs; with the server {(ours + theirs) / (own + other):.2f} × ({ours + theirs:.0f} µs)"
            found.add(f"{path}, {word} processes over one", ours / own, said)


if __name__ == "__main__":
    if sys.argv[1:] == ["--bare"]:
        from counterfoil_mocks.kernel import server

        server.run(serve_bare())
        sys.exit(0)
    numbers = [
        ((f"--{name}",), {"type": int, "default": least})
        for name, least in (("requests", REQUESTS), ("rounds", ROUNDS))
    ]
    sys.exit(tell(__doc__, TARGETS, measure, *numbers))
