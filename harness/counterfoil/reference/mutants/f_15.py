"""F-15: customers are matched by name alone."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import Customers
from counterfoil.reference.matching import Verdict, normal_name
from counterfoil.reference.mutants import Mutant


class ByName(Customers):
    """The same name is the same company, whatever the tax numbers say."""

    def compare(
        self, ours: Record, theirs: Record, postcodes: Iterable[str | None], our_postcode: str | None
    ) -> Verdict:
        return "same" if normal_name(ours["name"]) == normal_name(theirs["name"]) else "other"


MUTANT = Mutant(
    id="F-15",
    title="Customers are matched by name alone: two real companies of one name collapse into one debtor.",
    invariants=(
        "INV-01",
        "INV-03",
    ),
    scenarios=("S-16",),
    parts={"customers": ByName},
)
