"""F-32: whoever is told to wait calls again at once."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.mutants import Mutant


class CallsAgain(NativeConnector):
    """Takes no notice of `Retry-After`."""

    def _wait_told(self, status: int, headers: Mapping[str, str]) -> float:
        return 0.0


MUTANT = Mutant(
    id="F-32",
    title="A refused call is repeated at once, and `Retry-After` is not read: the refusals only grow.",
    invariants=("INV-47", "INV-08"),
    scenarios=("S-34",),
    parts={"connector": CallsAgain},
)
