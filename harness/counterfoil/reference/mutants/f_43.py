"""F-43: a withdrawn approval is not withdrawn from the draft."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.delivery import Delivery
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class LeavesItOnTheDraft(Delivery):
    """Does not listen to withdrawn approvals."""

    @on("psa.time.unapproved", "psa.expense.unapproved", severity="S1")
    async def unapproved(self, work: Work) -> None:
        """Not listened to."""


MUTANT = Mutant(
    id="F-43",
    title="Withdrawn approvals are not taken off drafts: unapproved time is issued.",
    invariants=(
        "INV-18",
        "INV-20",
    ),
    scenarios=("S-23",),
    parts={"delivery": LeavesItOnTheDraft},
)
