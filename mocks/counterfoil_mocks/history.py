"""Back-fill: a system tells again of what it has held for long, as it does when somebody connects to it for the first time."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil_mocks.kernel.errors import conflict
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.tx import Tx

ISSUED = ("ISSUED", "POSTED", "PARTIALLY_PAID", "PAID", "DISPUTED", "CREDITED", "WRITTEN_OFF")
ANY = ""
HISTORY: Mapping[str, Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "crm": {
        "customer": (ANY, {ANY: "crm.account.created"}),
        "opportunity": ("stage", {"CLOSED_WON": "crm.opportunity.closed_won"}),
        "contract": ("status", dict.fromkeys(("ACTIVE", "ON_HOLD", "COMPLETED", "CLOSED"), "crm.contract.activated")),
        "change_order": ("status", dict.fromkeys(("APPROVED", "APPLIED"), "crm.change_order.approved")),
    },
    "psa": {
        "milestone": ("status", {"COMPLETED": "psa.milestone.completed", "ACCEPTED": "psa.milestone.accepted"}),
        "time_entry": ("approval", {"APPROVED": "psa.time.approved"}),
        "expense": ("approval", {"APPROVED": "psa.expense.approved"}),
    },
    "billing": {
        "plan": (ANY, {ANY: "billing.plan.created"}),
        "invoice": ("status", dict.fromkeys(ISSUED, "billing.invoice.issued")),
        "credit_memo": (
            "status",
            dict.fromkeys(("ISSUED", "POSTED", "APPLIED", "REFUNDED"), "billing.credit_memo.issued"),
        ),
    },
    "erp": {
        "ar_document": ("status", dict.fromkeys(ISSUED[1:], "erp.invoice.posted")),
        "payment": ("status", dict.fromkeys(("PARTIALLY_APPLIED", "APPLIED"), "erp.payment.applied")),
    },
}
"""What announces a record, by role and entity: the field that decides, and the event of each of its values."""


def register(role: Role) -> None:
    """Give a role the deeds `announce_<entity>`."""
    for name, (field, events) in HISTORY[role.name].items():
        _register(role, role.by_name[name], field, events)


def _register(role: Role, entity: Entity, field: str, events: Mapping[str, str]) -> None:
    def announce(tx: Tx, subject: Record, values: Record) -> Record:
        event = events.get(subject[field] if field else ANY)
        if event is None:
            raise conflict(
                "NO_HISTORY",
                f"{subject['key'] or subject['id']} is {subject[field]}; nothing announces that.",
                field=field,
                remedy=f"Announce what is {', '.join(events)}.",
            )
        tx.emit(entity, subject, event, {"historical": True})
        return subject

    words = entity.name.replace("_", " ")
    announce.__doc__ = (
        f"Tell subscribers of a {words} again, as history (`historical` in the event's data); nothing changes."
    )
    role.action(f"announce_{entity.name}", on=entity)(announce)
