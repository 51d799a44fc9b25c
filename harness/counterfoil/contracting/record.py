"""From the traffic of a run to the contract that the integration in fact relies on, as Pact V4 files; no consumer code is needed.

Of a response only those fields go into the contract that the integration can have used: names of records, what it sent on later, and what
one decides by (enumerations, flags). A provider state is a named snapshot: so many deeds of a story, which lies beside the pacts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from counterfoil.contracting import matching
from counterfoil.contracting.journal import HIDDEN, UNTOLD, Exchange, Run, Told, leaves, spoken
from counterfoil.contracting.shapes import Shapes
from counterfoil.descriptor import Unreadable

Record = dict[str, Any]
STRUCTURE = ("items", "next", "record", "results", "success", "data", "after")
NAMES = ("id", "key", "version", "code")
ATTRIBUTES = (
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "businesskey",
    "entityversion",
    "correlationid",
    "traceparent",
)
"""Members of an envelope that any consumer may look at."""
LEAST_NUMBER = 100
"""Smaller numbers are sent for many reasons; that one was read before proves nothing."""


def record(runs: Sequence[Run], out: Path, consumer: str | None = None, version: str = "0") -> list[Path]:
    """Write the pacts of an integration with every system that it talked to, and the stories that lead to their states; returns the
    pacts' paths. Raises Unreadable for a run that cannot be repeated."""
    shapes = Shapes()
    (out / "states").mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Record]] = defaultdict(list)
    ways: set[tuple[Any, ...]] = set()
    for run in runs:
        if not run.exchanges:
            continue
        write_story(run, out / "states" / f"{run.scenario}.ndjson")
        for system, interactions in interactions_of(run, shapes, ways).items():
            found[system] += interactions
    name = consumer or runs[0].integration
    made = []
    for system, interactions in sorted(found.items()):
        pact = {
            "consumer": {"name": name},
            "interactions": interactions,
            "metadata": {
                "counterfoil": {
                    "recorded": sorted(run.scenario for run in runs),
                    "seed": runs[0].seed,
                    "size": runs[0].size,
                    "consumerVersion": version,
                },
                "pactSpecification": {"version": "4.0"},
            },
            "provider": {"name": system},
        }
        place = out / f"{name.replace(':', '-')}-{system}.json"
        place.write_bytes(orjson.dumps(pact, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        made.append(place)
    return made


def write_story(run: Run, place: Path) -> None:
    """The deeds of a run in order, as a file that brings a landscape to any of its states."""
    lines: list[Record] = [{"story": run.scenario, "seed": run.seed, "size": run.size, "nth": 1}]
    for each in run.deeds:
        if each.sent is None and each.method in ("POST", "PATCH", "PUT"):
            raise Unreadable(
                f"{run.scenario}: the body of {each.operation} (journal {each.seq}) was too large to be kept"
            )
        if HIDDEN in (value for _, value in leaves(each.sent)):
            raise Unreadable(
                f"{run.scenario}: {each.operation} (journal {each.seq}) holds a secret and cannot be repeated"
            )
        line = {"system": each.system, "at": each.at, "method": each.method, "path": each.path, "body": each.sent}
        lines.append(
            {
                **line,
                "by": "person" if each.by_person else "integration",
                "trail": each.trail,
                "made": named(each.answered),
            }
        )
    place.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))


def named(answered: Any) -> str | None:
    """The native id of what a deed was about."""
    about = answered.get("record", answered) if isinstance(answered, dict) else None
    found = about.get("id") if isinstance(about, dict) else None
    return found if isinstance(found, str) else None


def interactions_of(run: Run, shapes: Shapes, chosen: set[tuple[Any, ...]]) -> dict[str, list[Record]]:
    """The interactions of a run by system, in the order of their states: one for each operation and way of asking it that is not among the
    chosen yet, which grow."""
    later = Flow(run)
    found: dict[str, list[tuple[int, Record]]] = defaultdict(list)
    steps = 0
    first_of: dict[int, str] = {}
    for each in run.exchanges:
        position, steps = steps, steps + each.writes
        way = (
            each.system,
            each.operation,
            each.status,
            *sorted(name for name, _ in each.query),
            *sent_members(each.sent),
        )
        told = each.answered if each.status < 400 else {}
        if each.by_person or each.operation in UNTOLD or each.fault or told is None or way in chosen:
            continue
        chosen.add(way)
        made = http_interaction(run, each, position, later, shapes)
        first_of[each.seq] = made["key"]
        found[each.system].append((position, made))
    for event in run.told:
        if (event.type,) not in chosen:
            chosen.add((event.type,))
            cause = first_of.get(event.cause or -1)
            made = message_interaction(run, event, cause, later, shapes)
            if cause is not None:
                link(found[event.system], cause, made["key"])
            found[event.system].append((event.step, made))
    return {system: [made for _, made in sorted(each, key=lambda pair: pair[0])] for system, each in found.items()}


def link(interactions: Iterable[tuple[int, Record]], cause: str, key: str) -> None:
    """Say at a request which message follows it."""
    for _, made in interactions:
        if made["key"] == cause:
            made["comments"].setdefault("references", {}).setdefault("counterfoil", {}).setdefault(
                "followed_by", []
            ).append(key)


def sent_members(sent: Any) -> list[str]:
    """Names of the members of a body, which make one way of asking."""
    if not isinstance(sent, dict):
        return []
    inner = sent["items"][0] if isinstance(sent.get("items"), list) and sent["items"] else {}
    return sorted({*sent, *(inner if isinstance(inner, dict) else ())})


def state(run: Run, step: int, at: str, **more: Any) -> list[Record]:
    """The provider state: a named snapshot."""
    return [
        {
            "name": f"{run.scenario} after {step} deeds",
            "params": {"story": run.scenario, "step": step, "at": at, **more},
        }
    ]


def http_interaction(run: Run, each: Exchange, step: int, later: Flow, shapes: Shapes) -> Record:
    """A request and its answer."""
    key = f"{each.system}-{run.scenario}-{each.seq}"
    request: Record = {"method": each.method, "path": each.place}
    headers = {name: [value] for name, value in each.trail.items()}
    if each.sent is not None:
        request["body"] = {"content": each.sent, "contentType": "application/json", "encoded": False}
        headers["content-type"] = ["application/json"]
    if each.method in ("PATCH", "PUT", "DELETE"):
        headers["if-match"] = ["*"]
    if headers:
        request["headers"] = headers
    if each.query:
        query: dict[str, list[str]] = defaultdict(list)
        for name, value in each.query:
            query[name].append(value)
        request["query"] = dict(query)
    response: Record = {"status": each.status}
    enumeration = partial(shapes.answer, each.system, each.operation, each.status)
    kept = later.used(each.answered, each.seq, enumeration)
    if isinstance(kept, (dict, list)):
        media = "application/json" if each.status < 400 else "application/problem+json"
        response["headers"] = {"content-type": [media]}
        response["body"] = {"content": kept, "contentType": "application/json", "encoded": False}
        response["matchingRules"] = {
            "body": matching.rules(kept, enumeration),
            "header": {
                "content-type": {"combine": "AND", "matchers": [{"match": "regex", "regex": "^application/.*json.*$"}]}
            },
        }
    return {
        "type": "Synchronous/HTTP",
        "key": key,
        "description": f"{each.operation} answers {each.status} ({run.scenario}, {each.seq})",
        "pending": False,
        "providerStates": state(run, step, each.at),
        "request": request,
        "response": response,
        "comments": {"references": {"counterfoil": {"operation": each.operation}}},
    }


def message_interaction(run: Run, event: Told, cause: str | None, later: Flow, shapes: Shapes) -> Record:
    """An event that the integration took."""
    enumeration = partial(shapes.event, event.system, event.type)
    after = later.used(event.envelope, event.seq, enumeration)
    content = {name: value for name, value in event.envelope.items() if name in ATTRIBUTES}
    content["data"] = {"after": {}, **after.get("data", {})}
    rules = matching.rules(content, enumeration)
    rules.pop("$.type", None)
    comments: Record = {"operation": event.type} | ({"follows": cause} if cause is not None else {})
    return {
        "type": "Asynchronous/Messages",
        "key": f"{event.system}-{run.scenario}-{event.seq}",
        "description": f"{event.type} ({run.scenario}, {event.seq})",
        "pending": False,
        "providerStates": state(run, event.step, event.at, event=event.type),
        "contents": {"content": content, "contentType": "application/cloudevents+json", "encoded": False},
        "matchingRules": {"body": rules},
        "metadata": {"contentType": "application/cloudevents+json"},
        "comments": {"references": {"counterfoil": comments}},
    }


class Flow:
    """What the integration sent, by value: where a value was sent last."""

    def __init__(self, run: Run) -> None:
        self._last: dict[str, int] = {}
        for each in run.exchanges:
            if not each.by_person:
                for value in spoken(each):
                    if telling(value):
                        self._last[str(value)] = each.seq

    def used(self, value: Any, seq: int, enumeration: matching.Enumeration, path: str = "$", name: str = "") -> Any:
        """The part of an answer, heard at `seq`, that the integration can have used; None for nothing."""
        if isinstance(value, Mapping):
            kept = {
                each: part
                for each, inner in value.items()
                if (part := self.used(inner, seq, enumeration, path + matching.member(each), each)) is not None
            }
            return kept or ({} if path == "$" or name in STRUCTURE else None)
        if isinstance(value, list):
            return self._used_list(value, seq, enumeration, path, name)
        if value is None:
            return None
        flows = telling(value) and self._last.get(str(value), 0) > seq
        decides = isinstance(value, bool) or (isinstance(value, str) and bool(enumeration(path)))
        return value if name in NAMES or flows or decides else None

    def _used_list(self, value: list[Any], seq: int, enumeration: matching.Enumeration, path: str, name: str) -> Any:
        parts = [part for each in value if (part := self.used(each, seq, enumeration, f"{path}[*]")) is not None]
        if not parts or not all(isinstance(each, dict) for each in parts):
            return [] if name in STRUCTURE and not value else None
        return [common([each for each in value if isinstance(each, dict)], parts)]


def common(whole: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, Any]]) -> Record:
    """The used members that every element of a list has, with a value of the same kind; as the first element that holds one says."""
    made: Record = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        kinds = {type(each.get(name)) for each in whole}
        value = next(part[name] for part in parts if name in part)
        if len(kinds) == 1 and type(None) not in kinds and not isinstance(value, (dict, list)):
            made[name] = value
        elif isinstance(value, dict) and kinds == {dict}:
            inner = [part[name] for part in parts if name in part]
            made[name] = common([each[name] for each in whole], inner)
    return made


def telling(value: Any) -> bool:
    """Whether that a value was sent on says that it was read before: not so for small numbers, flags and short words."""
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int):
        return abs(value) >= LEAST_NUMBER
    return not isinstance(value, str) or (len(value) > 2 and not re.fullmatch(r"-?\d{1,2}", value))
