"""F-35: a replay is work that was never done."""

from __future__ import annotations

import itertools

from counterfoil.reference.event import Event
from counterfoil.reference.flows import on
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.state import Inbox
from counterfoil.reference.work import Work

RUNS = itertools.count(1)


class NumbersRuns(Inbox):
    """Takes every delivery for a new event."""

    def identity(self, event: Event) -> str:
        return f"{event.name}#{next(RUNS)}"


class RunsAgain(Invoicing):
    """Bills the advance of every plan that it is told of."""

    @on("billing.plan.created", severity="S1")
    async def plan_created(self, work: Work) -> None:
        for line in await self._lines(work, work.event.key):
            if line["kind"] == "MOBILISATION":
                await self.invoice(work, line, [line["key"]], [])


MUTANT = Mutant(
    id="F-35",
    title="A replay gives events new ids and bills what was billed.",
    invariants=(
        "INV-42",
        "INV-19",
    ),
    scenarios=("S-39",),
    parts={"inbox": NumbersRuns, "invoicing": RunsAgain},
)
