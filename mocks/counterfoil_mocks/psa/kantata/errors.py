"""Kantata's refusals: `{"errors": [{"type", "message", "field"}]}`, all failures at once; there are no codes, clients match the text."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record

OAUTH, SYSTEM, VALIDATION = "oauth", "system", "validation"


class Refused(Problem):
    """A refusal in Kantata's own words. said: the members of `errors`."""

    def __init__(self, status: int, said: Sequence[Record]) -> None:
        super().__init__(status, VALIDATION, said[0]["message"], field=said[0].get("field"))
        self.said = list(said)


def invalid(message: str, field: str = "base") -> Refused:
    """422: the record, or one field of it, cannot be as it was sent."""
    return Refused(422, [failure(message, field)])


def failure(message: str, field: str = "base") -> Record:
    """One failure of a validation."""
    return {"type": VALIDATION, "message": message, "field": field}


def unauthorised() -> Refused:
    """401: no token, or one that is not known."""
    return Refused(401, [{"type": OAUTH, "message": "Invalid OAuth 2 Request"}])


def forbidden(message: str = "You are not permitted to do this") -> Refused:
    """403: the token's user may not do this."""
    return Refused(403, [{"type": SYSTEM, "message": message}])


def absent() -> Refused:
    """404: there is no such record, or a default filter hides it."""
    return Refused(404, [{"type": SYSTEM, "message": "Not found"}])


def unreadable(message: str) -> Refused:
    """400: the request cannot be read."""
    return Refused(400, [{"type": SYSTEM, "message": message}])


class Denied(Problem):
    """A refusal of the token address, in OAuth's own shape."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)


def error_of(problem: Problem, named: str | None = None) -> tuple[int, Record]:
    """Status and body of any refusal. named: what Kantata calls the field at fault."""
    if isinstance(problem, Denied):
        return problem.status, {"error": problem.code, "error_description": problem.detail}
    if isinstance(problem, Refused):
        return problem.status, {"errors": problem.said}
    if problem.status == 401:
        return error_of(unauthorised())
    if problem.status in (404, 405, 410):
        return error_of(absent())
    if problem.status in (409, 412, 422) or problem.code in ("MISSING_FIELD", "INVALID_VALUE"):
        return 422, {"errors": [failure(problem.detail, named or problem.field or "base")]}
    return problem.status, {"errors": [{"type": SYSTEM, "message": problem.detail}]}
