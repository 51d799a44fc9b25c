"""The store on PostgreSQL: the same schemas as real ones, for many processes. Statements are written once, in SQLite's parameter
style, and put into the driver's here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Dumper, Loader
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy.dialects import postgresql

from counterfoil_mocks.kernel.errors import StoreAway, StoreTaken
from counterfoil_mocks.kernel.mirror import Mirror, fill
from counterfoil_mocks.kernel.reads import Reads
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.store import Store, schemas_of

PARAMETER = re.compile(r"'[^']*'|\?|(?<![:\w]):([A-Za-z_]\w*)|%")
"""What is put into the driver's style; quoted text comes first, so that it is passed over."""
NOTHING = "(SELECT 1 FROM (SELECT 1) WHERE 1!=1)", "(SELECT NULL WHERE 1!=1)"
"""An empty list of values, as statements for SQLite have it and as it is text here."""
OCCUPIED = crc32(b"counterfoil.landscape")
"""Key of the advisory lock that keeps two landscapes out of one database."""
DIAL_SECONDS = 2
RELEASE_SECONDS = 2
DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
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
)
"""What faces ask in SQLite's words, or in ours (`store.SQL_FUNCTIONS`)."""


class _Flag(Dumper):
    """A truth value as the whole number that SQLite keeps."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


class _Whole(Loader):
    """A sum of whole numbers, which PostgreSQL gives as a decimal, as a whole number."""

    def load(self, data: Any) -> Any:
        text = bytes(data)
        return float(text) if b"." in text else int(text)


def translated(sql: str) -> str:
    """A statement with `?` and `:name` as the driver writes them."""

    def put(found: re.Match[str]) -> str:
        text = found.group()
        if text == "?":
            return "%s"
        if text == "%":
            return "%%"
        return text.replace("%", "%%") if text.startswith("'") else f"%({found.group(1)})s"

    return PARAMETER.sub(put, sql.replace(*NOTHING))


def _without_nul(params: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
    """Parameters with a replacement character for each NUL, which text cannot hold here."""

    def put(value: Any) -> Any:
        return value.replace("\0", "\ufffd") if isinstance(value, str) else value

    if isinstance(params, Mapping):
        return {name: put(value) for name, value in params.items()}
    return type(params)(map(put, params))  # type: ignore[call-arg]


class Connection:
    """The driver's connection with the words that the store uses. Statements outside a transaction are committed at once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.on_connect: str | None = None
        self.on_return: Callable[[], object] = lambda: None
        """Called when the server has been reached again."""
        self._halfway = False
        self.driver = self._dialled()
        self._kept = self.driver.cursor()
        self._texts: dict[str, str] = {}

    def _dialled(self) -> psycopg.Connection[Any]:
        driver = psycopg.connect(self.url, autocommit=True, prepare_threshold=3, connect_timeout=DIAL_SECONDS)
        driver.prepared_max = 2000
        driver.adapters.register_dumper(bool, _Flag)
        driver.adapters.register_loader("numeric", _Whole)
        return driver

    def _again(self) -> None:
        """Dial again where the server has hung up; raises StoreAway where it does not answer, or where a transaction broke off that
        has not been given up yet."""
        if self._halfway:
            raise StoreAway
        try:
            driver = self._dialled()
            if self.on_connect is not None:
                try:
                    driver.execute(self.on_connect)
                except psycopg.Error:
                    driver.close()
                    raise
        except psycopg.OperationalError as error:
            raise StoreAway from error
        self.driver, self._kept = driver, driver.cursor()
        self.on_return()

    def write(self, sql: str, params: Sequence[Any]) -> psycopg.Cursor[Any]:
        """Run one statement whose result is read before anything else is written: on a cursor that is kept, with all that it knows of how
        values are sent."""
        return self.execute(sql, params, kept=True)

    def execute(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] = (), *, kept: bool = False
    ) -> psycopg.Cursor[Any]:
        """Run one statement. Where the server has hung up meanwhile, a question is asked again; a write raises StoreAway, as nobody
        knows whether it was done, and the next finds a new connection."""
        if self.driver.closed:
            self._again()
        alone = not self.in_transaction
        try:
            if kept:
                return self._kept.execute(self._text(sql), params)
            return self.driver.execute(self._text(sql), params) if params else self.driver.execute(sql)
        except psycopg.DataError:
            readable = _without_nul(params)
            if readable == params:
                raise
            return self.driver.execute(self._text(sql), readable)
        except psycopg.OperationalError as error:
            if not self.driver.closed:
                raise
            self._halfway = not alone
            if not alone or not sql.startswith("SELECT"):
                raise StoreAway from error
        return self.execute(sql, params)

    def begin(self, text: bytes) -> None:
        """Begin a transaction by these statements, which have no parameters."""
        if self.driver.closed:
            self._again()
        try:
            self._said(text)
        except psycopg.OperationalError:
            if not self.driver.closed:
                raise
            self._again()
            self._said(text)

    def commit(self) -> None:
        """Make what a transaction has written last; raises StoreAway where nobody knows whether it was done."""
        try:
            self._said(b"COMMIT")
        except psycopg.OperationalError as error:
            if not self.driver.closed:
                raise
            self._halfway = True
            raise StoreAway from error

    def _said(self, text: bytes) -> None:
        """Say something that has no parameters and no answer, past what the driver does for others; raises what the driver raises."""
        result = self.driver.pgconn.exec_(text)
        if result.status not in DONE:
            raise psycopg.errors.error_from_result(result, self.driver.info.encoding)

    def rollback(self) -> None:
        """Give up a transaction; one that broke off with the connection is gone already."""
        self._halfway = False
        if not self.driver.closed:
            try:
                self.driver.execute("ROLLBACK")
            except psycopg.OperationalError:
                if not self.driver.closed:
                    raise

    def executemany(self, sql: str, many: Iterable[Sequence[Any] | Mapping[str, Any]]) -> None:
        """Run one statement for each of many rows."""
        rows = [_without_nul(each) for each in many]  # of them all first: half a batch cannot be said again
        with self._together() as cursor:
            cursor.executemany(self._text(sql), rows)

    def copy(self, sql: str, many: Iterable[Sequence[Any]]) -> None:
        """Have the server copy many rows, which is a sixth of the work of adding them one by one."""
        rows = [_without_nul(each) for each in many]
        with self._together() as cursor, cursor.copy(sql) as into:
            for each in rows:
                into.write_row(each)  # type: ignore[arg-type]

    @contextmanager
    def _together(self) -> Iterator[psycopg.Cursor[Any]]:
        """A cursor for many rows at once; raises StoreAway where the server hangs up over it."""
        if self.driver.closed:
            self._again()
        alone = not self.in_transaction
        try:
            with self.driver.cursor() as cursor:
                yield cursor
        except psycopg.OperationalError as error:
            if not self.driver.closed:
                raise
            self._halfway = not alone
            raise StoreAway from error

    def _text(self, sql: str) -> str:
        text = self._texts.get(sql)
        if text is None:
            if len(self._texts) > 5000:
                self._texts.clear()
            text = self._texts[sql] = translated(sql)
        return text

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.driver.pgconn.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)

    def close(self) -> None:
        """Hang up."""
        self.driver.close()


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
