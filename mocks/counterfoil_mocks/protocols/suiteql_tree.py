"""SuiteQL as expression trees: sqlglot reads the text (Oracle's dialect), this says what its queries are, and refuses what NetSuite does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.transforms import eliminate_join_marks

from counterfoil_mocks.protocols.query import (
    Aggregate,
    Both,
    Field,
    Item,
    Literal,
    Order,
    Query,
    Select,
    Source,
    Union,
    Value,
)
from counterfoil_mocks.protocols.relation import Catalog
from counterfoil_mocks.protocols.suiteql_grouping import check_grouped
from counterfoil_mocks.protocols.suiteql_values import PLACE, Node, SuiteQlError, Values, is_rownum

LONGEST = 100_000
ORACLE = sqlglot.Dialect.get_or_raise("oracle")


def parsed(text: str, params: Sequence[Any], catalog: Catalog, now: Callable[[], str]) -> Query:
    """The expression tree of a query. params: values of its `?`; now: says what SYSDATE is, where it is asked. Raises SuiteQlError."""
    if len(text) > LONGEST:
        raise SuiteQlError("The query is too long.")
    try:
        text, places = numbered(text.rstrip().rstrip(";"))
        statements = sqlglot.parse(text, read="oracle")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise SuiteQlError(f"Invalid or unsupported search. {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or not isinstance(statements[0], (exp.Select, exp.SetOperation, exp.Subquery)):
        raise SuiteQlError("Only one SELECT is allowed.")
    if places != len(params):
        raise SuiteQlError(f"The query has {places} parameters; {len(params)} values are given.")
    return Reader(catalog, params, now).query(statements[0])


def numbered(text: str) -> tuple[str, int]:
    """A query whose `?` are named by their places, as they are not read in the order in which they stand; and how many they are."""
    marks = [each.start for each in ORACLE.tokenize(text) if each.token_type.name == "PLACEHOLDER"]
    for number, at in reversed(list(enumerate(marks))):
        text = f"{text[:at]} :{PLACE}{number} {text[at + 1 :]}"
    return text, len(marks)


class Reader:
    """Turns sqlglot's queries into ours."""

    def __init__(self, catalog: Catalog, params: Sequence[Any], now: Callable[[], str]) -> None:
        self.catalog = catalog
        self.values = Values(params, now, self.query)
        self._ctes: dict[str, Query] = {}

    def query(self, node: Node) -> Query:
        """A SELECT or several put together."""
        self._with(node)
        if isinstance(node, exp.Subquery):
            return self._bounded(node, self.query(node.this))
        if isinstance(node, exp.Select):
            return self._select(node)
        if not isinstance(node, exp.Union):
            raise SuiteQlError(f"{node.key.upper()} is not supported.")
        left, right = self.query(node.this), self.query(node.expression)
        union = Union((left, right), bool(node.args.get("distinct")))
        return self._bounded(node, replace(union, order=self._order(node, {})))

    def _with(self, node: Node) -> None:
        clause = node.args.get("with_") or node.args.get("with")
        for each in clause.expressions if clause else ():
            self._ctes[each.alias.lower()] = self.query(each.this)

    def _bounded(self, node: Node, query: Query) -> Query:
        limit, offset = self._limit(node), self._offset(node)
        if limit is None and not offset:
            return query
        if query.limit is None and not query.offset:
            return replace(query, limit=limit, offset=offset)
        return self._around(query, limit, offset)

    @staticmethod
    def _around(query: Query, limit: int | None, offset: int = 0) -> Select:
        names = [item.name for item in _items(query)]
        items = tuple(Item(name, Field(name, "q")) for name in names)
        return Select(items, (Source("q", query),), limit=limit, offset=offset)

    def _select(self, node: exp.Select) -> Query:
        self._only(node, ("kind", "hint", "distinct", "expressions", "limit", "offset", "from_", "from", "joins", "where", "group", "having",
                          "order", "with_", "with", "operation_modifiers"))  # fmt: skip
        if any(each.args.get("join_mark") for each in node.find_all(exp.Column)):
            node = self._marked(node)
        sources = self._sources(node)
        items = self._items(node, sources)
        if not items:
            raise SuiteQlError("There is nothing to select.")
        aliases = {item.name.lower(): item.value for item in items}
        where, rows = self._where(node)
        group = node.args.get("group")
        groups = tuple(self._by_position(each, items) for each in group.expressions) if group else ()
        having = node.args.get("having")
        select = Select(
            tuple(items),
            tuple(sources),
            where,
            groups,
            self.values.of(having.this) if having else None,
            self._order(node, aliases, items),
            self._limit(node),
            self._offset(node),
            node.args.get("distinct") is not None,
        )
        check_grouped(select, self.catalog)
        return select if rows is None else self._first(select, rows)

    @staticmethod
    def _marked(node: exp.Select) -> exp.Select:
        """Outer joins that are written as `a.x = b.y (+)`."""
        try:
            found = eliminate_join_marks(node.copy())
        except (AssertionError, AttributeError, KeyError, ValueError, sqlglot.errors.SqlglotError):
            raise SuiteQlError("This use of (+) is not supported; use LEFT JOIN.") from None
        if not isinstance(found, exp.Select):
            raise SuiteQlError("This use of (+) is not supported; use LEFT JOIN.")
        return found

    def _first(self, select: Select, rows: int) -> Query:
        """ROWNUM counts rows before they are sorted."""
        if select.group or select.having or any(isinstance(item.value, Aggregate) for item in select.items):
            raise SuiteQlError("ROWNUM together with GROUP BY is not supported; use a subquery.")
        if not select.order and select.limit is None:
            return replace(select, limit=rows)
        sorts = tuple(Item(f"order{at}", each.value) for at, each in enumerate(select.order))
        inner = replace(select, items=select.items + sorts, order=(), limit=rows, offset=0)
        order = tuple(replace(each, value=Field(f"order{at}", "q")) for at, each in enumerate(select.order))
        items = tuple(Item(item.name, Field(item.name, "q")) for item in select.items)
        return Select(items, (Source("q", inner),), order=order, limit=select.limit, offset=select.offset)

    @staticmethod
    def _only(node: Node, known: Sequence[str]) -> None:
        for name, value in node.args.items():
            if value and name not in known:
                raise SuiteQlError(f"{name.strip('_').upper()} is not supported.")

    def _sources(self, node: exp.Select) -> list[Source]:
        start = node.args.get("from_") or node.args.get("from")
        if start is None:
            return []
        found = [self._source(start.this)] if not _is_dual(start.this) else []
        for join in [*(start.this.args.get("joins") or ()), *(node.args.get("joins") or ())]:
            side, kind = str(join.side or "").upper(), str(join.kind or "").upper()
            if kind == "LEFT":  # of joins that were written with (+)
                side, kind = kind, ""
            if (
                side not in ("", "LEFT", "RIGHT")
                or kind not in ("", "INNER", "OUTER", "CROSS")
                or join.args.get("using")
            ):
                raise SuiteQlError(f"{side} {kind} JOIN is not supported.".replace("  ", " "))
            on = join.args.get("on")
            source = self._source(join.this)
            condition = None if on is None else self.values.of(on)
            if side == "RIGHT":
                if len(found) != 1:
                    raise SuiteQlError("RIGHT JOIN is supported between two tables only.")
                found = [source, replace(found[0], kind="left", on=condition)]
                continue
            if condition is None and (side or kind == "INNER"):
                raise SuiteQlError(f"The join with '{source.alias}' has no condition.")
            found.append(replace(source, kind="left" if side == "LEFT" else "inner", on=condition))
        names = [source.alias.lower() for source in found]
        twice = next((source.alias for source in found if names.count(source.alias.lower()) > 1), None)
        if twice is not None:
            raise SuiteQlError(f"The name '{twice}' stands for two records; give them different aliases.")
        return found

    def _source(self, node: Node) -> Source:
        if isinstance(node, exp.Subquery):
            return Source(node.alias_or_name or "q", self.query(node))
        if not isinstance(node, exp.Table) or node.args.get("db"):
            raise SuiteQlError(f"Record '{node.sql()}' was not found.")
        name = node.name
        known = self._ctes.get(name.lower())
        if known is None and self.catalog.find(name) is None:
            raise SuiteQlError(f"Record '{name}' was not found.")
        return Source(node.alias_or_name, known if known is not None else name)

    def _items(self, node: exp.Select, sources: Sequence[Source]) -> list[Item]:
        items: list[Item] = []
        for each in node.expressions:
            bare = each.unalias() if isinstance(each, exp.Alias) else each
            if isinstance(bare, exp.Star):
                items += [item for source in sources for item in self._all(source)]
            elif isinstance(bare, exp.Column) and isinstance(bare.this, exp.Star):
                wanted = [source for source in sources if source.alias.lower() == bare.table.lower()]
                if not wanted:
                    raise SuiteQlError(f"Record '{bare.table}' was not found.")
                items += self._all(wanted[0])
            else:
                name = each.alias or (bare.name if isinstance(bare, exp.Column) else f"expr{len(items) + 1}")
                items.append(Item(name, self.values.of(bare)))
        return items

    def _all(self, source: Source) -> list[Item]:
        if isinstance(source.view, str):
            view = self.catalog.find(source.view)
            assert view is not None
            names = [column.name for column in view.columns]
        else:
            names = [item.name for item in _items(source.view)]
        return [Item(name, Field(name, source.alias)) for name in names]

    def _where(self, node: exp.Select) -> tuple[Value | None, int | None]:
        """The condition, and how many rows ROWNUM lets through."""
        where = node.args.get("where")
        if where is None:
            return None, None
        parts, rows = [], None
        for each in where.this.flatten() if isinstance(where.this, exp.And) else (where.this,):
            most = self._rownum(each)
            if most is None:
                parts.append(self.values.of(each))
            else:
                rows = most if rows is None else min(rows, most)
        return (Both(tuple(parts)) if parts else None), rows

    def _rownum(self, node: Node) -> int | None:
        if not isinstance(node, (exp.LT, exp.LTE, exp.EQ)) or not is_rownum(node.this):
            return None
        value = self.values.of(node.expression)
        if not isinstance(value, Literal) or not isinstance(value.value, Decimal):
            raise SuiteQlError("ROWNUM is compared with a number.")
        most = int(value.value) - (1 if isinstance(node, exp.LT) else 0)
        return most if not isinstance(node, exp.EQ) or most == 1 else 0

    def _order(self, node: Node, aliases: Mapping[str, Value], items: Sequence[Item] = ()) -> tuple[Order, ...]:
        order = node.args.get("order")
        found = []
        for each in order.expressions if order else ():
            value = self._by_position(each.this, items, aliases)
            descending = bool(each.args.get("desc"))
            nulls_first = each.args.get("nulls_first")
            found.append(Order(value, descending, descending if nulls_first is None else bool(nulls_first)))
        return tuple(found)

    def _by_position(self, node: Node, items: Sequence[Item], aliases: Mapping[str, Value] | None = None) -> Value:
        """An expression, or the item that it names or counts."""
        if isinstance(node, exp.Literal) and not node.is_string and items:
            position = int(node.this)
            if not 1 <= position <= len(items):
                raise SuiteQlError(f"There is no column {position}.")
            return items[position - 1].value
        if isinstance(node, exp.Column) and not node.table and aliases and node.name.lower() in aliases:
            return aliases[node.name.lower()]
        return self.values.of(node)

    def _limit(self, node: Node) -> int | None:
        limit = node.args.get("limit")
        if limit is None:
            return None
        if not isinstance(limit, exp.Fetch):
            raise SuiteQlError("LIMIT is not supported; use FETCH FIRST n ROWS ONLY.")
        return self._whole(limit.args.get("count"), 1)

    def _offset(self, node: Node) -> int:
        offset = node.args.get("offset")
        return 0 if offset is None else self._whole(offset.expression, 0)

    def _whole(self, node: Node | None, default: int) -> int:
        if node is None:
            return default
        value = self.values.of(node)
        if not isinstance(value, Literal) or not isinstance(value.value, Decimal):
            raise SuiteQlError("A number of rows is expected.")
        return int(value.value)


def _items(query: Query) -> tuple[Item, ...]:
    return query.items if isinstance(query, Select) else _items(query.parts[0])


def _is_dual(node: Node) -> bool:
    return isinstance(node, exp.Table) and node.name.lower() == "dual"
