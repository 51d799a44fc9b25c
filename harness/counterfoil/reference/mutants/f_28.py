"""F-28: a legal entity that nobody mapped becomes the default one."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work

DEFAULT = "CF-US"
MAPPED = {"CF-US": "CF-US"}


class DefaultsSetup(Setup):
    """`entity = mapping.get(code, default)` when a deal is set up."""

    async def entity_of(self, work: Work, contract: Record) -> str:
        return MAPPED.get(contract["legal_entity"], DEFAULT)


class DefaultsPosting(Invoicing):
    """The same when an invoice is posted."""

    async def entity_of(self, work: Work, document: Record) -> str:
        return MAPPED.get(document["legal_entity"], DEFAULT)


MUTANT = Mutant(
    id="F-28",
    title="A legal entity without a mapping falls back to the default: other companies' deals are set up and posted in CF-US.",
    invariants=("INV-27", "INV-09"),
    scenarios=("S-29",),
    parts={"setup": DefaultsSetup, "invoicing": DefaultsPosting},
)
