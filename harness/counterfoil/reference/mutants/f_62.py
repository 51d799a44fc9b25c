"""F-62: the list of tasks is of last night."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class RestoresTasks(Setup):
    """Writes its list of open tasks back to the PSA."""

    @on("psa.task.closed")
    async def task_closed(self, work: Work) -> None:
        """Open the task again, as the list has it."""
        await work.act("psa", "reopen_task", key=work.event.key)


MUTANT = Mutant(
    id="F-62",
    title="Tasks are restored from a cached list: one that was closed takes time again.",
    invariants=("INV-16",),
    scenarios=("S-22",),
    parts={"setup": RestoresTasks},
)
