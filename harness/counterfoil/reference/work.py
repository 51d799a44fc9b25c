"""One event being dealt with: what its handler reads and writes with. Every write carries the event's trail, and every effect that
has happened is remembered, so that a retry goes on where the last attempt stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from counterfoil.reference.connectors import Connector, LookUp, Record, Records, Trail
from counterfoil.reference.errors import Missing, Refused, Unfit
from counterfoil.reference.event import Event
from counterfoil.reference.state import State

Done = Callable[[Record], bool]


class Work:
    """name: what the event's steps are kept under. provided: what has come into being and may be waited for."""

    def __init__(self, seq: int, name: str, event: Event, state: State, systems: Mapping[str, Connector]) -> None:
        self.seq = seq
        self.name = name
        self.event = event
        self.state = state
        self.systems = systems
        self.provided: list[str] = []

    def trail(self, effect: str) -> Trail:
        """What a write of this event carries: the same key for the same effect."""
        key = hashlib.blake2b(f"{self.name}|{effect}".encode(), digest_size=16).hexdigest()
        return Trail(self.event.flow, self.event.id, self.event.traceparent, key)

    # reading

    async def get(self, system: str, entity: str, key: str | None) -> Record | None:
        """A record, None where there is none."""
        return await self.systems[system].get(entity, key) if key else None

    async def need(self, system: str, entity: str, key: str | None) -> Record:
        """A record that must be there; raises Missing where it has not come yet, Unfit where nothing names it."""
        if not key:
            raise Unfit("FIELD_MISSING", f"{self.event.key} names no {entity.replace('_', ' ')}.")
        found = await self.systems[system].get(entity, key)
        if found is None:
            raise Missing(f"{system} {entity.replace('_', ' ')} {key}")
        return found

    async def list(self, system: str, entity: str, **where: Any) -> Records:
        """All records that equal every named field."""
        return await self.systems[system].list(entity, where)

    async def current(self, entity: str) -> Record:
        """The record that the event is about, as its own system shows it now: an event says that something changed, not what is."""
        return await self.need(self.event.system, entity, self.event.record_id)

    def provide(self, what: str) -> None:
        """Say that something has come that events may have waited for."""
        self.provided.append(what)

    # writing

    async def once(self, effect: str, deed: Callable[[Trail], Awaitable[Record]]) -> Record:
        """Have an effect, unless this event has had it before; returns its result."""
        before = self.state.step(self.name, effect)
        if before is not None:
            return before
        try:
            result = await deed(self.trail(effect))
        except Refused as error:
            if error.code == "BOOKS_MOVED":
                raise Missing("erp books") from error
            raise
        self.state.keep_step(self.name, effect, result)
        return result

    async def create(
        self, system: str, entity: str, values: Record, *, effect: str = "", key: str | None = None
    ) -> Record:
        """Make a record. effect: tells it from others of its kind that the event makes. key: its business key, under which it is
        found where it exists already."""
        connector = self.systems[system]
        look_up: LookUp | None = None if key is None else lambda: connector.get(entity, key)
        given = {
            "source_key": self.event.key[:255],
            **{name: value for name, value in values.items() if value is not None},
        }

        async def deed(trail: Trail) -> Record:
            try:
                return await connector.create(entity, given, trail, look_up)
            except Refused as error:
                found = await look_up() if look_up is not None and error.code in EXISTS else None
                if found is None:
                    raise
                return found

        return await self.once(f"{system}.{entity}.create:{effect or key or ''}", deed)

    async def create_all(
        self, system: str, entity: str, many: Sequence[Record], *, key: Callable[[Record], str] | None = None
    ) -> None:
        """Make several records at once, all or none; where the batch is refused, one by one, so that each says what is wrong with it.

        key: the business key of one, where the system refuses a second record with the same.
        """
        connector = self.systems[system]
        given = [
            {"source_key": self.event.key[:255], **{name: value for name, value in each.items() if value is not None}}
            for each in many
        ]

        async def deed(trail: Trail) -> Record:
            look_up: LookUp | None = None if key is None else lambda: connector.get(entity, key(many[0]))
            try:
                await connector.create_all(entity, given, trail, look_up)
            except Refused:
                for at, each in enumerate(many):
                    await self.create(system, entity, each, effect=str(at), key=key(each) if key else None)
            return {}

        if given:
            await self.once(f"{system}.{entity}.create_all", deed)

    async def patch(self, system: str, entity: str, record: Record, changes: Record) -> Record:
        """Change what differs; nothing is written where nothing does."""
        differing = {name: value for name, value in changes.items() if record.get(name) != value}
        if not differing:
            return record
        connector = self.systems[system]
        return await connector.patch(entity, record, differing, self.trail(f"{system}.{entity}.patch:{record['id']}"))

    async def remove(self, system: str, entity: str, record: Record) -> None:
        """Delete a record."""
        await self.systems[system].remove(entity, record, self.trail(f"{system}.{entity}.remove:{record['id']}"))

    async def act(
        self,
        system: str,
        action: str,
        *,
        key: str | None = None,
        id: str | None = None,
        effect: str = "",
        entity: str = "",
        done: Done | None = None,
        already: Sequence[str] = (),
        awaited: str = "",
        **fields: Any,
    ) -> Record:
        """Have a deed done. done: tells from the record (an `entity`) that it was done already, also by an attempt without an answer.
        already: refusals that say so by themselves. awaited: what is waited for where the system has no such subject yet."""
        connector = self.systems[system]
        subject = {"key": key} if key is not None else {"id": id} if id is not None else {}
        given = {name: value for name, value in fields.items() if value is not None}

        async def deed(trail: Trail) -> Record:
            try:
                return await connector.act(action, subject, given, trail)
            except Refused as error:
                if error.code in already:
                    return {"key": key, "id": id}
                if error.status == 404 and awaited:
                    raise Missing(awaited) from error
                found = await connector.get(entity, key or id or "") if error.status == 409 and done else None
                if found is None or done is None or not done(found):
                    raise
                return found

        return await self.once(f"{system}.{action}:{effect or key or id or ''}", deed)


EXISTS = ("DUPLICATE_KEY",)


def is_in(field: str, *states: str) -> Done:
    """Tells whether a record has got to one of these states."""
    return lambda record: record.get(field) in states


def total(amounts: Sequence[Record | None], ccy: str) -> Record | None:
    """The sum of money values, None where there is none to add."""
    found = [each["minor"] for each in amounts if each is not None]
    return {"minor": sum(found), "ccy": ccy} if found else None


def minor(amount: Record | None) -> int:
    """Minor units of a money value, 0 for none."""
    return 0 if amount is None else int(amount["minor"])
