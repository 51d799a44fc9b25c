"""What need not be worked out or read again: answers to gets and what pages count, until something is written to their
system, and records that one answer names many times."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.reads import Reads
from counterfoil_mocks.kernel.statements import bound
from counterfoil_mocks.kernel.system import System

MOST = 1_000
"""Answers that are kept at a time."""


@dataclass(slots=True)
class Known:
    """An answer. state: of its system, when it was known to hold; moment: until when its reads tell whether it does; reads: what it was made of,
    where that is known."""

    answer: Any
    state: Hashable
    moment: Hashable
    reads: Reads | None

    def holds(self, system: System, state: Hashable) -> bool:
        """Whether it would come out the same now. state: that the system is in."""
        if state is not None and state == self.state:
            return True
        if self.reads is None or self.moment != system.moment or not self.reads.hold(system, state):
            return False
        self.state = state
        return True


class Remembered:
    """Answers by whatever tells calls from one another. Each holds until something is written to the system, a restore or a minute of the business
    clock. After a write it holds on if the store says the same again to all that it was asked for it; where a store does not tell who
    writes to it, that is seen to at every call."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._known: dict[Hashable, Known] = {}

    def find(self, place: Hashable) -> Any:
        """The answer of a place, None where it must be worked out."""
        known = self._known.get(place)
        if known is None:
            return None
        if known.holds(self.system, self.system.state):
            return known.answer
        del self._known[place]
        return None

    def keep(self, place: Hashable, answer: Any, state: Hashable, reads: Reads | None = None) -> Known | None:
        """Keep what has been worked out, where it can be told how long it holds. state: of the system before that, so that what was written
        meanwhile is not taken for seen. reads: what was read for it."""
        if reads is not None and not reads.whole:
            reads = None
        if state is None and reads is None:
            return None
        if len(self._known) >= MOST:
            self._known.clear()
        known = self._known[place] = Known(answer, state, self.system.moment, reads)
        return known

    def part(self, place: Hashable, work: Callable[[], Any]) -> Any:
        """What many answers have in common, worked out once; each of them holds as long as it does."""
        watcher = self.system.store.connection
        if not isinstance(watcher, Reads):
            return work()
        known = self._known.get(place)
        if known is None or not known.holds(self.system, watcher.state):
            with self.system.store.watched(watcher.state) as reads:
                found = work()
            known = self.keep(place, found, watcher.state, reads)
            if known is None:
                watcher.whole = False
                return found
        watcher.lean(known)
        return known.answer

    def counted(self, statement: sa.Select[Any]) -> int:
        """How many rows a statement finds (what it selects from must be said by `select_from`); whoever turns pages has it counted once."""
        text, params = bound(statement.with_only_columns(sa.func.count()))
        place = (text, *params.values())
        connection, state = self.system.store.connection, self.system.state
        found: int | None = None if isinstance(connection, Reads) else self.find(place)
        if found is None:
            found = int(connection.execute(text, params).fetchone()[0])
            self.keep(place, found, state)
        return found


class Lookups:
    """Records that faces look up to show others: a list of invoices names the same customers on every line, and reads each once.

    All are forgotten as soon as anything moves (a call comes, an answer leaves) or is written; in the middle of a deed none is kept.
    Callers get a copy that is theirs but for what is nested in it.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self._moment: Hashable = None
        self._found: dict[Hashable, list[Record]] = {}

    def by_id(self, entity: str, id: str) -> Record | None:
        """The record with a native id."""
        return self._one((entity, "id", id), self.system.table(entity).by_id, id)

    def by_key(self, entity: str, key: str) -> Record | None:
        """The oldest live record with a business key."""
        return self._one((entity, "key", key), self.system.table(entity).by_key, key)

    def select(
        self, entity: str, where: Mapping[str, Any], order: Sequence[str], limit: int | None = None
    ) -> list[Record]:
        """Live records that equal every named column, as `Table.select` gives them."""
        asked = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in where.items())
        table, name = self.system.table(entity), self.system.name
        place = (entity, asked, *order, limit)
        known = self._known_here()
        found = known.get(place)
        if found is None:
            found = known[place] = table.select(name, where, order=order, limit=limit)
        return [each.copy() for each in found]

    def _one(self, place: Hashable, read: Callable[[str, str], Record | None], named: str) -> Record | None:
        known = self._known_here()
        found = known.get(place)
        if found is None:
            record = read(self.system.name, named)
            found = known[place] = [] if record is None else [record]
        return found[0].copy() if found else None

    def _known_here(self) -> dict[Hashable, list[Record]]:
        """What is known and holds still."""
        system = self.system
        connection = system.store.connection
        if isinstance(connection, Reads):
            return connection.found  # so that all that is read is seen
        if connection.in_transaction:
            return {}
        moment = (system.world.restores, system.deeds, system.world.traffic.moves)
        if moment != self._moment:
            self._found.clear()
            self._moment = moment
        return self._found
