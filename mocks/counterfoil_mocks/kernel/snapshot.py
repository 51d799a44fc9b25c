"""Snapshots: marks in the row history that a landscape can go back to.

Going back undoes the changes since, version by version, so it costs what changed and not what there is. A snapshot that lies
after the one restored is kept as an image of the database, made while passing it on the way back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from counterfoil_mocks.kernel.errors import conflict, not_found
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World

LOGS = ("history", "outbox", "delivery", "idempotency")
SMALL = ("timer", "sequence")
WAITING = "state = 'PENDING' OR state = 'DROPPED' AND next_at IS NOT NULL"
UNDO = "SELECT system, entity, id, before FROM {schema}.history WHERE seq > ? ORDER BY seq DESC"
MOST_SNAPSHOTS = 1000


@dataclass
class Mark:
    """Where one schema stood: the highest number of each log, and copies of the tables that are small."""

    logs: dict[str, int]
    small: dict[str, list[list[Any]]]
    waiting: list[Record]
    subscriptions: list[Record]


@dataclass
class Snapshot:
    """A state to go back to. parent: the snapshot that the state grew from. images: of the databases, once it was passed."""

    id: str
    label: str
    clock: str
    epoch: int
    parent: str | None
    marks: dict[str, Mark]
    images: dict[str, bytes] = field(default_factory=dict)

    def shown(self) -> Record:
        """The snapshot as the control plane lists it."""
        return {"id": self.id, "label": self.label, "clock": self.clock}


class Snapshots:
    """The snapshots of a landscape. Deliveries must be halted while one is restored."""

    def __init__(self, store: Store, systems: Mapping[str, System], world: World) -> None:
        self.store = store
        self.systems = systems
        self.world = world
        self.schemas = tuple(dict.fromkeys(system.schema for system in systems.values()))
        self.taken: dict[str, Snapshot] = {}
        self.head: str | None = None
        self._restores: dict[str, int] = {}
        self._recall()

    def take(self, label: str) -> Snapshot:
        """Mark the present state; costs next to nothing. Raises Problem 409 beyond the most there may be."""
        if len(self.taken) >= MOST_SNAPSHOTS:
            raise conflict(
                "TOO_MANY_SNAPSHOTS", f"There are {MOST_SNAPSHOTS} snapshots.", remedy="Forget some of them first."
            )
        number = int(self.store.meta("snapshots") or 0) + 1
        self.store.set_meta("snapshots", str(number))
        marks = {schema: self._mark(schema) for schema in self.schemas}
        made = Snapshot(f"snap_{number}", label, self.world.clock.now, self.world.epoch, self.head, marks)
        self.taken[made.id] = made
        self.head = made.id
        if self.store.durable:
            self._remember()
        return made

    def restore(
        self, snapshot_id: str, label: str | None = None, nth: int | None = None, *, keep_subscriptions: bool = False
    ) -> Snapshot:
        """Go back (or forward) to a snapshot, clock included, in a new epoch; raises Problem 404.

        nth: as the how many-th restore under the label this counts; one more than before by default.
        keep_subscriptions: those that exist now stay, because the integration that is running made them.
        """
        target = self.taken.get(snapshot_id)
        if target is None:
            raise not_found("snapshot", snapshot_id)
        kept = self._subscriptions() if keep_subscriptions else None
        wanted = {each.id for each in self._line(target.id)}
        present = self._line(self.head)
        for each in present:
            if each.id not in wanted and not each.images:
                self._undo(each)
                each.images = self._images()
        if any(each.id == target.id for each in present):
            self._undo(target)
            self.store.forget_undo()
            self._say({schema: mark.logs["history"] for schema, mark in target.marks.items()})
        else:
            self._load(target)
            self._say({})
        self._settle_in(target, kept)
        self._new_epoch(target, label or target.label, nth)
        return target

    # marks

    def _mark(self, schema: str) -> Mark:
        def highest(table: str) -> int:
            return int(self.store.execute(f"SELECT coalesce(max(seq), 0) FROM {schema}.{table}").fetchone()[0])

        return Mark(
            logs={table: highest(table) for table in LOGS},
            small={
                table: [list(row) for row in self.store.execute(f"SELECT * FROM {schema}.{table}")] for table in SMALL
            },
            waiting=self.store.rows(f"SELECT * FROM {schema}.delivery WHERE {WAITING}"),
            subscriptions=self.store.rows(f"SELECT * FROM {schema}.subscription"),
        )

    def _line(self, snapshot_id: str | None) -> list[Snapshot]:
        """A snapshot and those that it grew from, the latest first."""
        found = []
        while snapshot_id is not None and snapshot_id in self.taken:
            found.append(self.taken[snapshot_id])
            snapshot_id = self.taken[snapshot_id].parent
        return found

    # going back

    def _undo(self, target: Snapshot) -> None:
        """Undo all changes since a snapshot that the present state grew from."""
        with self.store.transaction(*target.marks):
            for schema, mark in target.marks.items():
                self._undo_records(schema, mark.logs["history"])
                for table in LOGS:
                    self.store.execute(f"DELETE FROM {schema}.{table} WHERE seq > ?", (mark.logs[table],))
                    self.store.rewind(schema, table, mark.logs[table])
                self._put_back(schema, mark)

    def _undo_records(self, schema: str, since: int) -> None:
        old: dict[tuple[str, str, str], Record | None] = {}
        for system, entity, record_id, before in self.store.execute(UNDO.format(schema=schema), (since,)).fetchall():
            place = (system, entity, record_id)
            if before is None:
                old[place] = None
            else:
                old[place] = {**(old.get(place) or {}), **orjson.loads(before)}
        for (system, entity, record_id), values in old.items():
            table = self.store.table(schema, entity)
            if values is None:
                table.remove(system, record_id)
            elif values:
                table.update(system, {"id": record_id, **values}, list(values))

    def _put_back(self, schema: str, mark: Mark) -> None:
        for table, rows in mark.small.items():
            self.store.execute(f"DELETE FROM {schema}.{table}")
            if rows:
                places = ", ".join("?" * len(rows[0]))
                self.store.connection.executemany(f"INSERT INTO {schema}.{table} VALUES ({places})", rows)
        for row in mark.waiting:
            sets = ", ".join(f"{name} = :{name}" for name in row if name != "seq")
            self.store.execute(f"UPDATE {schema}.delivery SET {sets} WHERE seq = :seq", row)

    # images

    def _images(self) -> dict[str, bytes]:
        return {schema: self.store.image(schema) for schema in self.schemas}

    def _load(self, target: Snapshot) -> None:
        for schema, image in target.images.items():
            self.store.put_image(schema, image)

    # afterwards

    def _say(self, to: Mapping[str, int]) -> None:
        """Leave word, for those who follow the history, that it has gone back. to: to which number in which schema; none where it is another
        one altogether."""
        if self.store.durable:
            count = orjson.loads(self.store.meta("gone_back") or '{"count": 0}')["count"] + 1
            self.store.set_meta("gone_back", orjson.dumps({"count": count, "to": dict(to)}).decode())

    def _subscriptions(self) -> dict[str, list[Record]]:
        return {schema: self.store.rows(f"SELECT * FROM {schema}.subscription") for schema in self.schemas}

    def _settle_in(self, target: Snapshot, kept: Mapping[str, Iterable[Record]] | None) -> None:
        """Subscriptions, clock and what is kept in memory."""
        for schema, mark in target.marks.items():
            rows = mark.subscriptions if kept is None else kept[schema]
            self.store.execute(f"DELETE FROM {schema}.subscription")
            for row in rows:
                fresh = row | {"failures": 0, "active": 1} if kept is not None else row
                places = ", ".join(f":{name}" for name in fresh)
                self.store.execute(f"INSERT INTO {schema}.subscription ({', '.join(fresh)}) VALUES ({places})", fresh)
        for system in self.systems.values():
            system.subscriptions = None
            system.count_afresh()
        self.world.clock.reset(target.clock)
        self.store.set_meta("clock", target.clock)
        self.head = target.id

    def _new_epoch(self, target: Snapshot, label: str, nth: int | None) -> None:
        before = self._restores.get(label, 0)
        count = nth or before + 1
        self._restores[label] = max(count, before)
        self.world.new_epoch(label, count)
        self.store.set_meta("epoch", str(self.world.epoch))
        self.world.renew()
        if self.store.durable:
            self._remember()

    def forget(self, snapshot_id: str) -> Snapshot:
        """Forget a snapshot; what grew from it then grew from its parent. Raises Problem 404."""
        gone = self.taken.pop(snapshot_id, None)
        if gone is None:
            raise not_found("snapshot", snapshot_id)
        for each in self.taken.values():
            if each.parent == gone.id:
                each.parent = gone.parent
        if self.head == gone.id:
            self.head = gone.parent
        return gone

    # over the life of the process

    def _remember(self) -> None:
        """Keep the marks of the present line in the store; images die with the process."""
        line = [{**asdict(each), "images": {}} for each in self._line(self.head)]
        self.store.set_meta(
            "line", orjson.dumps({"head": self.head, "line": line, "restores": self._restores}).decode()
        )

    def _recall(self) -> None:
        kept = self.store.meta("line")
        if kept is None:
            return
        said = orjson.loads(kept)
        for each in reversed(said["line"]):
            marks = {schema: Mark(**mark) for schema, mark in each.pop("marks").items()}
            self.taken[each["id"]] = Snapshot(**each, marks=marks)
        self.head = said["head"]
        self._restores = said["restores"]
