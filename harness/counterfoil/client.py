"""Plain JSON over one HTTP connection: to a landscape's control plane, or to the integration under test. Knows no business."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

Record = dict[str, Any]
Records = list[Record]

RETRIED = (http.client.RemoteDisconnected, http.client.CannotSendRequest, BrokenPipeError, ConnectionResetError)
CONNECT_SECONDS = 5.0
PORTS = {"http": 80, "https": 443}


class Broken(Exception):
    """The landscape or the integration could not be run: no verdict about the business is possible (exit code 3)."""


class Refused(Exception):
    """A system refused a deed. status: HTTP status; code: the reason as a word; problem: the whole RFC 9457 body."""

    def __init__(self, status: int, problem: Record, asked: str) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", ""))
        self.remedy = str(problem.get("remedy") or "")
        said = self.detail if self.detail.endswith((".", "?", "!")) or not self.remedy else f"{self.detail}."
        super().__init__(f"{asked}: {status} {self.code}: {said} {self.remedy}".rstrip())


class Control:
    """A synchronous client of a control plane; keeps one connection open, not safe to share between threads.

    peer: what it calls the other side in its errors. trusted: whether a 5xx answer means that nothing can be judged any more (of
    an integration it is only a refusal). timeout: seconds. headers: sent with every call.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        timeout: float = 120.0,
        peer: str = "the control plane",
        trusted: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Broken(f"{url!r} is not the address of {peer}")
        self.peer = peer
        self.token = token
        self.trusted = trusted
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._headers = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        self._headers |= headers or {}

    def wait(self, seconds: float) -> None:
        """Let each answer take so long from now on."""
        self._connection.timeout = seconds
        if self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)

    def follow(self, traceparent: str) -> None:
        """Send this with every call from now on, so that what comes of them can be found in the journal."""
        self._headers["traceparent"] = traceparent

    def get(self, path: str, **query: Any) -> Any:
        """GET and decode; parameters that are None are left out."""
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """POST JSON and decode."""
        return self.send("POST", path, {} if body is None else body, query=query)

    def put(self, path: str, body: Any) -> Any:
        """PUT JSON and decode."""
        return self.send("PUT", path, body)

    def delete(self, path: str) -> Any:
        """DELETE and decode."""
        return self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One call. Raises Refused for a 4xx answer, Broken for a 5xx one (where trusted) or when nobody answers."""
        wanted = {name: text(value) for name, value in (query or {}).items() if value is not None}
        target = f"{self._prefix}{path}" + (f"?{urlencode(wanted)}" if wanted else "")
        payload = None if body is None else orjson.dumps(body)
        status, answer = self._exchange(method, target, payload, headers)
        decoded = decode(answer)
        if status >= 500 and self.trusted:
            raise Broken(f"{method} {self.url}{path}: {status} {answer[:500].decode(errors='replace')}")
        if status >= 400:
            problem = decoded if isinstance(decoded, dict) else {"detail": str(decoded)}
            raise Refused(status, problem, f"{method} {path}")
        return decoded

    def items(self, path: str, **query: Any) -> Iterator[Record]:
        """Every item of a paged list, page after page."""
        cursor: Any = None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor is not None else {}))
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def text(self, path: str, **query: Any) -> bytes:
        """The raw body of a GET (an export)."""
        wanted = {name: text(value) for name, value in query.items() if value is not None}
        status, answer = self._exchange(
            "GET", f"{self._prefix}{path}" + (f"?{urlencode(wanted)}" if wanted else ""), None
        )
        if status != 200:
            raise Broken(f"GET {self.url}{path}: {status}")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(
        self, method: str, target: str, payload: bytes | None, more: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        headers = (
            self._headers | ({"content-type": "application/json"} if payload is not None else {}) | dict(more or {})
        )
        for attempt in (1, 2):
            try:
                self._connection.request(method, target, payload, headers)
                response = self._connection.getresponse()
                return response.status, response.read()
            except RETRIED as error:
                # A kept-alive connection that the server closed meanwhile: the request was never taken.
                self._connection.close()
                if attempt == 2:
                    raise Broken(f"{method} {self.url}: {self.peer} does not answer ({error})") from error
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                raise Broken(f"{method} {self.url}: {self.peer} does not answer ({error})") from error
        raise AssertionError("unreachable")


def knock(url: str) -> None:
    """See that somebody listens at an address; raises OSError."""
    parts = urlsplit(url)
    socket.create_connection((str(parts.hostname), parts.port or PORTS[parts.scheme]), CONNECT_SECONDS).close()


def decode(answer: bytes) -> Any:
    """JSON where it is JSON, else text."""
    try:
        return orjson.loads(answer) if answer else None
    except orjson.JSONDecodeError:
        return answer.decode(errors="replace")


def text(value: Any) -> str:
    """A query parameter's value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple, set)) else str(value)


def segment(value: object) -> str:
    """One path segment, percent-encoded: business keys hold slashes."""
    return quote(str(value), safe="")


def plural(entity: str) -> str:
    """The collection of an entity: `time_entry` is `time_entries`; a plural stays as it is."""
    if entity.endswith("s"):
        return entity
    return f"{entity[:-1]}ies" if entity.endswith("y") else f"{entity}s"
