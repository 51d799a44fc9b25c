"""A firm's offices. A larger firm is drawn and written office by office, each with its own people, customers, deals and random
streams, so that memory is bounded by the largest office, whatever the size of the firm. What has an order of its own across
offices, the gapless numbers of a company's invoices, is found by drawing those offices once beforehand."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from counterfoil_mocks.firm.invoicing import Invoice
from counterfoil_mocks.firm.sizes import Before, Size
from counterfoil_mocks.kernel.ids import digest

PEOPLE = 320
"""Most people of an office, in firms that have several."""

SEVERAL = 1_000
"""Firms of fewer people have one office."""


class Office(NamedTuple):
    """A part of a firm. seed: of its own streams. code: its company (None: the only office serves all of them)."""

    size: Size
    seed: int
    code: str | None = None


def of(size: Size, seed: int) -> list[Office]:
    """The offices of a firm: one where it is small, else as many for each company as it takes."""
    if size.employees < SEVERAL:
        return [Office(size, seed)]
    staff = _parts(size.employees, [share for _, share in size.companies])
    codes, weights = [], []
    for (code, _), people in zip(size.companies, staff, strict=True):
        count = -(-people // PEOPLE)
        codes += [code] * count
        weights += _parts(people, [1] * count)
    kinds = ("customers", "prospects", "won", "active")
    parts = {kind: _parts(getattr(size, kind), weights) for kind in kinds}
    found, before = [], Before()
    for at, (code, people) in enumerate(zip(codes, weights, strict=True)):
        own = size._replace(
            employees=people,
            companies=((code, 100),),
            customers=parts["customers"][at],
            prospects=parts["prospects"][at],
            won=parts["won"][at],
            active=parts["active"][at],
            before=before,
        )
        found.append(Office(own, digest(seed, "firm", "office", at), code))
        parties = before.parties + own.customers + own.prospects
        before = Before(before.employees + people, parties, before.won + own.won)
    return found


def _parts(whole: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the weights that add up to the whole."""
    total, run, given, found = sum(weights), 0, 0, []
    for weight in weights:
        run += weight
        upto = whole * run // total
        found.append(upto - given)
        given = upto
    return found


def places(offices: Sequence[Office], invoices_of: Callable[[Office], Sequence[Invoice]]) -> dict[int, Iterator[int]]:
    """By seed of an office: the places of its invoices, in their order, among all of its company. Only for companies of several
    offices. invoices_of: draws an office's invoices."""
    found: dict[int, Iterator[int]] = {}
    for code in dict.fromkeys(each.code for each in offices):
        mine = [each for each in offices if each.code == code]
        if code is None or len(mine) < 2:
            continue
        issued = [(each.at, each.deal.number, at) for at, office in enumerate(mine) for each in invoices_of(office)]
        issued.sort()
        ranks = [array("L") for _ in mine]
        for place, (_, _, at) in enumerate(issued, 1):
            ranks[at].append(place)
        found |= {office.seed: iter(rank) for office, rank in zip(mine, ranks, strict=True)}
    return found
