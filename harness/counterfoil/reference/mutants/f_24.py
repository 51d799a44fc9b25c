"""F-24: tax is worked out again on the total."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class TaxesTheTotal(Invoicing):
    """Recomputes the tax on the net of the document, whatever policy the company has elected."""

    async def _post(self, work: Work, invoice: Record) -> None:
        rate = max(float(line["tax_rate"] or 0) * float(line["taxable_fraction"] or 1) for line in invoice["lines"])
        drift = int(invoice["net"]["minor"] * rate + 0.5) - invoice["tax"]["minor"]
        *lines, last = invoice["lines"]
        bent = {name: {**invoice[name], "minor": invoice[name]["minor"] + drift} for name in ("tax", "total")}
        last = {**last, "tax": {**last["tax"], "minor": last["tax"]["minor"] + drift}}
        await super()._post(work, {**invoice, **bent, "lines": [*lines, last]})


MUTANT = Mutant(
    id="F-24",
    title="The books get the tax of the total instead of the sum of the lines: documents differ by a cent.",
    invariants=(
        "INV-25",
        "INV-24",
    ),
    scenarios=("S-29",),
    parts={"invoicing": TaxesTheTotal},
)
