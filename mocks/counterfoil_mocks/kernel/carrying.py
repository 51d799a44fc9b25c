"""Carrying one delivery to its subscriber, and writing down what came of it. Any process of a landscape does it: each delivery is claimed
by one, and what is claimed by a process that dies is free again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from counterfoil_mocks.kernel import clock, events
from counterfoil_mocks.kernel.calls import Calls
from counterfoil_mocks.kernel.errors import StoreAway
from counterfoil_mocks.kernel.face import Face
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal, trace_of
from counterfoil_mocks.kernel.system import System, World

PARALLEL = 16
ATTEMPT_SECONDS = 20.0
ANSWER_LIMIT = 64 * 1024
AWAY_SECONDS = 0.2
"""Between two tries to reach a database that does not answer."""

JOBS = (
    "SELECT d.seq, d.id, d.event_seq, d.subscription_id, d.state, d.attempts, d.next_at, d.fault, o.id AS event_id, o.type, o.key,"
    " o.at, o.face, coalesce(o.partition_key, o.record_id) AS partition_key FROM {schema}.delivery d"
    " JOIN {schema}.outbox o ON o.seq = d.event_seq WHERE {where} ORDER BY d.seq"
)
PENDING = "(d.state = 'PENDING' OR d.state = 'DROPPED' AND d.next_at IS NOT NULL)"
UPDATE = (
    "UPDATE {schema}.delivery SET state = :state, attempts = :attempts, next_at = :next_at, last_status = :last_status,"
    " last_error = :last_error, fault = :fault{more} WHERE seq = :seq"
)
CLAIM = (
    "UPDATE {schema}.delivery SET claimed_by = ? WHERE seq = (SELECT d.seq FROM {schema}.delivery d WHERE d.seq = ? AND d.claimed_by IS NULL"
    f" AND {PENDING} FOR UPDATE SKIP LOCKED) RETURNING seq"
)
RELEASE = "UPDATE {schema}.delivery SET claimed_by = NULL WHERE claimed_by = ?"
RELEASE_ALL = "UPDATE {schema}.delivery SET claimed_by = NULL WHERE claimed_by IS NOT NULL"
RELEASED = "UPDATE {schema}.delivery SET claimed_by = NULL WHERE seq = ?"

Found = TypeVar("Found")


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

    @property
    def plain(self) -> bool:
        """Whether its row says all there is to know of it."""
        return self.copies == 1 and not self.bad_signature and not self.bends


@dataclass
class Answer:
    """What came of one attempt. status: None when there was no answer, and then `error` says why. taken: whether the receiver took it."""

    status: int | None = None
    error: str | None = None
    body: bytes = b""
    micros: int = 0
    taken: bool = False


def read(system: System, where: str, params: Sequence[Any]) -> list[Job]:
    """Deliveries of a system, in order; `d.` are the columns of the delivery."""
    return [Job(system, row) for row in system.store.rows(JOBS.format(schema=system.schema, where=where), params)]


def voice(system: System, subscription: Record | None) -> Face:
    """The face that speaks to a subscriber: the one he subscribed at."""
    if subscription is not None and subscription["face"] and system.face is not None:
        return system.face
    return Face(system)


async def insisted(work: Callable[[], Found]) -> Found:
    """What the work gives once the database answers."""
    while True:
        try:
            return work()
        except StoreAway:
            await asyncio.sleep(AWAY_SECONDS)


class Carrier:
    """Makes attempts, on the event loop. slot: which of several processes this is."""

    def __init__(self, world: World, journal: Journal, slot: int = 0) -> None:
        self.world = world
        self.journal = journal
        self.slot = slot
        self.calls = Calls(ATTEMPT_SECONDS, PARALLEL * 2, unpack=False)

    @property
    def open(self) -> bool:
        """Whether it has started."""
        return self.calls.open

    def start(self) -> None:
        """Be ready to carry."""
        self.calls.start()

    async def stop(self) -> None:
        """Carry no more."""
        await self.calls.stop()

    # claims

    def claim(self, system: System, seq: int) -> bool:
        """Take a delivery for this process, if nobody else has it; not needed where there is one process."""
        if not system.store.concurrent:
            return True
        return system.store.execute(CLAIM.format(schema=system.schema), (self.slot, seq)).fetchone() is not None

    # one delivery

    async def carry(self, job: Job) -> bool:
        """Make one attempt; returns whether the receiver took it. The job's row then says what is next.

        Waits for a database that does not answer: what the receiver has said is not forgotten.
        """
        subscription = await insisted(lambda: self.subscription(job))
        if subscription is None or not subscription["active"]:
            gone = "removed" if subscription is None else "disabled"
            answer = Answer(error=f"the subscription is {gone}")
            self._conclude(job, answer, None, final=True)
        else:
            answer = await self._attempt(job, subscription)
            self._conclude(job, answer, subscription)
        await insisted(lambda: self.write(job))
        await insisted(lambda: self._count_failures(job, answer.taken))
        return answer.taken

    @staticmethod
    def subscription(job: Job) -> Record | None:
        """Where a delivery goes; None where nobody listens any more. One that is active is kept in memory."""
        for each in job.system.subscribers():
            if each["id"] == job.row["subscription_id"]:
                return each
        found = job.system.store.rows(
            f"SELECT * FROM {job.system.schema}.subscription WHERE id = ?", (job.row["subscription_id"],)
        )
        return found[0] if found else None

    async def _attempt(self, job: Job, subscription: Record) -> Answer:
        row = job.row
        event = await insisted(lambda: events.read(job.system, row["event_seq"]))
        if event is None:
            return Answer(error="the event is gone")
        face = voice(job.system, subscription)
        body = await insisted(lambda: face.event_body(event, subscription))
        for bend in job.bends:
            body = bend(body)
        answer = Answer()
        for copy in range(job.copies):
            bad = job.bad_signature and copy == 0
            headers = face.event_headers(event, row["id"], subscription, body, bad_signature=bad)
            self.world.traffic.touch()
            # The number is taken now: what the receiver asks while it answers, or right after, comes later in the journal at every run.
            seq = self.journal.next_seq()
            answer = await self._post(face, subscription["url"], headers, body)
            self._journal(seq, job, event, subscription, headers, body, answer)
            if not answer.taken:
                break
        job.copies, job.bad_signature = 1, False
        return answer

    async def _post(self, face: Face, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        import aiohttp

        session, answer = self.calls.session, Answer()
        started = clock.monotonic()
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
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
        self, seq: int, job: Job, event: Record, to: Record, headers: Mapping[str, str], body: bytes, answer: Answer
    ) -> None:
        self.journal.add(
            seq=seq,
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

    def _conclude(self, job: Job, answer: Answer, subscription: Record | None, *, final: bool = False) -> None:
        """What becomes of a delivery: done, again later, or given up."""
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

    @staticmethod
    def write(job: Job) -> None:
        """Write the row; nobody claims it any more."""
        bound = {"last_status": None, "last_error": None, **job.row}
        names = ("state", "attempts", "next_at", "last_status", "last_error", "fault", "seq")
        more = ", claimed_by = NULL" if job.system.store.concurrent else ""
        text = UPDATE.format(schema=job.system.schema, more=more)
        job.system.store.execute(text, {name: bound[name] for name in names})

    def _count_failures(self, job: Job, taken: bool) -> None:
        """Count failures in a row; so many disable the subscription."""
        system, subscription = job.system, self.subscription(job)
        if subscription is None or not subscription["active"] or (taken and not subscription["failures"]):
            return
        failures = 0 if taken else 1
        row = system.store.execute(
            f"UPDATE {system.schema}.subscription SET failures = failures * ? + ? WHERE id = ? RETURNING failures",
            (failures, failures, subscription["id"]),
        ).fetchone()
        if row is not None and row[0] >= voice(system, subscription).most_failures:
            system.store.execute(
                f"UPDATE {system.schema}.subscription SET active = 0 WHERE id = ?", (subscription["id"],)
            )
        system.subscriptions = None
