"""F-08: the cursor is saved when the first page is there."""

from __future__ import annotations

from counterfoil.reference.mutants import Mutant
from counterfoil.reference.poller import Poller


class SavesEarly(Poller):
    """Saves `max(updated_at)` after every page, and goes on from right there."""

    def since(self, cursor: str | None) -> dict[str, str]:
        return {} if cursor is None else {"updated_since": cursor}

    def page_read(self, name: str, newest: str) -> None:
        self.save(name, self.state.cursor(name), newest)


MUTANT = Mutant(
    id="F-08",
    title="The cursor is saved after the first page: what later pages hold is lost when the poll breaks off.",
    invariants=("INV-44",),
    scenarios=("S-41",),
    parts={"poller": SavesEarly},
    faults=(
        {"kind": "status", "system": "crm", "operation": "list_site", "status": 503, "nth": [4, 5, 6, 7, 8, 9, 10, 11]},
    ),
)
