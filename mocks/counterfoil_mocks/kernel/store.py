"""The SQL store: one schema of typed tables a role, one database connection a process.

SQLite embedded is the default: each schema is an attached database, in memory or one file each. `postgres.py` holds the other kind.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import tempfile
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from counterfoil_mocks.kernel import clock, money, tables
from counterfoil_mocks.kernel.errors import StoreTaken
from counterfoil_mocks.kernel.extras import install
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.layout import Layout
from counterfoil_mocks.kernel.reads import Reads
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.table import Table, table_of

ROLLBACK_JOURNAL = b"\x01\x01"
"""File format versions of a database without a write-ahead log: one in memory cannot have it."""
ROOMY_CACHE = -65_536
"""KiB of each schema that are kept in memory where it lies in a file for want of room."""
DISK_FULL = "53100"
POSTGRES = ("postgresql://", "postgres://")

SQL_FUNCTIONS: dict[str, tuple[int, Any]] = {
    "half_up": (2, money.half_up),
    "line_amount": (3, money.line_amount),
    "time_amount": (3, money.time_amount),
    "share_of": (2, money.share),
    "convert_ccy": (4, money.convert),
    "exponent_of": (1, money.exponent),
    "power_of_ten": (1, lambda places: None if places is None else 10**places),
    "small_letters": (1, lambda value: value.lower() if isinstance(value, str) else value),
    "nfc": (1, lambda value: value and unicodedata.normalize("NFC", value)),
    "later": (2, lambda at, minutes: at and clock.later(at, minutes=minutes)),
    "business_date": (2, lambda at, tz: at and clock.business_date(at, tz)),
    "period_end": (1, lambda period: period and clock.period_end(period)),
}


AS_IT_IS: Callable[[Any], Any] = {}.get
sqlite3.register_adapter(type(None), AS_IT_IS)
"""The driver asks every null how it adapts, which costs an exception each time unless somebody has said; most of a new row is null."""


def no_room(error: BaseException) -> bool:
    """Whether a write to a store failed because it is full, in SQLite's words or in PostgreSQL's."""
    return (
        getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", "") == DISK_FULL
    )


def open_store(url: str, roles: Mapping[str, Role], *, guest: bool = False, roomy: bool = False) -> Store:
    """The store at an address: `memory`, `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`; raises ValueError, or what the driver
    says of a database that cannot be opened. guest: another process of the same landscape has opened and made it. roomy: memory would be too
    small, for the store or for copies of it."""
    if not url.startswith(POSTGRES):
        return Store(url, roles, roomy=roomy)
    try:
        from counterfoil_mocks.kernel.postgres import PostgresStore
    except ImportError as error:
        raise ValueError(f"PostgreSQL needs its driver: {install('postgres')}") from error
    return PostgresStore(url, roles, guest=guest, roomy=roomy)


def discard(url: str, roles: Mapping[str, Role]) -> None:
    """Throw away what a store of these roles holds at an address, if anything; raises what `open_store` does."""
    if url.startswith(POSTGRES):
        from counterfoil_mocks.kernel import postgres

        postgres.discard(url)
    elif (path := Store._path(url)) is not None:
        for schema in schemas_of(roles):
            for beside in ("", "-wal", "-shm"):
                file_of(path, schema, beside).unlink(missing_ok=True)


def claim(url: str) -> IO[str] | None:
    """Keep other landscapes out of a store in files until what is returned is closed, or the process is gone, however that ends; None where
    there is nothing to claim here: memory is nobody else's, and a database server sees to it itself. Raises StoreTaken."""
    path = None if url.startswith(POSTGRES) else Store._path(url)
    if path is None:
        return None
    try:
        handle = path.with_suffix(".lock").open("w", encoding="utf-8")
    except OSError:
        return None  # where no file can be made, the database says so
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise StoreTaken("another landscape is at work in these files; stop it, or name another store") from None
    return handle


def schemas_of(roles: Mapping[str, Role]) -> tuple[str, ...]:
    """The schemas of a store of these roles."""
    return (*roles, "control", "journal")


def file_of(path: Path, schema: str, beside: str = "") -> Path:
    """The file of a schema of a store in files; beside: one of those that SQLite keeps with it."""
    return path.with_suffix(f".{schema}{path.suffix or '.db'}{beside}")


class Store:
    """One SQL database of a landscape: a schema for each role, one for control, one for the journal."""

    dialect: sa.Dialect = sqlite.dialect()
    columns_of = """
        SELECT each.name, info.name FROM {schema}.sqlite_master AS each, pragma_table_info(each.name, '{schema}') AS info
        WHERE each.type = 'table'
    """
    """Asks for table and name of every column of a schema."""

    def __init__(self, url: str, roles: Mapping[str, Role], *, roomy: bool = False) -> None:
        """`url`: `memory` (default of a landscape) or `sqlite:///firm.db`. roomy: what `memory` keeps lies in files that go with the
        process, since SQLite holds at most 1 GiB of a schema in memory."""
        self.url = url
        self.roomy = roomy
        self.roles = roles
        self.path = self._path(url)
        self.connection = self._connected()
        self.tables = {
            (schema, entity.name): table_of(self, schema, entity)
            for schema, role in roles.items()
            for entity in role.entities
        }
        if self.durable and not self.concurrent:
            try:
                self._check()
            except ValueError:
                self.close()
                raise
        self._create()
        if not self.concurrent:
            self.define(statement for table in self.tables.values() for statement in table.ddl(self.dialect.name))
            for schema in roles:
                self.weigh(schema)
        if not self.durable and not self.roomy:
            self._forget_places()

    def _connected(self) -> Any:
        connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=2048, uri=True
        )
        self._attach(connection)
        functions = dict(SQL_FUNCTIONS)
        for role in self.roles.values():
            functions.update(role.functions)
        for name, (arity, function) in functions.items():
            connection.create_function(name, arity, function, deterministic=True)
        return connection

    def _forget_places(self) -> None:
        """Take away the name of the journal's file: it is gone with the process then, however that ends (where names of open files can be
        taken away)."""
        with contextlib.suppress(OSError):
            self._scratch.cleanup()

    def _own(self) -> list[sa.MetaData]:
        """The kernel's own tables."""
        return [*map(tables.of_system, self.roles), tables.of_control(), tables.of_journal()]

    def _create(self) -> None:
        """Create the kernel's own tables."""
        self.define(statement for each in self._own() for statement in tables.ddl(each, self.dialect))

    def define(self, statements: Iterable[str]) -> None:
        """Run statements that make tables and indexes. As one text where no transaction is open, which that would commit: the driver keeps
        every other statement for its next time, and these have none."""
        if not self.connection.in_transaction:
            self.connection.executescript(";".join(statements))
            return
        for statement in statements:
            self.connection.execute(statement)

    def weigh(self, schema: str) -> None:
        """Tell the database what its indexes are worth, where it does not count for itself."""
        worths = [
            worth
            for (place, _), table in self.tables.items()
            if place == schema
            for layout in table.layouts
            for worth in layout.worths()
        ]
        self.connection.execute(f"ANALYZE {schema}.sqlite_schema")  # makes `sqlite_stat1`, or reads what it says
        known = self.connection.execute(f"SELECT tbl, idx, stat FROM {schema}.sqlite_stat1").fetchall()
        if sorted(known) != sorted(worths):
            self.connection.execute(f"DELETE FROM {schema}.sqlite_stat1")
            self.connection.executemany(f"INSERT INTO {schema}.sqlite_stat1 VALUES (?, ?, ?)", worths)
            self.connection.execute(f"ANALYZE {schema}.sqlite_schema")

    def _check(self) -> None:
        """Tables that are there already must have the columns that they would be made with; raises ValueError."""
        declared: list[sa.Table | Layout] = [
            *(table for each in self._own() for table in each.sorted_tables),
            *(layout for table in self.tables.values() for layout in table.layouts),
        ]
        found = {schema: self._columns(schema) for schema in schemas_of(self.roles)}
        for table in declared:
            wanted, there = set(table.columns.keys()), found[str(table.schema)].get(table.name)
            if there is None or there == wanted:
                continue
            place = f"{table.schema}.{table.name}"
            lacking = [f"{place} lacks the column {name}" for name in sorted(wanted - there)]
            unknown = [
                f"{place} has a column {name} of which this one does not know" for name in sorted(there - wanted)
            ]
            raise ValueError(
                f"another version of Counterfoil made it ({[*lacking, *unknown][0]}); serve it with that version, or name another,"
                " empty store"
            )

    def _columns(self, schema: str) -> dict[str, set[str]]:
        """The columns of the tables that a schema has."""
        found: dict[str, set[str]] = {}
        for table, name in self.execute(self.columns_of.format(schema=schema)).fetchall():
            found.setdefault(table, set()).add(name)
        return found

    @staticmethod
    def _path(url: str) -> Path | None:
        if url == "memory":
            return None
        if url.startswith("sqlite:///"):
            path = Path(url.removeprefix("sqlite:///"))
            if path.is_dir():
                raise ValueError(f"{path} is a folder; name a file")
            return path
        raise ValueError(f"store {url!r}: expected `memory`, `sqlite:///FILE` or `postgresql://…`")

    @cached_property
    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="counterfoil-")

    def _attach(self, connection: sqlite3.Connection) -> None:
        # A database in memory lives in SQLite's `memdb` file system: a plain `:memory:` one takes longer to commit the larger it is.
        for schema in schemas_of(self.roles):
            if self.path is not None:
                target = str(file_of(self.path, schema))
            elif self.roomy or schema == "journal":
                target = str(Path(self._scratch.name) / f"{schema}.db")
            else:
                target = f"file:{schema}?vfs=memdb"
            connection.execute(f"ATTACH DATABASE ? AS {schema}", (target,))
            if self.path is not None:
                connection.execute(f"PRAGMA {schema}.journal_mode = WAL")
                connection.execute(f"PRAGMA {schema}.synchronous = NORMAL")
            elif schema == "journal":
                connection.execute("PRAGMA journal.page_size = 32768")  # an entry holds whole bodies
                connection.execute("PRAGMA journal.journal_mode = OFF")
                connection.execute("PRAGMA journal.synchronous = OFF")
                connection.execute("PRAGMA journal.cache_size = -2000")
                connection.execute("PRAGMA journal.locking_mode = EXCLUSIVE")
            elif self.roomy:
                connection.execute(f"PRAGMA {schema}.journal_mode = MEMORY")
                connection.execute(f"PRAGMA {schema}.synchronous = OFF")
                connection.execute(f"PRAGMA {schema}.cache_size = {ROOMY_CACHE}")
            else:
                self._tune(connection, schema)

    @staticmethod
    def _tune(connection: sqlite3.Connection, schema: str) -> None:
        """Set up a database in memory. What undoes a transaction lies in one piece of memory that is used again (`MEMORY` would ask for it a
        kilobyte at a time, for each transaction anew)."""
        connection.execute(f"PRAGMA {schema}.locking_mode = EXCLUSIVE")
        connection.execute(f"PRAGMA {schema}.journal_mode = PERSIST")
        connection.execute(f"PRAGMA {schema}.synchronous = OFF")

    @property
    def durable(self) -> bool:
        """Whether the store outlives the process."""
        return self.path is not None

    def local(self, schema: str | None = None) -> AbstractContextManager[Store]:
        """The store itself, or a copy of it, as an SQLite database of this process: what verdicts ask. schema: of which the records and
        their history alone are asked; that much is at hand at any time."""
        if schema is None:
            self.expect_verdict()
        return nullcontext(self)

    def written(self, schema: str) -> Hashable:
        """What is another after every write to a schema, by this process or by others; None where nobody tells."""
        connection = self.connection
        return connection.total_changes, connection.execute(f"PRAGMA {schema}.data_version").fetchone()[0]

    def watched(self, state: Hashable = None) -> Reads:
        """Notes what is read within a `with`. state: that the system is in, where that is known."""
        return Reads(self, state)

    def expect_verdict(self) -> None:
        """Make the indexes that only verdicts ask, where they are missing."""
        for statement in self._for_verdicts:
            self.connection.execute(statement)

    @cached_property
    def _for_verdicts(self) -> list[str]:
        return [statement for each in self._own() for statement in tables.for_verdicts(each, self.dialect)]

    def table(self, schema: str, entity: str) -> Table:
        """The table of an entity."""
        return self.tables[schema, entity]

    def execute(self, sql: str, params: Any = ()) -> Any:
        """Run one statement on the driver's connection."""
        return self.connection.execute(sql, params)

    def write(self, sql: str, params: Sequence[Any]) -> Any:
        """Run one statement whose result is read before the next one."""
        return self.connection.execute(sql, params)

    def pour(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a log as one transaction. Over a connection, those that are there already stay: nobody knew whether they had been written."""
        places = ", ".join("?" * len(columns))
        with self.transaction():
            self.connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)

    def append(self, sql: str, params: Sequence[Any]) -> int:
        """Insert one row into a log; returns its number."""
        number: int = self.connection.execute(sql, params).lastrowid
        return number

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

    claimed: IO[str] | None = None
    """What keeps other landscapes out of it, where that is not the database itself."""

    distant = False
    """Whether each statement goes to a server and back, so that one of two parts is cheaper than two."""

    concurrent = False
    """Whether other processes may write while this one works."""

    def begin(self, *schemas: str) -> None:
        """Begin a transaction that writes to these schemas. One that other processes may be waiting for locks at once, so that it cannot
        fail halfway."""
        self.connection.execute("BEGIN IMMEDIATE" if self.durable else "BEGIN")

    @contextmanager
    def transaction(self, *schemas: str) -> Iterator[None]:
        """All or nothing, in these schemas."""
        self.begin(*schemas)
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def commit(self) -> None:
        """Make what a transaction has written last."""
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Give up a transaction; a store that is full has done so by itself."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

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

    def returned(self, heard: Callable[[], object]) -> None:
        """Have somebody hear of it whenever the database answers again after it did not; one in this process always does."""

    def names(self, schema: str) -> list[str]:
        """The tables of a schema."""
        return [
            row[0]
            for row in self.execute(
                f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name"
            )
        ]

    # images of whole schemas, and what a restore needs besides rows

    def image(self, schema: str) -> bytes:
        """All that a schema holds, to be put back by `put_image`."""
        return self.connection.serialize(name=schema)  # type: ignore[no-any-return]

    def put_image(self, schema: str, image: bytes) -> None:
        """Make a schema what it was when its image was made."""
        if not self.durable and not self.roomy:
            self.connection.deserialize(image, name=schema)
            self._tune(self.connection, schema)
            return
        file = next(Path(file) for _, name, file in self.execute("PRAGMA database_list") if name == schema)
        source, into = sqlite3.connect(":memory:"), sqlite3.connect(file)
        try:
            source.deserialize(image[:18] + ROLLBACK_JOURNAL + image[20:])
            source.backup(into)
        finally:
            source.close()
            into.close()

    def rewind(self, schema: str, table: str, last: int) -> None:
        """Have a log count on from its last row; here it does so by itself."""

    def slim(self) -> None:
        """Give back the copies of pages that making and filling the store has left, and what could have undone that; pages are read again when
        they are asked for."""
        self.connection.execute("PRAGMA shrink_memory")
        self.forget_undo()

    def forget_undo(self) -> None:
        """Give back what could have undone the last transaction, which may have been a large one."""
        if not self.durable and not self.roomy:
            for schema in schemas_of(self.roles):
                if schema != "journal":
                    self.connection.execute(f"PRAGMA {schema}.journal_mode = MEMORY")
                    self.connection.execute(f"PRAGMA {schema}.journal_mode = PERSIST")

    def close(self) -> None:
        """Close the database; an in-memory one is gone."""
        self.connection.close()
        if self.claimed is not None:
            self.claimed.close()
        if "_scratch" in self.__dict__:
            self._scratch.cleanup()
