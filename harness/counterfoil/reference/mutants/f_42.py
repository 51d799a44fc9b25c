"""F-42: what to bill is chosen by date alone."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class ByDate(Invoicing):
    """Bills all work before a date, billed or not."""

    async def billable(self, work: Work, lines: Sequence[Record], before: str) -> Records:
        numbers = {line["line_no"] for line in lines}
        found = await work.list("billing", "billable_item", contract_no=lines[0]["contract_no"])
        return [each for each in found if each["line_no"] in numbers and each["work_date"] < before]


MUTANT = Mutant(
    id="F-42",
    title="Items are selected by date range, whatever their billing state: last month's are billed again.",
    invariants=("INV-19",),
    scenarios=("S-02",),
    parts={"invoicing": ByDate},
)
