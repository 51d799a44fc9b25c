"""Outage: the system answers nobody, for a while."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind
from counterfoil_mocks.kernel.system import World


@dataclass
class Outage(Kind, name="outage"):
    """Refuse every call with 503 for `minutes` of business time (0: until it is lifted)."""

    minutes: float = 0.0
    _clock: Clock | None = field(default=None, init=False, repr=False)
    _until: str = field(default="", init=False, repr=False)

    def start(self, world: World, since: str) -> None:
        self._clock = world.clock
        self._until = clock.later(since, minutes=self.minutes) if self.minutes else ""

    async def before(self, call: Call, exchange: Exchange) -> None:
        if self._clock is not None and self._until and self._clock.now >= self._until:
            return
        raise Problem(503, "OUTAGE", f"{call.system} is out of service.", remedy="Try again later.")
