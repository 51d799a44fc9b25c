"""F-57: a deal that is won again is set up again."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class SetsUpAgain(Setup):
    """Triggers on the stage alone."""

    async def scheduled(self, work: Work, number: str) -> set[int]:
        return set()

    async def _resume(self, work: Work, contract: Record) -> None:
        await super()._resume(work, contract)
        golden = await self.parties(work, contract)
        await self._schedules(work, contract, golden, contract["legal_entity"])


MUTANT = Mutant(
    id="F-57",
    title="A deal that is won again is set up again: there is no business key that knows it.",
    invariants=(
        "INV-08",
        "INV-10",
    ),
    scenarios=("S-21",),
    parts={"setup": SetsUpAgain},
)
