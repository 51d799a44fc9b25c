"""Salesforce's record ids: three characters for the kind, twelve of base 62, three of checksum."""

from __future__ import annotations

import re

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.protocols.soql_conditions import long_id

CANONICAL = {
    "0ST": "a00",
    "RCD": "a01",
    "0CO": "a02",
    "0IN": "a03",
    "0AP": "a04",
}
"""Prefixes of canonical entities that Salesforce keeps as custom objects."""
SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def id_style(prefix: str, number: int, milliseconds: int, parts: tuple[object, ...]) -> str:
    """The id of a new record."""
    return made(CANONICAL.get(prefix, prefix[:3].ljust(3, "0")), *parts, number)


def made(prefix: str, *parts: object) -> str:
    """An id that depends on all parts."""
    return long_id(prefix + ids.encode(ids.digest(*parts), ids.BASE62, 12))


def line_id(prefix: str, parent: str | None, position: int | None) -> str | None:
    """The id of a line that lives within a record."""
    return None if parent is None else made(prefix, "line", parent, position)


def is_id(text: object) -> bool:
    """Whether a value looks like an id of either length."""
    return isinstance(text, str) and SHAPE.fullmatch(text) is not None


__all__ = ["id_style", "is_id", "line_id", "long_id", "made"]
