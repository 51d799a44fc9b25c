"""The SQL that tables of records and of lines are asked by. SQLAlchemy Core builds each text when it is first wanted, once for all
stores; it is run on the driver's connection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from counterfoil_mocks.kernel.layout import Layout

NAMED, IN_ORDER = (sqlite.dialect(paramstyle=style) for style in ("named", "qmark"))


def compiled(statement: sa.sql.ClauseElement, style: Literal["named", "qmark"] = "named") -> str:
    """The SQL text of a statement, with named parameters or with those of its columns in order; every database understands it."""
    return str(statement.compile(dialect=NAMED if style == "named" else IN_ORDER))


def bound(statement: sa.sql.ClauseElement) -> tuple[str, dict[str, Any]]:
    """The SQL text of a statement with named parameters, and what they are."""
    made = statement.compile(dialect=NAMED, compile_kwargs={"render_postcompile": True})
    return str(made), made.params


def placed(statement: sa.sql.ClauseElement) -> tuple[str, tuple[str, ...]]:
    """The SQL text of a statement with parameters in order, which binds faster than by name, and their names in that order."""
    made = cast("sa.sql.compiler.SQLCompiler", statement.compile(dialect=IN_ORDER))
    return str(made), tuple(made.positiontup or ())


class Glance(NamedTuple):
    """A record as readers get it: `shown` is its wire form as JSON text."""

    id: str
    key: str | None
    version: int
    updated_at: str
    deleted_at: str | None
    shown: str


class Statements:
    """The SQL that a table of records is asked by: each text is built when it is first wanted."""

    def __init__(self, layout: Layout, names: Sequence[str]) -> None:
        self._layout = layout
        self._names = names

    def _read(self, names: Sequence[str], **where: bool) -> str:
        """Read columns of the record `with_id`, or of the records `with_key`, the oldest first; only of `live` ones."""
        columns = self._layout.sql.c
        statement = sa.select(*(columns[name] for name in names)).where(columns.system == sa.bindparam("system"))
        statement = statement.where(columns["id" if "with_id" in where else "key"] == sa.bindparam("value"))
        if "live" in where or "with_key" in where:
            statement = statement.where(columns.deleted_at.is_(None))
        if "with_key" in where:
            statement = statement.order_by(columns.created_at, columns.id)
        return compiled(statement, "qmark")

    @cached_property
    def insert(self) -> str:
        """Write a row."""
        return compiled(sa.insert(self._layout.sql), "qmark")

    @cached_property
    def insert_unique(self) -> str:
        """Write a row unless a live one has its key; system and key are given once more behind the row."""
        table = self._layout.sql
        row: Any = sa.select(*(sa.bindparam(each.name) for each in table.columns))
        return compiled(sa.insert(table).from_select(list(table.columns), row.where(~sa.exists(self._same))), "qmark")

    @cached_property
    def has_key(self) -> str:
        """Whether a live record has a key."""
        return compiled(self._same, "qmark")

    @property
    def _same(self) -> sa.Select[Any]:
        table = self._layout.sql
        live: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(table).where(table.c.deleted_at.is_(None))
        return live.where(table.c.system == sa.bindparam("in_system"), table.c.key == sa.bindparam("with_key"))

    @cached_property
    def by_id(self) -> str:
        """The record with an id."""
        return self._read(self._names, with_id=True)

    @cached_property
    def by_key(self) -> str:
        """The live records with a key."""
        return self._read(self._names, with_key=True)

    @cached_property
    def shown(self) -> str:
        """The wire form of the record with an id."""
        return self._read(("shown",), with_id=True)

    @cached_property
    def shown_by_key(self) -> str:
        """The wire forms of the live records with a key."""
        return self._read(("shown",), with_key=True)

    @cached_property
    def glance(self) -> str:
        """What is shown of the record with an id."""
        return self._read(Glance._fields, with_id=True)

    @cached_property
    def glance_by_key(self) -> str:
        """What is shown of the live records with a key."""
        return self._read(Glance._fields, with_key=True)

    @cached_property
    def live_id(self) -> str:
        """The id of the live record with an id."""
        return self._read(("id",), with_id=True, live=True)

    @cached_property
    def id_of_key(self) -> str:
        """The ids of the live records with a key."""
        return self._read(("id",), with_key=True)


class LineStatements:
    """The SQL that a table of lines is asked by: each text is built when it is first wanted."""

    def __init__(self, layout: Layout, names: Sequence[str]) -> None:
        self._layout = layout
        self._names = names

    @property
    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        columns = self._layout.sql.c
        return columns.system == sa.bindparam("system"), columns.parent == sa.bindparam("parent")

    @cached_property
    def insert(self) -> str:
        """Write a line."""
        return compiled(sa.insert(self._layout.sql), "qmark")

    @cached_property
    def read(self) -> str:
        """All lines of a document."""
        columns = self._layout.sql.c
        statement = sa.select(*(columns[name] for name in self._names)).where(*self._mine).order_by(columns.position)
        return compiled(statement, "qmark")

    @cached_property
    def clear(self) -> str:
        """Remove them."""
        return compiled(sa.delete(self._layout.sql).where(*self._mine), "qmark")
