"""Business deeds on approved work: its value and its cost in the books (P4, P6), and what takes value back (P11)."""

from __future__ import annotations

from counterfoil_mocks.deeds import minor, refuse_frozen
from counterfoil_mocks.erp import ledger, posting
from counterfoil_mocks.erp.model import ROLE, WORK_ENTRY
from counterfoil_mocks.erp.schedules import follows_approval
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record, amount, text
from counterfoil_mocks.kernel.tx import Tx


@ROLE.on_create(WORK_ENTRY)
def post_work(tx: Tx, values: Record) -> Record:
    """Book approved work in the period of its date, or late in the first open one. A second one of the same entry is booked too.

    Raises Problem 409 PERIOD_CLOSED where no period is open, FX_RATE_MISSING.
    """
    ledger.entity_of(tx, values["legal_entity"])
    ccy = values["ccy"]
    figures = {"value": minor(values, "value", ccy), "cost": minor(values, "cost", ccy)}
    place = ledger.place_for(tx, values["legal_entity"], values["work_date"])
    booked = figures if follows_approval(tx, values["contract_no"], values["line_no"]) else {**figures, "value": 0}
    kind = values["source_type"]
    value = posting.legs(f"P4 {kind}", booked, contract_line=values["line_no"])
    cost = posting.legs(f"P6 {kind}", booked, contract_line=values["line_no"])
    rule = "+".join(name for name, lines in (("P4", value), ("P6", cost)) if lines)
    entry = _post(tx, values, [*value, *cost], rule, place.date)
    booked_as = {
        "period": place.period["period"],
        "kind": "LATE" if place.late else "NORMAL",
        "je": entry and entry["id"],
    }
    return tx.insert(WORK_ENTRY, {**values, **figures, **booked_as})


def _post(tx: Tx, work: Record, lines: list[posting.Line], rule: str, day: str) -> Record | None:
    return ledger.post(
        tx,
        work["legal_entity"],
        lines,
        rule=rule,
        day=day,
        source=f"work {work['source_id']}",
        ccy=work["ccy"],
        contract_no=work["contract_no"],
        project_no=work.get("project_no"),
    )


@ROLE.on_update(WORK_ENTRY)
def change_work(tx: Tx, record: Record, changes: Record) -> Record:
    """Booked work is never edited."""
    refuse_frozen(record, changes, {"project_no"})
    return tx.update(WORK_ENTRY, record, changes)


@ROLE.action(
    "revalue_work",
    amount("value", "The new billable value.", required=True),
    text("reason", limit=255),
    on=WORK_ENTRY,
)
def revalue_work(tx: Tx, subject: Record, values: Record) -> Record:
    """Book more or less value of work now: a write-down, a move above or below the cap (P11, P4). Its cost stays."""
    value = minor(values, "value", subject["ccy"])
    if value < 0:
        raise invalid("value", "work is worth nothing at least", "Give zero to write all of it down.")
    _move_value(tx, subject, value)
    return tx.update(WORK_ENTRY, subject, {"value": value})


def _move_value(tx: Tx, work: Record, value: int) -> None:
    delta, kind = value - (work["value"] or 0), work["source_type"]
    if not follows_approval(tx, work["contract_no"], work["line_no"]):
        return
    rule, figure = ("P4", delta) if delta > 0 else ("P11", -delta)
    lines = posting.legs(f"{rule} {kind}", {"value": figure}, contract_line=work["line_no"])
    _post(tx, work, lines, rule, _today(tx, work))


@ROLE.action("reverse_work", text("reason", limit=255), on=WORK_ENTRY)
def reverse_work(tx: Tx, subject: Record, values: Record) -> Record:
    """Take approved work out of the books because its approval was withdrawn: value by P11, cost by a mirrored P6."""
    _move_value(tx, subject, 0)
    cost = {"cost": -(subject["cost"] or 0)}
    lines = posting.legs(f"P6 {subject['source_type']}", cost, contract_line=subject["line_no"])
    _post(tx, subject, lines, "P6", _today(tx, subject))
    return tx.delete(WORK_ENTRY, subject)


def _today(tx: Tx, work: Record) -> str:
    """Where a correction of work is dated: on its own date while that period is open, else now."""
    return ledger.place_for(tx, work["legal_entity"], work["work_date"]).date
