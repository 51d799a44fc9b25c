"""F-51: the rate of today."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class TakesTheNewest(Invoicing):
    """`rate(today)`: whatever was published last, instead of the rate of the tax point."""

    async def book(self, work: Work, receivable: Record, effect: str = "") -> Record:
        entity = await work.need("erp", "legal_entity", receivable["legal_entity"])
        pair = {"from_ccy": receivable["ccy"], "to_ccy": entity["functional_ccy"], "type": "SPOT"}
        known = await work.list("erp", "fx_rate", **pair)
        newest = max(known, key=lambda each: str(each["rate_date"]), default=None)
        return await super().book(work, {**receivable, "fx_rate": newest and newest["rate"]}, effect)


MUTANT = Mutant(
    id="F-51",
    title="Documents are converted at the newest rate there is, not at that of their tax point.",
    invariants=("INV-35",),
    scenarios=("S-44",),
    parts={"invoicing": TakesTheNewest},
)
