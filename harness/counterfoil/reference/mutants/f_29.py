"""F-29: a closed period is forced."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import Refused
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class ForcesIt(Invoicing):
    """Goes round the refusal with the rights of finance."""

    async def book(self, work: Work, receivable: Record, effect: str = "") -> Record:
        try:
            return await super().book(work, receivable, effect)
        except Refused as error:
            if error.code != "PERIOD_CLOSED":
                raise
            return await super().book(work, {**receivable, "override_period": True}, "forced")


MUTANT = Mutant(
    id="F-29",
    title="A posting that a closed period refuses is forced with the rights of finance.",
    invariants=("INV-31", "INV-30"),
    scenarios=("S-51",),
    parts={"invoicing": ForcesIt},
)
