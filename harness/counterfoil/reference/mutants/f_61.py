"""F-61: the address of the draft is the address of the invoice."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.customers import Customers
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class KeepsAddresses(Customers):
    """Does not listen to sites that change."""

    @on("crm.site.changed", mirror=True)
    async def site_changed(self, work: Work) -> None:
        """Not listened to."""


MUTANT = Mutant(
    id="F-61",
    title="Addresses are kept as they were when the plan was made: an invoice goes to the old one.",
    invariants=("INV-04",),
    scenarios=("S-18",),
    parts={"customers": KeepsAddresses},
)
