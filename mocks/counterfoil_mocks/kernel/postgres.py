"""The store on PostgreSQL: the same schemas as real ones, for many processes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from counterfoil_mocks.kernel.errors import StoreTaken
from counterfoil_mocks.kernel.mirror import Mirror, fill
from counterfoil_mocks.kernel.postgres_connection import DIAL_SECONDS, Connection
from counterfoil_mocks.kernel.reads import Reads
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.store import Store, schemas_of

OCCUPIED = crc32(b"counterfoil.landscape")
"""Key of the advisory lock that keeps two landscapes out of one database."""
RELEASE_SECONDS = 2
FORGET_SHOWN = """
CREATE OR REPLACE FUNCTION control.forget_shown() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.shown IS NOT NULL AND new.shown IS NOT DISTINCT FROM old.shown THEN new.shown := NULL; END IF;
    RETURN new;
END $$
"""
FUNCTIONS = (
    """
    CREATE OR REPLACE FUNCTION public.json_extract(doc text, path text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE jsonb_typeof(found) WHEN 'boolean' THEN found::boolean::int::text ELSE found #>> '{}' END
        FROM jsonb_path_query_first(doc::jsonb, path::jsonpath) AS found
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION public.instr(hay text, needle text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
        SELECT strpos(hay, needle)::bigint
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION public.small_letters(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT lower(said COLLATE "default")
    $$
    """,
)
"""What faces ask in SQLite's words, or in ours (`store.SQL_FUNCTIONS`)."""


def _made(url: str) -> bool:
    """Make the database of an address, where the server answers and has none of that name; whether it was made."""
    name = psycopg.conninfo.conninfo_to_dict(url).get("dbname")
    try:
        with psycopg.connect(url, dbname="postgres", autocommit=True, connect_timeout=DIAL_SECONDS) as server:
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                return False
            server.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(str(name))))
    except psycopg.Error:
        return False
    return True


def discard(url: str) -> None:
    """Drop the database of an address, where there is one; raises ConnectionError where the server does not answer."""
    name = psycopg.sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(url).get("dbname")))
    try:
        with psycopg.connect(url, dbname="postgres", autocommit=True, connect_timeout=DIAL_SECONDS) as server:
            server.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
    except psycopg.errors.ObjectInUse as error:
        raise StoreTaken(str(error)) from error
    except psycopg.OperationalError as error:
        raise ConnectionError(str(error)) from error


class PostgresStore(Store):
    """A landscape's database on a PostgreSQL server: `postgresql://USER@HOST/DATABASE`. The database belongs to the landscape alone; it is
    made where the server has none of that name and the user may."""

    dialect: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    connection: Connection
    distant = True
    columns_of = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '{schema}'"

    def __init__(self, url: str, roles: Mapping[str, Role], *, guest: bool = False, roomy: bool = False) -> None:
        self.guest = guest
        self.concurrent = guest
        self._begins: dict[tuple[str, ...], bytes] = {}
        self._mirrors: dict[str, Mirror] = {}
        super().__init__(url, roles, roomy=roomy)

    @staticmethod
    def _path(url: str) -> Path | None:
        return None

    def _connected(self) -> Connection:
        try:
            connection = Connection(self.url)
        except psycopg.OperationalError as error:
            if self.guest or not _made(self.url):
                raise ConnectionError(str(error)) from error
            connection = Connection(self.url)
        if not self.guest:
            free = connection.execute(f"SELECT pg_try_advisory_lock({OCCUPIED})").fetchone()
            if not free or not free[0]:
                connection.close()
                raise StoreTaken("another landscape is at work in this database; stop it, or name another database")
            # Afterwards the server may need a moment to notice that who held the lock, this process, has hung up.
            connection.on_connect = (
                f"SET lock_timeout = '{RELEASE_SECONDS}s'; SELECT pg_advisory_lock({OCCUPIED}); RESET lock_timeout"
            )
        return connection

    def weigh(self, schema: str) -> None:
        """The server counts its rows itself."""

    def _create(self) -> None:
        if self.guest:
            return
        for schema in schemas_of(self.roles):
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        super()._create()
        for function in (FORGET_SHOWN, *FUNCTIONS):
            self.connection.execute(function)

    def define(self, statements: Iterable[str]) -> None:
        """Run statements that make tables and indexes."""
        for statement in statements:
            self.connection.execute(statement)

    def slim(self) -> None:
        """Nothing is kept of pages here."""

    @property
    def durable(self) -> bool:
        """Whether the store outlives the process."""
        return True

    def written(self, schema: str) -> None:
        """Nothing: to ask the server would take as long as to look."""

    def begin(self, *schemas: str) -> None:
        """Begin a transaction. One process at a time writes to a schema, so that what is numbered is committed in the order of its
        numbers."""
        text = self._begins.get(schemas)
        if text is None:
            locks = [f"SELECT pg_advisory_xact_lock({crc32(each.encode())})" for each in sorted(schemas)]
            text = self._begins[schemas] = "; ".join(["BEGIN", *locks]).encode()
        self.connection.begin(text)

    def pour(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a log as one transaction; those that are there already, since nobody knew whether they had been written, stay."""
        names = ", ".join(columns)
        try:
            with self.transaction():
                self.connection.copy(f"COPY {table} ({names}) FROM STDIN", rows)
        except psycopg.errors.UniqueViolation:
            text = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING"
            with self.transaction():
                self.connection.executemany(text, rows)

    def append(self, sql: str, params: Sequence[Any]) -> int:
        """Insert one row into a log; returns its number."""
        row = self.connection.write(f"{sql} RETURNING seq", params).fetchone()
        assert row is not None
        return int(row[0])

    def write(self, sql: str, params: Sequence[Any]) -> Any:
        """Run one statement whose result is read before the next one."""
        return self.connection.write(sql, params)

    def returned(self, heard: Callable[[], object]) -> None:
        """Have somebody hear of it whenever the server has been reached again."""
        self.connection.on_return = heard

    def commit(self) -> None:
        """Make what a transaction has written last."""
        self.connection.commit()
        for mirror in self._mirrors.values():
            mirror.finish(kept=True)

    def rollback(self) -> None:
        """Give up a transaction."""
        for mirror in self._mirrors.values():
            mirror.finish(kept=False)
        self.connection.rollback()

    def rows(self, sql: str, params: Any = ()) -> list[dict[str, Any]]:
        """Read rows as dicts."""
        cursor = self.connection.execute(sql, params)
        names = [each.name for each in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def read_only(self) -> Iterator[Store]:
        """Refuse every write inside the block."""
        self.connection.execute("BEGIN READ ONLY")
        try:
            yield self
        finally:
            self.rollback()

    @contextmanager
    def local(self, schema: str | None = None) -> Iterator[Store]:
        """A copy as an SQLite database of this process, so that what verdicts ask is written once; of one schema, the copy that is kept."""
        watcher: Any = self.connection
        if isinstance(watcher, Reads):
            watcher.whole = False  # a copy is asked past it
        if schema is not None:
            if schema not in self._mirrors:
                self._mirrors[schema] = Mirror(self, schema)
            yield self._mirrors[schema].follow()
            return
        copy = Store("memory", self.roles, roomy=self.roomy)
        try:
            for place in schemas_of(self.roles):
                for table in self.names(place):
                    cursor = self.connection.execute(f"SELECT * FROM {place}.{table}")
                    fill(copy, f"{place}.{table}", [each.name for each in cursor.description or ()], cursor)
            copy.expect_verdict()
            yield copy
        finally:
            copy.close()

    def names(self, schema: str) -> list[str]:
        """The tables of a schema."""
        found = self.connection.execute(
            "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = ? ORDER BY tablename", (schema,)
        )
        return [row[0] for row in found.fetchall()]

    # images

    def image(self, schema: str) -> bytes:
        """All that a schema holds: for each table its name, its length and its rows as the server copies them."""
        into = io.BytesIO()
        with self.connection.driver.cursor() as cursor:
            for table in self.names(schema):
                with cursor.copy(f"COPY {schema}.{table} TO STDOUT (FORMAT binary)") as copied:
                    rows = b"".join(map(bytes, copied))
                into.write(f"{table} {len(rows)}\n".encode())
                into.write(rows)
        return into.getvalue()

    def put_image(self, schema: str, image: bytes) -> None:
        """Make a schema what it was when its image was made."""
        source = io.BytesIO(image)
        with self.transaction(schema), self.connection.driver.cursor() as cursor:
            while line := source.readline():
                table, length = line.decode().split()
                self.execute(f"DELETE FROM {schema}.{table}")
                with cursor.copy(f"COPY {schema}.{table} FROM STDIN (FORMAT binary)") as copied:
                    copied.write(source.read(int(length)))
            for table in self._counted(schema):
                last = self.execute(f"SELECT coalesce(max(seq), 0) FROM {schema}.{table}").fetchone()
                self.rewind(schema, table, int(last[0]))

    def _counted(self, schema: str) -> list[str]:
        found = self.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = ? AND column_name = 'seq' AND is_identity = 'YES'",
            (schema,),
        )
        return [row[0] for row in found.fetchall()]

    def rewind(self, schema: str, table: str, last: int) -> None:
        """Have a log count on from its last row."""
        counted = f"pg_get_serial_sequence('{schema}.{table}', 'seq')"
        self.execute(f"SELECT setval({counted}, {max(int(last), 1)}, {'true' if last else 'false'})")

    def close(self) -> None:
        """Hang up; the database stays."""
        for mirror in self._mirrors.values():
            mirror.close()
        self.connection.close()
