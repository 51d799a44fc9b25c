"""FX rates: the books publish them, PSA and billing keep copies, and what had no rate yet goes on."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import FX_RATE
from counterfoil.reference.flows import Flow, on, together
from counterfoil.reference.work import Work

RATE_COPIES = ("psa", "billing")
RATE_FIELDS = ("from_ccy", "to_ccy", "rate_date", "type", "rate", "source", "published_at")


class Rates(Flow):
    """Passes rates on."""

    @on("erp.fx_rate.published", severity="S4")
    async def published(self, work: Work) -> None:
        """Copy a spot rate to where documents need it; let a late closing rate revalue its period."""
        rate = await work.current("fx_rate")
        if rate["type"] == "SPOT":
            await together(*(self._copy(work, system, rate) for system in RATE_COPIES))
        elif rate["type"] == "CLOSING":
            await self._close(work, rate)
        work.provide(FX_RATE)

    async def _copy(self, work: Work, system: str, rate: Record) -> None:
        found = await work.get(system, "fx_rate", rate["key"])
        values = {name: rate[name] for name in RATE_FIELDS}
        if found is None:
            await work.create(
                system, "fx_rate", values | {"external_id": rate["id"]}, effect=rate["key"], key=rate["key"]
            )
        else:
            await work.patch(system, "fx_rate", found, {"rate": rate["rate"]})

    async def _close(self, work: Work, rate: Record) -> None:
        """The run of the period's end has gone by without this rate: have it made up for where the period is still open."""
        if work.event.time[:10] <= rate["rate_date"]:
            return
        period = rate["rate_date"][:7]
        for entity in await work.list("erp", "legal_entity", functional_ccy=rate["to_ccy"]):
            found = await work.get("erp", "period", f"{entity['code']}/{period}")
            if found is not None and found["status"] == "OPEN":
                await self.revalue(work, entity["code"], period)

    async def revalue(self, work: Work, legal_entity: str, period: str) -> None:
        """Have the books revalue a period; they know what is monetary."""
        await work.act("erp", "revalue_period", effect=legal_entity, legal_entity=legal_entity, period=period)
