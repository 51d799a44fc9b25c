"""F-46: an invoice in flight keeps the plan that it was drafted on."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.changes import Changes
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class LooksOnce(Changes):
    """Reads the plan when it drafts, and not again."""

    async def in_flight(self, work: Work, order: Record, ms_codes: list[str]) -> None:
        """Drafts stay as they are."""


MUTANT = Mutant(
    id="F-46",
    title="A draft made before a change order is issued as it was: the milestone is billed at its old amount.",
    invariants=(
        "INV-11",
        "INV-14",
        "INV-21",
    ),
    scenarios=("S-12",),
    parts={"changes": LooksOnce},
)
