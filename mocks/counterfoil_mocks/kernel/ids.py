"""Ids and chance. Both come from the seed, mixed with an epoch that changes at every restore (so that an integration
which remembers old event ids is not fooled by a world that went back in time)."""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Callable
from functools import lru_cache

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def digest(*parts: object) -> int:
    """A 128-bit integer that depends on all parts and on nothing else."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


def stream(*parts: object) -> random.Random:
    """A random stream of its own for each purpose, so that a new consumer does not shift the others."""
    return random.Random(digest(*parts))


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on all parts: the die for one call, however threads interleave."""
    return digest(*parts) / 2**128


@lru_cache(maxsize=8)
def _pairs(alphabet: str) -> list[str]:
    """Every two-digit number in an alphabet: half the divisions."""
    return [high + low for high in alphabet for low in alphabet]


def encode(value: int, alphabet: str, length: int) -> str:
    """The last `length` digits of `value` in the base of `alphabet`."""
    pairs, out = _pairs(alphabet), []
    base = len(pairs)
    for _ in range((length + 1) // 2):
        value, rest = divmod(value, base)
        out.append(pairs[rest])
    out.reverse()
    return "".join(out)[-length:]


def ulid(milliseconds: int, *parts: object) -> str:
    """26 characters: 48 bits of business time, 80 bits of digest."""
    return ulid_of(milliseconds, digest(*parts))


def ulid_of(milliseconds: int, chance: int) -> str:
    """26 characters: 48 bits of business time, the last 80 bits of a number."""
    return encode(milliseconds, CROCKFORD, 10) + encode(chance, CROCKFORD, 16)


def hexadecimal(length: int, *parts: object) -> str:
    """`length` lower-case hex digits."""
    return f"{digest(*parts):032x}"[:length]


def secret(count: int) -> bytes:
    """Bytes that nobody can guess: tokens and signing secrets. They are never part of what a seed repeats."""
    return secrets.token_bytes(count)


IdStyle = Callable[[str, int, int, tuple[object, ...]], str]
"""(prefix of the entity, running number, business milliseconds, seed parts) → native id."""


def base62_18(prefix: str, number: int, milliseconds: int, parts: tuple[object, ...]) -> str:
    """CRM: three characters of the entity, then fifteen of base 62."""
    return prefix[:3].ljust(3, "0") + encode(digest(*parts, number), BASE62, 15)


def integer(prefix: str, number: int, milliseconds: int, parts: tuple[object, ...]) -> str:
    """PSA: a plain integer, written as digits."""
    return str((1 + digest(*parts) % 8999) * 100_000 + number)


def prefixed_ulid(prefix: str, number: int, milliseconds: int, parts: tuple[object, ...]) -> str:
    """Billing: `bil_` and a ULID."""
    return "bil_" + ulid(milliseconds, *parts, number)


def type_number(prefix: str, number: int, milliseconds: int, parts: tuple[object, ...]) -> str:
    """ERP: `CUST-000123`; a hundred thousand numbers lie between the starts of two epochs."""
    return f"{prefix}-{digest(*parts) % 900 * 100_000 + number:06d}"


COUNTED = (integer, type_number)
"""Styles whose running number must come from a sequence; the others take the deed's instant and a count within it."""
