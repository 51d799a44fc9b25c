"""Deals with events: one after another within a flow, several flows at once; what cannot be done now is tried again, then parked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from counterfoil.reference.connectors import Connector, Record
from counterfoil.reference.errors import AWAITED, Held, Missing, Trouble
from counterfoil.reference.event import Event
from counterfoil.reference.flows import Handler
from counterfoil.reference.reports import Reporter
from counterfoil.reference.routes import Routes, along
from counterfoil.reference.state import State
from counterfoil.reference.work import Work

log = logging.getLogger("counterfoil.reference")

PATIENCE = (0.02, 0.04, 0.08, 0.16)
"""Seconds after which an event whose parent is missing is tried again by itself."""


class Engine:
    """The queue. serial: strictly one event at a time, in order of arrival."""

    work: type[Work] = Work

    def __init__(
        self,
        state: State,
        systems: Mapping[str, Connector],
        handlers: Mapping[str, Handler],
        reporter: Reporter,
        *,
        parallel: int = 8,
        serial: bool = False,
    ) -> None:
        self.state = state
        self.systems = systems
        self.handlers = handlers
        self.routes = Routes(state, systems)
        self.reporter = reporter
        self.serial = serial
        self._slots = asyncio.Semaphore(1 if serial else parallel)
        self._lanes: dict[str, deque[int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._later: dict[int, asyncio.TimerHandle] = {}
        self._tries: dict[int, int] = {}
        self._moved = asyncio.Event()

    # taking

    def submit(self, event: Event) -> bool:
        """Take an event; False where it is known already."""
        seq = self.state.inbox.take(event)
        if seq is None:
            return False
        self._enqueue(seq, event.flow)
        return True

    def resume(self) -> None:
        """Take up what a former process left undone."""
        for seq in self.state.inbox.pending():
            self._enqueue(seq, self.state.inbox.event(seq)[1].flow)

    def _enqueue(self, seq: int, flow: str) -> None:
        name = "" if self.serial else flow
        lane = self._lanes.get(name)
        if lane is not None:
            lane.append(seq)
            return
        self._lanes[name] = deque([seq])
        self._spawn(self._run(name))

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._moved.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("a lane broke", exc_info=task.exception())

    async def _run(self, name: str) -> None:
        lane = self._lanes[name]
        while lane:
            async with self._slots:
                await self._deal(lane.popleft())
        del self._lanes[name]

    # dealing

    async def _deal(self, seq: int) -> None:
        name, event = self.state.inbox.event(seq)
        handler = self.handlers.get(event.type)
        if handler is None:
            self.end(seq, event, "IGNORED")
            return
        if handler.mirror and self.superseded(event):
            self.end(seq, event, "SUPERSEDED")
            return
        attempts = self.state.inbox.attempted(seq)
        provided: list[str] = []
        try:
            routes = self.routes.of(event)
            for route in routes:
                own = name if len(routes) == 1 or route["erp"] == "erp" else f"{name}@{route['erp']}"
                work = self.work(seq, own, event, self.state, self.routes.along(route))
                if attempts == 1:
                    self.state.begin(own)
                try:
                    with along(route):
                        await handler.run(work)
                finally:
                    self.state.finish(own)
                provided += work.provided
        except Missing as trouble:
            self.wait(seq, event, trouble, handler, attempts)
        except Trouble as trouble:
            if trouble.code in AWAITED:
                self.wait(seq, event, Missing(AWAITED[trouble.code]), handler, attempts)
            else:
                self.park(seq, event, trouble, handler.severity, attempts)
        except Exception as error:
            log.exception("%s %s", event.type, event.key)
            defect = Trouble("DEFECT", f"{type(error).__name__}: {error}")
            self.park(seq, event, defect, handler.severity, attempts)
        else:
            if handler.mirror:
                self.state.saw(event)
            self.end(seq, event, "DONE")
            self.wake(event, provided)

    def superseded(self, event: Event) -> bool:
        """Whether a later version of the same record has been applied already."""
        return event.version < self.state.newest(event.system, event.record_id, event.type)

    def end(self, seq: int, event: Event, outcome: str) -> None:
        """Record that an event has been dealt with; a letter that held it is settled."""
        self.state.inbox.move(seq, outcome)
        self._tries.pop(seq, None)
        letter = self.state.settle_letter(seq)
        if letter is not None:
            self.reporter.recovered(event, letter)

    def wait(self, seq: int, event: Event, trouble: Missing, handler: Handler, attempts: int) -> None:
        """Try a child again in a moment, behind whatever else its flow holds; park it when that has not helped."""
        tries = self._tries.get(seq, 0)
        if tries >= len(PATIENCE):
            self.park(seq, event, trouble, handler.severity, attempts)
            return
        self._tries[seq] = tries + 1
        self._later[seq] = asyncio.get_running_loop().call_later(PATIENCE[tries], self._again, seq, event.flow)

    def _again(self, seq: int, flow: str) -> None:
        del self._later[seq]
        self._enqueue(seq, flow)

    def park(self, seq: int, event: Event, trouble: Trouble, severity: str, attempts: int) -> None:
        """Put an event aside as a dead letter, and say so."""
        if isinstance(trouble, Held):
            self.state.ask(seq, trouble.subject, trouble.detail, trouble.candidates)
        what = trouble.what if isinstance(trouble, Missing) else ""
        letter = self.state.park(seq, trouble.kind, trouble.code, trouble.detail, what, severity, attempts)
        self.alert(event, trouble, letter, severity, attempts)

    def alert(self, event: Event, trouble: Trouble, letter: str, severity: str, attempts: int) -> None:
        """Tell people that an event is parked."""
        self.reporter.parked(event, trouble, letter, severity, attempts)

    def wake(self, event: Event, provided: list[str]) -> None:
        """Try parked children again whose parent may just have come."""
        for seq in self.state.waiting(event.flow, provided):
            self.requeue(seq)

    # replaying

    def requeue(self, seq: int) -> None:
        """Deal with a parked event again."""
        self.state.inbox.move(seq, "QUEUED")
        self._enqueue(seq, self.state.inbox.event(seq)[1].flow)

    def replay(self, letter_id: str | None = None) -> int:
        """Try parked events again, one or all; returns how many."""
        letters = [
            each for each in self.state.letters(letter_id) if letter_id is not None or each["kind"] != "approval"
        ]
        for letter in letters:
            self._tries.pop(letter["seq"], None)
            self.requeue(letter["seq"])
        return len(letters)

    # rest

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._tasks and not self._later and self.reporter.idle

    async def wait_idle(self, seconds: float) -> bool:
        """Wait until there is nothing to do, so many seconds at most; returns whether there is."""
        limit = time.monotonic() + seconds
        while not self.idle:
            self._moved.clear()
            left = limit - time.monotonic()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self._moved.wait(), min(left, 0.05))
            except TimeoutError:
                continue
        return True

    async def stop(self) -> None:
        """Drop what is under way; a state on disk takes it up again."""
        for handle in self._later.values():
            handle.cancel()
        self._later.clear()
        tasks = list(self._tasks)
        self._lanes.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tries.clear()

    def view(self) -> Record:
        """How things stand, for people."""
        return {"events": self.state.inbox.counts(), "dead_letters": len(self.state.letters()), "idle": self.idle}
