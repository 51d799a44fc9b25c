"""F-02: every attempt has an idempotency key of its own."""

from __future__ import annotations

import os
from dataclasses import replace

from counterfoil.reference.connectors import LookUp, Record
from counterfoil.reference.connectors.native import Call, NativeConnector
from counterfoil.reference.mutants import Mutant


class FreshKeys(NativeConnector):
    """Makes the key anew for every attempt, and does not look."""

    async def before_repeat(self, call: Call, look_up: LookUp | None) -> tuple[Call, Record | None]:
        return replace(call, key=os.urandom(8).hex()), None


MUTANT = Mutant(
    id="F-02",
    title="A fresh idempotency key is made inside the retry loop: the books take each attempt for a new document.",
    invariants=("INV-42",),
    scenarios=("S-33",),
    parts={"connector": FreshKeys},
)
