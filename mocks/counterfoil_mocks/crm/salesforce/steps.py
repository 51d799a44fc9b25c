"""Statuses that are set in Salesforce: the face walks there by the role's own deeds, by the shortest legal way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from counterfoil_mocks.crm.salesforce.desk import Change
from counterfoil_mocks.crm.salesforce.errors import validation
from counterfoil_mocks.crm.salesforce.values import code_of
from counterfoil_mocks.kernel.fields import Entity
from counterfoil_mocks.kernel.tx import perform
from counterfoil_mocks.routes import route

ACTOR = "Salesforce user"
SAME = {"Needs Review": "In Review"}
"""Labels that are states of Salesforce alone, and what they count as."""

SAID = {"approver": "Approved_By__c", "signer": "Signer__c"}
"""Fields in which the same write may say what a deed is told."""

Deeds = Mapping[str, tuple[str, Mapping[str, Any]]]
"""By state: the deed that leads there and what it is told; what the record itself says of these goes first."""

QUOTE: Deeds = {
    "IN_REVIEW": ("submit_quote", {}),
    "DRAFT": ("return_quote", {}),
    "APPROVED": ("approve_quote", {"approver": ACTOR}),
    "SENT": ("send_quote", {}),
    "ACCEPTED": ("accept_quote", {"signer": ACTOR}),
    "REJECTED": ("reject_quote", {}),
    "EXPIRED": ("expire_quote", {}),
}
CHANGE_ORDER: Deeds = {
    "SUBMITTED": ("submit_change_order", {}),
    "APPROVED": ("approve_change_order", {"approver": ACTOR}),
    "APPLIED": ("apply_change_order", {}),
    "REJECTED": ("reject_change_order", {"approver": ACTOR, "reason": "No reason given"}),
    "WITHDRAWN": ("withdraw_change_order", {}),
    "VOIDED": ("void_change_order", {}),
}


def walked(field: str, entity: Entity, deeds: Deeds, most: int = 9) -> Callable[[Change], None]:
    """A rule: after a write of the status, its record is brought to it. most: steps that one write may take."""

    def rule(change: Change) -> None:
        label = change.said.get(field)
        if label is None or change.after is None:
            return
        one = change.object.by_name[field.lower()]
        if label == one.words.get(change.after["status"]):
            return
        target = code_of(one, SAME.get(label, label))
        way = route(entity.by_name["status"], change.after["status"], target, deeds)
        if way is None or len(way) > most or not deeds.keys() >= set(way):
            what = entity.name.replace("_", " ")
            raise validation(f"A {what} that is {change.after['status']} cannot become {target}.", [field])
        for state in way:
            deed, told = deeds[state]
            said = {
                name: change.said.get(SAID.get(name, "")) or change.after.get(name) or value
                for name, value in told.items()
            }
            change.after = perform(change.tx, deed, change.after["id"], said)

    return rule


def decided(change: Change) -> None:
    """The decision on an approval that was pending."""
    decision, record = change.said.get("Decision__c"), change.after
    if change.before is None or record is None or decision in (None, "Pending"):
        return
    if record["decision"] == "PENDING":
        told = {"approver": change.said.get("Approver__c") or ACTOR, "decision": decision.upper()}
        reason = change.said.get("Reason__c")
        change.after = perform(
            change.tx, "decide_approval", record["id"], told | ({"reason": reason} if reason else {})
        )
