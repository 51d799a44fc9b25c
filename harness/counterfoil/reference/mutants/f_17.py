"""F-17: deals that are deleted are not seen."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class NeverLooksBack(Setup):
    """Does nothing about a deal that is taken back."""

    @on("crm.opportunity.reopened", "crm.opportunity.deleted")
    async def reopened(self, work: Work) -> None:
        """Not listened to."""


MUTANT = Mutant(
    id="F-17",
    title="Deleted and reopened deals are not looked for: their projects and plans go on.",
    invariants=(
        "INV-10",
        "INV-06",
    ),
    scenarios=("S-21",),
    parts={"setup": NeverLooksBack},
)
