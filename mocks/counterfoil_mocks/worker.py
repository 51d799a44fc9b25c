"""One API process of a landscape that has several: it serves the systems from the shared database. The landscape starts it:
`python -m counterfoil_mocks.worker CHANNEL`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from typing import Any

import orjson

from counterfoil_mocks import assembly
from counterfoil_mocks.config import Config
from counterfoil_mocks.kernel import native
from counterfoil_mocks.kernel.auth import Tokens
from counterfoil_mocks.kernel.carrying import Carrier, insisted, read
from counterfoil_mocks.kernel.errors import StoreAway
from counterfoil_mocks.kernel.face import ASGIApp, Receive, Scope, Send
from counterfoil_mocks.kernel.faults import Call, Fault, Faults
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.server import Served, run
from counterfoil_mocks.kernel.shared import Shared, SharedClock, SharedNumbers, SharedTraffic
from counterfoil_mocks.kernel.store import open_store
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.roles import FACES, ROLES
from counterfoil_mocks.workers import MOVED


class Channel:
    """The line to the landscape's own process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._count = 0

    def tell(self, **words: Any) -> None:
        """Send an object."""
        self._writer.write(orjson.dumps(words, option=orjson.OPT_APPEND_NEWLINE))

    async def ask(self, **words: Any) -> Any:
        """Send a question and wait for what answers it."""
        self._count += 1
        waiting = self._waiting[self._count] = asyncio.get_running_loop().create_future()
        self.tell(id=self._count, **words)
        return await waiting

    def answered(self, said: Any) -> None:
        """An answer has come."""
        self._waiting.pop(said["answer"]).set_result(said["struck"])


class SharedFaults(Faults):
    """The landscape's faults: planned and counted in its own process, executed here."""

    def __init__(self, world: World, channel: Channel) -> None:
        super().__init__(world)
        self.channel = channel

    def adopt(self, plan: list[dict[str, Any]]) -> None:
        """What is broken now; a fault that was known before keeps what it remembers."""
        known = [(fault.told, fault) for fault in self.planned]
        self.planned = [
            next((fault for told, fault in known if told == each), None) or self.remade(each) for each in plan
        ]

    async def asked(self, call: Call, stage: str) -> list[Fault]:
        """The faults that strike a request, as the landscape counts them."""
        struck = await self.channel.ask(call=[call.system, call.operation, call.key, call.same], stage=stage)
        return [fault for fault in self.planned if fault.id in struck]


class Worker:
    """The systems as this process serves them."""

    def __init__(self, said: dict[str, Any], channel: Channel) -> None:
        self.channel = channel
        self.config = Config.model_validate(said["config"])
        self.shared = Shared(said["shared"], said["slot"])
        self._nudge, self._write, self._written = said["nudge"], said["write"], said["written"]
        os.set_blocking(self._nudge, False)
        self.store = open_store(self.config.store, ROLES, guest=True, roomy=assembly.roomy(self.config.size))
        self.store.returned(self._returned)
        self.world = World(SharedClock(self.shared), seed=self.config.seed, shared=self.shared)
        self.world.traffic = SharedTraffic(self.shared, lambda: self.nudge(MOVED))
        self.world.on_commit.append(self._committed)
        self.world.tell = self._tell
        self.systems = assembly.assembled(self.config, self.store, self.world)
        for name, system in self.systems.items():
            system.url = said["urls"][name]
        self._numbers = {name: number for number, name in enumerate(self.systems)}
        self.journal = Journal(self.store, self.world)
        self.journal.numbers = SharedNumbers(self.shared, 0)
        self.faults = SharedFaults(self.world, channel)
        self.carrier = Carrier(self.world, self.journal, said["slot"])
        self._carried: set[asyncio.Task[None]] = set()
        self._generation = -1
        self.served = [
            Served(self._app(name, system), socket.socket(fileno=said["sockets"][name]))
            for name, system in self.systems.items()
        ]

    def _app(self, name: str, system: System) -> ASGIApp:
        pipeline = native.build_app(
            system,
            FACES[system.role.name],
            journal=self.journal,
            faults=self.faults,
            auth=Tokens(system),
            vendor=system.face,
        )

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if self._generation != self.shared.generation:
                with contextlib.suppress(StoreAway):  # the pipeline meets it too, and knows how to say it
                    self._follow()
            await pipeline(scope, receive, send)

        return app

    def _follow(self) -> None:
        """Read again what other processes may have changed."""
        generation = self.shared.generation
        self.world.epoch = int(self.store.meta("epoch") or 0)
        self.faults.adopt(orjson.loads(self.store.meta("faults") or "[]"))
        limits = orjson.loads(self.store.meta("limits") or "{}")
        for name, system in self.systems.items():
            system.settings["limits"] = limits.get(name, {})
        self._generation = generation

    def nudge(self, what: int) -> None:
        """Wake the landscape's own process; one that is far behind will look for itself."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._nudge, bytes((what,)))

    def _returned(self) -> None:
        """The database answers again: who knows what was committed."""
        for number in range(len(self.systems)):
            self.nudge(number)

    def _committed(self, system: System) -> None:
        if system.subscribers() or self.shared.held:
            self.nudge(self._numbers[system.name])

    def _tell(self, system: System) -> None:
        if self.shared.held:
            self.nudge(self._numbers[system.name])

    def _write_out(self) -> None:
        """Write the journal, and say that it is written."""
        if os.read(self._write, 1):
            self.journal.flush()
            os.write(self._written, b".")

    # deliveries

    def _heard(self, said: dict[str, Any]) -> None:
        """The landscape has said something."""
        if "carry" in said:
            task = asyncio.get_running_loop().create_task(self._carry(self.systems[said["system"]], said["carry"]))
            self._carried.add(task)
            task.add_done_callback(self._carried.discard)
        elif "news" in said:
            for name in said["news"]:
                for notify in self.world.on_news:
                    notify(self.systems[name])
        elif "drop" in said:
            self._dropping = asyncio.get_running_loop().create_task(self._drop())
        else:
            self.channel.answered(said)

    async def _carry(self, system: System, seq: int) -> None:
        """Carry a delivery that nobody else has claimed, and tell what became of it."""
        became = None
        if await insisted(lambda: self.carrier.claim(system, seq)):
            for job in await insisted(lambda: read(system, "d.seq = ?", (seq,))):
                await self.carrier.carry(job)
                became = {name: job.row[name] for name in ("state", "attempts", "next_at")}
        self.channel.tell(carried=seq, system=system.name, became=became)

    async def _drop(self) -> None:
        """Drop what is being carried."""
        carried = list(self._carried)
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
        self.channel.tell(dropped=True)

    async def live(self) -> None:
        """Serve until the landscape hangs up."""
        asyncio.get_running_loop().add_reader(self._write, self._write_out)
        for each in self.served:
            await each.start()
        self.carrier.start()
        self.channel.tell(ready=True)
        with contextlib.suppress(ConnectionError):  # the landscape is gone
            while line := await self.channel.reader.readline():
                self._heard(orjson.loads(line))
        asyncio.get_running_loop().remove_reader(self._write)
        for each in self.served:
            await each.stop()
        for task in self._carried:
            task.cancel()
        await self.carrier.stop()
        self.journal.flush()
        self.store.close()


async def main(descriptor: int) -> None:
    """Learn what to serve, then serve it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = Channel(*await asyncio.open_connection(sock=socket.socket(fileno=descriptor)))
    await Worker(orjson.loads(await channel.reader.readline()), channel).live()


if __name__ == "__main__":
    run(main(int(sys.argv[1])))
