"""How a landscape comes to rest, and how its business time passes: from timer to timer, at rest between two of them.

Nothing here polls: every wait ends with a movement of the landscape or with the quiet time that is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.calls import Calls
from counterfoil_mocks.kernel.delivery import Deliverer
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.journal import Journal
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.kernel.timers import fire, next_timer

RETRY_HORIZON_HOURS = 6
MOST_DAYS = 400
DEFAULT_QUIET_MS = 200
DEFAULT_TIMEOUT_MS = 30_000
IDLE_PATIENCE = 5
SHORTEST_WAIT = 0.02
LONGEST_WAIT = 0.5
STEP_LIMIT = 100_000
FLOW_STEP = 0.05
"""Wall seconds between two steps of a clock that flows."""


@dataclass
class Integration:
    """What is under test, as it was announced. idle_url answers `{"idle": bool}`; quiet_ms: milliseconds without traffic that
    mean rest; poll_ms: milliseconds between its polls, 0 where it does not poll; serial: deliveries go one at a time; webhooks: its
    addresses by system; the rest is what it claims of itself."""

    name: str
    idle_url: str | None = None
    quiet_ms: int = 500
    poll_ms: int = 0
    serial: bool = False
    webhooks: dict[str, str] = field(default_factory=dict)
    declares: list[str] | None = None
    links: dict[str, str] | None = None
    deadlines: dict[str, Any] | None = None


class Rest:
    """Waits for rest and lets time pass."""

    def __init__(self, systems: Mapping[str, System], world: World, deliverer: Deliverer, journal: Journal) -> None:
        self.systems = systems
        self.world = world
        self.deliverer = deliverer
        self.journal = journal
        self.integration: Integration | None = None
        self.calls = Calls(IDLE_PATIENCE + 5)
        self._moved = asyncio.Event()
        self._changed_at = 0.0
        self.look: Callable[[], bool] = lambda: False
        """Takes up what other processes have committed; whether there was anything."""
        self._walking = asyncio.Lock()
        self._flow: asyncio.Task[None] | None = None
        self.rate = 0.0
        """Business seconds that pass in a wall second; 0 while the clock stands still."""

    async def start(self) -> None:
        """Listen to the traffic."""
        self.calls.start()
        self.world.traffic.on_move.append(self._moved.set)
        self.world.on_commit.append(self._changed)
        self.deliverer.between = self.between

    async def stop(self) -> None:
        """Listen no more."""
        self.flow(0)
        with contextlib.suppress(ValueError):
            self.world.traffic.on_move.remove(self._moved.set)
            self.world.on_commit.remove(self._changed)
        await self.calls.stop()

    # rest

    async def settle(self, quiet_ms: int | None = None, timeout_ms: int = DEFAULT_TIMEOUT_MS) -> Record:
        """Wait until nothing moves; returns `{"settled", "moving"}`, where `moving` says what still does at the time limit.

        Deliveries that wait for a retry within the next 6 business hours get it: the clock is moved to it, and timers that come
        due on the way run. quiet_ms: wall milliseconds without traffic; the integration's own by default.
        """
        limit = clock.monotonic() + timeout_ms / 1000
        try:
            await asyncio.wait_for(self._walking.acquire(), max(0.001, timeout_ms / 1000))
        except TimeoutError:
            return {"settled": False, "moving": [{"what": "clock", "detail": "somebody else lets time pass"}]}
        try:
            while await self.quiet(quiet_ms, limit):
                due = self.deliverer.next_due
                if due is None or due > clock.later(self.world.clock.now, hours=RETRY_HORIZON_HOURS):
                    return {"settled": True, "moving": []}
                if clock.monotonic() > limit:
                    break
                await self._walk(due, quiet_ms, limit)
        finally:
            self._walking.release()
        return {"settled": False, "moving": await self.moving()}

    async def quiet(self, quiet_ms: int | None, limit: float) -> bool:
        """Wait, with the clock standing still, until nothing moves; False at the limit (monotonic seconds)."""
        return await self._still(limit, quiet_ms, lambda: self.deliverer.busy)

    async def between(self) -> None:
        """Between two serial deliveries: wait until the integration has dealt with the first."""
        await self._still(clock.monotonic() + DEFAULT_TIMEOUT_MS / 1000, None, lambda: False)

    def _changed(self, system: System | None = None) -> None:
        """Something was written."""
        self._changed_at = clock.monotonic()

    @property
    def _polls(self) -> bool:
        """Whether what is under test asks again and again, so that its calls alone are no movement."""
        return self.integration is not None and self.integration.poll_ms > 0

    async def _still(self, limit: float, quiet_ms: int | None, busy: Callable[[], bool]) -> bool:
        with self.world.traffic.watched():
            return await self._come_to_rest(limit, quiet_ms, busy)

    async def _come_to_rest(self, limit: float, quiet_ms: int | None, busy: Callable[[], bool]) -> bool:
        traffic = self.world.traffic
        pause = SHORTEST_WAIT
        while True:
            self._moved.clear()
            moves = traffic.moves
            wait: float | None = None
            if not traffic.in_flight and not busy():
                idle = await self._idle()
                wait = 0.0 if idle and not self._polls else self._silent(quiet_ms)
                if idle is False:
                    wait, pause = pause, min(2 * pause, LONGEST_WAIT)
            if moves != traffic.moves:
                continue
            if wait is not None and wait <= 0:
                if self.look():
                    self._changed()
                    continue
                return True
            left = limit - clock.monotonic()
            if left <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left if wait is None else min(wait, left))

    def _quiet_seconds(self, quiet_ms: int | None) -> float:
        if quiet_ms is not None:
            return quiet_ms / 1000
        if self.integration is not None:
            return (self.integration.quiet_ms + self.integration.poll_ms) / 1000
        return DEFAULT_QUIET_MS / 1000 if any(system.subscribers() for system in self.systems.values()) else 0.0

    def _silent(self, quiet_ms: int | None) -> float:
        """Seconds of silence that are still missing: since the last call, or, where calls are polls, since the last thing that was written.
        Whoever polls has then asked once more, and found nothing."""
        since = self._changed_at if self._polls else self.world.traffic.last_activity
        return since + self._quiet_seconds(quiet_ms) - clock.monotonic()

    async def _idle(self) -> bool | None:
        """Whether the integration says that it is idle, None where it says nothing; it may hold its answer until it is
        (RFC 7240, `Prefer: wait`)."""
        if self.integration is None or self.integration.idle_url is None or not self.calls.open:
            return None
        import aiohttp

        try:
            headers = {"prefer": f"wait={IDLE_PATIENCE}", "accept": "application/json"}
            async with self.calls.session.get(self.integration.idle_url, headers=headers) as answer:
                said: Any = orjson.loads(await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None
        return bool(said["idle"]) if isinstance(said, dict) and "idle" in said else None

    async def answers(self, url: str) -> bool:
        """Whether there is a 200 at an address."""
        if not self.calls.open:
            return False
        import aiohttp

        try:
            async with self.calls.session.get(url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def moving(self) -> list[Record]:
        """What is still moving."""
        found = self.deliverer.moving()
        if self.world.traffic.in_flight:
            found.append({"what": "requests", "count": self.world.traffic.in_flight})
        if self.integration is not None and await self._idle() is False:
            found.append({"what": "integration", "name": self.integration.name, "detail": "says that it is not idle"})
        due = self.deliverer.next_due
        if due is not None:
            found.append({"what": "retry", "at": due})
        return found or [{"what": "traffic", "detail": "calls kept coming until the limit"}]

    # time

    async def advance(self, to: str | None = None, days: int | None = None) -> str:
        """Let business time pass until an instant (or date, midnight UTC), or for so many days; returns the new now.

        Raises Problem 422 for a target in the past or more than 400 days ahead.
        """
        now = self.world.clock.now
        if (to is None) == (days is None):
            raise invalid("to", "give either `to` or `days`")
        try:
            target = clock.render(clock.parse(to)) if to is not None else clock.later(now, days=days or 0)
        except (ValueError, OverflowError) as error:
            raise invalid(
                "to", f"{to!r} is not a date or instant", "Write `2026-03-31` or an RFC 3339 instant."
            ) from error
        if target < now:
            raise invalid("to", f"{target} is in the past; it is {now}", "Time only runs forward; restore a snapshot.")
        if target > clock.later(now, days=MOST_DAYS):
            raise invalid("days", f"at most {MOST_DAYS} days at once", "Advance in several steps.")
        async with self._walking:
            await self._walk(target, None, None)
        return self.world.clock.now

    def flow(self, rate: float) -> None:
        """Let the clock flow by itself, so many business seconds a wall second; 0 lets it stand still again.

        What comes due happens, however busy the landscape is; while somebody settles or advances, the clock is theirs.
        """
        if self._flow is not None:
            self._flow.cancel()
            self._flow = None
        self.rate = rate
        if rate:
            self._flow = asyncio.get_running_loop().create_task(self._flowing(rate))

    async def _flowing(self, rate: float) -> None:
        last = clock.monotonic()
        while True:
            await asyncio.sleep(FLOW_STEP)
            now = clock.monotonic()
            passed, last = now - last, now
            if self._walking.locked():
                continue
            async with self._walking:
                await self._flow_to(clock.later(self.world.clock.now, seconds=passed * rate))

    async def _flow_to(self, target: str) -> None:
        """Do what comes due until an instant, without waiting for rest."""
        while (timer := next_timer(self.systems.values(), target)) is not None:
            fire(timer, self.journal)
            await asyncio.sleep(0)
        self.world.clock.move_to(target)
        self.deliverer.pump()

    async def _walk(self, target: str, quiet_ms: int | None, limit: float | None) -> None:
        """Go from timer to timer and from retry to retry until the target; rest after each that made something move."""
        await self._rest(quiet_ms, limit)
        for _ in range(STEP_LIMIT):
            if limit is not None and clock.monotonic() > limit:
                return
            due = self.deliverer.next_due
            timer = next_timer(self.systems.values(), target if due is None else min(target, due))
            if timer is not None:
                if fire(timer, self.journal):
                    await self._rest(quiet_ms, limit)
            elif due is not None and due <= target:
                self.world.clock.move_to(due)
                self.deliverer.pump()
                await self._rest(quiet_ms, limit)
            else:
                break
            await asyncio.sleep(0)
        self.world.clock.move_to(target)
        self.deliverer.pump()

    async def _rest(self, quiet_ms: int | None, limit: float | None) -> None:
        await self.quiet(quiet_ms, limit or clock.monotonic() + DEFAULT_TIMEOUT_MS / 1000)
