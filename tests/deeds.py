"""Business deeds in a system, each as one transaction, as a person there would do them."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.kernel.tx import Tx, changed, made, perform, removed


def act(
    system: System, origin: Origin, name: str, id_or_key: str | None, values: Record
) -> tuple[Record, Sequence[Record]]:
    """Do a named action as one transaction; returns the record and the events it announced."""
    with Tx(system, origin) as tx:
        return perform(tx, name, id_or_key, values), tx.events


def create(system: System, origin: Origin, entity: Entity, values: Record) -> tuple[Record, Sequence[Record]]:
    """Create a record as one transaction."""
    with Tx(system, origin) as tx:
        return made(tx, entity, values), tx.events


def change(
    system: System, origin: Origin, entity: Entity, record_id: str, changes: Record, if_match: int | None
) -> tuple[Record, Sequence[Record]]:
    """Patch a record as one transaction; `if_match` is the version that the caller has seen."""
    with Tx(system, origin) as tx:
        return changed(tx, entity, record_id, changes, if_match), tx.events


def remove(
    system: System, origin: Origin, entity: Entity, record_id: str, if_match: int | None
) -> tuple[Record, Sequence[Record]]:
    """Delete a record softly as one transaction."""
    with Tx(system, origin) as tx:
        return removed(tx, entity, record_id, if_match), tx.events
