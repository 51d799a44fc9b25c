"""Who may call the control plane, and how it says no: RFC 9457 for whatever goes wrong."""

from __future__ import annotations

import hmac
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from counterfoil_mocks.kernel.errors import Problem, StoreAway, store_full
from counterfoil_mocks.kernel.store import no_room
from counterfoil_mocks.kernel.wire import explained as sentence

PROBLEM = "application/problem+json"
COOKIE = "counterfoil_token"


def problem_response(problem: Problem) -> Response:
    """A refusal as RFC 9457 says."""
    headers = dict(problem.headers)
    return Response(orjson.dumps(problem.as_json()), problem.status, headers, PROBLEM)


async def refuse(request: Request, error: Exception) -> Response:
    """Render whatever went wrong."""
    if isinstance(error, Problem):
        return problem_response(error)
    if isinstance(error, StoreAway):
        return problem_response(error.refusal())
    if isinstance(error, RequestValidationError):
        return problem_response(explained(error))
    if isinstance(error, HTTPException):
        remedy = "See /openapi.json for what there is."
        code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "REFUSED")
        headers = list((error.headers or {}).items())
        if error.status_code == 405:
            headers = [("Allow", ", ".join(allowed(request)))]
        return problem_response(Problem(error.status_code, code, str(error.detail), remedy=remedy, headers=headers))
    raise error


async def broken(request: Request, error: Exception) -> Response:
    """A store that is full, or a defect of the control plane itself; the server's log has it in full."""
    if no_room(error):
        return problem_response(store_full())
    said = f"{request.method} {request.url.path} failed: {type(error).__name__}."
    return problem_response(Problem(500, "INTERNAL", said, remedy="That is a defect here, not of the call: report it."))


def allowed(request: Request) -> list[str]:
    """Every method that the path has."""
    found: set[str] = set()
    for route in request.app.routes:
        regex, methods = getattr(route, "path_regex", None), getattr(route, "methods", None)
        if regex is not None and methods and regex.match(request.scope["path"]):
            found |= methods
    return sorted(found)


def explained(error: RequestValidationError) -> Problem:
    """A body or parameter that cannot be taken: 400 where it is not JSON, else 422 naming each member."""
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return Problem(400, "UNPARSABLE", "The body is not JSON.", remedy="Send a JSON object.")
    errors = []
    for each in found[:20]:
        detail, remedy = sentence(each)
        field = ".".join(map(str, each["loc"][1:])) or str(each["loc"][0])
        errors.append({"field": field, "detail": detail, "remedy": remedy})
    first = errors[0]
    return Problem(
        422,
        "INVALID_FIELD",
        f"{first['field']}: {first['detail']}",
        field=first["field"],
        remedy=f"{first['remedy']} See /openapi.json for what there is.",
        errors=errors,
    )


class Answerable:
    """Has an application beside the framework say no as the rest of the control plane does."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or tell what is wrong; a defect goes on to the server's log."""
        try:
            await self.app(scope, receive, send)
        except (Problem, StoreAway) as error:
            await (await refuse(Request(scope), error))(scope, receive, send)
        except Exception as error:
            await (await broken(Request(scope), error))(scope, receive, send)
            raise


class Gate:
    """Asks callers for the landscape's token, if it has one: as a bearer token, or as the cookie that `/?token=…` sets."""

    def __init__(self, app: Any, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let through or refuse."""
        if scope["type"] != "http" or scope["path"] in ("/health", "/ready") or self._known(scope):
            await self.app(scope, receive, send)
            return
        if scope["path"] == "/" and self._right(
            parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ):
            answer: Response = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.token.decode(), httponly=True, samesite="strict")
        else:
            answer = problem_response(
                Problem(
                    401,
                    "TOKEN_NEEDED",
                    "The control plane of this landscape needs its token.",
                    remedy="Send it as `Authorization: Bearer …`.",
                    headers=[("WWW-Authenticate", "Bearer")],
                )
            )
        await answer(scope, receive, send)

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
