"""Walks through a state machine to a given state, for records that mirror what another system says."""

from __future__ import annotations

from collections.abc import Collection

from counterfoil_mocks.kernel.errors import conflict
from counterfoil_mocks.kernel.fields import Entity, Field, Record
from counterfoil_mocks.kernel.tx import Tx


def route(machine: Field, source: str, target: str, through: Collection[str]) -> list[str] | None:
    """The shortest legal way from one state to another, the target last, passing only `through`; None where there is none."""
    ways: dict[str, list[str]] = {source: []}
    queue = [source]
    for state in queue:
        for following in machine.moves.get(state, ()):
            if following not in ways and (following == target or following in through):
                ways[following] = [*ways[state], following]
                queue.append(following)
    return ways.get(target)


def reach(
    tx: Tx,
    entity: Entity,
    record: Record,
    target: str,
    changes: Record | None = None,
    *,
    through: Collection[str],
    state: str = "status",
    event: str = "",
    extra: Record | None = None,
) -> Record:
    """Move a record step by step to a state, however many legal steps away; the last step carries the changes and the event.

    A record that is there already takes the changes. Raises Problem 409 where no way leads there.
    """
    machine = entity.by_name[state]
    way = route(machine, record[state], target, through)
    if way is None:
        raise conflict(
            "ILLEGAL_TRANSITION",
            f"{entity.name.replace('_', ' ').capitalize()} {record['key'] or record['id']} is {record[state]}; "
            f"no way leads from there to {target}.",
            field=state,
            remedy=f"From {record[state]} it may become: {', '.join(machine.moves.get(record[state], ())) or 'nothing'}.",
        )
    for each in way[:-1]:
        record = tx.update(entity, record, {state: each}, event="")
    return tx.update(entity, record, {**(changes or {}), state: target}, event=event, extra=extra)
