"""F-56: revenue is what was invoiced."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant

REVENUE = "4000"


class RecognisesOnInvoice(Invoicing):
    """Posts the net of fixed-fee invoices to revenue instead of to the contract liability."""

    def ar_line(self, line: Record, services: dict[int, str | None]) -> Record:
        posted = super().ar_line(line, services)
        return {**posted, "account": REVENUE} if line["line_type"] == "FIXED_FEE" else posted


MUTANT = Mutant(
    id="F-56",
    title="The net of an invoice is posted to revenue: fixed fees are recognised when they are billed.",
    invariants=("INV-36", "INV-37"),
    scenarios=("S-01",),
    parts={"invoicing": RecognisesOnInvoice},
)
