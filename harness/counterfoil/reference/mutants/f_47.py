"""F-47: a change order stops at the PSA."""

from __future__ import annotations

from counterfoil.reference.flows.changes import Changes, Step
from counterfoil.reference.mutants import Mutant


class ProjectOnly(Changes):
    """Changes the project and calls it done."""

    def steps(self) -> list[Step]:
        return [self.in_psa, self.in_crm]


MUTANT = Mutant(
    id="F-47",
    title="An approved change order updates the project only; billing plan and transaction price stay as they were.",
    invariants=("INV-14", "INV-38"),
    scenarios=("S-08",),
    parts={"changes": ProjectOnly},
)
