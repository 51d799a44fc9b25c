"""F-68: what is carried over is made again."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.moving import Moving
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

# fmt: off
DOCUMENT = ("invoice_no", "doc_type", "legal_entity", "contract_no", "ccy", "issue_date", "tax_point", "due", "net", "tax", "total")
# fmt: on
LINE = ("line_no", "line_type", "contract_line", "description", "net", "tax_code", "tax", "service_item")


class MakesAgain(Moving):
    """Posts open receivables in the new books as if they were new, and lets what is planned be billed."""

    async def load(self, work: Work, there: Work, entity: str, record: Record, debtor: str) -> None:
        if entity != "ar_document":
            await super().load(work, there, entity, record, debtor)
            return
        values = {name: record[name] for name in DOCUMENT}
        lines = [{name: line[name] for name in LINE if line[name] is not None} for line in record["lines"]]
        values |= {"customer": debtor, "lines": lines}
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
