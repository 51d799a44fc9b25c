"""What the exported documents say about a value: the enumerations of answers and events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from counterfoil.stories import shipped

Record = dict[str, Any]
STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[\*\]|\[\d+\]")


@cache
def document(path: Path) -> Record:
    """A document from its file; an empty one where there is none (a system of another name)."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if not path.exists():
        return {}
    read: Record = yaml.load(path.read_bytes(), Loader=loader)
    return read


def resolved(whole: Record, schema: Any) -> Any:
    """The schema that a reference leads to."""
    while isinstance(schema, dict) and "$ref" in schema:
        place: Any = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        schema = place
    return schema


def at(whole: Record, schema: Any, path: str) -> list[Any]:
    """The schemas that the value at a path (`$.items[*].status`) below a schema may have."""
    found = choices(whole, schema)
    for step in STEP.finditer(path.removeprefix("$")):
        named = step[1]
        below = [each.get("properties", {}).get(named) if named else each.get("items") for each in found]
        found = [inner for each in below if each is not None for inner in choices(whole, each)]
    return found


def choices(whole: Record, schema: Any) -> list[Any]:
    """A schema, or the ones that it leaves to choose from."""
    schema = resolved(whole, schema)
    if not isinstance(schema, dict):
        return []
    inner = [each for key in ("anyOf", "oneOf") for each in schema.get(key, ())]
    return [found for each in inner for found in choices(whole, each)] if inner else [schema]


class Shapes:
    """The exported contracts of the fakes."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or shipped("contracts")

    def answer(self, role: str, operation: str, status: int, path: str) -> Sequence[str] | None:
        """The values that are possible at a path of an operation's answer."""
        whole = document(self.folder / "openapi" / f"{role}.yaml")
        found = self._operations(role).get(operation, {}).get("responses", {}).get(str(status))
        content = (resolved(whole, found) or {}).get("content", {}) if found else {}
        schema = next((each["schema"] for each in content.values()), None)
        return enumerated(at(whole, schema, path))

    def event(self, role: str, type_: str, path: str) -> Sequence[str] | None:
        """The values that are possible at a path of an event."""
        whole = document(self.folder / "asyncapi" / f"{role}.yaml")
        name = type_.removeprefix("com.counterfoil.").removesuffix(".v1")
        message = whole.get("components", {}).get("messages", {}).get(name)
        return enumerated(at(whole, message["payload"], path)) if message else None

    def _operations(self, role: str) -> dict[str, Record]:
        return operations_of(self.folder / "openapi" / f"{role}.yaml")


@cache
def operations_of(path: Path) -> dict[str, Record]:
    paths = document(path).get("paths", {}).values()
    return {each["operationId"]: each for methods in paths for each in methods.values()}


def enumerated(schemas: Sequence[Any]) -> Sequence[str] | None:
    """The texts that schemas list, None where one lists none."""
    found: dict[str, None] = {}
    for each in schemas:
        listed = [each["const"]] if "const" in each else each.get("enum", ())
        texts = [value for value in listed if isinstance(value, str)]
        if not texts and each.get("type") != "null":
            return None
        found |= dict.fromkeys(texts)
    return list(found) or None
