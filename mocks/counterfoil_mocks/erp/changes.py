"""Change orders in the books: new versions of revenue schedules, and what a modification books at once (domain §3.8)."""

from __future__ import annotations

from counterfoil_mocks.common_fields import REVENUE_METHOD
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor
from counterfoil_mocks.erp import ledger, schedules
from counterfoil_mocks.erp.model import CHANGE_ORDER, REVENUE_SCHEDULE, ROLE
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record, amount, choice, day, integer, lines, text
from counterfoil_mocks.kernel.tx import Tx

DELTA = Entity(
    "schedule_delta",
    "schedule_deltas",
    "",
    (
        integer("line_no", "Contract line; one without a schedule gets its first.", low=1, high=999, required=True),
        amount("amount", "Change of the transaction price."),
        amount("cap", "Change of the cap."),
        amount("cost", "Change of the planned cost."),
        integer("hours", "Change of the planned hours.", low=-(10**7), high=10**7),
        choice("method", REVENUE_METHOD, "Of a new line."),
        day("start"),
        day("end", "New end of the line."),
    ),
)


@ROLE.action(
    "apply_change_order",
    text("contract_no", limit=20, required=True),
    integer("co_seq", "Number of the change order.", low=1, high=999, required=True),
    choice("treatment", "SEPARATE PROSPECTIVE CATCH_UP", default="CATCH_UP"),
    lines("lines", DELTA, "What it changes, by contract line."),
    text("service_item", "Of new lines.", limit=40),
    returns=CHANGE_ORDER,
)
def apply_change_order(tx: Tx, subject: Record, values: Record) -> Record:
    """Re-measure the lines that a change order touches, once: each gets a new schedule version, and CATCH_UP books its effect now."""
    contract_no, seq = values["contract_no"], values["co_seq"]
    if tx.look_up(CHANGE_ORDER, f"{contract_no}/CO-{seq}") is not None:
        raise conflict(
            "CHANGE_ORDER_APPLIED",
            f"CO-{seq} of {contract_no} is in the books already.",
            field="co_seq",
            remedy="Nothing more is to be done.",
        )
    known = tx.find(REVENUE_SCHEDULE, contract_no=contract_no)
    if not known:
        raise invalid("contract_no", f"{contract_no} has no revenue schedule", "Create its schedules first.")
    ccy, treatment = known[0]["ccy"], values.get("treatment") or "CATCH_UP"
    deltas = [_delta(each, ccy) for each in values.get("lines") or []]
    order = tx.insert(
        CHANGE_ORDER,
        {
            "contract_no": contract_no,
            "co_seq": seq,
            "ccy": ccy,
            "treatment": treatment,
            **{name: sum(each[name] for each in deltas) for name in ("amount", "cap", "cost")},
        },
    )
    for delta in deltas:
        old = schedules.active(tx, contract_no, delta["line_no"])
        if old is None:
            _add(tx, known[0], delta, order, values.get("service_item"))
        else:
            _modify(tx, old, delta, order)
    return order


def _delta(given: Record, ccy: str) -> Record:
    figures = {name: minor(given, name, ccy) for name in ("amount", "cap", "cost")}
    return {**given, **figures, "hours": given.get("hours") or 0}


def _add(tx: Tx, like: Record, delta: Record, order: Record, service_item: str | None) -> Record:
    """The first schedule of a line that the change order brings."""
    method = delta.get("method") or ("AS_INVOICED" if delta["cap"] and not delta["amount"] else "COST_TO_COST")
    copied = {name: like[name] for name in ("contract_no", "project_no", "customer", "legal_entity", "ccy")}
    return schedules.create_schedule(
        tx,
        {
            **copied,
            "line_no": delta["line_no"],
            "method": method,
            "service_item": service_item,
            "tp": delta["amount"] or None,
            "cap": delta["cap"] or None,
            "budget_cost": delta["cost"] or None,
            "budget_hours": delta["hours"] or None,
            "start": delta.get("start") or like["start"],
            "end": delta.get("end") or like["end"],
            "co_seq": order["co_seq"],
            "treatment": order["treatment"],
            "source_key": like["source_key"],
        },
    )


def _modify(tx: Tx, old: Record, delta: Record, order: Record) -> None:
    """Supersede a schedule by its next version, and book the effect of a catch-up."""
    kept = {each.name: old[each.name] for each in REVENUE_SCHEDULE.fields if each.name not in ("status", "co_seq")}
    new = kept | {
        "tp": _moved(old["tp"], delta["amount"]),
        "cap": _moved(old["cap"], delta["cap"]),
        "budget_cost": _moved(old["budget_cost"], delta["cost"]),
        "budget_hours": _moved(old["budget_hours"], delta["hours"]),
        "eac_cost": _moved(old["eac_cost"], delta["cost"]),
        "eac_minutes": _moved(old["eac_minutes"], delta["hours"] * 60),
        "schedule_version": old["schedule_version"] + 1,
        "co_seq": order["co_seq"],
        "treatment": order["treatment"],
        "end": delta.get("end") or old["end"],
        "external_id": old["external_id"],
        "source_key": old["source_key"],
    }
    if order["treatment"] == "PROSPECTIVE":
        new |= {"carried": old["recognised"] or 0, "start": delta.get("start") or _today(tx, old)}
    tx.update(REVENUE_SCHEDULE, old, {"status": "SUPERSEDED"})
    made = tx.insert(REVENUE_SCHEDULE, {**new, "status": old["status"]})
    if order["treatment"] == "CATCH_UP":
        _catch_up(tx, made)


def _catch_up(tx: Tx, schedule: Record) -> None:
    """Book the difference between progress on the new price and estimate and what was recognised, in the change order's period."""
    place = ledger.place_for(tx, schedule["legal_entity"], _today(tx, schedule))
    cum = schedules.measured(tx, schedule, schedules.ALWAYS, place.date)
    if cum is not None:
        schedules.recognise(tx, schedule, cum, place.period["period"], place.date, "CATCH_UP")


def _moved(figure: int | None, delta: int) -> int | None:
    return figure if not delta else (figure or 0) + delta


def _today(tx: Tx, schedule: Record) -> str:
    return tx.today(entity_of(tx, schedule["legal_entity"])["tz"])
