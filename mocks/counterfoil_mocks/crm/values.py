"""Contract arithmetic: what a quote line, a contract and a change order are worth. Pure functions over stored records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem, conflict, invalid
from counterfoil_mocks.kernel.fields import Record

PRICED = ("FIXED_FEE", "RETAINER")
"""Line types that have a transaction price; the others bill what was approved, under a cap or not."""


def extended(qty: int, unit_price: int, discount: int, ccy: str) -> int:
    """Minor units of `qty × unit_price × (1 − discount)`, rounded once."""
    numerator = qty * unit_price * (money.RATE_SCALE - discount) * 10 ** money.exponent(ccy)
    return money.half_up(numerator, money.QTY_SCALE * money.PRICE_SCALE * money.RATE_SCALE)


def contract_value(lines: Iterable[Mapping[str, Any]]) -> int:
    """Minor units of all line amounts and caps."""
    return sum((line["amount"] or 0) + (line["cap"] or 0) for line in lines)


def check_lines(lines: Sequence[Mapping[str, Any]]) -> None:
    """Refuse offered lines that nobody could bill: raises Problem 422 on the first line that is not whole."""
    numbers = [line["line_no"] for line in lines]
    for at, line in enumerate(lines):
        where = f"lines[{at}]"
        if numbers.index(line["line_no"]) != at:
            raise invalid(f"{where}.line_no", f"line {line['line_no']} stands there twice", "Number each line once.")
        if line["type"] in PRICED and line["amount"] is None:
            raise invalid(
                f"{where}.amount", f"a {line['type']} line has a price", "Give amount, or qty and unit_price."
            )
        if line["type"] not in PRICED and line["amount"] is not None:
            raise invalid(
                f"{where}.amount", f"a {line['type']} line bills what was approved", "Leave amount out; give a cap."
            )
        if line["type"] == "TM_CAPPED" and line["cap"] is None:
            raise invalid(f"{where}.cap", "a capped line has a cap", "Give the cap, or make it a TM line.")
        if line["type"] != "TM_CAPPED" and line["cap"] is not None:
            raise invalid(f"{where}.cap", f"a {line['type']} line has no cap", "Leave cap out, or make it TM_CAPPED.")


def check_milestones(agreed: Mapping[str, Any], whole_field: str = "mobilisation") -> None:
    """Refuse an offer, or a contract as amended, that bills more than its fixed fees by milestones and mobilisation: no plan of it could
    come to what its lines are worth (source: INV-11). Raises Problem 422. whole_field: what to change where only all together is too much.
    """
    fees = {line["line_no"]: line["amount"] or 0 for line in agreed["lines"] if line["type"] == "FIXED_FEE"}
    billed = dict.fromkeys(fees, 0)
    for each in agreed["milestones"]:
        if each["line_no"] in billed:
            billed[each["line_no"]] += each["amount"] or 0
    for number, fee in fees.items():
        if billed[number] > fee:
            _refuse_billed("milestones", f"those of line {number}", billed[number], fee, agreed["ccy"])
    whole = sum(billed.values()) + (agreed["mobilisation"] or 0)
    if fees and whole > sum(fees.values()):
        _refuse_billed(whole_field, "milestones and mobilisation", whole, sum(fees.values()), agreed["ccy"])


def _refuse_billed(field: str, what: str, billed: int, fee: int, ccy: str) -> NoReturn:
    said, most = money.major(billed, ccy), money.major(fee, ccy)
    raise invalid(field, f"{what} bill {said} {ccy} of a fee of {most}", "Bill no more than the fee, or raise it.")


def revised_lines(lines: Sequence[Record], deltas: Sequence[Record], treatment: str, title: str | None) -> list[Record]:
    """The contract's lines after a change order.

    A delta for a line that is not there makes a new fixed-fee line under treatment SEPARATE (it takes its tax code, service item and
    method from the first priced line), and is refused with 422 otherwise; so are deltas that do not fit the line.
    """
    revised = {line["line_no"]: dict(line) for line in lines}
    for at, delta in enumerate(deltas):
        where = f"deltas[{at}]"
        if delta["line_no"] not in revised:
            if treatment != "SEPARATE":
                raise invalid(
                    f"{where}.line_no", f"the contract has no line {delta['line_no']}", "Name one of its lines."
                )
            _check_stand_alone(delta, where)
            revised[delta["line_no"]] = _new_line(lines, delta, title)
            continue
        line = revised[delta["line_no"]]
        for name, amount, unfit in (
            ("amount", delta["amount"], line["type"] not in PRICED),
            ("cap", delta["cap"], line["type"] != "TM_CAPPED"),
        ):
            if amount and unfit:
                raise invalid(f"{where}.{name}", f"a {line['type']} line has no {name}", "Name a line that has one.")
        for name, change in (
            ("amount", delta["amount"]),
            ("cap", delta["cap"]),
            ("budget_hours", delta["hours"]),
            ("budget_cost", delta["cost"]),
        ):
            if change:
                line[name] = (line[name] or 0) + change
                if line[name] < 0:
                    raise _below_zero(where, name, line)
        if delta["end"] is not None:
            line["end"] = delta["end"]
    return list(revised.values())


def revised_milestones(milestones: Sequence[Record], changes: Sequence[Record], co_seq: int) -> list[Record]:
    """The contract's milestones after a change order; raises Problem 422 where a change does not fit them."""
    revised = {each["ms_code"]: dict(each) for each in milestones}
    for at, change in enumerate(changes):
        where, code = f"milestones[{at}]", change["ms_code"]
        if change["op"] == "ADD":
            if code in revised:
                raise invalid(
                    f"{where}.ms_code", f"milestone {code} exists already", "CHANGE it, or choose a new code."
                )
            if change["amount"] is None:
                raise invalid(f"{where}.amount", "a new milestone has an amount", "Give the amount that it bills.")
            revised[code] = {name: change[name] for name in ("ms_code", "name", "line_no", "ccy", "amount", "planned")}
            revised[code] |= {"rev_weight": None, "co_seq": co_seq}
            continue
        if code not in revised:
            raise invalid(f"{where}.ms_code", f"the contract has no milestone {code}", "Name one of its milestones.")
        if change["op"] == "REMOVE":
            del revised[code]
        else:
            given = {name: change[name] for name in ("name", "amount", "planned") if change[name] is not None}
            revised[code] |= given
    return list(revised.values())


def _check_stand_alone(delta: Record, where: str) -> None:
    """A separate contract is one only at about its stand-alone price (ASC 606-10-25-12; domain §3.8: within 5 %)."""
    price, alone = delta["amount"] or 0, delta.get("ssp")
    if alone is not None and abs(price - alone) * 100 > 5 * abs(alone):
        raise conflict(
            "NOT_STAND_ALONE_PRICE",
            f"{money.major(price, delta['ccy'])} is not within 5 % of the stand-alone price {money.major(alone, delta['ccy'])}.",
            field=f"{where}.amount",
            remedy="Agree the stand-alone price, or account for it as PROSPECTIVE or CATCH_UP.",
        )


def _new_line(lines: Sequence[Record], delta: Record, title: str | None) -> Record:
    like = next((line for line in lines if line["type"] in PRICED), lines[0] if lines else {})
    return {
        "line_no": delta["line_no"],
        "type": "FIXED_FEE",
        "name": title,
        "ccy": delta["ccy"],
        "amount": delta["amount"] or 0,
        "rev_method": like.get("rev_method", "COST_TO_COST"),
        "tax_code": like.get("tax_code"),
        "service_item": like.get("service_item"),
        "budget_hours": delta["hours"],
        "budget_cost": delta["cost"],
        "end": delta["end"],
        "cap": None,
    }


def _below_zero(where: str, name: str, line: Record) -> Problem:
    field = {"budget_hours": "hours", "budget_cost": "cost"}.get(name, name)
    return invalid(
        f"{where}.{field}", f"line {line['line_no']} would have {name} {line[name]}", "Take away no more than is there."
    )
