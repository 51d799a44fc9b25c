"""Reset: the connection breaks before the work."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Aborted, Call, Exchange, Kind


@dataclass
class Reset(Kind, name="reset"):
    """Close the connection; nothing has been done."""

    async def before(self, call: Call, exchange: Exchange) -> None:
        exchange.abort = True
        raise Aborted
