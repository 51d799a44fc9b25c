"""What an operation is: something that may be asked of a system, with no word about HTTP. `offers.py` has those of every role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from counterfoil_mocks.kernel import pages
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.role import Action
from counterfoil_mocks.kernel.system import Origin, System

ANY_VERSION = "*"


class Answer(NamedTuple):
    """What an operation gives back. payload: JSON in wire form. key: business key of what it was about. version: of the record.
    location: its path below the face's root. headers: further ones. later: gives the answer in this one's place when its time has come;
    until then the call does not count as traffic."""

    status: int
    payload: Any
    key: str | None = None
    version: int | None = None
    location: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    later: Callable[[], Awaitable[Answer]] | None = None


@dataclass(slots=True)
class Ask:
    """One call. subject: id or key from the path. body: parsed JSON. if_match: as in HTTP, without quotes. fingerprint: of the call,
    where it has an idempotency key. hidden and fail_item: marks that faults have left. as_json: records that are read may come as JSON text
    (`orjson.Fragment`) in the payload. params: parts of the path by name. request: as the face got it, where one did."""

    system: System
    origin: Origin
    operation: Operation
    subject: str = ""
    body: Any = None
    query: pages.Query = ()
    if_match: str | None = None
    idempotency_key: str | None = None
    fingerprint: str = ""
    hidden: Callable[[Record], bool] | None = None
    fail_item: Callable[[int], bool] | None = None
    as_json: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    request: Any = None


@dataclass(frozen=True, eq=False)
class Operation:
    """One thing that can be asked. path: below the face's root, `{id}` for the subject. status: of success. write: it changes state.
    secret: its bodies are not for the journal. public: needs no token. lasting: an answer of 200 holds until something is written to its
    system. about: whatever a face keeps with it."""

    name: str
    method: str
    path: str
    run: Callable[[Ask], Answer]
    summary: str
    status: int = 200
    entity: Entity | None = None
    action: Action | None = None
    kind: str = ""
    write: bool = False
    secret: bool = False
    public: bool = False
    lasting: bool = False
    about: Any = None
    body: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", self.method in ("POST", "PATCH", "PUT"))
