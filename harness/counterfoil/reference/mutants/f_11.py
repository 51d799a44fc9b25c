"""F-11: what others have changed meanwhile is overwritten."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.reference.connectors import Record, Trail
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.flows.customers import OWNED_BY_BOOKS
from counterfoil.reference.mutants import Mutant


class ForcesVersions(NativeConnector):
    """Writes whole customers back as it first read them, with whatever version makes the system take it."""

    async def get(self, entity: str, key: str) -> Record | None:
        found = await super().get(entity, key)
        if entity == "customer" and found is not None:
            self._first_read = getattr(self, "_first_read", {})
            self._first_read.setdefault(found["id"], found)
        return found

    async def create(self, entity: str, values: Record, trail: Trail, look_up: object) -> Record:
        made = await super().create(entity, values, trail, look_up)  # type: ignore[arg-type]
        if entity == "customer":
            self._first_read = getattr(self, "_first_read", {})
            self._first_read.setdefault(made["id"], made)
        return made

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        known = getattr(self, "_first_read", {}).get(record["id"])
        if entity == "customer" and known is not None:
            changes = {name: known[name] for name in OWNED_BY_BOOKS} | changes
        return await super().patch(entity, record, changes, replace(trail, key=None))


MUTANT = Mutant(
    id="F-11",
    title="Read, modify, write with the version forced: what finance changed in between is lost.",
    invariants=(
        "INV-03",
        "INV-20",
    ),
    scenarios=("S-18",),
    parts={"connector": ForcesVersions},
)
