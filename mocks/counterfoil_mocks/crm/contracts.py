"""Contracts in the CRM after the deal is won: their life, and the change orders that amend them."""

from __future__ import annotations

from counterfoil_mocks.crm import values as worth
from counterfoil_mocks.crm.deals import parties
from counterfoil_mocks.crm.model import APPROVAL, CHANGE_ORDER, CONTRACT, ROLE
from counterfoil_mocks.deeds import Step, refuse_frozen, refuse_self_approval, register_steps, step
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Record, choice, text
from counterfoil_mocks.kernel.tx import Tx

APPROVER = text("approver", "Who decides; not who asked.", limit=120, required=True)
REASON = text("reason", limit=1000, required=True)

register_steps(
    ROLE,
    CONTRACT,
    (
        Step("hold_contract", "ON_HOLD", "Suspend an active contract."),
        Step("resume_contract", "ACTIVE", "Go on with a contract on hold.", sources=("ON_HOLD",)),
    ),
)
register_steps(
    ROLE,
    CHANGE_ORDER,
    (
        Step("submit_change_order", "SUBMITTED", "Ask for a decision on it.", "crm.change_order.submitted"),
        Step("withdraw_change_order", "WITHDRAWN", "Take it back before a decision."),
        Step("void_change_order", "VOIDED", "Undo an approval that has not been applied."),
    ),
)


@ROLE.action("activate_contract", on=CONTRACT)
def activate_contract(tx: Tx, subject: Record, values: Record) -> Record:
    """Start an approved contract."""
    return step(
        tx,
        CONTRACT,
        subject,
        "ACTIVE",
        {"activated_at": tx.stamp},
        sources=("APPROVED",),
        event="crm.contract.activated",
        extra=parties(tx, subject),
    )


def put_forward(tx: Tx, subject: Record, status: str) -> Record:
    """Bring a contract that was drafted by hand up to PENDING_APPROVAL or APPROVED; for faces of vendors that let people draft one."""
    for following in ("PENDING_APPROVAL", "APPROVED"):
        if following in CONTRACT.by_name["status"].moves[subject["status"]] and subject["status"] != status:
            subject = tx.update(CONTRACT, subject, {"status": following})
    return subject


@ROLE.on_create(CHANGE_ORDER)
def create_change_order(tx: Tx, values: Record) -> Record:
    """A draft change order of an active contract; its number, currency and legal entity come from the contract."""
    contract = tx.look_up(CONTRACT, values.get("contract"))
    if contract is None:
        raise invalid("contract", f"there is no contract {values.get('contract')!r}", "Give its id or number.")
    if contract["status"] != "ACTIVE":
        raise conflict(
            "CONTRACT_NOT_ACTIVE",
            f"Contract {contract['contract_no']} is {contract['status']}; only an active one is amended.",
            field="contract",
            remedy="Activate or resume the contract first.",
        )
    order = tx.insert(
        CHANGE_ORDER,
        {
            **values,
            "contract": contract["id"],
            "contract_no": contract["contract_no"],
            "co_seq": values.get("co_seq") or _next_seq(tx, contract),
            "legal_entity": contract["legal_entity"],
            "ccy": contract["ccy"],
            "requested_by": values.get("requested_by") or tx.origin.actor,
        },
    )
    _amended(tx, contract, order)
    return order


@ROLE.on_update(CHANGE_ORDER)
def update_change_order(tx: Tx, record: Record, changes: Record) -> Record:
    """A change order is open in DRAFT; its contract and number never change."""
    refuse_frozen(
        record, changes, () if record["status"] != "DRAFT" else set(CHANGE_ORDER.by_name) - {"contract", "co_seq"}
    )
    order = tx.update(CHANGE_ORDER, record, changes)
    _amended(tx, tx.get(CONTRACT, order["contract"]), order)
    return order


@ROLE.action("approve_change_order", APPROVER, on=CHANGE_ORDER)
def approve_change_order(tx: Tx, subject: Record, values: Record) -> Record:
    """Approve a submitted change order; by somebody else than who asked. Leaves an approval record.

    Refused where the contract's milestones and mobilisation would bill more than its fixed fees.
    """
    refuse_self_approval(subject["requested_by"], values["approver"])
    contract = tx.get(CONTRACT, subject["contract"])
    lines, milestones = _amended(tx, contract, subject)
    worth.check_milestones({**contract, "lines": lines, "milestones": milestones}, "deltas")
    order = step(
        tx,
        CHANGE_ORDER,
        subject,
        "APPROVED",
        {"approved_by": values["approver"], "approved_at": tx.stamp},
        event="crm.change_order.approved",
        extra={"contract": CONTRACT.to_wire(contract)},
    )
    _decision(tx, order, values["approver"], "APPROVED", None)
    return order


@ROLE.action("reject_change_order", REASON, text("approver", limit=120), on=CHANGE_ORDER)
def reject_change_order(tx: Tx, subject: Record, values: Record) -> Record:
    """Decline a submitted change order. Leaves an approval record."""
    order = step(
        tx, CHANGE_ORDER, subject, "REJECTED", event="crm.change_order.rejected", extra={"reason": values["reason"]}
    )
    _decision(tx, order, values.get("approver"), "REJECTED", values["reason"])
    return order


@ROLE.action("apply_change_order", on=CHANGE_ORDER)
def apply_change_order(tx: Tx, subject: Record, values: Record) -> Record:
    """Write an approved change order into its contract, once all systems hold it: lines, milestones, version and value."""
    contract = tx.get(CONTRACT, subject["contract"])
    order = step(tx, CHANGE_ORDER, subject, "APPLIED", {"applied_at": tx.stamp})
    lines, milestones = _amended(tx, contract, order, pending=False)
    ends = [delta["end"] for delta in order["deltas"] if delta["end"]]
    tx.update(
        CONTRACT,
        contract,
        {
            "lines": lines,
            "milestones": milestones,
            "current_version": contract["current_version"] + 1,
            "current_value": worth.contract_value(lines),
            "end": max([*ends, contract["end"] or ""]) or None,
        },
    )
    return order


@ROLE.on_create(APPROVAL)
def create_approval(tx: Tx, values: Record) -> Record:
    """An approval asked for, or one that is decided already (by somebody else than who asked)."""
    if values.get("decision", "PENDING") == "PENDING":
        return tx.insert(APPROVAL, values)
    if not values.get("approver"):
        raise invalid(
            "approver", "a decision has somebody who decided", "Name the approver, or leave the decision PENDING."
        )
    refuse_self_approval(values["requester"], values["approver"])
    return tx.insert(APPROVAL, {**values, "decided_at": values.get("decided_at") or tx.stamp})


@ROLE.on_update(APPROVAL)
def update_approval(tx: Tx, record: Record, changes: Record) -> Record:
    """The request may be edited while it is pending; deciding is `decide_approval`."""
    decided = record["decision"] != "PENDING"
    refuse_frozen(record, changes, () if decided else ("subject", "kind", "requester", "reason", "evidence"))
    return tx.update(APPROVAL, record, changes)


@ROLE.action(
    "decide_approval",
    APPROVER,
    choice("decision", "APPROVED REJECTED", required=True),
    text("reason", limit=1000),
    on=APPROVAL,
)
def decide_approval(tx: Tx, subject: Record, values: Record) -> Record:
    """Decide a pending approval; not by who asked, and once."""
    if subject["decision"] != "PENDING":
        raise conflict(
            "ALREADY_DECIDED",
            f"The approval of {subject['subject']} is {subject['decision']}.",
            field="decision",
            remedy="Ask for a new approval.",
        )
    refuse_self_approval(subject["requester"], values["approver"])
    reason = values.get("reason") or subject["reason"]
    changes = {"approver": values["approver"], "decision": values["decision"], "reason": reason, "decided_at": tx.stamp}
    return tx.update(APPROVAL, subject, changes, event="crm.approval.decided")


def _next_seq(tx: Tx, contract: Record) -> int:
    row = tx.rows(
        "SELECT max(co_seq) AS last FROM crm.change_order WHERE system = :system AND contract = :contract",
        contract=contract["id"],
    )
    return int(row[0]["last"] or 0) + 1


def _amended(tx: Tx, contract: Record, order: Record, *, pending: bool = True) -> tuple[list[Record], list[Record]]:
    """The contract's lines and milestones with this order in them; raises Problem 422 where the order does not fit.

    pending: with the other approved orders, which are agreed though not applied yet, in them too.
    """
    lines, milestones = contract["lines"], contract["milestones"]
    agreed = tx.find(CHANGE_ORDER, contract=contract["id"], status="APPROVED") if pending else []
    for each in (*(other for other in agreed if other["id"] != order["id"]), order):
        lines = worth.revised_lines(lines, each["deltas"], each["treatment"], each["title"])
        milestones = worth.revised_milestones(milestones, each["milestones"], each["co_seq"])
    return lines, milestones


def _decision(tx: Tx, order: Record, approver: str | None, decision: str, reason: str | None) -> None:
    tx.insert(
        APPROVAL,
        {
            "subject": order["key"],
            "kind": "CHANGE_ORDER",
            "requester": order["requested_by"] or order["contract_no"],
            "approver": approver,
            "decision": decision,
            "decided_at": tx.stamp,
            "reason": reason,
        },
    )
