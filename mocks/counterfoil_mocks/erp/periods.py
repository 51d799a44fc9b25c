"""Business deeds on accounting periods: they open, run at their end, close, and are reopened only with approval."""

from __future__ import annotations

from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import refuse_self_approval, step, walk
from counterfoil_mocks.erp.model import PERIOD, ROLE
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record, text
from counterfoil_mocks.kernel.tx import Tx


@ROLE.on_create(PERIOD)
def create_period(tx: Tx, values: Record) -> Record:
    """Open a period; its run at 23:30 of its last day is armed."""
    entity_of(tx, values["legal_entity"])
    period = values["period"]
    record = tx.insert(PERIOD, {**values, "from_date": f"{period}-01", "to_date": clock.period_end(period)})
    if record["status"] == "OPEN":
        arm(tx, record)
    return record


def arm(tx: Tx, period: Record) -> None:
    """Have the period's end run at 23:30 of its last day in the entity's zone."""
    at = clock.instant_of(period["to_date"], entity_of(tx, period["legal_entity"])["tz"], 23, 30)
    payload = {"legal_entity": period["legal_entity"], "period": period["period"]}
    tx.set_timer("period_end", period["key"], at, payload)


def open_next(tx: Tx, period: Record) -> Record:
    """The period after one, opened where it was not, with its run armed."""
    following = clock.add_days(period["to_date"], 1)[:7]
    found = tx.look_up(PERIOD, f"{period['legal_entity']}/{following}")
    if found is None:
        return create_period(tx, {"legal_entity": period["legal_entity"], "period": following})
    if found["status"] == "FUTURE":
        found = tx.update(PERIOD, found, {"status": "OPEN"})
        arm(tx, found)
    return found


@ROLE.action("soft_close_period", on=PERIOD)
def soft_close_period(tx: Tx, subject: Record, values: Record) -> Record:
    """Close a period to everybody but finance; what comes later goes to the next one."""
    period = step(tx, PERIOD, subject, "SOFT_CLOSED", {"soft_closed_at": tx.stamp}, event="erp.period.soft_closed")
    open_next(tx, period)
    return period


@ROLE.action("close_period", text("closed_by", limit=120), on=PERIOD)
def close_period(tx: Tx, subject: Record, values: Record) -> Record:
    """Close a period for good, through its soft close."""
    stamps = {"soft_closed_at": subject["soft_closed_at"] or tx.stamp, "closed_at": tx.stamp}
    stamps["closed_by"] = values.get("closed_by") or tx.origin.actor
    period = walk(tx, PERIOD, subject, ("OPEN", "SOFT_CLOSED", "CLOSED"), stamps, event="erp.period.closed")
    open_next(tx, period)
    return period


@ROLE.action("reopen_period", text("approver", limit=120, required=True), on=PERIOD)
def reopen_period(tx: Tx, subject: Record, values: Record) -> Record:
    """Open a closed period again; somebody else than who closed it must approve."""
    refuse_self_approval(subject["closed_by"], values["approver"])
    return step(
        tx,
        PERIOD,
        subject,
        "OPEN",
        {"reopen_approval": values["approver"]},
        sources=("SOFT_CLOSED", "CLOSED"),
        event="erp.period.reopened",
    )
