"""Idempotency keys: the same key within 24 business hours gives the first answer again, whatever became of it on the way."""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

import orjson

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import Problem, invalid
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.kernel.tx import Tx

HOURS = 24
LONGEST_KEY = 255
KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")


class Remembered(NamedTuple):
    """The answer that a key stands for."""

    status: int
    payload: Any


def checked(key: str) -> str:
    """A key as it may be; raises Problem 422."""
    if not KEY.fullmatch(key):
        raise invalid(
            "Idempotency-Key",
            f"{key[:LONGEST_KEY]!r} is not a key",
            f"Give 1 to {LONGEST_KEY} visible ASCII characters.",
        )
    return key


def fingerprint(*parts: bytes | str | None) -> str:
    """What makes two calls the same call: operation, subject and body."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else (part or "").encode())
        digest.update(b"\x1f")
    return digest.hexdigest()


def recall(system: System, key: str, print_: str) -> Remembered | None:
    """The answer given before; raises Problem 422 where the key came with another call."""
    row = system.store.execute(
        f"SELECT fingerprint, at, status, body FROM {system.schema}.idempotency WHERE system = ? AND key = ?",
        (system.name, key),
    ).fetchone()
    if row is None or clock.later(row[1], hours=HOURS) <= system.clock.now:
        return None
    if row[0] != print_:
        raise Problem(
            422,
            "IDEMPOTENCY_KEY_REUSED",
            f"The key {key!r} was used for another call.",
            field="Idempotency-Key",
            remedy="Give every new call a key of its own.",
        )
    return Remembered(row[2], orjson.loads(row[3]))


def forget(tx: Tx, most: int) -> None:
    """Keep no more than so many answers: the newest."""
    schema, name = tx.system.schema, tx.system.name
    tx.system.store.execute(
        f"DELETE FROM {schema}.idempotency WHERE system = ? AND key IN"
        f" (SELECT key FROM {schema}.idempotency WHERE system = ? ORDER BY at DESC LIMIT 1000000 OFFSET ?)",
        (name, name, most),
    )


def remember(tx: Tx, key: str, print_: str, status: int, payload: Any) -> None:
    """Keep the answer, in the transaction that does the work."""
    keep(tx.system, tx.now, key, print_, status, payload)


def keep(system: System, at: str, key: str, print_: str, status: int, payload: Any) -> None:
    """Keep the answer to what is no deed of the business, and moves no clock. at: business instant."""
    system.store.execute(
        f"INSERT INTO {system.schema}.idempotency (system, key, fingerprint, at, status, body) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (system, key) DO UPDATE SET fingerprint = excluded.fingerprint, at = excluded.at, status = excluded.status,"
        " body = excluded.body",
        (system.name, key, print_, at, status, orjson.dumps(payload).decode()),
    )
