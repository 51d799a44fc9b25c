"""Money, rates and rounding. Amounts are integer minor units; prices and rates are scaled integers; nothing is a float.

`minor`: ISO 4217 minor units. `price`, `qty`: 4 decimal places (scaled by 10 000). `rate`: 6 decimal places.
Rounding is half-up, ties away from zero, once, on the final figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

EXPONENTS = {
    **dict.fromkeys(("USD", "EUR", "GBP", "CHF", "AUD", "CAD", "SGD", "INR", "AED", "MXN", "BRL"), 2),
    **dict.fromkeys(("JPY", "KRW", "CLP"), 0),
    **dict.fromkeys(("KWD", "BHD", "OMR", "JOD", "TND"), 3),
    "CLF": 4,
}
OTHERS = {
    **dict.fromkeys(
        [
            "NZD",
            "HKD",
            "SEK",
            "NOK",
            "DKK",
            "PLN",
            "CZK",
            "HUF",
            "ILS",
            "ZAR",
            "THB",
            "TWD",
            "CNY",
            "RON",
            "BGN",
            "TRY",
            "SAR",
            "UGX",
        ],
        2,
    ),
    **dict.fromkeys(["BIF", "DJF", "GNF", "KMF", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
}
"""Currencies that the firm does not use and callers of a vendor's API may."""
KNOWN = EXPONENTS | OTHERS
PRICE_SCALE = 10_000
QTY_SCALE = 10_000
RATE_SCALE = 1_000_000


class Money(NamedTuple):
    """An amount as a caller gave it, before its currency is checked against the record's."""

    minor: int
    ccy: str


def carried(minor: int, before: str, after: str) -> int:
    """The same figure in another currency, in its minor units: 5.55 EUR is 6 JPY, 500 JPY are 500.00 USD. It is no exchange."""
    figure = Decimal(minor).scaleb(exponent(after) - exponent(before))
    return int(figure.quantize(Decimal(1), ROUND_HALF_UP))


def half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded half-up, ties away from zero, symmetric for negatives."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def exponent(ccy: str) -> int:
    """Decimal places of a currency; raises KeyError for one that the fixtures do not know."""
    return KNOWN[ccy]


def line_amount(qty: int, price: int, ccy: str) -> int:
    """Minor units of `qty × price` (both scaled), rounded once."""
    return half_up(qty * price * 10 ** exponent(ccy), QTY_SCALE * PRICE_SCALE)


def time_amount(minutes: int, price: int, ccy: str) -> int:
    """Minor units of `minutes / 60 × hourly price`; hours stay a rational."""
    return half_up(minutes * price * 10 ** exponent(ccy), 60 * PRICE_SCALE)


def share(minor: int, rate: int) -> int:
    """`minor × rate` (rate scaled by 10⁶), rounded once."""
    return half_up(minor * rate, RATE_SCALE)


def convert(minor: int, rate: int, from_ccy: str, to_ccy: str) -> int:
    """Multiply by an FX rate (units of `to_ccy` per unit of `from_ccy`, scaled by 10⁶), then round to `to_ccy`."""
    up, down = 10 ** exponent(to_ccy), 10 ** exponent(from_ccy)
    return half_up(minor * rate * up, RATE_SCALE * down)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` by weights with cumulative rounding; the parts always sum to `total`."""
    whole, run, given, parts = sum(weights), 0, 0, []
    for weight in weights:
        run += weight
        upto = half_up(total * run, whole)
        parts.append(upto - given)
        given = upto
    return parts


def scaled(value: str | int | Decimal, scale: int) -> int:
    """A decimal string as a scaled integer; raises ValueError where it has more places than `scale` holds."""
    try:
        exact = Decimal(value) * scale
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not a decimal number") from error
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise ValueError(f"{value!r} has more decimal places than {len(str(scale)) - 1}")
    return int(exact)


def unscaled(value: int, scale: int) -> str:
    """The decimal string of a scaled integer, with every place written: 1875000 / 10⁴ is `187.5000`."""
    places = len(str(scale)) - 1
    whole, rest = divmod(abs(value), scale)
    return f"{'-' if value < 0 else ''}{whole}.{rest:0{places}d}"


def price(value: str) -> int:
    """A price or quantity literal, `"225.00"`, as a scaled integer."""
    return scaled(value, PRICE_SCALE)


def rate(value: str) -> int:
    """A fraction or FX rate literal, `"0.0825"`, as a scaled integer."""
    return scaled(value, RATE_SCALE)


def minor(value: str, ccy: str) -> int:
    """An amount literal in major units, `"1,234.50"`, as minor units."""
    return scaled(value.replace(",", ""), 10 ** exponent(ccy))


def major(amount: int, ccy: str) -> str:
    """Minor units for people: 5116800 USD is `51,168.00`."""
    places = exponent(ccy)
    whole, rest = divmod(abs(amount), 10**places)
    return f"{'-' if amount < 0 else ''}{whole:,}" + (f".{rest:0{places}d}" if places else "")
