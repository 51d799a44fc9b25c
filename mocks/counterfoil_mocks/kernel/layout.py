"""How the tables of records and of their lines lie in the database: columns, keys, indexes.

What makes them is written here; SQLAlchemy hears of a table when the first statement about it is built. Of some sixty tables most
processes ask a few, and to tell it of them all took longer than to make them, and 4 MiB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.kernel.fields import Field
from counterfoil_mocks.kernel.tables import TEXT

WORDS = {"sqlite": ("TEXT", "BIGINT"), "postgresql": ('TEXT COLLATE "C"', "BIGINT")}
"""What each database calls text that sorts by code point, and whole numbers."""
WHOLE_KINDS = ("integer", "money", "decimal", "boolean")
ROWS, SAME_STATE, SAME_VALUE = 100_000, 10_000, 10
"""What SQLite is told of a table, full or not: its rows, those of them in one state, and those with the same value of anything else."""
SCARCE = ("id", "key", "external_id", "lower(external_id)")
"""Columns of which a value has one row."""


def is_whole(each: Field) -> bool:
    """Whether a field is kept as a whole number; all others are text."""
    return each.kind in WHOLE_KINDS


class Layout:
    """One table. columns: by name, whether it holds whole numbers (else text). keys: the primary key's columns. indexes: the columns
    of each by its name, or what is worked out of one; each holds the rows whose second column has a value, all rows where that is
    `updated_at`. dull: columns that hold one of few values."""

    def __init__(
        self,
        schema: str,
        name: str,
        columns: Mapping[str, bool],
        keys: tuple[str, ...],
        indexes: Mapping[str, tuple[str, ...]],
        dull: Collection[str] = (),
    ) -> None:
        self.schema = schema
        self.name = name
        self.columns = columns
        self.keys = keys
        self.indexes = indexes
        self.dull = dull

    @cached_property
    def sql(self) -> sa.Table:
        """The table as SQLAlchemy knows it."""
        columns: list[sa.Column[Any]] = [
            sa.Column(name, sa.BigInteger() if whole else TEXT, primary_key=name in self.keys)
            for name, whole in self.columns.items()
        ]
        return sa.Table(self.name, sa.MetaData(), *columns, schema=self.schema)

    def ddl(self, dialect: str) -> Iterator[str]:
        """Statements that create the table and its indexes where they are missing."""
        words = WORDS[dialect]
        columns = [
            f'"{name}" {words[whole]}{" NOT NULL" if name in self.keys else ""}' for name, whole in self.columns.items()
        ]
        keys = f"PRIMARY KEY ({quoted(self.keys)})"
        yield f"CREATE TABLE IF NOT EXISTS {self.schema}.{self.name} ({', '.join((*columns, keys))})"
        place, on = (f"{self.schema}.", "") if dialect == "sqlite" else ("", f"{self.schema}.")
        for index, names in sorted(self.indexes.items()):
            filled = "" if names[1] == "updated_at" else f" WHERE {quoted(names[1:2])} IS NOT NULL"
            yield f"CREATE INDEX IF NOT EXISTS {place}{index} ON {on}{self.name} ({quoted(names)}){filled}"

    def worths(self) -> Iterator[tuple[str, str, str]]:
        """Rows of SQLite's `sqlite_stat1`: table, index, and how many rows there are, then how many of them have the same first value, the
        same first two, and so on. Every index begins with the system, which all rows of a schema share; SQLite, not told so, holds that for
        sharp and reads tables whole for each row of another."""
        for index, (_, named, *more) in {f"sqlite_autoindex_{self.name}_1": self.keys, **self.indexes}.items():
            last = named in SCARCE or (named in self.keys and not more)
            same = SAME_STATE if named in self.dull else 1 if last else SAME_VALUE
            yield self.name, index, " ".join(map(str, (ROWS, ROWS, same, *(1 for _ in more))))


def quoted(names: tuple[str, ...]) -> str:
    """Names of columns with commas between, some of which are words of SQL; expressions stay as they are."""
    return ", ".join(name if "(" in name else f'"{name}"' for name in names)
