"""Systems to act in: the four roles in one store, with a desk at each.

The store is in memory, or with `COUNTERFOIL_TEST_POSTGRES=postgresql://USER@HOST/postgres` a database of its own on that server; and then with
`COUNTERFOIL_TEST_PROCESSES=2` each landscape is served by so many processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from tests import deeds

from counterfoil_mocks.kernel import clock, server
from counterfoil_mocks.kernel.auth import Tokens
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.faults import Faults
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.native import build_app
from counterfoil_mocks.kernel.snapshot import LOGS
from counterfoil_mocks.kernel.store import Store, open_store
from counterfoil_mocks.kernel.system import Origin, System, World
from counterfoil_mocks.landscape import Landscape
from counterfoil_mocks.roles import FACES, ROLES

START = "2026-01-05T15:00:00.000Z"
OWN_CALLS = "counterfoil-tests"
"""What the tests' own calls say that they are, so that nobody takes them for a vendor's client."""
POSTGRES = os.environ.get("COUNTERFOIL_TEST_POSTGRES")
PROCESSES = int(os.environ.get("COUNTERFOIL_TEST_PROCESSES", "1")) if POSTGRES else 1
DATABASES = itertools.count(1)


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """The address of a store that nobody else uses: in memory, or a new database on the server that the tests are given."""
    if POSTGRES is None:
        yield "memory"
        return
    import psycopg

    name = f"counterfoil_{os.getpid()}_{next(DATABASES)}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES.rpartition('/')[0]}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def own_store() -> Iterator[Store]:
    """A store that nobody else uses."""
    with own_database() as url:
        store = open_store(url, ROLES)
        try:
            yield store
        finally:
            store.close()


@dataclass
class Desk:
    """Does business deeds in one system as a person there would. events: types announced so far, shortened."""

    system: System
    events: list[str] = field(default_factory=list)
    origin: Origin = field(default_factory=Origin)

    def create(self, entity: str, **values: Any) -> Record:
        """Create a record."""
        return self._note(deeds.create(self.system, self.origin, self.system.role.by_name[entity], values))

    def act(self, action: str, key: str | None = None, **values: Any) -> Record:
        """Do an action on the record with this key."""
        return self._note(deeds.act(self.system, self.origin, action, key, values))

    def change(self, entity: str, key: str, if_match: int | None = None, **changes: Any) -> Record:
        """Patch a record."""
        kind = self.system.role.by_name[entity]
        return self._note(deeds.change(self.system, self.origin, kind, key, changes, if_match))

    def delete(self, entity: str, key: str, if_match: int | None = None) -> Record:
        """Delete a record softly."""
        return self._note(deeds.remove(self.system, self.origin, self.system.role.by_name[entity], key, if_match))

    def get(self, entity: str, key: str) -> Record:
        """Read a record by id or key."""
        table = self.system.table(entity)
        found = table.by_id(self.system.name, key) or table.by_key(self.system.name, key)
        assert found is not None, f"no {entity} {key}"
        return found

    def list(self, entity: str, **where: Any) -> list[Record]:
        """Read live records."""
        return self.system.table(entity).select(self.system.name, where)

    def refused(self, action: str, key: str | None = None, **values: Any) -> Problem:
        """Do an action that must be refused; returns the refusal, which names a field and a remedy."""
        with pytest.raises(Problem) as caught:
            self.act(action, key, **values)
        assert caught.value.field is not None
        assert caught.value.remedy is not None
        return caught.value

    def announced(self) -> Record:
        """The extra members of the last event."""
        row = self.system.store.rows(f"SELECT extra FROM {self.system.schema}.outbox ORDER BY seq DESC LIMIT 1")[0]
        return orjson.loads(row["extra"]) if row["extra"] else {}

    def count(self, table: str) -> int:
        """Rows of a table of this system's schema."""
        return int(self.system.store.rows(f"SELECT count(*) AS n FROM {self.system.schema}.{table}")[0]["n"])

    def _note(self, done: tuple[Record, Any]) -> Record:
        record, events = done
        self.events += [each["type"].removeprefix("com.counterfoil.").removesuffix(".v1") for each in events]
        return record


@pytest.fixture(scope="session")
def emptied() -> Iterator[Store]:
    """One store for all tests of a process (making its tables is what takes time); `desks` empties it."""
    with own_store() as store:
        yield store


@pytest.fixture
def desks(emptied: Store) -> Iterator[dict[str, Desk]]:
    """A desk in each role of an empty landscape whose clock starts anew."""
    world = World(Clock(START))
    yield {name: Desk(System(name, role, emptied, world)) for name, role in ROLES.items()}
    for schema in ROLES:
        for table in emptied.names(schema):
            emptied.execute(f"DELETE FROM {schema}.{table}")
        for log in LOGS:
            emptied.rewind(schema, log, 0)
    emptied.execute("DELETE FROM journal.entry")
    emptied.execute("DELETE FROM control.meta")


@pytest.fixture
def crm(desks: dict[str, Desk]) -> Desk:
    """A desk in the CRM."""
    return desks["crm"]


@pytest.fixture
def psa(desks: dict[str, Desk]) -> Desk:
    """A desk in the PSA."""
    return desks["psa"]


class Books:
    """Rows put straight into the four systems, by no rule: whatever state a test wants judged."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.count = 0

    def put(self, place: str, at: str = START, **values: Any) -> Record:
        """A row of `role.entity` as of an instant; columns not given are empty, the business key is filled."""
        role, name = place.split(".")
        entity = ROLES[role].by_name[name]
        self.count += 1
        blank: Record = dict.fromkeys(entity.names) | {each.name: [] for each in entity.children}
        stamps = {"id": f"{name}-{self.count}", "version": 1, "created_at": at, "updated_at": at}
        record = blank | stamps | {"ext_refs": [], "custom": {}} | values
        for child in entity.children:
            if child.entity is not None:
                empty = dict.fromkeys(child.entity.line_names)
                record[child.name] = [
                    empty | {"line_no": number} | line for number, line in enumerate(record[child.name], 1)
                ]
        record["key"] = values.get("key") or entity.key_of(record)
        self.store.table(role, name).insert(role, record)
        return record

    def entry(self, no: str, on: str, rule: str, legs: str, **more: Any) -> Record:
        """A journal entry from `"1200 2200.00 | 2300 -2000.00 1"`: account, debit (negative: credit), contract line."""
        lines = []
        for leg in legs.split("|"):
            account, amount, *line = leg.split()
            minor = round(float(amount) * 100)
            sides = {"dr": max(minor, 0), "cr": max(-minor, 0), "func_dr": max(minor, 0), "func_cr": max(-minor, 0)}
            lines.append(
                {"account": account, "ccy": "USD", "func_ccy": "USD", "contract_no": more.get("contract_no")}
                | sides
                | {"contract_line": int(line[0]) if line else None}
            )
        head = {"legal_entity": "CF-US", "ccy": "USD", "status": "POSTED", "posting_date": on[:10], "period": on[:7]}
        return self.put("erp.journal_entry", on, je_no=no, rule=rule, posted_at=on, lines=lines, **head, **more)

    def told(self, role: str, event: str, record: Record, at: str, entity: str, **more: Any) -> str:
        """An outbox event about a record, with the row version that it stands on; returns its id."""
        self.count += 1
        event_id = f"EVENT-{self.count}"
        values = (role, entity, record["id"], record["version"], at, more.get("deed", event), "user")
        seq = self.store.execute(
            f"INSERT INTO {role}.history (system, entity, id, version, at, deed, actor, doc) VALUES (?,?,?,?,?,?,?,?)"
            " RETURNING seq",
            (*values, orjson.dumps(record).decode()),
        ).fetchone()[0]
        self.store.execute(
            f"INSERT INTO {role}.outbox (system, id, type, key, entity, record_id, version, at, causation_id, history_seq)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            (role, event_id, f"com.counterfoil.{event}.v1", record["key"], *values[1:5], more.get("cause"), seq),
        )
        return event_id


@pytest.fixture
def books(desks: dict[str, Desk]) -> Books:
    """Empty books."""
    return Books(desks["crm"].system.store)


@dataclass
class Reply:
    """What a system answered over HTTP."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.raw)


class Faces:
    """The native faces of four systems on real ports, served by a thread."""

    def __init__(self) -> None:
        self._kept = contextlib.ExitStack()
        self.store = self._kept.enter_context(own_store())
        self.world = World(Clock(START))
        self.journal = Journal(self.store, self.world)
        self.faults = Faults(self.world)
        self.systems = {name: System(name, role, self.store, self.world) for name, role in ROLES.items()}
        self.tokens = {name: Tokens(system) for name, system in self.systems.items()}
        self.ports: dict[str, int] = {}
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._thread = threading.Thread(target=lambda: server.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        served = []
        for name, system in self.systems.items():
            app = build_app(system, FACES[name], journal=self.journal, faults=self.faults, auth=self.tokens[name])
            served.append(server.Served(app, server.bind("127.0.0.1", 0, name)))
            await served[-1].start()
            self.ports[name] = served[-1].port
        self._ready.set()
        await self._done.wait()
        for each in served:
            await each.stop()

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        self._kept.close()

    def url(self, system: str) -> str:
        """Where a system answers."""
        return f"http://127.0.0.1:{self.ports[system]}"

    def call(
        self,
        system: str,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
        *,
        root: str = "/native/v1",
    ) -> Reply:
        """One request with the ready token; `body` is sent as JSON unless it is bytes. A header of None is left out."""
        sent: dict[str, str | None] = {"Authorization": f"Bearer {self.tokens[system].access_token}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, bytes) else orjson.dumps(body)
        sent |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[system], timeout=10)
        try:
            shown = {name: value for name, value in sent.items() if value is not None}
            connection.request(method, root + path, body, shown)
            reply = connection.getresponse()
            got = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, got, reply.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def faces() -> Iterator[Faces]:
    """The native faces of an empty landscape."""
    made = Faces()
    yield made
    made.close()


@dataclass
class Heard:
    """One delivery as a receiver got it."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        """The CloudEvents envelope."""
        return orjson.loads(self.body)

    @property
    def type(self) -> str:
        """The event type, shortened."""
        return str(self.event["type"]).removeprefix("com.counterfoil.").removesuffix(".v1")


class Receiver:
    """Listens on a real port for deliveries. `answers`: the status of the next ones, `bodies`: what it says; 200 and nothing when
    there are no more."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks"
        self.heard: list[Heard] = []
        self.answers: list[int] = []
        self.bodies: list[bytes] = []
        self.delay = 0.0
        self.secret = ""
        self.webhook = ""
        self.together = 0
        self.most_together = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one request."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        self.heard.append(Heard({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        status = self.answers.pop(0) if self.answers else 200
        await asyncio.sleep(self.delay)
        self.together -= 1
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": self.bodies.pop(0) if self.bodies else b""})

    @property
    def keys(self) -> list[str | None]:
        """Business keys in the order of arrival."""
        return [each.event.get("businesskey") for each in self.heard]


class Running:
    """A landscape on free ports, served by a thread; used over HTTP as anybody would."""

    def __init__(self, **config: Any) -> None:
        self._kept = contextlib.ExitStack()
        self.config = {"port_base": 0, "size": "empty", **config}
        if "store" not in config:
            self.config["store"] = self._kept.enter_context(own_database())
            self.config.setdefault("processes", PROCESSES)
        self._ready, self._done = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        assert self._ready.wait(60), "the landscape did not start"
        assert self._thread.is_alive(), "the landscape could not be started"
        self.token = self.config.get("token")

    def _live(self) -> None:
        try:
            server.run(self._main())
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.landscape = Landscape.build(self.config)
        await self.landscape.start()
        self.receivers: list[server.Served] = []
        self._ready.set()
        await self._done.wait()
        for each in self.receivers:
            await each.stop()
        await self.landscape.stop()

    def close(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(20)
        self._kept.close()

    def run(self, work: Any) -> Any:
        """Run a coroutine in the landscape's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, base: str = ""
    ) -> Reply:
        """One request to the control plane, or to another address. Text or bytes are sent as they are."""
        where = urlsplit(base or self.landscape.control_url)
        sent = {"Content-Type": "application/json"} if body is not None else {}
        sent["User-Agent"] = OWN_CALLS
        if self.token and not base:
            sent["Authorization"] = f"Bearer {self.token}"
        payload = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
        try:
            connection.request(method, path, payload, {**sent, **(headers or {})})
            reply = connection.getresponse()
            got = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, got, reply.read())
        finally:
            connection.close()

    def native(self, system: str, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request to a system's native face."""
        token = self.landscape.tokens[system].access_token
        sent = {
            "Authorization": f"Bearer {token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.call(method, f"/native/v1{path}", body, sent, base=self.landscape.urls[system])

    def customer(self, name: str, **fields: Any) -> Any:
        """A new customer in the CRM, in wire form."""
        reply = self.call("POST", "/systems/crm/customers", {"name": name, "country": "US", **fields})
        assert reply.status == 201, reply.raw
        return reply.json

    def rename(self, customer: Any, name: str) -> Any:
        """A customer's new name."""
        reply = self.call("PATCH", f"/systems/crm/customers/{customer['id']}", {"name": name})
        assert reply.status == 200, reply.raw
        return reply.json

    def listen(self, system: str = "crm", *, subscribe: bool = True, **webhook: Any) -> Receiver:
        """A receiver of a system's events on a port of its own."""
        made: list[Receiver] = []

        async def serve() -> None:
            async def app(scope: Any, receive: Any, send: Any) -> None:
                await made[0](scope, receive, send)

            self.receivers.append(server.Served(app, server.bind("127.0.0.1", 0, "a receiver")))
            await self.receivers[-1].start()
            made.append(Receiver(self.receivers[-1].port))

        self.run(serve())
        if subscribe:
            reply = self.native(system, "POST", "/webhooks", {"url": made[0].url, **webhook})
            assert reply.status == 201, reply.raw
            made[0].secret = reply.json["secret"]
            made[0].webhook = reply.json["id"]
        return made[0]

    def settle(self, **query: Any) -> Any:
        """Wait until nothing moves."""
        wanted = "&".join(f"{name}={value}" for name, value in {"quiet_ms": 0, **query}.items())
        return self.call("GET", f"/settled?{wanted}").json

    def rest(self) -> None:
        """Wait, with the clock standing still, until nothing is on its way."""
        assert self.run(self.landscape.rest.quiet(0, clock.monotonic() + 30))

    @property
    def now(self) -> str:
        """The business instant."""
        return str(self.call("GET", "/clock").json["now"])


@pytest.fixture
def launch() -> Iterator[Callable[..., Running]]:
    """Starts landscapes; those that still run at the end are stopped."""
    yield from launched()


@pytest.fixture(scope="module")
def launch_shared() -> Iterator[Callable[..., Running]]:
    """Starts landscapes that all tests of a module share."""
    yield from launched()


def launched() -> Iterator[Callable[..., Running]]:
    """A starter of landscapes, which ends them when it is done."""
    made: list[Running] = []

    def start(**config: Any) -> Running:
        made.append(Running(**config))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def running(launch: Callable[..., Running]) -> Running:
    """A landscape without a firm, served on free ports."""
    return launch()
