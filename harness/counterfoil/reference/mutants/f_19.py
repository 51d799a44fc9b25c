"""F-19: names are cut where the field ends."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import Customers
from counterfoil.reference.mutants import Mutant


class Cuts(Customers):
    """`value[:60]`, and nothing beside it."""

    def _names(self, system: str, customer: Record) -> Record:
        return {"name": customer["name"][:60], "name_full": None}


MUTANT = Mutant(
    id="F-19",
    title="Names are cut at 60 characters, in the middle of a word and without a word: two companies become equal.",
    invariants=(
        "INV-07",
        "INV-01",
    ),
    scenarios=("S-20",),
    parts={"customers": Cuts},
)
