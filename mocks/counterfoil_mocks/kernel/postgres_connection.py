"""The driver's connection to PostgreSQL, with the words that the store uses. Statements are written once, in SQLite's parameter style, and
put into the driver's here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import ExecStatus, TransactionStatus

from counterfoil_mocks.kernel.errors import StoreAway

PARAMETER = re.compile(r"'[^']*'|\?|(?<![:\w]):([A-Za-z_]\w*)|%")
"""What is put into the driver's style; quoted text comes first, so that it is passed over."""
NOTHING = "(SELECT 1 FROM (SELECT 1) WHERE 1!=1)", "(SELECT NULL WHERE 1!=1)"
"""An empty list of values, as statements for SQLite have it and as it is text here."""
DIAL_SECONDS = 2
DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


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
            error = psycopg.errors.error_from_result(result, self.driver.info.encoding)
            # A server that is gone gives no code, by which the driver would know what kind of error it is.
            raise psycopg.OperationalError(str(error)) if self.driver.closed else error

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
