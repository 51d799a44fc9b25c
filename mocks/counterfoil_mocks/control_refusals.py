"""How the control plane's framework says no: RFC 9457 for whatever goes wrong, with what it knows of routes, bodies and parameters."""

from __future__ import annotations

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from counterfoil_mocks.control_gate import PROBLEM, problem_of
from counterfoil_mocks.kernel.errors import Problem, StoreAway
from counterfoil_mocks.kernel.wire import explained as sentence


def problem_response(problem: Problem) -> Response:
    """A refusal as RFC 9457 says."""
    return Response(orjson.dumps(problem.as_json()), problem.status, dict(problem.headers), PROBLEM)


async def refuse(request: Request, error: Exception) -> Response:
    """Render whatever went wrong."""
    if isinstance(error, Problem | StoreAway):
        return problem_response(problem_of(error, request.method, request.url.path))
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
    return problem_response(problem_of(error, request.method, request.url.path))


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
