"""F-53: a month that has begun does not count."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.dates import first_of_next_month
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant


class WholeMonthsOnly(Setup):
    """Starts the schedule with the first whole month."""

    def how_recognised(self, contract: Record, line: Record) -> Record:
        found = super().how_recognised(contract, line)
        return {**found, "start": first_of_next_month(line["start"])} if line["type"] == "RETAINER" else found


MUTANT = Mutant(
    id="F-53",
    title="The month in which a retainer begins is left out: its first days get nothing.",
    invariants=("INV-36",),
    scenarios=("S-06",),
    parts={"setup": WholeMonthsOnly},
)
