"""F-16: merges are not followed."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.merges import Merges
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class KeepsBoth(Merges):
    """Does not listen to accounts that are merged."""

    @on("crm.account.merged")
    async def merged(self, work: Work) -> None:
        """Not listened to."""


MUTANT = Mutant(
    id="F-16",
    title="An account that is merged away lives on elsewhere: projects, plans and drafts hang on it.",
    invariants=("INV-06",),
    scenarios=("S-17",),
    parts={"merges": KeepsBoth},
)
