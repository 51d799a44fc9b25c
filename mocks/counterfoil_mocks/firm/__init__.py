"""Realistic data: a professional-services firm of a given size from one seed, linked across the four systems."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil_mocks.firm import base
from counterfoil_mocks.firm.rows import Rows, by_role
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World

SIZES = ("S", "M", "L", "XL")


def load(store: Store, systems: Mapping[str, System], world: World, seed: int, size: str) -> None:
    """Write a firm into empty systems as one transaction: rows, numbers and timers; no history, no events.

    The landscape clock's now is the firm's now. The same seed, size and clock give the same rows. Raises ValueError for a size
    that is not offered and for a landscape without one of the four roles.
    """
    if size not in SIZES:
        raise ValueError(f"size {size!r}: expected one of {', '.join(SIZES)}")
    with store.transaction():
        rows = {role: Rows(system) for role, system in by_role(systems).items()}
        base.load(rows, seed, world.clock.now)
        for each in rows.values():
            each.finish()
