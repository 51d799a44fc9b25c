"""SuiteQL: queries really evaluated over a catalog of views, and rows as NetSuite's REST service shows them: all texts, nulls left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols import compiler
from counterfoil_mocks.protocols.compiler import Compiler, Shape, Unanswerable
from counterfoil_mocks.protocols.functions import date_read, number_text
from counterfoil_mocks.protocols.relation import Catalog, unscaled
from counterfoil_mocks.protocols.suiteql_tree import SuiteQlError, parsed

MOST_ROWS = 100_000
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


class Engine:
    """Answers SuiteQL over a catalog of views in a store."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self.store = store
        self.catalog = catalog
        self.compiler = Compiler(catalog, ignore_case=False, read_date=lambda text: date_read(text, "MM/DD/YYYY"))

    def page(self, text: str, now: str, params: Sequence[Any] = (), *, limit: int = 1000, offset: int = 0) -> Page:
        """Some rows of a query. now: what SYSDATE is. Raises SuiteQlError."""
        try:
            statement, shapes = self.compiler.query(parsed(text, params, self.catalog, now))
            whole = statement.subquery()
            with self.store.local() as store:
                rows = compiler.run(store, sa.select(*whole.c).limit(limit).offset(offset))
                total = compiler.run(store, sa.select(sa.func.count()).select_from(whole))[0][0]
        except Unanswerable as error:
            raise SuiteQlError(WRONG.get(error.why, "{detail}").format(name=error.name, detail=error)) from None
        except (OverflowError, RecursionError):
            raise SuiteQlError("The query is out of range.") from None
        return Page([shown(row, shapes) for row in rows], min(total, MOST_ROWS))


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
