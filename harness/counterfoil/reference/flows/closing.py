"""The end of a period: billing, delivery and the CRM are reconciled with the books that close."""

from __future__ import annotations

from counterfoil.reference.flows import Flow, on
from counterfoil.reference.work import Work


class Closing(Flow):
    """Reconciles by the firm's own calendar."""

    @on("erp.period.soft_closed", "erp.period.closed", severity="S1")
    async def closed(self, work: Work) -> None:
        """Compare what belongs to a period that has been closed, and tell of the variance."""
        period = await work.current("period")
        await self.desk.reconcile(period["legal_entity"], period["period"])
