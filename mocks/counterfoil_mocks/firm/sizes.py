"""How big a firm is and how its business is distributed (domain §9). Shares are in hundredths unless a line says otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeVar

Choice = TypeVar("Choice")


class Before(NamedTuple):
    """What other offices of the firm have taken: the last numbers of employees, of customers with prospects, and of deals."""

    employees: int = 0
    parties: int = 0
    won: int = 0


class Size(NamedTuple):
    """A size of the firm. billable: share of its people who work for customers, in hundredths. companies: legal entities and
    their share of business. roots: share of customers without a parent, in hundredths; depth: most levels of a hierarchy.
    sites: mean of further sites a customer has. won: deals won in the last year, of which `active` still run.
    deal: median of a deal in US dollars and sigma of its logarithm. live: seeded schedules run on by default. roomy: it has more rows than
    a database in memory takes."""

    employees: int
    billable: int
    companies: tuple[tuple[str, int], ...]
    customers: int
    prospects: int
    roots: int
    depth: int
    sites: float
    won: int
    active: int
    deal: tuple[int, float]
    live: bool
    before: Before = Before()
    roomy: bool = False


SIZES = {
    "S": Size(25, 84, (("CF-US", 100),), 60, 300, 95, 2, 0.1, 110, 65, (25_000, 0.9), False),
    "M": Size(
        250, 80, (("CF-US", 60), ("CF-UK", 22), ("CF-DE", 18)), 300, 2_500, 85, 3, 0.3, 380, 250, (60_000, 1.1), True
    ),
    "L": Size(
        2_500,
        77,
        (
            *(("CF-US", 36), ("CF-UK", 16), ("CF-DE", 16), ("CF-FR", 10)),
            *(("CF-CA", 8), ("CF-JP", 6), ("CF-CH", 5), ("CF-KW", 3)),
        ),
        *(1_500, 25_000, 75, 4, 0.6, 2_000, 1_400, (90_000, 1.2), True),
    ),
    "XL": Size(
        25_000,
        75,
        (
            *(("CF-US", 30), ("CF-UK", 12), ("CF-DE", 11), ("CF-FED", 7), ("CF-FR", 6), ("CF-JP", 4), ("CF-CA", 4)),
            *(("CF-AU", 3), ("CF-CH", 3), ("CF-IN", 3), ("CF-NL", 2), ("CF-ES", 2), ("CF-IT", 2), ("CF-BR", 1)),
            *((f"CF-{country}", 1) for country in ("KW", "IE", "BE", "AT", "PT", "FI", "GR", "SG", "AE", "MX")),
            ("CF-KR", 1),
        ),
        *(6_500, 200_000, 70, 6, 1.0, 9_200, 7_000, (150_000, 1.3), True),
        roomy=True,
    ),
}

DEAL_KINDS = (("TM", 38), ("FIXED_FEE", 30), ("CAPPED", 13), ("RETAINER", 12), ("FF_CR", 7))
TERMS = (("NET30", 60), ("NET45", 20), ("NET60", 12), ("NET15", 8))
LEVELS = (("ANALYST", 20), ("CONSULTANT", 30), ("SENIOR", 24), ("MANAGER", 14), ("DIRECTOR", 8), ("PARTNER", 4))
UTILISATION = {"ANALYST": 78, "CONSULTANT": 78, "SENIOR": 75, "MANAGER": 62, "DIRECTOR": 45, "PARTNER": 30}
"""Billable share of a working day by level."""

PRACTICES = (("STRATEGY", 20), ("OPERATIONS", 25), ("TECHNOLOGY", 35), ("PEOPLE", 20))
DURATION_WEEKS = {"TM": (8, 40), "FIXED_FEE": (8, 36), "CAPPED": (6, 30), "RETAINER": (52, 52), "FF_CR": (12, 40)}
PAYMENT_DELAY = (((-6, 0), 43), ((1, 30), 32), ((31, 60), 12), ((61, 90), 6), ((91, 150), 6), ((9_999, 9_999), 1))
"""Days against the due date; the last bucket never pays."""

SUBMISSION_DELAY = (((0, 0), 60), ((1, 2), 25), ((3, 7), 12), ((8, 12), 3))
EXPENSE_KINDS = (("FLIGHT", 18), ("HOTEL", 22), ("RAIL_TAXI", 25), ("MEALS", 25), ("OTHER", 10))
EXPENSE_MEDIAN = {"FLIGHT": 420, "HOTEL": 310, "RAIL_TAXI": 38, "MEALS": 32, "OTHER": 120}
LOST_REASONS = (("Price", 35), ("No decision", 30), ("Competitor", 25), ("Scope", 10))


def quota(shares: Sequence[tuple[Choice, int]], count: int, chance: Random) -> list[Choice]:
    """`count` values that keep the shares as exactly as whole numbers can, shuffled."""
    whole = sum(share for _, share in shares)
    parts = [(count * share // whole, count * share % whole) for _, share in shares]
    left = count - sum(part for part, _ in parts)
    most = sorted(range(len(shares)), key=lambda at: (-parts[at][1], at))[:left]
    values = [value for at, (value, _) in enumerate(shares) for _ in range(parts[at][0] + (at in most))]
    chance.shuffle(values)
    return values


def pick(shares: Sequence[tuple[Choice, int]], chance: Random) -> Choice:
    """One value by its share."""
    die = chance.random() * sum(share for _, share in shares)
    for value, share in shares:
        die -= share
        if die < 0:
            return value
    return shares[-1][0]


def poisson(mean: float, chance: Random) -> int:
    """A Poisson number (Knuth's way; for small means)."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count
