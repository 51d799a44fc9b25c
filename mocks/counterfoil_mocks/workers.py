"""The API processes of a landscape that has several: started, told what they must know, asked to write their journal, replaced when they die."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.kernel.carrying import Job
from counterfoil_mocks.kernel.faults import Call
from counterfoil_mocks.kernel.shared import MOST_PROCESSES

if TYPE_CHECKING:
    from counterfoil_mocks.landscape import Landscape

MOST = MOST_PROCESSES - 1
MOVED = 255
"""The byte by which a process says that it has moved; any other is the number of a system that it has committed to."""
WRITING_SECONDS = 10.0
START_SECONDS = 60.0

log = logging.getLogger("counterfoil.workers")


@dataclass
class Worker:
    """One process. channel: both ways, a JSON object a line. write: a byte has it write its journal; written: a byte says that it has.
    These two are plain pipes, as the landscape waits for them without letting its event loop run."""

    slot: int
    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    channel: asyncio.StreamWriter
    write: int
    written: int
    dropped: asyncio.Future[None] | None = None
    """Done when it has dropped the deliveries that it carried."""

    def tell(self, **words: Any) -> None:
        """Send an object; to one that has died, nothing: whoever keeps it alive finds out, and gives what it had to others."""
        if not self.channel.is_closing():
            self.channel.write(orjson.dumps(words, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Give back what it was reached by; it ends by itself then."""
        self.channel.close()
        os.close(self.write)
        os.close(self.written)


class Workers:
    """`count` processes that serve the systems on sockets that the landscape has bound. moved: called when they have moved, with the
    numbers of the systems (from 0, in their order) that they have committed to."""

    def __init__(self, landscape: Landscape, count: int, moved: Callable[[set[int]], None]) -> None:
        self.landscape = landscape
        self.count = count
        self.moved = moved
        self.alive: dict[int, Worker] = {}
        self._lives: list[asyncio.Task[None]] = []
        self._hear, self._call = os.pipe()
        os.set_blocking(self._hear, False)
        os.set_blocking(self._call, False)

    async def start(self, bound: Mapping[str, socket.socket]) -> None:
        """Start them all, and wait until each serves."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._hear, self._heard)
        ready = [asyncio.Event() for _ in range(self.count)]
        for slot, event in enumerate(ready, 1):
            self._lives.append(loop.create_task(self._live(slot, bound, event)))
        waiting = loop.create_task(_all(ready))
        await asyncio.wait([*self._lives, waiting], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            raise RuntimeError("an API process did not start; its complaint stands on the error channel")

    def _heard(self) -> None:
        told = b""
        with contextlib.suppress(BlockingIOError):
            told = os.read(self._hear, 65536)
        self.moved(set(told) - {MOVED})

    async def _live(self, slot: int, bound: Mapping[str, socket.socket], ready: asyncio.Event) -> None:
        """Keep one process alive: whenever it dies, start another in its place."""
        while True:
            worker = await self._started(slot, bound)
            try:
                with contextlib.suppress(ConnectionError):  # what was said to it last, it did not read
                    await self._serve(worker, ready)
                self.alive.pop(slot, None)  # it has hung up: nothing is handed to it while it ends
                code = await worker.process.wait()
            finally:
                self.alive.pop(slot, None)
                _done(worker.dropped)
                if self.landscape.shared is not None:
                    self.landscape.shared.vacate(slot)
                worker.close()
                if worker.process.returncode is None:
                    await worker.process.wait()
            if not ready.is_set():
                raise RuntimeError(f"API process {slot} ended with code {code} before it served")
            log.warning("API process %s ended with code %s; another takes its place", slot, code)
            self.moved(set(range(len(bound))))
            await self.landscape.deliverer.bereft(slot)

    async def _started(self, slot: int, bound: Mapping[str, socket.socket]) -> Worker:
        ours, theirs = socket.socketpair()
        asked, ask = os.pipe()
        written, say = os.pipe()
        try:
            passed = [theirs.fileno(), asked, say, self._call, *(each.fileno() for each in bound.values())]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "counterfoil_mocks.worker",
                str(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                pass_fds=passed,
            )
            reader, channel = await asyncio.open_connection(sock=ours)
            worker = Worker(slot, process, reader, channel, ask, written)
            worker.tell(
                config=self.landscape.config.model_dump(mode="json"),
                slot=slot,
                shared=self.landscape.shared.path if self.landscape.shared else None,
                nudge=self._call,
                write=asked,
                written=say,
                sockets={name: each.fileno() for name, each in bound.items()},
                urls=self.landscape.urls,
            )
            return worker
        finally:
            theirs.close()
            os.close(asked)
            os.close(say)

    async def _serve(self, worker: Worker, ready: asyncio.Event) -> None:
        """Answer a worker's questions until it hangs up."""
        while line := await worker.reader.readline():
            said = orjson.loads(line)
            if "ready" in said:
                self.alive[worker.slot] = worker
                ready.set()
            elif "carried" in said:
                self.landscape.deliverer.carried(said["system"], said["carried"], said["became"])
            elif "dropped" in said:
                _done(worker.dropped)
            else:
                found = self.landscape.faults.struck(Call(*said["call"]), said["stage"])
                worker.tell(answer=said["id"], struck=[fault.id for fault in found])

    def gather(self) -> None:
        """Have every worker write its journal, and wait for it: whoever reads then sees all that has been answered."""
        asked = list(self.alive.values())
        for worker in asked:
            with contextlib.suppress(BrokenPipeError):
                os.write(worker.write, b".")
        for worker in asked:
            heard, _, _ = select.select([worker.written], [], [], WRITING_SECONDS)
            if heard:
                os.read(worker.written, 1)

    def pass_on(self, names: Sequence[str]) -> None:
        """Tell those that hold calls until there is news that there is some at these systems."""
        for worker in self.alive.values():
            worker.tell(news=list(names))

    # deliveries

    def slots(self) -> list[int]:
        """The processes that can be asked to carry a delivery."""
        return list(self.alive)

    def hand(self, slot: int, job: Job) -> None:
        """Have a process carry a delivery."""
        self.alive[slot].tell(carry=job.row["seq"], system=job.system.name)

    async def call_back(self) -> None:
        """Have all drop what they carry, and wait for it."""
        asked = list(self.alive.values())
        for worker in asked:
            worker.dropped = asyncio.get_running_loop().create_future()
            worker.tell(drop=True)
        await asyncio.gather(*(worker.dropped for worker in asked if worker.dropped is not None))

    async def stop(self) -> None:
        """End them all."""
        asyncio.get_running_loop().remove_reader(self._hear)
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        os.close(self._hear)
        os.close(self._call)


def _done(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


async def _all(events: Sequence[asyncio.Event]) -> None:
    for each in events:
        await each.wait()
