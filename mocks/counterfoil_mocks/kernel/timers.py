"""Timers: business instants at which a system does something by itself (a billing schedule, a period's end)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.kernel.tx import Tx

NEXT = "SELECT id, at, kind, key, payload FROM {schema}.timer WHERE system = ? AND at <= ? ORDER BY at, id LIMIT 1"
ALL = "SELECT id, at, kind, key FROM {schema}.timer WHERE system = ? ORDER BY at, id LIMIT ?"


@dataclass(frozen=True)
class Timer:
    """A timer that has come due."""

    system: System
    id: int
    at: str
    kind: str
    key: str
    payload: Record


def next_timer(systems: Iterable[System], until: str) -> Timer | None:
    """The earliest timer of any system at or before an instant; at the same instant the systems go by name."""
    found: list[Timer] = []
    for system in systems:
        row = system.store.execute(NEXT.format(schema=system.schema), (system.name, until)).fetchone()
        if row is not None:
            found.append(Timer(system, row[0], row[1], row[2], row[3], orjson.loads(row[4])))
    return min(found, key=lambda timer: (timer.at, timer.system.name, timer.id), default=None)


def fire(timer: Timer, journal: Journal) -> list[Record]:
    """Do what a timer says, as one transaction in which it also disappears; returns the events announced.

    A refusal by the role's rules is written to the journal, and the timer is gone all the same.
    """
    system = timer.system
    clear = (f"DELETE FROM {system.schema}.timer WHERE id = ? AND at = ?", (timer.id, timer.at))
    number = journal.next_seq()
    origin = Origin(kind="schedule", actor="schedule", deed=timer.kind, journal_seq=number)
    status, detail, announced = 200, None, []
    system.clock.move_to(timer.at)
    try:
        with Tx(system, origin) as tx:
            system.store.execute(*clear)
            run = system.role.timers.get(timer.kind)
            if run is None:
                raise Problem(501, "NO_SUCH_TIMER", f"{system.role.name} has no timer {timer.kind!r}.")
            run(tx, timer.payload)
            announced = tx.events
    except Problem as problem:
        system.store.execute(*clear)
        status, detail = problem.status, orjson.dumps(problem.as_json())
    journal.add(
        seq=number,
        kind="timer",
        system=system.name,
        operation=timer.kind,
        key=timer.key,
        status=status,
        request=orjson.dumps(timer.payload),
        response=detail,
    )
    return announced


def pending(system: System, limit: int = 100) -> list[Record]:
    """Timers that wait, the earliest first."""
    return system.store.rows(ALL.format(schema=system.schema), (system.name, limit))
