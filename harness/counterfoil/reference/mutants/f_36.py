"""F-36: nobody notices that events have stopped."""

from __future__ import annotations

from counterfoil.reference.mutants import Mutant
from counterfoil.reference.poller import Polled, Poller


class TrustsWebhooks(Poller):
    """Never polls."""

    async def poll(self) -> Polled:
        return Polled()


MUTANT = Mutant(
    id="F-36",
    title="There is no heartbeat and no catch-up: after an outage of the subscription there is silence.",
    invariants=(
        "INV-44",
        "INV-08",
    ),
    scenarios=("S-40",),
    parts={"poller": TrustsWebhooks},
)
