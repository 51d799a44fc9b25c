"""A verdict in words: the rule, the rows that break it side by side, the money at stake, the first cause, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from counterfoil.judge import Result
from counterfoil.money import readable, show
from counterfoil_mocks.kernel import money as exact

ROWS_SHOWN = 8
WIDEST = 44
MONEY_WORDS = (
    "amount",
    "net",
    "tax",
    "total",
    "paid",
    "open",
    "value",
    "cost",
    "price",
    "billed",
    "recognised",
    "cap",
    "fee",
)


def explain(result: Result) -> str:
    """Everything a person needs about a scenario that did not pass."""
    parts = [f"{result['id']} {result['title']}: {result['verdict'].replace('_', ' ')}"]
    if result.get("error"):
        parts.append(str(result["error"]))
    for each in result.get("expectations", ()):
        if not each["held"]:
            parts.append(expectation(each))
    parts += [violation(each) for each in result.get("violations", ())]
    if result.get("not_applicable"):
        named = ", ".join(f"{each['invariant']} ({', '.join(each['missing'])})" for each in result["not_applicable"])
        parts.append(f"Not applicable, for want of an ability that the integration declares: {named}")
    if result.get("replay"):
        parts.append(f"See it again: {result['replay']}")
    return "\n\n".join(parts)


def expectation(each: Mapping[str, Any]) -> str:
    """A failed expectation with both values."""
    lines = [
        f"Expected: {each['sentence']}",
        f"  should be {readable(each['expected'])}",
        f"  found     {readable(each['actual'])}",
    ]
    lines += [f"  {name}: {readable(value)}" for name, value in each.get("evidence", {}).items()]
    return "\n".join(lines)


def violation(each: Mapping[str, Any]) -> str:
    """A violated invariant with its evidence."""
    lines = [f"{each['invariant']} is violated: {each['rule']}"]
    if each.get("passed_by"):
        lines.append(f"  It held again at the end, but not at {each['passed_by']}.")
    if each["at_stake"]:
        lines.append(f"  Money at stake: {', '.join(map(show, each['at_stake']))}")
    shown = each["rows"][:ROWS_SHOWN]
    lines += [f"  {line}" for line in table(shown)]
    if each["count"] > len(shown):
        lines.append(f"  … {each['count'] - len(shown)} more")
    if each["first_cause"]:
        lines += [f"  {line}" for line in cause(each["first_cause"])]
    return "\n".join(lines)


def cause(found: Mapping[str, Any]) -> list[str]:
    """The first cause, and the chain that led to it, nearest first."""
    who = f" by {found['actor']}" if found.get("actor") else ""
    lines = [f"First cause: {found['deed']} in {found['system']}{who} on {found['record']} at {found['at']}"]
    request = found.get("request")
    if request:
        fault = f", fault: {request['fault']}" if request.get("fault") else ""
        asked = f"{request['method']} {request['path']}" if request.get("method") else request.get("operation")
        lines.append(f"  journal {request['seq']}: {asked} → {request['status']}{fault}")
    for step in found.get("chain", ()):
        lines.append(f"  ← {step['kind']} {step['name']} {step['key'] or ''} in {step['system']} at {step['at']}")
    return lines


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows as aligned text: a column where they differ in shape, the systems' values side by side."""
    if not rows:
        return []
    columns = columns_of(rows)
    cells = [[cell(row, name) for name in columns] for row in rows]
    widths = [max(len(name), *(len(line[at]) for line in cells)) for at, name in enumerate(columns)]
    head = "  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)).rstrip()
    rule = "  ".join("─" * width for width in widths)
    body = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return [head, rule, *body]


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Column names in order of first appearance; `ccy` is told with the money instead."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if name != "ccy" and any(row.get(name) is not None for row in rows)] or list(names)


def cell(row: Mapping[str, Any], name: str) -> str:
    """One value for people: minor units of a row that names its currency become money."""
    value = row.get(name)
    ccy = row.get("ccy")
    if is_amount(name, value) and isinstance(ccy, str) and ccy in exact.EXPONENTS:
        text = f"{ccy} {exact.major(value, ccy)}"  # type: ignore[arg-type]
    else:
        text = readable(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def is_amount(name: str, value: object) -> bool:
    """Whether a column of an invariant's rows holds minor units."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return any(word in name.split("_") for word in MONEY_WORDS)


def holds_amounts(rows: Iterable[Mapping[str, Any]], name: str) -> bool:
    """Whether any of the rows has minor units in this column: all its cells then stand at the right."""
    return any(is_amount(name, row.get(name)) for row in rows)
