"""A vendor's fields as rows: our name, theirs, and how the value is said on either side. An object is a table of such rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

import orjson

from counterfoil.reference.connectors import Record
from counterfoil.reference.money import major_of, minor_of

Way = Callable[[Any, str], Any]
"""A value that is not null, and the currency of its record, as the other side says it."""


@dataclass(frozen=True)
class Kind:
    """How a value is said. read: theirs → ours; say: ours → theirs. empty: what their null is to us."""

    read: Way
    say: Way
    empty: Callable[[], Any] = lambda: None


PLAIN = Kind(lambda value, ccy: value, lambda value, ccy: value)
TEXT = Kind(lambda value, ccy: str(value), lambda value, ccy: str(value))
WHOLE = Kind(lambda value, ccy: int(value), lambda value, ccy: int(value))
DAY = Kind(lambda value, ccy: str(value)[:10], lambda value, ccy: value)
MAJOR = Kind(
    lambda value, ccy: {"minor": minor_of(value, ccy), "ccy": ccy},
    lambda value, ccy: orjson.Fragment(major_of(value["minor"], value["ccy"])),
)
"""Money; their JSON number of major units."""
MINOR = Kind(lambda value, ccy: {"minor": int(value), "ccy": ccy}, lambda value, ccy: value["minor"])
"""Money; their whole number of minor units."""


def decimal(places: int) -> Kind:
    """Our decimal text with every place written, their JSON number."""
    unit = Decimal(1).scaleb(-places)

    def read(value: Any, ccy: str) -> str:
        return f"{Decimal(str(value)).quantize(unit, ROUND_HALF_UP):f}"

    return Kind(read, lambda value, ccy: orjson.Fragment(str(value)))


PRICE, QUANTITY, RATE = decimal(4), decimal(4), decimal(6)


def choice(words: Mapping[str, Any]) -> Kind:
    """A choice. words: ours → theirs; the first of ours that theirs may stand for is the one that is read."""
    back: dict[Any, str] = {}
    for ours, theirs in words.items():
        back.setdefault(theirs, ours)
    return Kind(lambda value, ccy: back.get(value, value), lambda value, ccy: words.get(value, value))


@dataclass(frozen=True)
class Row:
    """One field. theirs: its name, `Parent.Field` for one of what it refers to. writes: `cu` for create and update, less for less."""

    ours: str
    theirs: str
    kind: Kind = PLAIN
    writes: str = "cu"


class Fields:
    """The fields of one object. ccy: their field that holds the currency of its money."""

    def __init__(self, rows: Iterable[Row], ccy: str = "") -> None:
        self.rows = tuple(rows)
        self.ccy = ccy

    @cached_property
    def by_ours(self) -> dict[str, Row]:
        """Rows by our name."""
        return {row.ours: row for row in self.rows}

    @cached_property
    def theirs(self) -> tuple[str, ...]:
        """What to ask for."""
        return tuple(dict.fromkeys(row.theirs for row in self.rows))

    def sayable(self, names: Iterable[str], verb: str = "u") -> bool:
        """Whether each of our fields can be written so. verb: `c` create, `u` update."""
        return all(name in self.by_ours and verb in self.by_ours[name].writes for name in names)

    def read(self, theirs: Mapping[str, Any], ccy: str = "") -> Record:
        """Their record in our words. ccy: where the record itself names none."""
        money = str(at(theirs, self.ccy) or ccy) if self.ccy else ccy
        found: Record = {}
        for row in self.rows:
            value = at(theirs, row.theirs)
            found[row.ours] = row.kind.empty() if value is None else row.kind.read(value, money)
        return found

    def say(self, ours: Mapping[str, Any], ccy: str = "") -> Record:
        """Our values in their words; raises KeyError for one that has no row."""
        found: Record = {}
        for name, value in ours.items():
            row = self.by_ours[name]
            found[row.theirs] = None if value is None else row.kind.say(value, ccy)
        return found


def at(record: Mapping[str, Any], path: str) -> Any:
    """The member at a path `Parent.Field`, None where there is none on the way."""
    found: Any = record
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
