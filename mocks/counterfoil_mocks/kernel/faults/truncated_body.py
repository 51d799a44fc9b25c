"""Truncated body: the answer breaks off in the middle."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class TruncatedBody(Kind, name="truncated_body"):
    """Send only the first half of the body, then close the connection."""

    async def after(self, call: Call, exchange: Exchange) -> None:
        exchange.send_only = len(exchange.body) // 2
