"""Statements as the database takes them: compiled once, bound anew for each asking, run by a store that knows the functions they call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as dialect

from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols import sql_functions

DIALECT = dialect.dialect(paramstyle="named")
_KNOWN: WeakKeyDictionary[Store, int] = WeakKeyDictionary()


def equip(store: Store) -> None:
    """Give a store's connection the functions that queries call."""
    known = _KNOWN.get(store, 0)
    for name, arity, function in sql_functions.SQL[known:]:
        store.connection.create_function(name, arity, function, deterministic=True)
    _KNOWN[store] = len(sql_functions.SQL)


class Ready(NamedTuple):
    """A statement as the database takes it. places: names of what it binds, each with the parameter of the query that it is."""

    text: str
    bound: Mapping[str, Any]
    places: Mapping[str, int] = {}


def ready(statement: sa.sql.ClauseElement) -> Ready:
    """A statement compiled."""
    text = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    return Ready(str(text), text.params)


def filled(statement: Ready, marks: Sequence[str]) -> Ready | None:
    """A statement whose parameters were marks, ready for any others; None where a mark did not come through as it was."""
    numbers = {mark: number for number, mark in enumerate(marks)}
    places = {name: numbers[value] for name, value in statement.bound.items() if value in numbers}
    return statement._replace(places=places) if set(places.values()) == set(numbers.values()) else None


def answer(store: Store, statement: Ready, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Have the database answer it. params: of the query, where they are not in it yet."""
    equip(store)
    bound = {**statement.bound, **{name: params[number] for name, number in statement.places.items()}}
    rows: list[tuple[Any, ...]] = store.connection.execute(statement.text, bound).fetchall()
    return rows


def run(store: Store, statement: sa.sql.ClauseElement) -> list[tuple[Any, ...]]:
    """Have the database answer a statement."""
    return answer(store, ready(statement))
