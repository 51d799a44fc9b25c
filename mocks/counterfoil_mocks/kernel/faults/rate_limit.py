"""Rate limit: 429, with the time after which the caller may come again."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class RateLimit(Kind, name="rate_limit"):
    """Refuse with `Retry-After: retry_after` (wall seconds)."""

    retry_after: int = 1

    async def before(self, call: Call, exchange: Exchange) -> None:
        raise Problem(
            429,
            "RATE_LIMITED",
            "Too many requests.",
            remedy=f"Wait {self.retry_after} s.",
            headers=[("Retry-After", str(self.retry_after))],
        )
