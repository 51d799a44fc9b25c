"""Rates and rated amounts: which bill rate holds on a day, what time and expenses are worth. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record

RECEIPT_ABOVE = 75
"""Major units of the spend's currency above which an expense needs a receipt to be billed."""

TIME_AND_MATERIALS = ("TM", "TM_CAPPED")


class BillRate(NamedTuple):
    """price: per hour, scaled by 10⁴. source: OVERRIDE, CARD or NONE."""

    price: int
    source: str


NO_RATE = BillRate(0, "NONE")


def bill_rate(level: str, work_date: str, override: int | None, cards: Iterable[Record]) -> BillRate:
    """The rate of a level on a day: the assignment's override, else the row of the card version in force, else none.

    cards: versions of one card. Of those that cover the day the one that took effect last is in force (source: INV-13).
    """
    if override is not None:
        return BillRate(override, "OVERRIDE")
    covering = [card for card in cards if card["effective_from"] <= work_date <= (card["effective_to"] or work_date)]
    if not covering:
        return NO_RATE
    in_force = max(covering, key=lambda card: (card["effective_from"], card["card_version"]))
    rates = [row["rate"] for row in in_force["rows"] if row["level"] == level]
    return BillRate(rates[0], "CARD") if rates else NO_RATE


def line_of(lines: Sequence[Record], line_no: int | None) -> Record | None:
    """The contract line with this number, as the project knows it."""
    return next((line for line in lines if line["line_no"] == line_no), None)


def time_billing(line: Record | None, billable: bool) -> str:
    """Whether time on a contract line is billed by the hour: UNBILLED to start with, or NOT_BILLABLE.

    line: None where the project does not know its contract's lines; then the entry's own setting decides.
    """
    by_the_hour = line is None or line["type"] in TIME_AND_MATERIALS
    return "UNBILLED" if billable and by_the_hour else "NOT_BILLABLE"


def expense_billing(line: Record | None, line_no: int | None) -> str:
    """Whether an expense is rebilled: UNBILLED to start with where it has an expense line, else NOT_BILLABLE."""
    rebilled = line["type"] == "EXPENSE" if line is not None else line_no is not None
    return "UNBILLED" if rebilled else "NOT_BILLABLE"


def wants_receipt(expense: Record) -> bool:
    """Whether an expense lacks the receipt that its size asks for (INV-39)."""
    return not expense["receipt"] and bool(
        expense["gross"] > RECEIPT_ABOVE * 10 ** money.exponent(expense["spend_ccy"])
    )


def expense_cost(gross: int, vat_recoverable: int, fx_rate: int, spend_ccy: str, ccy: str) -> int:
    """Minor units of `ccy`: the spend net of recoverable VAT, converted at the spend date's rate (source: domain §3.13)."""
    return money.convert(gross - vat_recoverable, fx_rate, spend_ccy, ccy)


def expense_bill(cost: int, markup: int) -> int:
    """Minor units of the converted cost plus its markup (scaled by 10⁶), rounded once (source: domain §3.13)."""
    return money.share(cost, money.RATE_SCALE + markup)


def fee_of(lines: Iterable[Record]) -> int:
    """Minor units of all prices and caps of a project's lines."""
    return sum((line["amount"] or 0) + (line["cap"] or 0) for line in lines)


def revised_lines(lines: Sequence[Record], fee: int, cap: int) -> list[Record]:
    """A project's lines after a change order: where one line alone has a price, or a cap, it takes the change."""
    revised = [dict(line) for line in lines]
    for name, change in (("amount", fee), ("cap", cap)):
        holders = [line for line in revised if line[name] is not None]
        if len(holders) == 1:
            holders[0][name] += change
    return revised
