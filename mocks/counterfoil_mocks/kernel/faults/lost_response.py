"""Lost response: the work is committed and the caller never hears of it."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class LostResponse(Kind, name="lost_response"):
    """Close the connection instead of answering, after the commit."""

    async def after(self, call: Call, exchange: Exchange) -> None:
        exchange.abort = True
