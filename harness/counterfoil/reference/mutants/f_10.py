"""F-10: a search that lags behind is believed."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import Customers, Directory
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class BelievesTheIndex(Customers):
    """Asks the books for customers of exactly this number; an index that has not seen them yet shows none."""

    async def _in_books(self, work: Work, customer: Record, sites: list[Record] | None) -> Record | None:
        self._directories["erp"] = Directory()
        found = await work.list("erp", "customer", customer_no=customer["customer_no"])
        return found[0] if found else None


MUTANT = Mutant(
    id="F-10",
    title="Customers are looked for once, in a search index that lags, and made where it shows nothing.",
    invariants=(
        "INV-01",
        "INV-02",
    ),
    scenarios=("S-16",),
    parts={"customers": BelievesTheIndex},
    faults=({"kind": "search_lag", "system": "erp", "operation": "list_customer", "searches": 5},),
)
