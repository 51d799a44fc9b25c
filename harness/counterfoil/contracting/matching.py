"""From literal values to rules that other values of the same kind meet: Pact's matchers, chosen by what a value looks like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = dict[str, Any]
Enumeration = Callable[[str], Sequence[str] | None]
"""The values that are possible at a path, None where it is no enumeration."""

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
DAY = r"\d{4}-\d\d-\d\d"
DECIMAL = r"-?\d+\.\d+"
CURRENCY = r"[A-Z]{3}"


def rule(value: Any, path: str, enumeration: Enumeration) -> Record | None:
    """The matcher for a plain value; None where the value itself is the contract."""
    if isinstance(value, bool):
        return {"match": "boolean"}
    if isinstance(value, int):
        return {"match": "integer"}
    if isinstance(value, float):
        return {"match": "number"}
    if not isinstance(value, str):
        return None
    known = enumeration(path)
    if known:
        return {"match": "regex", "regex": f"^({'|'.join(map(re.escape, known))})$"}
    if path.endswith(".ccy"):
        return {"match": "regex", "regex": f"^{CURRENCY}$"}
    for pattern in (INSTANT, DAY, DECIMAL):
        if re.fullmatch(pattern, value):
            return {"match": "regex", "regex": f"^{pattern}$"}
    return {"match": "type"}


def rules(value: Any, enumeration: Enumeration, path: str = "$") -> dict[str, Record]:
    """Matching rules of a body, by path: each plain value by its kind, each list by its first element."""
    found: dict[str, Record] = {}
    if isinstance(value, Mapping):
        for name, each in value.items():
            found |= rules(each, enumeration, f"{path}{member(name)}")
    elif isinstance(value, list):
        found[path] = {"combine": "AND", "matchers": [{"match": "type", **({"min": 1} if value else {})}]}
        if value:
            found |= rules(value[0], enumeration, f"{path}[*]")
    else:
        chosen = rule(value, path, enumeration)
        if chosen is not None:
            found[path] = {"combine": "AND", "matchers": [chosen]}
    return found


def member(name: str) -> str:
    """A member's name as a step of a path."""
    return f".{name}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else f"['{name}']"
