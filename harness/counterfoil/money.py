"""Money as scenarios write it: `usd("48,000.00")` is the wire form `{"minor": 4800000, "ccy": "USD"}`. Never a float."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from counterfoil_mocks.kernel import money as exact

Money = dict[str, Any]


def amount(value: str | int, ccy: str) -> Money:
    """An amount in major units, `"1,234.50"`, as wire money; raises ValueError for more places than the currency has."""
    return {"minor": exact.minor(str(value), ccy), "ccy": ccy}


def usd(value: str | int) -> Money:
    """US dollars."""
    return amount(value, "USD")


def eur(value: str | int) -> Money:
    """Euro."""
    return amount(value, "EUR")


def gbp(value: str | int) -> Money:
    """Pounds sterling."""
    return amount(value, "GBP")


def jpy(value: str | int) -> Money:
    """Yen, which have no minor unit."""
    return amount(value, "JPY")


def kwd(value: str | int) -> Money:
    """Kuwaiti dinars, with three places."""
    return amount(value, "KWD")


def total(amounts: Iterable[Mapping[str, Any] | None], ccy: str | None = None) -> Money:
    """The sum of amounts in one currency (None counts nothing); raises ValueError for two currencies or none."""
    found = [each for each in amounts if each is not None]
    currencies = {each["ccy"] for each in found} | ({ccy} if ccy else set())
    if len(currencies) != 1:
        raise ValueError(f"one currency is needed to add amounts, found {sorted(currencies) or 'none'}")
    return {"minor": sum(each["minor"] for each in found), "ccy": currencies.pop()}


def in_currency(value: Any, ccy: str) -> Any:
    """A value whose whole numbers, at any depth, are minor units of a currency, with wire money in their place; sets become lists."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"minor": value, "ccy": ccy}
    if isinstance(value, Mapping):
        return {name: in_currency(each, ccy) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [in_currency(each, ccy) for each in value]
    if isinstance(value, (set, frozenset)):
        return [in_currency(each, ccy) for each in sorted(value)]
    return value


def show(value: Mapping[str, Any]) -> str:
    """For people: `USD 48,000.00`."""
    return f"{value['ccy']} {exact.major(value['minor'], value['ccy'])}"


def readable(value: object) -> str:
    """Any wire value for people: money in major units, lists and records spelled out."""
    if isinstance(value, Mapping):
        if set(value) == {"minor", "ccy"}:
            return show(value)
        return "{" + ", ".join(f"{name}: {readable(each)}" for name, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(readable, value)) + "]"
    return "–" if value is None else str(value)
