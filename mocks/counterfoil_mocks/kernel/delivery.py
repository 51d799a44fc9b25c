"""Delivery of events: at least once, in order within a partition key, in parallel across, retried on the business clock.

The delivery rows are the truth; what stands here in memory is only their order of departure, read again after a crash or a
restore.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from counterfoil_mocks.kernel import clock, events
from counterfoil_mocks.kernel.errors import conflict, not_found
from counterfoil_mocks.kernel.face import Face
from counterfoil_mocks.kernel.faults import Call, Faults
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal, trace_of
from counterfoil_mocks.kernel.system import System, World

PARALLEL = 16
ATTEMPT_SECONDS = 20.0
ANSWER_LIMIT = 64 * 1024
STATES = ("PENDING", "DELIVERED", "DEAD", "DROPPED")

JOBS = (
    "SELECT d.seq, d.id, d.event_seq, d.subscription_id, d.state, d.attempts, d.next_at, d.fault, o.id AS event_id, o.type, o.key,"
    " o.at, o.face, coalesce(o.partition_key, o.record_id) AS partition_key FROM {schema}.delivery d"
    " JOIN {schema}.outbox o ON o.seq = d.event_seq WHERE {where} ORDER BY d.seq"
)
LISTED = (
    "SELECT d.id, d.system, o.type, o.key, o.id AS event_id, o.at, d.state, d.attempts, d.next_at, d.last_status, d.last_error,"
    " d.fault, s.url, d.seq FROM {schema}.delivery d JOIN {schema}.outbox o ON o.seq = d.event_seq"
    " LEFT JOIN {schema}.subscription s ON s.id = d.subscription_id WHERE {where}"
)
PENDING = "(d.state = 'PENDING' OR d.state = 'DROPPED' AND d.next_at IS NOT NULL)"
UPDATE = (
    "UPDATE {schema}.delivery SET state = :state, attempts = :attempts, next_at = :next_at, last_status = :last_status,"
    " last_error = :last_error, fault = :fault WHERE seq = :seq"
)


@dataclass
class Job:
    """One delivery on its way: its row, joined with the event's type, key and instant."""

    system: System
    row: Record
    copies: int = 1
    bad_signature: bool = False
    bends: Sequence[Callable[[bytes], bytes]] = ()

    @property
    def order(self) -> tuple[str, str, int]:
        """Departs in the order in which the events happened, over all systems."""
        return (self.row["at"], self.system.name, self.row["seq"])


@dataclass
class Lane:
    """Deliveries of one partition key to one subscription. Only the first may be on its way; the others wait for it."""

    key: tuple[str, str, str] | None
    jobs: deque[Job] = field(default_factory=deque)


@dataclass
class Answer:
    """What came of one attempt. status: None when there was no answer, and then `error` says why. taken: whether the receiver took it."""

    status: int | None = None
    error: str | None = None
    body: bytes = b""
    micros: int = 0
    taken: bool = False


def voice(system: System, subscription: Record | None) -> Face:
    """The face that speaks to a subscriber: the one he subscribed at."""
    if subscription is not None and subscription["face"] and system.face is not None:
        return system.face
    return Face(system)


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
        self._session: aiohttp.ClientSession | None = None
        self._lanes: dict[tuple[str, str, str], Lane] = {}
        self._ready: list[tuple[tuple[str, str, int], int, Lane]] = []
        self._later: list[tuple[str, int, Lane]] = []
        self._flying: dict[asyncio.Task[None], Job] = {}
        self._seen: dict[str, int] = {}
        self._count = itertools.count()

    # life

    async def start(self) -> None:
        """Begin to send; what was pending when the process last died goes out first."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS),
            connector=aiohttp.TCPConnector(limit=PARALLEL * 2),
            auto_decompress=False,
        )
        self.reload()
        self.world.on_commit.append(self.committed)

    async def stop(self) -> None:
        """Send no more; what is on its way stays pending."""
        with contextlib.suppress(ValueError):
            self.world.on_commit.remove(self.committed)
        await self.halt()
        if self._session is not None:
            await self._session.close()
            self._session = None

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

    def reload(self) -> None:
        """Read from the store what is still to be sent."""
        for system in self.systems.values():
            self._seen[system.name] = 0
            for job in self._read(system, f"d.system = ? AND {PENDING}", (system.name,)):
                self._line_up(job)
            row = system.store.execute(f"SELECT coalesce(max(seq), 0) FROM {system.schema}.delivery").fetchone()
            self._seen[system.name] = int(row[0])
        self.pump()

    @staticmethod
    def _read(system: System, where: str, params: Sequence[Any]) -> list[Job]:
        return [Job(system, row) for row in system.store.rows(JOBS.format(schema=system.schema, where=where), params)]

    # the queue

    def committed(self, system: System) -> None:
        """A transaction of this system has ended: take up the deliveries that it made."""
        self.journal.events_of(system)
        if self._session is None:
            return
        if system.subscribers():
            for job in self._read(system, "d.seq > ? AND d.system = ?", (self._seen[system.name], system.name)):
                self._seen[system.name] = job.row["seq"]
                self._line_up(job)
        self.pump()

    def look(self) -> bool:
        """Take up what other processes have committed; returns whether there was anything to send."""
        seen = dict(self._seen)
        for system in self.systems.values():
            self.committed(system)
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
        plan = self.faults.on_delivery(Call(job.system.name, row["type"], row["key"]), row["event_id"])
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
        self._write(job)
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
        room = 1 if self.serial else PARALLEL
        while self._ready and len(self._flying) < room and self._session is not None:
            lane = heapq.heappop(self._ready)[2]
            task = asyncio.get_running_loop().create_task(self._send(lane))
            self._flying[task] = lane.jobs[0]

    @property
    def busy(self) -> bool:
        """Whether anything is on its way or due."""
        return bool(self._flying or self._ready or (self._later and self._later[0][0] <= self.world.clock.now))

    @property
    def next_due(self) -> str | None:
        """The business instant of the next delivery that waits for its time."""
        return self._later[0][0] if self._later else None

    def moving(self) -> list[Record]:
        """What is on its way or due, for a person to read."""
        jobs = [*self._flying.values(), *(lane.jobs[0] for _, _, lane in self._ready)]
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

    # one delivery

    async def _send(self, lane: Lane) -> None:
        job = lane.jobs[0]
        task = asyncio.current_task()
        try:
            subscription = self._subscription(job)
            if subscription is None or not subscription["active"]:
                gone = "removed" if subscription is None else "disabled"
                self._finish(job, Answer(error=f"the subscription is {gone}"), None, final=True)
            else:
                answer = await self._attempt(job, subscription)
                self._finish(job, answer, subscription)
                if answer.taken and self.serial:
                    await self.between()
        finally:
            if task is not None:
                self._flying.pop(task, None)
        self._leave(lane, job)
        self.world.traffic.touch()
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

    def _subscription(self, job: Job) -> Record | None:
        found = job.system.store.rows(
            f"SELECT * FROM {job.system.schema}.subscription WHERE id = ?", (job.row["subscription_id"],)
        )
        return found[0] if found else None

    async def _attempt(self, job: Job, subscription: Record) -> Answer:
        row = job.row
        event = events.read(job.system, row["event_seq"])
        if event is None:
            return Answer(error="the event is gone")
        face = voice(job.system, subscription)
        body = face.event_body(event, subscription)
        for bend in job.bends:
            body = bend(body)
        answer = Answer()
        for copy in range(job.copies):
            bad = job.bad_signature and copy == 0
            headers = face.event_headers(event, row["id"], subscription, body, bad_signature=bad)
            self.world.traffic.touch()
            answer = await self._post(face, subscription["url"], headers, body)
            self._journal(job, event, subscription, headers, body, answer)
            if not answer.taken:
                break
        job.copies, job.bad_signature = 1, False
        return answer

    async def _post(self, face: Face, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        assert self._session is not None
        started = clock.monotonic()
        answer = Answer()
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                answer.status = response.status
                answer.body = await response.content.read(ANSWER_LIMIT)
                answer.taken = face.acknowledged(response.status, answer.body)
        except TimeoutError:
            answer.status, answer.error = None, f"no answer within {ATTEMPT_SECONDS:.0f} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = getattr(error, "os_error", error)
            answer.status, answer.error = None, f"{type(error).__name__}: {getattr(cause, 'strerror', None) or error}"
        answer.micros = int((clock.monotonic() - started) * 1_000_000)
        if answer.error is None and not answer.taken:
            answer.error = f"answered {answer.status}"
        return answer

    def _journal(
        self, job: Job, event: Record, to: Record, headers: Mapping[str, str], body: bytes, answer: Answer
    ) -> None:
        self.journal.add(
            kind="delivery",
            system=job.system.name,
            operation=event["type"],
            key=event["key"],
            method="POST",
            path=to["url"],
            status=answer.status,
            trace=trace_of(headers.get("traceparent")),
            correlation_id=event["correlation_id"],
            causation_id=event["causation_id"],
            event_id=event["id"],
            fault=job.row["fault"],
            micros=answer.micros,
            request=body,
            response=answer.body or answer.error,
        )

    def _finish(self, job: Job, answer: Answer, subscription: Record | None, *, final: bool = False) -> None:
        """Write what came of an attempt: done, again later, or given up."""
        row, retry_seconds = job.row, voice(job.system, subscription).retry_seconds
        row["attempts"] += 0 if final else 1
        row["last_status"], row["last_error"] = answer.status, answer.error
        if answer.taken:
            row["state"], row["next_at"] = "DELIVERED", None
        elif final or row["attempts"] > len(retry_seconds):
            row["state"], row["next_at"] = "DEAD", None
        else:
            wait = retry_seconds[row["attempts"] - 1]
            row["state"], row["next_at"] = "PENDING", clock.later(self.world.clock.now, seconds=wait)
        self._write(job)
        if subscription is not None:
            self._count_failures(job.system, subscription, answer.taken)

    def _write(self, job: Job) -> None:
        bound = {"last_status": None, "last_error": None, **job.row}
        names = ("state", "attempts", "next_at", "last_status", "last_error", "fault", "seq")
        job.system.store.execute(UPDATE.format(schema=job.system.schema), {name: bound[name] for name in names})

    def _count_failures(self, system: System, subscription: Record, taken: bool) -> None:
        """Count failures in a row; so many disable the subscription."""
        subscription_id = subscription["id"]
        if taken:
            system.store.execute(
                f"UPDATE {system.schema}.subscription SET failures = 0 WHERE id = ? AND failures > 0",
                (subscription_id,),
            )
            return
        row = system.store.execute(
            f"UPDATE {system.schema}.subscription SET failures = failures + 1 WHERE id = ? RETURNING failures",
            (subscription_id,),
        ).fetchone()
        if row is not None and row[0] >= voice(system, subscription).most_failures:
            system.store.execute(f"UPDATE {system.schema}.subscription SET active = 0 WHERE id = ?", (subscription_id,))
            system.subscriptions = None

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
            found = self._read(system, "d.id = ? AND d.system = ?", (delivery_id, system.name))
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
                    self._write(lane.jobs[0])
                    self._wait(lane)
                    break
            self.pump()
            return
        subscription = self._subscription(job)
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
        self._write(job)
        self._wait(Lane(None, deque([job])))
        self.pump()
