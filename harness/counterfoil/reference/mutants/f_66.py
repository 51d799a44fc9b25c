"""F-66: the trace is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from counterfoil.reference.connectors import Trail
from counterfoil.reference.connectors.native import Call, NativeConnector
from counterfoil.reference.mutants import Mutant


class FreshContext(NativeConnector):
    """Sends no correlation and no causation id."""

    def _write(self, method: str, path: str, body: Any, trail: Trail) -> Call:
        return replace(super()._write(method, path, body, trail), headers={})


MUTANT = Mutant(
    id="F-66",
    title="Every call has a context of its own: documents name neither the flow nor the event that they come from.",
    invariants=("INV-45",),
    scenarios=("S-02",),
    parts={"connector": FreshContext},
)
