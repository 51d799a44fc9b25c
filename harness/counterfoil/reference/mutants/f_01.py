"""F-01: a create that timed out is simply sent again."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.reference.connectors import LookUp, Record
from counterfoil.reference.connectors.native import Call, NativeConnector
from counterfoil.reference.mutants import Mutant


class SendsAgain(NativeConnector):
    """Repeats a call without its key and without looking for what the first attempt made."""

    async def before_repeat(self, call: Call, look_up: LookUp | None) -> tuple[Call, Record | None]:
        return replace(call, key=None), None


MUTANT = Mutant(
    id="F-01",
    title="On a time-out the POST is sent again without idempotency key or look-up.",
    invariants=("INV-24", "INV-42"),
    scenarios=("S-33",),
    parts={"connector": SendsAgain},
)
