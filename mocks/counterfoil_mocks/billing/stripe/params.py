"""Stripe's parameters: which there are, of what type, and how their texts become values. An empty text unsets, and becomes None."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from counterfoil_mocks.billing.stripe.errors import emptied, invalid, needed, too_small
from counterfoil_mocks.kernel.fields import Record

INTEGER = re.compile(r"[+-]?\d{1,18}")
LATEST = 253_402_214_400
"""The last day of the year 9999."""
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True)
class Choice:
    """One of a closed list."""

    words: tuple[str, ...]


class Hash(dict[str, Any]):
    """A hash of parameters some of which must be there."""

    def __init__(self, members: Mapping[str, Any], *required: str) -> None:
        super().__init__(members)
        self.required = required


@dataclass(frozen=True)
class Short:
    """A text of no more than so many characters."""

    most: int


@dataclass(frozen=True)
class Within:
    """A whole number between two, both included."""

    least: int
    most: int


class Few(list[Any]):
    """An array of no more than so many."""

    def __init__(self, each: Any, most: int) -> None:
        super().__init__([each])
        self.most = most


TEXT, EMAIL, INT, NAT, BOOL, TIME = "text", "email", "int", "natural", "bool", "time"
DEC, META, ANY = "decimal", "metadata", "any"
"""Types. A dict is a hash of parameters, a list of one element an array, `Choice` one of its words; a tuple takes any of its types."""

Spec = Mapping[str, Any]
COMMON: Spec = {"expand": [TEXT]}
LISTED: Spec = {
    "limit": INT,
    "starting_after": TEXT,
    "ending_before": TEXT,
    "created": (TIME, {"gt": TIME, "gte": TIME, "lt": TIME, "lte": TIME}),
}
SEARCHED: Spec = {"query": TEXT, "limit": INT, "page": TEXT}


def words(text: str) -> Choice:
    """A closed list, given as `"a b c"`."""
    return Choice(tuple(text.split()))


def checked(spec: Spec, given: Record, required: Sequence[str] = ()) -> Record:
    """Typed values of what was sent; raises Refused 400: unknown ones first, then missing ones, then types."""
    known(spec, given)
    for name in required:
        if given.get(name) == "":
            raise emptied(name)
        if given.get(name) is None:
            raise needed(name)
    return {name: value(COMMON.get(name) or spec[name], each, name) for name, each in given.items()}


def known(spec: Spec, given: Record) -> None:
    """Refuse parameters that there are not, all of them at once."""
    found = list(_unknown({**COMMON, **spec}, given, ""))
    if found:
        plural = "s" if len(found) > 1 else ""
        raise invalid(f"Received unknown parameter{plural}: {', '.join(found)}", found[0], "parameter_unknown")


def _unknown(spec: Any, given: Any, path: str) -> Iterator[str]:
    if isinstance(spec, tuple):
        spec = next((each for each in spec if isinstance(each, Mapping)), spec)
    if isinstance(spec, Mapping) and isinstance(given, dict):
        for name, each in given.items():
            at = f"{path}[{name}]" if path else name
            if name in spec:
                yield from _unknown(spec[name], each, at)
            else:
                yield at
    elif isinstance(spec, list) and isinstance(given, list):
        for number, each in enumerate(given):
            yield from _unknown(spec[0], each, f"{path}[{number}]")


def value(spec: Any, given: Any, path: str) -> Any:
    """One value; `""` is None."""
    if given == "":
        return [] if isinstance(spec, list) else None
    if isinstance(spec, tuple):
        hash_, rest = (
            [each for each in spec if isinstance(each, Mapping)],
            [each for each in spec if isinstance(each, str)],
        )
        return value(hash_[0] if isinstance(given, dict) and hash_ else rest[0], given, path)
    if isinstance(spec, list):
        if isinstance(given, str):
            raise invalid("Invalid array", path)
        members = given if isinstance(given, list) else list(given.values())
        if isinstance(spec, Few) and len(members) > spec.most:
            raise invalid(f"Array up to {spec.most} elements expected (you passed {len(members)}).", path)
        plain = isinstance(spec[0], (str, Choice))  # an empty text among such is none
        return [
            value(spec[0], each, f"{path}[{number}]") for number, each in enumerate(members) if each != "" or not plain
        ]
    if isinstance(spec, Mapping):
        if not isinstance(given, dict):
            raise invalid("Invalid object", path)
        for name in spec.required if isinstance(spec, Hash) else ():
            if given.get(name) in (None, ""):
                raise needed(f"{path}[{name}]")
        return {name: value(spec[name], each, f"{path}[{name}]") for name, each in given.items()}
    if spec == META:
        return metadata(given, path)
    if spec == ANY:
        return given
    if not isinstance(given, str):
        raise invalid(f"Invalid {'string' if spec == TEXT else spec}: {given}", path)
    if isinstance(spec, Within):
        return _within(spec, integer(given, path), path)
    if isinstance(spec, Short):
        if len(given) > spec.most:
            raise invalid(f"Invalid string: {given[:20]}...; must be at most {spec.most} characters", path)
        return given
    return SCALARS[spec](given, path) if isinstance(spec, str) else _word(spec, given, path)


def _word(spec: Choice, given: str, path: str) -> str:
    if given not in spec.words:
        raise invalid(f"Invalid {path}: must be one of {_alternatives(spec.words)}", path)
    return given


def _within(spec: Within, found: int, path: str) -> int:
    if found < spec.least:
        raise too_small(found, spec.least, path)
    if found > spec.most:
        raise invalid(
            f"This value must be less than or equal to {spec.most} (it currently is '{found}').",
            path,
            "parameter_invalid_integer",
        )
    return found


def _alternatives(said: Sequence[str]) -> str:
    """`a`; `a or b`; `a, b, or c`."""
    comma = "," if len(said) > 2 else ""
    return f"{', '.join(said[:-1])}{comma} or {said[-1]}" if len(said) > 1 else said[0]


def integer(given: str, path: str) -> int:
    """A whole number."""
    if not INTEGER.fullmatch(given):
        raise invalid(f"Invalid integer: {given}", path, "parameter_invalid_integer")
    return int(given)


def natural(given: str, path: str) -> int:
    """A whole number that is not negative: a quantity, a price."""
    found = integer(given, path)
    if found < 0:
        raise too_small(found, 0, path)
    return found


def moment_of(given: str, path: str) -> int:
    """A moment in seconds since 1970, within the years that have four figures."""
    found = integer(given, path)
    if not 0 <= found <= LATEST:
        raise invalid(f"Invalid timestamp: {given}; must be an integer Unix timestamp of 1970 to 9999", path)
    return found


def _email(given: str, path: str) -> str:
    if not ADDRESS.fullmatch(given):
        raise invalid(f"Invalid email address: {given}", path, "email_invalid")
    return given


def _boolean(given: str, path: str) -> bool:
    said = given.lower() if given.istitle() else given  # Python's clients of old write `True`
    if said not in ("true", "false"):
        raise invalid(f"Invalid boolean: {given}", path)
    return said == "true"


def _decimal(given: str, path: str) -> str:
    try:
        found = Decimal(given)
    except InvalidOperation:
        raise invalid(f"Invalid decimal: {given}", path) from None
    if not found.is_finite() or -int(found.as_tuple().exponent) > 12:
        raise invalid(f"Invalid decimal: {given}; at most 12 decimal places", path)
    return plain(found)


def plain(value: Decimal) -> str:
    """A decimal without exponent and without zeros that say nothing."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def metadata(given: Any, path: str) -> Record:
    """Keys and texts to merge; an empty text takes a key away."""
    if isinstance(given, list):
        given = {str(number): each for number, each in enumerate(given)}
    if not isinstance(given, dict):
        raise invalid("Invalid object", path)
    for key, each in given.items():
        if not isinstance(each, str):
            raise invalid(
                f"Metadata values must be strings, but for key '{key}' you passed in a value of type hash", path
            )
        if len(key) > 40:
            raise invalid(f"Metadata keys must be under 40 characters, but '{key}' is {len(key)} characters.", path)
        if len(each) > 500:
            raise invalid(
                f"Metadata values can have up to 500 characters, but you passed in a value that is {len(each)} characters.",
                path,
            )
    return given


SCALARS = {
    TEXT: lambda given, path: given,
    EMAIL: _email,
    INT: integer,
    NAT: natural,
    TIME: moment_of,
    BOOL: _boolean,
    DEC: _decimal,
}
