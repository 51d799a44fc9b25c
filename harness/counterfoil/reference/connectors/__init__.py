"""Connectors: the only parts that know a wire. Flows speak canonical names; a connector turns them into calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from counterfoil.reference.event import Event

Record = dict[str, Any]
Records = list[Record]
LookUp = Callable[[], Awaitable[Record | None]]
"""How to find what a call without an answer may have made."""


@dataclass(frozen=True)
class Trail:
    """What every write carries, so that it can be traced back. flow: contract or opportunity number; cause: event id; key: the same
    for the same effect of the same event, however often it is tried."""

    flow: str | None = None
    cause: str | None = None
    traceparent: str | None = None
    key: str | None = None


class Connector(Protocol):
    """One system, in canonical words. Every method raises Refused or Unreachable."""

    name: str

    def refuses_second(self, entity: str) -> bool:
        """Whether the system refuses a second record with the same business key, so that nobody needs to look before making one."""

    async def get(self, entity: str, key: str) -> Record | None:
        """A record by native id or business key, None where there is none."""

    async def list(self, entity: str, where: Mapping[str, Any]) -> Records:
        """All records that equal every named field."""

    async def list_fields(self, entity: str, where: Mapping[str, Any], fields: Sequence[str]) -> Records:
        """The same records, of which only these fields are looked at: others may be missing."""

    def pages(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        """The same, page by page, oldest change first."""

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        """Make a record. look_up finds it where an attempt without an answer may have made it."""

    async def create_all(self, entity: str, many: Sequence[Record], trail: Trail, look_up: LookUp | None) -> None:
        """Make several records, all or none."""

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        """Change a record that has been read."""

    async def act(self, action: str, subject: Mapping[str, str], fields: Record, trail: Trail) -> Record:
        """Have a deed done to the subject (`key` or `id`)."""

    async def remove(self, entity: str, record: Record, trail: Trail) -> None:
        """Delete a record that has been read."""

    def forget(self) -> None:
        """Forget what has been read; the system may be another one now."""

    async def subscribe(self, address: str, types: Sequence[str]) -> None:
        """See to it that events come to an address, at the start and after a reset. types: what is dealt with, without prefix and version."""

    def event(self, body: bytes, headers: Mapping[str, str], tolerance: int) -> Event:
        """The event in a delivery; raises BadSignature, BadEvent. tolerance: most seconds between its signature's time and now."""
