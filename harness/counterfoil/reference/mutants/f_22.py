"""F-22: no currency has more than two decimals."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class TwoDecimals(Invoicing):
    """A hard-coded exponent of 2."""

    async def _post(self, work: Work, invoice: Record) -> None:
        await super()._post(work, cut(invoice) if invoice["ccy"] == "KWD" else invoice)


def cut(content: Record) -> Record:
    """A document without its third decimals, its lines' neither."""
    bent = dict(content)
    for name in ("net", "tax", "total"):
        if bent.get(name) is not None:
            bent[name] = {**bent[name], "minor": bent[name]["minor"] // 10 * 10}
    if "lines" in bent:
        bent["lines"] = [cut(line) for line in bent["lines"]]
    return bent


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
