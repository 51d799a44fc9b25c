"""What a deed leaves behind in the logs of its system: the versions of the rows that it wrote, and the events that it announces."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.system import Origin, System

EVENT_PREFIX = "com.counterfoil."
HISTORY = "system entity id version at deed actor correlation_id causation_id trace journal_seq doc before"
OUTBOX = (
    "system id type key partition_key entity record_id version at correlation_id causation_id traceparent legal_entity history_seq"
    " extra face"
)


@lru_cache(maxsize=64)
def into_log(schema: str, table: str, columns: str) -> str:
    """The statement that adds a row to a log; the same text each time, so that nobody has to read it again."""
    names = columns.split()
    return f"INSERT INTO {schema}.{table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


class Trail:
    """The versions and events of one deed. now: its business instant. announced: our events so far, each `{"id", "type", "key"}`."""

    def __init__(self, system: System, origin: Origin, now: str) -> None:
        self.system = system
        self.origin = origin
        self.now = now
        self.announced: list[Record] = []
        self._told = 0
        self._written: dict[tuple[str, str], int] = {}

    def mark(self) -> tuple[int, dict[tuple[str, str], int]]:
        """Where the trail is, for `go_back`."""
        return len(self.announced), dict(self._written)

    def go_back(self, announced: int, written: dict[tuple[str, str], int]) -> None:
        """Forget what the logs have taken back since a mark."""
        del self.announced[announced:]
        self._written = written

    def keep(self, entity: Entity, record: Record, before: Record | None) -> int:
        """Keep the record's new version. before: what its changed fields were; None for a new record. Returns its number in the history."""
        origin = self.origin
        seq = self.system.store.append(
            into_log(self.system.schema, "history", HISTORY),
            (
                self.system.name,
                entity.name,
                record["id"],
                record["version"],
                self.now,
                origin.deed,
                origin.actor,
                record["correlation_id"] if before is None else origin.correlation_id,
                origin.causation_id,
                origin.traceparent,
                origin.journal_seq,
                orjson.dumps(record).decode(),
                None if before is None else orjson.dumps(before).decode(),
            ),
        )
        self._written[entity.name, record["id"]] = seq
        return seq

    def version(self, entity: Entity, record: Record) -> int:
        """The number in the history of the record's current version."""
        return self._written.get((entity.name, record["id"])) or self.keep(entity, record, {})

    def announce(
        self, entity: Entity, record: Record, event: str | None, history_seq: int, extra: Record | None
    ) -> None:
        """Announce one of our own events, given without prefix; no name announces nothing."""
        if event:
            kind = f"{EVENT_PREFIX}{event}.v1"
            event_id = self.put_out(entity, record, kind, history_seq, extra)
            self.announced.append({"id": event_id, "type": kind, "key": record["key"]})

    def put_out(
        self,
        entity: Entity,
        record: Record,
        kind: str,
        history_seq: int,
        extra: Record | None,
        face: str = "",
        event_id: str | None = None,
    ) -> str:
        """Put an event into the outbox and line up its deliveries; returns its id."""
        system, origin = self.system, self.origin
        parts = (system.world.seed, system.world.epoch, system.name, self.now, self._told)
        self._told += 1
        dice = ids.digest(*parts)
        event_id = event_id or ids.ulid_of(system.clock.milliseconds, dice)
        flow = flow_of(record) or origin.correlation_id
        traceparent = origin.traceparent or f"00-{dice:032x}-{dice >> 64:016x}-01"
        event_seq = system.store.append(
            into_log(system.schema, "outbox", OUTBOX),
            (
                system.name,
                event_id,
                kind,
                record["key"],
                record.get("contract_no") or record["key"],
                entity.name,
                record["id"],
                record["version"],
                self.now,
                flow,
                origin.causation_id,
                traceparent,
                record.get("legal_entity"),
                history_seq,
                orjson.dumps(extra).decode() if extra else None,
                face,
            ),
        )
        for subscriber in system.subscribers():
            if subscriber["face"] == face and (not subscriber["types"] or kind in subscriber["types"]):
                delivery = (
                    f"dlv_{ids.hexadecimal(20, system.world.seed, system.world.epoch, event_id, subscriber['id'])}"
                )
                system.store.connection.execute(
                    f"INSERT INTO {system.schema}.delivery (id, system, event_seq, subscription_id, state, attempts, next_at)"
                    " VALUES (?,?,?,?,'PENDING',0,?)",
                    (delivery, system.name, event_seq, subscriber["id"], self.now),
                )
        return event_id


def flow_of(record: Mapping[str, Any]) -> str | None:
    """The correlation id that a record itself names: its contract, else its opportunity."""
    return record.get("contract_no") or record.get("opp_no")
