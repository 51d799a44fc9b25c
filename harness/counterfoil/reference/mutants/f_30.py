"""F-30: the refusal of a closed period is swallowed."""

from __future__ import annotations

from counterfoil.reference.errors import Refused
from counterfoil.reference.flows import on
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class Swallows(Invoicing):
    """`except Conflict: pass`."""

    @on("billing.invoice.issued", severity="S1")
    async def issued(self, work: Work) -> None:
        try:
            await super().issued(work)
        except Refused as error:
            if error.code != "PERIOD_CLOSED":
                raise


MUTANT = Mutant(
    id="F-30",
    title="A closed period is answered with `pass`: the invoice is issued, absent from the books, and nobody is told.",
    invariants=(
        "INV-24",
        "INV-44",
    ),
    scenarios=("S-51",),
    parts={"invoicing": Swallows},
)
