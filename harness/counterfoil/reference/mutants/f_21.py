"""F-21: every currency has cents."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant, bent
from counterfoil.reference.work import Work


class EverythingHasCents(Invoicing):
    """`minor = int(amount * 100)`: right for dollars, wrong for yen."""

    async def _post(self, work: Work, invoice: Record) -> None:
        await super()._post(work, bent(invoice, lambda minor: minor * 100) if invoice["ccy"] == "JPY" else invoice)


MUTANT = Mutant(
    id="F-21",
    title="Amounts are multiplied by a hundred whatever the currency: yen arrive a hundredfold in the books.",
    invariants=(
        "INV-25",
        "INV-24",
    ),
    scenarios=("S-46",),
    parts={"invoicing": EverythingHasCents},
)
