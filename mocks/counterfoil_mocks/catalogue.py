"""Every event that a system can announce, as a table: its type, what it is about, and what its data says besides. Announces nothing."""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """One type of event. role and type make its name (`crm.account.created`); entities: the kinds of record that it can be about;
    extra: members of its data besides `after`, `before` and `changed`, all of which may be absent."""

    role: str
    type: str
    entities: tuple[str, ...]
    doc: str
    extra: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The type without prefix and version."""
        return f"{self.role}.{self.type}"

    @property
    def full(self) -> str:
        """The type as the envelope says it."""
        return f"com.counterfoil.{self.name}.v1"


PARTIES = ("customer", "quote", "bill_to", "ship_to")
"""Records that travel with a contract, in wire form."""

EVENTS: tuple[Told, ...] = (
    Told("crm", "account.created", ("customer",), "A customer is new."),
    Told("crm", "account.updated", ("customer",), "A customer's own fields have changed."),
    Told("crm", "account.merged", ("customer",), "Customers were merged into this one.", ("losers",)),
    Told("crm", "account.deleted", ("customer",), "A customer was deleted."),
    Told("crm", "account.restored", ("customer",), "A deleted customer came back."),
    Told("crm", "site.changed", ("site",), "An address is new, has changed or is gone."),
    Told("crm", "contact.changed", ("contact",), "A contact is new, has changed or is gone."),
    Told("crm", "opportunity.stage_changed", ("opportunity",), "A deal has moved, or its figures have."),
    Told("crm", "opportunity.closed_won", ("opportunity",), "A deal is won.", ("contract", *PARTIES)),
    Told("crm", "opportunity.reopened", ("opportunity",), "A won deal was opened again, by approval.", ("approver",)),
    Told("crm", "opportunity.deleted", ("opportunity",), "A deal was deleted."),
    Told("crm", "opportunity.restored", ("opportunity",), "A deleted deal came back."),
    Told("crm", "contract.activated", ("contract",), "A contract is in force.", PARTIES),
    Told("crm", "contract.completed", ("contract",), "The work of a contract is done."),
    Told("crm", "contract.terminated", ("contract",), "A contract ends early.", ("effective", "approver")),
    Told("crm", "change_order.submitted", ("change_order",), "A change order waits for a decision."),
    Told("crm", "change_order.approved", ("change_order",), "A change order is agreed.", ("contract",)),
    Told("crm", "change_order.rejected", ("change_order",), "A change order was declined.", ("reason",)),
    Told("crm", "rate_card.published", ("rate_card",), "A version of a rate card is valid from its day on."),
    Told("crm", "approval.decided", ("approval",), "Somebody has decided on a request for approval."),
    Told("psa", "project.created", ("project",), "A project is new."),
    Told("psa", "project.status_changed", ("project",), "A project has moved."),
    Told("psa", "task.closed", ("task",), "A task takes no more time."),
    Told("psa", "assignment.changed", ("assignment",), "Somebody's place on a project has changed.", ("reason",)),
    Told("psa", "time.submitted", ("time_entry",), "Time waits for approval."),
    Told("psa", "time.approved", ("time_entry",), "Time is approved; its rate is frozen."),
    Told("psa", "time.rejected", ("time_entry",), "Time was given back.", ("reason",)),
    Told("psa", "time.unapproved", ("time_entry",), "An approval of time was withdrawn.", ("reason", "approver")),
    Told("psa", "time.corrected", ("time_entry",), "Approved time was corrected.", ("reason", "approver")),
    Told("psa", "expense.approved", ("expense",), "An expense is approved; its rate of exchange is frozen."),
    Told("psa", "expense.unapproved", ("expense",), "An approval of an expense was withdrawn.", ("reason", "approver")),
    Told("psa", "expense.receipt_added", ("expense",), "The receipt of an expense came in."),
    Told("psa", "milestone.completed", ("milestone",), "A milestone is reached."),
    Told("psa", "milestone.accepted", ("milestone",), "The customer has accepted a milestone.", ("accepted_by",)),
    Told("psa", "milestone.uncompleted", ("milestone",), "A milestone was taken back.", ("reason", "approver")),
    Told("psa", "etc.updated", ("project",), "The estimate to complete has changed."),
    Told("psa", "employee.changed", ("employee",), "Somebody's level, entity or cost has changed."),
    Told("billing", "plan.created", ("plan",), "A billing plan is new.", ("lines",)),
    Told(
        "billing", "plan.changed", ("plan", "plan_line"), "A billing plan has changed.", ("lines", "released", "co_seq")
    ),
    Told("billing", "invoice.issued", ("invoice",), "An invoice is out, with its number."),
    Told("billing", "invoice.discarded", ("invoice",), "A draft was thrown away.", ("reason",)),
    Told("billing", "invoice.voided", ("invoice",), "An issued invoice was voided.", ("reason",)),
    Told("billing", "credit_memo.issued", ("credit_memo",), "A credit memo is out, with its number."),
    Told(
        "billing",
        "cap.reached",
        ("plan_line",),
        "A cap leaves no more room.",
        ("line_no", "cap", "excess", "source_id"),
    ),
    Told("erp", "invoice.posted", ("ar_document",), "A document is in the books.", ("je_no", "invoice")),
    Told("erp", "invoice.rejected", ("ar_document",), "The books refused a document.", ("error",)),
    Told("erp", "invoice.overdue", ("ar_document",), "A document is past its due date.", ("days",)),
    Told("erp", "invoice.disputed", ("ar_document",), "The customer disputes a document.", ("reason",)),
    Told("erp", "invoice.written_off", ("ar_document",), "A receivable was given up.", ("reason",)),
    Told("erp", "payment.received", ("payment",), "Money came in."),
    Told("erp", "payment.applied", ("payment",), "Money was applied to a document.", ("invoice",)),
    Told("erp", "payment.reversed", ("payment",), "A payment bounced.", ("reason", "invoices")),
    Told("erp", "refund.paid", ("refund",), "Money was paid back to a customer."),
    Told("erp", "customer.credit_hold", ("customer",), "A customer's credit was stopped or released.", ("reason",)),
    Told("erp", "revenue.posted", ("revenue_entry",), "Revenue is in the books."),
    Told("erp", "period.soft_closed", ("period",), "A period takes no more business entries."),
    Told("erp", "period.closed", ("period",), "A period takes nothing more."),
    Told("erp", "period.reopened", ("period",), "A period is open again, by approval.", ("reason", "approver")),
    Told(
        "erp", "books.moved", ("legal_entity",), "A company's books are kept elsewhere.", ("to", "as_of", "contracts")
    ),
    Told("erp", "tax_code.changed", ("tax_code",), "A tax code is new or has changed."),
    Told("erp", "fx_rate.published", ("fx_rate",), "A rate of exchange is known."),
)
"""By role, in the order of the business. source: domain §4.2."""

OWN: tuple[tuple[str, str], ...] = (
    ("exception.raised", "Something needs a person."),
    ("exception.resolved", "It no longer does."),
    ("dlq.parked", "A message was put aside."),
    ("dlq.replayed", "A message that was put aside was tried again."),
    ("reconciliation.ran", "Systems were compared: `scopes` with their variance, `items` that differ."),
    ("dashboard.shown", "Figures were shown: amounts and shares by name."),
)
"""Events that an integration announces of itself (`int.…`) at the control plane."""


def of_role(role: str) -> list[Told]:
    """What a role can announce."""
    return [each for each in EVENTS if each.role == role]
