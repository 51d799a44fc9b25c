"""What is sold: the lines and milestones of a quote."""

from __future__ import annotations

from typing import Any

from counterfoil.client import Record
from counterfoil.money import Money


def fixed_fee(
    amount: Money,
    *,
    hours: int,
    cost: Money,
    line_no: int = 1,
    rev_method: str = "COST_TO_COST",
    name: str = "Fixed fee",
    **more: Any,
) -> Record:
    """A fixed-fee line. hours, cost: the budget that progress is measured against."""
    line = {"line_no": line_no, "type": "FIXED_FEE", "name": name, "amount": amount, "rev_method": rev_method}
    return line | {"budget_hours": hours, "budget_cost": cost} | more


def time_and_materials(
    *, line_no: int = 1, cap: Money | None = None, name: str = "Time and materials", **more: Any
) -> Record:
    """A T&M line; with a cap it bills no more net labour than that."""
    kind: Record = {"type": "TM"} if cap is None else {"type": "TM_CAPPED", "cap": cap}
    return {"line_no": line_no, "name": name, "rev_method": "AS_INVOICED"} | kind | more


def rebilled_expenses(*, line_no: int, markup: str = "0.10", name: str = "Expenses", **more: Any) -> Record:
    """An expense line at cost plus a markup (a fraction)."""
    line = {"line_no": line_no, "type": "EXPENSE", "name": name, "rev_method": "AS_INVOICED"}
    return line | {"expense_markup": markup} | more


def retainer(amount: Money, *, start: str, end: str, line_no: int = 1, name: str = "Retainer", **more: Any) -> Record:
    """A recurring fee, recognised straight-line by day from start to end."""
    line = {"line_no": line_no, "type": "RETAINER", "name": name, "amount": amount, "rev_method": "STRAIGHT_LINE"}
    return line | {"start": start, "end": end} | more


def milestone(ms_code: str, amount: Money, *, planned: str | None = None, line_no: int = 1, **more: Any) -> Record:
    """A milestone of a fixed-fee line, with the amount that it bills."""
    found = {"ms_code": ms_code, "name": more.pop("name", ms_code), "amount": amount, "line_no": line_no}
    return found | ({} if planned is None else {"planned": planned}) | more
