"""F-44: rate cards are cached for ever."""

from __future__ import annotations

from counterfoil.reference.flows import on
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.mutants import Mutant
from counterfoil.reference.work import Work


class CachesCards(Setup):
    """Knows the cards that it has seen."""

    @on("crm.rate_card.published")
    async def rate_card_published(self, work: Work) -> None:
        """Not listened to."""


MUTANT = Mutant(
    id="F-44",
    title="A new version of a rate card is never fetched: time goes out at the old rates.",
    invariants=(
        "INV-13",
        "INV-20",
    ),
    scenarios=("S-14",),
    parts={"setup": CachesCards},
)
