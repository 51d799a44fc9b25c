"""Money: rounding, splits and line amounts, against figures worked out by hand."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil_mocks.kernel import money

INTEGERS = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("total", "ccy", "parts"),
    [
        ("100.00", "EUR", ["33.33", "33.34", "33.33"]),
        ("100000", "JPY", ["33333", "33334", "33333"]),
        ("1000.000", "KWD", ["333.333", "333.334", "333.333"]),
    ],
)
def test_a_split_is_rounded_cumulatively(total: str, ccy: str, parts: list[str]) -> None:
    assert money.split(money.minor(total, ccy), [1, 1, 1]) == [money.minor(part, ccy) for part in parts]


def test_an_allocation_by_selling_prices_is_exact() -> None:
    assert money.split(10_000_000, [30, 45, 40]) == [2_608_696, 3_913_043, 3_478_261]


def test_a_retainer_is_split_by_days() -> None:
    days = [17, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 14]
    parts = (
        "5589.04 9205.48 10191.78 9863.02 10191.78 9863.01 10191.78 10191.78 9863.01 10191.79 9863.01 10191.78 4602.74"
    )
    assert money.split(12_000_000, days) == [money.minor(part, "USD") for part in parts.split()]


@pytest.mark.parametrize(
    ("net", "rate", "fraction", "tax"),
    [
        ("48000.00", "0.0825", "0.8", "3168.00"),
        ("72000.00", "0.0825", "0.8", "4752.00"),
        ("9562.50", "0.0825", "0.8", "631.13"),
        ("5293.75", "0.0825", "0.8", "349.39"),
        ("36000.00", "0.0825", "0.8", "2376.00"),
        ("9137.50", "0.0825", "0.8", "603.08"),
        ("2113.08", "0.0825", "1", "174.33"),
        ("560.38", "0.20", "1", "112.08"),
    ],
)
def test_tax_of_a_line_is_rounded_once(net: str, rate: str, fraction: str, tax: str) -> None:
    factor = money.rate(rate) * money.rate(fraction)
    assert money.half_up(money.minor(net, "USD") * factor, money.RATE_SCALE**2) == money.minor(tax, "USD")


@pytest.mark.parametrize(
    ("minutes", "price", "ccy", "amount"),
    [
        (2550, "225.00", "USD", "9562.50"),
        (1815, "175.00", "USD", "5293.75"),
        (450, "225.00", "USD", "1687.50"),
        (435, "18350", "JPY", "133038"),
        (390, "78.125", "KWD", "507.813"),
        (20, "100.00", "USD", "33.33"),
    ],
)
def test_time_keeps_hours_as_a_rational(minutes: int, price: str, ccy: str, amount: str) -> None:
    assert money.time_amount(minutes, money.price(price), ccy) == money.minor(amount, ccy)


@pytest.mark.parametrize(
    ("qty", "price", "ccy", "amount"),
    [("7.25", "18350", "JPY", "133038"), ("6.50", "78.125", "KWD", "507.813"), ("42.5", "215", "USD", "9137.50")],
)
def test_a_line_amount_follows_the_currency_s_exponent(qty: str, price: str, ccy: str, amount: str) -> None:
    assert money.line_amount(money.price(qty), money.price(price), ccy) == money.minor(amount, ccy)


@pytest.mark.parametrize(
    ("minor", "rate", "source", "target", "converted"),
    [
        (41_230, "1.083", "EUR", "USD", 44_652),
        (4_000_000, "0.86", "EUR", "GBP", 3_440_000),
        (10_000, "0.0067", "JPY", "USD", 6_700),
    ],
)
def test_conversion_rounds_in_the_target_currency(
    minor: int, rate: str, source: str, target: str, converted: int
) -> None:
    assert money.convert(minor, money.rate(rate), source, target) == converted


def test_ties_go_away_from_zero() -> None:
    assert [money.half_up(n, 2) for n in (1, 3, -1, -3)] == [1, 2, -1, -2]


@given(INTEGERS, st.integers(1, 10**9))
def test_half_up_is_symmetric_and_agrees_with_decimal(numerator: int, denominator: int) -> None:
    rounded = money.half_up(numerator, denominator)
    assert money.half_up(-numerator, denominator) == -rounded
    assert money.half_up(numerator, -denominator) == -rounded
    assert abs(2 * (rounded * denominator - numerator)) <= denominator


@given(st.decimals("-1e9", "1e9", places=4))
def test_half_up_rounds_as_decimal_does(value: Decimal) -> None:
    assert money.half_up(money.scaled(value, 10_000), 100) == int(
        (value * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    )


@given(INTEGERS, st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any))
def test_the_parts_of_a_split_sum_to_its_total(total: int, weights: list[int]) -> None:
    parts = money.split(total, weights)
    assert sum(parts) == total
    assert len(parts) == len(weights)
    whole = sum(weights)
    assert all(abs(part * whole - total * weight) <= whole for part, weight in zip(parts, weights, strict=True))


@given(INTEGERS, st.sampled_from([10_000, 1_000_000]))
def test_a_decimal_survives_the_way_out_and_in(value: int, scale: int) -> None:
    assert money.scaled(money.unscaled(value, scale), scale) == value


@pytest.mark.parametrize("value", ["1.00001", "NaN", "Infinity", "one", ""])
def test_a_decimal_with_too_many_places_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        money.price(value)


def test_every_currency_has_its_exponent() -> None:
    found = {places: sorted(ccy for ccy, each in money.EXPONENTS.items() if each == places) for places in (0, 2, 3, 4)}
    assert found == {
        0: ["CLP", "JPY", "KRW"],
        2: sorted(["USD", "EUR", "GBP", "CHF", "AUD", "CAD", "SGD", "INR", "AED", "MXN", "BRL"]),
        3: ["BHD", "JOD", "KWD", "OMR", "TND"],
        4: ["CLF"],
    }


def test_amounts_read_well() -> None:
    assert [money.major(5_116_800, "USD"), money.major(-133_038, "JPY"), money.major(5, "KWD")] == [
        "51,168.00",
        "-133,038",
        "0.005",
    ]
