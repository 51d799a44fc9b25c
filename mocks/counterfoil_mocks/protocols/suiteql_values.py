"""Values in SuiteQL: what each of sqlglot's nodes within a query means, and what NetSuite says where it means nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp

from counterfoil_mocks.protocols.query import (
    Aggregate,
    Among,
    Both,
    Call,
    Case,
    Compare,
    Either,
    Exists,
    Field,
    IsNull,
    Like,
    Literal,
    Not,
    Query,
    Scalar,
    Value,
)

Node = Any
"""A node of sqlglot's tree; what its classes inherit from differs between releases."""
COMPARISONS: Mapping[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
ARITHMETIC: Mapping[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.DPipe: "||",
}
AGGREGATES: Mapping[type[exp.Expression], str] = {exp.Sum: "sum", exp.Avg: "avg", exp.Min: "min", exp.Max: "max"}
NAMED: Mapping[type[exp.Expression], tuple[str, tuple[str, ...]]] = {
    exp.Upper: ("upper", ("this",)),
    exp.Lower: ("lower", ("this",)),
    exp.Trim: ("trim", ("this",)),
    exp.Abs: ("abs", ("this",)),
    exp.Length: ("length", ("this",)),
    exp.Round: ("round", ("this", "decimals")),
    exp.Trunc: ("trunc", ("this", "decimals")),
    exp.DateTrunc: ("trunc", ("this", "unit")),
    exp.TimestampTrunc: ("trunc", ("this", "unit")),
    exp.Substring: ("substr", ("this", "start", "length")),
    exp.Nullif: ("nullif", ("this", "expression")),
    exp.ToChar: ("to_char", ("this", "format")),
    exp.TimeToStr: ("to_char", ("this", "format")),
    exp.StrToDate: ("to_date", ("this", "format")),
    exp.StrToTime: ("to_date", ("this", "format")),
    exp.TsOrDsToDate: ("to_date", ("this",)),
    exp.ToNumber: ("to_number", ("this",)),
    exp.AddMonths: ("add_months", ("this", "expression")),
    exp.StrPosition: ("instr", ("this", "substr")),
    exp.Replace: ("replace", ("this", "expression", "replacement")),
    exp.Neg: ("negative", ("this",)),
    exp.Mod: ("mod", ("this", "expression")),
    exp.Floor: ("floor", ("this",)),
    exp.Ceil: ("ceil", ("this",)),
    exp.LastDay: ("last_day", ("this",)),
    exp.Nvl2: ("nvl2", ("this", "true", "false")),
}
EXTRACTED = {"YEAR": "calendar_year", "MONTH": "calendar_month", "DAY": "day_in_month"}
"""What may be taken out of a date."""
PLACE = "parameter_"
"""Begins the names that parameters are given, before their numbers."""
BY_NAME = ("nvl", "decode", "instr", "to_number", "to_char", "to_date", "trunc", "add_months", "replace", "substr")
"""Functions that sqlglot does not know, or not by these arguments."""


class SuiteQlError(Exception):
    """A query that NetSuite refuses; its text is the detail of the error."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Invalid search query. Detailed unprocessed description follows. Search error occurred: {reason}"
        )


class Values:
    """Turns nodes within one query into values. params: what its `?` stand for, which are named by their places; now: says what SYSDATE
    is, where it is asked; query: reads a query that stands within a value."""

    def __init__(self, params: Sequence[Any], now: Callable[[], str], query: Callable[[Node], Query]) -> None:
        self.params = params
        self.now = now
        self.query = query

    def of(self, node: Node) -> Value:
        """What an expression means; raises SuiteQlError."""
        for kinds, read in READERS:
            if isinstance(node, kinds):
                return read(self, node)
        raise SuiteQlError(f"{node.key.upper()} is not supported.")

    def each(self, nodes: Sequence[Node]) -> tuple[Value, ...]:
        """Several expressions; those that are not there are left out."""
        return tuple(self.of(each) for each in nodes if each is not None)

    def column(self, node: Node) -> Value:
        if is_rownum(node):
            return Call("rownum", ())
        if node.name.upper() == "SYSDATE":
            return Literal(self.now(), "instant")
        return Field(node.name, node.text("table"))

    def literal(self, node: Node) -> Value:
        if node.args.get("is_string"):
            return Literal(str(node.this), "text")
        try:
            return Literal(Decimal(str(node.this)), "number")
        except InvalidOperation:
            raise SuiteQlError(f"{node.this} is not a number.") from None

    def placeholder(self, node: Node) -> Value:
        name = str(node.this or "")
        if not name.startswith(PLACE):
            raise SuiteQlError(f"Parameters are written as ?, not as :{name}.")
        value = self.params[int(name.removeprefix(PLACE))]
        if value is None or isinstance(value, bool):
            return Literal(value, "null" if value is None else "boolean")
        if isinstance(value, (int, float)):
            return Literal(Decimal(str(value)), "number")
        return Literal(str(value), "text")

    def dotted(self, node: Node) -> Value:
        """`BUILTIN.DF(column)`: what people see of a reference."""
        call = node.expression
        if node.this.name.upper() != "BUILTIN" or not isinstance(call, exp.Anonymous):
            raise SuiteQlError(f"{node.sql()} is not supported.")
        if call.name.upper() not in ("DF", "CURRENCY", "CURRENCY_CONVERT") or len(call.expressions) < 1:
            raise SuiteQlError(f"Function BUILTIN.{call.name} was not found.")
        inner = self.of(call.expressions[0])
        if call.name.upper() != "DF":
            return inner
        return replace(inner, label=True) if isinstance(inner, Field) else inner

    def called(self, node: Node) -> Value:
        name = node.name.lower()
        if name not in BY_NAME:
            raise SuiteQlError(f"Function {node.name} was not found.")
        return Call(name, self.each(node.expressions))

    def known(self, node: Node) -> Value:
        name, arguments = NAMED[type(node)]
        return Call(name, self.each([node.args.get(each) for each in arguments]))

    def count(self, node: Node) -> Value:
        inner = node.this
        if inner is None or isinstance(inner, exp.Star):
            return Aggregate("count")
        return self._over("count", inner)

    def aggregate(self, node: Node) -> Value:
        return self._over(AGGREGATES[type(node)], node.this)

    def _over(self, name: str, inner: Node) -> Value:
        if isinstance(inner, exp.Distinct):
            return Aggregate(name, self.of(inner.expressions[0]), True)
        return Aggregate(name, self.of(inner))

    def case(self, node: Node) -> Value:
        subject = node.args.get("this")
        branches = []
        for each in node.args["ifs"]:
            when = self.of(each.this)
            branches.append(
                (when if subject is None else Compare("=", self.of(subject), when), self.of(each.args["true"]))
            )
        default = node.args.get("default")
        return Case(tuple(branches), None if default is None else self.of(default))

    def among(self, node: Node) -> Value:
        query = node.args.get("query")
        if query is not None:
            return Among(self.of(node.this), self.query(query))
        return Among(self.of(node.this), self.each(node.expressions))

    def between(self, node: Node) -> Value:
        value = self.of(node.this)
        low, high = self.of(node.args["low"]), self.of(node.args["high"])
        return Both((Compare(">=", value, low), Compare("<=", value, high)))

    def like(self, node: Node) -> Value:
        return Like(self.of(node.this), self._pattern(node.expression, None))

    def escaped(self, node: Node) -> Value:
        inner = node.this
        if not isinstance(inner, exp.Like):
            raise SuiteQlError("ESCAPE belongs to LIKE.")
        return Like(self.of(inner.this), self._pattern(inner.expression, str(node.expression.this)))

    def _pattern(self, node: Node, escape: str | None) -> Value:
        """A pattern; our own escape is a backslash, Oracle has none unless it is named."""
        value = self.of(node)
        if escape is not None and len(escape) != 1:
            raise SuiteQlError("ESCAPE is followed by one character.")
        if isinstance(value, Literal) and isinstance(value.value, Decimal):
            value = Literal(f"{value.value:f}", "text")
        if not isinstance(value, Literal) or not isinstance(value.value, str):
            return value
        text = value.value if escape == "\\" else value.value.replace("\\", "\\\\")
        return Literal(text if escape in (None, "\\") else text.replace(str(escape), "\\"), "text")

    def comparison(self, node: Node) -> Value:
        return Compare(COMPARISONS[type(node)], self.of(node.this), self.of(node.expression))

    def is_null(self, node: Node) -> Value:
        return IsNull(self.of(node.this))

    def arithmetic(self, node: Node) -> Value:
        return Call(ARITHMETIC[type(node)], (self.of(node.this), self.of(node.expression)))

    def extract(self, node: Node) -> Value:
        part = EXTRACTED.get(node.name.upper())
        if part is None:
            raise SuiteQlError(f"EXTRACT of {node.name} is not supported; use YEAR, MONTH or DAY.")
        return Call(part, (self.of(node.expression),))

    def coalesce(self, node: Node) -> Value:
        return Call("coalesce", self.each([node.this, *node.expressions]))

    def cast_to(self, node: Node) -> Value:
        kind = node.args["to"].this.name.upper()
        inner = self.of(node.this)
        if "CHAR" in kind or kind == "TEXT":
            return Call("to_char", (inner,))
        if kind in ("DATE", "TIMESTAMP", "DATETIME"):
            return Call("trunc", (inner,)) if not isinstance(inner, Literal) else Call("to_date", (inner,))
        return Call("to_number", (inner,))


def is_rownum(node: Node) -> bool:
    """Whether a node is ROWNUM, which counts rows as they come."""
    return isinstance(node, exp.Pseudocolumn) or (
        isinstance(node, exp.Column) and not node.table and node.name.upper() == "ROWNUM"
    )


Read = Callable[[Values, Node], Value]
READERS: tuple[tuple[type[exp.Expression] | tuple[type[exp.Expression], ...], Read], ...] = (
    (exp.Paren, lambda values, node: values.of(node.this)),
    ((exp.Column, exp.Pseudocolumn), Values.column),
    (exp.Literal, Values.literal),
    (exp.Null, lambda values, node: Literal(None, "null")),
    (exp.Boolean, lambda values, node: Literal(bool(node.this), "boolean")),
    (exp.Placeholder, Values.placeholder),
    (exp.Dot, Values.dotted),
    (exp.And, lambda values, node: Both(values.each(list(node.flatten())))),
    (exp.Or, lambda values, node: Either(values.each(list(node.flatten())))),
    (exp.Not, lambda values, node: Not(values.of(node.this))),
    (exp.Exists, lambda values, node: Exists(values.query(node.this))),
    (exp.Is, Values.is_null),
    (exp.In, Values.among),
    (exp.Between, Values.between),
    (exp.Escape, Values.escaped),
    (exp.Like, Values.like),
    (tuple(COMPARISONS), Values.comparison),
    (tuple(ARITHMETIC), Values.arithmetic),
    (exp.Extract, Values.extract),
    (exp.Coalesce, Values.coalesce),
    (exp.Greatest, lambda values, node: Call("greatest", values.each([node.this, *node.expressions]))),
    (exp.Least, lambda values, node: Call("least", values.each([node.this, *node.expressions]))),
    (exp.Concat, lambda values, node: Call("||", values.each(node.expressions))),
    (exp.Count, Values.count),
    (tuple(AGGREGATES), Values.aggregate),
    (exp.Case, Values.case),
    (exp.DecodeCase, lambda values, node: Call("decode", values.each(node.expressions))),
    (exp.Cast, Values.cast_to),
    ((exp.CurrentTimestamp, exp.CurrentDate), lambda values, node: Literal(values.now(), "instant")),
    ((exp.Subquery, exp.Select), lambda values, node: Scalar(values.query(node))),
    (tuple(NAMED), Values.known),
    (exp.Anonymous, Values.called),
)
"""What each kind of node means; the first that fits."""
