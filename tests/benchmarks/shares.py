"""Where the time of a request goes, by layer: a profile of the native face in process, without the HTTP server.

Run as `python tests/benchmarks/shares.py`. The profiler makes calls of Python dearer than those of C, so shares tell what to look at, not
what would be gained.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
from typing import Any

import request_paths
from figures import Found, Target, tell

REQUESTS = 2_000
LAYERS = {
    "pipeline, face and authentication": ("pipeline", "face", "native", "auth", "paths", "limits"),
    "operations, paging, input": ("operations", "pages", "wire", "pydantic", "parse", "_validators"),
    "transaction, ids, clock, events": ("tx", "ids", "clock", "system", "blake2"),
    "records and rows": ("table", "fields", "money", "orjson"),
    "SQLite": ("sqlite3",),
    "journal": ("journal",),
}
PATHS = ("get", "list", "create")
TARGETS = {f"{path}: {layer}": Target("%", digits=0) for path in PATHS for layer in LAYERS}


def scope_of(method: str, target: str, token: str) -> dict[str, Any]:
    """A request as the server hands it over."""
    path, _, query = target.partition("?")
    headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())]
    if method == "POST":
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(request_paths.BODY))]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
    }


async def received() -> dict[str, Any]:
    """The body of a request."""
    return {"type": "http.request", "body": request_paths.BODY, "more_body": False}


async def sent(message: dict[str, Any]) -> None:
    """Nobody listens."""


async def asked(app: Any, path: str, target: str, token: str, count: int) -> None:
    """One request, again and again."""
    for _ in range(count):
        await app(scope_of("POST" if path == "create" else "GET", target, token), received, sent)


def layer_of(file: str, function: str) -> str | None:
    """Which layer a function belongs to."""
    stem = file.rpartition("/")[2].removesuffix(".py")
    for layer, names in LAYERS.items():
        if stem in names or any(name in function for name in names if file == "~"):
            return layer
    return None


def measure(found: Found, _: object) -> None:
    """Every path."""
    app, paths = request_paths.filled()
    for path in PATHS:
        asyncio.run(asked(app, path, paths[path], paths["token"], REQUESTS // 10))
        profile = cProfile.Profile()
        profile.enable()
        asyncio.run(asked(app, path, paths[path], paths["token"], REQUESTS))
        profile.disable()
        spent = dict.fromkeys(LAYERS, 0.0)
        for (file, _, function), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
            layer = layer_of(file, function)
            if layer is not None:
                spent[layer] += own
        for layer, own in spent.items():
            found.add(f"{path}: {layer}", 100 * own / sum(spent.values()))


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure))
