"""Partial batch failure: the batch answers 200 and some of its items failed."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class PartialBatch(Kind, name="partial_batch"):
    """Every `each`-th item of a batch fails."""

    each: int = 3

    async def before(self, call: Call, exchange: Exchange) -> None:
        exchange.fail_item = lambda position: (position + 1) % max(1, self.each) == 0
