"""F-52: everything in a foreign currency is revalued."""

from __future__ import annotations

from counterfoil.reference.flows.rates import Rates
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

EVERY_BALANCE = ["1200", "1220", "1230", "2300", "2350"]


class RevaluesTheAdvance(Rates):
    """Takes contract liabilities for money that is owed."""

    async def revalue(self, work: Work, legal_entity: str, period: str) -> None:
        await work.act(
            "erp",
            "revalue_period",
            effect=legal_entity,
            legal_entity=legal_entity,
            period=period,
            accounts=EVERY_BALANCE,
        )


MUTANT = Mutant(
    id="F-52",
    title="Every foreign balance is revalued, contract liabilities with the rest.",
    invariants=("INV-35", "INV-37", "INV-30"),
    scenarios=("S-44",),
    parts={"rates": RevaluesTheAdvance},
)
