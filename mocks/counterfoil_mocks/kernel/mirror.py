"""One schema of a PostgreSQL database as an SQLite database of this process: what vendors' query languages ask is written once. It follows
the row history, so that a question costs what has changed since the last one, and not what there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.store import Store

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.postgres import PostgresStore

NEWS = """
SELECT (SELECT value FROM control.meta WHERE name = 'gone_back') AS gone_back, change.*
FROM (SELECT 1) AS once LEFT JOIN {schema}.history AS change ON change.seq > ? ORDER BY change.seq
"""
"""One row at least: how the state last went back, and what was written after a number of the history."""


class Stand(NamedTuple):
    """How far a mirror has come. restores: how often the state had gone back by then; last: the last number of the history."""

    restores: int
    last: int


class Mirror:
    """The records of a schema and their history. Within a transaction of the store it shows what that has written so far; where the
    transaction is given up, it forgets it."""

    def __init__(self, source: PostgresStore, schema: str) -> None:
        self.source = source
        self.schema = schema
        self.copy = Store("memory", {schema: source.roles[schema]}, roomy=source.roomy)
        self._stand: Stand | None = None
        self._before: Stand | None = None

    def follow(self) -> Store:
        """The copy, as the store is now."""
        if not self.copy.connection.in_transaction:
            self.copy.begin()
            self._before = self._stand
        try:
            self._catch_up()
        except BaseException:
            self.finish(kept=False)
            raise
        if not self.source.connection.in_transaction:
            self.finish(kept=True)
        return self.copy

    def finish(self, *, kept: bool) -> None:
        """The store's transaction is over. kept: it was committed."""
        if not self.copy.connection.in_transaction:
            return
        if kept:
            self.copy.commit()
        else:
            self.copy.rollback()
            self._stand = self._before

    def close(self) -> None:
        """Forget all of it."""
        self.copy.close()

    def _catch_up(self) -> None:
        stand = self._stand or self._read_all()
        news = self._news(stand)
        restores, since = gone_back(news[0][0], self.schema)
        if restores != stand.restores:
            known = since is not None and restores == stand.restores + 1
            stand = self._go_back(restores, min(since or 0, stand.last)) if known else self._read_all()
            news = self._news(stand)
        changes = [row[1:] for row in news if row[1] is not None]
        self._stand = self._write(changes, stand) if changes else stand

    def _news(self, stand: Stand) -> list[tuple[Any, ...]]:
        found = self.source.execute(NEWS.format(schema=self.schema), (stand.last,))
        self._names = [each.name for each in found.description or ()][1:]
        return list(found)

    def _write(self, changes: list[tuple[Any, ...]], stand: Stand) -> Stand:
        """Write what has changed: each record as it was left."""
        fill(self.copy, f"{self.schema}.history", self._names, changes)
        rows = [dict(zip(self._names, row, strict=True)) for row in changes]
        latest = {(row["system"], row["entity"], row["id"]): row["doc"] for row in rows}
        for (system, entity, record_id), doc in latest.items():
            self._put(system, entity, record_id, orjson.loads(doc))
        return stand._replace(last=rows[-1]["seq"])

    def _put(self, system: str, entity: str, record_id: str, record: Record | None) -> None:
        table = self.copy.table(self.schema, entity)
        table.remove(system, record_id)
        if record is not None:
            table.insert_many(system, [record])

    def _go_back(self, restores: int, since: int) -> Stand:
        """Read again what was written after a number of the history, and has been undone."""
        undone = f"FROM {self.schema}.history WHERE seq > ?"
        touched = self.copy.execute(f"SELECT DISTINCT system, entity, id {undone}", (since,)).fetchall()
        for system, entity, record_id in touched:
            self._put(system, entity, record_id, self.source.table(self.schema, entity).by_id(system, record_id))
        self.copy.execute(f"DELETE {undone}", (since,))
        return Stand(restores, since)

    def _read_all(self) -> Stand:
        """Read the whole schema, as it is at one moment."""
        with self._one_moment():
            restores, _ = gone_back(self.source.meta("gone_back"), self.schema)
            last = self.source.execute(f"SELECT coalesce(max(seq), 0) FROM {self.schema}.history").fetchone()
            entities = [self.copy.table(self.schema, each.name) for each in self.source.roles[self.schema].entities]
            for table in ("history", *(each.name for entity in entities for each in entity.layouts)):
                self.copy.execute(f"DELETE FROM {self.schema}.{table}")
                found = self.source.execute(f"SELECT * FROM {self.schema}.{table}")
                fill(self.copy, f"{self.schema}.{table}", [each.name for each in found.description or ()], found)
        return Stand(restores, int(last[0] if last else 0))

    @contextmanager
    def _one_moment(self) -> Iterator[None]:
        connection = self.source.connection
        if connection.in_transaction:
            yield
            return
        connection.begin(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            connection.rollback()


def fill(store: Store, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as another database gives them. names: of their columns."""
    columns = ", ".join(f'"{each}"' for each in names)
    store.connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(names))})", rows)


def gone_back(said: str | None, schema: str) -> tuple[int, int | None]:
    """How often the state has gone back, and the number of a schema's history that it last went back to; None where all may be different."""
    found: dict[str, Any] = orjson.loads(said) if said else {"count": 0, "to": {}}
    return found["count"], found["to"].get(schema)
