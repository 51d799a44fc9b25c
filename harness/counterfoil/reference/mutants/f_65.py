"""F-65: each line is converted and rounded for itself."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class RoundsLineByLine(Invoicing):
    """Converts the total and every line by itself; what is left over is dropped."""

    async def book(self, work: Work, receivable: Record, effect: str = "") -> Record:
        entity = await work.need("erp", "legal_entity", receivable["legal_entity"])
        ccy = entity["functional_ccy"]
        known = await work.list("erp", "fx_rate", from_ccy=receivable["ccy"], to_ccy=ccy, type="SPOT")
        found = [each for each in known if each["rate_date"] <= receivable["tax_point"]]
        if not found:
            return await super().book(work, receivable, effect)
        rate = Decimal(max(found, key=lambda each: str(each["rate_date"]))["rate"])

        def converted(amount: Record) -> Record:
            return {"minor": int((amount["minor"] * rate).quantize(Decimal(1), ROUND_HALF_UP)), "ccy": ccy}

        lines = [
            {**line, "func_net": converted(line["net"]), "func_tax": converted(line["tax"])}
            for line in receivable["lines"]
        ]
        return await super().book(
            work, {**receivable, "func_total": converted(receivable["total"]), "lines": lines}, effect
        )


MUTANT = Mutant(
    id="F-65",
    title="Functional amounts are rounded line by line and the remainder is dropped: entries do not balance in the books' currency.",
    invariants=("INV-29", "INV-30"),
    scenarios=("S-44",),
    parts={"invoicing": RoundsLineByLine},
)
