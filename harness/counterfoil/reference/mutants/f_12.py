"""F-12: what the CRM does not know is blanked elsewhere."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import OWNED_BY_BOOKS, Customers
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class WritesNulls(Customers):
    """Sends every field of the account to the books, the empty ones as well."""

    async def _write(
        self,
        work: Work,
        system: str,
        customer: Record,
        number: str,
        found: Record | None,
        parents: dict[str, str],
        tax: Record,
    ) -> Record:
        written = await super()._write(work, system, customer, number, found, parents, tax)
        if found is None or system != "erp":
            return written
        return await work.patch(system, "customer", written, {name: customer[name] for name in OWNED_BY_BOOKS})


MUTANT = Mutant(
    id="F-12",
    title="Absent values are written as nulls: tax ids and terms that finance keeps are wiped by an update of the account.",
    invariants=(
        "INV-03",
        "INV-26",
    ),
    scenarios=("S-18",),
    parts={"customers": WritesNulls},
)
