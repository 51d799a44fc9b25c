"""F-31: a batch that failed in part counts as done."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.reference.connectors import LookUp, Record, Trail
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.errors import Refused
from counterfoil.reference.mutants import Mutant


class LooksAtTheStatus(NativeConnector):
    """200 is success."""

    async def create_all(self, entity: str, many: Sequence[Record], trail: Trail, look_up: LookUp | None) -> None:
        try:
            await super().create_all(entity, many, trail, look_up)
        except Refused:
            return


MUTANT = Mutant(
    id="F-31",
    title="Only the status of a batch is looked at: records that failed inside it are missing.",
    invariants=(
        "INV-17",
        "INV-44",
    ),
    scenarios=("S-02",),
    parts={"connector": LooksAtTheStatus},
    faults=({"kind": "partial_batch", "system": "erp", "operation": "*revenue_schedule*", "each": 1, "nth": 1},),
)
