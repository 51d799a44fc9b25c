"""What a store was asked while something was worked out, and what it said: asked again, the same answers mean that the same would come out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.store import Store
    from counterfoil_mocks.kernel.system import System

MOST_ROWS = 200
"""So many rows are kept of one piece of work; more are dearer to keep and to compare than what is made of them."""
QUESTIONS = ("SELECT", "WITH")


class Part(Protocol):
    """Something that was worked out before, and that others hang on."""

    def holds(self, system: System, state: Hashable) -> bool:
        """Whether it would come out the same now. state: that the system is in."""


class Reads:
    """A connection that remembers what it is asked; it stands in a store's place for its own within a `with`. whole: whether it has seen all that
    was read, and nothing was written; only then `hold` says anything. state: that the
    system was in at the start, where somebody has told. found: what has been looked up meanwhile. One within another keeps what it sees to itself."""

    def __init__(self, store: Store, state: Hashable = None) -> None:
        self.store = store
        self.state = state
        self.found: dict[Hashable, Any] = {}
        self._before = store.connection
        self.connection: Any = self._before.connection if isinstance(self._before, Reads) else self._before
        self.whole = True
        self._asked: list[tuple[str, Any, list[Any]]] = []
        self._parts: list[Part] = []
        self._rows = 0

    def __enter__(self) -> Reads:
        self.store.connection = self
        return self

    def __exit__(self, *_: object) -> None:
        self.store.connection = self._before

    @property
    def in_transaction(self) -> bool:
        """Whether something is being written."""
        return bool(self.connection.in_transaction)

    def lean(self, part: Part) -> None:
        """What is worked out hangs on something that was worked out before."""
        self._parts.append(part)

    def execute(self, sql: str, params: Any = ()) -> Any:
        """Run one statement."""
        cursor = self.connection.execute(sql, params)
        if not self.whole or not sql.lstrip().startswith(QUESTIONS):
            self.whole = False
            return cursor
        rows = cursor.fetchall()
        self._asked.append((sql, params, rows))
        self._rows += len(rows)
        self.whole = self._rows <= MOST_ROWS
        return Rows(rows, cursor.description)

    def executemany(self, sql: str, many: Any) -> Any:
        """Run one statement for each of many rows."""
        self.whole = False
        return self.connection.executemany(sql, many)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def hold(self, system: System, state: Hashable) -> bool:
        """Whether the store says all the same again. state: that the system is in now."""
        execute = self.connection.execute
        for sql, params, rows in self._asked:
            if execute(sql, params).fetchall() != rows:
                return False
        return not self._parts or all(part.holds(system, state) for part in self._parts)


class Rows:
    """What one statement found, as a cursor gives it."""

    __slots__ = ("_left", "description")

    def __init__(self, rows: Sequence[Any], description: Any) -> None:
        self.description = description
        self._left = iter(rows)

    def fetchone(self) -> Any:
        """The next row, None behind the last."""
        return next(self._left, None)

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return list(self._left)

    def __iter__(self) -> Any:
        return self._left
