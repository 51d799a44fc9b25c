"""One business deed as one transaction: rows, row versions and outbox events are written together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple

import orjson

from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.errors import Problem, conflict, invalid, not_found
from counterfoil_mocks.kernel.fields import Entity, Field, Record
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.kernel.table import KeyTaken


class Money(NamedTuple):
    """An amount as a caller gave it, before its currency is checked against the record's."""

    minor: int
    ccy: str


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


class Tx:
    """What an action holds in its hands: reading and writing records of its own system, timers, numbers and events.

    `now` is the business instant of the deed; all rows written in one deed share it. `shown`: the record inserted last, and its wire
    form as JSON text.
    """

    def __init__(self, system: System, origin: Origin) -> None:
        self.system = system
        self.role = system.role
        self.origin = origin
        self.events: list[Record] = []
        self.shown: tuple[Record, str | None] = ({}, None)
        self.asides: list[Any] = []
        """What a face wants to announce besides what was written."""
        self._told = 0
        self._written: dict[tuple[str, str], int] = {}
        self._touched: dict[tuple[str, str], tuple[Entity, Record | None, Record]] = {}

    def __enter__(self) -> Tx:
        self.system.store.begin(self.system.schema)
        self._before = self.system.clock.now
        self.now = self.system.clock.tick()
        self.stamp = self.now if self.role.resolution == "ms" else self.now[:19] + ".000Z"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.system.face is not None and (self._touched or self.asides):
            try:
                self.system.face.wrote(self, list(self._touched.values()))
            except BaseException:
                self._undo()
                raise
        if kind is not None:
            self._undo()
            return
        try:
            self.system.store.commit()
        except BaseException:
            self._undo()
            raise
        self.system.deeds += 1
        self.system.clock.release()
        for notify in self.system.world.on_commit:
            notify(self.system)

    def _undo(self) -> None:
        self.system.store.rollback()
        self.system.clock.take_back(self._before)

    # reading

    def get(self, entity: Entity | str, id_or_key: str | None) -> Record:
        """The live record with this id or business key; raises NotFound."""
        name = entity if isinstance(entity, str) else entity.name
        found = self.look_up(name, id_or_key)
        if found is None:
            raise not_found(name.replace("_", " "), id_or_key)
        return found

    def look_up(self, entity: Entity | str, id_or_key: str | None) -> Record | None:
        """The live record with this id or business key, or None."""
        if id_or_key is None:
            return None
        table = self.system.table(entity if isinstance(entity, str) else entity.name)
        name = self.system.name
        if self.system.looks_like_key(table.entity, id_or_key):
            found = table.by_key(name, id_or_key) or table.by_id(name, id_or_key)
            return None if found is None or found["deleted_at"] is not None else found
        found = table.by_id(name, id_or_key)
        if found is None or found["deleted_at"] is not None:
            found = table.by_key(name, id_or_key)
        return found

    def gone(self, entity: Entity | str, id_or_key: str) -> Record | None:
        """The deleted record with this id, else the one with this business key that was deleted last; None for a live or unknown one."""
        table = self.system.table(entity if isinstance(entity, str) else entity.name)
        found = table.by_id(self.system.name, id_or_key)
        if found is None and self.look_up(entity, id_or_key) is None:
            same = table.select(self.system.name, {"key": id_or_key}, order=("updated_at", "id"), deleted=True)
            found = same[-1] if same else None
        return found if found is not None and found["deleted_at"] is not None else None

    def find(self, entity: Entity | str, **where: Any) -> list[Record]:
        """Live records that equal every named field (a list: any of its values), in order of creation."""
        table = self.system.table(entity if isinstance(entity, str) else entity.name)
        return table.select(self.system.name, where, order=("created_at", "id"))

    def one(self, entity: Entity | str, **where: Any) -> Record | None:
        """The oldest live record that equals every named field, or None."""
        table = self.system.table(entity if isinstance(entity, str) else entity.name)
        found = table.select(self.system.name, where, order=("created_at", "id"), limit=1)
        return found[0] if found else None

    def rows(self, sql: str, **params: Any) -> list[Record]:
        """Read by SQL; `:system` is bound to this system's name."""
        return self.system.store.rows(sql, {"system": self.system.name, **params})

    # writing

    def insert(
        self, entity: Entity, values: Mapping[str, Any], *, event: str | None = None, extra: Record | None = None
    ) -> Record:
        """Write a new record: defaults, number, business key, references and currencies are settled here.

        event: announced type without prefix; None takes the entity's `created` event, an empty string announces nothing.
        extra: members added to the event's data.
        """
        record = self._settled(entity, dict(values))
        if entity.number and record.get(entity.number[0]) is None:
            pattern = self.system.settings.get("numbers", {}).get(entity.name, entity.number[1])
            record[entity.number[0]] = pattern.format(self.system.next_number(f"number:{entity.name}"))
        key = entity.key_of(record)
        own = self.origin.kind == "integration"
        record |= {
            "id": values.get("id") or self.system.new_id(entity.prefix),
            "key": key,
            "version": 1,
            "created_at": self.stamp,
            "updated_at": self.stamp,
            "deleted_at": None,
            "merged_into": None,
            "external_id": values.get("external_id"),
            "ext_refs": values.get("ext_refs") or [],
            "custom": values.get("custom") or {},
            "source_key": values.get("source_key"),
            "correlation_id": self.origin.correlation_id if own else flow_of(record) or self.origin.correlation_id,
            "causation_id": self.origin.causation_id,
        }
        unique = entity.unique and key is not None
        try:
            self.shown = record, self.system.table(entity.name).insert(self.system.name, record, unique=unique)
        except KeyTaken:
            raise conflict(
                "DUPLICATE_KEY",
                f"A {entity.name.replace('_', ' ')} {key!r} exists already.",
                field="key",
                remedy="Read and change that one.",
            ) from None
        seq = self._remember(entity, record, None)
        if self.system.face is not None:
            self._touched[entity.name, record["id"]] = (entity, None, record)
        self._announce(entity, record, entity.events.get("created") if event is None else event, seq, extra)
        return record

    def update(
        self,
        entity: Entity,
        record: Record,
        changes: Mapping[str, Any],
        *,
        event: str | None = None,
        extra: Record | None = None,
        anyhow: bool = False,
    ) -> Record:
        """Write changed fields; an unchanged record stays as it is (no version, no event).

        A change of a state field must be a legal transition, else 409; `anyhow` takes it as it comes. event: as in `insert`, the `updated` event by default;
        an empty string announces nothing.
        """
        merged = self._settled(entity, {**record, **changes}, old=record)
        changed = [name for name in changes if merged.get(name) != record.get(name)]
        if not changed:
            return record
        for each in entity.states:
            if each.name in changed and not anyhow:
                self._check_move(entity, each, record, merged[each.name])
        key = entity.key_of(merged)
        if key != record["key"]:
            merged["key"] = key
            changed.append("key")
        merged["version"] = record["version"] + 1
        merged["updated_at"] = self.stamp
        before = {name: record.get(name) for name in (*changed, "version", "updated_at")}
        self.system.table(entity.name).update(self.system.name, merged, [*changed, "version", "updated_at"])
        seq = self._remember(entity, merged, before)
        if self.system.face is not None:
            place = (entity.name, merged["id"])
            self._touched[place] = (entity, self._touched[place][1] if place in self._touched else record, merged)
        if event != "":
            self._announce(entity, merged, event or entity.events.get("updated"), seq, extra)
        return merged

    def delete(self, entity: Entity, record: Record, *, event: str | None = None) -> Record:
        """Delete softly: absent from lists unless asked for."""
        return self.update(entity, record, {"deleted_at": self.stamp}, event=event or entity.events.get("deleted", ""))

    def emit(self, entity: Entity, record: Record, event: str, extra: Record | None = None) -> None:
        """Announce one more event about the record's current version."""
        seq = self._written.get((entity.name, record["id"])) or self._remember(entity, record, {})
        self._announce(entity, record, event, seq, extra)

    def tell(self, entity: Entity, record: Record, kind: str, said: Record, *, id: str | None = None) -> str:
        """Announce an event of the vendor's own kind to those who subscribed at the vendor's face; returns its id.

        said: what the face needs to render it (`event["extra"]`).
        """
        assert self.system.face is not None
        seq = self._written.get((entity.name, record["id"])) or self._remember(entity, record, {})
        return self._out(entity, record, kind, seq, said, self.system.face.vendor, id)

    def number(self, series: str) -> int:
        """The next number of a gapless series."""
        return self.system.next_number(f"series:{series}")

    def set_timer(self, kind: str, key: str, at: str, payload: Mapping[str, Any] | None = None) -> None:
        """Have `role.timers[kind]` run at a business instant; a timer with the same kind and key is moved."""
        self.system.store.execute(
            f"INSERT INTO {self.system.schema}.timer (system, at, kind, key, payload) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (system, kind, key) DO UPDATE SET at = excluded.at, payload = excluded.payload",
            (self.system.name, at, kind, key, orjson.dumps(dict(payload or {})).decode()),
        )

    def cancel_timer(self, kind: str, key: str) -> None:
        """Forget a timer."""
        self.system.store.execute(
            f"DELETE FROM {self.system.schema}.timer WHERE system = ? AND kind = ? AND key = ?",
            (self.system.name, kind, key),
        )

    def today(self, tz: str) -> str:
        """The business date of now in a zone."""
        return clock.business_date(self.now, tz)

    # inside

    def _settled(self, entity: Entity, values: Record, old: Record | None = None) -> Record:
        if old is None:
            given = {name: value for name, value in values.items() if value is not None}
            values = {**entity.defaults, **{name: [] for name in entity.empty_lists}, **given}
        else:
            for name, default in entity.defaults.items():
                values.setdefault(name, default)
            for name in entity.empty_lists:
                if name not in values:
                    values[name] = []
        for each in entity.linked:
            value = values[each.name]
            if value is None:
                continue
            if each.kind == "money" and isinstance(value, Money):
                values[each.name] = self._same_currency(each, value, values)
            elif each.kind == "ref" and (old is None or old.get(each.name) != value):
                target = self.system.table(each.target).live_id(
                    self.system.name, value, key=self.system.looks_like_key(self.role.by_name[each.target], value)
                )
                if target is None:
                    raise invalid(
                        each.name,
                        f"there is no {each.target} {value!r}",
                        "Give the id or business key of a live record.",
                    )
                values[each.name] = target
            elif each.kind == "lines" and each.entity is not None and (old is None or value is not old.get(each.name)):
                values[each.name] = [
                    self._settled_line(each.entity, line, position, values) for position, line in enumerate(value, 1)
                ]
        return values

    def _settled_line(self, entity: Entity, line: Mapping[str, Any], position: int, parent: Record) -> Record:
        settled = {name: line.get(name) for name in entity.line_names}
        for each in entity.columns:
            if settled[each.name] is None:
                settled[each.name] = [] if each.kind == "json" else each.default
        if settled.get("line_no", 1) is None:
            settled["line_no"] = position
        if "ccy" in settled and settled["ccy"] is None:
            settled["ccy"] = parent.get("ccy")
        for each in entity.columns:
            value = settled[each.name]
            if isinstance(value, Money):
                settled[each.name] = self._same_currency(each, value, settled)
        return settled

    @staticmethod
    def _same_currency(each: Field, value: Money, record: Record) -> int:
        ccy = record.get(each.ccy)
        if ccy is None:
            record[each.ccy] = value.ccy
        elif ccy != value.ccy:
            raise invalid(
                f"{each.name}.ccy", f"{value.ccy} given where the record is in {ccy}", f"Give the amount in {ccy}."
            )
        return value.minor

    @staticmethod
    def _check_move(entity: Entity, each: Field, record: Record, target: str) -> None:
        source = record[each.name]
        if target not in each.moves.get(source, ()):
            legal = ", ".join(each.moves.get(source, ())) or "nothing (it is final)"
            raise conflict(
                "ILLEGAL_TRANSITION",
                f"{entity.name.replace('_', ' ').capitalize()} {record['key'] or record['id']} is {source}; it cannot become {target}.",
                field=each.name,
                remedy=f"From {source} it may become: {legal}.",
            )

    def _remember(self, entity: Entity, record: Record, before: Record | None) -> int:
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

    def _announce(
        self, entity: Entity, record: Record, event: str | None, history_seq: int, extra: Record | None
    ) -> None:
        if event:
            kind = f"{EVENT_PREFIX}{event}.v1"
            event_id = self._out(entity, record, kind, history_seq, extra)
            self.events.append({"id": event_id, "type": kind, "key": record["key"]})

    def _out(
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


def act(
    system: System, origin: Origin, name: str, id_or_key: str | None, values: Record
) -> tuple[Record, Sequence[Record]]:
    """Do a named action as one transaction; returns the record and the events it announced."""
    with Tx(system, origin) as tx:
        return perform(tx, name, id_or_key, values), tx.events


def create(system: System, origin: Origin, entity: Entity, values: Record) -> tuple[Record, Sequence[Record]]:
    """Create a record as one transaction."""
    with Tx(system, origin) as tx:
        return made(tx, entity, values), tx.events


def change(
    system: System, origin: Origin, entity: Entity, record_id: str, changes: Record, if_match: int | None
) -> tuple[Record, Sequence[Record]]:
    """Patch a record as one transaction; `if_match` is the version that the caller has seen."""
    with Tx(system, origin) as tx:
        return changed(tx, entity, record_id, changes, if_match), tx.events


def remove(
    system: System, origin: Origin, entity: Entity, record_id: str, if_match: int | None
) -> tuple[Record, Sequence[Record]]:
    """Delete a record softly as one transaction."""
    with Tx(system, origin) as tx:
        return removed(tx, entity, record_id, if_match), tx.events


def perform(tx: Tx, name: str, id_or_key: str | None, values: Record, if_match: int | None = None) -> Record:
    """Do a named action within an open transaction; `if_match` is the version of the subject that the caller has seen."""
    action = tx.role.actions.get(name)
    if action is None:
        raise not_found("action", name, tx.role.actions)
    subject: Record = {}
    if action.subject is not None:
        if id_or_key is None:
            raise invalid(
                "key", f"{name} is done to a {action.subject.name.replace('_', ' ')}; name it", "Give `key` or `id`."
            )
        subject = (tx.gone(action.subject, id_or_key) if action.restores else None) or tx.get(action.subject, id_or_key)
        check_version(subject, if_match)
    return action.run(tx, subject, values)


def made(tx: Tx, entity: Entity, values: Record) -> Record:
    """Create a record within an open transaction, as its role does it."""
    run = tx.role.creates.get(entity.name)
    return run(tx, values) if run else tx.insert(entity, values)


def changed(tx: Tx, entity: Entity, id_or_key: str, changes: Record, if_match: int | None = None) -> Record:
    """Patch a record within an open transaction, as its role does it."""
    record = tx.get(entity, id_or_key)
    check_version(record, if_match)
    run = tx.role.updates.get(entity.name)
    return run(tx, record, changes) if run else tx.update(entity, record, changes)


def removed(tx: Tx, entity: Entity, id_or_key: str, if_match: int | None = None) -> Record:
    """Delete a record softly within an open transaction."""
    record = tx.get(entity, id_or_key)
    check_version(record, if_match)
    field, *states = entity.deletable_in or ("", "")
    if field and record[field] not in states:
        raise conflict(
            "NOT_DELETABLE",
            f"{entity.name.replace('_', ' ').capitalize()} {record['key'] or record['id']} is {record[field]}; it stays.",
            field=field,
            remedy=f"It can be deleted while it is {' or '.join(states)}.",
        )
    return tx.delete(entity, record)


def check_version(record: Record, if_match: int | None) -> None:
    """Refuse a write on a version that is not the current one."""
    if if_match is not None and record["version"] != if_match:
        raise Problem(
            412,
            "STALE_VERSION",
            f"The record is at version {record['version']}, not {if_match}.",
            field="If-Match",
            remedy="Read it again and repeat the change on what you then see.",
        )
