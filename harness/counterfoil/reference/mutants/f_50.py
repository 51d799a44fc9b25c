"""F-50: the tax code is copied from the last invoice, and overrides pass."""

from __future__ import annotations

from typing import Any

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.flows.taxes import Taxes
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class CopiesTheTax(Invoicing):
    """Taxes an invoice as the company's last one was taxed."""

    async def drafted_with(self, work: Work, line: Record) -> dict[str, Any]:
        issued = await work.list("billing", "invoice", legal_entity=line["legal_entity"])
        codes = [each["lines"][0]["tax_code"] for each in issued if each["invoice_no"]]
        return {"tax_code": codes[-1]} if codes and codes[-1] else {}


class LetsThemPass(Taxes):
    """Takes every override flag at its word."""

    async def overridden(self, work: Work, draft: Record) -> None:
        """Nobody is asked."""


MUTANT = Mutant(
    id="F-50",
    title="The tax code is copied from the company's last invoice, and no override is ever questioned.",
    invariants=("INV-26", "INV-41"),
    scenarios=("S-45",),
    parts={"invoicing": CopiesTheTax, "taxes": LetsThemPass},
)
