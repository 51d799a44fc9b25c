"""SOQL: has a query planned as an expression tree, and the database answer it over a catalog of views."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from typing import Literal as TypingLiteral

from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols import running
from counterfoil_mocks.protocols.compiler import Compiler
from counterfoil_mocks.protocols.query import (
    Among,
    Both,
    Field,
    Literal,
    Value,
)
from counterfoil_mocks.protocols.relation import Catalog, Children
from counterfoil_mocks.protocols.scope import Shape, Unanswerable
from counterfoil_mocks.protocols.soql_answer import Answer
from counterfoil_mocks.protocols.soql_conditions import Today
from counterfoil_mocks.protocols.soql_grammar import SoqlError, parsed
from counterfoil_mocks.protocols.soql_plan import Plan, Prepared
from counterfoil_mocks.protocols.soql_planner import Planner

AN_ID = re.compile(r"'([A-Za-z0-9]{18})'")
MARK = "zZ{:016d}"
"""Stands for an id while a query is translated for all that it may be; in both cases, so that whoever changes its case is found out."""
MOST_KEPT = 256
"""Queries whose translation is kept."""
MOST_GROUPS = 2000
Manner = TypingLiteral["query", "bulk", "search"]
"""How a query is asked: the Bulk API cannot ask all, and a search looks into texts that no query filters by."""
NOT_IN_BULK = "The query uses what the Bulk API does not offer: aggregates, GROUP BY, OFFSET, TYPEOF or subqueries."


class Engine:
    """Answers SOQL over a catalog of views in a store. schema: that all of them read, where it is one; user: whose records `USING SCOPE mine` means."""

    def __init__(self, store: Store, catalog: Catalog, schema: str | None = None, user: str = "") -> None:
        self.store = store
        self.schema = schema
        self.catalog = catalog
        self.compiler = Compiler(catalog, ignore_case=True)
        self.user = user
        self._kept: dict[tuple[str, Today, bool, Manner], Prepared | None] = {}

    def answer(self, text: str, today: Today, *, deleted: bool = False, manner: Manner = "query") -> Answer:
        """Answer a query. deleted: records in the bin count. Raises SoqlError."""
        prepared = self._known(text, today, deleted, manner)
        if prepared is not None:
            return self._answered(prepared, AN_ID.findall(text))
        return self.run(self._plan(text, today, deleted, manner))

    def _plan(self, text: str, today: Today, deleted: bool, manner: Manner) -> Plan:
        statement = parsed(text)
        deleted = deleted or statement.all_rows
        plan = Planner(text, self.catalog, today, deleted, self.user, search=manner == "search").plan(statement)
        if manner == "bulk":
            if plan.inner or plan.offset or plan.kinds or plan.grouped or plan.count_only:
                raise SoqlError("FEATURENOTENABLED", NOT_IN_BULK)
            if any(cell.column is not None and cell.column.type == "address" for cell in plan.cells):
                raise SoqlError("FEATURENOTENABLED", "Selecting compound data not supported in Bulk Query")
        return plan

    def run(self, plan: Plan) -> Answer:
        """Have the database answer a plan."""
        return self._answered(self._prepared(plan))

    def _prepared(self, plan: Plan) -> Prepared:
        shapes: list[Shape] = []
        statements = []
        try:
            for each in plan.select:
                statement, found = self.compiler.query(each)
                shapes = list(found)
                statements.append(running.ready(statement))
        except Unanswerable as error:
            raise SoqlError("MALFORMED_QUERY", str(error)) from None
        except OverflowError:
            raise SoqlError("MALFORMED_QUERY", "A number in the query is out of range.") from None
        return Prepared(plan, statements, shapes)

    def _known(self, text: str, today: Today, deleted: bool, manner: Manner) -> Prepared | None:
        """A query that was asked before, with other ids in it; None where there is more to it, or its ids are in an inner query."""
        marks: list[str] = []

        def marked(found: re.Match[str]) -> str:
            marks.append(MARK.format(len(marks)))
            return f"'{marks[-1]}'"

        if "'" in AN_ID.sub("", text):
            return None
        place = (AN_ID.sub(marked, text), today, deleted, manner)
        if place not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[place] = self._translated(place, marks)
        return self._kept[place]

    def _translated(self, place: tuple[str, Today, bool, Manner], marks: Sequence[str]) -> Prepared | None:
        try:
            made = self._prepared(self._plan(*place))
        except SoqlError:
            return None
        if not marks:
            return made
        statements = [running.filled(each, marks) for each in made.statements]
        filled = [each for each in statements if each is not None]
        return made._replace(statements=filled) if len(filled) == len(statements) else None

    def _answered(self, prepared: Prepared, ids: Sequence[str] = ()) -> Answer:
        plan, shapes, rows = prepared.plan, prepared.shapes, []
        try:
            with self.store.local(self.schema) as store:
                for each in prepared.statements:
                    rows += running.answer(store, each, ids)
        except OverflowError:
            raise SoqlError("MALFORMED_QUERY", "A number in the query is out of range.") from None
        if plan.grouped and len(rows) > MOST_GROUPS:
            raise SoqlError(
                "EXCEEDED_ID_LIMIT",
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
            )
        return Answer(plan, rows, shapes, self.children)

    def children(self, way: Children, plan: Plan, ids: Sequence[str]) -> dict[str, Answer]:
        """The answers of an inner query by parent, for those that have any rows."""
        if len(ids) == 1 and plan.of_one is None:
            plan.of_one = self._of_parents(way, plan, [MARK.format(0)])
            (statement,) = plan.of_one.statements
            plan.of_one.statements[:] = [running.filled(statement, [MARK.format(0)]) or statement]
        if len(ids) == 1 and plan.of_one is not None and plan.of_one.statements[0].places:
            answer = self._answered(plan.of_one, ids)
        else:
            answer = self._answered(self._of_parents(way, plan, ids))
        at = len(answer.shapes) - 1
        found: dict[str, list[tuple[Any, ...]]] = {}
        for row in answer.rows:
            found.setdefault(row[at], []).append(row)
        stop = None if plan.limit is None else plan.offset + plan.limit
        cut = {parent: rows[plan.offset : stop] for parent, rows in found.items()}
        return {parent: Answer(plan, rows, answer.shapes, self.children) for parent, rows in cut.items() if rows}

    def _of_parents(self, way: Children, plan: Plan, ids: Sequence[str]) -> Prepared:
        query = plan.select[0]
        mine = Among(Field(way.by, "r"), tuple(Literal(each, "id") for each in ids))
        where: Value = mine if query.where is None else Both((mine, query.where))
        return self._prepared(replace(plan, select=[replace(query, where=where, limit=None, offset=0)]))
