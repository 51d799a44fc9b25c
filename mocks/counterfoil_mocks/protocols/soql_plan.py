"""Plans of SOQL: the queries that the database is asked for one text, and where in a record each column of their rows goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from counterfoil_mocks.protocols.query import Select
from counterfoil_mocks.protocols.relation import Children, Column, View
from counterfoil_mocks.protocols.running import Ready
from counterfoil_mocks.protocols.scope import Shape


@dataclass(frozen=True)
class Cell:
    """Where a column of the rows goes in a record: a path of names, and what its value is."""

    path: tuple[str, ...]
    at: int
    column: Column | None
    as_text: bool = False
    ccy_at: int | None = None


@dataclass(frozen=True)
class Parent:
    """A related record within a record: its path, and for each kind that it may be the position of its id in the rows."""

    path: tuple[str, ...]
    kinds: tuple[tuple[int, View], ...]

    def found(self, row: tuple[Any, ...]) -> tuple[str, View] | None:
        """The id of the record in a row, and what it is."""
        return next(((row[at], view) for at, view in self.kinds if row[at] is not None), None)


@dataclass(frozen=True)
class Kinds:
    """A reference whose fields depend on what it refers to: name and, for each kind, where its id and its fields are."""

    name: str
    kinds: tuple[tuple[Parent, tuple[Cell, ...]], ...]


@dataclass
class Plan:
    """A query, and how its rows become records. select: each part is run, and their rows follow one another (ROLLUP has several)."""

    view: View
    select: list[Select]
    grouped: bool = False
    count_only: bool = False
    id_at: int = 0
    cells: list[Cell] = field(default_factory=list)
    parents: list[Parent] = field(default_factory=list)
    kinds: list[Kinds] = field(default_factory=list)
    inner: list[tuple[Children, Plan]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0
    of_one: Prepared | None = None
    """The translation of an inner query for one parent, once there is one."""


class Prepared(NamedTuple):
    """A plan as the database takes it: its statements, and what the rows' values are."""

    plan: Plan
    statements: list[Ready]
    shapes: list[Shape]
