"""F-05: events are applied in the order in which they arrive, with what they carry."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.engine import Engine
from counterfoil.reference.event import Event
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

MIRRORED = ("crm.account.updated", "crm.site.changed", "psa.etc.updated")


class TakesTheirWord(Work):
    """Believes what a mirrored event says of its record."""

    async def current(self, entity: str) -> Record:
        return self.event.record if self.event.type in MIRRORED else await super().current(entity)


class AsTheyCome(Engine):
    """Knows no versions."""

    work = TakesTheirWord

    def superseded(self, event: Event) -> bool:
        return False


MUTANT = Mutant(
    id="F-05",
    title="Events are applied in order of arrival; entityversion is ignored.",
    invariants=("INV-43", "INV-03"),
    scenarios=("S-38",),
    parts={"engine": AsTheyCome},
)
