"""F-63: the integration approves by itself."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.changes import Changes
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class ApprovesItself(Changes):
    """Does not wait for a person."""

    @on("crm.change_order.submitted", severity="S2")
    async def submitted(self, work: Work) -> None:
        """Approve it."""
        await work.act("crm", "approve_change_order", key=work.event.key, approver="Integration")


MUTANT = Mutant(
    id="F-63",
    title="Change orders are approved by the integration as soon as they are submitted.",
    invariants=("INV-41",),
    scenarios=("S-13",),
    parts={"changes": ApprovesItself},
)
