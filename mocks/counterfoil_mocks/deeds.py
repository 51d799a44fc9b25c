"""The words that business deeds are written with: a step of a state machine, a walk of several, an amount in the right currency."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Field, Record
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.tx import Tx

CROSS_REFERENCES = frozenset({"external_id", "ext_refs", "custom", "source_key"})
"""Fields that an integration may write in any state of a record."""


def step(
    tx: Tx,
    entity: Entity,
    record: Record,
    target: str,
    changes: Record | None = None,
    *,
    state: str = "status",
    sources: Collection[str] = (),
    event: str | None = None,
    extra: Record | None = None,
) -> Record:
    """Move a record to a state; raises Problem 409 where that is no legal step, also where it is there already.

    sources: states that this deed starts from, where the table would allow more. event: as in `Tx.update`.
    """
    source = record[state]
    if source == target or (sources and source not in sources):
        legal = ", ".join(each for each in entity.by_name[state].moves.get(source, ())) or "nothing (it is final)"
        raise conflict(
            "ILLEGAL_TRANSITION",
            f"{entity.name.replace('_', ' ').capitalize()} {record['key'] or record['id']} is {source}; "
            f"this deed cannot make it {target}.",
            field=state,
            remedy=f"From {source} it may become: {legal}."
            + (f" This deed starts from {either(sources)}." if sources else ""),
        )
    return tx.update(entity, record, {**(changes or {}), state: target}, event=event, extra=extra)


def walk(
    tx: Tx,
    entity: Entity,
    record: Record,
    path: Sequence[str],
    changes: Record | None = None,
    *,
    state: str = "status",
    event: str | None = None,
    extra: Record | None = None,
) -> Record:
    """Move a record along the part of `path` that lies ahead of it; the last step carries the changes and the event.

    Raises Problem 409 where the record is not on the path, or at its end.
    """
    ahead = path[path.index(record[state]) + 1 :] if record[state] in path else ()
    for target in ahead[:-1]:
        record = step(tx, entity, record, target, state=state, event="")
    return step(tx, entity, record, path[-1], changes, state=state, sources=path[:-1], event=event, extra=extra)


@dataclass(frozen=True)
class Step:
    """A deed that does nothing but move a record: name, state to reach, what it says, event, states it starts from, fields asked.

    keeps: fields asked that are stored on the record; the others travel in the event's data alone. stamps: instants it sets.
    """

    name: str
    target: str
    doc: str
    event: str = ""
    sources: tuple[str, ...] = ()
    asks: tuple[Field, ...] = ()
    keeps: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()


def register_steps(role: Role, entity: Entity, steps: Iterable[Step], *, state: str = "status") -> None:
    """Register each step as an action on the entity."""
    for each in steps:
        _register_step(role, entity, each, state)


def _register_step(role: Role, entity: Entity, move: Step, state: str) -> None:
    def run(tx: Tx, subject: Record, values: Record) -> Record:
        changes = {name: values[name] for name in move.keeps if name in values}
        changes |= dict.fromkeys(move.stamps, tx.stamp)
        said = {name: value for name, value in values.items() if name not in move.keeps}
        return step(
            tx, entity, subject, move.target, changes, state=state, sources=move.sources, event=move.event, extra=said
        )

    run.__doc__ = move.doc
    role.action(move.name, *move.asks, on=entity)(run)


MOST_MINOR = 10**15
"""The largest amount that a record holds, in minor units."""


def refuse_beyond(field: str, amount: int) -> int:
    """The computed amount, if a record can hold it; raises Problem 422 on the field that made it so large."""
    if abs(amount) > MOST_MINOR:
        raise invalid(
            field, f"makes an amount of {amount} minor units; {MOST_MINOR} is the most", "Give a smaller value."
        )
    return amount


def minor(values: Record, field: str, ccy: str) -> int:
    """Minor units of an amount given to a deed, 0 when absent; raises Problem 422 when it is not in `ccy`."""
    money = values.get(field)
    if money is None:
        return 0
    if isinstance(money, int):
        return money
    if money.ccy != ccy:
        raise invalid(f"{field}.ccy", f"{money.ccy} given where the record is in {ccy}", f"Give the amount in {ccy}.")
    return int(money.minor)


def refuse_frozen(record: Record, changes: Record, free: Collection[str] = ()) -> None:
    """Refuse to change what a record says once its state has frozen it; cross-references and `free` fields stay open."""
    open_names = CROSS_REFERENCES.union(free)
    frozen = [
        name
        for name, value in changes.items()
        if name not in open_names and getattr(value, "minor", value) != record.get(name)
    ]
    if frozen:
        raise conflict(
            "RECORD_FROZEN",
            f"{record['key'] or record['id']} is past the state in which {frozen[0]} may change.",
            field=frozen[0],
            remedy="Undo the deed that froze it, or make a new record.",
        )


def refuse_self_approval(requester: str | None, approver: str, field: str = "approver") -> None:
    """Refuse an approval by the person who asked for it (INV-41)."""
    if requester is not None and requester.strip().casefold() == approver.strip().casefold():
        raise conflict(
            "SELF_APPROVAL",
            f"{approver} asked for this and cannot approve it.",
            field=field,
            remedy="Have somebody else approve it.",
        )


def either(words: Collection[str]) -> str:
    """`A, B or C`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
