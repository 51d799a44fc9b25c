"""SOQL: plans a query as an expression tree, has the database answer it, and shows the rows as Salesforce does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols import running
from counterfoil_mocks.protocols.compiler import Compiler
from counterfoil_mocks.protocols.query import (
    Aggregate,
    Among,
    Both,
    Call,
    Field,
    IsNull,
    Item,
    Literal,
    Not,
    Order,
    Select,
    Source,
    Union,
    Value,
)
from counterfoil_mocks.protocols.relation import Catalog, Children, Column, View, constant, unscaled
from counterfoil_mocks.protocols.scope import Shape, Unanswerable
from counterfoil_mocks.protocols.soql_conditions import Conditions, Today
from counterfoil_mocks.protocols.soql_grammar import (
    Function,
    Path,
    Picked,
    SoqlError,
    Statement,
    TypeOf,
    parsed,
    place_of,
    pointed,
)
from counterfoil_mocks.protocols.soql_names import HINT, Meant, Names

AN_ID = re.compile(r"'([A-Za-z0-9]{18})'")
MARK = "zZ{:016d}"
"""Stands for an id while a query is translated for all that it may be; in both cases, so that whoever changes its case is found out."""
MOST_KEPT = 256
"""Queries whose translation is kept."""
MOST_OFFSET = 2000
MOST_FIELDS_ROWS = 200
MOST_GROUPS = 2000
AGGREGATES = {"count": "count", "count_distinct": "count", "sum": "sum", "avg": "avg", "min": "min", "max": "max"}
DATE_FUNCTIONS = [
    "calendar_year",
    "calendar_month",
    "calendar_quarter",
    "day_in_month",
    "day_in_week",
    "day_in_year",
    "week_in_year",
    "week_in_month",
    "hour_in_day",
    "day_only",
    "fiscal_year",
    "fiscal_month",
    "fiscal_quarter",
]
SAME_AS = {"fiscal_year": "calendar_year", "fiscal_month": "calendar_month", "fiscal_quarter": "calendar_quarter"}
COUNT = Column("count", "number", constant(0), type="int")
WHOLE = Column("number", "number", constant(0), type="int")


@dataclass(frozen=True)
class Cell:
    """Where a column of the rows goes in a record: a path of names, and what its value is."""

    path: tuple[str, ...]
    at: int
    column: Column | None
    as_text: bool = False


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
    statements: list[running.Ready]
    shapes: list[Shape]


Shown = Callable[[Any, Shape], Any]
Url = Callable[[str, str], str]
"""(object, id) → the record's url."""
More = Callable[["Answer", int], str]
"""Keeps the rows of an answer from a position on; gives the url of the next page."""


class Asked(NamedTuple):
    """How an answer can be had again: the text that was asked, whether deleted records were too, and for the answer of an inner query the way
    to it, as names of relations with ids of parents."""

    text: str
    deleted: bool
    way: tuple[tuple[str, str], ...] = ()


@dataclass
class Answer:
    """The rows of a query, and how to show them."""

    plan: Plan
    rows: Sequence[tuple[Any, ...]]
    shapes: Sequence[Shape]
    engine: Engine
    asked: Asked | None = None

    @property
    def total(self) -> int:
        """How many rows there are."""
        return int(self.rows[0][0]) if self.plan.count_only else len(self.rows)

    def records(self, start: int, stop: int, url: Url, more: More, child_page: int) -> list[dict[str, Any]]:
        """The records of some rows."""
        if self.plan.count_only:
            return []
        rows = self.rows[start:stop]
        children = [
            (way.name, self.engine.children(way, plan, [row[self.plan.id_at] for row in rows]))
            for way, plan in self.plan.inner
        ]
        found = []
        for row in rows:
            record: dict[str, Any] = {}
            if self.plan.grouped:
                record["attributes"] = {"type": "AggregateResult"}
            else:
                record["attributes"] = _attributes(self.plan.view, row[self.plan.id_at], url)
            self._fill(record, row, url)
            for name, answers in children:
                mine = answers.get(row[self.plan.id_at])
                if mine is not None and self.asked is not None:
                    way = (*self.asked.way, (name, row[self.plan.id_at]))
                    mine.asked = self.asked._replace(way=way)
                record[name] = None if mine is None else _inner(mine, url, more, child_page)
            found.append(self._in_order(record))
        return found

    def inner(self, name: str, parent: str) -> Answer | None:
        """The answer of an inner query for one parent, if it has any rows."""
        found = next(((way, plan) for way, plan in self.plan.inner if way.name == name), None)
        return None if found is None else self.engine.children(*found, [parent]).get(parent)

    def _in_order(self, record: dict[str, Any]) -> dict[str, Any]:
        wanted = {"attributes": record["attributes"]}
        for name in self.plan.order:
            if name in record:
                wanted[name] = record[name]
        return wanted | record

    def _fill(self, record: dict[str, Any], row: tuple[Any, ...], url: Url) -> None:
        missing: set[tuple[str, ...]] = set()
        for parent in self.plan.parents:
            *outer, last = parent.path
            there = parent.found(row)
            if tuple(outer) in missing or there is None:
                missing.add(parent.path)
                if tuple(outer) not in missing:
                    _place(record, outer)[last] = None
                continue
            _place(record, outer)[last] = {"attributes": _attributes(there[1], there[0], url)}
        for cell in self.plan.cells:
            *outer, last = cell.path
            if tuple(outer) in missing:
                continue
            _place(record, outer)[last] = self._value(cell, row)
        for each in self.plan.kinds:
            record[each.name] = None
            for parent, cells in each.kinds:
                there = parent.found(row)
                if there is not None:
                    made = {"attributes": _attributes(there[1], there[0], url)}
                    record[each.name] = made | {cell.path[-1]: self._value(cell, row) for cell in cells}
                    break

    def _value(self, cell: Cell, row: tuple[Any, ...]) -> Any:
        value = shown(row[cell.at], self.shapes[cell.at])
        return str(value) if cell.as_text and value is not None else value

    def flat(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A row by dotted names, for tables."""
        return {".".join(cell.path): self._value(cell, row) for cell in self.plan.cells}


def _place(record: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for step in path:
        record = record.setdefault(step, {})
    return record


def _attributes(view: View, record_id: str, url: Url) -> dict[str, str]:
    return {"type": view.name, "url": url(view.name, record_id)}


def _inner(answer: Answer, url: Url, more: More, child_page: int) -> dict[str, Any]:
    records = answer.records(0, child_page, url, more, child_page)
    shown_list: dict[str, Any] = {"totalSize": answer.total, "done": answer.total <= child_page}
    if answer.total > child_page:
        shown_list["nextRecordsUrl"] = more(answer, child_page)
    return {**shown_list, "records": records}


def shown(value: Any, shape: Shape) -> Any:
    """A value of SQL as JSON has it."""
    if shape.kind == "boolean":
        return bool(value)
    if value is None:
        return None
    match shape.kind:
        case "number":
            return number(value, shape)
        case "instant":
            return f"{value[:-1]}+0000" if value.endswith("Z") else value
        case "json":
            return orjson.loads(value)
        case _:
            return value


WHOLE_TYPES = ("int", "number", "")
EXACT = 10**15
"""Below it a binary fraction shows all digits of a scaled number."""


def number(value: int | float, shape: Shape) -> int | float | Decimal:
    """A scaled number in its natural size: whole where the type is whole, else a decimal fraction exact to the last digit."""
    if (
        type(value) is int
        and -EXACT < value < EXACT
        and shape.column is not None
        and shape.column.type not in WHOLE_TYPES
    ):
        return float(value / 10**shape.places)
    exact = unscaled(value, shape.places)
    if (shape.column is None or shape.column.type in WHOLE_TYPES) and exact == exact.to_integral_value():
        return int(exact)
    near = float(exact)
    return near if Decimal(repr(near)) == exact or isinstance(value, float) else exact


class Engine:
    """Answers SOQL over a catalog of views in a store. schema: that all of them read, where it is one."""

    def __init__(self, store: Store, catalog: Catalog, schema: str | None = None) -> None:
        self.store = store
        self.schema = schema
        self.catalog = catalog
        self.compiler = Compiler(catalog, ignore_case=True)
        self._kept: dict[tuple[str, Today, bool, bool], Prepared | None] = {}

    def answer(self, text: str, today: Today, *, deleted: bool = False, bulk: bool = False) -> Answer:
        """Answer a query. deleted: records in the bin count; bulk: what the Bulk API cannot is refused. Raises SoqlError."""
        prepared = self._known(text, today, deleted, bulk)
        if prepared is not None:
            return self._answered(prepared, AN_ID.findall(text))
        return self.run(self._plan(text, today, deleted, bulk))

    def _plan(self, text: str, today: Today, deleted: bool, bulk: bool) -> Plan:
        statement = parsed(text)
        plan = Planner(text, self.catalog, today, deleted or statement.all_rows).plan(statement)
        if bulk and (plan.inner or plan.offset or plan.kinds or any(each.group for each in plan.select)):
            raise SoqlError(
                "FEATURENOTENABLED",
                "The query uses what the Bulk API does not offer: GROUP BY, OFFSET, TYPEOF or subqueries.",
            )
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

    def _known(self, text: str, today: Today, deleted: bool, bulk: bool) -> Prepared | None:
        """A query that was asked before, with other ids in it; None where there is more to it, or its ids are in an inner query."""
        marks: list[str] = []

        def marked(found: re.Match[str]) -> str:
            marks.append(MARK.format(len(marks)))
            return f"'{marks[-1]}'"

        if "'" in AN_ID.sub("", text):
            return None
        place = (AN_ID.sub(marked, text), today, deleted, bulk)
        if place not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[place] = self._translated(place, marks)
        return self._kept[place]

    def _translated(self, place: tuple[str, Today, bool, bool], marks: Sequence[str]) -> Prepared | None:
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
        return Answer(plan, rows, shapes, self)

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
        return {parent: Answer(plan, rows, answer.shapes, self) for parent, rows in cut.items() if rows}

    def _of_parents(self, way: Children, plan: Plan, ids: Sequence[str]) -> Prepared:
        query = plan.select[0]
        mine = Among(Field(way.by, "r"), tuple(Literal(each, "id") for each in ids))
        where: Value = mine if query.where is None else Both((mine, query.where))
        return self._prepared(replace(plan, select=[replace(query, where=where, limit=None, offset=0)]))


class Planner:
    """Turns syntax trees into plans."""

    def __init__(self, text: str, catalog: Catalog, today: Today, deleted: bool) -> None:
        self.text = text
        self.catalog = catalog
        self.today = today
        self.deleted = deleted

    def plan(self, statement: Statement, way: Children | None = None) -> Plan:
        """The plan of a query; of an inner one where `way` leads to it. Raises SoqlError."""
        return _Planning(self, statement, way).plan()

    def view(self, statement: Statement) -> View:
        """The object that a query is about."""
        found = self.catalog.find(str(statement.object))
        if found is None:
            sentence = (
                f"sObject type '{statement.object}' is not supported. If you are attempting to use a custom object, be sure to append"
                " the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
            )
            raise SoqlError("INVALID_TYPE", pointed(self.text, place_of(statement.object), sentence))
        return found


class _Planning:
    """One query on its way to a plan."""

    def __init__(self, planner: Planner, statement: Statement, way: Children | None) -> None:
        self.planner = planner
        self.statement = statement
        self.way = way
        view = planner.view(statement) if way is None else planner.catalog.find(way.view)
        assert view is not None
        self.names = Names(planner.text, planner.catalog, statement, view)
        self.view = view
        self.conditions = Conditions(planner.text, planner.today, self.typed, self.semi_join)
        self.items: list[Item] = []
        self.made = Plan(view, [])
        self.aggregated = 0

    def plan(self) -> Plan:
        statement, made = self.statement, self.made
        self._check_bounds()
        made.limit, made.offset = statement.limit, statement.offset
        made.grouped = bool(statement.group) or any(
            isinstance(each, Picked) and self._is_aggregate(each.expression) for each in statement.items
        )
        made.count_only = self._counts_only()
        if made.count_only:
            return self._count()
        if not made.grouped:
            made.id_at = self._item(Field(self.view.key, "r"))
        for each in statement.items:
            self._pick(each)
        where = None if statement.where is None else self.conditions.tree(statement.where)
        having = None if statement.having is None else self.conditions.tree(statement.having)
        groups = self._groupings()
        order = [self._sorted(each) for each in statement.order]
        if not made.grouped and order:
            order.append(Order(Field(self.view.key, "r")))
        self._finish_parents()
        if self.way is not None:
            self._item(Field(self.way.by, "r"))
        for group in groups:
            items = tuple(self.items) if len(groups) == 1 else tuple(self._without(group))
            made.select.append(
                Select(items, tuple(self.names.sources), where, group, having, tuple(order), statement.limit, statement.offset,
                       deleted=self.planner.deleted)
            )  # fmt: skip
        return made

    def semi_join(self, statement: Statement) -> Select | Union:
        """An inner query of a condition: one column, nulls left out."""
        inner = _Planning(self.planner, statement, None)
        if len(statement.items) != 1 or not isinstance(statement.items[0], Picked):
            raise self.names.error("MALFORMED_QUERY", statement.place, "A semi join sub-select has exactly one field.")
        expression = statement.items[0].expression
        if isinstance(expression, Function):
            raise self.names.error("MALFORMED_QUERY", expression.place, "A semi join sub-select has a plain field.")
        meant = inner.names.meant(expression)
        where = None if statement.where is None else inner.conditions.tree(statement.where)
        there: Value = Not(IsNull(meant.value))
        return Select(
            (Item("id", meant.value),), tuple(inner.names.sources), there if where is None else Both((there, where)),
            limit=statement.limit, deleted=self.planner.deleted,
        )  # fmt: skip

    # items

    def _item(self, value: Value) -> int:
        self.items.append(Item(f"i{len(self.items)}", value))
        return len(self.items) - 1

    def _pick(self, each: Picked | TypeOf | Statement) -> None:
        if isinstance(each, Statement):
            self._pick_children(each)
        elif isinstance(each, TypeOf):
            self._pick_kinds(each)
        elif isinstance(each.expression, Path):
            self._pick_path(each.expression, each.alias)
        elif each.expression.name.lower() == "fields":
            self._pick_all(each.expression)
        else:
            self._pick_function(each.expression, each.alias)

    def _pick_path(self, path: Path, alias: str | None) -> None:
        meant = self.names.meant(path)
        if self.made.grouped:
            if not any(isinstance(group, Path) and self.names.meant(group) == meant for group in self._group_paths()):
                sentence = f"Field must be grouped or aggregated: {'.'.join(path.steps)}"
                raise self.names.error("MALFORMED_QUERY", path.place, sentence)
            shown_path: tuple[str, ...] = (alias or meant.column.name,)
        else:
            if alias is not None:
                raise self.names.error("MALFORMED_QUERY", path.place, "only aggregate expressions use field aliasing")
            shown_path = meant.shown
            self._check_twice(path, shown_path)
        self._cell(shown_path, meant.value, meant.column)

    def _check_twice(self, path: Path, shown_path: tuple[str, ...]) -> None:
        if any(cell.path == shown_path for cell in self.made.cells):
            raise self.names.error("MALFORMED_QUERY", path.place, f"duplicate field selected: {'.'.join(path.steps)}")

    def _cell(self, path: tuple[str, ...], value: Value, column: Column | None, *, as_text: bool = False) -> None:
        self.made.cells.append(Cell(path, self._item(value), column, as_text))
        self.made.order.append(path[0])

    def _pick_all(self, function: Function) -> None:
        which = (
            function.arguments[0].steps[0].upper()
            if function.arguments and isinstance(function.arguments[0], Path)
            else ""
        )
        if which not in ("ALL", "STANDARD", "CUSTOM"):
            raise self.names.error("MALFORMED_QUERY", function.place, f"unexpected token: '{which}'")
        limit = self.statement.limit
        if which != "STANDARD" and (limit is None or limit > MOST_FIELDS_ROWS):
            sentence = f"The SOQL FIELDS function must have a LIMIT of at most {MOST_FIELDS_ROWS}"
            raise self.names.error("MALFORMED_QUERY", function.place, sentence)
        for column in self.view.columns:
            wanted = which == "ALL" or column.name.endswith("__c") == (which == "CUSTOM")
            if wanted and not any(cell.path == (column.name,) for cell in self.made.cells):
                self._cell((column.name,), Field(column.name, "r"), column)

    def _pick_function(self, function: Function, alias: str | None) -> None:
        name = function.name.lower()
        value, column = self.typed(function)
        if name in AGGREGATES or name in DATE_FUNCTIONS or self.made.grouped:
            if alias is None:
                alias, self.aggregated = f"expr{self.aggregated}", self.aggregated + 1
            self._cell((alias,), value, column)
            return
        path = function.arguments[0]
        assert isinstance(path, Path)
        shown_path = (alias,) if alias else self.names.meant(path).shown
        self._cell(shown_path, value, column, as_text=name == "format")

    def _pick_children(self, statement: Statement) -> None:
        if self.way is not None or self.made.grouped:
            raise self.names.error(
                "MALFORMED_QUERY", statement.place, "Nesting of semi join sub-selects is not supported"
            )
        way = self.view.by_child.get(str(statement.object).lower())
        if way is None:
            sentence = f"Didn't understand relationship '{statement.object}' in FROM part of query call." + HINT.format(
                what="relationship", tail="__r"
            )
            raise self.names.error("INVALID_TYPE", place_of(statement.object), sentence)
        self.made.inner.append((way, self.planner.plan(statement, way)))
        self.made.order.append(way.name)

    def _pick_kinds(self, each: TypeOf) -> None:
        relation = self.view.by_relation.get(each.path.steps[-1].lower())
        if relation is None or len(relation.refers) < 2:
            sentence = f"TYPEOF needs a polymorphic relationship, not '{each.path.steps[-1]}'"
            raise self.names.error("MALFORMED_QUERY", each.path.place, sentence)
        asked = {str(name).lower(): paths for name, paths in each.branches}
        unknown = [
            name for name, _ in each.branches if str(name).lower() not in {one.lower() for one in relation.refers}
        ]
        if unknown:
            raise self.names.error(
                "INVALID_TYPE", place_of(unknown[0]), f"sObject type '{unknown[0]}' is not supported."
            )
        kinds = []
        root = self.names.joins[()]
        for name in relation.refers:
            paths = asked.get(name.lower(), each.otherwise)
            joined = self.names.follow(root, relation, name, name)
            cells = []
            for path in paths:
                column = joined.view.by_name.get(path.steps[-1].lower())
                if column is None and name.lower() in asked:
                    raise self.names.no_column(path.place, path.steps[-1], joined.view)
                if column is not None:
                    cells.append(Cell((column.name,), self._item(Field(column.name, joined.alias)), column))
            at = self._item(Field(joined.view.key, joined.alias))
            kinds.append((Parent((relation.relation,), ((at, joined.view),)), tuple(cells)))
        self.made.kinds.append(Kinds(relation.relation, tuple(kinds)))
        self.made.order.append(relation.relation)

    def _finish_parents(self) -> None:
        """Every related record that is shown carries its id, so that one that is not there can be told from one without values."""
        if self.made.grouped:
            return
        ways = {cell.path[:depth] for cell in self.made.cells for depth in range(1, len(cell.path))}
        for way in sorted(ways, key=len):
            joins = [joined for joined in self.names.joins.values() if joined.way == way]
            kinds = tuple((self._item(Field(each.view.key, each.alias)), each.view) for each in joins)
            self.made.parents.append(Parent(way, kinds))

    # expressions

    def _is_aggregate(self, expression: Path | Function) -> bool:
        return isinstance(expression, Function) and expression.name.lower() in AGGREGATES

    def typed(self, expression: Path | Function) -> tuple[Value, Column]:
        """What an expression means, and the column whose type it has; raises SoqlError."""
        if isinstance(expression, Path):
            alias = self._aliased(expression)
            if alias is not None:
                return self.typed(alias)
            meant: Meant = self.names.meant(expression)
            return meant.value, meant.column
        name = expression.name.lower()
        if name in AGGREGATES:
            return self._aggregate(name, expression)
        if len(expression.arguments) != 1:
            raise self.names.error("MALFORMED_QUERY", expression.place, f"unexpected token: '{expression.name}'")
        value, column = self.typed(expression.arguments[0])
        if name in ("tolabel", "format", "convertcurrency", "converttimezone"):
            return value, column
        if name in DATE_FUNCTIONS:
            if column.kind not in ("date", "instant"):
                sentence = f"field {column.name} does not support function {expression.name}"
                raise self.names.error("INVALID_FIELD", expression.place, sentence)
            whole = replace(WHOLE, kind="date", type="date") if name == "day_only" else WHOLE
            return Call(SAME_AS.get(name, name), (value,)), whole
        raise self.names.error("MALFORMED_QUERY", expression.place, f"unexpected token: '{expression.name}'")

    def _aliased(self, path: Path) -> Function | None:
        """The aggregate that a name stands for, where it is an alias of one."""
        if len(path.steps) != 1 or path.steps[0].lower() in self.view.by_name:
            return None
        for each in self.statement.items:
            if isinstance(each, Picked) and each.alias and each.alias.lower() == path.steps[0].lower():
                return each.expression if isinstance(each.expression, Function) else None
        return None

    def _aggregate(self, name: str, function: Function) -> tuple[Value, Column]:
        if not function.arguments:
            if name != "count":
                raise self.names.error("MALFORMED_QUERY", function.place, "unexpected token: ')'")
            return Aggregate("count"), COUNT
        value, column = self.typed(function.arguments[0])
        if (name in ("sum", "avg") and column.kind != "number") or column.kind == "json":
            sentence = f"field {column.name} does not support aggregate operator {function.name.upper()}"
            raise self.names.error("INVALID_FIELD", function.place, sentence)
        if name.startswith("count"):
            return Aggregate("count", value, name == "count_distinct"), COUNT
        return Aggregate(AGGREGATES[name], value), replace(column, type="double") if name == "avg" else column

    def _sorted(self, each: Any) -> Order:
        value, column = self.typed(each.expression)
        if column.kind == "json":
            raise SoqlError("MALFORMED_QUERY", f"field '{column.name}' can not be sorted in a query call")
        return Order(value, each.descending, each.nulls_first)

    # groups

    def _group_paths(self) -> Iterable[Path | Function]:
        for each in self.statement.group:
            if isinstance(each, Function) and each.name.lower() in ("rollup", "cube"):
                yield from each.arguments
            else:
                yield each

    def _groupings(self) -> list[tuple[Value, ...]]:
        """What rows are grouped by: one list, or with ROLLUP and CUBE one for every level."""
        group = self.statement.group
        special = group[0] if len(group) == 1 and isinstance(group[0], Function) else None
        if special is None or special.name.lower() not in ("rollup", "cube"):
            return [tuple(self.typed(each)[0] for each in group)]
        values = [self.typed(each)[0] for each in special.arguments]
        if special.name.lower() == "rollup":
            return [tuple(values[:count]) for count in range(len(values), -1, -1)]
        masks = range(2 ** len(values) - 1, -1, -1)
        return [tuple(each for bit, each in enumerate(values) if mask >> bit & 1) for mask in masks]

    def _without(self, group: tuple[Value, ...]) -> Iterable[Item]:
        """The items of one level of a ROLLUP: what it does not group by is null."""
        every = {self.typed(each)[0] for each in self._group_paths()}
        for item in self.items:
            away = item.value in every and item.value not in group
            yield Item(item.name, Literal(None, "null")) if away else item

    # COUNT()

    def _counts_only(self) -> bool:
        items = self.statement.items
        if self.statement.group or len(items) != 1 or not isinstance(items[0], Picked):
            return False
        expression = items[0].expression
        return (
            isinstance(expression, Function)
            and expression.name.lower() == "count"
            and not expression.arguments
            and items[0].alias is None
        )

    def _count(self) -> Plan:
        where = None if self.statement.where is None else self.conditions.tree(self.statement.where)
        inner = Select(
            (Item("id", Field(self.view.key, "r")),), tuple(self.names.sources), where, limit=self.statement.limit,
            offset=self.statement.offset, deleted=self.planner.deleted,
        )  # fmt: skip
        bounded = self.statement.limit is not None or bool(self.statement.offset)
        sources = (Source("n", inner),) if bounded else inner.sources
        counted = Select(
            (Item("count", Aggregate("count")),), sources, None if bounded else where, deleted=self.planner.deleted
        )
        self.made.select.append(counted)
        return self.made

    def _check_bounds(self) -> None:
        if self.statement.offset > MOST_OFFSET:
            raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MOST_OFFSET}")


def value_of(each: Any) -> Any:
    """What orjson cannot write by itself: decimals with more digits than a float has."""
    if isinstance(each, Decimal):
        return orjson.Fragment(str(each))
    raise TypeError(type(each).__name__)


__all__ = ["Answer", "Engine", "Plan", "SoqlError", "Today", "value_of"]
