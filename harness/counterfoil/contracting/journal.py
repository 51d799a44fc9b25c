"""What a run left behind (`counterfoil run --export`), read as the traffic of an integration: what it sent, what it was told, and the
deeds between, which bring a landscape to the same state again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from counterfoil.client import plural, segment
from counterfoil.descriptor import Unreadable

Record = dict[str, Any]
PERSON = "user"
COMMITTED = ("commit_then_500", "lost_response", "truncated_body")
"""Faults after which the deed is done whatever the caller was told."""
HIDDEN = "***"
NATIVE = "/native/v1"
UNTOLD = ("token", "openapi")


@dataclass(frozen=True)
class Exchange:
    """A request with its answer, as the journal has it. sent, answered: decoded JSON; None for no body, or one that cannot be read."""

    seq: int
    system: str
    operation: str
    at: str
    method: str
    path: str
    status: int
    sent: Any
    answered: Any
    by_person: bool
    fault: str | None
    correlation_id: str | None = None
    causation_id: str | None = None

    @property
    def writes(self) -> bool:
        """Whether it has changed the state."""
        done = self.status < 400 or any(each in (self.fault or "") for each in COMMITTED)
        return done and self.method != "GET" and self.operation not in UNTOLD and "webhook" not in self.operation

    @property
    def query(self) -> list[tuple[str, str]]:
        """Query parameters as sent."""
        return parse_qsl(urlsplit(self.path).query, keep_blank_values=True)

    @property
    def trail(self) -> dict[str, str]:
        """Headers that say what the call belongs to."""
        named = {"x-correlation-id": self.correlation_id, "x-causation-id": self.causation_id}
        return {name: value for name, value in named.items() if value}

    @property
    def place(self) -> str:
        """The path without its query."""
        return urlsplit(self.path).path


@dataclass(frozen=True)
class Told:
    """An event that was delivered to the integration. step: how many deeds had been done when it happened."""

    seq: int
    system: str
    type: str
    at: str
    envelope: Record
    step: int
    cause: int | None


@dataclass
class Run:
    """One scenario of a run. exchanges: in order; told: events that were delivered and taken, each once."""

    scenario: str
    integration: str
    seed: int
    size: str | None
    exchanges: list[Exchange] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    @property
    def deeds(self) -> list[Exchange]:
        """What changed the state, in order."""
        return [each for each in self.exchanges if each.writes]


def read(folder: Path) -> list[Run]:
    """The scenarios of a run; raises Unreadable for a folder that holds none."""
    try:
        about = orjson.loads((folder / "run.json").read_bytes())
        lines = (folder / "journal.ndjson").read_bytes().splitlines()
    except (OSError, orjson.JSONDecodeError) as error:
        why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else error
        raise Unreadable(
            f"{folder} is no export of a run ({why}); make one: counterfoil run S-01 --export {folder}"
        ) from error
    if about.get("faults"):
        raise Unreadable(f"{folder}: the run was disturbed by the faults {about['faults']}; record one without")
    runs: dict[str, Run] = {}
    entries: dict[str, list[Record]] = {}
    for line in lines:
        entry = orjson.loads(line)
        entries.setdefault(entry.get("scenario") or about["scenarios"][0], []).append(entry)
    for scenario, found in entries.items():
        runs[scenario] = Run(scenario, about.get("name") or about["integration"], about["seed"], about["size"])
        _fill(runs[scenario], found)
    if not any(run.exchanges for run in runs.values()):
        raise Unreadable(f"{folder}: the integration sent nothing in this run, so that nothing can be recorded")
    return list(runs.values())


def _fill(run: Run, entries: list[Record]) -> None:
    by_seq = sorted(entries, key=lambda entry: int(entry["seq"]))
    announced: dict[str, tuple[str, int, int | None]] = {}
    taken = {each["event_id"] for each in by_seq if each["kind"] == "delivery" and 200 <= (each["status"] or 0) < 300}
    bodies = {each["event_id"]: each["request"] for each in by_seq if each["kind"] == "delivery" and each["request"]}
    steps, cause = 0, None
    for entry in by_seq:
        if entry["kind"] in ("request", "deed"):
            exchange = _exchange(entry)
            if exchange is not None:
                run.exchanges.append(exchange)
                if exchange.writes:
                    steps, cause = steps + 1, exchange.seq
        elif entry["kind"] == "timer":
            cause = None
        elif entry["kind"] == "event" and entry["event_id"] in taken and entry["event_id"] not in announced:
            announced[entry["event_id"]] = (entry["at"], steps, cause)
            envelope = _decoded(bodies.get(entry["event_id"]))
            if isinstance(envelope, dict) and isinstance(envelope.get("data"), dict):
                told = Told(entry["seq"], entry["system"], entry["operation"], entry["at"], envelope, steps, cause)
                run.told.append(told)


def _decoded(text: str | None) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def _exchange(entry: Mapping[str, Any]) -> Exchange | None:
    """An entry as an exchange; None for what is no business of an integration (its own state, the health of a system)."""
    operation, status = entry["operation"], entry["status"]
    if not operation or not status:
        return None
    answered = _decoded(entry["response"])
    person = entry["kind"] == "deed"
    if person:
        method, path = _deed(operation, entry, answered)
    else:
        method, path = entry["method"], entry["path"] or ""
    return Exchange(
        entry["seq"],
        entry["system"],
        operation,
        entry["at"],
        method,
        path,
        status,
        _decoded(entry["request"]),
        answered,
        person,
        entry["fault"],
        entry["correlation_id"],
        entry["causation_id"],
    )


def _deed(operation: str, entry: Mapping[str, Any], answered: Any) -> tuple[str, str]:
    """Method and path, below a system of the control plane, of what a person did."""
    verb, _, entity = operation.partition("_")
    named = answered if isinstance(answered, dict) else {}
    subject = named.get("id") or entry["key"] or ""
    if verb in ("update", "delete") and "record" not in named and "events" not in named:
        return {"update": "PATCH", "delete": "DELETE"}[verb], f"/{plural(entity)}/{segment(subject)}"
    if verb == "create" and "record" not in named:
        return "POST", f"/{plural(entity)}"
    return "POST", f"/actions/{operation}"


def leaves(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Every plain value of a JSON value with its path."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, f"{path}[{number}]")
    else:
        yield path, value


def spoken(exchange: Exchange) -> Iterator[Any]:
    """Every value that a request holds: in its path, its query and its body."""
    for part in exchange.place.split("/"):
        if part:
            yield unquote(part)
    for _, value in exchange.query:
        yield value
    for _, value in leaves(exchange.sent):
        yield value
