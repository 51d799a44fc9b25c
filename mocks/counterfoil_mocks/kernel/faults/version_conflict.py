"""Version conflict: somebody else seems to have changed the record just before."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class VersionConflict(Kind, name="version_conflict"):
    """Refuse a write as stale."""

    async def before(self, call: Call, exchange: Exchange) -> None:
        if exchange.write:
            raise Problem(
                412,
                "STALE_VERSION",
                "The record has changed since you read it.",
                field="If-Match",
                remedy="Read it again and repeat the change on what you then see.",
            )
