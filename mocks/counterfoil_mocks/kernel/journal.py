"""The journal: every request, event, delivery and timer of a landscape, append-only, in a database of its own.

Entries are buffered and written in batches; whoever reads sees everything. Followers get entries as they happen.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable
from typing import Any

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import StoreAway
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World

COLUMNS = (
    "seq",
    "kind",
    "system",
    "at",
    "wall",
    "operation",
    "key",
    "method",
    "path",
    "status",
    "client",
    "trace",
    "correlation_id",
    "causation_id",
    "event_id",
    "fault",
    "micros",
    "retry_after",
    "credential",
    "request",
    "response",
)
PATH = COLUMNS.index("path")
FILTERS = ("kind", "system", "operation", "key", "correlation_id", "event_id", "status")
BODY_LIMIT = 64 * 1024
BATCH = 512
FOLLOWER_LIMIT = 10_000
HIDDEN = "***"
PACKED = b"\x1f\x8b"
"""How a body begins that is packed by gzip."""
MOST_UNPACKED = 16 * 1024 * 1024

NEW_EVENTS = (
    "SELECT seq, id, type, key, at, correlation_id, causation_id, traceparent FROM {schema}.outbox"
    " WHERE seq > ? AND system = ? ORDER BY seq"
)

_NAMED = r"[\w-]*(?:secret|password|access_token|refresh_token|assertion|api_key)"
_JSON_SECRET = re.compile(rf'("{_NAMED}"\s*:\s*")(?:[^"\\]|\\.)*(")', re.IGNORECASE)
_FORM_SECRET = re.compile(rf"((?:^|[?&]){_NAMED}=)[^&\s]*", re.IGNORECASE)
_SUSPECTS = ("secret", "password", "token", "assertion", "api_key")


def redacted(text: str) -> str:
    """The text with the values of secrets taken out of JSON members and form fields."""
    lowered = text.lower()
    for word in _SUSPECTS:
        if word in lowered:
            break
    else:
        return text
    return _FORM_SECRET.sub(rf"\g<1>{HIDDEN}", _JSON_SECRET.sub(rf"\g<1>{HIDDEN}\g<2>", text))


class Harmless(bytes):
    """A body that holds no secrets, by what it is; it is not searched for them."""


def unpacked(body: bytes) -> bytes:
    """A body that went over the wire packed; as it is where it only begins like one."""
    try:
        return type(body)(zlib.decompressobj(wbits=31).decompress(body, MOST_UNPACKED))
    except zlib.error:
        return body


def readable(body: bytes | str | None) -> str | None:
    """A body as the journal keeps it: text of at most 64 KiB, without secrets."""
    if not body:
        return None
    if isinstance(body, bytes) and body[:2] == PACKED:
        body = unpacked(body)
    if type(body) is Harmless and len(body) <= BODY_LIMIT:
        return body.decode(errors="replace")
    if isinstance(body, str):
        body = body.encode()
    text = redacted(body[:BODY_LIMIT].decode(errors="replace"))
    return text if len(body) <= BODY_LIMIT else f"{text}… ({len(body)} bytes)"


class Numbers:
    """Counts entries. last: the highest number taken so far."""

    def __init__(self, last: int) -> None:
        self.last = last

    def take(self) -> int:
        """The next number."""
        self.last += 1
        return self.last


class Journal:
    """What happened in a landscape.

    One entry has `kind` (`request`, `event`, `delivery`, `timer`), the system, the business instant `at`, the wall time `wall`,
    and whichever of the other columns apply. `seq` counts from 1 without gaps in the order of arrival.
    """

    def __init__(self, store: Store, world: World) -> None:
        self.store = store
        self.world = world
        self.numbers = Numbers(int(store.execute("SELECT coalesce(max(seq), 0) FROM journal.entry").fetchone()[0]))
        self.others: Callable[[], None] | None = None
        """Has other processes write what they buffer."""
        self._buffer: list[tuple[Any, ...]] = []
        self._followers: set[Follower] = set()
        self._flush_later: asyncio.TimerHandle | None = None
        self._seen: dict[str, int] = {}

    def next_seq(self) -> int:
        """Take the number of an entry that will be added when its request is answered."""
        return self.numbers.take()

    @property
    def last(self) -> int:
        """The highest number taken so far."""
        return self.numbers.last

    def add(
        self,
        *,
        kind: str,
        system: str,
        seq: int | None = None,
        at: str | None = None,
        wall: float | None = None,
        operation: str | None = None,
        key: str | None = None,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        client: str | None = None,
        trace: str | None = None,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        event_id: str | None = None,
        fault: str | None = None,
        micros: int | None = None,
        retry_after: int | None = None,
        credential: str | None = None,
        request: bytes | str | None = None,
        response: bytes | str | None = None,
    ) -> int:
        """Add an entry; returns its number, the next one unless `seq` has been taken before. `at` and `wall` are now unless they are given.

        Bodies (`request`, `response`) are cut at 64 KiB and their secrets taken out. `credential`: the mark of the token that a call came
        with; `retry_after`: seconds that its answer asks the caller to wait.
        """
        seq = seq or self.next_seq()
        entry = (
            seq,
            kind,
            system,
            at or self.world.clock.now,
            wall or clock.wall(),
            operation,
            key,
            method,
            path,
            status,
            client,
            trace,
            correlation_id,
            causation_id,
            event_id,
            fault,
            micros,
            retry_after,
            credential,
            request,
            response,
        )
        self._buffer.append(entry)
        if self._followers:
            shown = dict(zip(COLUMNS, cleaned(entry), strict=True))
            for follower in self._followers:
                follower.offer(shown)
        if len(self._buffer) % BATCH == 0:
            self.flush()
        elif self._flush_later is None:
            self._arm()
        return seq

    def _arm(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._flush_later = loop.call_later(1.0, self.flush)

    def events_of(self, system: System) -> bool:
        """Write down the events that a commit has put into the system's outbox; returns whether there may be any."""
        seen = self._seen.get(system.name)
        if seen is None:
            self.forget_events(system)
            return True
        found = self.store.execute(NEW_EVENTS.format(schema=system.schema), (seen, system.name)).fetchall()
        for row in found:
            seq, event_id, kind, key, at, correlation_id, causation_id, traceparent = row
            self._seen[system.name] = seq
            self.add(
                kind="event",
                system=system.name,
                at=at,
                operation=kind,
                key=key,
                event_id=event_id,
                correlation_id=correlation_id,
                causation_id=causation_id,
                trace=trace_of(traceparent),
            )
        return bool(found)

    def forget_events(self, system: System) -> None:
        """Take the outbox as it is for known (at the start and after a restore)."""
        row = self.store.execute(
            f"SELECT coalesce(max(seq), 0) FROM {system.schema}.outbox WHERE system = ?", (system.name,)
        ).fetchone()
        self._seen[system.name] = int(row[0])

    def flush(self) -> None:
        """Write what is buffered."""
        if self._flush_later is not None:
            self._flush_later.cancel()
            self._flush_later = None
        if not self._buffer:
            return
        if self.store.connection.in_transaction:  # never let a rollback take entries along
            self._arm()
            return
        rows = [cleaned(entry) for entry in self._buffer]
        try:
            self.store.pour("journal.entry", COLUMNS, rows)
        except StoreAway:
            self._arm()
            return
        self._buffer.clear()

    def gather(self) -> None:
        """Write what is buffered, here and in other processes."""
        self.flush()
        if self.others is not None:
            self.others()

    def query(
        self, *, trace: str | None = None, since: int = 0, limit: int = 100, newest: bool = False, **filters: Any
    ) -> list[Record]:
        """Entries with a number above `since` that match, in order.

        trace: a W3C trace id, or a whole traceparent. filters: `kind`, `system`, `operation`, `key`, `correlation_id`, `event_id`,
        `status`; an empty one filters nothing. newest: the last `limit` of them instead of the first.
        """
        self.gather()
        clauses, params = ["seq > ?"], [since]
        wanted = {name: filters.get(name) for name in FILTERS} | {"trace": trace_of(trace) if trace else None}
        for name, value in wanted.items():
            if value is not None:
                clauses.append(f"{name} = ?")
                params.append(value)
        order = "DESC" if newest else "ASC"
        found = self.store.rows(
            f"SELECT * FROM journal.entry WHERE {' AND '.join(clauses)} ORDER BY seq {order} LIMIT {int(limit)}", params
        )
        return found[::-1] if newest else found

    def close_followers(self) -> None:
        """Tell all followers that nothing more will come."""
        for follower in list(self._followers):
            follower.end()

    def follow(self) -> Follower:
        """Get entries as they happen, until closed."""
        follower = Follower(self._followers.discard)
        self._followers.add(follower)
        return follower


class Follower:
    """One who listens to the journal. Entries beyond a limit are dropped for one who does not keep up; `lost` counts them."""

    def __init__(self, leave: Callable[[Follower], None]) -> None:
        self._leave = leave
        self._queue: asyncio.Queue[Record | None] = asyncio.Queue(FOLLOWER_LIMIT)
        self.lost = 0
        self.ended = False

    def offer(self, entry: Record) -> None:
        """Hand over an entry, if there is room."""
        if self._queue.full():
            self.lost += 1
        else:
            self._queue.put_nowait(entry)

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        if not self._queue.full():
            self._queue.put_nowait(None)

    async def next(self, patience: float) -> Record | None:
        """The next entry, or None when none came for so many seconds, or none will come any more (`ended`)."""
        try:
            return await asyncio.wait_for(self._queue.get(), patience)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Stop listening."""
        self._leave(self)


def cleaned(entry: tuple[Any, ...]) -> tuple[Any, ...]:
    """An entry with its bodies and path as readers may see them."""
    path = entry[PATH]
    if path and "?" in path:
        entry = (*entry[:PATH], redacted(path), *entry[PATH + 1 :])
    return (*entry[:-2], readable(entry[-2]), readable(entry[-1]))


def trace_of(traceparent: str | None) -> str | None:
    """The trace id of a traceparent; any other text stays as it is."""
    if traceparent and traceparent.count("-") == 3:
        return traceparent.split("-")[1]
    return traceparent
