"""Delivery of events: at least once, in order within a partition key, in parallel across, retried on the business clock.

The delivery rows are the truth; what stands here in memory is only their order of departure, read again after a crash or a
restore. It is kept in one process; carried are they by all of them (`carrying.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import heapq
import itertools
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from counterfoil_mocks.kernel import carrying, clock
from counterfoil_mocks.kernel.carrying import PARALLEL, PENDING, Carrier, Job
from counterfoil_mocks.kernel.errors import StoreAway, conflict, not_found
from counterfoil_mocks.kernel.faults import Call, Faults
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.system import System, World

STATES = ("PENDING", "DELIVERED", "DEAD", "DROPPED")
LISTED = (
    "SELECT d.id, d.system, o.type, o.key, o.id AS event_id, o.at, d.state, d.attempts, d.next_at, d.last_status, d.last_error,"
    " d.fault, s.url, d.seq FROM {schema}.delivery d JOIN {schema}.outbox o ON o.seq = d.event_seq"
    " LEFT JOIN {schema}.subscription s ON s.id = d.subscription_id WHERE {where}"
)


@dataclass
class Lane:
    """Deliveries of one partition key to one subscription. Only the first may be on its way; the others wait for it."""

    key: tuple[str, str, str] | None
    jobs: deque[Job] = field(default_factory=deque)


class Helpers(Protocol):
    """Other processes that carry deliveries too."""

    def slots(self) -> list[int]:
        """Those that can be asked now."""

    def hand(self, slot: int, job: Job) -> None:
        """Have one carry a delivery; it says so when it is done (`Deliverer.carried`), or has died (`Deliverer.bereft`)."""

    async def call_back(self) -> None:
        """Have all drop what they carry, and wait for it."""


async def nothing() -> None:
    """Wait for nothing."""


class Deliverer:
    """Sends the events of all systems to their subscribers, on the event loop.

    serial: one at a time, in the order of the business clock, awaiting `between` after each.
    """

    def __init__(self, systems: Mapping[str, System], world: World, journal: Journal, faults: Faults) -> None:
        self.systems = systems
        self.world = world
        self.journal = journal
        self.faults = faults
        self.serial = False
        self.between: Callable[[], Awaitable[None]] = nothing
        self.carrier = Carrier(world, journal)
        self.helpers: Helpers | None = None
        self._handed: dict[tuple[str, int], tuple[int, Lane]] = {}
        self._lanes: dict[tuple[str, str, str], Lane] = {}
        self._ready: list[tuple[tuple[str, str, int], int, Lane]] = []
        self._later: list[tuple[str, int, Lane]] = []
        self._flying: dict[asyncio.Task[None], Job] = {}
        self._seen: dict[str, int] = {}
        self._unread: set[str] = set()
        self._count = itertools.count()

    # life

    async def start(self) -> None:
        """Begin to send; what was pending when the process last died goes out first."""
        self.carrier.start()
        self.reload()
        self.world.on_commit.append(self.committed)

    async def stop(self) -> None:
        """Send no more; what is on its way stays pending."""
        with contextlib.suppress(ValueError):
            self.world.on_commit.remove(self.committed)
        await self.halt()
        await self.carrier.stop()

    async def halt(self) -> None:
        """Call back what is on its way and forget the queue; `reload` takes it up again."""
        self._lanes.clear()
        self._ready.clear()
        self._later.clear()
        flying = list(self._flying)
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        self._flying.clear()
        if self.helpers is not None:
            await self.helpers.call_back()
        self._handed.clear()

    def reload(self) -> None:
        """Read from the store what is still to be sent."""
        for system in self.systems.values():
            self._seen[system.name] = 0
            if system.store.concurrent:
                system.store.execute(carrying.RELEASE_ALL.format(schema=system.schema))
            for job in carrying.read(system, f"d.system = ? AND {PENDING}", (system.name,)):
                self._line_up(job)
            row = system.store.execute(f"SELECT coalesce(max(seq), 0) FROM {system.schema}.delivery").fetchone()
            self._seen[system.name] = int(row[0])
        self._unread.clear()
        self.pump()

    # the queue

    def committed(self, system: System) -> None:
        """A transaction of this system has ended: take up the deliveries that it made."""
        try:
            self._take_up(system)
        except StoreAway:
            asyncio.get_running_loop().call_later(carrying.AWAY_SECONDS, self.committed, system)

    def _take_up(self, system: System) -> None:
        if self.journal.events_of(system):
            self._unread.add(system.name)
        if not self.carrier.open:
            return
        if system.name in self._unread:
            if system.subscribers():
                for job in carrying.read(system, "d.seq > ? AND d.system = ?", (self._seen[system.name], system.name)):
                    self._seen[system.name] = job.row["seq"]
                    self._line_up(job)
            self._unread.discard(system.name)
        self.pump()

    def look(self) -> bool:
        """Take up what other processes have committed; returns whether there was anything to send."""
        seen = dict(self._seen)
        for system in self.systems.values():
            self._take_up(system)
        return seen != self._seen

    def _line_up(self, job: Job) -> None:
        """Apply the plan of faults once, then put the delivery behind those of its partition."""
        row = job.row
        alone = row["state"] == "DROPPED"
        if row["state"] == "PENDING" and row["attempts"] == 0 and row["fault"] is None and self.faults.active:
            alone = self._bend(job)
            if row["state"] == "DROPPED" and row["next_at"] is None:
                return
        key = (job.system.name, row["subscription_id"], row["partition_key"])
        if alone:
            self._wait(Lane(None, deque([job])))
            return
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        lane.jobs.append(job)
        if len(lane.jobs) == 1:
            self._wait(lane)

    def _bend(self, job: Job) -> bool:
        """Ask the faults what becomes of a delivery; returns whether it leaves the order of its partition."""
        row = job.row
        face = job.system.face
        same = face.same_events.get(row["type"], "") if face is not None else ""
        plan = self.faults.on_delivery(Call(job.system.name, row["type"], row["key"], same), row["event_id"])
        if not plan.faults:
            return False
        row["fault"] = ",".join(plan.faults)
        job.copies, job.bad_signature, job.bends = plan.copies, plan.bad_signature, plan.bends
        if plan.delay_seconds:
            row["next_at"] = clock.later(self.world.clock.now, seconds=plan.delay_seconds)
        if plan.dropped:
            row["state"] = "DROPPED"
            wait = plan.redeliver_seconds
            row["next_at"] = None if wait is None else clock.later(self.world.clock.now, seconds=wait)
        self.carrier.write(job)
        return plan.out_of_order or plan.dropped

    def _wait(self, lane: Lane) -> None:
        job = lane.jobs[0]
        due = job.row["next_at"] or ""
        if due <= self.world.clock.now:
            heapq.heappush(self._ready, (job.order, next(self._count), lane))
        else:
            heapq.heappush(self._later, (due, next(self._count), lane))

    def pump(self) -> None:
        """Send what is due, as far as there is room."""
        while self._later and self._later[0][0] <= self.world.clock.now:
            lane = heapq.heappop(self._later)[2]
            heapq.heappush(self._ready, (lane.jobs[0].order, next(self._count), lane))
        if not self._ready:
            return
        loads = self._loads()
        while self._ready and self.carrier.open:
            slot = min(loads, key=lambda each: (loads[each], each))
            if loads[slot] >= (1 if self.serial else PARALLEL):
                break
            lane = self._ready[0][2]
            if not lane.jobs[0].plain:
                slot = self.carrier.slot
            heapq.heappop(self._ready)
            loads[slot] += 1
            self._depart(slot, lane)

    def _loads(self) -> dict[int, int]:
        """How many deliveries each process carries that may carry."""
        loads = {self.carrier.slot: len(self._flying)}
        if self.helpers is not None and not self.serial:
            handed = Counter(slot for slot, _ in self._handed.values())
            loads |= {slot: handed[slot] for slot in self.helpers.slots()}
        return loads

    def _depart(self, slot: int, lane: Lane) -> None:
        job = lane.jobs[0]
        if slot != self.carrier.slot and self.helpers is not None:
            self._handed[job.system.name, job.row["seq"]] = slot, lane
            self.helpers.hand(slot, job)
            return
        task = asyncio.get_running_loop().create_task(self._send(lane))
        self._flying[task] = job

    @property
    def busy(self) -> bool:
        """Whether anything is on its way or due."""
        return bool(
            self._flying or self._handed or self._ready or (self._later and self._later[0][0] <= self.world.clock.now)
        )

    @property
    def next_due(self) -> str | None:
        """The business instant of the next delivery that waits for its time."""
        return self._later[0][0] if self._later else None

    def moving(self) -> list[Record]:
        """What is on its way or due, for a person to read."""
        jobs = [
            *self._flying.values(),
            *(lane.jobs[0] for _, lane in self._handed.values()),
            *(lane.jobs[0] for _, _, lane in self._ready),
        ]
        return [
            {
                "what": "delivery",
                "system": job.system.name,
                "id": job.row["id"],
                "type": job.row["type"],
                "key": job.row["key"],
            }
            for job in jobs[:50]
        ]

    def depth(self) -> dict[str, int]:
        """How many deliveries there are now: `flying` on their way, `ready` and without room, `behind` another of their partition,
        `later` waiting for their time."""
        return {
            "flying": len(self._flying),
            "ready": len(self._ready),
            "behind": sum(len(lane.jobs) - 1 for lane in self._lanes.values()),
            "later": len(self._later),
        }

    # one delivery

    async def _send(self, lane: Lane) -> None:
        job = lane.jobs[0]
        task = asyncio.current_task()
        try:
            if await carrying.insisted(lambda: self.carrier.claim(job.system, job.row["seq"])):
                taken = await self.carrier.carry(job)
                if taken and self.serial:
                    await self.between()
            else:
                await carrying.insisted(lambda: self._look_again(job))
        finally:
            if task is not None:
                self._flying.pop(task, None)
        self._leave(lane, job)
        self.world.traffic.touch()
        self.pump()

    @staticmethod
    def _look_again(job: Job) -> None:
        """Somebody had a claim on it of whom nothing is known here: free it, and see what became of it."""
        job.system.store.execute(carrying.RELEASED.format(schema=job.system.schema), (job.row["seq"],))
        for found in carrying.read(job.system, "d.seq = ?", (job.row["seq"],)):
            job.row |= found.row

    def carried(self, system: str, seq: int, became: Record | None) -> None:
        """Another process has made an attempt. became: `state`, `attempts`, `next_at` of the row; None: it could not claim it."""
        _, lane = self._handed.pop((system, seq), (0, None))
        if lane is None:
            return
        job = lane.jobs[0]
        if became is None:
            self._depart(self.carrier.slot, lane)
            return
        job.row |= became
        self._leave(lane, job)
        self.world.traffic.touch()
        self.pump()

    async def bereft(self, slot: int) -> None:
        """A process has died: what it carried departs again."""
        for system in self.systems.values():
            text = carrying.RELEASE.format(schema=system.schema)
            await carrying.insisted(functools.partial(system.store.execute, text, (slot,)))
        lost = [place for place, (whose, _) in self._handed.items() if whose == slot]
        for place in lost:
            _, lane = self._handed.pop(place)
            self._wait(lane)
        self.pump()

    def _leave(self, lane: Lane, job: Job) -> None:
        """Take a finished delivery off its lane, or have it wait for its retry at the head of it."""
        if job.row["state"] == "PENDING":
            self._wait(lane)
            return
        lane.jobs.popleft()
        if lane.jobs:
            self._wait(lane)
        elif lane.key is not None:
            self._lanes.pop(lane.key, None)

    # by hand

    def listed(self, filters: Mapping[str, Any], limit: int, offset: int) -> list[Record]:
        """Deliveries of all systems whose columns (`d.` of the delivery, `o.` of its event) equal the filters that are given."""
        wanted = {name: value for name, value in filters.items() if value is not None}
        where = " AND ".join(("1 = 1", *(f"{name} = ?" for name in wanted)))
        schemas = dict.fromkeys(system.schema for system in self.systems.values())
        parts = [LISTED.format(schema=schema, where=where) for schema in schemas]
        store = next(iter(self.systems.values())).store
        text = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS listed ORDER BY at, system, seq LIMIT ? OFFSET ?"
        rows = store.rows(text, [*(value for _ in schemas for value in wanted.values()), limit, offset])
        return [{name: value for name, value in row.items() if name != "seq"} for row in rows]

    def redeliver(self, delivery_id: str) -> Record:
        """Send a delivery again, whatever became of it; raises Problem 404, or 409 when nobody listens there any more."""
        for system in self.systems.values():
            found = carrying.read(system, "d.id = ? AND d.system = ?", (delivery_id, system.name))
            if found:
                self._again(found[0])
                return self.listed({"d.id": delivery_id, "d.system": system.name}, 1, 0)[0]
        raise not_found("delivery", delivery_id)

    def _again(self, job: Job) -> None:
        if job.row["state"] == "PENDING":
            for due, _, lane in self._later:
                if lane.jobs[0].row["id"] == job.row["id"]:
                    self._later = [each for each in self._later if each[2] is not lane]
                    heapq.heapify(self._later)
                    lane.jobs[0].row["next_at"] = min(due, self.world.clock.now)
                    self.carrier.write(lane.jobs[0])
                    self._wait(lane)
                    break
            self.pump()
            return
        subscription = self.carrier.subscription(job)
        if subscription is None:
            heirs = [each for each in job.system.subscribers() if each["face"] == job.row["face"]]
            if not heirs:
                raise conflict(
                    "NO_SUBSCRIBER",
                    f"Nobody subscribes to {job.system.name} any more.",
                    remedy="Subscribe, then redeliver.",
                )
            job.system.store.execute(
                f"UPDATE {job.system.schema}.delivery SET subscription_id = ? WHERE seq = ?",
                (heirs[0]["id"], job.row["seq"]),
            )
            job.row["subscription_id"] = heirs[0]["id"]
        job.row |= {"state": "PENDING", "attempts": 0, "next_at": self.world.clock.now, "fault": "redelivery"}
        self.carrier.write(job)
        self._wait(Lane(None, deque([job])))
        self.pump()
