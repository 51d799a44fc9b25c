"""How Salesforce's own clients are pointed at a fake, with nothing in them changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter


class Redirected(HTTPAdapter):
    """Carries what is meant for https://*.salesforce.com to the fake; path and query stay."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.target = urlsplit(url)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(request.url)
        request.url = urlunsplit((self.target.scheme, self.target.netloc, parts.path, parts.query, ""))
        return super().send(request, *args, **kwargs)


def session(url: str) -> requests.Session:
    """A session that reaches the fake instead of Salesforce."""
    made = requests.Session()
    made.trust_env = False
    made.mount("https://", Redirected(url))
    return made
