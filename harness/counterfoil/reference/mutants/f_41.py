"""F-41: when one line of a project is billed, its whole time sheet is."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.locks import Locks, project_of
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class WholeSheet(Locks):
    """Marks everything that is approved in the project as billed on this invoice."""

    async def lock(self, work: Work, invoice: Record) -> None:
        project = project_of(invoice)
        entries = await work.list("psa", "time_entry", project_no=project, approval="APPROVED", billing="UNBILLED")
        items = [
            {"source_type": "TIME", "source_id": each["key"], "invoice_line": f"{invoice['invoice_no']}/1"}
            for each in entries
        ]
        if items:
            await work.act("psa", "mark_billed", key=project, effect=invoice["invoice_no"], items=items)


MUTANT = Mutant(
    id="F-41",
    title="All approved time of a project is marked as billed when one of its lines is: hours are gone that no invoice shows.",
    invariants=("INV-19", "INV-23"),
    scenarios=("S-32",),
    parts={"locks": WholeSheet},
)
