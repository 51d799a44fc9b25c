"""Events out by CometD (Bayeux over long polling): change data capture, platform events, and their replay."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.crm.salesforce import outbound, topics
from counterfoil_mocks.crm.salesforce.describe import compound_of
from counterfoil_mocks.crm.salesforce.desk import VENDOR
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import line_id
from counterfoil_mocks.crm.salesforce.inner import INNER, Within
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace
    from counterfoil_mocks.crm.salesforce.desk import Desk
    from counterfoil_mocks.kernel.system import System

RETAINED_HOURS = 72
HELD_SECONDS = 110
MOST_AT_ONCE = 200
UNAUTHENTICATED = "401::Authentication invalid"
SHAKEN, CONNECTED = "shaken", "connected"
"""What a client has done; its first connect is answered at once, as some wait for that before they go on."""
LINES_OF = {
    "quote": ("SOW_Line__c", "Milestone__c"),
    "contract": ("SOW_Line__c", "Milestone__c"),
    "rate_card": ("Rate_Card_Row__c",),
    "change_order": ("Change_Order_Line__c", "Change_Order_Milestone__c"),
}
"""The objects that live within documents, by the documents' entities."""
SILENT = ("LastModifiedDate", "SystemModstamp", "LastModifiedById", "IsDeleted", "Id")
INVALID_REPLAY = "400::The replayId {%s} you provided was invalid.  Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."


@dataclass
class Wait:
    """A call that is held until there are events."""

    waiting: asyncio.Event
    loop: asyncio.AbstractEventLoop


def channel_of(name: str) -> str:
    """The channel of an object's changes: `/data/AccountChangeEvent`, `/data/Milestone__ChangeEvent`."""
    return f"/data/{name.removesuffix('c')}ChangeEvent" if name.endswith("__c") else f"/data/{name}ChangeEvent"


class Streaming:
    """The CometD endpoint of an org. Events are rows of the outbox; a row's number is its replay id. A client that has shaken hands is kept
    by its id, and beside it, by id and channel, the last event that it has got of each."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face
        kept = [each for each in face.objects.values() if each.entity and not each.name.endswith("__e")]
        self.by_entity = {each.entity: each for each in kept if each.entity != "vendor_object"}
        self.within = {
            entity: [(face.objects[name.lower()], INNER[name]) for name in names] for entity, names in LINES_OF.items()
        }
        lines = {each.name: each for found in self.within.values() for each, _ in found}
        self.channels = {channel_of(each.name): each for each in (*kept, *lines.values())}
        self._clients = Kept(face.system, "cometd")
        self._held: list[Wait] = []
        face.system.world.on_commit.append(self._wake)
        face.system.world.on_news.append(self._wake)

    def operations(self) -> Iterable[Operation]:
        """Its routes; some clients append the name of the message."""
        for path in ("/cometd/{version}", "/cometd/{version}/{message}"):
            yield Operation("cometd", "POST", path, self._post, "Events", public=True)

    # telling

    def wrote(self, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
        """Put a change event for every record that a deed wrote into the outbox, and what topics and subscribers wait for."""
        asked = topics.of(self.face)
        for entity, before, after in touched:
            each = (
                self.face.objects.get(str(after["kind"]).lower())
                if entity.name == "vendor_object"
                else self.by_entity.get(entity.name)
            )
            if each is None or each.name.endswith("__e"):
                continue
            outbound.wrote(self.face, tx, each, entity, after)
            kind = "CREATE" if before is None else "UPDATE"
            if before is not None and (before["deleted_at"] is None) != (after["deleted_at"] is None):
                kind = "DELETE" if after["deleted_at"] is not None else "UNDELETE"
            names = self._changed(each, before, after) if kind == "UPDATE" and before is not None else []
            if names or kind != "UPDATE":
                payload = self._told(tx, each, kind, after["id"], names)
                tx.tell(entity, after, channel_of(each.name), {"payload": payload})
                changed = [*names, "LastModifiedDate"] if names else []
                topics.wrote(self.face, tx, asked, each, entity, kind, after, changed)
            for line, within in self.within.get(entity.name, ()):
                self._wrote_lines(tx, entity, line, within, kind, before, after)

    def _wrote_lines(
        self,
        tx: Tx,
        entity: Entity,
        each: SObject,
        within: Within,
        kind: str,
        before: Record | None,
        after: Record,
    ) -> None:
        """Put a change event for every line of a document that came, changed or went into the outbox."""
        old = within.keyed(before) if before is not None and kind != "UNDELETE" else {}
        new = within.keyed(after) if kind != "DELETE" else {}
        for key in (*new, *(gone for gone in old if gone not in new)):
            was, now = old.get(key), new.get(key)
            if was == now:
                continue
            what = "CREATE" if was is None else "DELETE" if now is None else "UPDATE"
            what = "UNDELETE" if kind == "UNDELETE" else what
            changed = [
                name
                for name in within.named
                if (was or {}).get(within.column(name)) != (now or {}).get(within.column(name))
            ]
            payload = self._told(tx, each, what, str(line_id(each.prefix, after["id"], key)), changed)
            tx.tell(entity, after, channel_of(each.name), {"payload": payload})

    def _told(self, tx: Tx, each: SObject, kind: str, record_id: str, names: list[str]) -> Record:
        """What is told of a change. names: the fields that changed, of an update."""
        desk = self.face.changing
        start, number = desk.numbered() if desk else (tx.now, 1)
        header: Record = {
            "entityName": each.name,
            "recordIds": [record_id],
            "changeType": kind,
            "changeOrigin": f"com/salesforce/api/rest/{desk.version if desk else '59.0'};client={desk.client if desk and desk.client else ''}",
            "transactionKey": str(uuid.UUID(int=ids.digest(start, self.face.system.world.seed, "transaction"))),
            "sequenceNumber": number,
            "commitTimestamp": int(clock.parse(tx.now).timestamp() * 1000),
            "commitNumber": int(clock.parse(tx.now).timestamp() * 1_000_000),
            "commitUser": self.face.org.user,
            "nulledFields": [],
            "diffFields": [],
            "changedFields": [],
        }
        payload: Record = {}
        if kind != "DELETE":
            found = self.face.reader.find(each, record_id, "59.0")
            record = found[1] if found is not None else {}
            formulas = {one.name for one in each.fields if one.sql is not None and not one.column and "ro" in one.marks}
            if kind == "UPDATE":
                names = [name for name in (*names, "LastModifiedDate") if not _told_in_parts(each, name)]
                header["changedFields"] = [".".join(_place(each, name)) for name in names]
                header["nulledFields"] = [".".join(_place(each, name)) for name in names if record.get(name) is None]
                payload = _nested(each, {name: _zulu(record[name]) for name in names if record.get(name) is not None})
            else:
                shown = {
                    name: _zulu(value)
                    for name, value in record.items()
                    if value is not None
                    and name not in ("attributes", "Id", "IsDeleted", "SystemModstamp")
                    and name not in formulas
                    and not _told_in_parts(each, name)
                }
                payload = _nested(each, shown)
        return {**payload, "ChangeEventHeader": header}

    @staticmethod
    def _changed(each: SObject, before: Record, after: Record) -> list[str]:
        names = []
        old, new = before.get("custom") or {}, after.get("custom") or {}
        for one in each.fields:
            if one.name in SILENT or (one.sql is not None and "ro" in one.marks):
                continue
            kept_apart = one.sql is not None and old.get(one.name) is not None and new.get(one.name) is not None
            differs = bool(one.column) and not kept_apart and before.get(one.column) != after.get(one.column)
            if differs or old.get(one.name) != new.get(one.name):
                names.append(one.name)
        return names

    def publish(self, desk: Desk, each: SObject, given: Any) -> Record:
        """Publish a platform event."""
        from counterfoil_mocks.crm.salesforce import values

        with desk.deed() as tx:
            said = desk.read(each, given, None)
            entity = desk.entity(each)
            kept = {name: values.kept(each.by_name[name.lower()], value) for name, value in said.items()}
            record_id = tx.system.new_id(each.prefix)
            event_id = str(uuid.UUID(int=ids.digest(self.face.system.world.seed, "event", record_id)))
            record = tx.insert(
                entity,
                {
                    "id": record_id,
                    "vendor": VENDOR,
                    "kind": each.name,
                    "name": event_id,
                    "custom": kept,
                },
            )
            every = {one.name: kept.get(one.name) for one in each.own}
            payload = {**every, "CreatedDate": tx.now, "CreatedById": self.face.org.user}
            tx.tell(entity, record, f"/event/{each.name}", {"payload": payload, "uuid": event_id})
        return {
            "id": record["id"],
            "success": True,
            "errors": [{"statusCode": "OPERATION_ENQUEUED", "message": event_id, "fields": []}],
        }

    # hearing

    def _post(self, ask: Ask) -> Answer:
        try:
            messages = orjson.loads(ask.request.body)
        except orjson.JSONDecodeError:
            raise Refused(400, "JSON_PARSER_ERROR", "The body is expected to be a list of messages.") from None
        messages = [messages] if isinstance(messages, dict) else messages
        if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
            raise Refused(400, "JSON_PARSER_ERROR", "The body is expected to be a list of messages.")
        replies: list[Record] = []
        held, asking = "", []
        for message in messages:
            channel = str(message.get("channel"))
            reply: Record = {"channel": channel} | ({"id": message["id"]} if "id" in message else {})
            client = str(message.get("clientId"))
            if channel == "/meta/handshake":
                replies.append(self._handshake(ask, reply))
            elif not self._signed_in(ask):
                advice = {"interval": 500, "reconnect": "none"}
                replies.append({**reply, "successful": False, "error": UNAUTHENTICATED, "advice": advice})
            elif not self._clients.get(client):
                advice = {"interval": 0, "reconnect": "handshake"}
                replies.append({**reply, "successful": False, "error": "403::Unknown client", "advice": advice})
            elif channel == "/meta/connect":
                held = client if self._clients.get(client) == CONNECTED and _wait(message) else held
                asking.append(client)
                advice = {"interval": 0, "timeout": HELD_SECONDS * 1000, "reconnect": "retry"}
                replies.append({**reply, "clientId": client, "successful": True, "advice": advice})
            else:
                replies.append({**reply, "clientId": client, **self._meta(client, channel, message)})
        for client in asking:
            self._clients.change(client, CONNECTED)
        if not asking:
            return Answer(200, replies)
        events = self._news(asking[-1])
        if events or not held or len(messages) > 1:
            return Answer(200, [*events, *replies])
        return Answer(200, replies, later=lambda: self._hold(held, replies))

    def _handshake(self, ask: Ask, reply: Record) -> Record:
        reply |= {"version": "1.0", "minimumVersion": "1.0", "supportedConnectionTypes": ["long-polling"]}
        if not self._signed_in(ask):
            ext = {"sfdc": {"failureReason": UNAUTHENTICATED}}
            return {
                **reply,
                "successful": False,
                "error": "403::Handshake denied",
                "ext": ext,
                "advice": {"reconnect": "none"},
            }
        system = self.face.system
        number = self._clients.count("number")
        client = ids.hexadecimal(28, system.world.seed, system.world.epoch, "cometd", number)
        self._clients.put(client, SHAKEN)
        return {**reply, "clientId": client, "ext": {"replay": True, "payload.format": True}, "successful": True}

    def _signed_in(self, ask: Ask) -> bool:
        try:
            self.face.sessions.check(ask.request)
        except Refused:
            return False
        return True

    def _heard(self, client: str) -> dict[str, int]:
        """The last event of each channel that a client has got."""
        return {name.partition(" ")[2]: heard for name, heard in self._clients.all(f"{client} ").items()}

    def _meta(self, client: str, channel: str, message: Record) -> Record:
        if channel == "/meta/disconnect":
            for kept in (client, *self._clients.all(f"{client} ")):
                self._clients.take(kept)
            self._stir()
            return {"successful": True}
        wanted = message.get("subscription")
        names = wanted if isinstance(wanted, list) else [wanted]
        if channel == "/meta/unsubscribe":
            for name in names:
                self._clients.take(f"{client} {name}")
            return {"successful": True, "subscription": wanted}
        if channel != "/meta/subscribe":
            return {"successful": False, "error": f"404::Unknown channel {channel}"}
        replay = (message.get("ext") or {}).get("replay")
        for name in names:
            error = self._subscribe(client, str(name), replay if isinstance(replay, Mapping) else {})
            if error:
                return {"successful": False, "subscription": wanted, "error": error}
        self._stir()
        return {"successful": True, "subscription": wanted}

    def _subscribe(self, client: str, name: str, replay: Mapping[str, Any]) -> str:
        """Subscribe a client to a channel; returns what is wrong with that."""
        known = name in self.channels or name == "/data/ChangeEvents"
        known = known or (name.startswith("/event/") and name[7:].lower() in self.face.objects)
        known = known or name in [f"{topics.CHANNEL}{topic['name']}" for topic in topics.of(self.face)]
        if not known:
            return f"404::The channel specified is not valid [{name}]"
        first, last = self._bounds()
        after = replay.get(name, -1)
        if not isinstance(after, int) or (after not in (-1, -2) and not first - 1 <= after <= last):
            return str(INVALID_REPLAY % after)
        self._clients.put(f"{client} {name}", last if after == -1 else first - 1 if after == -2 else after)
        return ""

    def _bounds(self) -> tuple[int, int]:
        """The first event that is still kept and the last one of all."""
        system = self.face.system
        since = clock.later(system.clock.now, hours=-RETAINED_HOURS)
        row = system.store.execute(
            f"SELECT min(CASE WHEN at >= ? THEN seq END), max(seq) FROM {system.schema}.outbox WHERE system = ? AND face = ?",
            (since, system.name, self.face.vendor),
        ).fetchone()
        last = int(row[1] or 0)
        return int(row[0] or last + 1), last

    def _news(self, client: str) -> list[Record]:
        """Events that a client has not heard."""
        channels = self._heard(client)
        if not channels:
            return []
        system = self.face.system
        rows = system.store.rows(
            f"SELECT seq, type, extra FROM {system.schema}.outbox WHERE system = ? AND face = ? AND seq > ? ORDER BY seq LIMIT ?",
            (system.name, self.face.vendor, min(channels.values()), MOST_AT_ONCE),
        )
        found = []
        for row in rows:
            for name, heard in channels.items():
                fits = name == row["type"] or (name == "/data/ChangeEvents" and row["type"].startswith("/data/"))
                if fits and row["seq"] > heard:
                    found.append(_message(name, row))
        for name, heard in channels.items():
            if rows and rows[-1]["seq"] > heard:
                self._clients.change(f"{client} {name}", rows[-1]["seq"])
        return found

    async def _hold(self, client: str, replies: list[Record]) -> Answer:
        """The answer to a connect: as soon as there are events, else when its time is over."""
        held = Wait(asyncio.Event(), asyncio.get_running_loop())
        shared = self.face.system.world.shared
        until = clock.monotonic() + HELD_SECONDS
        self._held.append(held)
        try:
            with nullcontext() if shared is None else shared.holding():
                while (left := until - clock.monotonic()) > 0:
                    events = self._news(client)
                    if events or not self._clients.get(client):
                        return Answer(200, [*events, *replies])
                    held.waiting.clear()
                    try:
                        await asyncio.wait_for(held.waiting.wait(), left)
                    except TimeoutError:
                        break
        finally:
            self._held.remove(held)
        return Answer(200, replies)

    def _stir(self) -> None:
        """Somebody has subscribed or left, in this process or another."""
        self._wake(self.face.system)
        self.face.system.world.tell(self.face.system)

    def _wake(self, system: System) -> None:
        if system is self.face.system:
            for each in self._held:
                each.loop.call_soon_threadsafe(each.waiting.set)


def _place(each: SObject, name: str) -> tuple[str, ...]:
    """Where an event has a field: parts of compounds within them, `BillingCity` as City of BillingAddress."""
    compound = compound_of(name)
    if compound is None or compound.lower() not in each.by_name:
        return (name,)
    return compound, name.removeprefix(compound.removesuffix("Address")) if compound != "Name" else name


def _told_in_parts(each: SObject, name: str) -> bool:
    """Whether events have a field only as its parts: the name of a person."""
    return name == "Name" and "lastname" in each.by_name


def _nested(each: SObject, flat: Mapping[str, Any]) -> Record:
    found: Record = {}
    for name, value in flat.items():
        *outer, last = _place(each, name)
        (found.setdefault(outer[0], {}) if outer else found)[last] = value
    return found


def _wait(message: Record) -> bool:
    """Whether a connect may be held."""
    advice = message.get("advice")
    return not (isinstance(advice, Mapping) and advice.get("timeout") == 0)


def _message(channel: str, row: Record) -> Record:
    extra = orjson.loads(row["extra"])
    event: Record = {"replayId": row["seq"]} | ({"EventUuid": extra["uuid"]} if "uuid" in extra else {})
    if "sobject" in extra:
        shown = {name: _zulu(value) for name, value in extra["sobject"].items()}
        return {"channel": channel, "data": {"event": {**extra["event"], **event}, "sobject": shown}}
    schema = ids.encode(ids.digest("schema", row["type"]), ids.BASE62, 22)
    return {"channel": channel, "data": {"schema": schema, "payload": extra["payload"], "event": event}}


def _zulu(value: Any) -> Any:
    """A date-time as events write it."""
    return f"{value[:-5]}Z" if isinstance(value, str) and value.endswith("+0000") and "T" in value else value
