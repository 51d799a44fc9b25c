"""Rate limits of a system on the wall clock: a token bucket, calls at a time, calls a day. Off unless its settings say so."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from zlib import crc32

import orjson

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.system import System

DAY = 86400


class Counts:
    """What the limits of one system count. level: of the bucket, at `filled_at` (wall seconds). today: calls of `day`, counted from
    the epoch. running: calls under way. rules: a checksum of those that it was counted for."""

    def __init__(self) -> None:
        self.level = self.filled_at = 0.0
        self.day = self.today = self.running = self.rules = 0

    def guarded(self) -> AbstractContextManager[object]:
        """Nobody else counts inside."""
        return nullcontext()

    def begin(self) -> None:
        """A call is let in."""
        self.running += 1

    def end(self) -> None:
        """A call is done."""
        self.running -= 1


class Limits:
    """Reads `settings["limits"]`: `{"rate": calls a second, "burst": most at once, "concurrent": at a time, "daily": a day}`; each is
    optional. They may change while the system runs. Several processes count together."""

    def __init__(self, system: System) -> None:
        self.system = system
        shared = system.world.shared
        self._counts = Counts() if shared is None else shared.counts(system.number)

    @property
    def active(self) -> bool:
        """Whether there are any."""
        return bool(self.system.settings.get("limits"))

    def enter(self, *, signing_in: bool = False) -> None:
        """Count a call in; raises Problem 429 where it is one too many. Whoever enters leaves. signing_in: the day's allowance is of
        what comes after that."""
        rules = self.system.settings["limits"]
        with self._counts.guarded():
            self._admit(rules, clock.wall(), signing_in=signing_in)
            self._counts.begin()

    def _admit(self, rules: dict[str, Any], now: float, *, signing_in: bool) -> None:
        counts, burst = self._counts, float(rules.get("burst") or rules.get("rate") or 1)
        checksum = crc32(orjson.dumps(rules, option=orjson.OPT_SORT_KEYS))
        if checksum != counts.rules:
            counts.rules, counts.level, counts.filled_at = checksum, burst, now
        concurrent, daily = rules.get("concurrent"), rules.get("daily")
        if concurrent is not None and counts.running >= concurrent:
            raise _too_many("CONCURRENCY_LIMITED", f"More than {concurrent} calls at a time.", 1)
        if daily is not None and not signing_in:
            self._count_day(now, int(daily))
        if rules.get("rate"):
            self._take(now, float(rules["rate"]), burst)

    def leave(self) -> None:
        """A call is done."""
        with self._counts.guarded():
            self._counts.end()

    def _take(self, now: float, rate: float, burst: float) -> None:
        counts = self._counts
        level = min(burst, counts.level + (now - counts.filled_at) * rate)
        counts.filled_at = now
        counts.level = level - 1 if level >= 1 else level
        if level < 1:
            raise _too_many("RATE_LIMITED", f"More than {rate:g} calls a second.", math.ceil((1 - level) / rate))

    def _count_day(self, now: float, daily: int) -> None:
        today, counts = int(now // DAY), self._counts
        if today != counts.day:
            counts.day, counts.today = today, 0
        if counts.today >= daily:
            raise _too_many("DAILY_LIMIT", f"More than {daily} calls a day.", math.ceil(DAY - now % DAY))
        counts.today += 1


def _too_many(code: str, detail: str, seconds: int) -> Problem:
    return Problem(429, code, detail, remedy=f"Wait {seconds} s.", headers=[("Retry-After", str(seconds))])
