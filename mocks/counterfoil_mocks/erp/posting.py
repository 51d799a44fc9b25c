"""The posting rules as a table, and the arithmetic of an entry: legs to lines, and lines to the books' currency.

Pure: knows no records, no periods and no rates (domain §3.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from counterfoil_mocks.kernel import money

ROUNDING = "9000"


class Leg(NamedTuple):
    """One side of a rule. figure: name of the amount that it books."""

    side: str
    account: str
    figure: str


RULES: dict[str, tuple[Leg, ...]] = {
    "P1": (Leg("dr", "1200", "total"), Leg("cr", "2300", "net"), Leg("cr", "2200", "tax")),
    "P2": (Leg("dr", "2300", "revenue"), Leg("cr", "4000", "revenue")),
    "P3": (Leg("dr", "1230", "position"), Leg("cr", "2300", "position")),
    "P4 TIME": (Leg("dr", "1220", "value"), Leg("cr", "4010", "value")),
    "P4 EXPENSE": (Leg("dr", "1220", "value"), Leg("cr", "4030", "value")),
    "P5": (Leg("dr", "1200", "total"), Leg("cr", "1220", "net"), Leg("cr", "2200", "tax")),
    "P6 TIME": (Leg("dr", "5000", "cost"), Leg("cr", "2500", "cost")),
    "P6 EXPENSE": (Leg("dr", "5010", "cost"), Leg("cr", "2510", "cost")),
    "P6 IC": (Leg("dr", "5030", "cost"), Leg("cr", "2600", "cost")),
    "P7 RECEIPT": (Leg("dr", "1000", "received"), Leg("cr", "2350", "received")),
    "P7 APPLY": (Leg("dr", "2350", "applied"), Leg("cr", "1200", "relieved"), Leg("cr", "7100", "gain")),
    "P7 REFUND": (Leg("dr", "2350", "relieved"), Leg("cr", "1000", "refunded"), Leg("cr", "7100", "gain")),
    "P8 OF P1": (Leg("cr", "1200", "total"), Leg("dr", "2300", "net"), Leg("dr", "2200", "tax")),
    "P8 OF P5": (Leg("cr", "1200", "total"), Leg("dr", "1220", "net"), Leg("dr", "2200", "tax")),
    "P9 PROVISION": (Leg("dr", "6100", "expense"), Leg("cr", "1210", "expense")),
    "P9 WRITE-OFF": (Leg("dr", "1210", "net"), Leg("dr", "2200", "tax"), Leg("cr", "1200", "total")),
    "P9 RECOVERY": (Leg("dr", "1000", "total"), Leg("cr", "1210", "net"), Leg("cr", "2200", "tax")),
    "P10": (Leg("dr", "1200", "difference"), Leg("cr", "7110", "difference")),
    "P11 TIME": (Leg("dr", "4010", "value"), Leg("cr", "1220", "value")),
    "P11 EXPENSE": (Leg("dr", "4030", "value"), Leg("cr", "1220", "value")),
    "LOSS": (Leg("dr", "6110", "loss"), Leg("cr", "2400", "loss")),
    "IC": (Leg("dr", "1600", "charge"), Leg("cr", "4100", "charge")),
}
"""Debits and credits of each rule. A rule's first word is its number. A negative figure books on the other side."""

INVOICE_RULES = {"FIXED_FEE": "P1", "RETAINER": "P1", "TM": "P5", "TM_CAPPED": "P5", "EXPENSE": "P5"}
"""How a line of a receivable is posted, by its type."""

INTERCOMPANY = ("1600", "2600", "4100", "5030")
"""Accounts whose lines name the other company and the pair."""


class Line(NamedTuple):
    """A line of an entry. dr, cr: minor units of the entry's currency. func: minor units of the books' currency, where they are
    not simply converted; on the same side."""

    account: str
    dr: int = 0
    cr: int = 0
    contract_line: int | None = None
    func: int | None = None
    side: str = "dr"


class Booked(NamedTuple):
    """A line with its amounts in the books' currency."""

    line: Line
    func_dr: int
    func_cr: int


def legs(
    rule: str,
    figures: Mapping[str, int],
    *,
    contract_line: int | None = None,
    accounts: Mapping[str, str] | None = None,
    functional: Mapping[str, int] | None = None,
) -> list[Line]:
    """The lines of a rule for the figures given; legs without a figure, and zero amounts, fall away.

    accounts: accounts that stand in for those of the table. functional: figures in the books' currency that are not to be converted.
    """
    made: list[Line] = []
    for leg in RULES[rule]:
        amount = figures.get(leg.figure, 0)
        func = None if functional is None else functional.get(leg.figure)
        if amount == 0 and not func:
            continue
        negative = amount < 0 or (amount == 0 and (func or 0) < 0)
        side = {"dr": "cr", "cr": "dr"}[leg.side] if negative else leg.side
        account = (accounts or {}).get(leg.account, leg.account)
        booked = None if func is None else abs(func)
        amount = abs(amount)
        debit, credit = (amount, 0) if side == "dr" else (0, amount)
        made.append(Line(account, debit, credit, contract_line, booked, side))
    return made


def balanced(lines: Sequence[Line]) -> bool:
    """Whether debits equal credits in the entry's own currency."""
    return sum(line.dr for line in lines) == sum(line.cr for line in lines)


def in_books(lines: Sequence[Line], rate: int, ccy: str, func_ccy: str, *, as_given: bool = False) -> list[Booked]:
    """The lines with their amounts in the books' currency.

    Each side is converted cumulatively, so that debits and credits come to the same; at most one minor unit is left over, by
    figures that were given, and goes to Rounding. Raises ValueError for more: then the entry itself is wrong. as_given: a sender
    has converted the document and answers for it; nothing is rounded off.
    """
    run = {"dr": 0, "cr": 0}
    booked: list[Booked] = []
    for line in lines:
        amount, func = line.dr + line.cr, line.func
        if func is None:
            before = run[line.side]
            run[line.side] += amount
            func = money.convert(before + amount, rate, ccy, func_ccy) - money.convert(before, rate, ccy, func_ccy)
        booked.append(Booked(line, func, 0) if line.side == "dr" else Booked(line, 0, func))
    if as_given:
        return booked
    left = sum(each.func_dr for each in booked) - sum(each.func_cr for each in booked)
    if abs(left) > 1:
        raise ValueError(f"the entry is out of balance by {left} minor units of {func_ccy}")
    if left:
        booked.append(Booked(Line(ROUNDING, side="cr" if left > 0 else "dr"), max(-left, 0), max(left, 0)))
    return booked


def mirrored(lines: Sequence[Mapping[str, int]]) -> list[dict[str, int]]:
    """Stored journal lines with debits and credits changed over."""
    return [
        {**line, "dr": line["cr"], "cr": line["dr"], "func_dr": line["func_cr"], "func_cr": line["func_dr"]}
        for line in lines
    ]
