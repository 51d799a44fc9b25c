"""F-54: a year has 365 days."""

from __future__ import annotations

from datetime import date, timedelta

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant


class LosesADay(Setup):
    """`date_diff` without the day that both ends make."""

    def how_recognised(self, contract: Record, line: Record) -> Record:
        found = super().how_recognised(contract, line)
        return (
            {**found, "end": (date.fromisoformat(line["end"]) - timedelta(days=1)).isoformat()}
            if line["type"] == "RETAINER"
            else found
        )


MUTANT = Mutant(
    id="F-54",
    title="Days are counted without the first or the leap day: the last day of a span is lost.",
    invariants=("INV-36",),
    scenarios=("S-06",),
    parts={"setup": LosesADay},
)
