"""NetSuite's refusals: an HTTP status, a title, and details with a code and the place at fault."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from counterfoil_mocks.kernel.errors import Problem

PAGE = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
SECTIONS = {400: "#sec10.4.1", 401: "#sec10.4.2", 404: "#sec10.4.5", 405: "#sec10.4.6", 415: "#sec10.4.16"}
LOGIN = (
    "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles > "
    "User Management > View Login Audit Trail."
)
CLOSED = (
    "Error while accessing a resource. The transaction date you specified is not within the date range of your "
    "accounting period."
)
TOO_MANY = "Concurrent request limit exceeded. Request blocked."


class Refused(Problem):
    """A refusal in NetSuite's own words. path: the field at fault (`item.items[0].item`); parameter: of the query string; header, url:
    where those are at fault. title: where it is not the status's own phrase."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        path: str = "",
        parameter: str = "",
        header: str = "",
        url: str = "",
        title: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(status, code, detail, field=path or parameter or None, headers=headers)
        places = {"o:errorPath": path, "o:errorQueryParam": parameter, "o:errorHeader": header, "o:errorUrl": url}
        self.places = {name: place for name, place in places.items() if place}
        self.title = title

    def shown(self) -> dict[str, Any]:
        """The body of an answer."""
        phrase = "Bad Request" if self.status == 429 else HTTPStatus(self.status).phrase
        body: dict[str, Any] = {
            "type": PAGE + SECTIONS.get(self.status, ""),
            "title": self.title or phrase,
            "status": self.status,
        }
        if self.status == 429:
            body["o:errorCode"] = "USER_ERROR"
        return {**body, "o:errorDetails": [{"detail": self.detail, **self.places, "o:errorCode": self.code}]}


class TokenRefused(Refused):
    """A refused token request, as OAuth 2 has it."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(status, error, error)

    def shown(self) -> dict[str, Any]:
        return {"error": self.code}


def login(realm: str) -> Refused:
    """Who calls is not who they say."""
    challenge = f'OAuth realm="{realm}", error="token_rejected", error_description="Invalid login attempt."'
    return Refused(401, "INVALID_LOGIN", LOGIN, headers=(("WWW-Authenticate", challenge),))


def user(detail: str, *, path: str = "") -> Refused:
    """What is asked for makes no sense in the business."""
    return Refused(400, "USER_ERROR", f"Error while accessing a resource. {detail}", path=path)


def content(detail: str, *, path: str = "") -> Refused:
    """A value cannot be taken."""
    return Refused(400, "INVALID_CONTENT", f"Error while accessing a resource. {detail}", path=path)


def reference(value: object, field: str, path: str) -> Refused:
    """A field names a record that there is not, or that cannot stand there."""
    return content(f"You have entered an Invalid Field Value {value} for the following field: {field}", path=path)


def missing(labels: str, path: str) -> Refused:
    """A value has to be given."""
    return user(f"Please enter value(s) for: {labels}.", path=path)


def unknown_record(url: str) -> Refused:
    """There is no such record."""
    return Refused(404, "NONEXISTENT_ID", "Record does not exist.", url=url)


def exists() -> Refused:
    """There is one already."""
    return user("This record already exists.")


WORDS: dict[str, tuple[int, str, str]] = {
    "PERIOD_CLOSED": (400, "USER_ERROR", CLOSED),
    "DUPLICATE_BANK_REF": (400, "USER_ERROR", "Error while accessing a resource. This record already exists."),
    "DUPLICATE_KEY": (400, "USER_ERROR", "Error while accessing a resource. This entity already exists."),
    "RATE_LIMITED": (429, "CONCURRENCY_LIMIT_EXCEEDED", TOO_MANY),
    "DAILY_LIMIT": (429, "CONCURRENCY_LIMIT_EXCEEDED", TOO_MANY),
    "CONCURRENCY_LIMITED": (429, "CONCURRENCY_LIMIT_EXCEEDED", TOO_MANY),
    "STALE_VERSION": (400, "USER_ERROR", "Error while accessing a resource. Record has been changed."),
    "BODY_TOO_LARGE": (413, "INVALID_CONTENT", "The request is too large."),
    "NOT_FOUND": (404, "NONEXISTENT_ID", "Record does not exist."),
}
"""What refusals of the kernel and the role are here."""


def of(problem: Problem, realm: str, named: Callable[[str], str] = lambda column: column) -> Refused:
    """Any refusal in NetSuite's words. named: what NetSuite calls a canonical field."""
    if isinstance(problem, Refused):
        return problem
    if problem.status == 401:
        return login(realm)
    if problem.code in WORDS:
        return Refused(*WORDS[problem.code])
    if problem.status == 429:
        return Refused(429, "CONCURRENCY_LIMIT_EXCEEDED", TOO_MANY)
    if problem.status == 503:
        return Refused(503, "SERVICE_UNAVAILABLE", "The service is temporarily unavailable.")
    if problem.status >= 500:
        return Refused(problem.status, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: m2abc0000000000001")
    return user(problem.detail, path=named(problem.field) if problem.field else "")
