"""Rate limits of a system on the wall clock: a token bucket, calls at a time, calls a day. Off unless its settings say so."""

from __future__ import annotations

import math
from typing import Any

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.system import System

DAY = 86400


class Limits:
    """Reads `settings["limits"]`: `{"rate": calls a second, "burst": most at once, "concurrent": at a time, "daily": a day}`; each is
    optional. They may change while the system runs."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._known: Any = None
        self._level = 0.0
        self._filled_at = 0.0
        self._day = 0
        self._today = 0
        self.running = 0

    @property
    def active(self) -> bool:
        """Whether there are any."""
        return bool(self.system.settings.get("limits"))

    def enter(self) -> None:
        """Count a call in; raises Problem 429 where it is one too many. Whoever enters leaves."""
        rules = self.system.settings["limits"]
        now = clock.wall()
        if rules != self._known:
            self._known = dict(rules)
            self._level, self._filled_at = float(self._burst()), now
        concurrent, daily = rules.get("concurrent"), rules.get("daily")
        if concurrent is not None and self.running >= concurrent:
            raise _too_many("CONCURRENCY_LIMITED", f"More than {concurrent} calls at a time.", 1)
        if daily is not None:
            self._count_day(now, int(daily))
        if rules.get("rate"):
            self._take(now, float(rules["rate"]))
        self.running += 1

    def leave(self) -> None:
        """A call is done."""
        self.running -= 1

    def _burst(self) -> float:
        return float(self._known.get("burst") or self._known.get("rate") or 1)

    def _take(self, now: float, rate: float) -> None:
        self._level = min(self._burst(), self._level + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._level < 1:
            raise _too_many("RATE_LIMITED", f"More than {rate:g} calls a second.", math.ceil((1 - self._level) / rate))
        self._level -= 1

    def _count_day(self, now: float, daily: int) -> None:
        today = int(now // DAY)
        if today != self._day:
            self._day, self._today = today, 0
        if self._today >= daily:
            raise _too_many("DAILY_LIMIT", f"More than {daily} calls a day.", math.ceil(DAY - now % DAY))
        self._today += 1


def _too_many(code: str, detail: str, seconds: int) -> Problem:
    return Problem(429, code, detail, remedy=f"Wait {seconds} s.", headers=[("Retry-After", str(seconds))])
