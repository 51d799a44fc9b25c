"""How contracts end, and how what was deleted in the CRM comes back."""

from __future__ import annotations

from counterfoil_mocks.crm.contracts import APPROVER, REASON
from counterfoil_mocks.crm.model import CONTRACT, CUSTOMER, OPPORTUNITY, ROLE
from counterfoil_mocks.deeds import Step, refuse_self_approval, register_steps, step
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record, amount, day
from counterfoil_mocks.kernel.tx import Tx

register_steps(
    ROLE,
    CONTRACT,
    (
        Step("complete_contract", "COMPLETED", "Close the work of a contract.", "crm.contract.completed"),
        Step("close_contract", "CLOSED", "File a contract that is completed or terminated."),
    ),
)


@ROLE.action(
    "terminate_contract",
    day("effective", "Last day of the contract.", required=True),
    REASON,
    APPROVER,
    amount("fee_owed", "What was agreed to be owed for its fixed price; what is earned by then when absent."),
    on=CONTRACT,
)
def terminate_contract(tx: Tx, subject: Record, values: Record) -> Record:
    """End a contract before its time, by approval: nothing is delivered, billed ahead or recognised after its last day.

    Raises Problem 409 where it is not running, 422 for a last day before its start.
    """
    refuse_self_approval(tx.origin.actor, values["approver"])
    if subject["start"] and values["effective"] < subject["start"]:
        raise invalid("effective", f"the contract starts on {subject['start']}", "Give a day on or after its start.")
    changes = {
        "terminated_on": values["effective"],
        "terminated_for": values["reason"],
        "terminated_by": values["approver"],
        "fee_owed": values.get("fee_owed"),
    }
    return step(
        tx,
        CONTRACT,
        subject,
        "TERMINATED",
        changes,
        event="crm.contract.terminated",
        extra={"effective": values["effective"], "approver": values["approver"]},
    )


def _restored(tx: Tx, entity: Entity, record: Record, event: str) -> Record:
    if record["merged_into"] is not None:
        raise conflict(
            "MERGED",
            f"{record['key'] or record['id']} was merged into {record['merged_into']}.",
            field="merged_into",
            remedy="A merge is for good; use the record that it leads to.",
        )
    return tx.update(entity, record, {"deleted_at": None}, event=event)


@ROLE.action("restore_opportunity", on=OPPORTUNITY, restores=True)
def restore_opportunity(tx: Tx, subject: Record, values: Record) -> Record:
    """Bring a deleted deal back, at the stage that it had. One that is not deleted stays as it is."""
    return _restored(tx, OPPORTUNITY, subject, "crm.opportunity.restored")


@ROLE.action("restore_customer", on=CUSTOMER, restores=True)
def restore_customer(tx: Tx, subject: Record, values: Record) -> Record:
    """Bring a deleted account back. One that is not deleted stays as it is. Raises Problem 409 MERGED for one that was merged."""
    return _restored(tx, CUSTOMER, subject, "crm.account.restored")
