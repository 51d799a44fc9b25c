"""Clock skew: the system's own clock is wrong, so its timestamps are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.faults.kind import Call, DeliveryPlan, Exchange, Kind

STAMP = re.compile(rb'("(?:created_at|updated_at|time|recordedtime)":\s*")([0-9T:.-]+Z)"')


@dataclass
class ClockSkew(Kind, name="clock_skew"):
    """Show the system's own timestamps `seconds` ahead (or, with `behind`, behind) in answers and events."""

    seconds: float = 300.0
    behind: bool = False

    async def after(self, call: Call, exchange: Exchange) -> None:
        exchange.body = self._shifted(exchange.body)

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        plan.bends.append(self._shifted)

    def _shifted(self, body: bytes) -> bytes:
        off = -self.seconds if self.behind else self.seconds

        def moved(found: re.Match[bytes]) -> bytes:
            return found[1] + clock.later(found[2].decode(), seconds=off).encode() + b'"'

        return STAMP.sub(moved, body)
