"""F-59: a renamed field comes through empty."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import Golden
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class OldName(Setup):
    """`payload.get("practice__c")`."""

    async def _project(self, work: Work, contract: Record, golden: Golden, entity: str) -> None:
        await super()._project(work, {**contract, "practice": contract.get("practice__c")}, golden, entity)


MUTANT = Mutant(
    id="F-59",
    title="A field is read by a name that it no longer has, without a check: the practice comes through empty.",
    invariants=(
        "INV-09",
        "INV-03",
    ),
    scenarios=("S-01",),
    parts={"setup": OldName},
)
