"""The connector of Kantata: projects, customers, tasks, milestones, people, time and expenses by Kantata's own API at `/api/v1`.

It is what an integration with Kantata would write: a bearer token that never expires, the envelope of ordered results and keyed
objects, custom fields for what Kantata has no place for, pages that begin again where the last one ended, and a look before a POST is
repeated, because there are no idempotency keys. There is no client library of the vendor's for Python.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Records, Trail
from counterfoil.reference.connectors.kantata_billed import Billed
from counterfoil.reference.connectors.kantata_objects import (
    BILLING,
    DEEDS,
    FLAGS,
    LISTS,
    MADE,
    NATIVE,
    THINGS,
    WRITTEN,
    Thing,
    completed,
    moment,
    titled,
)
from counterfoil.reference.connectors.native import Call, NativeConnector, batches, or_none
from counterfoil.reference.connectors.vendor import VendorConnector, VendorWire
from counterfoil.reference.errors import Refused

PAGE = 200
"""The most that a page may have."""
CODES = {401: "NO_TOKEN", 403: "FORBIDDEN", 404: "NOT_FOUND"}
COMMON = {"updated_since": "updated_after", "id": "only"}
"""Filters that all lists have."""
EXISTS = "exists already"
"""What a refusal of a second record says: Kantata has no codes, clients match the text."""


class Wire(VendorWire):
    """Calls to Kantata's API."""

    def __init__(
        self, owner: NativeConnector, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10
    ) -> None:
        super().__init__(owner, settings, session, patience)
        self.base = f"{settings.url}/api/v1"
        self._token = settings.credentials["access_token"]

    def _understood(self, status: int, headers: Mapping[str, str], answer: Any) -> tuple[int, Any]:
        if status < 400 or not isinstance(answer, dict) or not answer.get("errors"):
            return status, answer
        errors = answer["errors"]
        told = "; ".join(str(each["message"]) for each in errors)
        code = CODES.get(status, "INVALID")
        if status == 422 and EXISTS in told:
            status, code = 409, "DUPLICATE_KEY"
        return status, {"code": code, "detail": told, "field": errors[0].get("field")}

    async def ask(self, path: str, **query: Any) -> Record:
        """One GET: the envelope."""
        answer: Record = await self.send(Call("GET", f"/{path}?{urlencode(query)}"))
        return answer

    async def say(
        self, method: str, path: str, body: Any, trail: Trail, look_up: LookUp | None = None, include: str = ""
    ) -> Record:
        """One write: the envelope, or what look_up has found."""
        asked = f"/{path}?{urlencode({'include': include})}" if include else f"/{path}"
        answer: Record = await self.send(self._write(method, asked, body, trail), look_up)
        return answer


@dataclass(frozen=True)
class Custom:
    """The custom fields of one kind of object: their ids and types by name."""

    ids: Mapping[str, str]
    types: Mapping[str, str]

    def said(self, name: str, value: Any) -> Any:
        """A value of ours as the field takes it."""
        if value is None:
            return None
        if self.types[name] == "currency":
            return [value["minor"], value["ccy"]]
        if isinstance(value, bool):
            return str(value).lower()
        return orjson.dumps(value).decode() if isinstance(value, list) else value

    def meant(self, name: str, value: Any) -> Any:
        """A value of the field as ours."""
        if self.types[name] == "currency":
            return {"minor": value[0], "ccy": value[1]}
        if name in FLAGS:
            return value == "true"
        return orjson.loads(value) if name in LISTS else value


class Connector(VendorConnector):
    """A PSA that speaks as Kantata, which does not say how long it wants to be left alone after too many calls."""

    NATIVE = NATIVE
    untold = 0.25

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        super().__init__(settings, session, patience)
        self.kantata = Wire(self, settings, session, patience)
        self._turn_custom = asyncio.Lock()
        self._billed = Billed(self)
        self.forget()

    def forget(self) -> None:
        """Forget custom fields and the ids of business keys."""
        self._custom: dict[str, Custom] = {}
        self._ids: dict[tuple[str, str], str] = {}

    # reading

    async def get(self, entity: str, key: str) -> Record | None:
        """A record by Kantata's id or business key, None where there is none."""
        thing = THINGS.get(entity)
        if thing is None:
            return await super().get(entity, key)
        if key.isdecimal():
            path, query = f"{thing.path}/{key}", {}
        else:
            path, query = thing.path, await self._asked(thing, thing.named(key))
        asked = self.kantata.ask(path, **query, include=thing.include, apply_default_filters="false")
        envelope = await or_none(asked)
        found = None if envelope is None else await self._ours(entity, thing, envelope)
        return found[0] if found else None

    async def pages(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        """All records that equal every named field, page by page.

        Where the order is that of changes, the next page begins at the second of the last record: rows that move while one reads would
        shift others past a page.
        """
        thing = THINGS.get(entity)
        pages = super().pages(entity, where) if thing is None else self._pages(entity, thing, where)
        async for page in pages:
            yield page

    async def list_fields(self, entity: str, where: Mapping[str, Any], fields: Sequence[str]) -> Records:
        """The same records, without their custom fields where those are not looked at: they are most of what Kantata sends."""
        thing = THINGS.get(entity)
        if thing is None or not all(name in thing.fields.by_ours for name in fields):
            return await self.list(entity, where)
        bare = replace(thing, include="")
        return [record async for page in self._pages(entity, bare, where) for record in page]

    async def _pages(self, entity: str, thing: Thing, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        query, number = await self._asked(thing, where), 1
        seen: set[str] = set()
        while True:
            said = {"order": thing.order, "page": number, "per_page": PAGE}
            said |= {"include": thing.include} if thing.include else {}
            envelope = await self.kantata.ask(thing.path, **query, **said, apply_default_filters="false")
            page = await self._ours(entity, thing, envelope)
            fresh = [each for each in page if each["id"] not in seen]
            seen.update(each["id"] for each in fresh)
            yield fresh
            if len(page) < PAGE:
                return
            last = page[-1]["updated_at"]
            if thing.order == "updated_at:asc" and last != page[0]["updated_at"]:
                query, number = {**query, "updated_after": last}, 1
            else:
                number += 1

    async def _asked(self, thing: Thing, where: Mapping[str, Any]) -> Record:
        """What to ask a list for: Kantata's own filters, and values of custom fields for all others."""
        custom = await self._fields(thing)
        found: Record = dict(thing.always)
        texts = []
        for name, value in where.items():
            if name in COMMON:
                found[COMMON[name]] = value
            elif name in thing.filters:
                found[thing.filters[name]] = value
            else:
                texts.append(f"({custom.ids[name]}:{custom.said(name, value)})")
        return {**found, "by_custom_text_value": ":".join(texts)} if texts else found

    async def _fields(self, thing: Thing) -> Custom:
        """The custom fields of a kind of object; an account's fields do not change while one works with it."""
        async with self._turn_custom:
            if thing.subject not in self._custom:
                envelope = await self.kantata.ask("custom_fields", subject_type=thing.subject, per_page=PAGE)
                known = [envelope["custom_fields"][each["id"]] for each in envelope["results"]]
                self._custom[thing.subject] = Custom(
                    {each["name"]: each["id"] for each in known}, {each["name"]: each["value_type"] for each in known}
                )
        return self._custom[thing.subject]

    async def _ours(self, entity: str, thing: Thing, envelope: Record) -> Records:
        """The primary objects of an envelope in our words, in its order; the keyed map alone has none."""
        custom = await self._fields(thing)
        found = []
        for each in envelope["results"]:
            shown = envelope[thing.path][each["id"]]
            record: Record = dict.fromkeys(custom.ids)
            for id in shown.get("custom_field_value_ids") or ():
                value = envelope["custom_field_values"][id]
                name = value["custom_field_name"]
                record[name] = custom.meant(name, value["value"])
            record |= thing.fields.read(shown) | {
                "id": shown["id"],
                "created_at": moment(shown["created_at"]),
                "updated_at": moment(shown["updated_at"]),
                "deleted_at": None,
            }
            record["key"] = "/".join(str(record[name]) for name in thing.key)
            found.append(completed(entity, record))
        return found

    async def _id(self, entity: str, key: str) -> str:
        """The id that a body names a record by; that of a business key never changes."""
        if key.isdecimal():
            return key
        if (entity, key) not in self._ids:
            found = await self.get(entity, key)
            if found is None:
                raise Refused(422, {"code": "NOT_FOUND", "detail": f"there is no {entity} {key}"}, f"GET {entity}")
            self._ids[entity, key] = found["id"]
        return self._ids[entity, key]

    # writing

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        """Make a record. look_up finds it where an attempt without an answer may have made it."""
        if entity not in MADE:
            return await super().create(entity, values, trail, look_up)
        thing = THINGS[entity]
        body = {thing.root: await self._said(thing, values, new=True)}
        try:
            answer = await self.kantata.say("POST", thing.path, body, trail, look_up, thing.include)
        except Refused as refused:
            there = await look_up() if thing.elsewhere and look_up and refused.code == "DUPLICATE_KEY" else None
            if there is None:
                raise
            answer = there  # what another object says of it may be missing
        record = await self._made(entity, thing, answer)
        if thing.elsewhere and await self._price([values], [record], trail):
            return await self.known(entity, record["id"])
        return record

    async def create_all(self, entity: str, many: Sequence[Record], trail: Trail, look_up: LookUp | None) -> None:
        """Make several records, all or none."""
        thing = THINGS.get(entity)
        if thing is None or not thing.bulk:
            return await super().create_all(entity, many, trail, look_up)
        for _, part, there in batches(many, thing.bulk, look_up):
            body = {thing.path: [await self._said(thing, each, new=True) for each in part]}
            answer = await self.kantata.say("POST", thing.path, body, trail, there, thing.include)
            if thing.elsewhere:
                project = {"project": await self._id("project", str(part[0]["project"]))}
                found = "results" in answer
                made = await self._ours(entity, thing, answer) if found else await self.list(entity, project)
                await self._price(part, made, trail)
        return None

    async def _made(self, entity: str, thing: Thing, answer: Record) -> Record:
        """The record of a write's envelope; what a look-up has found is our own record already."""
        return (await self._ours(entity, thing, answer))[0] if "results" in answer else answer

    async def _price(self, wanted: Sequence[Record], made: Records, trail: Trail) -> bool:
        """Say what milestones bill, which is not the story's but its billing milestone's; False where there is nothing to say."""
        stories = {each["ms_code"]: each for each in made}
        items = []
        for each in wanted:
            story = stories[each["ms_code"]]
            if each.get("amount") is not None and story["amount"] is None:
                item = {
                    "story_id": story["id"],
                    "workspace_id": story["project"],
                    "title": story["name"],
                    "billing_type": "upon_completion",
                    "amount_in_cents": each["amount"]["minor"],
                    "date_to_invoice": each.get("planned"),
                }
                items.append({name: value for name, value in item.items() if value is not None})
        if items:
            await self.kantata.say("POST", "billing_milestones", {"billing_milestones": items}, trail)
        return bool(items)

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        """Change a record that has been read."""
        if entity not in MADE:
            return await super().patch(entity, record, changes, trail)
        thing = THINGS[entity]
        if "name_full" in changes and "name" not in changes:
            changes = {"name": record["name"], **changes}
        return await self._put(entity, thing, record["id"], await self._said(thing, changes, new=False), trail)

    async def _put(self, entity: str, thing: Thing, id: str, said: Record, trail: Trail) -> Record:
        path = f"{thing.path}/{quote(id, safe='')}"
        answer = await self.kantata.say("PUT", path, {thing.root: said}, trail, None, thing.include)
        return (await self._ours(entity, thing, answer))[0]

    async def remove(self, entity: str, record: Record, trail: Trail) -> None:
        """Delete a record that has been read; one that is gone is gone."""
        thing = THINGS.get(entity)
        if thing is None:
            return await super().remove(entity, record, trail)
        await or_none(self.kantata.say("DELETE", f"{thing.path}/{quote(record['id'], safe='')}", None, trail))
        return None

    async def act(self, action: str, subject: Mapping[str, str], fields: Record, trail: Trail) -> Record:
        """Have a deed done to the subject (`key` or `id`)."""
        if action not in DEEDS and action not in BILLING:
            return await super().act(action, subject, fields, trail)
        id = await self._id("project", subject.get("id") or subject["key"])
        if action == "mark_billed":
            await self._billed.mark(id, fields["items"], trail)
            return {"id": id}
        if action == "release_billed":
            left = await self._billed.release(id, fields["items"], trail)
            return await super().act(action, {"id": id}, {"items": left}, trail) if left else {"id": id}
        try:
            return await self._put("project", THINGS["project"], id, {"status_key": DEEDS[action]}, trail)
        except Refused as refused:
            if refused.status != 422:
                raise
            raise Refused(409, {**refused.body, "code": "ILLEGAL_TRANSITION"}, action) from refused

    async def _said(self, thing: Thing, values: Mapping[str, Any], *, new: bool) -> Record:
        """Values of ours as attributes and custom fields of a body."""
        custom, rows = await self._fields(thing), thing.fields.by_ours
        known: Record = {}
        fields = []
        for name, value in titled(dict(values)).items():
            meant = (
                await self._id(thing.refers[name], str(value)) if name in thing.refers and value is not None else value
            )
            if name in rows:
                known[name] = meant
            elif name != thing.elsewhere:
                fields.append({"custom_field_id": custom.ids[name], "value": custom.said(name, meant)})
        said = {WRITTEN.get(name, name): value for name, value in thing.fields.say(known).items()}
        return {**(thing.given if new else {}), **said, **({"custom_fields": fields} if fields else {})}
