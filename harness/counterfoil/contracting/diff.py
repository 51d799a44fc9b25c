"""What a change of the exported contracts breaks, from the side of those who call and listen; and whose pact relies on it.

What is added breaks nobody. What callers may send must stay allowed; what they get must stay there, of the same kind, and never null where it
was not. Documents are OpenAPI, AsyncAPI, or the JSON Schema of one event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counterfoil.contracting import shapes
from counterfoil.contracting.verify import Pact
from counterfoil.descriptor import Unreadable

Record = dict[str, Any]
FOLDERS = ("openapi", "asyncapi", "schemas/events")
METHODS = ("get", "post", "put", "patch", "delete")
LEAST = ("minimum", "minLength", "minItems", "exclusiveMinimum")
MOST = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
DEEPEST = 12


@dataclass(frozen=True)
class Change:
    """One change that breaks. operation: id of an operation, or type of an event; path: of the value in a body, empty for the call itself;
    sent: whether callers send it (else they get it)."""

    document: str
    place: str
    sentence: str
    operation: str
    path: str = ""
    sent: bool = False
    relied_on_by: tuple[str, ...] = field(default=())

    def shown(self) -> Record:
        """As JSON."""
        return {**vars(self), "relied_on_by": list(self.relied_on_by)}


def diff(old: Path, new: Path, pacts: Sequence[Pact] = ()) -> list[Change]:
    """Changes between two folders of contracts, or two documents, that break somebody; raises Unreadable."""
    found: list[Change] = []
    for name, before, after in pairs(old, new):
        if after is None:
            found.append(Change(name, name, "the document is gone", "*"))
        elif "paths" in before:
            found += operations(name, before, after)
        elif "asyncapi" in before:
            found += messages(name, before, after)
        else:
            kind = str(before.get("title", name))
            found += [
                Change(name, f"{kind} {path}", sentence, kind, path)
                for path, sentence in got(before, after, before, after)
            ]
    distinct = {(each.operation, each.path, each.sentence): each for each in reversed(found)}
    unique = [each for each in found if distinct[each.operation, each.path, each.sentence] is each]
    return [Change(**{**vars(each), "relied_on_by": relying(each, pacts)}) for each in unique]


def pairs(old: Path, new: Path) -> Iterator[tuple[str, Record, Record | None]]:
    """Documents of the same name; None where the new one is missing."""
    for place in (old, new):
        if not place.exists():
            raise Unreadable(f"{place}: no such file or folder")
    if old.is_file():
        yield old.name, _read(old), _read(new)
        return
    files = [place for each in FOLDERS for place in sorted((old / each).glob("*.*"))]
    if not files:
        raise Unreadable(f"{old}: holds no contracts (openapi/, asyncapi/, schemas/events/)")
    for place in files:
        name = str(place.relative_to(old))
        after = new / name
        if after.exists() and after.read_bytes() == place.read_bytes():
            continue
        yield name, _read(place), _read(after) if after.exists() else None


def _read(place: Path) -> Record:
    try:
        found = shapes.document(place)
    except Exception as error:
        raise Unreadable(f"{place}: cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise Unreadable(f"{place}: is no contract")
    return found


# calls


def operations(name: str, before: Record, after: Record) -> Iterator[Change]:
    """What breaks in an OpenAPI document."""
    now = {each["operationId"]: (method, path, each) for method, path, each in calls(after)}
    for method, path, old in calls(before):
        operation, place = old["operationId"], f"{method.upper()} {path}"
        same = after["paths"].get(path, {}).get(method)
        if same is None:
            moved = now.get(operation)
            where = f"moved to {moved[0].upper()} {moved[1]}" if moved else "is gone"
            yield Change(name, place, where, operation)
            if moved is None:
                continue
            same = moved[2]
        yield from parameters(name, place, old, same, before, after)
        yield from bodies(name, place, old, same, before, after)
        yield from answers(name, place, old, same, before, after)


def calls(document: Record) -> Iterator[tuple[str, str, Record]]:
    """Every operation with its method and path."""
    for path, methods in document.get("paths", {}).items():
        for method in METHODS:
            if method in methods:
                yield method, path, methods[method]


def parameters(name: str, place: str, old: Record, new: Record, before: Record, after: Record) -> Iterator[Change]:
    """Parameters that are gone, newly required, or take less."""
    operation = old["operationId"]
    was = {(each["in"], each["name"]): each for each in old.get("parameters", ())}
    now = {(each["in"], each["name"]): each for each in new.get("parameters", ())}
    for where, each in was.items():
        if where not in now:
            yield Change(name, place, f"the parameter {where[1]} is gone", operation, f"?{where[1]}", True)
        else:
            for path, sentence in sent(each.get("schema", {}), now[where].get("schema", {}), before, after):
                yield Change(
                    name, place, f"parameter {where[1]}{path[1:]}: {sentence}", operation, f"?{where[1]}", True
                )
    for where, each in now.items():
        if each.get("required") and not was.get(where, {}).get("required"):
            yield Change(name, place, f"the parameter {where[1]} is required now", operation, f"?{where[1]}", True)


def content(part: Any) -> dict[str, Any]:
    """Schemas of a body by media type."""
    return {media: each.get("schema", {}) for media, each in (part or {}).get("content", {}).items()}


def bodies(name: str, place: str, old: Record, new: Record, before: Record, after: Record) -> Iterator[Change]:
    """Bodies that are newly required, or may hold less."""
    operation = old["operationId"]
    was, now = content(old.get("requestBody")), content(new.get("requestBody"))
    if new.get("requestBody", {}).get("required") and "requestBody" not in old:
        yield Change(name, place, "a body is required now", operation, "$", True)
    for media, schema in was.items():
        if media not in now:
            yield Change(name, place, f"{media} is not taken any more", operation, "$", True)
            continue
        for path, sentence in sent(schema, now[media], before, after):
            yield Change(name, f"{place} body {path}", sentence, operation, path, True)


def answers(name: str, place: str, old: Record, new: Record, before: Record, after: Record) -> Iterator[Change]:
    """Answers of success that are gone or hold less."""
    operation = old["operationId"]
    for status, answer in old["responses"].items():
        if not status.startswith("2"):
            continue
        other = shapes.resolved(after, new["responses"].get(status))
        if other is None:
            others = ", ".join(each for each in new["responses"] if each.startswith("2"))
            yield Change(name, place, f"answers {others or 'no success'} where it answered {status}", operation)
            continue
        now = content(other)
        for media, schema in content(shapes.resolved(before, answer)).items():
            if media not in now:
                yield Change(name, place, f"does not answer {media} any more", operation, "$")
                continue
            for path, sentence in got(schema, now[media], before, after):
                yield Change(name, f"{place} answer {path}", sentence, operation, path)


def messages(name: str, before: Record, after: Record) -> Iterator[Change]:
    """What breaks in an AsyncAPI document."""
    was, now = before["components"]["messages"], after["components"]["messages"]
    for kind, message in was.items():
        full = str(message.get("name", kind))
        if kind not in now:
            yield Change(name, full, "is not announced any more", full)
            continue
        for path, sentence in got(message["payload"], now[kind]["payload"], before, after):
            yield Change(name, f"{full} {path}", sentence, full, path)


# values

Found = Iterator[tuple[str, str]]


def kinds(whole: Record, schema: Any) -> set[str]:
    """The types that a value may have; empty for any."""
    found: set[str] = set()
    for each in shapes.choices(whole, schema):
        said = each.get("type")
        if said is None and ("enum" in each or "const" in each):
            said = [_type(value) for value in each.get("enum", [each.get("const")])]
        if said is None:
            return set()
        found |= {said} if isinstance(said, str) else set(said)
    return found


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def within(some: set[str], others: set[str]) -> bool:
    """Whether every type of the first is one of the second; no types are all types."""
    if not others:
        return True
    wide = others | ({"integer"} if "number" in others else set())
    return bool(some) and some <= wide


def got(old: Any, new: Any, before: Record, after: Record, path: str = "$", depth: int = 0) -> Found:
    """What one who reads the value loses."""
    was, now = kinds(before, old), kinds(after, new)
    if was and "null" in now and "null" not in was:
        yield path, "may be null now"
    if was and not within(now - {"null"}, was - {"null"}):
        yield path, f"is {words(now)} where it was {words(was)}"
        return
    one, other = single(before, old), single(after, new)
    if one is None or other is None or depth > DEEPEST:
        return
    yield from values(one, other, path)
    yield from formats(one, other, path)
    for name, schema in one.get("properties", {}).items():
        inner = path + "." + name
        if name not in other.get("properties", {}):
            yield inner, "is gone"
        else:
            if name in one.get("required", ()) and name not in other.get("required", ()):
                yield inner, "may be missing now"
            yield from got(schema, other["properties"][name], before, after, inner, depth + 1)
    if "items" in one and "items" in other:
        yield from got(one["items"], other["items"], before, after, f"{path}[*]", depth + 1)


def sent(old: Any, new: Any, before: Record, after: Record, path: str = "$", depth: int = 0) -> Found:
    """What one who sends the value may not send any more."""
    was, now = kinds(before, old), kinds(after, new)
    if "null" in was and now and "null" not in now:
        yield path, "may not be null any more"
    if now and not within(was - {"null"}, now - {"null"}):
        yield path, f"takes {words(now)} where it took {words(was)}"
        return
    one, other = single(before, old), single(after, new)
    if one is None or other is None or depth > DEEPEST:
        return
    yield from values(one, other, path)
    yield from formats(one, other, path)
    yield from limits(one, other, path)
    for name in other.get("required", ()):
        if name not in one.get("required", ()):
            yield f"{path}.{name}", "is required now"
    for name, schema in one.get("properties", {}).items():
        inner = f"{path}.{name}"
        if name in other.get("properties", {}):
            yield from sent(schema, other["properties"][name], before, after, inner, depth + 1)
        elif other.get("additionalProperties") is False:
            yield inner, "is not taken any more"
    if "items" in one and "items" in other:
        yield from sent(one["items"], other["items"], before, after, f"{path}[*]", depth + 1)


def single(whole: Record, schema: Any) -> Record | None:
    """The one schema that is not null, of those to choose from; None where there are several."""
    found = [each for each in shapes.choices(whole, schema) if each.get("type") != "null"]
    return found[0] if len(found) == 1 else None


def values(old: Record, new: Record, path: str) -> Found:
    """Values of an enumeration that are gone: they cannot be sent, and who waits for one waits in vain."""
    if ("enum" in old or "const" in old) and ("enum" in new or "const" in new):
        now = new.get("enum", [new.get("const")])
        gone = [each for each in old.get("enum", [old.get("const")]) if each not in now and each is not None]
        if gone:
            yield path, f"cannot be {', '.join(map(str, gone))} any more"


def formats(old: Record, new: Record, path: str) -> Found:
    """Another way of writing the same type."""
    for name in ("format", "pattern"):
        if name in new and old.get(name) != new[name]:
            yield path, f"{name} is {new[name]} where it was {old.get(name, 'free')}"
        elif name in old and name not in new:
            yield path, f"{name} was {old[name]} and is free now"


def limits(old: Record, new: Record, path: str) -> Found:
    """Limits that have become narrower."""
    for name in LEAST:
        if name in new and (name not in old or new[name] > old[name]):
            yield path, f"{name} is {new[name]} where it was {old.get(name, 'none')}"
    for name in MOST:
        if name in new and (name not in old or new[name] < old[name]):
            yield path, f"{name} is {new[name]} where it was {old.get(name, 'none')}"


def words(types: set[str]) -> str:
    """Types as words."""
    return " or ".join(sorted(types)) or "anything"


# who relies on it


def relying(change: Change, pacts: Sequence[Pact]) -> tuple[str, ...]:
    """Consumers whose pacts use what has changed."""
    found = {
        f"{pact.consumer} → {pact.provider}"
        for pact in pacts
        if pact.provider in change.document or change.operation.startswith(f"com.counterfoil.{pact.provider}.")
        for each in pact.content["interactions"]
        if uses(each, change)
    }
    return tuple(sorted(found))


def uses(interaction: Mapping[str, Any], change: Change) -> bool:
    """Whether an interaction holds what has changed."""
    about = interaction.get("comments", {}).get("references", {}).get("counterfoil", {}).get("operation")
    if change.operation not in (about, "*"):
        return False
    if change.path in ("", "$") or "required now" in change.sentence:
        return True
    if change.path.startswith("?"):
        return change.path[1:] in interaction.get("request", {}).get("query", {})
    part = interaction.get("request" if change.sent else "response", interaction.get("contents", {}))
    body = part.get("body", part).get("content")
    return holds(body, re.findall(r"[A-Za-z_][A-Za-z0-9_]*|\[\*\]", change.path.removeprefix("$")))


def holds(value: Any, steps: Sequence[str]) -> bool:
    """Whether there is something at a path."""
    if not steps:
        return True
    if steps[0] == "[*]":
        return isinstance(value, list) and any(holds(each, steps[1:]) for each in value)
    return isinstance(value, dict) and steps[0] in value and holds(value[steps[0]], steps[1:])
