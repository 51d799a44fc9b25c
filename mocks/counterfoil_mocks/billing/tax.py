"""Tax of a document, line by line. Pure arithmetic: which code applies is decided elsewhere (domain §3.11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from counterfoil_mocks.kernel import money

CUT_CURRENCIES = frozenset({"JPY"})
"""Currencies in which tax of an invoice is cut, not rounded, to the minor unit."""

EXACT = money.RATE_SCALE * money.RATE_SCALE


class Taxed(NamedTuple):
    """A line as tax sees it. net: minor units. rate, fraction: scaled by 10⁶."""

    net: int
    rate: int
    fraction: int = money.RATE_SCALE


def document_tax(lines: Sequence[Taxed], policy: str, ccy: str) -> list[int]:
    """Tax of each line, in minor units.

    policy: `LINE` rounds on every line; `INVOICE` rounds once for each rate, and the rounded total is distributed over the lines
    with cumulative rounding, so that the lines always add up. Yen are cut, once for each rate.
    Sources: SSUTA §324 (seller elects item or invoice), HMRC Notice 700 §17.5.
    """
    exact = [line.net * line.rate * line.fraction for line in lines]
    if policy == "LINE":
        return [money.half_up(each, EXACT) for each in exact]
    taxes = [0] * len(lines)
    for rate in dict.fromkeys((line.rate, line.fraction) for line in lines):
        mine = [at for at, line in enumerate(lines) if (line.rate, line.fraction) == rate]
        weights = [exact[at] for at in mine]
        if sum(weights):
            total = _cut(sum(weights)) if ccy in CUT_CURRENCIES else money.half_up(sum(weights), EXACT)
            for at, part in zip(mine, money.split(total, weights), strict=True):
                taxes[at] = part
    return taxes


def is_exempt(customer_status: str | None, certificate: str | None, expires: str | None, tax_point: str) -> bool:
    """Whether an exemption holds on the tax point: status EXEMPT and a certificate that has not run out."""
    return customer_status == "EXEMPT" and bool(certificate) and (expires is None or expires >= tax_point)


def _cut(exact: int) -> int:
    whole = abs(exact) // EXACT
    return whole if exact >= 0 else -whole
