"""SuiteQL: queries really evaluated over a catalog of views, and rows as NetSuite's REST service shows them: all texts, nulls left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols import running
from counterfoil_mocks.protocols.compiler import Compiler
from counterfoil_mocks.protocols.relation import Catalog, unscaled
from counterfoil_mocks.protocols.scope import Shape, Unanswerable
from counterfoil_mocks.protocols.sql_functions import date_read, number_text
from counterfoil_mocks.protocols.suiteql_tree import parsed
from counterfoil_mocks.protocols.suiteql_values import SuiteQlError

MOST_ROWS = 100_000
MARK = "\x01"
"""Begins and ends what stands for a parameter while a query is translated for all that it may be."""
MOST_KEPT = 256
"""Queries whose translation is kept."""
WRONG = {
    "column": "Field '{name}' not found.",
    "ambiguous": "Field '{name}' is ambiguous.",
    "view": "Record '{name}' was not found.",
    "function": "Function {name} was not found.",
}


class Page(NamedTuple):
    """Some rows of an answer, and how many there are altogether."""

    items: list[dict[str, str]]
    total: int


class Prepared(NamedTuple):
    """A query as the database takes it: its rows, how many there are without a limit, and what the rows' values are."""

    rows: running.Ready
    total: running.Ready
    shapes: list[Shape]


class Engine:
    """Answers SuiteQL over a catalog of views in a store. schema: that all of them read, where it is one."""

    def __init__(self, store: Store, catalog: Catalog, schema: str | None = None) -> None:
        self.store = store
        self.schema = schema
        self.catalog = catalog
        self.compiler = Compiler(catalog, ignore_case=False, read_date=_date)
        self._kept: dict[tuple[str, int, int, int], Prepared | None] = {}

    def page(self, text: str, now: str, params: Sequence[Any] = (), *, limit: int = 1000, offset: int = 0) -> Page:
        """Some rows of a query. now: what SYSDATE is. Raises SuiteQlError."""
        prepared = self._known(text, now, params, limit, offset)
        values: Sequence[Any] = params
        if prepared is None:
            prepared, values = self._prepared(text, lambda: now, params, limit, offset), ()
        with self.store.local(self.schema) as store:
            rows = running.answer(store, prepared.rows, values)
            total = offset + len(rows)
            if len(rows) == limit or (offset and not rows):
                total = running.answer(store, prepared.total, values)[0][0]
        return Page([shown(row, prepared.shapes) for row in rows], min(total, MOST_ROWS))

    def _prepared(self, text: str, now: Callable[[], str], params: Sequence[Any], limit: int, offset: int) -> Prepared:
        try:
            statement, shapes = self.compiler.query(parsed(text, params, self.catalog, now))
            whole = statement.subquery()
            rows = running.ready(sa.select(*whole.c).limit(limit).offset(offset))
            total = running.ready(sa.select(sa.func.count()).select_from(whole))
        except Unanswerable as error:
            raise SuiteQlError(WRONG.get(error.why, "{detail}").format(name=error.name, detail=error)) from None
        except (OverflowError, RecursionError):
            raise SuiteQlError("The query is out of range.") from None
        return Prepared(rows, total, list(shapes))

    def _known(self, text: str, now: str, params: Sequence[Any], limit: int, offset: int) -> Prepared | None:
        """A query that was asked before, with other texts in its parameters; None where its answer hangs on more than these."""
        if not all(isinstance(each, str) and each.isascii() for each in params):
            return None
        place = (text, len(params), limit, offset)
        if place not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            marks = [f"{MARK}{number}{MARK}" for number in range(len(params))]
            asked: list[str] = []

            def told() -> str:
                asked.append(now)
                return now

            try:
                made = self._prepared(text, told, marks, limit, offset)
            except SuiteQlError:
                self._kept[place] = None
            else:
                filled = (running.filled(made.rows, marks), running.filled(made.total, marks))
                self._kept[place] = None if asked or None in filled else Prepared(*filled, made.shapes)  # type: ignore[arg-type]
        return self._kept[place]


def _date(text: str) -> str | None:
    """A literal that is compared with a date; a parameter there is translated each time."""
    if text.startswith(MARK):
        raise Unanswerable("type", "parameter")
    return date_read(text, "MM/DD/YYYY")


def shown(row: Sequence[Any], shapes: Sequence[Shape]) -> dict[str, str]:
    """A row: lower-case names, every value a text, what is null left out."""
    return {
        shape.name.lower(): _text(value, shape) for value, shape in zip(row, shapes, strict=True) if value is not None
    }


def _text(value: Any, shape: Shape) -> str:
    if shape.kind == "boolean":
        return "T" if value else "F"
    if shape.kind in ("date", "instant"):
        year, month, day = value[:10].split("-")
        return f"{int(month)}/{int(day)}/{year}"
    if isinstance(value, int | float):
        return f"{unscaled(value, shape.places).normalize():f}" if shape.places else number_text(value)
    return str(value)
