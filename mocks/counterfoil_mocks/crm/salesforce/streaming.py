"""Events out by CometD (Bayeux over long polling): change data capture, platform events, and their replay."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.crm.salesforce import outbound, topics
from counterfoil_mocks.crm.salesforce.desk import VENDOR
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace
    from counterfoil_mocks.crm.salesforce.desk import Desk

RETAINED_HOURS = 72
HELD_SECONDS = 110
MOST_AT_ONCE = 200
SILENT = ("LastModifiedDate", "SystemModstamp", "LastModifiedById", "IsDeleted", "Id")
INVALID_REPLAY = "400::The replayId {%s} you provided was invalid.  Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."


@dataclass
class Client:
    """A client that has shaken hands. heard: the last event of each channel that it has got."""

    id: str
    heard: dict[str, int] = field(default_factory=dict)
    waiting: asyncio.Event | None = None
    loop: asyncio.AbstractEventLoop | None = None


def channel_of(name: str) -> str:
    """The channel of an object's changes: `/data/AccountChangeEvent`, `/data/Milestone__ChangeEvent`."""
    return f"/data/{name.removesuffix('c')}ChangeEvent" if name.endswith("__c") else f"/data/{name}ChangeEvent"


class Streaming:
    """The CometD endpoint of an org. Events are rows of the outbox; a row's number is its replay id."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face
        kept = [each for each in face.objects.values() if each.entity and not each.name.endswith("__e")]
        self.by_entity = {each.entity: each for each in kept if each.entity != "vendor_object"}
        self.channels = {channel_of(each.name): each for each in kept}
        self._clients: dict[str, Client] = {}
        self._count = 0
        face.system.world.on_commit.append(self._wake)

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
            payload = self._payload(tx, each, kind, before, after)
            if payload is not None:
                tx.tell(entity, after, channel_of(each.name), {"payload": payload})
                changed = payload["ChangeEventHeader"]["changedFields"]
                topics.wrote(self.face, tx, asked, each, entity, kind, after, changed)

    def _payload(self, tx: Tx, each: SObject, kind: str, before: Record | None, after: Record) -> Record | None:
        desk = self.face.changing
        header: Record = {
            "entityName": each.name,
            "recordIds": [after["id"]],
            "changeType": kind,
            "changeOrigin": f"com/salesforce/api/rest/{desk.version if desk else '59.0'};client={desk.client if desk and desk.client else ''}",
            "transactionKey": str(uuid.UUID(int=ids.digest(tx.now, self.face.system.world.seed, "transaction"))),
            "sequenceNumber": 1,
            "commitTimestamp": int(clock.parse(tx.now).timestamp() * 1000),
            "commitNumber": int(clock.parse(tx.now).timestamp() * 1_000_000),
            "commitUser": self.face.org.user,
            "nulledFields": [],
            "diffFields": [],
            "changedFields": [],
        }
        payload: Record = {}
        if kind != "DELETE":
            found = self.face.reader.find(each, after["id"], "59.0")
            record = found[1] if found is not None else {}
            formulas = {one.name for one in each.fields if one.sql is not None and not one.column and "ro" in one.marks}
            if kind == "UPDATE" and before is not None:
                names = self._changed(each, before, after)
                if not names:
                    return None
                names += ["LastModifiedDate"]
                header["changedFields"] = names
                header["nulledFields"] = [name for name in names if record.get(name) is None]
                payload = {name: _zulu(record[name]) for name in names if record.get(name) is not None}
            else:
                payload = {
                    name: _zulu(value)
                    for name, value in record.items()
                    if value is not None
                    and name not in ("attributes", "Id", "IsDeleted", "SystemModstamp")
                    and name not in formulas
                }
        return {**payload, "ChangeEventHeader": header}

    @staticmethod
    def _changed(each: SObject, before: Record, after: Record) -> list[str]:
        names = []
        old, new = before.get("custom") or {}, after.get("custom") or {}
        for one in each.fields:
            if one.name in SILENT or (one.sql is not None and "ro" in one.marks):
                continue
            differs = bool(one.column) and before.get(one.column) != after.get(one.column)
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
            event_id = str(uuid.UUID(int=ids.digest(tx.now, self._count, self.face.system.world.seed, each.name)))
            self._count += 1
            record = tx.insert(
                entity,
                {
                    "id": tx.system.new_id(each.prefix),
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
        held: Client | None = None
        for message in messages:
            channel = str(message.get("channel"))
            reply: Record = {"channel": channel} | ({"id": message["id"]} if "id" in message else {})
            client = self._clients.get(str(message.get("clientId")))
            if channel == "/meta/handshake":
                replies.append(self._handshake(ask, reply))
            elif client is None:
                advice = {"interval": 0, "reconnect": "handshake"}
                replies.append({**reply, "successful": False, "error": "403::Unknown client", "advice": advice})
            elif channel == "/meta/connect":
                held = client
                advice = {"interval": 0, "timeout": HELD_SECONDS * 1000, "reconnect": "retry"}
                replies.append({**reply, "clientId": client.id, "successful": True, "advice": advice})
            else:
                replies.append({**reply, "clientId": client.id, **self._meta(client, channel, message)})
        if held is None:
            return Answer(200, replies)
        events = self._news(held)
        if events or len(messages) > 1:
            return Answer(200, [*events, *replies])
        return Answer(200, replies, later=lambda: self._held(held, replies))

    def _handshake(self, ask: Ask, reply: Record) -> Record:
        reply |= {"version": "1.0", "minimumVersion": "1.0", "supportedConnectionTypes": ["long-polling"]}
        try:
            self.face.sessions.check(ask.request)
        except Refused:
            ext = {"sfdc": {"failureReason": "401::Authentication invalid"}}
            return {
                **reply,
                "successful": False,
                "error": "403::Handshake denied",
                "ext": ext,
                "advice": {"reconnect": "none"},
            }
        self._count += 1
        system = self.face.system
        client = Client(ids.hexadecimal(28, system.world.seed, system.world.epoch, "cometd", self._count))
        self._clients[client.id] = client
        return {**reply, "clientId": client.id, "ext": {"replay": True, "payload.format": True}, "successful": True}

    def _meta(self, client: Client, channel: str, message: Record) -> Record:
        if channel == "/meta/disconnect":
            self._clients.pop(client.id, None)
            if client.waiting is not None:
                client.waiting.set()
            return {"successful": True}
        wanted = message.get("subscription")
        names = wanted if isinstance(wanted, list) else [wanted]
        if channel == "/meta/unsubscribe":
            for name in names:
                client.heard.pop(str(name), None)
            return {"successful": True, "subscription": wanted}
        if channel != "/meta/subscribe":
            return {"successful": False, "error": f"404::Unknown channel {channel}"}
        replay = (message.get("ext") or {}).get("replay")
        for name in names:
            error = self._subscribe(client, str(name), replay if isinstance(replay, Mapping) else {})
            if error:
                return {"successful": False, "subscription": wanted, "error": error}
        return {"successful": True, "subscription": wanted}

    def _subscribe(self, client: Client, name: str, replay: Mapping[str, Any]) -> str:
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
        client.heard[name] = last if after == -1 else first - 1 if after == -2 else after
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

    def _news(self, client: Client) -> list[Record]:
        """Events that a client has not heard."""
        if not client.heard:
            return []
        system = self.face.system
        rows = system.store.rows(
            f"SELECT seq, type, extra FROM {system.schema}.outbox WHERE system = ? AND face = ? AND seq > ? ORDER BY seq LIMIT ?",
            (system.name, self.face.vendor, min(client.heard.values()), MOST_AT_ONCE),
        )
        found = []
        for row in rows:
            for name, heard in client.heard.items():
                fits = name == row["type"] or (name == "/data/ChangeEvents" and row["type"].startswith("/data/"))
                if fits and row["seq"] > heard:
                    found.append(_message(name, row))
            client.heard |= {name: max(heard, row["seq"]) for name, heard in client.heard.items()}
        return found

    async def _held(self, client: Client, replies: list[Record]) -> Answer:
        """The answer to a connect: as soon as there are events, else when its time is over."""
        client.waiting, client.loop = asyncio.Event(), asyncio.get_running_loop()
        until = clock.monotonic() + HELD_SECONDS
        try:
            while (left := until - clock.monotonic()) > 0:
                events = self._news(client)
                if events or client.id not in self._clients:
                    return Answer(200, [*events, *replies])
                client.waiting.clear()
                try:
                    await asyncio.wait_for(client.waiting.wait(), left)
                except TimeoutError:
                    break
        finally:
            client.waiting = None
        return Answer(200, replies)

    def _wake(self, system: Any) -> None:
        if system is not self.face.system:
            return
        for client in self._clients.values():
            if client.waiting is not None and client.loop is not None:
                client.loop.call_soon_threadsafe(client.waiting.set)


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
