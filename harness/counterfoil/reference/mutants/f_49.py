"""F-49: credit memos are not passed on."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.cash import Cash
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class InvoicesOnly(Cash):
    """Synchronises documents of type INVOICE."""

    @on("billing.credit_memo.issued", severity="S1")
    async def credited(self, work: Work) -> None:
        """Not listened to."""


MUTANT = Mutant(
    id="F-49",
    title="Only invoices are synchronised: a credit memo never reaches books, CRM and delivery.",
    invariants=(
        "INV-33",
        "INV-24",
        "INV-32",
        "INV-30",
    ),
    scenarios=(
        "S-24",
        "S-26",
    ),
    parts={"cash": InvoicesOnly},
)
