"""F-67: a dashboard that asks the CRM alone."""

from __future__ import annotations

from counterfoil.reference.connectors import Records
from counterfoil.reference.dashboard import Dashboard, negative, summed
from counterfoil.reference.mutants import Mutant


class FromTheCrm(Dashboard):
    """Takes what the CRM shows as invoiced for what is recognised, so that what is signed and not invoiced is the backlog."""

    async def read(self) -> dict[str, Records]:
        return {**await super().read(), "shown": await self.systems["crm"].list("invoice", {})}

    def backlog(self, read: dict[str, Records]) -> Records:  # type: ignore[override]
        signed = [line["amount"] for each in read["contracts"] for line in each["lines"] if line["amount"]]
        return summed([*signed, *(negative(each["total"]) for each in read["shown"])])


MUTANT = Mutant(
    id="F-67",
    title="The dashboard is fed from the CRM alone: its backlog is what the CRM has not seen invoiced.",
    invariants=("INV-48", "INV-37"),
    scenarios=("S-03",),
    parts={"dashboard": FromTheCrm},
)
