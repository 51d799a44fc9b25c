"""F-40: a status that it does not know is taken for the usual one."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows import on
from counterfoil.reference.flows.delivery import TIME, Delivery
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

STATUS = {"DRAFT": "DRAFT", "REJECTED": "REJECTED", "APPROVED": "APPROVED"}


class MapsToDefault(Delivery):
    """`STATUS.get(x, "APPROVED")`, over a table that never heard of SUBMITTED."""

    def stands(self, entry: Record) -> bool:
        return STATUS.get(entry["approval"], "APPROVED") == "APPROVED"

    @on("psa.time.submitted", severity="S1")
    async def submitted(self, work: Work) -> None:
        """Take over what counts as approved, rated by the month's usual rate."""
        entry = await work.current("time_entry")
        if self.stands(entry):
            rated = {"bill_rate": "175.0000", "amount": {"minor": entry["minutes"] * 17500 // 60, "ccy": entry["ccy"]}}
            await self._item(work, TIME, {**entry, **rated})


MUTANT = Mutant(
    id="F-40",
    title="An unknown status is mapped to the default: what is only submitted counts as approved, and is billed.",
    invariants=(
        "INV-51",
        "INV-18",
    ),
    scenarios=("S-02",),
    parts={"delivery": MapsToDefault},
)
