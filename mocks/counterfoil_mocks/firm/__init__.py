"""Realistic data: a professional-services firm of a given size from one seed, linked across the four systems."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from counterfoil_mocks.firm import (
    base,
    contracts,
    customers,
    deals,
    invoicing,
    offices,
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
from counterfoil_mocks.firm.companies import COMPANIES
from counterfoil_mocks.firm.customers import Party
from counterfoil_mocks.firm.invoicing import Billing
from counterfoil_mocks.firm.offices import Office
from counterfoil_mocks.firm.people import Employee
from counterfoil_mocks.firm.rows import Rows, by_role
from counterfoil_mocks.firm.sizes import SIZES
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World

BASE = "base"
"""The size of a firm that has its companies and catalogues, and no business yet."""


def roomy(size: str) -> bool:
    """Whether a firm of this size has more rows than a database in memory takes."""
    return size in SIZES and SIZES[size].roomy


def load(store: Store, systems: Mapping[str, System], world: World, seed: int, size: str) -> None:
    """Write a firm into empty systems as one transaction: rows, numbers and timers; no history, no events.

    The landscape clock's now is the firm's now; its work ends with the month before. The same seed, size and clock give the
    same rows. The billing system's setting `live` (true, false) says whether schedules run on from now; by default they do
    in every size but S. Raises ValueError for a size that is not offered and for a landscape that lacks one of the four roles.
    """
    if size not in SIZES and size != BASE:
        raise ValueError(f"size {size!r}: expected one of {', '.join((*SIZES, BASE))}")
    found = by_role(systems)
    with store.transaction(), uncollected():
        rows = {role: Rows(system, many=size not in (BASE, "S")) for role, system in found.items()}
        live = None if size == BASE else bool(found["billing"].settings.get("live", SIZES[size].live))
        write(rows, seed, size, world.clock.now, live=live)
        for each in rows.values():
            each.finish()


Progress = Callable[[int, int], None]
"""Is told how many offices of how many are written."""


def write(
    rows: Mapping[str, Rows],
    seed: int,
    size: str,
    now: str,
    *,
    live: bool | None = None,
    progress: Progress | None = None,
) -> None:
    """Make all rows of a firm, office by office. live: schedules run on from now (None: as is usual for the size)."""
    if size == BASE:
        base.load(rows, seed, now)
        return
    firm, eve = SIZES[size], eve_of(now)
    live = firm.live if live is None else live
    cards = base.load(rows, seed, now, [code for code, _ in firm.companies])
    fx = base.fx_rates(seed, now) | base.fx_abroad(seed, now, base.ccys_of(list(COMPANIES.values())))
    drawing = _Drawing(fx, eve, now, live)
    parts = offices.of(firm, seed)
    places = offices.places(parts, lambda office: drawing.draw(office, set()).billed.invoices)
    to_crm.numbered(firm.won, rows["crm"])
    periods = {code: base.first_period(COMPANIES[code], now) for code, _ in firm.companies}
    names: set[str] = set()
    counts: dict[str, int] = {}
    for number, office in enumerate(parts, 1):
        drawn = drawing.draw(office, names)
        invoicing.issue(drawn.billed.invoices, places.get(office.seed), counts, office.seed, eve)
        _past_periods(rows["erp"], office, drawn, periods, now)
        _write(office, drawn, drawing, cards, rows)
        if progress is not None:
            progress(number, len(parts))


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


@dataclass(slots=True)
class _Drawn:
    """The business of an office."""

    known: list[Party]
    prospects: Iterator[Party]
    staff: list[Employee]
    won: list[deals.Deal]
    done: list[Work]
    billed: Billing


@dataclass(slots=True)
class _Drawing:
    """Draws an office's business: the same again whenever it is asked."""

    fx: Mapping[tuple[str, str, str], int]
    eve: int
    now: str
    live: bool

    def draw(self, office: Office, names: set[str]) -> _Drawn:
        """The business of an office. names: of customers that other offices have; its own are added."""
        size, seed, eve = office.size, office.seed, self.eve
        known, prospects = customers.draw(size, seed, eve, names)
        staff = people.draw(size, seed)
        won = deals.draw(size, known, staff, seed, eve)
        contracts.shape(won, seed)
        done = work.draw(won, staff, self.fx, seed, eve)
        contracts.price(won, done, seed, eve)
        billed = invoicing.draw(won, done, seed, eve, self.now, live=self.live)
        return _Drawn(known, prospects, staff, won, done, billed)


def _write(office: Office, drawn: _Drawn, drawing: _Drawing, cards: base.Cards, rows: Mapping[str, Rows]) -> None:
    """Write an office's business system by system."""
    size, seed, eve, won, billed = office.size, office.seed, drawing.eve, drawn.won, drawn.billed
    prospects = list(drawn.prospects)
    customers.write(drawn.known, prospects, rows, seed, eve)
    people.write(drawn.staff, rows["psa"])
    to_crm.reserve(won, rows["crm"])
    to_psa.write(won, drawn.staff, drawn.done, billed, cards, rows["psa"])
    to_billing.write(won, drawn.done, billed, rows["billing"])
    books = Books(drawing.now, eve)
    books.draw(won, drawn.done, billed)
    to_erp.write(books, won, drawn.done, billed, rows["erp"], live=drawing.live)
    to_crm.write(won, billed, cards, rows["crm"])
    to_crm.write_pipeline(size, drawn.known, prospects, cards, rows["crm"], seed, eve)


def _past_periods(erp: Rows, office: Office, drawn: _Drawn, periods: dict[str, str], now: str) -> None:
    """The closed periods before those that are there, as far back as the office's business goes. periods: the first that is
    there, by company; kept up."""
    first = iso(min(deal.won for deal in drawn.won))[:7]
    for code, _ in office.size.companies:
        period = base.add_months(periods[code], -1)
        while period >= first:
            make_period(erp, COMPANIES[code], period, now)
            periods[code], period = period, base.add_months(period, -1)
