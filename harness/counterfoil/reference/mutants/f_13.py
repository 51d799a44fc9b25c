"""F-13: own writes are answered like those of others."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.customers import Customers
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class Echoes(Customers):
    """Tells the CRM which version it has copied, which makes another one (five at most, else nothing would ever rest)."""

    @on("crm.account.updated", mirror=True)
    async def account_updated(self, work: Work) -> None:
        await super().account_updated(work)
        customer = await work.current("customer")
        if customer["version"] % 5:
            seen = {**(customer["custom"] or {}), "synchronised": customer["version"]}
            await work.patch("crm", "customer", customer, {"custom": seen})


MUTANT = Mutant(
    id="F-13",
    title="There is no check of origin: a copy is written back to the record it came from, which changes it again.",
    invariants=(
        "INV-52",
        "INV-47",
    ),
    scenarios=("S-18",),
    parts={"customers": Echoes},
)
