"""F-58: records without the field that it filters by are skipped."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.poller import Poller


class FiltersNulls(Poller):
    """`where valid_from >= …` drops the nulls."""

    def wanted(self, record: Record, cursor: str | None) -> bool:
        return "valid_from" not in record or record["valid_from"] is not None


MUTANT = Mutant(
    id="F-58",
    title="The poll filters by a field that not every record has, and says that it is complete.",
    invariants=(
        "INV-44",
        "INV-01",
    ),
    scenarios=("S-41",),
    parts={"poller": FiltersNulls},
)
