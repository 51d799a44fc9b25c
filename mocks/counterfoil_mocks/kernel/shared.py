"""What the processes of one landscape share besides the database: clock, numbers, traffic and a generation, in a mapped file.

Each process writes its own slot only; what several may write is guarded by a lock of the operating system, which a process that is
killed gives back.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.journal import Numbers
from counterfoil_mocks.kernel.limits import Counts
from counterfoil_mocks.kernel.system import Traffic

MOST_PROCESSES = 32
CLOCK, GENERATION, NUMBER, WATCHED = range(4)
HEAD = 8
"""Eight-byte cells before the slots: the business clock in milliseconds, the generation of what processes keep in memory, the
journal's last number, and whether somebody waits for rest."""
SLOT = 8
IN_FLIGHT, MOVES, LAST, WRITTEN, HELD = range(5)
"""Cells of a process: requests under way, movements so far, the instant of the last on the monotonic clock in nanoseconds, the
generation of the journal's that it has written out, and how many calls it holds until there is news."""
MOST_SYSTEMS = 64
LEVEL, FILLED, DAY, TODAY, RULES, CALLS = range(6)
COUNTED = 8
"""Cells of a system, behind those of the processes: the bucket's level in millionths, when it was filled in microseconds, the day, its
calls, a checksum of the limits, all calls that the vendor's face has counted. Behind those of all systems, for each process: how many calls of each system it lets run."""
CELLS = HEAD + SLOT * MOST_PROCESSES + COUNTED * MOST_SYSTEMS + MOST_PROCESSES * MOST_SYSTEMS


class Shared:
    """The mapped file. `slot` 0 is the landscape's own process, the others are its workers in their order."""

    def __init__(self, path: str | None = None, slot: int = 0) -> None:
        """path: of a file that the landscape has made; without it, make one."""
        if path is None:
            handle, path = tempfile.mkstemp(prefix="counterfoil-", suffix=".shared")
            os.ftruncate(handle, 8 * CELLS)
            self._owner = True
        else:
            handle = os.open(path, os.O_RDWR)
            self._owner = False
        self.path = path
        self.slot = slot
        self._handle = handle
        self._map = mmap.mmap(handle, 0)
        self.cells = memoryview(self._map).cast("q")

    @contextlib.contextmanager
    def locked(self) -> Iterator[memoryview[int]]:
        """The cells, with every other process waiting."""
        fcntl.lockf(self._handle, fcntl.LOCK_EX)
        try:
            yield self.cells
        finally:
            fcntl.lockf(self._handle, fcntl.LOCK_UN)

    def counted(self, cell: int) -> int:
        """Count a cell on by one; returns what it then is."""
        fcntl.lockf(self._handle, fcntl.LOCK_EX)
        try:
            self.cells[cell] += 1
            return self.cells[cell]
        finally:
            fcntl.lockf(self._handle, fcntl.LOCK_UN)

    def place(self, slot: int, cell: int) -> int:
        """The index of a cell of a process."""
        return HEAD + SLOT * slot + cell

    def counts(self, number: int) -> SharedCounts:
        """What the limits of a system count, by its place in the landscape."""
        return SharedCounts(self, number)

    @staticmethod
    def calls_of(number: int) -> int:
        """The index of the cell for the calls of a system."""
        return HEAD + SLOT * MOST_PROCESSES + COUNTED * number + CALLS

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """A call of this process waits for news."""
        cell = self.place(self.slot, HELD)
        self.cells[cell] += 1
        try:
            yield
        finally:
            self.cells[cell] -= 1

    @property
    def held(self) -> bool:
        """Whether any call waits for news."""
        return any(self.cells[self.place(slot, HELD)] for slot in range(MOST_PROCESSES))

    @property
    def generation(self) -> int:
        """Grows whenever processes must forget what they keep in memory: subscriptions, tokens, faults, the epoch."""
        return self.cells[GENERATION]

    def renew(self) -> None:
        """Have every process forget what it keeps in memory."""
        with self.locked() as cells:
            cells[GENERATION] += 1

    def vacate(self, slot: int) -> None:
        """A process is gone: nothing of it is under way any more."""
        self.cells[self.place(slot, IN_FLIGHT)] = self.cells[self.place(slot, HELD)] = 0
        for number in range(MOST_SYSTEMS):
            self.cells[running(slot, number)] = 0

    def close(self) -> None:
        """Give the file back."""
        self.cells.release()
        self._map.close()
        os.close(self._handle)
        if self._owner:
            with contextlib.suppress(OSError):
                Path(self.path).unlink()


def _cell(place: int, doc: str) -> Any:
    """A property that is a cell of a system."""

    def read(counts: SharedCounts) -> int:
        return counts._cells[counts._base + place]

    def write(counts: SharedCounts, value: int) -> None:
        counts._cells[counts._base + place] = value

    return property(read, write, doc=doc)


def running(slot: int, number: int) -> int:
    """The index of the cell of a process for the calls of a system that it lets run."""
    return HEAD + SLOT * MOST_PROCESSES + COUNTED * MOST_SYSTEMS + MOST_SYSTEMS * slot + number


class SharedCounts(Counts):
    """What the limits of a system count over all processes."""

    def __init__(self, shared: Shared, number: int) -> None:
        self._shared, self._cells = shared, shared.cells
        self._base = HEAD + SLOT * MOST_PROCESSES + COUNTED * number
        self._mine = running(shared.slot, number)
        self._running = tuple(running(slot, number) for slot in range(MOST_PROCESSES))
        self._cells[self._mine] = 0

    def guarded(self) -> contextlib.AbstractContextManager[object]:
        """Every other process waits."""
        return self._shared.locked()

    @property
    def running(self) -> int:  # type: ignore[override]
        """Calls under way."""
        return sum(self._cells[each] for each in self._running)

    def begin(self) -> None:
        self._cells[self._mine] += 1

    def end(self) -> None:
        self._cells[self._mine] -= 1

    @property
    def level(self) -> float:
        """Of the bucket."""
        return self._cells[self._base + LEVEL] / 1e6

    @level.setter
    def level(self, value: float) -> None:
        self._cells[self._base + LEVEL] = int(value * 1e6)

    @property
    def filled_at(self) -> float:
        """Wall seconds."""
        return self._cells[self._base + FILLED] / 1e6

    @filled_at.setter
    def filled_at(self, value: float) -> None:
        self._cells[self._base + FILLED] = int(value * 1e6)

    day = _cell(DAY, "The day that is counted.")
    today = _cell(TODAY, "Its calls so far.")
    rules = _cell(RULES, "A checksum of the limits.")


class SharedNumbers(Numbers):
    """The journal's numbers, counted over all processes."""

    def __init__(self, shared: Shared, last: int) -> None:
        self.shared = shared
        with shared.locked() as cells:
            cells[NUMBER] = max(cells[NUMBER], last)

    @property
    def last(self) -> int:  # type: ignore[override]
        """The highest number taken so far."""
        return self.shared.cells[NUMBER]

    def take(self) -> int:
        return self.shared.counted(NUMBER)


class SharedClock(Clock):
    """The business clock of several processes. Within a deed it stands where the deed began; between deeds it shows what all see.

    A deed that fails does not take its millisecond back: others may have moved on.
    """

    def __init__(self, shared: Shared, start: str | None = None) -> None:
        self.shared = shared
        self._held = False
        self._showing = 0
        if start is not None:
            self.reset(start)

    @property
    def now(self) -> str:  # type: ignore[override]
        """The business instant."""
        if not self._held:
            self._follow(self.shared.cells[CLOCK])
        return self._shown

    @property
    def milliseconds(self) -> int:
        """Milliseconds since the epoch."""
        if not self._held:
            self._follow(self.shared.cells[CLOCK])
        return self._showing

    def _follow(self, milliseconds: int) -> None:
        if milliseconds != self._showing:
            self._showing = milliseconds
            self._shown = clock.render_milliseconds(milliseconds)

    def tick(self) -> str:
        self._follow(self.shared.counted(CLOCK))
        self._held = True
        return self._shown

    def release(self) -> None:
        self._held = False

    def take_back(self, before: str) -> None:
        self._held = False

    def move_to(self, instant: str) -> None:
        moment = clock.milliseconds_of(instant)
        with self.shared.locked() as cells:
            cells[CLOCK] = max(cells[CLOCK], moment)

    def reset(self, instant: str) -> None:
        with self.shared.locked() as cells:
            cells[CLOCK] = clock.milliseconds_of(instant)


class SharedTraffic(Traffic):
    """Traffic counted over all processes; each counts what it does itself. nudge: wakes the landscape's own process."""

    def __init__(self, shared: Shared, nudge: Callable[[], None] | None = None) -> None:
        self.shared = shared
        self.on_move = []
        self._nudge = nudge
        self._in_flight, self._moves, self._last = (
            shared.place(shared.slot, cell) for cell in (IN_FLIGHT, MOVES, LAST)
        )
        shared.cells[self._in_flight] = 0

    def _all(self, cell: int) -> Iterator[int]:
        return (self.shared.cells[self.shared.place(slot, cell)] for slot in range(MOST_PROCESSES))

    @property
    def in_flight(self) -> int:  # type: ignore[override]
        """Requests received and not yet answered."""
        return sum(self._all(IN_FLIGHT))

    @property
    def moves(self) -> int:  # type: ignore[override]
        """Every movement so far."""
        return sum(self._all(MOVES))

    @property
    def last_activity(self) -> float:  # type: ignore[override]
        """Seconds on the monotonic clock."""
        return max(self._all(LAST)) / 1e9

    def begin(self) -> None:
        self.shared.cells[self._in_flight] += 1
        self.touch()

    def end(self) -> None:
        self.shared.cells[self._in_flight] -= 1
        self.touch()

    def touch(self) -> None:
        cells = self.shared.cells
        cells[self._moves] += 1
        cells[self._last] = int(clock.monotonic() * 1e9)
        for notify in self.on_move:
            notify()
        if self._nudge is not None and cells[WATCHED]:
            self._nudge()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Somebody waits for rest: processes say when they move."""
        self.shared.cells[WATCHED] += 1
        try:
            yield
        finally:
            self.shared.cells[WATCHED] -= 1
