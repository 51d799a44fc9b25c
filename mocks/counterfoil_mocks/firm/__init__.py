"""Realistic data: a professional-services firm of a given size from one seed, linked across the four systems."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from counterfoil_mocks.firm import (
    base,
    contracts,
    customers,
    deals,
    invoicing,
    people,
    to_billing,
    to_crm,
    to_erp,
    to_psa,
    work,
)
from counterfoil_mocks.firm.base import make_period
from counterfoil_mocks.firm.books import Books
from counterfoil_mocks.firm.calendar import eve_of, iso
from counterfoil_mocks.firm.rows import Rows, by_role
from counterfoil_mocks.firm.sizes import NOT_BUILT, SIZES, Size
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World

BASE = "base"
"""The size of a firm that has its companies and catalogues, and no business yet."""


def load(store: Store, systems: Mapping[str, System], world: World, seed: int, size: str) -> None:
    """Write a firm into empty systems as one transaction: rows, numbers and timers; no history, no events.

    The landscape clock's now is the firm's now; its work ends with the month before. The same seed, size and clock give the
    same rows. The billing system's setting `live` (true, false) says whether schedules run on from now; by default they do
    in every size but S. Raises ValueError for a size that is not offered and for a landscape that lacks one of the four roles.
    """
    if size in NOT_BUILT:
        raise ValueError(f"a firm of size {size} is not built yet; use one of {', '.join(SIZES)}")
    if size not in SIZES and size != BASE:
        raise ValueError(f"size {size!r}: expected one of {', '.join((*SIZES, BASE))}")
    found = by_role(systems)
    with store.transaction(), uncollected():
        rows = {role: Rows(system, many=size not in (BASE, "S")) for role, system in found.items()}
        cards = base.load(rows, seed, world.clock.now)
        if size != BASE:
            live = found["billing"].settings.get("live", SIZES[size].live)
            _business(rows, cards, SIZES[size], seed, world.clock.now, live=bool(live))
        for each in rows.values():
            each.finish()


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection inside the block: it would search through ever more rows and find nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _business(rows: Mapping[str, Rows], cards: base.Cards, size: Size, seed: int, now: str, *, live: bool) -> None:
    """Draw the firm's business, then write it system by system."""
    eve = eve_of(now)
    known, prospects = customers.draw(size, seed, eve)
    staff = people.draw(size, seed)
    won = deals.draw(size, known, staff, seed, eve)
    contracts.shape(won, seed)
    done = work.draw(won, staff, base.fx_rates(seed, now), seed, eve)
    contracts.price(won, done, seed, eve)
    billed = invoicing.draw(won, done, seed, eve, now, live=live)

    _past_periods(rows["erp"], size, won, now)
    customers.write(known, prospects, rows, seed, eve)
    people.write(staff, rows["psa"])
    to_crm.reserve(won, rows["crm"])
    to_psa.write(won, staff, done, billed, cards, rows["psa"])
    to_billing.write(won, done, billed, rows["billing"])
    books = Books(now, eve)
    books.draw(won, done, billed)
    to_erp.write(books, won, done, billed, rows["erp"], live=live)
    to_crm.write(won, billed, cards, rows["crm"])
    to_crm.write_pipeline(size, known, prospects, cards, rows["crm"], seed, eve)


def _past_periods(erp: Rows, size: Size, won: list[deals.Deal], now: str) -> None:
    """The closed periods before those of the base fixture, as far back as the firm's business goes."""
    first = iso(min(deal.won for deal in won))[:7]
    for code, _ in size.companies:
        company = base.COMPANIES[code]
        period = base.add_months(base.first_period(company, now), -1)
        while period >= first:
            make_period(erp, company, period, now)
            period = base.add_months(period, -1)
