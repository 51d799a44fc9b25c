"""What can keep an event from having its effect. Each says whether trying again helps, and who must act if it does not."""

from __future__ import annotations

from typing import Any


class Trouble(Exception):
    """An event that cannot be dealt with now. kind: why, as a dead letter shows it; code: the reason as a word."""

    kind = "refused"

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Refused(Trouble):
    """A system said no, and will say it again. status: HTTP status; body: its whole problem."""

    def __init__(self, status: int, body: dict[str, Any], asked: str) -> None:
        super().__init__(str(body.get("code") or status), f"{asked}: {status} {body.get('detail') or body}")
        self.status = status
        self.body = body


class Unreachable(Trouble):
    """A system gave no usable answer to any attempt."""

    kind = "exhausted"

    def __init__(self, asked: str, last: str, attempts: int) -> None:
        super().__init__("UNREACHABLE", f"{asked}: no usable answer in {attempts} attempts; the last: {last}")


class Missing(Trouble):
    """What the event hangs on is not there yet. what: `customer CU-000123`, as `Work.provide` names it when it comes."""

    kind = "waiting"

    def __init__(self, what: str) -> None:
        super().__init__("PARENT_MISSING", f"There is no {what} yet.")
        self.what = what


FX_RATE = "fx rate"
AWAITED = {"FX_RATE_MISSING": FX_RATE}
"""Refusals that pass by themselves once something has come, by code."""


class Unfit(Trouble):
    """The record does not say what it must."""


class Held(Trouble):
    """A person must decide first."""

    kind = "approval"

    def __init__(self, subject: str, detail: str, candidates: list[str]) -> None:
        super().__init__("APPROVAL_NEEDED", detail)
        self.subject = subject
        self.candidates = candidates
