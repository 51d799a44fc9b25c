"""The expression tree of all query languages: what a vendor's query means, with no word about its syntax. `compiler` makes SQL of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a source; without one, of whichever source has it. label: what people see instead of an id."""

    name: str
    source: str = ""
    label: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: text, number (Decimal), boolean, date or instant (text), id, or null."""

    value: str | Decimal | bool | None
    kind: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `functions.FUNCTIONS`, or an operator: `+ - * / ||`."""

    name: str
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """count, sum, avg, min or max over a group; without an argument, of its rows."""

    name: str
    argument: Value | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """The first value whose condition holds."""

    branches: tuple[tuple[Value, Value], ...]
    otherwise: Value | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """`= != < <= > >=`, unknown where a side is null."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Like:
    """Text that matches a pattern of `%`, `_` and, before one of them taken literally, a backslash."""

    value: Value
    pattern: Value


@dataclass(frozen=True, slots=True)
class Among:
    """A value that is in a list or a query's only column."""

    value: Value
    choices: tuple[Value, ...] | Query


@dataclass(frozen=True, slots=True)
class IsNull:
    """A value that is not there."""

    value: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """A query that has rows."""

    query: Query


@dataclass(frozen=True, slots=True)
class Both:
    """All of them."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of them."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """SQL's NOT: unknown stays unknown."""

    condition: Value


@dataclass(frozen=True, slots=True)
class Unless:
    """True where the condition is false or unknown."""

    condition: Value


@dataclass(frozen=True, slots=True)
class Scalar:
    """The only value of a query."""

    query: Query


Value = (
    Field
    | Literal
    | Call
    | Aggregate
    | Case
    | Compare
    | Like
    | Among
    | IsNull
    | Exists
    | Both
    | Either
    | Not
    | Unless
    | Scalar
)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows to select from: a view by name, or a query. kind: how it joins those before it: inner or left, on a condition."""

    alias: str
    view: str | Query
    kind: str = "inner"
    on: Value | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One column of the answer, under its name there."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that rows are sorted by. nulls_first: where nulls go."""

    value: Value
    descending: bool = False
    nulls_first: bool = True


@dataclass(frozen=True, slots=True)
class Select:
    """A query. deleted: whether deleted records count."""

    items: tuple[Item, ...]
    sources: tuple[Source, ...]
    where: Value | None = None
    group: tuple[Value, ...] = ()
    having: Value | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    distinct: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Union:
    """Queries whose rows are put together; `distinct`: each row once. Order by the names of the first one's columns."""

    parts: tuple[Query, ...]
    distinct: bool = False
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0


Query = Select | Union
