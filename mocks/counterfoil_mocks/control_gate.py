"""Who may call the control plane, and how whatever goes wrong is told: RFC 9457. Knows no framework, so that none need be loaded to say
no."""

from __future__ import annotations

import hmac
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import orjson

from counterfoil_mocks.kernel.errors import Problem, StoreAway, store_full
from counterfoil_mocks.kernel.face import ASGIApp, Receive, Scope, Send, as_bytes
from counterfoil_mocks.kernel.pipeline import send_whole
from counterfoil_mocks.kernel.store import no_room

PROBLEM = "application/problem+json"
COOKIE = "counterfoil_token"


def problem_of(error: Exception, method: str, path: str) -> Problem:
    """What a caller learns of an error: what it says itself, that the store is full, or that there is a defect here."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreAway):
        return error.refusal()
    if no_room(error):
        return store_full()
    said = f"{method} {path} failed: {type(error).__name__}."
    return Problem(500, "INTERNAL", said, remedy="That is a defect here, not of the call: report it.")


async def tell(scope: Scope, send: Send, problem: Problem) -> None:
    """Answer with a problem."""
    headers = [(b"content-type", PROBLEM.encode()), *as_bytes(problem.headers)]
    await send_whole(scope, send, problem.status, headers, orjson.dumps(problem.as_json()))


class Answerable:
    """Has an application beside the framework say no as the rest of the control plane does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or tell what is wrong; a defect goes on to the server's log."""
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            await tell(scope, send, problem_of(error, scope["method"], scope["path"]))
            if not isinstance(error, Problem | StoreAway):
                raise


class Gate:
    """Asks callers for the landscape's token, if it has one: as a bearer token, or as the cookie that `/?token=…` sets."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through or refuse."""
        if scope["type"] != "http" or scope["path"] in ("/health", "/ready") or self._known(scope):
            await self.app(scope, receive, send)
            return
        if scope["path"] == "/" and self._right(
            parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ):
            from starlette.responses import RedirectResponse

            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.token.decode(), httponly=True, samesite="strict")
            await answer(scope, receive, send)
        else:
            await tell(scope, send, token_needed())

    def _right(self, said: str) -> bool:
        return hmac.compare_digest(said.encode(), self.token)

    def _known(self, scope: Any) -> bool:
        sent = {
            name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"authorization", b"cookie")
        }
        scheme, _, token = sent.get(b"authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._right(token.strip()):
            return True
        cookie = SimpleCookie(sent.get(b"cookie", "")).get(COOKIE)
        return cookie is not None and self._right(cookie.value)


def token_needed() -> Problem:
    """401."""
    return Problem(
        401,
        "TOKEN_NEEDED",
        "The control plane of this landscape needs its token.",
        remedy="Send it as `Authorization: Bearer …`.",
        headers=[("WWW-Authenticate", "Bearer")],
    )
