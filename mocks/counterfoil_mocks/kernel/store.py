"""The SQL store: one schema of typed tables a role, one database connection a process.

SQLite embedded is the default: each schema is an attached database, in memory or one file each.
"""

from __future__ import annotations

import sqlite3
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.table import Table, table_of

SQL_FUNCTIONS: dict[str, tuple[int, Any]] = {
    "half_up": (2, money.half_up),
    "line_amount": (3, money.line_amount),
    "time_amount": (3, money.time_amount),
    "share_of": (2, money.share),
    "convert_ccy": (4, money.convert),
    "exponent_of": (1, money.exponent),
    "power_of_ten": (1, lambda places: None if places is None else 10**places),
    "nfc": (1, lambda value: value and unicodedata.normalize("NFC", value)),
    "later": (2, lambda at, minutes: at and clock.later(at, minutes=minutes)),
    "business_date": (2, lambda at, tz: at and clock.business_date(at, tz)),
    "period_end": (1, lambda period: period and clock.period_end(period)),
}

KERNEL_DDL = """
CREATE TABLE IF NOT EXISTS {s}.history (
    seq INTEGER PRIMARY KEY, system TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    at TEXT NOT NULL, deed TEXT NOT NULL, actor TEXT, correlation_id TEXT, causation_id TEXT, trace TEXT, journal_seq INTEGER,
    doc TEXT NOT NULL, before TEXT);
CREATE TABLE IF NOT EXISTS {s}.outbox (
    seq INTEGER PRIMARY KEY, system TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, key TEXT, partition_key TEXT,
    entity TEXT NOT NULL, record_id TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL, correlation_id TEXT,
    causation_id TEXT, traceparent TEXT, legal_entity TEXT, history_seq INTEGER NOT NULL, extra TEXT,
    face TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS {s}.outbox_id ON outbox (id);
CREATE TABLE IF NOT EXISTS {s}.subscription (
    id TEXT PRIMARY KEY, system TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL, types TEXT NOT NULL, active INTEGER NOT NULL,
    failures INTEGER NOT NULL, created_at TEXT NOT NULL, settings TEXT NOT NULL, face TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS {s}.delivery (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, system TEXT NOT NULL, event_seq INTEGER NOT NULL, subscription_id TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at TEXT, last_status INTEGER, last_error TEXT, fault TEXT);
CREATE INDEX IF NOT EXISTS {s}.delivery_state ON delivery (state, next_at);
CREATE TABLE IF NOT EXISTS {s}.timer (
    id INTEGER PRIMARY KEY, system TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS {s}.timer_at ON timer (at);
CREATE UNIQUE INDEX IF NOT EXISTS {s}.timer_key ON timer (system, kind, key);
CREATE TABLE IF NOT EXISTS {s}.sequence (
    system TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (system, name));
CREATE TABLE IF NOT EXISTS {s}.idempotency (
    system TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, at TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (system, key));
"""
CONTROL_DDL = """
CREATE TABLE IF NOT EXISTS control.meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS control.token (
    token TEXT PRIMARY KEY, system TEXT NOT NULL, client TEXT NOT NULL, kind TEXT NOT NULL, chain TEXT NOT NULL, expires REAL,
    used INTEGER NOT NULL);
"""
JOURNAL_DDL = """
CREATE TABLE IF NOT EXISTS journal.entry (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, system TEXT NOT NULL, at TEXT NOT NULL, wall REAL NOT NULL, operation TEXT,
    key TEXT, method TEXT, path TEXT, status INTEGER, client TEXT, trace TEXT, correlation_id TEXT, causation_id TEXT,
    event_id TEXT, fault TEXT, micros INTEGER, request TEXT, response TEXT);
CREATE INDEX IF NOT EXISTS journal.entry_trace ON entry (trace);
"""


class Store:
    """One SQL database of a landscape: a schema for each role, one for control, one for the journal."""

    def __init__(self, url: str, roles: Mapping[str, Role]) -> None:
        """`url`: `memory` (default of a landscape) or `sqlite:///firm.db`."""
        self.url = url
        self.roles = roles
        self.path = self._path(url)
        self.connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=2048, uri=True
        )
        self._attach()
        for schema in roles:
            self._script(KERNEL_DDL.format(s=schema))
        self._script(CONTROL_DDL)
        self._script(JOURNAL_DDL)
        functions = dict(SQL_FUNCTIONS)
        for role in roles.values():
            functions.update(role.functions)
        for name, (arity, function) in functions.items():
            self.connection.create_function(name, arity, function, deterministic=True)
        self.tables = {
            (schema, entity.name): table_of(self, schema, entity)
            for schema, role in roles.items()
            for entity in role.entities
        }
        for table in self.tables.values():
            table.create()

    @staticmethod
    def _path(url: str) -> Path | None:
        if url == "memory":
            return None
        if url.startswith("sqlite:///"):
            path = Path(url.removeprefix("sqlite:///"))
            if path.is_dir():
                raise ValueError(f"{path} is a folder; name a file")
            return path
        raise ValueError(f"store {url!r}: expected `memory` or `sqlite:///FILE`")

    @cached_property
    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="counterfoil-")

    def _attach(self) -> None:
        # A database in memory lives in SQLite's `memdb` file system: a plain `:memory:` one takes longer to commit the larger it is.
        for schema in (*self.roles, "control", "journal"):
            if self.path is not None:
                target = str(self.path.with_suffix(f".{schema}{self.path.suffix or '.db'}"))
            else:
                scratch = str(Path(self._scratch.name) / "journal.db")
                target = scratch if schema == "journal" else f"file:{schema}?vfs=memdb"
            self.connection.execute(f"ATTACH DATABASE ? AS {schema}", (target,))
            if self.path is not None:
                self.connection.execute(f"PRAGMA {schema}.journal_mode = WAL")
                self.connection.execute(f"PRAGMA {schema}.synchronous = NORMAL")
            elif schema == "journal":
                self.connection.execute("PRAGMA journal.journal_mode = OFF")
                self.connection.execute("PRAGMA journal.synchronous = OFF")
                self.connection.execute("PRAGMA journal.cache_size = -2000")
                self.connection.execute("PRAGMA journal.locking_mode = EXCLUSIVE")
            else:
                self.connection.execute(f"PRAGMA {schema}.journal_mode = MEMORY")
                self.connection.execute(f"PRAGMA {schema}.synchronous = OFF")
                self.connection.execute(f"PRAGMA {schema}.locking_mode = EXCLUSIVE")

    def _script(self, ddl: str) -> None:
        for statement in ddl.split(";"):
            if statement.strip():
                self.connection.execute(statement)

    @property
    def durable(self) -> bool:
        """Whether the store outlives the process."""
        return self.path is not None

    def table(self, schema: str, entity: str) -> Table:
        """The table of an entity."""
        return self.tables[schema, entity]

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        """Run one statement on the driver's connection."""
        return self.connection.execute(sql, params)

    def rows(self, sql: str, params: Any = ()) -> list[Record]:
        """Read rows as dicts."""
        cursor = self.connection.execute(sql, params)
        names = [each[0] for each in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def read_only(self) -> Iterator[Store]:
        """Refuse every write inside the block."""
        self.connection.execute("PRAGMA query_only = ON")
        try:
            yield self
        finally:
            self.connection.execute("PRAGMA query_only = OFF")

    def begin(self) -> None:
        """Begin a transaction. One that other processes may be waiting for locks at once, so that it cannot fail halfway."""
        self.connection.execute("BEGIN IMMEDIATE" if self.durable else "BEGIN")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.begin()
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def meta(self, name: str) -> str | None:
        """A fact about the landscape that outlives the process."""
        row = self.connection.execute("SELECT value FROM control.meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        """Keep a fact about the landscape."""
        self.connection.execute(
            "INSERT INTO control.meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def close(self) -> None:
        """Close the database; an in-memory one is gone."""
        self.connection.close()
        if "_scratch" in self.__dict__:
            self._scratch.cleanup()
