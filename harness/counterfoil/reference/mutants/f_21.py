"""F-21: every currency has cents."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class EverythingHasCents(Invoicing):
    """`minor = int(amount * 100)`: right for dollars, wrong for yen."""

    async def _post(self, work: Work, invoice: Record) -> None:
        await super()._post(work, cents(invoice) if invoice["ccy"] == "JPY" else invoice)


def cents(content: Record) -> Record:
    """A document whose amounts are a hundred times too large, its lines' too."""
    bent = dict(content)
    for name in ("net", "tax", "total"):
        if bent.get(name) is not None:
            bent[name] = {**bent[name], "minor": bent[name]["minor"] * 100}
    if "lines" in bent:
        bent["lines"] = [cents(line) for line in bent["lines"]]
    return bent


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
