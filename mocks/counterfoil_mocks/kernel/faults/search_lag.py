"""Search lag: lists do not show what was just written. The lag is counted in searches, not in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.system import World


@dataclass
class SearchLag(Kind, name="search_lag"):
    """A share `records` of what changed since the fault began stays hidden from each caller's first `searches` lists of it."""

    searches: int = 1
    records: float = 1.0
    _since: str = field(default="", init=False, repr=False)
    _world: World | None = field(default=None, init=False, repr=False)

    def start(self, world: World, since: str) -> None:
        self._since = since
        self._world = world

    async def before(self, call: Call, exchange: Exchange) -> None:
        exchange.hidden = lambda record: self._hides(call.operation, record, exchange.count)

    def _hides(self, operation: str, record: Record, count: Callable[[str], int]) -> bool:
        world = self._world
        if world is None or record["updated_at"] < self._since[:19]:
            return False
        if ids.chance(world.seed, "lag", record["id"]) >= self.records:
            return False
        return count(f"{world.epoch} {self._since} {operation} {record['id']} {record['version']}") <= self.searches
