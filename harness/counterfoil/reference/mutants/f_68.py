"""F-68: what is carried over is made again."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.moving import COMMON, Moving, bare
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

LEFT_OUT = ("paid", "credited", "written_off", "open_amount", "status", "customer", "lines", "fx_rate")


class MakesAgain(Moving):
    """Posts open receivables in the new books as if they were new, and lets what is planned be billed."""

    async def load(self, work: Work, there: Work, entity: str, record: Record, debtor: str) -> None:
        if entity != "ar_document":
            await super().load(work, there, entity, record, debtor)
            return
        values = {name: value for name, value in record.items() if name not in (*COMMON, *LEFT_OUT)}
        values |= {"customer": debtor, "lines": [bare(line) for line in record["lines"]]}
        await there.create("erp", "ar_document", values, key=record["invoice_no"])
        for line in await work.list("billing", "plan_line", contract_no=record["contract_no"], status="SCHEDULED"):
            if line["kind"] == "MILESTONE":
                await self.desk.invoicing.bill_line(work, line)


MUTANT = Mutant(
    id="F-68",
    title="A cut-over makes open items again: receivables are posted a second time, planned milestones are billed.",
    invariants=(
        "INV-49",
        "INV-19",
        "INV-21",
    ),
    scenarios=("S-49",),
    parts={"moving": MakesAgain},
)
