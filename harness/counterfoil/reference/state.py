"""What the integration remembers, in a SQLite database of its own: inbox, steps done, dead letters, approvals, cross-references,
poll cursors, reconciliations, and what it still has to report."""

from __future__ import annotations

import itertools
import sqlite3
import time
from typing import Any

import orjson

from counterfoil.reference.event import Event, Record
from counterfoil.reference.routes import named, role_of

DDL = """
CREATE TABLE IF NOT EXISTS inbox (seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, system TEXT, type TEXT, key TEXT, flow TEXT,
    record_id TEXT, version INTEGER, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, event BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS inbox_record ON inbox (system, record_id, type);
CREATE INDEX IF NOT EXISTS inbox_state ON inbox (state);
CREATE TABLE IF NOT EXISTS step (name TEXT, effect TEXT, result BLOB, PRIMARY KEY (name, effect));
CREATE TABLE IF NOT EXISTS letter (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, kind TEXT, code TEXT, reason TEXT, what TEXT,
    severity TEXT, attempts INTEGER, parked_at REAL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS letter_state ON letter (state);
CREATE INDEX IF NOT EXISTS letter_seq ON letter (seq);
CREATE TABLE IF NOT EXISTS approval (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, subject TEXT, detail TEXT, candidates BLOB,
    state TEXT NOT NULL, decision BLOB);
CREATE TABLE IF NOT EXISTS xref (kind TEXT, canonical TEXT, system TEXT, id TEXT, version INTEGER,
    PRIMARY KEY (kind, canonical, system)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS xref_id ON xref (kind, system, id);
CREATE TABLE IF NOT EXISTS seen (system TEXT, record_id TEXT, type TEXT, version INTEGER,
    PRIMARY KEY (system, record_id, type)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor (system TEXT PRIMARY KEY, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS report (seq INTEGER PRIMARY KEY, event BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS reconciliation (id INTEGER PRIMARY KEY, at REAL, result BLOB NOT NULL);
"""
TABLES = ("inbox", "step", "letter", "approval", "xref", "seen", "cursor", "report", "reconciliation")


class Inbox:
    """Every event that was ever taken, once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection
        self._fresh: dict[int, tuple[str, Event]] = {}

    def identity(self, event: Event) -> str:
        """What makes two deliveries the same event: source and id."""
        return event.name

    def take(self, event: Event) -> int | None:
        """Keep an event; its number, or None for one that is known and needs no work."""
        name = self.identity(event)
        row = self._sql.execute(
            "INSERT INTO inbox (name, system, type, key, flow, record_id, version, state, event) VALUES (?,?,?,?,?,?,?,'QUEUED',?)"
            " ON CONFLICT (name) DO NOTHING RETURNING seq",
            (
                name,
                event.system,
                event.type,
                event.key,
                event.flow,
                event.record_id,
                event.version,
                orjson.dumps(vars(event)),
            ),
        ).fetchone()
        if row is None:
            return self.revive(name)
        self._fresh[row[0]] = name, event
        return int(row[0])

    def revive(self, name: str) -> int | None:
        """Take up an event that comes again and was parked; None for one that needs no more work."""
        row = self._sql.execute(
            "UPDATE inbox SET state = 'QUEUED' WHERE name = ? AND state = 'PARKED' RETURNING seq", (name,)
        ).fetchone()
        return None if row is None else int(row[0])

    def event(self, seq: int) -> tuple[str, Event]:
        """An event with the name that its steps are kept under."""
        fresh = self._fresh.pop(seq, None)
        if fresh is not None:
            return fresh
        name, body = self._sql.execute("SELECT name, event FROM inbox WHERE seq = ?", (seq,)).fetchone()
        return name, Event(**orjson.loads(body))

    def pending(self) -> list[int]:
        """Events that nobody has dealt with yet, oldest first."""
        return [row[0] for row in self._sql.execute("SELECT seq FROM inbox WHERE state = 'QUEUED' ORDER BY seq")]

    def move(self, seq: int, state: str) -> None:
        """Record what became of an event."""
        self._sql.execute("UPDATE inbox SET state = ? WHERE seq = ?", (state, seq))

    def attempted(self, seq: int) -> int:
        """Count an attempt; returns how many there were."""
        row = self._sql.execute("UPDATE inbox SET attempts = attempts + 1 WHERE seq = ? RETURNING attempts", (seq,))
        return int(row.fetchone()[0])

    def knows(self, event: Event) -> bool:
        """Whether a delivered event already told of this record in this version or a later one."""
        found = self._sql.execute(
            "SELECT 1 FROM inbox WHERE system = ? AND record_id = ? AND type = ? AND version >= ? LIMIT 1",
            (event.system, event.record_id, event.type, event.version),
        )
        return found.fetchone() is not None

    def latest(self, system: str, record_id: str, type_: str) -> Event | None:
        """The event of a type that told of a record in its highest version."""
        row = self._sql.execute(
            "SELECT event FROM inbox WHERE system = ? AND record_id = ? AND type = ? ORDER BY version DESC LIMIT 1",
            (system, record_id, type_),
        ).fetchone()
        return None if row is None else Event(**orjson.loads(row[0]))

    def forget(self) -> None:
        """Forget what is kept in memory."""
        self._fresh.clear()

    def counts(self) -> dict[str, int]:
        """How many events are in which state."""
        return dict(self._sql.execute("SELECT state, count(*) FROM inbox GROUP BY state").fetchall())


class State:
    """The database. One connection, used from the event loop only; every method is one small transaction."""

    def __init__(self, path: str, inbox: type[Inbox] = Inbox) -> None:
        self.sql = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        if path != ":memory:":
            self.sql.execute("PRAGMA journal_mode = WAL")
            self.sql.execute("PRAGMA synchronous = NORMAL")
        self.sql.executescript(DDL)
        self.inbox = inbox(self.sql)
        self._effects: dict[str, set[str]] = {}
        self._letters = itertools.count(self._one("SELECT count(*) FROM letter") + 1)

    def _one(self, sql: str, *values: Any) -> Any:
        row = self.sql.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def _rows(self, sql: str, *values: Any) -> list[Record]:
        cursor = self.sql.execute(sql, values)
        names = [each[0] for each in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def forget(self) -> None:
        """Forget everything."""
        for table in TABLES:
            self.sql.execute(f"DELETE FROM {table}")
        self.inbox.forget()
        self._effects.clear()

    # steps

    def begin(self, name: str) -> None:
        """An event is dealt with for the first time: it has had no effects yet, and what it has from now on is known without looking."""
        self._effects[name] = set()

    def finish(self, name: str) -> None:
        """An event is not being dealt with any more."""
        self._effects.pop(name, None)

    def step(self, name: str, effect: str) -> Record | None:
        """The result of an effect that an event has had already."""
        known = self._effects.get(name)
        if known is not None and effect not in known:
            return None
        found = self._one("SELECT result FROM step WHERE name = ? AND effect = ?", name, effect)
        result: Record | None = None if found is None else orjson.loads(found)
        return result

    def keep_step(self, name: str, effect: str, result: Record) -> None:
        """Remember that an effect has happened."""
        if name in self._effects:
            self._effects[name].add(effect)
        self.sql.execute("INSERT OR REPLACE INTO step VALUES (?, ?, ?)", (name, effect, orjson.dumps(result)))

    # versions and cross-references

    def newest(self, system: str, record_id: str, type_: str) -> int:
        """The highest version of a record that an event of this type was applied in."""
        found = self._one(
            "SELECT version FROM seen WHERE system = ? AND record_id = ? AND type = ?", system, record_id, type_
        )
        return int(found or 0)

    def saw(self, event: Event) -> None:
        """Remember the version of a record that has been applied."""
        self.sql.execute(
            "INSERT INTO seen VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = max(version, excluded.version)",
            (event.system, event.record_id, event.type, event.version),
        )

    def link(self, kind: str, canonical: str, role: str, id_: str, version: int) -> None:
        """Remember which record of a system is the copy of a canonical one, and which version of that it shows."""
        self.sql.execute(
            "INSERT OR REPLACE INTO xref VALUES (?, ?, ?, ?, ?)", (kind, canonical, named(role), id_, version)
        )

    def links(self, kind: str, canonical: str) -> dict[str, tuple[str, int]]:
        """The copies of a canonical record: (id, version shown) by role, in the systems that the roles mean now."""
        found = self.sql.execute(
            "SELECT system, id, version FROM xref WHERE kind = ? AND canonical = ?", (kind, canonical)
        )
        return {role_of(system): (id_, version) for system, id_, version in found if named(role_of(system)) == system}

    def counterpart(self, kind: str, role: str, id_: str, other: str) -> str | None:
        """The copy in another system of what a system knows by this id; None where nothing is known of it."""
        found = self._one(
            "SELECT copy.id FROM xref JOIN xref AS copy ON copy.kind = xref.kind AND copy.canonical = xref.canonical"
            " AND copy.system = ? WHERE xref.kind = ? AND xref.system = ? AND xref.id = ?",
            named(other),
            kind,
            named(role),
            id_,
        )
        return None if found is None else str(found)

    def note(self, kind: str, canonical: str, word: str) -> None:
        """Remember one word of something: which system it is at home in, which approval of it was taken over."""
        self.sql.execute("INSERT OR REPLACE INTO xref VALUES (?, ?, '', ?, 0)", (kind, canonical, word))

    def noted(self, kind: str, canonical: str) -> str | None:
        """The word that is remembered of something, None where nothing was said."""
        found = self._one("SELECT id FROM xref WHERE kind = ? AND canonical = ? AND system = ''", kind, canonical)
        return None if found is None else str(found)

    # dead letters and approvals

    def park(self, seq: int, kind: str, code: str, reason: str, what: str, severity: str, attempts: int) -> str:
        """Put an event aside; returns the letter's id. An event has at most one open letter."""
        self.inbox.move(seq, "PARKED")
        open_one = self._one("SELECT id FROM letter WHERE seq = ? AND state = 'OPEN'", seq)
        letter = open_one or f"dl-{next(self._letters)}"
        self.sql.execute(
            "INSERT OR REPLACE INTO letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'OPEN')",
            (letter, seq, kind, code, reason, what, severity, attempts, time.time()),
        )
        return str(letter)

    def letters(self, letter_id: str | None = None) -> list[Record]:
        """Open dead letters, oldest first, with the event that each holds."""
        where, values = ("AND letter.id = ?", [letter_id]) if letter_id is not None else ("", [])
        return self._rows(
            "SELECT letter.id, kind, code, reason, what, severity, letter.attempts, parked_at, letter.seq, system, type, key,"
            " inbox.name AS event FROM letter JOIN inbox ON inbox.seq = letter.seq"
            f" WHERE letter.state = 'OPEN' {where} ORDER BY letter.seq",
            *values,
        )

    def waiting(self, flow: str, provided: list[str]) -> list[int]:
        """Parked events that wait for something of this flow, or for one of the things that have come."""
        marks = ",".join("?" * len(provided))
        return [
            row[0]
            for row in self.sql.execute(
                "SELECT letter.seq FROM letter JOIN inbox ON inbox.seq = letter.seq WHERE letter.state = 'OPEN'"
                f" AND kind = 'waiting' AND inbox.state = 'PARKED' AND (flow = ? OR what IN ({marks})) ORDER BY letter.seq",
                (flow, *provided),
            )
        ]

    def settle_letter(self, seq: int) -> Record | None:
        """Close the open letter of an event that has been dealt with; returns it. Few have one: to look is cheaper than to write."""
        if self._one("SELECT 1 FROM letter WHERE seq = ? AND state = 'OPEN'", seq) is None:
            return None
        found = self._rows("UPDATE letter SET state = 'RESOLVED' WHERE seq = ? AND state = 'OPEN' RETURNING *", seq)
        return found[0] if found else None

    def ask(self, seq: int, subject: str, detail: str, candidates: list[str]) -> str:
        """Hold an event until a person has decided; returns the approval's id."""
        approval = f"ap-{seq}"
        self.sql.execute(
            "INSERT INTO approval VALUES (?, ?, ?, ?, ?, 'PENDING', NULL) ON CONFLICT (id) DO UPDATE SET detail = excluded.detail",
            (approval, seq, subject, detail, orjson.dumps(candidates)),
        )
        return approval

    def approvals(self) -> list[Record]:
        """All approvals, pending and decided."""
        found = self._rows("SELECT * FROM approval ORDER BY seq")
        for row in found:
            row["candidates"] = orjson.loads(row["candidates"])
            row["decision"] = orjson.loads(row["decision"]) if row["decision"] else None
        return found

    def decide(self, approval_id: str, decision: Record) -> int | None:
        """Record a decision; returns the event that it was about, None where there is no such pending approval."""
        found = self._one(
            "UPDATE approval SET state = 'DECIDED', decision = ? WHERE id = ? AND state = 'PENDING' RETURNING seq",
            orjson.dumps(decision),
            approval_id,
        )
        return None if found is None else int(found)

    def decision(self, subject: str) -> Record | None:
        """What was decided about a subject, if anything was."""
        found = self._one(
            "SELECT decision FROM approval WHERE subject = ? AND state = 'DECIDED' ORDER BY seq DESC", subject
        )
        result: Record | None = None if found is None else orjson.loads(found)
        return result

    # cursors, reports, reconciliations

    def cursor(self, system: str) -> str | None:
        """Up to which business instant a system has been read."""
        found = self._one("SELECT at FROM cursor WHERE system = ?", system)
        return None if found is None else str(found)

    def set_cursor(self, system: str, at: str) -> None:
        """Remember up to where a system has been read."""
        self.sql.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (system, at))

    def queue_report(self, event: Record) -> None:
        """Keep something to be told to the control plane."""
        self.sql.execute("INSERT INTO report (event) VALUES (?)", (orjson.dumps(event),))

    def reports(self) -> list[tuple[int, Record]]:
        """What is still to be told, in order."""
        return [
            (row[0], orjson.loads(row[1])) for row in self.sql.execute("SELECT seq, event FROM report ORDER BY seq")
        ]

    def told(self, seq: int) -> None:
        """Something has been told."""
        self.sql.execute("DELETE FROM report WHERE seq = ?", (seq,))

    def keep_reconciliation(self, result: Record) -> Record:
        """Keep the outcome of a reconciliation; returns it with its number."""
        row = self.sql.execute(
            "INSERT INTO reconciliation (at, result) VALUES (?, ?) RETURNING id", (time.time(), orjson.dumps(result))
        )
        return {"id": str(row.fetchone()[0]), **result}

    def reconciliations(self) -> list[Record]:
        """Outcomes of all reconciliations, newest first."""
        found = self.sql.execute("SELECT id, at, result FROM reconciliation ORDER BY id DESC LIMIT 100")
        return [{"id": str(row[0]), "at": row[1], **orjson.loads(row[2])} for row in found]
