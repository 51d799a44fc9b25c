"""Plans queries: a syntax tree of SOQL becomes expression trees over a catalog, or is refused as Salesforce refuses it."""

from __future__ import annotations

from counterfoil_mocks.protocols.query import (
    Aggregate,
    Both,
    Compare,
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
from counterfoil_mocks.protocols.relation import Catalog, Children, Column, View
from counterfoil_mocks.protocols.soql_conditions import Conditions, Today, check_semi_joins
from counterfoil_mocks.protocols.soql_expressions import AGGREGATES, DATE_FUNCTIONS, Expressions
from counterfoil_mocks.protocols.soql_grammar import (
    Function,
    Path,
    Picked,
    SoqlError,
    Statement,
    TypeOf,
    place_of,
    pointed,
)
from counterfoil_mocks.protocols.soql_names import HINT, Meant, Names
from counterfoil_mocks.protocols.soql_plan import Cell, Kinds, Parent, Plan

MOST_OFFSET = 2000
CORPORATE = "USD"
"""The currency that convertCurrency converts to; all rates are 1."""
MOST_FIELDS_ROWS = 200


class Planner:
    """Turns syntax trees into plans."""

    def __init__(
        self, text: str, catalog: Catalog, today: Today, deleted: bool, user: str = "", *, search: bool = False
    ) -> None:
        self.text = text
        self.catalog = catalog
        self.today = today
        self.deleted = deleted
        self.user = user
        self.search = search

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
        self.expressions = Expressions(self.names, statement, view)
        self.conditions = Conditions(
            planner.text, planner.today, self.expressions.of_row, self.semi_join, planner.search
        )
        self.of_groups = Conditions(planner.text, planner.today, self.expressions.of_group, self.semi_join)
        self.items: list[Item] = []
        self.made = Plan(view, [])
        self.aggregated = 0

    def plan(self) -> Plan:
        statement, made = self.statement, self.made
        self._check_bounds()
        made.limit, made.offset = statement.limit, statement.offset
        made.grouped = self.expressions.grouped
        made.count_only = self._counts_only()
        if made.count_only:
            return self._count()
        if not made.grouped:
            made.id_at = self._item(Field(self.view.key, "r"))
        for each in statement.items:
            self._pick(each)
        where = self._where()
        groups = self.expressions.groupings()
        having = self._having(groups)
        order = [self.expressions.order(each) for each in statement.order]
        if not made.grouped and order:
            order.append(Order(Field(self.view.key, "r")))
        self._finish_parents()
        if self.way is not None:
            self._item(Field(self.way.by, "r"))
        for group in groups:
            items = tuple(self.items) if len(groups) == 1 else tuple(self.expressions.without(self.items, group))
            made.select.append(
                Select(items, tuple(self.names.sources), where, group, having, tuple(order), statement.limit, statement.offset,
                       deleted=self.planner.deleted)
            )  # fmt: skip
        return made

    def _where(self) -> Value | None:
        """The condition on rows."""
        where = self.statement.where
        found: list[Value] = []
        if where is not None:
            try:
                check_semi_joins(where)
            except ValueError as error:
                raise SoqlError("MALFORMED_QUERY", str(error)) from None
            found.append(self.conditions.tree(where))
        if self.statement.mine:
            if "ownerid" not in self.view.by_name:
                raise SoqlError("MALFORMED_QUERY", f"{self.view.name} does not support the scope 'mine'")
            found.append(Compare("=", Field("OwnerId", "r"), Literal(self.planner.user, "id")))
        return Both(tuple(found)) if len(found) > 1 else found[0] if found else None

    def _having(self, groups: list[tuple[Value, ...]]) -> Value | None:
        """The condition on groups."""
        if self.statement.having is None:
            return None
        if not any(groups):
            raise self.names.error("MALFORMED_QUERY", self.statement.place, "unexpected token: 'HAVING'")
        return self.of_groups.tree(self.statement.having)

    def semi_join(self, statement: Statement, looked_up: Path | Function) -> Select | Union:
        """An inner query of a condition: one column, nulls left out. looked_up: what is looked up in it."""
        inner = _Planning(self.planner, statement, None)
        if len(statement.items) != 1 or not isinstance(statement.items[0], Picked):
            raise self.names.error("MALFORMED_QUERY", statement.place, "A semi join sub-select has exactly one field.")
        expression = statement.items[0].expression
        if isinstance(expression, Function):
            raise self.names.error("MALFORMED_QUERY", expression.place, "A semi join sub-select has a plain field.")
        if statement.limit is not None or statement.order or statement.offset:
            raise self.names.error(
                "MALFORMED_QUERY", statement.place, "A semi join sub-select has no ORDER BY, LIMIT or OFFSET."
            )
        meant = inner.names.meant(expression)
        self._check_same(looked_up, expression, meant)
        where = inner._where()
        there: Value = Not(IsNull(meant.value))
        return Select(
            (Item("id", meant.value),), tuple(inner.names.sources), there if where is None else Both((there, where)),
            deleted=self.planner.deleted,
        )  # fmt: skip

    def _check_same(self, looked_up: Path | Function, selected: Path, meant: Meant) -> None:
        """A semi-join looks ids up among ids of the same objects."""
        outer = self.names.meant(looked_up) if isinstance(looked_up, Path) else None
        name = ".".join(looked_up.steps) if isinstance(looked_up, Path) else looked_up.name
        if outer is None or outer.column.kind != "id":
            sentence = f"The left operand field in the where expression for outer query should be an id field, cannot use: '{name}'"
            raise self.names.error("MALFORMED_QUERY", looked_up.place, sentence)
        if meant.column.kind != "id" or not _kinds(outer) & _kinds(meant):
            sentence = f"The selected field '{'.'.join(selected.steps)}' in the subquery and the left operand field in the where expression in the outer query '{name}' should point to the same object type"
            raise self.names.error("MALFORMED_QUERY", looked_up.place, sentence)

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
            if not any(
                isinstance(group, Path) and self.names.meant(group) == meant for group in self.expressions.paths()
            ):
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
            raise self.names.error("INVALID_FIELD", path.place, f"duplicate field selected: {'.'.join(path.steps)}")

    def _cell(
        self,
        path: tuple[str, ...],
        value: Value,
        column: Column | None,
        *,
        as_text: bool = False,
        ccy: Value | None = None,
    ) -> None:
        at = self._item(value)
        self.made.cells.append(Cell(path, at, column, as_text, None if ccy is None else self._item(ccy)))
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
            if wanted:
                self._check_twice(Path((column.name,), function.place), (column.name,))
                self._cell((column.name,), Field(column.name, "r"), column)

    def _pick_function(self, function: Function, alias: str | None) -> None:
        name = function.name.lower()
        value, column = self.expressions.typed(function)
        if name in AGGREGATES or name in DATE_FUNCTIONS or self.made.grouped:
            if alias is None:
                alias, self.aggregated = f"expr{self.aggregated}", self.aggregated + 1
            if any(cell.path == (alias,) for cell in self.made.cells):
                raise self.names.error("MALFORMED_QUERY", function.place, f"duplicate alias: {alias}")
            self._cell((alias,), value, column, as_text=name == "format")
            return
        path, converted = function.arguments[0], False
        while isinstance(path, Function):
            converted = converted or path.name.lower() == "convertcurrency"
            path = path.arguments[0]
        meant = self.names.meant(path)
        ccy: Value | None = None
        if name == "format" and column.type == "currency" and "currencyisocode" in meant.joined.view.by_name:
            ccy = Literal(CORPORATE, "text") if converted else Field("CurrencyIsoCode", meant.joined.alias)
        self._cell((alias,) if alias else meant.shown, value, column, as_text=name == "format", ccy=ccy)

    def _pick_children(self, statement: Statement) -> None:
        if self.way is not None or self.made.grouped:
            raise self.names.error(
                "MALFORMED_QUERY", statement.place, "Nesting of semi join sub-selects is not supported"
            )
        owner, _, relation = str(statement.object).rpartition(".")
        known = not owner or owner.lower() in self.names.aliases
        way = self.view.by_child.get(relation.lower()) if known else None
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
        where = self._where()
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


def _kinds(meant: Meant) -> set[str]:
    """The objects that a column's ids are of."""
    return set(meant.column.refers) or {meant.joined.view.name}
