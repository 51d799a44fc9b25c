"""F-14: customers are matched by their exact name."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.customers import Customers
from counterfoil.reference.matching import Verdict
from counterfoil.reference.mutants import Mutant


class ByExactName(Customers):
    """`Acme Inc` and `ACME, Inc.` are two companies."""

    def compare(
        self, ours: Record, theirs: Record, postcodes: Iterable[str | None], our_postcode: str | None
    ) -> Verdict:
        return "same" if ours["name"] == theirs["name"] else "other"


MUTANT = Mutant(
    id="F-14",
    title="Customers are matched by exact name only: a variant of the name makes a duplicate.",
    invariants=("INV-01", "INV-02"),
    scenarios=("S-16",),
    parts={"customers": ByExactName},
)
