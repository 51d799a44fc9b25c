"""F-48: a change order is added to the budget twice."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.changes import Changes
from counterfoil.reference.flows.setup import project_no
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work, minor


class AddsAgain(Changes):
    """`budget += delta`, besides the change order itself."""

    async def in_psa(self, work: Work, order: Record, contract: Record) -> None:
        await super().in_psa(work, order, contract)
        project = await work.need("psa", "project", project_no(order["contract_no"]))
        fee = sum(minor(each["amount"]) + minor(each["cap"]) for each in order["deltas"])
        hours = sum(each["hours"] or 0 for each in order["deltas"])
        more = {**project["budget_fee"], "minor": minor(project["budget_fee"]) + fee}
        await work.patch(
            "psa", "project", project, {"budget_fee": more, "budget_hours": project["budget_hours"] + hours}
        )


MUTANT = Mutant(
    id="F-48",
    title="A change order is added to the budget without a look at its number: it counts twice.",
    invariants=(
        "INV-15",
        "INV-14",
        "INV-12",
    ),
    scenarios=("S-08",),
    parts={"changes": AddsAgain},
)
