"""F-27: a bill run at half past two, as a wall clock strikes it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


def strikes(day: str, tz: str) -> int:
    """How often a clock in a zone shows 02:30 on a day: once, twice when it is put back, never when it is put forward."""
    local = datetime.fromisoformat(f"{day}T02:30").replace(tzinfo=ZoneInfo(tz))
    instants = {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sum(each.astimezone(local.tzinfo).time() == local.time() for each in instants)


class Cron(Invoicing):
    """Bills what is due each time that its hour strikes, and keeps no note of its runs."""

    async def bill_line(self, work: Work, line: Record) -> None:
        if not line["due"]:
            await super().bill_line(work, line)
            return
        plan = await work.need("billing", "plan", line["contract_no"])
        entity = await work.need("billing", "legal_entity", plan["legal_entity"])
        for run in range(strikes(line["due"], entity["tz"])):
            if run:
                await self.invoice(work, {**line, "key": f"{line['key']} again"}, [line["key"]], [])
            else:
                await super().bill_line(work, line)


MUTANT = Mutant(
    id="F-27",
    title="The nightly bill run starts at 02:30 local time without a note of past runs: twice in one night of autumn, never in one of spring.",
    invariants=("INV-42", "INV-23"),
    scenarios=("S-53",),
    parts={"invoicing": Cron},
)
