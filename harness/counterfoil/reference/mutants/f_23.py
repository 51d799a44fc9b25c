"""F-23: money is a float."""

from __future__ import annotations

import math

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class FloatsMoney(Invoicing):
    """Computes the tax of every line again, with `float` and `ceil`."""

    async def _post(self, work: Work, invoice: Record) -> None:
        lines = [{**line, "tax": {**line["net"], "minor": floated(line)}} for line in invoice["lines"]]
        tax = sum(line["tax"]["minor"] for line in lines)
        total = invoice["net"]["minor"] + tax
        bent = {"tax": {**invoice["tax"], "minor": tax}, "total": {**invoice["total"], "minor": total}}
        await super()._post(work, {**invoice, **bent, "lines": lines})


def floated(line: Record) -> int:
    """The tax of a line as a careless programmer computes it."""
    rate = float(line["tax_rate"] or 0) * float(line["taxable_fraction"] or 1)
    return math.ceil(float(line["net"]["minor"]) / 100 * rate * 100)


MUTANT = Mutant(
    id="F-23",
    title="Tax is computed in floating point and rounded up: 8.165 is not what it looks like.",
    invariants=("INV-25",),
    scenarios=("S-29",),
    parts={"invoicing": FloatsMoney},
)
