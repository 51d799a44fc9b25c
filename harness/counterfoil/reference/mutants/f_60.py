"""F-60: the cap does not arrive in billing."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import Golden
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class ForgetsTheCap(Setup):
    """Plans capped lines as if they had no cap."""

    async def _plan(self, work: Work, contract: Record, golden: Golden, entity: str) -> None:
        lines = [{**line, "cap": None} for line in contract["lines"]]
        await super()._plan(work, {**contract, "lines": lines}, golden, entity)


MUTANT = Mutant(
    id="F-60",
    title="The cap is left out of the billing plan: everything that was worked is billed.",
    invariants=(
        "INV-22",
        "INV-39",
    ),
    scenarios=("S-03",),
    parts={"setup": ForgetsTheCap},
)
