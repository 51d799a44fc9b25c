"""F-69: intercompany work is booked on one side only."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.delivery import Delivery
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class OneSided(Delivery):
    """Posts in the contract's company only."""

    async def charge(self, work: Work, entry: Record) -> None:
        """Nobody charges."""


MUTANT = Mutant(
    id="F-69",
    title="Work of a sister company's people costs the contract's company, and the sister never charges for it.",
    invariants=("INV-50",),
    scenarios=("S-47",),
    parts={"delivery": OneSided},
)
