"""F-64: reconciliation that finds nothing because it compares billing with itself."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.reference.connectors import Records
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.reconcile import Reconciliation


class CopyWithCopy(Reconciliation):
    """Takes what billing issued for what the books hold."""

    async def _read(self, where: Mapping[str, str]) -> dict[str, Records]:
        read = await super()._read(where)
        booked = [
            {**each, "invoice_no": each[number], "doc_type": doc_type}
            for entity, number, doc_type in (
                ("invoice", "invoice_no", "INVOICE"),
                ("credit_memo", "cm_no", "CREDIT_MEMO"),
            )
            for each in read[f"billing.{entity}"]
            if each[number]
        ]
        return {**read, "erp.ar_document": booked, "crm.invoice": []}


MUTANT = Mutant(
    id="F-64",
    title="Both sides of the reconciliation are read from billing: the variance is always nil.",
    invariants=("INV-46",),
    scenarios=("S-42",),
    parts={"reconciliation": CopyWithCopy},
)
