"""The first cause of a violation: past states are rebuilt in a scratch copy from the row versions, and searched for the commit
after which the offending row has stood without a break."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil import vocabulary
from counterfoil.invariant import Invariant, Row
from counterfoil_mocks.kernel.store import Store

CHAIN_LIMIT = 50
"""Most steps of a causal chain; a longer one is cut (a loop would never end)."""
NEAR = 48
"""So many of the latest commits are tried one by one; beyond them the steps grow."""
BEGINNING = ""
"""Sorts before every instant: the state before the first remembered commit."""

TOLD = ("seq", "kind", "system", "at", "wall", "operation", "key", "status", "event_id", "causation_id", "request")
"""What invariants may look at, in a past state, of the journal's deliveries and of what the integration has told of itself."""

HIDE_LATER = """
ALTER TABLE {s}.outbox RENAME TO outbox_all;
ALTER TABLE {s}.history RENAME TO history_all;
CREATE INDEX {s}.history_of_record ON history_all (id, entity, system, seq);
CREATE INDEX {s}.history_by_time ON history_all (at);
CREATE TABLE {s}.upto (at TEXT NOT NULL);
INSERT INTO {s}.upto VALUES ('9999');
CREATE VIEW {s}.outbox AS SELECT * FROM outbox_all WHERE at <= (SELECT at FROM upto);
CREATE VIEW {s}.history AS SELECT * FROM history_all WHERE at <= (SELECT at FROM upto)
"""


@dataclass(frozen=True)
class Commit:
    """One deed as the history tells it."""

    at: str
    schema: str
    system: str
    deed: str
    actor: str | None
    journal_seq: int | None
    causation_id: str | None
    record: str


class Past:
    """A scratch copy of a store that can be moved to any remembered instant."""

    def __init__(
        self, store: Store, *, links: Mapping[str, str] | None = None, events: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self.live = store
        self.links = links
        self.events = list(events)
        self.scratch = Store("memory", store.roles)
        for schema in store.roles:
            image = bytearray(store.connection.serialize(name=schema))
            image[18:20] = b"\x01\x01"  # an image in memory cannot keep a write-ahead log
            self.scratch.connection.deserialize(bytes(image), name=schema)
            for statement in HIDE_LATER.format(s=schema).split(";\n"):
                self.scratch.execute(statement)
        told = store.execute(
            f"SELECT {', '.join(TOLD[:-1])}, CASE kind WHEN 'integration' THEN request END FROM journal.entry"
            " WHERE kind IN ('delivery', 'integration')"
        ).fetchall()
        places = ", ".join("?" * len(TOLD))
        self.scratch.connection.executemany(f"INSERT INTO journal.entry ({', '.join(TOLD)}) VALUES ({places})", told)
        self.scratch.set_meta("since", store.meta("since") or "0")
        self.at = self.instants()[-1] if self.instants() else BEGINNING
        self.linked = False

    def close(self) -> None:
        """Throw the copy away."""
        self.scratch.close()

    def commits(self, since: str) -> list[tuple[str, str, str]]:
        """What was written since an instant: when, in which schema, to which entity; in order."""
        query = " UNION ".join(
            f"SELECT at, '{s}', entity FROM {s}.history_all WHERE at >= ?" for s in self.scratch.roles
        )
        found = self.scratch.execute(f"{query} ORDER BY 1", [since] * len(self.scratch.roles)).fetchall()
        return [(row[0], row[1], row[2]) for row in found]

    def instants(self, words: Sequence[str] = ()) -> list[str]:
        """Instants of commits, in order; with words, only of commits to rows that contain one of them."""
        clause = " OR ".join(["instr(doc, ?) > 0"] * len(words)) or "1 = 1"
        query = " UNION ".join(f"SELECT at FROM {s}.history_all WHERE {clause}" for s in self.scratch.roles)
        found = self.scratch.execute(f"{query} ORDER BY at", [*words] * len(self.scratch.roles)).fetchall()
        return [row[0] for row in found]

    def move_to(self, at: str) -> None:
        """Make every row what it was just after the commit at this instant."""
        low, high = sorted((self.at, at))
        linked = self.linked
        for schema in self.scratch.roles:
            touched = self.scratch.rows(
                f"SELECT DISTINCT system, entity, id FROM {schema}.history_all WHERE at > ? AND at <= ?", (low, high)
            )
            for each in touched:
                self._put(schema, each["system"], each["entity"], each["id"], at)
                linked = linked and each["entity"] != "customer"
            self.scratch.execute(f"UPDATE {schema}.upto SET at = ?", (at,))
        self.at = at
        if not linked:
            vocabulary.prepare(self.scratch, links=self.links, events=self.events)
            self.linked = True

    def _put(self, schema: str, system: str, entity: str, record_id: str, at: str) -> None:
        table = self.scratch.table(schema, entity)
        table.remove(system, record_id)
        record = self.version_at(schema, system, entity, record_id, at)
        if record is not None:
            table.insert(system, {**{name: [] for name in table.lines}, **record})

    def version_at(self, schema: str, system: str, entity: str, record_id: str, at: str) -> Row | None:
        """A record as it was at an instant, or None while it did not exist."""
        where = f"FROM {schema}.history_all WHERE system = ? AND entity = ? AND id = ?"
        mine = (system, entity, record_id)
        row = self.scratch.execute(f"SELECT doc {where} AND at <= ? ORDER BY seq DESC LIMIT 1", (*mine, at)).fetchone()
        if row is not None:
            return dict(json.loads(row[0]))
        row = self.scratch.execute(f"SELECT doc, before {where} ORDER BY seq LIMIT 1", mine).fetchone()
        if row is None or row[1] is None:
            return None
        return {**json.loads(row[0]), **json.loads(row[1])}

    def stands(self, invariant: Invariant, key: tuple[Any, ...], params: Mapping[str, Any], at: str) -> bool:
        """Whether the violation named by `key` is there at an instant, judged with the parameters of today."""
        self.move_to(at)
        return any(invariant.key_of(row) == key for row in invariant.rows(self.scratch, params))

    def first_cause(
        self, invariant: Invariant, row: Row, params: Mapping[str, Any], upto: str | None = None
    ) -> dict[str, Any] | None:
        """The commit after which a violation has stood without a break (up to now, or to a moment of the past), as `{at, deed, actor,
        system, journal_seq, record, request, chain}`; None where the state was so from the start (seeded) or the row cannot be found again."""
        if row.get("journal_seq"):
            return self.called(row["journal_seq"])
        key = invariant.key_of(row)
        words = [value for value in key if isinstance(value, str) and any(sign.isdigit() for sign in value)]
        for several in (words, ()) if words else ((),):
            candidates = [at for at in self.instants(several) if upto is None or at <= upto]
            if not candidates:
                continue
            at = earliest(candidates, lambda at: self.stands(invariant, key, params, at))
            if at is not None:
                return self.describe(at, words)
        return None

    def describe(self, at: str, words: Sequence[str] = ()) -> dict[str, Any]:
        """A commit as data, with the journal entry of its request and the chain of events that led to it."""
        return self.explained(self.commit_at(at, words))

    def called(self, seq: int) -> dict[str, Any] | None:
        """A call as data, where the call itself is the violation, whether it changed anything or not."""
        found = self.live.rows("SELECT * FROM journal.entry WHERE seq = ?", (seq,))
        if not found:
            return None
        call = found[0]
        about = f"{call['operation']} {call['key'] or call['path'] or ''}".strip()
        return self.explained(
            Commit(call["at"], "", call["system"], call["operation"], call["client"], seq, call["causation_id"], about)
        )

    def explained(self, commit: Commit) -> dict[str, Any]:
        """A deed as data, with the journal entry of its request and the chain of events that led to it."""
        entry = self.live.rows(
            "SELECT seq, kind, system, operation, key, method, path, status, client, trace, fault FROM journal.entry WHERE seq = ?",
            (commit.journal_seq,),
        )
        return {
            "at": commit.at,
            "deed": commit.deed,
            "actor": commit.actor,
            "system": commit.system,
            "journal_seq": commit.journal_seq,
            "record": commit.record,
            "request": entry[0] if entry else None,
            "chain": self.chain(commit),
        }

    def commit_at(self, at: str, words: Sequence[str] = ()) -> Commit:
        """The deed of an instant: of its rows the one that tells of a word, else the first."""
        rows = [
            {**row, "schema": schema}
            for schema in self.scratch.roles
            for row in self.scratch.rows(f"SELECT * FROM {schema}.history_all WHERE at = ? ORDER BY seq", (at,))
        ]
        row = next((each for each in rows if any(word in each["doc"] for word in words)), rows[0])
        return _commit(row)

    def chain(self, commit: Commit) -> list[dict[str, Any]]:
        """From a commit back to what a person or a schedule did: the event that caused it, the deed that announced that event, …"""
        steps: list[dict[str, Any]] = []
        seen: set[str] = set()
        cause = commit.causation_id
        while cause and cause not in seen and len(steps) < CHAIN_LIMIT:
            seen.add(cause)
            found = self._event(cause)
            if found is None:
                break
            event, maker = found
            name = event["type"].removeprefix("com.counterfoil.").removesuffix(".v1")
            steps.append(_step("event", event["at"], name, event["key"], event["system"], cause, maker.actor))
            steps.append(_step("deed", maker.at, maker.deed, maker.record, maker.system, None, maker.actor))
            cause = maker.causation_id
        return steps

    def _event(self, event_id: str) -> tuple[Row, Commit] | None:
        for schema in self.scratch.roles:
            events = self.scratch.rows(f"SELECT * FROM {schema}.outbox_all WHERE id = ?", (event_id,))
            if events:
                rows = self.scratch.rows(
                    f"SELECT * FROM {schema}.history_all WHERE seq = ?", (events[0]["history_seq"],)
                )
                return events[0], _commit({**rows[0], "schema": schema})
        return None


def _commit(row: Row) -> Commit:
    doc = json.loads(row["doc"])
    record = f"{row['entity']} {doc.get('key') or row['id']}"
    return Commit(
        row["at"],
        row["schema"],
        row["system"],
        row["deed"],
        row["actor"],
        row["journal_seq"],
        row["causation_id"],
        record,
    )


def _step(
    kind: str, at: str, name: str, key: str | None, system: str, event_id: str | None, actor: str | None
) -> dict[str, Any]:
    return {"kind": kind, "at": at, "name": name, "key": key, "system": system, "id": event_id, "actor": actor}


def earliest(instants: Sequence[str], stands: Callable[[str], bool]) -> str | None:
    """The instant from which on `stands` is true up to the last one; None when it is false at the last or true before the first.

    The latest `NEAR` are tried one by one, so that a violation which came, went and came again is dated by its last coming; further
    back the steps double and the last one is bisected.
    """
    if not stands(instants[-1]):
        return None
    high, back = len(instants) - 1, 1
    while high > 0:
        low = max(0, high - back)
        if not stands(instants[low]):
            return instants[_bisect(instants, low, high, stands)]
        high = low
        if len(instants) - high > NEAR:
            back *= 2
    return None if stands(BEGINNING) else instants[0]


def _bisect(instants: Sequence[str], low: int, high: int, stands: Callable[[str], bool]) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        if stands(instants[middle]):
            high = middle
        else:
            low = middle
    return high
