"""F-55: invoice numbers are the highest plus one, without a lock."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import APPROVED_OR_LATER, Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work, is_in


class CountsByItself(Invoicing):
    """Looks for the highest number, then issues the next."""

    async def issue(self, work: Work, draft: Record) -> None:
        await self.approve(work, draft)
        found = await work.list("billing", "invoice", legal_entity=draft["legal_entity"])
        last = max((str(each["invoice_no"]) for each in found if each["invoice_no"]), default="INV-00000")
        series, _, number = last.rpartition("-")
        following = f"{series}-{int(number) + 1:05d}"
        done = is_in("status", *APPROVED_OR_LATER[1:])
        await work.act("billing", "issue_invoice", id=draft["id"], entity="invoice", done=done, invoice_no=following)


MUTANT = Mutant(
    id="F-55",
    title="Two invoices that are issued at once get the same number; receipts land on the wrong one.",
    invariants=(
        "INV-28",
        "INV-34",
    ),
    scenarios=("S-17",),
    parts={"invoicing": CountsByItself},
)
