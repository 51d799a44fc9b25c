"""Salesforce's refusals: an HTTP status, a code, a message, fields; always in a list. Inner rows say `statusCode` instead of `errorCode`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.protocols.soql_grammar import SoqlError

JSON_RIGHTS = "Please check the security settings of this field and verify that it is read/write for your profile or permission set."


class Refused(Problem):
    """A refusal in Salesforce's own words. fields: those at fault, None where the answer has no such member. more: further members.
    body: the whole body, where it is not the usual list."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        *,
        more: dict[str, Any] | None = None,
        body: Any = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(status, code, message, field=fields[0] if fields else None, headers=headers)
        self.fields = None if fields is None else list(fields)
        self.more = more or {}
        self.body = body

    def listed(self) -> list[dict[str, Any]]:
        """The body of an answer."""
        shown: dict[str, Any] = {"message": self.detail, "errorCode": self.code}
        if self.fields is not None:
            shown["fields"] = self.fields
        return [shown | self.more]

    def row(self) -> dict[str, Any]:
        """The error of one row among several."""
        return {"statusCode": self.code, "message": self.detail, "fields": self.fields or [], **self.more}


class Mistyped(Refused):
    """A value that is not of its field's type: the parser of JSON says so, where rows of CSV have words of their own."""

    def __init__(self, message: str, label: str, name: str, value: Any) -> None:
        super().__init__(400, "JSON_PARSER_ERROR", message)
        self.of_cell = Refused(
            400, "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{label}: value not of required type: {value}", [name]
        )


class Ambiguous(Refused):
    """An external id is of several records: an answer with their addresses, where rows of several have words of their own."""

    def __init__(self, name: str, ids: Sequence[str], urls: Sequence[str]) -> None:
        super().__init__(300, "MULTIPLE_CHOICES", "external id matches several records", body=list(urls))
        message = f"{name}: more than one record found for external id field: [{', '.join(ids)}]"
        self.of_row = Refused(400, "DUPLICATE_VALUE", message, [name])


def of_row(refused: Refused) -> Refused:
    """The refusal of one row among several, which has no address that could be unknown."""
    if isinstance(refused, Ambiguous):
        return refused.of_row
    if refused.code == "NOT_FOUND":
        return Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    return refused


def missing(fields: Sequence[str]) -> Refused:
    """Required fields are not given."""
    return Refused(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(fields)}]", fields)


def unknown_field(object_name: str, field: str) -> Refused:
    """There is no such field."""
    return Refused(400, "INVALID_FIELD", f"No such column '{field}' on sobject of type {object_name}")


def not_writable(fields: Sequence[str]) -> Refused:
    """Fields that callers may not write."""
    message = f"Unable to create/update fields: {', '.join(fields)}. {JSON_RIGHTS}"
    return Refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, fields)


def not_found() -> Refused:
    """There is no such thing."""
    return Refused(404, "NOT_FOUND", "The requested resource does not exist")


def deleted() -> Refused:
    """The record is in the bin."""
    return Refused(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def locked(record_id: str = "") -> Refused:
    """Somebody else is writing the record just now."""
    message = "unable to obtain exclusive access to this record or 1 records"
    return Refused(400, "UNABLE_TO_LOCK_ROW", f"{message}: {record_id}" if record_id else message, [])


def integrity(message: str, fields: Sequence[str] = ()) -> Refused:
    """A rule between records is broken."""
    return Refused(400, "FIELD_INTEGRITY_EXCEPTION", f"field integrity exception: {message}", fields)


def validation(message: str, fields: Sequence[str] = ()) -> Refused:
    """A validation rule, or a rule of the business, says no."""
    return Refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields)


def session_invalid() -> Refused:
    """Who calls is not signed in."""
    return Refused(401, "INVALID_SESSION_ID", "Session expired or invalid")


def session_unfit() -> Refused:
    """Who calls has a password to choose first."""
    return Refused(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")


WORDS: dict[str, tuple[int, str, str]] = {
    "RATE_LIMITED": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "DAILY_LIMIT": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "CONCURRENCY_LIMITED": (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    "TOKEN_EXPIRED": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "UNAUTHENTICATED": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "STALE_VERSION": (400, "UNABLE_TO_LOCK_ROW", ""),
    "HIERARCHY_CYCLE": (400, "CIRCULAR_DEPENDENCY", "attempt to create a circular dependency"),
    "BODY_TOO_LARGE": (413, "REQUEST_ENTITY_TOO_LARGE", "The request is too large."),
    "NOT_FOUND": (404, "NOT_FOUND", "The requested resource does not exist"),
}
"""What refusals of the kernel and the role are here."""


def of(problem: Problem, named: Callable[[str], str] = lambda column: column, record_id: str = "") -> Refused:
    """Any refusal in Salesforce's words. named: what Salesforce calls a canonical field. record_id: of the record that the call is about."""
    if isinstance(problem, Refused):
        return problem
    if problem.code in WORDS:
        status, code, message = WORDS[problem.code]
        fields = [named(problem.field)] if problem.code == "HIERARCHY_CYCLE" and problem.field else None
        if code == "UNABLE_TO_LOCK_ROW":
            return locked(record_id)
        return Refused(status, code, message, fields)
    if problem.status == 401:
        return session_invalid()
    if problem.code == "LOCKED" or problem.status == 423:
        return locked(record_id)
    if problem.code == "DUPLICATE_KEY":
        return Refused(400, "DUPLICATE_VALUE", f"duplicate value found: {problem.detail}", [])
    if problem.status == 503:
        return Refused(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable.")
    if problem.status >= 500:
        return Refused(
            problem.status,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 123456789-1234 (1234567890)",
        )
    fields = [named(problem.field)] if problem.field else []
    return validation(problem.detail, fields)


def of_query(error: SoqlError) -> Refused:
    """A refused query."""
    return Refused(400, error.code, error.message)
