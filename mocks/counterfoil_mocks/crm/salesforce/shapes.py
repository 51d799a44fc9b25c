"""What bodies are made of: refusals of what is no object, list or text where one must be, before anybody looks for what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil_mocks.crm.salesforce.errors import Refused


def _not(what: str, kind: str) -> Refused:
    return Refused(400, "JSON_PARSER_ERROR", f"{what} is expected to be {kind}")


def an_object(body: Any, what: str = "The body") -> Mapping[str, Any]:
    """A body, or a part of one; raises Refused."""
    if not isinstance(body, Mapping):
        raise _not(what, "an object")
    return body


def objects(body: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects that is a member of a body, or none; raises Refused."""
    found = an_object(body).get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise _not(name, "a list of objects")
    return found


def texts(value: Any, name: str) -> list[str]:
    """A list of texts, or none; raises Refused."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _not(name, "a list of strings")
    return value


def whole(value: Any, name: str) -> int:
    """A whole number; raises Refused."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _not(name, "a whole number")
    return value
