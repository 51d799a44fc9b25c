"""F-03: a delivery that comes twice has its effects twice."""

from __future__ import annotations

import itertools

from counterfoil.reference.connectors import Record
from counterfoil.reference.event import Event
from counterfoil.reference.flows.cash import Cash
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.state import Inbox
from counterfoil.reference.work import Work, minor


class TakesEverything(Inbox):
    """Has no memory of what came before: every delivery is new."""

    count = itertools.count()

    def identity(self, event: Event) -> str:
        return f"{event.name}#{next(self.count)}"


class BillsAgain(Invoicing):
    """Does not look whether a milestone has been billed."""

    async def is_billed(self, work: Work, line: Record) -> bool:
        return False


class AddsUp(Cash):
    """Adds each payment event to what was paid before: `paid += amount`."""

    async def document(self, work: Work, document: Record) -> Record:
        if work.event.type != "erp.payment.applied":
            return document
        shown = await work.get("crm", "invoice", document["invoice_no"])
        before = minor(shown["paid"]) if shown is not None else 0
        amount = minor(work.event.record["amount"])
        return {**document, "paid": {**document["total"], "minor": before + amount}}


MUTANT = Mutant(
    id="F-03",
    title="There is no table of processed events, and payments are added up as they arrive.",
    invariants=("INV-42", "INV-21", "INV-34"),
    scenarios=("S-38", "S-27"),
    parts={"inbox": TakesEverything, "invoicing": BillsAgain, "cash": AddsUp},
    faults=({"kind": "duplicate", "operation": "*.payment.*", "every": 1},),
)
