"""Minor units and what people and vendors call an amount: one table of currencies for all who cross from one to the other."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

PLACES = {**dict.fromkeys(("JPY", "KRW", "CLP"), 0), **dict.fromkeys(("KWD", "BHD", "OMR", "JOD", "TND"), 3), "CLF": 4}
"""Decimals of currencies that do not have two (ISO 4217)."""


def minor_of(value: Any, ccy: str) -> int:
    """An amount in major units as minor ones."""
    return int(Decimal(str(value)).scaleb(places(ccy)).quantize(Decimal(1), ROUND_HALF_UP))


def major_of(minor: int, ccy: str) -> str:
    """Minor units as an amount in major ones."""
    return f"{Decimal(minor).scaleb(-places(ccy)):f}"


def places(ccy: str) -> int:
    """Decimals of a currency."""
    return PLACES.get(ccy, 2)
