"""F-45: a milestone that is taken back stays billed."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class NeverTakesBack(Invoicing):
    """Does not listen to milestones that are taken back."""

    @on("psa.milestone.uncompleted", severity="S1")
    async def milestone_taken_back(self, work: Work) -> None:
        """Not listened to."""


MUTANT = Mutant(
    id="F-45",
    title="Milestones that are taken back are ignored: the invoice stands and there is no credit.",
    invariants=(
        "INV-21",
        "INV-36",
    ),
    scenarios=("S-24",),
    parts={"invoicing": NeverTakesBack},
)
