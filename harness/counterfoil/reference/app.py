"""The integration as a whole: its parts put together, started, reset and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import aiohttp
import orjson

from counterfoil.reference.config import Settings
from counterfoil.reference.connectors import Connector, Record
from counterfoil.reference.errors import Trouble
from counterfoil.reference.event import Event
from counterfoil.reference.flows import Desk, Handler, Order
from counterfoil.reference.flows.closing import Closing
from counterfoil.reference.parts import Parts, connector_of
from counterfoil.reference.reports import Reporter
from counterfoil.reference.routes import role_of
from counterfoil.reference.state import State

log = logging.getLogger("counterfoil.reference")

CONNECTIONS = 64


class Integration:
    """The running integration. Made inside the event loop; `start` before use, `stop` after."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self.settings = settings
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},  # nothing is to be unpacked
            skip_auto_headers=("Accept", "User-Agent"),  # they would say nothing
            auto_decompress=False,
        )
        self.state = State(settings.state, parts.inbox)
        self.systems: dict[str, Connector] = {
            name: connector_of(each.vendor, parts.connector)(each, self.session, settings.call_seconds)
            for name, each in settings.systems.items()
        }
        Order.one_by_one = settings.serial
        desk = Desk(self.state)
        desk.customers = parts.customers(desk)
        desk.delivery = parts.delivery(desk)
        desk.invoicing = parts.invoicing(desk)
        desk.locks = parts.locks(desk)
        desk.rebilling = parts.rebilling(desk)
        desk.taxes = parts.taxes(desk)
        self.flows = (
            desk.customers,
            desk.delivery,
            desk.invoicing,
            desk.locks,
            desk.rebilling,
            desk.taxes,
            parts.setup(desk),
            parts.cash(desk),
            parts.changes(desk),
            parts.merges(desk),
            parts.endings(desk),
            parts.rates(desk),
            Closing(desk),
            parts.moving(desk),
        )
        handlers: dict[str, Handler] = {}
        for flow in self.flows:
            handlers |= flow.handlers()
        self.reporter = Reporter(self.state, self.session, settings.control_url, settings.control_token)
        self.engine = parts.engine(
            self.state, self.systems, handlers, self.reporter, parallel=settings.parallel, serial=settings.serial
        )
        self.poller = parts.poller(self.state, self.systems, self.engine)
        self.reconciliation = parts.reconciliation(self.state, self.systems)
        self.dashboard = parts.dashboard(self.systems)
        desk.reconcile = self.reconcile
        self._clocks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up what is left, and begin what runs by the clock."""
        await self._baseline()
        await self._subscribe()
        self.engine.resume()
        for seconds, deed in (
            (self.settings.poll_seconds, self.poller.poll),
            (self.settings.reconcile_seconds, self.reconcile),
        ):
            if seconds:
                self._clocks.append(asyncio.get_running_loop().create_task(self._every(seconds, deed)))

    async def _subscribe(self) -> None:
        """Have events sent here where a system's own protocol has them; what cannot be had now is polled."""
        own = self.settings.own_url
        if own is None:
            return
        for name, system in self.systems.items():
            types = [each for each in self.engine.handlers if each.startswith(f"{role_of(name)}.")]
            try:
                await system.subscribe(f"{own.rstrip('/')}/hooks/{name}", types)
            except Trouble as trouble:
                log.warning("%s", trouble)

    async def _every(self, seconds: float, deed: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await deed()
            except Trouble as trouble:
                log.warning("%s", trouble)

    async def _baseline(self) -> None:
        """Begin to poll from now: what was there before is not news. Without a clock to ask, polling begins at the first event."""
        if self.settings.control_url is None or any(self.state.cursor(name) for name in self.systems):
            return
        headers = {"Authorization": f"Bearer {self.settings.control_token}"} if self.settings.control_token else {}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError, KeyError):
            async with self.session.get(f"{self.settings.control_url.rstrip('/')}/clock", headers=headers) as answer:
                now = orjson.loads(await answer.read())["now"]
                for name in self.systems:
                    self.state.set_cursor(name, now)

    def take(self, event: Event) -> bool:
        """Take a delivered event; False where it is known already."""
        if event.time and self.state.cursor(event.system) is None:
            self.state.set_cursor(event.system, event.time)
        return self.engine.submit(event)

    async def reset(self) -> None:
        """Forget everything."""
        await self.engine.stop()
        await self.reporter.stop()
        self.state.forget()
        for flow in self.flows:
            flow.forget()
        for system in self.systems.values():
            system.forget()
        await self._baseline()
        await self._subscribe()

    async def figures(self) -> Record:
        """The dashboard."""
        return await self.dashboard.figures()

    async def reconcile(self, legal_entity: str | None = None, period: str | None = None) -> Record:
        """Reconcile as scheduled, and tell what came of it."""
        outcome = await self.reconciliation.run(legal_entity, period)
        self.reporter.reconciled(outcome)
        return outcome

    async def stop(self) -> None:
        """Stop working."""
        for task in self._clocks:
            task.cancel()
        await asyncio.gather(*self._clocks, return_exceptions=True)
        await self.engine.stop()
        await self.reporter.stop()
        await self.session.close()
        self.state.sql.close()
