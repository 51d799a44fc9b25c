"""A landscape: the systems of one firm, with one store, one clock, one journal, and what moves events and time between them. `assembly.py`
puts it together."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from counterfoil_mocks import assembly, catalogue
from counterfoil_mocks import config as landscape_file
from counterfoil_mocks.config import Config, Unavailable, Unusable
from counterfoil_mocks.kernel import auth, native
from counterfoil_mocks.kernel.delivery import Deliverer
from counterfoil_mocks.kernel.errors import conflict
from counterfoil_mocks.kernel.faults import Faults
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.server import PortTaken, Served, bind
from counterfoil_mocks.kernel.settle import DEFAULT_TIMEOUT_MS, Integration, Rest
from counterfoil_mocks.kernel.shared import Shared, SharedNumbers
from counterfoil_mocks.kernel.snapshot import Snapshot, Snapshots
from counterfoil_mocks.kernel.store import Store, no_room
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.plane import ControlPlane
from counterfoil_mocks.roles import FACES
from counterfoil_mocks.workers import Workers

__all__ = ["Landscape", "PortTaken", "Unavailable", "Unusable"]


class Landscape:
    """The systems of one firm. Made by `build`, taken into service by `start`.

    systems: by name, in the order of their ports. control: the control plane's application; what others add to it is
    told to its `routers`.
    """

    def __init__(self, config: Config, store: Store, world: World, systems: dict[str, System]) -> None:
        self.config = config
        self.store = store
        self.world = world
        self.systems = systems
        self.journal = Journal(store, world)
        self.faults = Faults(world)
        self.faults.systems = tuple(systems)
        self.faults.offered = self._offered
        self.tokens = {name: auth.Tokens(system) for name, system in systems.items()}
        self.deliverer = Deliverer(systems, world, self.journal, self.faults)
        self.rest = Rest(systems, world, self.deliverer, self.journal)
        self.snapshots = Snapshots(store, systems, world)
        self.urls = dict.fromkeys(systems, "")
        self.control_url = ""
        self.control = ControlPlane(self)
        self.ready = False
        self._served: dict[str, Served] = {}
        self._bound: dict[str, socket.socket] = {}
        self._workers: Workers | None = None
        if self.shared is not None:
            self._share(self.shared)
        kept = store.meta("since")
        if kept is None:
            self._begin()
        else:
            self._since = int(kept)
        self._keep_limits()
        self._recall()

    def _offered(self, name: str) -> Iterator[str]:
        """The names of what a system can be asked, by any of its faces, and of what it can announce."""
        system = self.systems[name]
        yield from native.operation_names(system)
        if system.face is not None:
            yield from (each.name for each in system.face.operations())
            yield from system.face.event_types
        yield from (each.full for each in catalogue.of_role(system.role.name))

    # life

    @classmethod
    def build(cls, config: Config | Mapping[str, Any] | None = None, *, anew: bool = False) -> Landscape:
        """The landscape that a configuration describes, its firm loaded; raises Unusable, of which Unavailable is for what may be otherwise
        later. anew: whatever its store holds is thrown away first."""
        wanted = config if isinstance(config, Config) else landscape_file.understood(config or {})
        store = assembly.opened(wanted, anew=anew)
        world = assembly.world_of(wanted, store)
        made = cls(wanted, store, world, assembly.assembled(wanted, store, world))
        try:
            assembly.fill(wanted, store, made.systems, world)
            if store.meta("baseline") is None:
                store.set_meta("baseline", made.snapshots.take("seeded").id)
        except Exception as error:
            if not no_room(error):
                raise
            store.close()
            raise Unavailable(
                f"There is no room for a firm of size {wanted.size} in the store {wanted.store}."
            ) from error
        return made

    @property
    def shared(self) -> Shared | None:
        """What its processes share, where there are several."""
        return self.world.shared

    def _share(self, shared: Shared) -> None:
        """Several processes will serve the systems: count together, and tell them what is broken and what is new."""
        self.world.on_commit.append(lambda system: self._pass_on([system]))
        self.journal.numbers = SharedNumbers(shared, self.journal.last)
        self.faults.changed = self._tell_faults
        self._tell_faults()

    def _tell_faults(self) -> None:
        self.store.set_meta("faults", orjson.dumps([each.told for each in self.faults.planned]).decode())
        self.world.renew()

    async def start(self) -> None:
        """Bind all ports, then serve; raises PortTaken, with nothing left open."""
        bound = self._bind()
        self.control_url = self._address(bound["control"])
        for name in self.systems:
            public = self.config.systems[name].public_url
            self.urls[name] = str(public).rstrip("/") if public else self._address(bound[name])
            self.systems[name].url = self.urls[name]
        self._bound = bound
        await self.rest.start()
        await self.deliverer.start()
        for system in self.systems.values():
            self.journal.forget_events(system)
        if self.shared is None:
            self._serve_systems(bound)
        else:
            self._workers = Workers(self, self.config.processes, self._moved_elsewhere)
            self.journal.others = self._workers.gather
            self.rest.look = self.deliverer.look
            self.deliverer.helpers = self._workers
            await self._workers.start({name: bound[name] for name in self.systems})
        self._served["control"] = Served(self.control, bound["control"])
        for served in self._served.values():
            await served.start()
        self.ready = True

    def _moved_elsewhere(self, numbers: set[int]) -> None:
        """Workers have committed to systems, or moved while somebody waits for rest."""
        moved = [system for number, system in enumerate(self.systems.values()) if number in numbers]
        for system in moved:
            self.deliverer.committed(system)
        self._pass_on(moved)
        for notify in self.world.traffic.on_move:
            notify()

    def _pass_on(self, moved: Sequence[System]) -> None:
        if moved and self._workers is not None and self.shared is not None and self.shared.held:
            self._workers.pass_on([system.name for system in moved])

    def _serve_systems(self, bound: Mapping[str, socket.socket]) -> None:
        for name, system in self.systems.items():
            face = FACES[system.role.name]
            app = native.build_app(
                system, face, journal=self.journal, faults=self.faults, auth=self.tokens[name], vendor=system.face
            )
            self._served[name] = Served(app, bound[name])

    def _bind(self) -> dict[str, socket.socket]:
        with contextlib.ExitStack() as undo:
            bound = {}
            for name in ("control", *self.systems):
                port = self.config.port_base if name == "control" else self.config.port_of(name)
                what = "the control plane" if name == "control" else f"the system {name}"
                bound[name] = bind(self.config.host, port, what)
                undo.callback(bound[name].close)
            undo.pop_all()
        return bound

    def _address(self, bound: socket.socket) -> str:
        host = self.config.host
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        return f"http://{shown}:{bound.getsockname()[1]}"

    async def _close(self) -> None:
        for served in reversed(self._served.values()):
            await served.stop()

    async def stop(self) -> None:
        """Finish what has begun, close the ports and the store."""
        self.ready = False
        self.journal.close_followers()
        await self._close()
        if self._workers is not None:
            self.journal.gather()
            self.journal.others = None
            await self._workers.stop()
        await self.deliverer.stop()
        await self.rest.stop()
        self.store.set_meta("clock", self.world.clock.now)
        self.journal.flush()
        self.store.close()
        if self.shared is not None:
            self.shared.close()

    async def ask_health(self) -> dict[str, bool]:
        """Which systems answer."""
        return {
            name: await self.rest.answers(f"{self._address(self._bound[name])}/__counterfoil/health")
            for name in self.systems
        }

    # time

    async def settle(self, quiet_ms: int | None = None, timeout_ms: int = DEFAULT_TIMEOUT_MS) -> Record:
        """Wait until nothing moves; `{"settled", "moving"}`."""
        found = await self.rest.settle(quiet_ms, timeout_ms)
        self.store.set_meta("clock", self.world.clock.now)
        return found

    async def advance(self, to: str | None = None, days: int | None = None) -> str:
        """Let business time pass; returns the new now."""
        now = await self.rest.advance(to, days)
        self.store.set_meta("clock", now)
        return now

    # state

    def snapshot(self, label: str = "snapshot") -> Snapshot:
        """Mark the present state."""
        self.store.set_meta("clock", self.world.clock.now)
        return self.snapshots.take(label)

    async def restore(self, snapshot_id: str, label: str | None = None, nth: int | None = None) -> Snapshot:
        """Go back to a snapshot, for the nth time under this label. Tokens stay valid; so do the subscriptions of the integration that is registered."""
        self.rest.flow(0)
        self.journal.gather()
        await self.deliverer.halt()
        try:
            keep = self.rest.integration is not None
            return self.snapshots.restore(snapshot_id, label, nth, keep_subscriptions=keep)
        finally:
            for system in self.systems.values():
                self.journal.forget_events(system)
            self.faults.recount()
            self._begin()
            self.limit({})
            self.deliverer.reload()

    def _begin(self) -> None:
        """What the journal tells from here on belongs to the state that is there now."""
        self._since = self.journal.last
        self.store.set_meta("since", str(self._since))

    # limits

    @property
    def limits(self) -> dict[str, Record]:
        """The rate limits in force, by system."""
        return {
            name: dict(each.settings["limits"]) for name, each in self.systems.items() if each.settings.get("limits")
        }

    def limit(self, limits: Mapping[str, Mapping[str, float]]) -> None:
        """Put limits in force until the next restore, each `{"rate", "burst", "concurrent", "daily"}`; a system that is not named has
        those of the landscape file."""
        for name, system in self.systems.items():
            system.settings["limits"] = dict(limits[name] if name in limits else assembly.in_file(self.config, name))
        self._keep_limits()

    def _keep_limits(self) -> None:
        """Leave a note of the limits where the verdict and other processes find it."""
        self.store.set_meta("limits", orjson.dumps(self.limits).decode())
        self.world.renew()

    def forget(self, snapshot_id: str) -> Snapshot:
        """Forget a snapshot; raises Problem 404, or 409 for the seeded state."""
        if snapshot_id == self.store.meta("baseline"):
            raise conflict("BASELINE", "The seeded state is what `reset` goes back to.", remedy="Keep it.")
        return self.snapshots.forget(snapshot_id)

    async def reset(self) -> Snapshot:
        """Go back to the firm as it was seeded, with nothing broken."""
        self.faults.clear()
        return await self.restore(self.store.meta("baseline") or "")

    def export(self) -> Iterator[bytes]:
        """The whole canonical state as lines of JSON: systems, entities and records in a stable order."""
        for name, system in self.systems.items():
            for entity in system.role.entities:
                for record in system.table(entity.name).select(name, order=("created_at", "id"), deleted=True):
                    line = {"system": name, "entity": entity.name, "record": entity.to_wire(record)}
                    yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    # the integration under test

    @property
    def integration(self) -> Record | None:
        """What is registered of the integration under test."""
        known = self.rest.integration
        return None if known is None else vars(known)

    @property
    def integration_events(self) -> list[Record]:
        """What the integration has announced about itself since the state was last restored."""
        return self.own_events()

    def own_events(self, type: str | None = None, since: int | None = None, limit: int = 100_000) -> list[Record]:
        """The integration's `int.*` events, in order, each as it came with `seq` and the business instant `at`."""
        start = self._since if since is None else since
        found = self.journal.query(kind="integration", operation=type, since=start, limit=limit)
        return [{**orjson.loads(each["request"] or "{}"), "seq": each["seq"], "at": each["at"]} for each in found]

    def register(self, integration: Integration) -> None:
        """Announce what is under test. It subscribes by itself, as it would at the real systems."""
        self.unregister()
        self._know(integration)

    def _know(self, integration: Integration | None) -> None:
        """Remember what is under test, also over the life of the process."""
        self.rest.integration = integration
        self.deliverer.serial = integration is not None and integration.serial
        self.store.set_meta("integration", orjson.dumps(self.integration).decode())

    def _recall(self) -> None:
        """What was under test when the process ended still is."""
        kept = orjson.loads(self.store.meta("integration") or "null")
        if kept is not None:
            self._know(Integration(**kept))

    def unregister(self) -> None:
        """Forget what is under test, and the subscriptions to the addresses that it was announced with."""
        known = self.rest.integration
        for name, url in (known.webhooks if known else {}).items():
            system = self.systems[name]
            self.store.execute(
                f"DELETE FROM {system.schema}.subscription WHERE system = ? AND url = ?", (system.name, url)
            )
            system.subscriptions = None
        self._know(None)

    def describe(self) -> Record:
        """What the landscape is: its systems with addresses and credentials, its clock and its seed."""
        return {
            "systems": [self._described(name, system) for name, system in self.systems.items()],
            "clock": self.world.clock.now,
            "seed": self.config.seed,
            "size": self.config.size,
            "control": {"url": self.control_url},
        }

    def _described(self, name: str, system: System) -> Record:
        url, native_credentials = self.urls[name], self.tokens[name].credentials(self.urls[name])
        return {
            "name": name,
            "role": system.role.name,
            "vendor": self.config.systems[name].vendor,
            "url": url,
            "credentials": native_credentials if system.face is None else system.face.credentials(url),
            "native": {"url": f"{url}{native.ROOT}", "credentials": native_credentials},
        }
