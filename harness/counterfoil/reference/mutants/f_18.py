"""F-18: a parent is copied without a look at the tree that it makes."""

from __future__ import annotations

from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.flows.customers import Customers, Golden
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

SOMETHING = "unknown"


class CopiesParents(Customers):
    """Takes a parent over where there is one, and leaves one that was taken away."""

    async def _parents(self, work: Work, customer: Record, depth: int) -> dict[str, str]:
        golden = self.known(customer["parent"] or "")
        return golden.ids if golden is not None else await super()._parents(work, customer, depth)

    async def _copy(self, work: Work, customer: Record, sites: Records | None, parents: dict[str, str]) -> Golden:
        return await super()._copy(work, {**customer, "parent": customer["parent"] or SOMETHING}, sites, parents)


MUTANT = Mutant(
    id="F-18",
    title="Parents are copied without a check, and one that was taken away is left: the books hold a circle, roll-ups hang.",
    invariants=("INV-05",),
    scenarios=("S-19",),
    parts={"customers": CopiesParents},
)
