"""Errors as values: a code, a sentence a person understands, the field at fault, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any


class Problem(Exception):
    """A refusal. Faces render it in their own error shape (the native one: RFC 9457)."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        remedy: str | None = None,
        errors: Sequence[dict[str, Any]] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.remedy = remedy
        self.errors = list(errors)
        self.headers = list(headers)

    def as_json(self) -> dict[str, Any]:
        """RFC 9457 members plus `code`, `field`, `remedy` and `errors` where they say something."""
        body: dict[str, Any] = {
            "type": f"https://counterfoil.test/problems/{self.code.lower().replace('_', '-')}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.field is not None:
            body["field"] = self.field
        if self.remedy is not None:
            body["remedy"] = self.remedy
        if self.errors:
            body["errors"] = self.errors
        return body


class StoreTaken(ValueError):
    """The database belongs to another landscape, which is at work."""


class StoreAway(Exception):
    """The database server does not answer. What was being written is not there, unless its commit was the last word it heard."""

    def refusal(self) -> Problem:
        """503: what a caller learns of it."""
        return Problem(
            503,
            "STORE_AWAY",
            "The database of this landscape does not answer; whether a write that was under way is done is not known.",
            remedy="Call again, a write with the same Idempotency-Key; it is dialled again at every call.",
            headers=[("Retry-After", "1")],
        )


def store_full() -> Problem:
    """507: a write found no room, and nothing of it is there."""
    return Problem(
        507,
        "STORE_FULL",
        "The store of this landscape is full; nothing of this call has been written.",
        remedy="Free room on its disk; one in memory holds 1 GiB of a system: start with --store sqlite:///FILE instead.",
    )


def invalid(field: str, detail: str, remedy: str | None = None) -> Problem:
    """422: the value of one field cannot be taken."""
    return Problem(
        422,
        "INVALID_FIELD",
        f"{field}: {detail}",
        field=field,
        remedy=remedy,
        errors=[{"field": field, "detail": detail}],
    )


def not_found(what: str, value: object, known: Iterable[str] | None = None) -> Problem:
    """404: no such record, collection, action or path. known: all that there are, for what is named in the code rather than stored."""
    remedy = f"List the {what} records for valid ids and keys."
    if known is not None:
        names = sorted(known)
        alike = get_close_matches(str(value), names, 1)
        remedy = (f"Did you mean {alike[0]}? " if alike else "") + f"There are: {', '.join(names)}."
    return Problem(404, "NOT_FOUND", f"There is no {what} {value!r}.", remedy=remedy)


def not_offered(method: str, allowed: Iterable[str]) -> Problem:
    """405: the path has other methods, which the remedy and the `Allow` header name."""
    known = ", ".join(sorted(allowed))
    return Problem(
        405,
        "METHOD_NOT_ALLOWED",
        f"{method} is not offered here.",
        remedy=f"Use {known}.",
        headers=[("Allow", known)],
    )


def conflict(code: str, detail: str, *, field: str | None = None, remedy: str | None = None) -> Problem:
    """409: the deed is not possible in the state that things are in."""
    return Problem(409, code, detail, field=field, remedy=remedy)
