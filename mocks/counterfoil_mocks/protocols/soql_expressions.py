"""Expressions in SOQL: what fields, functions and aggregates mean of a row and of a group of rows, and what rows are grouped by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from counterfoil_mocks.protocols.query import Aggregate, Call, Item, Literal, Order, Value
from counterfoil_mocks.protocols.relation import Column, View, constant
from counterfoil_mocks.protocols.soql_conditions import filterable
from counterfoil_mocks.protocols.soql_grammar import Function, Path, Picked, SoqlError, Statement
from counterfoil_mocks.protocols.soql_names import Meant, Names

LEVELS = ("rollup", "cube")
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


class Expressions:
    """Those of one query. grouped: whether its rows are groups."""

    def __init__(self, names: Names, statement: Statement, view: View) -> None:
        self.names = names
        self.statement = statement
        self.view = view
        self.grouped = bool(statement.group) or any(
            isinstance(each, Picked) and _is_aggregate(each.expression) for each in statement.items
        )

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
        if name == "grouping":
            return self._grouping(expression)
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

    def of_row(self, expression: Path | Function) -> tuple[Value, Column]:
        """What an expression means of one row; raises SoqlError."""
        value, column = self.typed(expression)
        if isinstance(value, Aggregate):
            raise self.names.error("MALFORMED_QUERY", expression.place, "unexpected token: '('")
        return value, column

    def of_group(self, expression: Path | Function, what: str = "Field") -> tuple[Value, Column]:
        """What an expression means of a group of rows; raises SoqlError. what: it is, in the refusal."""
        value, column = self.typed(expression)
        grouped = (self.typed(each)[0] for each in self.paths())
        if not isinstance(value, Aggregate) and value not in grouped:
            name = ".".join(expression.steps) if isinstance(expression, Path) else expression.name
            sentence = f"{what} must be grouped or aggregated: {name}"
            raise self.names.error("MALFORMED_QUERY", expression.place, sentence)
        return value, column

    def _grouping(self, function: Function) -> tuple[Value, Column]:
        """Whether a row of ROLLUP or CUBE is a sum over a field: 1, else 0."""
        values = [self.typed(each)[0] for each in function.arguments]
        levels = any(isinstance(each, Function) and each.name.lower() in LEVELS for each in self.statement.group)
        if len(values) != 1 or not levels or values[0] not in [self.typed(each)[0] for each in self.paths()]:
            sentence = "GROUPING takes one field of GROUP BY ROLLUP or CUBE"
            raise self.names.error("MALFORMED_QUERY", function.place, sentence)
        return Call("grouping", (values[0],)), WHOLE

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
        if (name in ("sum", "avg") and column.kind != "number") or not filterable(column):
            sentence = f"field {column.name} does not support aggregate operator {function.name.upper()}"
            raise self.names.error("INVALID_FIELD", function.place, sentence)
        if name.startswith("count"):
            return Aggregate("count", value, name == "count_distinct"), COUNT
        return Aggregate(AGGREGATES[name], value), replace(column, type="double") if name == "avg" else column

    def order(self, each: Any) -> Order:
        """What rows are sorted by; raises SoqlError."""
        expression = each.expression
        value, column = self.of_group(expression, "Ordered field") if self.grouped else self.of_row(expression)
        if not filterable(column):
            raise SoqlError("MALFORMED_QUERY", f"field '{column.name}' can not be sorted in a query call")
        return Order(value, each.descending, each.nulls_first)

    # groups

    def paths(self) -> Iterable[Path | Function]:
        """What rows are grouped by, with ROLLUP and CUBE at their most."""
        for each in self.statement.group:
            if isinstance(each, Function) and each.name.lower() in LEVELS:
                yield from each.arguments
            else:
                yield each

    def groupings(self) -> list[tuple[Value, ...]]:
        """What rows are grouped by: one list, or with ROLLUP and CUBE one for every level."""
        group = self.statement.group
        special = group[0] if len(group) == 1 and isinstance(group[0], Function) else None
        if special is None or special.name.lower() not in LEVELS:
            return [tuple(self._grouped_by(each) for each in group)]
        values = [self._grouped_by(each) for each in special.arguments]
        if special.name.lower() == "rollup":
            return [tuple(values[:count]) for count in range(len(values), -1, -1)]
        masks = range(2 ** len(values) - 1, -1, -1)
        return [tuple(each for bit, each in enumerate(values) if mask >> bit & 1) for mask in masks]

    def _grouped_by(self, each: Path | Function) -> Value:
        value, column = self.of_row(each)
        if not filterable(column):
            sentence = f"field '{column.name}' can not be grouped in a query call"
            raise self.names.error("MALFORMED_QUERY", each.place, sentence)
        return value

    def without(self, items: Sequence[Item], group: tuple[Value, ...]) -> Iterable[Item]:
        """The items of one level of a ROLLUP: what it does not group by is null."""
        every = {self.typed(each)[0] for each in self.paths()}
        for item in items:
            away = item.value in every and item.value not in group
            if isinstance(item.value, Call) and item.value.name == "grouping":
                yield Item(item.name, Literal(Decimal(item.value.arguments[0] not in group), "number"))
            else:
                yield Item(item.name, Literal(None, "null")) if away else item


def _is_aggregate(expression: Path | Function) -> bool:
    return isinstance(expression, Function) and expression.name.lower() in AGGREGATES
