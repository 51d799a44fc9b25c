"""The grammar of SOQL, and what a query says: a syntax tree with the place of every name, before anybody knows what the names mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

GRAMMAR = r"""
start: query
query: SELECT items FROM NAME alias scope where secured group having order limit offset purpose all_rows
alias: NAME?
items: item ("," item)*
?item: expression [NAME] -> item
     | "(" query ")" -> subquery
     | TYPEOF NAME when+ [otherwise] END -> typeof
when: WHEN NAME THEN names
otherwise: ELSE names
names: NAME ("," NAME)*
?expression: NAME -> path
     | NAME "(" [arguments] ")" -> function
arguments: expression ("," expression)*
scope: (USING SCOPE NAME)?
where: (WHERE condition)?
secured: (WITH NAME)?
having: (HAVING condition)?
group: (GROUP BY grouping ("," grouping)*)?
?grouping: expression
order: (ORDER BY sorting ("," sorting)*)?
sorting: expression [ASC | DESC] [NULLS (FIRST | LAST)]
limit: (LIMIT NUMBER)?
offset: (OFFSET NUMBER)?
purpose: (FOR NAME ("," NAME)*)?
all_rows: (ALL ROWS)?
?condition: term
     | term (AND term)+ -> both
     | term (OR term)+ -> either
?term: NOT term -> negation
     | "(" condition ")"
     | expression OPERATOR literal -> comparison
     | expression LIKE literal -> like
     | expression [NOT] IN "(" literals ")" -> among
     | expression [NOT] IN "(" query ")" -> semi_join
     | expression INCLUDES "(" literals ")" -> includes
     | expression EXCLUDES "(" literals ")" -> excludes
literals: literal ("," literal)*
literal: STRING | NUMBER | DATETIME | DATE | COUNTED | PRICED | NAME

SELECT.3: /SELECT\b/i
FROM.3: /FROM\b/i
TYPEOF.3: /TYPEOF\b/i
WHEN.3: /WHEN\b/i
THEN.3: /THEN\b/i
ELSE.3: /ELSE\b/i
END.3: /END\b/i
USING.3: /USING\b/i
SCOPE.3: /SCOPE\b/i
WHERE.3: /WHERE\b/i
WITH.3: /WITH\b/i
HAVING.3: /HAVING\b/i
GROUP.3: /GROUP\b/i
ORDER.3: /ORDER\b/i
BY.3: /BY\b/i
ASC.3: /ASC\b/i
DESC.3: /DESC\b/i
NULLS.3: /NULLS\b/i
FIRST.3: /FIRST\b/i
LAST.3: /LAST\b/i
LIMIT.3: /LIMIT\b/i
OFFSET.3: /OFFSET\b/i
FOR.3: /FOR\b/i
ALL.3: /ALL\b/i
ROWS.3: /ROWS\b/i
AND.3: /AND\b/i
OR.3: /OR\b/i
NOT.3: /NOT\b/i
IN.3: /IN\b/i
LIKE.3: /LIKE\b/i
INCLUDES.3: /INCLUDES\b/i
EXCLUDES.3: /EXCLUDES\b/i
OPERATOR: "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"
STRING: /'(?:[^'\\]|\\.)*'/s
DATETIME.5: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/i
DATE.4: /\d{4}-\d\d-\d\d/
NUMBER: /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
COUNTED.4: /[A-Za-z_]+:\d+/
PRICED.4: /[A-Za-z]{3}-?\d+(\.\d+)?(?![\w.])/
NAME: /[A-Za-z_]\w*(\.[A-Za-z_]\w*)*/
%ignore /\s+/
"""
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "N": "\n", "R": "\r", "T": "\t", "B": "\b", "F": "\f"}
ESCAPED = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
ESCAPABLE = frozenset((*ESCAPES, *"\"'\\_%"))
SCOPES = ("everything", "mine")
LONGEST = 100_000
DEEPEST = 200


class SoqlError(Exception):
    """A query that Salesforce refuses: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Place:
    """Where something stands in the text: from 1."""

    row: int
    column: int


@dataclass(frozen=True)
class Path:
    """`Account.Owner.Name`."""

    steps: tuple[str, ...]
    place: Place


@dataclass(frozen=True)
class Function:
    """`COUNT(Id)`."""

    name: str
    arguments: tuple[Path | Function, ...]
    place: Place


@dataclass(frozen=True)
class Written:
    """A literal as it stands there. kind: string, number, date, datetime, counted, priced or word."""

    kind: str
    text: str
    place: Place


@dataclass(frozen=True)
class Picked:
    """A selected expression."""

    expression: Path | Function
    alias: str | None


@dataclass(frozen=True)
class TypeOf:
    """Fields that depend on what a reference refers to."""

    path: Path
    branches: tuple[tuple[Token, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True)
class Test:
    """A condition. kind: both, either, negation, comparison, like, among, semi_join, includes, excludes."""

    kind: str
    parts: tuple[Any, ...]
    negated: bool = False


@dataclass(frozen=True)
class Sorting:
    """One ORDER BY."""

    expression: Path | Function
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Statement:
    """A whole query."""

    items: tuple[Picked | TypeOf | Statement, ...]
    object: Token
    alias: str | None
    where: Test | None = None
    group: tuple[Path | Function, ...] = ()
    having: Test | None = None
    order: tuple[Sorting, ...] = ()
    limit: int | None = None
    offset: int = 0
    all_rows: bool = False
    mine: bool = False
    place: Place = field(default=Place(1, 1))


def place_of(token: Token) -> Place:
    """Where a token stands."""
    return Place(token.line or 1, token.column or 1)


def _path(token: Token) -> Path:
    return Path(tuple(token.split(".")), place_of(token))


@v_args(inline=True)
class _Reader(Transformer[Token, Any]):
    """Turns lark's tree into ours."""

    def start(self, query: Statement) -> Statement:
        return query

    def query(self, select: Token, items: Any, _from: Token, name: Token, alias: Token | None, *rest: Any) -> Statement:
        mine, where, _secured, group, having, order, limit, offset, _purpose, all_rows = rest
        return Statement(
            items, name, None if alias is None else str(alias), where, group, having, order, limit, offset or 0,
            bool(all_rows), mine, place_of(select),
        )  # fmt: skip

    def items(self, *items: Any) -> tuple[Any, ...]:
        return items

    def item(self, expression: Any, alias: Token | None) -> Picked:
        return Picked(expression, None if alias is None else str(alias))

    def subquery(self, query: Statement) -> Statement:
        return query

    def typeof(self, _typeof: Token, name: Token, *rest: Any) -> TypeOf:
        *branches, otherwise, _end = rest
        return TypeOf(_path(name), tuple(branches), otherwise or ())

    def when(self, _when: Token, name: Token, _then: Token, names: tuple[Path, ...]) -> tuple[Token, tuple[Path, ...]]:
        return name, names

    def otherwise(self, _else: Token, names: tuple[Path, ...]) -> tuple[Path, ...]:
        return names

    def names(self, *names: Token) -> tuple[Path, ...]:
        return tuple(_path(each) for each in names)

    def path(self, name: Token) -> Path:
        return _path(name)

    def function(self, name: Token, arguments: tuple[Any, ...] | None) -> Function:
        return Function(str(name), arguments or (), place_of(name))

    def arguments(self, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    def alias(self, name: Token | None = None) -> Token | None:
        return name

    def scope(self, *tokens: Token) -> bool:
        if tokens and str(tokens[2]).lower() not in SCOPES:
            raise _Unexpected(tokens[2])
        return bool(tokens) and str(tokens[2]).lower() == "mine"

    def where(self, *parts: Any) -> Test | None:
        return parts[1] if parts else None

    def secured(self, *tokens: Token) -> None:
        if tokens and str(tokens[1]).upper() not in ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"):
            raise _Unexpected(tokens[1])

    def having(self, *parts: Any) -> Test | None:
        return parts[1] if parts else None

    def group(self, *parts: Any) -> tuple[Any, ...]:
        return parts[2:]

    def order(self, *parts: Any) -> tuple[Any, ...]:
        return parts[2:]

    def sorting(
        self, expression: Any, direction: Token | None, nulls: Token | None, which: Token | None = None
    ) -> Sorting:
        descending = direction is not None and direction.type == "DESC"
        return Sorting(expression, descending, which is None or which.type == "FIRST")

    def limit(self, *parts: Token) -> int | None:
        return _whole(parts[1]) if parts else None

    def offset(self, *parts: Token) -> int | None:
        return _whole(parts[1]) if parts else None

    def purpose(self, *tokens: Token) -> None:
        for each in tokens[1:]:
            if str(each).upper() not in ("VIEW", "REFERENCE"):
                raise _Unexpected(each)

    def all_rows(self, *tokens: Token) -> bool:
        return bool(tokens)

    def both(self, *parts: Any) -> Test:
        return Test("both", tuple(each for each in parts if isinstance(each, Test)))

    def either(self, *parts: Any) -> Test:
        return Test("either", tuple(each for each in parts if isinstance(each, Test)))

    def negation(self, _not: Token, condition: Test) -> Test:
        return Test("negation", (condition,))

    def comparison(self, expression: Any, sign: Token, literal: Written) -> Test:
        return Test("comparison", (expression, "!=" if sign == "<>" else str(sign), literal))

    def like(self, expression: Any, _like: Token, literal: Written) -> Test:
        return Test("like", (expression, literal))

    def among(self, expression: Any, negated: Token | None, _in: Token, literals: tuple[Written, ...]) -> Test:
        return Test("among", (expression, literals), negated is not None)

    def semi_join(self, expression: Any, negated: Token | None, _in: Token, query: Statement) -> Test:
        return Test("semi_join", (expression, query), negated is not None)

    def includes(self, expression: Any, _includes: Token, literals: tuple[Written, ...]) -> Test:
        return Test("includes", (expression, literals))

    def excludes(self, expression: Any, _excludes: Token, literals: tuple[Written, ...]) -> Test:
        return Test("includes", (expression, literals), True)

    def literals(self, *literals: Written) -> tuple[Written, ...]:
        return literals

    def literal(self, token: Token) -> Written:
        kind = {"NAME": "word"}.get(token.type, token.type.lower())
        for escaped in ESCAPED.findall(token) if kind == "string" else ():
            if len(escaped) == 1 and escaped not in ESCAPABLE:
                sentence = f"Illegal character sequence '\\{escaped}' in string literal."
                raise _Unexpected(token, f"Invalid string literal {token}. {sentence}")
        return Written(kind, str(token), place_of(token))


class _Unexpected(Exception):
    """A word that may not stand where it does."""

    def __init__(self, token: Token, sentence: str = "") -> None:
        super().__init__(token)
        self.token = token
        self.sentence = sentence or f"unexpected token: '{token}'"


def _whole(number: Token) -> int:
    if not str(number).isdigit() or len(number) > 9:
        raise _Unexpected(number)
    return int(number)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", maybe_placeholders=True)


def parsed(text: str) -> Statement:
    """The syntax tree of a query; raises SoqlError MALFORMED_QUERY."""
    if len(text) > LONGEST:
        raise SoqlError("QUERY_TOO_COMPLICATED", "SOQL statement cannot be longer than 100000 characters.")
    if text.count("(") > DEEPEST:
        raise SoqlError("QUERY_TOO_COMPLICATED", "Query is too complicated.")
    try:
        statement: Statement = _Reader().transform(_parser().parse(text))
        return statement
    except UnexpectedToken as error:
        token = error.token
        if token.type == "$END":
            rows = text.split("\n")
            raise malformed(text, Place(len(rows), len(rows[-1]) + 1), "unexpected token: '<EOF>'") from None
        shown = f"'{token}'" if token.type in ("NAME", "STRING", "NUMBER") else str(token)
        raise malformed(text, place_of(token), f"unexpected token: {shown}") from None
    except UnexpectedCharacters as error:
        place = Place(error.line, error.column)
        at = f"line {place.row}:{place.column}"
        raise malformed(text, place, f"{at} no viable alternative at character '{error.char}'") from None
    except UnexpectedInput as error:
        raise malformed(text, Place(1, 1), str(error).splitlines()[0]) from None
    except Exception as error:
        cause = getattr(error, "orig_exc", error)
        if isinstance(cause, _Unexpected):
            raise malformed(text, place_of(cause.token), cause.sentence) from None
        raise


def pointed(text: str, place: Place, sentence: str) -> str:
    """A message with the line it is about, an arrow below the place, and the place in words."""
    rows = text.split("\n")
    row = rows[place.row - 1] if place.row <= len(rows) else ""
    start = max(0, place.column - 60)
    snippet = row[start : place.column + 40]
    return (
        f"\n{snippet}\n{' ' * (place.column - 1 - start)}^\nERROR at Row:{place.row}:Column:{place.column}\n{sentence}"
    )


def malformed(text: str, place: Place, sentence: str) -> SoqlError:
    """MALFORMED_QUERY at a place."""
    return SoqlError("MALFORMED_QUERY", pointed(text, place, sentence))


def unescaped(text: str) -> str:
    """The value of a quoted string."""
    return ESCAPED.sub(lambda match: _meant(match[1]), text[1:-1])


def _meant(escaped: str) -> str:
    """The character that stands behind a backslash."""
    return chr(int(escaped[1:], 16)) if len(escaped) > 1 else ESCAPES.get(escaped, escaped)


def like_pattern(text: str) -> str:
    """The pattern of a quoted string, with `%` and `_` meant literally still escaped."""

    def one(match: re.Match[str]) -> str:
        character = match[1]
        if character in "%_\\":
            return "\\" + character
        return _meant(character)

    return ESCAPED.sub(one, text[1:-1])
