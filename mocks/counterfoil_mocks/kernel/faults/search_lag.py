"""Search lag: lists do not show what was just written. The lag is counted in searches, not in seconds."""

from __future__ import annotations

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
    _seed: int = field(default=0, init=False, repr=False)
    _missed: dict[tuple[str, str, int], int] = field(default_factory=dict, init=False, repr=False)

    def start(self, world: World) -> None:
        self._since = world.clock.now[:19]
        self._seed = world.seed

    async def before(self, call: Call, exchange: Exchange) -> None:
        exchange.hidden = lambda record: self._hides(call.operation, record)

    def _hides(self, operation: str, record: Record) -> bool:
        if record["updated_at"] < self._since or ids.chance(self._seed, "lag", record["id"]) >= self.records:
            return False
        place = (operation, record["id"], record["version"])
        self._missed[place] = self._missed.get(place, 0) + 1
        return self._missed[place] <= self.searches
