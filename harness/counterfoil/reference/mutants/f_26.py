"""F-26: work is cut off by the day it is processed."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.delivery import Delivery, Kind
from counterfoil.reference.mutants import Mutant


class DatesByProcessing(Delivery):
    """Uses today's date for the work of the other day."""

    def _entry(self, kind: Kind, entry: Record, value: Record) -> Record:
        return {**super()._entry(kind, entry, value), "work_date": entry["approved_at"][:10]}


MUTANT = Mutant(
    id="F-26",
    title="Work is dated by the day on which it is processed: revenue falls into the wrong month.",
    invariants=(
        "INV-40",
        "INV-37",
    ),
    scenarios=("S-25",),
    parts={"delivery": DatesByProcessing},
)
