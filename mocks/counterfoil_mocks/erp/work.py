"""Business deeds on approved work: its value and its cost in the books (P4, P6), and what takes value back (P11)."""

from __future__ import annotations

from typing import NamedTuple

from counterfoil_mocks import fx
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor, refuse_frozen
from counterfoil_mocks.erp import ledger, posting
from counterfoil_mocks.erp.intercompany import price
from counterfoil_mocks.erp.model import ROLE, WORK_ENTRY
from counterfoil_mocks.erp.schedules import follows_approval
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record, amount, text
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.tx import Tx


class Cost(NamedTuple):
    """What work costs. ccy, amount: as it is booked. effort: minor units of the contract's currency. pair: where a sister company's
    person did it."""

    ccy: str
    amount: int
    effort: int
    pair: ledger.Pair | None = None

    def rule(self, kind: str) -> str:
        """The rule that books it."""
        return f"P6 {kind}" if self.pair is None else "P6 IC"


@ROLE.on_create(WORK_ENTRY)
def post_work(tx: Tx, values: Record) -> Record:
    """Book approved work in the period of its date, or late in the first open one. A second one of the same entry is booked too.

    Work of a sister company's person costs what that company charges, in the books' own currency. Raises Problem 409
    PERIOD_CLOSED where no period is open, FX_RATE_MISSING.
    """
    entity = entity_of(tx, values["legal_entity"])
    value = minor(values, "value", values["ccy"])
    cost = _cost(tx, values, entity["functional_ccy"])
    place = ledger.place_for(tx, values["legal_entity"], values["work_date"])
    booked = value if follows_approval(tx, values["contract_no"], values["line_no"]) else 0
    entry = _book(tx, values, booked, cost, place.date)
    booked_as = {
        "value": value,
        "cost_ccy": cost.ccy,
        "cost": cost.amount,
        "effort": cost.effort,
        "ic_ref": cost.pair and cost.pair.ref,
        "period": place.period["period"],
        "kind": "LATE" if place.late else "NORMAL",
        "je": entry and entry["id"],
    }
    return tx.insert(WORK_ENTRY, {**values, **booked_as})


def _cost(tx: Tx, values: Record, func_ccy: str) -> Cost:
    given, on = values.get("cost"), values["work_date"]
    ccy = given.ccy if isinstance(given, Money) else values.get("cost_ccy") or values["ccy"]
    figure, pair, partner = minor(values, "cost", ccy), None, values.get("ic_partner")
    if partner is not None and partner != values["legal_entity"]:
        entity_of(tx, partner)
        pair = ledger.Pair(partner, values.get("ic_ref") or f"IC-{values['source_id']}")
        figure = money.convert(price(figure), fx.rate_on(tx, ccy, func_ccy, on), ccy, func_ccy)
        ccy = func_ccy
    effort = money.convert(figure, fx.rate_on(tx, ccy, values["ccy"], on), ccy, values["ccy"]) if figure else 0
    return Cost(ccy, figure, effort, pair)


def _book(tx: Tx, work: Record, value: int, cost: Cost, day: str) -> Record | None:
    """The entry of value and cost; two where they are in different currencies, then that of the value is returned."""
    kind, line_no = work["source_type"], work["line_no"]
    earned = posting.legs(f"P4 {kind}", {"value": value}, contract_line=line_no)
    spent = posting.legs(cost.rule(kind), {"cost": cost.amount}, contract_line=line_no)
    if cost.ccy == work["ccy"]:
        rule = "+".join(name for name, lines in (("P4", earned), ("P6", spent)) if lines)
        return _post(tx, work, [*earned, *spent], rule, day, pair=cost.pair)
    first = _post(tx, work, earned, "P4", day)
    second = _post(tx, work, spent, "P6", day, ccy=cost.ccy, pair=cost.pair)
    return first or second


def _post(
    tx: Tx,
    work: Record,
    lines: list[posting.Line],
    rule: str,
    day: str,
    *,
    ccy: str | None = None,
    pair: ledger.Pair | None = None,
) -> Record | None:
    return ledger.post(
        tx,
        work["legal_entity"],
        lines,
        rule=rule,
        day=day,
        source=f"work {work['source_id']}",
        ccy=ccy or work["ccy"],
        contract_no=work["contract_no"],
        project_no=work.get("project_no"),
        pair=pair,
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
    partner, ccy = subject["ic_partner"], subject["cost_ccy"] or subject["ccy"]
    pair = ledger.Pair(partner, subject["ic_ref"]) if subject["ic_ref"] else None
    cost = Cost(ccy, -(subject["cost"] or 0), 0, pair)
    lines = posting.legs(cost.rule(subject["source_type"]), {"cost": cost.amount}, contract_line=subject["line_no"])
    _post(tx, subject, lines, "P6", _today(tx, subject), ccy=ccy, pair=pair)
    return tx.delete(WORK_ENTRY, subject)


def _today(tx: Tx, work: Record) -> str:
    """Where a correction of work is dated: on its own date while that period is open, else now."""
    return ledger.place_for(tx, work["legal_entity"], work["work_date"]).date
