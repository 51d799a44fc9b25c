"""What a face keeps besides business data: sessions, codes, nonces, cursors. In memory where one process serves, in the table of tokens
where several do, so that a client meets what it left whichever process it comes to."""

from __future__ import annotations

from typing import Any

import orjson

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.system import System

MOST = 10_000
LAST = "\U0010ffff"
"""Sorts behind everything that a name can hold."""
PUT = (
    "INSERT INTO control.token (token, system, client, kind, chain, expires, used) VALUES (?, ?, '', ?, ?, ?, 0)"
    " ON CONFLICT (token) DO UPDATE SET chain = excluded.chain, expires = excluded.expires"
)
ADD = (
    "INSERT INTO control.token (token, system, client, kind, chain, expires, used) VALUES (?, ?, '', ?, ?, ?, 0)"
    " ON CONFLICT (token) DO UPDATE SET chain = excluded.chain, expires = excluded.expires WHERE token.expires <= ? RETURNING token"
)
COUNT = (
    "INSERT INTO control.token (token, system, client, kind, chain, expires, used) VALUES (?, ?, '', ?, 'null', ?, 1)"
    " ON CONFLICT (token) DO UPDATE SET used = token.used + 1 RETURNING used"
)
GET = "SELECT chain, expires FROM control.token WHERE token = ?"
CHANGE = "UPDATE control.token SET chain = ?, expires = ? WHERE token = ? RETURNING token"
ALL = "SELECT token, chain, expires FROM control.token WHERE token >= ? AND token < ?"
TAKE = "DELETE FROM control.token WHERE token = ? RETURNING chain, expires"
SWEEP = "DELETE FROM control.token WHERE system = ? AND kind = ? AND expires <= ?"


class Kept:
    """Values (anything that JSON can say) by name, of one kind, of one system. seconds: how long each lives, on the wall clock."""

    def __init__(self, system: System, kind: str, seconds: float | None = None) -> None:
        self.system = system
        self.kind = kind
        self.seconds = seconds
        self._own: dict[str, tuple[Any, float | None]] = {}
        self._put = 0

    @property
    def shared(self) -> bool:
        """Whether other processes see it too."""
        return self.system.world.shared is not None

    def _place(self, name: str) -> str:
        return f"{self.system.name}:{self.kind}:{name}"

    def _ends(self) -> float | None:
        return None if self.seconds is None else clock.wall() + self.seconds

    def _row(self, name: str, value: Any) -> tuple[Any, ...]:
        self._tidy()
        return self._place(name), self.system.name, self.kind, orjson.dumps(value).decode(), self._ends()

    def _tidy(self) -> None:
        """Forget what has had its time, now and then."""
        self._put += 1
        if self._put % MOST == 0 and self.seconds is not None:
            now = clock.wall()
            self._own = {name: each for name, each in self._own.items() if each[1] is None or each[1] > now}
            if self.shared:
                self.system.store.execute(SWEEP, (self.system.name, self.kind, now))

    def put(self, name: str, value: Any) -> None:
        """Keep a value, instead of what was there."""
        if self.shared:
            self.system.store.execute(PUT, self._row(name, value))
        else:
            self._tidy()
            self._own[name] = value, self._ends()

    def add(self, name: str, value: Any) -> bool:
        """Keep a value where there is none yet; whether there was none."""
        if self.shared:
            row = (*self._row(name, value), clock.wall())
            return self.system.store.execute(ADD, row).fetchone() is not None
        if self.get(name) is not None:
            return False
        self.put(name, value)
        return True

    def change(self, name: str, value: Any) -> bool:
        """Keep a value instead of one that is there; whether there was one."""
        if self.shared:
            row = orjson.dumps(value).decode(), self._ends(), self._place(name)
            return self.system.store.execute(CHANGE, row).fetchone() is not None
        if self.get(name) is None:
            return False
        self.put(name, value)
        return True

    def all(self, start: str = "") -> dict[str, Any]:
        """The values whose names begin so, by name."""
        if self.shared:
            place = self._place("")
            rows = self.system.store.execute(ALL, (place + start, place + start + LAST)).fetchall()
            found = {row[0].removeprefix(place): _alive(orjson.loads(row[1]), row[2]) for row in rows}
        else:
            found = {name: _alive(*each) for name, each in self._own.items() if name.startswith(start)}
        return {name: value for name, value in found.items() if value is not None}

    def get(self, name: str) -> Any:
        """A value, or None."""
        if self.shared:
            row = self.system.store.execute(GET, (self._place(name),)).fetchone()
            return None if row is None else _alive(orjson.loads(row[0]), row[1])
        return _alive(*self._own.get(name, (None, None)))

    def count(self, name: str) -> int:
        """Count on by one; returns what it then is."""
        if self.shared:
            self._tidy()
            row = self.system.store.execute(
                COUNT, (self._place(name), self.system.name, self.kind, self._ends())
            ).fetchone()
            return int(row[0])
        self.put(name, (self.get(name) or 0) + 1)
        return int(self.get(name))

    def take(self, name: str) -> Any:
        """A value, which is there no more from now on; None where there was none."""
        if self.shared:
            row = self.system.store.execute(TAKE, (self._place(name),)).fetchone()
            return None if row is None else _alive(orjson.loads(row[0]), row[1])
        return _alive(*self._own.pop(name, (None, None)))


def _alive(value: Any, ends: float | None) -> Any:
    return None if ends is not None and ends <= clock.wall() else value
