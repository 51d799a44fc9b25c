"""Status error: the system answers with an error and does no work."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.errors import Problem, invalid
from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class Status(Kind, name="status"):
    """Answer `status` (400 to 599) before any work."""

    limits = {"status": (400, 599)}

    status: int = 503

    def __post_init__(self) -> None:
        if not 400 <= self.status <= 599:
            raise invalid("status", f"{self.status} is not an error status", "Give one from 400 to 599.")

    async def before(self, call: Call, exchange: Exchange) -> None:
        raise Problem(self.status, "INJECTED_ERROR", f"{call.operation} failed by plan.", remedy="Try again later.")
