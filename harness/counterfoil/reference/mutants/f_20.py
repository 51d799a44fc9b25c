"""F-20: text goes through Latin-1."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import Customers
from counterfoil.reference.mutants import Mutant


class Latin(Customers):
    """`encode("latin-1", "replace")`."""

    def _names(self, system: str, customer: Record) -> Record:
        bent = {**customer, "name": customer["name"].encode("latin-1", "replace").decode("latin-1")}
        return super()._names(system, bent)


MUTANT = Mutant(
    id="F-20",
    title="Text is encoded as Latin-1 on the way: letters that it does not have become question marks.",
    invariants=("INV-07",),
    scenarios=("S-20",),
    parts={"customers": Latin},
)
