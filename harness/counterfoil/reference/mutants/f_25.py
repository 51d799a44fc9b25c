"""F-25: dates are taken in UTC."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class DatesInUtc(Invoicing):
    """`datetime.utcnow().date()`."""

    async def _post(self, work: Work, invoice: Record) -> None:
        await super()._post(work, {**invoice, "issue_date": invoice["issued_at"][:10]})


MUTANT = Mutant(
    id="F-25",
    title="The issue date in the books is the UTC date of issue: an evening in Chicago is tomorrow.",
    invariants=(
        "INV-24",
        "INV-40",
    ),
    scenarios=("S-37",),
    parts={"invoicing": DatesInUtc},
)
