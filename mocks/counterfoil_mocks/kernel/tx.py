"""One business deed as one transaction: rows, row versions and outbox events are written together or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import orjson

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import Problem, conflict, invalid, not_found
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.settling import check_move, settled
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.kernel.table import KeyTaken
from counterfoil_mocks.kernel.trail import Trail, flow_of


class Tx:
    """What an action holds in its hands: reading and writing records of its own system, timers, numbers and events.

    `now` is the business instant of the deed; all rows written in one deed share it. `shown`: the record inserted last, and its wire
    form as JSON text.
    """

    def __init__(self, system: System, origin: Origin) -> None:
        self.system = system
        self.role = system.role
        self.origin = origin
        self.shown: tuple[Record, str | None] = ({}, None)
        self.asides: list[Any] = []
        """What a face wants to announce besides what was written."""
        self._touched: dict[tuple[str, str], tuple[Entity, Record | None, Record]] = {}

    def __enter__(self) -> Tx:
        self.system.store.begin(self.system.schema)
        self._before = self.system.clock.now
        self.now = self.system.clock.tick()
        self._trail = Trail(self.system, self.origin, self.now)
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

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of the deed that may be refused by itself: what it wrote and announced is then taken back, and the refusal goes on."""
        store, touched, mark = self.system.store, dict(self._touched), self._trail.mark()
        store.execute("SAVEPOINT attempt")
        try:
            yield
        except (Problem, OverflowError):  # anything else ends the whole deed
            store.execute("ROLLBACK TO attempt")
            store.execute("RELEASE attempt")
            self._touched = touched
            self._trail.go_back(*mark)
            raise
        store.execute("RELEASE attempt")

    @property
    def events(self) -> list[Record]:
        """The events announced so far, each `{"id", "type", "key"}`."""
        return self._trail.announced

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
        record = settled(self.system, entity, dict(values))
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
        seq = self._trail.keep(entity, record, None)
        if self.system.face is not None:
            self._touched[entity.name, record["id"]] = (entity, None, record)
        self._trail.announce(entity, record, entity.events.get("created") if event is None else event, seq, extra)
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
        merged = settled(self.system, entity, {**record, **changes}, old=record)
        changed = [name for name in changes if merged.get(name) != record.get(name)]
        if not changed:
            return record
        for each in entity.states:
            if each.name in changed and not anyhow:
                check_move(entity, each, record, merged[each.name])
        key = entity.key_of(merged)
        if key != record["key"]:
            merged["key"] = key
            changed.append("key")
        merged["version"] = record["version"] + 1
        merged["updated_at"] = self.stamp
        before = {name: record.get(name) for name in (*changed, "version", "updated_at")}
        self.system.table(entity.name).update(self.system.name, merged, [*changed, "version", "updated_at"])
        seq = self._trail.keep(entity, merged, before)
        if self.system.face is not None:
            place = (entity.name, merged["id"])
            self._touched[place] = (entity, self._touched[place][1] if place in self._touched else record, merged)
        if event != "":
            self._trail.announce(entity, merged, event or entity.events.get("updated"), seq, extra)
        return merged

    def delete(self, entity: Entity, record: Record, *, event: str | None = None) -> Record:
        """Delete softly: absent from lists unless asked for."""
        return self.update(entity, record, {"deleted_at": self.stamp}, event=event or entity.events.get("deleted", ""))

    def emit(self, entity: Entity, record: Record, event: str, extra: Record | None = None) -> None:
        """Announce one more event about the record's current version."""
        seq = self._trail.version(entity, record)
        self._trail.announce(entity, record, event, seq, extra)

    def tell(self, entity: Entity, record: Record, kind: str, said: Record, *, id: str | None = None) -> str:
        """Announce an event of the vendor's own kind to those who subscribed at the vendor's face; returns its id.

        said: what the face needs to render it (`event["extra"]`).
        """
        assert self.system.face is not None
        seq = self._trail.version(entity, record)
        return self._trail.put_out(entity, record, kind, seq, said, self.system.face.vendor, id)

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
