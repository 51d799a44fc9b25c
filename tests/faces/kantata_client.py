"""An integration's own client of Kantata's face: plain HTTP, for all tests that speak to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

Body = dict[str, Any]


class Client:
    """What an integration does: a bearer token, JSON out and in."""

    def __init__(self, landscape: Any, psa: Body) -> None:
        self.landscape, self.url, self.keys = landscape, psa["url"], psa["credentials"]

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", form: str = "", **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.keys['access_token']}"}
        address = f"/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.landscape.call(method, address, form.encode() if form else body, headers, base=self.url)

    def get(self, path: str, **query: Any) -> Body:
        reply = self.call("GET", path, **query)
        assert reply.status == 200, reply.raw
        return dict(reply.json)

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> Body:
        """A write that must succeed; its envelope."""
        reply = self.call(method, path, body, **more)
        assert reply.status == 200, reply.raw
        return dict(reply.json)

    def make(self, path: str, root: str, **said: Any) -> Body:
        """A record made, as it is shown."""
        return first(self.send("POST", path, {root: said}))

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, list[Body]]:
        """A call that must fail: its status and errors."""
        reply = self.call(method, path, body, **more)
        assert reply.status >= 400, reply.raw
        return reply.status, reply.json["errors"]


def first(envelope: Body) -> Body:
    found = envelope["results"][0]
    return dict(envelope[found["key"]][found["id"]])


def ids(envelope: Body) -> list[str]:
    return [each["id"] for each in envelope["results"]]
