"""The end of a terminated contract in the books: its revenue is measured up to the last day, and stops."""

from __future__ import annotations

from counterfoil_mocks.deeds import minor
from counterfoil_mocks.erp import ledger, schedules
from counterfoil_mocks.erp.model import REVENUE_SCHEDULE, ROLE
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record, amount, day, text
from counterfoil_mocks.kernel.tx import Tx


@ROLE.action(
    "end_schedules",
    text("contract_no", limit=20, required=True),
    day("effective", "Last day that revenue is recognised for.", required=True),
    amount("fee", "Price that is owed for the first line with a price; what is earned by then when absent."),
    returns=REVENUE_SCHEDULE,
)
def end_schedules(tx: Tx, subject: Record, values: Record) -> Record:
    """Cut the schedules of a terminated contract: what is earned on the last day is their price, and they are complete.

    Told again, it changes nothing. Raises Problem 422 for a contract without schedules, 409 PERIOD_CLOSED.
    """
    contract_no = values["contract_no"]
    found = sorted(tx.find(REVENUE_SCHEDULE, contract_no=contract_no), key=lambda each: int(each["line_no"]))
    if not found:
        raise invalid("contract_no", f"{contract_no} has no revenue schedule", "Create its schedules first.")
    running = [each for each in found if each["status"] in ("ACTIVE", "ON_HOLD")]
    fee = minor(values, "fee", found[0]["ccy"]) if values.get("fee") is not None else None
    for schedule in running:
        owed = fee if schedule["tp"] is not None else None
        fee = None if owed is not None else fee
        _end(tx, schedule, values["effective"], owed)
    return tx.get(REVENUE_SCHEDULE, found[-1]["id"])


def _end(tx: Tx, schedule: Record, effective: str, owed: int | None) -> None:
    if schedule["status"] == "ON_HOLD":
        schedule = tx.update(REVENUE_SCHEDULE, schedule, {"status": "ACTIVE"})
    earned = schedules.measured(tx, schedule, schedules.ALWAYS, effective) if owed is None else owed
    changes: Record = {"status": "COMPLETED", "end": effective}
    if earned is not None:
        if earned != (schedule["recognised"] or 0):
            place = ledger.place_for(tx, schedule["legal_entity"], effective)
            kind = "NORMAL" if earned > (schedule["recognised"] or 0) else "REVERSAL"
            schedule, _ = schedules.recognise(tx, schedule, earned, place.period["period"], place.date, kind)
        if schedule["tp"] is not None:
            changes["tp"] = earned
    tx.update(REVENUE_SCHEDULE, schedule, changes)
