"""Rows of a system in the making: ids, keys and numbers as the system itself would give them, written in batches.

No history, no events, no rules: who makes rows here answers for their being what the systems would have made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from counterfoil_mocks.kernel.fields import KEY_PARTS, Entity, Record
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.vendors import ROLES

BATCH = 500
"""Rows that are kept in memory before they are written."""
FEW = 100
"""Records of which there are fewer are rendered when they are made, all others when they are read."""


class Maker:
    """Makes the records of one entity. `make(at, values)` fills what a system would fill and queues the record."""

    def __init__(self, rows: Rows, entity: Entity) -> None:
        self.rows = rows
        self.entity = entity
        self.template = blank(entity)
        self.queue: list[Record] = []
        self.count = 0
        self.new_id = rows.ids(entity.prefix)
        self.seconds = rows.system.role.resolution == "s"
        named = KEY_PARTS.fullmatch(entity.key)
        self.key_field = named.group(1) if named else None

    def make(self, at: str, values: Mapping[str, Any], updated: str | None = None) -> Record:
        """A record created at the instant `at` and last changed at `updated` (at creation when None).

        An id that `new_id` gave earlier may stand in the values, for records that name each other.
        """
        record: Record = {**self.template, **values}
        if self.seconds:
            at = at[:19] + ".000Z"
            updated = updated and updated[:19] + ".000Z"
        record["id"] = record["id"] or self.new_id()
        record["key"] = record[self.key_field] if self.key_field else self.entity.key_of(record)
        record["created_at"] = at
        record["updated_at"] = updated or at
        if record["correlation_id"] is None:
            record["correlation_id"] = record.get("contract_no") or record.get("opp_no")
        self.queue.append(record)
        self.count += 1
        if len(self.queue) >= BATCH:
            self.flush()
        return record

    def flush(self) -> None:
        """Write what is queued."""
        if self.queue:
            self.rows.sink(self.entity, self.queue)
            self.queue = []


Sink = Callable[[Entity, Sequence[Record]], None]
"""Takes the records that are made, some hundred at a time."""


class Rows:
    """All rows that are made for one system. many: there are enough of them for indexes to be built afterwards. sink: takes them in
    place of the system's tables, where nothing is stored."""

    def __init__(self, system: System, *, many: bool = False, sink: Sink | None = None) -> None:
        self.system = system
        self.many = many
        self.stores = sink is None
        self.sink = sink or self._insert
        self.counters: dict[str, int] = {}
        self.makers = {entity.name: Maker(self, entity) for entity in system.role.entities}
        if many:
            for name in self.makers:
                system.table(name).drop_indexes()

    def _insert(self, entity: Entity, records: Sequence[Record]) -> None:
        few = self.makers[entity.name].count < FEW  # companies, people, codes: read all the time
        self.system.table(entity.name).insert_many(self.system.name, records, rendered=few)

    def __getitem__(self, entity: str) -> Maker:
        return self.makers[entity]

    def ids(self, prefix: str) -> Callable[[], str]:
        """A maker of native ids, as `System.new_id` gives them."""
        system, name = self.system, f"id:{prefix}"
        milliseconds, style = system.clock.milliseconds, system.id_style
        parts = (system.world.seed, system.world.epoch, system.name, prefix)
        return lambda: style(prefix, self.next_number(name), milliseconds, parts)

    def next_number(self, name: str) -> int:
        """The next number of a sequence, as `System.next_number` gives it."""
        number = self.counters[name] = self.counters.get(name, 0) + 1
        return number

    def timer(self, kind: str, key: str, at: str, payload: Mapping[str, Any]) -> None:
        """Arm a timer, where something is stored."""
        if not self.stores:
            return
        self.system.store.execute(
            f"INSERT INTO {self.system.schema}.timer (system, at, kind, key, payload) VALUES (?, ?, ?, ?, ?)",
            (self.system.name, at, kind, key, orjson.dumps(dict(payload)).decode()),
        )

    def flush(self) -> None:
        """Write what is queued."""
        for maker in self.makers.values():
            maker.flush()

    def finish(self) -> int:
        """Write what is left and the sequences, so that what the system makes next does not collide; returns rows made."""
        self.flush()
        for name in self.makers if self.many else ():
            self.system.table(name).create()
        if self.many:
            self.system.store.weigh(self.system.schema)
        self.system.store.connection.executemany(
            f"INSERT INTO {self.system.schema}.sequence VALUES (?, ?, ?)"
            " ON CONFLICT (system, name) DO UPDATE SET value = excluded.value WHERE excluded.value > sequence.value",
            [(self.system.name, name, value) for name, value in self.counters.items()],
        )
        return sum(maker.count for maker in self.makers.values())


def blank(entity: Entity) -> Record:
    """A record of an entity with nothing but defaults."""
    record: Record = dict.fromkeys(entity.names)
    for each in entity.fields:
        record[each.name] = [] if each.kind in ("lines", "json") else each.default
    return record | {"version": 1, "ext_refs": [], "custom": {}}


def line_maker(entity: Entity, field: str) -> Callable[..., Record]:
    """A function that makes lines of a document with their defaults: `line(name=value, …)`."""
    lines = entity.by_name[field].entity
    if lines is None:
        raise TypeError(f"{entity.name}.{field} has no lines")
    template: Record = {each.name: [] if each.kind == "json" else each.default for each in lines.columns}

    def line(**values: Any) -> Record:
        return {**template, **values}

    return line


def by_role(systems: Mapping[str, System]) -> dict[str, System]:
    """The first system of each role; raises ValueError where a role has none."""
    found: dict[str, System] = {}
    for system in systems.values():
        found.setdefault(system.role.name, system)
    missing = [role for role in ROLES if role not in found]
    if missing:
        raise ValueError(f"a firm needs all four systems; this landscape has no {', '.join(missing)}")
    return found
