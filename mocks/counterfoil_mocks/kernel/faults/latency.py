"""Latency: the answer takes longer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class Latency(Kind, name="latency"):
    """Wait `ms` wall milliseconds before the work."""

    ms: int = 200

    async def before(self, call: Call, exchange: Exchange) -> None:
        await asyncio.sleep(self.ms / 1000)
