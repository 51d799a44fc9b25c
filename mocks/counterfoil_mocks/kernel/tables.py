"""The kernel's own tables, declared once for every kind of database: row history, outbox, deliveries, timers, tokens, the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that sorts by code point in every database."""
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: sa.Double[float] = sa.Double()


def column(name: str, kind: sa.types.TypeEngine[Any] = TEXT, *, need: bool = True, key: bool = False) -> sa.Column[Any]:
    """A column. need: it is never null. key: it is (part of) the primary key."""
    return sa.Column(name, kind, nullable=not need, primary_key=key, autoincrement=False)


def number(name: str = "seq") -> sa.Column[int]:
    """The primary key that counts rows in the order in which they came."""
    return sa.Column(name, WHOLE, sa.Identity(), primary_key=True)


def face() -> sa.Column[Any]:
    """Which face a row belongs to, in the words of `kernel/faces`; empty for the native one."""
    return sa.Column("face", TEXT, nullable=False, server_default="")


def of_system(schema: str) -> sa.MetaData:
    """The tables that a role's schema holds beside its entities."""
    known = sa.MetaData(schema=schema)
    history = sa.Table(
        "history",
        known,
        number(),
        *(column(name) for name in ("system", "entity", "id")),
        column("version", WHOLE),
        *(column(name) for name in ("at", "deed")),
        *(column(name, need=False) for name in ("actor", "correlation_id", "causation_id", "trace")),
        column("journal_seq", WHOLE, need=False),
        column("doc"),
        column("before", need=False),
    )
    customers = history.c.entity == sa.literal_column("'customer'")
    sa.Index("history_of_customer", history.c.id, info={"where": customers, "verdicts": True})
    outbox = sa.Table(
        "outbox",
        known,
        number(),
        *(column(name) for name in ("system", "id", "type")),
        *(column(name, need=False) for name in ("key", "partition_key")),
        *(column(name) for name in ("entity", "record_id")),
        column("version", WHOLE),
        column("at"),
        *(column(name, need=False) for name in ("correlation_id", "causation_id", "traceparent", "legal_entity")),
        column("history_seq", WHOLE),
        column("extra", need=False),
        face(),
    )
    sa.Index("outbox_id", outbox.c.id, unique=True)
    sa.Index("outbox_of_record", outbox.c.record_id, info={"verdicts": True})
    sa.Table(
        "subscription",
        known,
        column("id", key=True),
        *(column(name) for name in ("system", "url", "secret", "types")),
        *(column(name, WHOLE) for name in ("active", "failures")),
        *(column(name) for name in ("created_at", "settings")),
        face(),
    )
    delivery = sa.Table(
        "delivery",
        known,
        number(),
        *(column(name) for name in ("id", "system")),
        column("event_seq", WHOLE),
        *(column(name) for name in ("subscription_id", "state")),
        column("attempts", WHOLE),
        column("next_at", need=False),
        column("last_status", WHOLE, need=False),
        *(column(name, need=False) for name in ("last_error", "fault")),
        column("claimed_by", WHOLE, need=False),
    )
    sa.Index("delivery_state", delivery.c.state, delivery.c.next_at)
    timer = sa.Table(
        "timer", known, number("id"), *(column(name) for name in ("system", "at", "kind", "key", "payload"))
    )
    sa.Index("timer_due", timer.c.system, timer.c.at)
    sa.Index("timer_key", timer.c.system, timer.c.kind, timer.c.key, unique=True)
    sa.Table("sequence", known, column("system", key=True), column("name", key=True), column("value", WHOLE))
    kept = sa.Table(
        "idempotency",
        known,
        number(),
        *(column(name) for name in ("system", "key", "fingerprint", "at")),
        column("status", WHOLE),
        column("body"),
    )
    sa.Index("idempotency_key", kept.c.system, kept.c.key, unique=True)
    return known


def of_control() -> sa.MetaData:
    """What a landscape remembers of itself, and the tokens that it has issued."""
    known = sa.MetaData(schema="control")
    sa.Table("meta", known, column("name", key=True), column("value"))
    sa.Table(
        "token",
        known,
        column("token", key=True),
        *(column(name) for name in ("system", "client", "kind", "chain")),
        column("expires", REAL, need=False),
        column("used", WHOLE),
    )
    return known


def of_journal() -> sa.MetaData:
    """The journal."""
    known = sa.MetaData(schema="journal")
    entry = sa.Table(
        "entry",
        known,
        number(),
        *(column(name) for name in ("kind", "system", "at")),
        column("wall", REAL),
        *(column(name, need=False) for name in ("operation", "key", "method", "path")),
        column("status", WHOLE, need=False),
        *(
            column(name, need=False)
            for name in ("client", "trace", "correlation_id", "causation_id", "event_id", "fault")
        ),
        *(column(name, WHOLE, need=False) for name in ("micros", "retry_after")),
        *(column(name, need=False) for name in ("credential", "request", "response")),
    )
    sa.Index("entry_trace", entry.c.trace)
    return known


def ddl(known: sa.MetaData, dialect: sa.Dialect) -> Iterator[str]:
    """Statements that create what is missing of these tables, except indexes that only verdicts ask."""
    for table in known.sorted_tables:
        yield str(sa.schema.CreateTable(table, if_not_exists=True).compile(dialect=dialect))
        yield from _indexes(table, dialect, verdicts=False)


def for_verdicts(known: sa.MetaData, dialect: sa.Dialect) -> Iterator[str]:
    """Statements that create what is missing of the indexes that only verdicts ask: until one is wanted, no write pays for them."""
    for table in known.sorted_tables:
        yield from _indexes(table, dialect, verdicts=True)


def _indexes(table: sa.Table, dialect: sa.Dialect, *, verdicts: bool) -> Iterator[str]:
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        if index.info.get("verdicts", False) is verdicts:
            if "where" in index.info:  # said for this kind of database alone: SQLAlchemy would load the other's dialect
                index.dialect_kwargs[f"{dialect.name}_where"] = index.info["where"]
            yield str(sa.schema.CreateIndex(index, if_not_exists=True).compile(dialect=dialect))
