"""Stripe's refusals: one envelope, `{"error": {"type", "code", "message", "param", …}}`, for whatever goes wrong."""

from __future__ import annotations

from typing import Any

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record

INVALID, IDEMPOTENCY, CARD, API = "invalid_request_error", "idempotency_error", "card_error", "api_error"


class Refused(Problem):
    """A refusal in Stripe's own words. more: further members of `error` (decline_code, payment_intent…)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = INVALID,
        **more: Any,
    ) -> None:
        super().__init__(status, code or type, message, field=param)
        self.error: Record = {"type": type, "code": code, "message": message, "param": param, **more}


def missing(noun: str, id: str, *, param: str = "id", status: int = 404) -> Refused:
    """There is no such object. 404 where the path names it, 400 where a parameter does."""
    return Refused(status, f"No such {noun}: '{id}'", code="resource_missing", param=param)


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """A parameter or a state that cannot be."""
    return Refused(400, message, code=code, param=param)


def too_small(given: object, least: int, param: str) -> Refused:
    """A whole number is below what is taken."""
    return invalid(
        f"This value must be greater than or equal to {least} (it currently is '{given}').",
        param,
        "parameter_invalid_integer",
    )


def needed(param: str) -> Refused:
    """A parameter is missing."""
    return Refused(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def emptied(param: str) -> Refused:
    """A parameter is set to nothing that must be something."""
    return Refused(
        400,
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; however '{param}' cannot"
        f" be unset. You should remove '{param}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=param,
    )


WORDS: dict[str, tuple[int, str, str | None]] = {
    "RATE_LIMITED": (429, INVALID, "rate_limit"),
    "CONCURRENCY_LIMITED": (429, INVALID, "rate_limit"),
    "DAILY_LIMIT": (429, INVALID, "rate_limit"),
    "STALE_VERSION": (429, INVALID, "lock_timeout"),
    "TOKEN_EXPIRED": (401, INVALID, "api_key_expired"),
    "DUPLICATE_KEY": (400, INVALID, "resource_already_exists"),
    "IDEMPOTENCY_KEY_REUSED": (400, IDEMPOTENCY, None),
}
"""What our own refusals are here: status, type, code."""


def error_of(problem: Problem) -> tuple[int, Record]:
    """Status and `error` of any refusal; absent members are absent, not null."""
    if isinstance(problem, Refused):
        status, error = problem.status, problem.error
    elif problem.code in WORDS:
        status, kind, code = WORDS[problem.code]
        error = {"type": kind, "code": code, "message": problem.detail}
    elif problem.status >= 500:
        status = problem.status
        error = {"type": API, "message": "An unknown error occurred"}
    else:
        status = problem.status if problem.status in (401, 403, 404, 429) else 400
        code = (
            problem.code.lower() if problem.status == 409 else None
        )  # a rule of the business that Stripe has no word for
        error = {"type": INVALID, "code": code, "message": problem.detail, "param": problem.field}
    error = {name: value for name, value in error.items() if value is not None}
    if "code" in error:
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{str(error['code']).replace('_', '-')}"
    return status, error
