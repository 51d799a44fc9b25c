"""F-22: no currency has more than two decimals."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant, bent
from counterfoil.reference.work import Work


class TwoDecimals(Invoicing):
    """A hard-coded exponent of 2."""

    async def _post(self, work: Work, invoice: Record) -> None:
        await super()._post(work, bent(invoice, lambda minor: minor // 10 * 10) if invoice["ccy"] == "KWD" else invoice)


MUTANT = Mutant(
    id="F-22",
    title="Amounts are cut to two decimals whatever the currency: dinars lose their last digit in the books.",
    invariants=(
        "INV-25",
        "INV-24",
    ),
    scenarios=("S-46",),
    parts={"invoicing": TwoDecimals},
)
