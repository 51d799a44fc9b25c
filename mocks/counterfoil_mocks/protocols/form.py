"""Form encoding with brackets, as Stripe, Chargebee and Rails applications read it: `a[b]=1&c[0][d]=2&e[]=3` as nested values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from counterfoil_mocks.kernel.errors import Problem

MOST_PAIRS = 5000
DEEPEST = 12
PLACE = re.compile(r"\[([^\[\]]*)\]")


def decoded(text: bytes, *, filling: bool = False) -> dict[str, Any]:
    """A form or query string as nested dicts and lists of texts; raises Problem 400.

    Array members go by their numeric index, not by arrival; `[]` appends. filling: as Rails has it, `a[][x]=1&a[][y]=2` is one member
    with both names, and a name that the last member has already begins the next.
    """
    if not text:
        return {}
    try:
        pairs = parse_qsl(text.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_PAIRS, errors="strict")
    except ValueError as error:
        raise Problem(
            400, "UNPARSABLE", f"The form cannot be read: {error}.", remedy="Send form-encoded UTF-8."
        ) from None
    return nested(pairs, filling=filling)


def nested(pairs: Iterable[tuple[str, str]], *, filling: bool = False) -> dict[str, Any]:
    """Names with brackets as nested values. filling: as in `decoded`."""
    root: dict[Any, Any] = {}
    for name, value in pairs:
        head, bracket, _ = name.partition("[")
        steps = PLACE.findall(name[len(head) :]) if bracket else []
        if not head or len(steps) > DEEPEST or head + "".join(f"[{step}]" for step in steps) != name:
            raise Problem(400, "UNPARSABLE", f"Invalid parameter name: {name}", field=name)
        _put(root, [head, *steps], value, name, filling)
    return {key: _settled(each) for key, each in root.items()}


def _put(place: dict[Any, Any], steps: list[str], value: str, name: str, filling: bool) -> None:
    for at, step in enumerate(steps[:-1], 1):
        key: Any = len(place) if step == "" else step
        if filling and step == "" and place and not _has(place.get(len(place) - 1), steps[at:]):
            key = len(place) - 1
        following = place.setdefault(key, {})
        if not isinstance(following, dict):
            raise Problem(
                400, "UNPARSABLE", f"Invalid parameter: {name} is given twice, in different shapes", field=name
            )
        place = following
    last: Any = steps[-1]
    place[len(place) if last == "" else last] = value


def _has(place: Any, steps: list[str]) -> bool:
    """Whether a member has a value at the end of some steps already."""
    for step in steps:
        if not isinstance(place, dict):
            return True
        if step == "" or step not in place:
            return False
        place = place[step]
    return True


def _settled(value: Any) -> Any:
    """Dicts whose keys are all numbers are arrays."""
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) or key.isdecimal() for key in value):
        return [_settled(value[key]) for key in sorted(value, key=int)]
    return {str(key): _settled(each) for key, each in value.items()}


def encoded(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as pairs of names with brackets and texts."""
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, Mapping):
            pairs += encoded(value, name)
        elif isinstance(value, list):
            pairs += encoded({str(number): each for number, each in enumerate(value)}, name)
        else:
            pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs
