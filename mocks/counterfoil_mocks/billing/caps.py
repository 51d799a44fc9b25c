"""Not-to-exceed caps: how much of an approved amount may be billed. Split by amount, not by hours (domain §3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Split(NamedTuple):
    """What of an entry may be billed and what is above the cap, in minor units."""

    billable: int
    over: int


def split(amount: int, cap: int | None, used: int) -> Split:
    """Split one amount by what is left of the cap. used: net labour that already counts against it. cap None: no ceiling."""
    if cap is None:
        return Split(amount, 0)
    billable = min(amount, max(cap - used, 0)) if amount > 0 else amount
    return Split(billable, amount - billable)


def release(over: Iterable[tuple[str, str, int]], headroom: int) -> dict[str, int]:
    """What a raised cap frees: by id, minor units of each `(work_date, id, amount over the cap)`, in order, while headroom lasts."""
    freed: dict[str, int] = {}
    for _, entry, amount in sorted(over):
        part = min(amount, max(headroom, 0))
        if part:
            freed[entry] = part
            headroom -= part
    return freed
