"""States of documents that the firm's own engine drew up, told in metadata: Stripe has no members for them, and an integration writes them there."""

from __future__ import annotations

from counterfoil_mocks.billing.model import CREDIT_MEMO, INVOICE
from counterfoil_mocks.billing.stripe import meanings
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import perform

APPROVABLE = ("DRAFT", "PENDING_APPROVAL")


def of_invoice(desk: Desk, before: Record, given: Record) -> Record:
    """Do what metadata say of an invoice's state: `state=APPROVED`; `ar_status` of the books, with `paid` in minor units.

    Returns the parameters that are left. Raises Refused for a state that is not reached by being told.
    """
    record = desk.tx.get(INVOICE, before["id"])
    said = dict(given.get("metadata") or {})
    if not meanings.drawn_up(record) or not said.keys() & {"state", "ar_status"}:
        return given
    state, books, paid = (said.pop(name, None) for name in ("state", "ar_status", "paid"))
    if state is not None and state != record["status"]:
        if state != "APPROVED" or record["status"] not in APPROVABLE:
            raise _unreachable("invoice", record["status"], state)
        perform(desk.tx, "approve_invoice", before["id"], {})
    if books is not None:
        if books not in INVOICE_STATES:
            raise invalid(
                f"Invalid metadata[ar_status]: must be one of {', '.join(INVOICE_STATES)}", "metadata[ar_status]"
            )
        values: Record = {"ar_status": books}
        if paid is not None:
            if not paid.isdecimal():
                raise invalid(f"Invalid integer: {paid}", "metadata[paid]", "parameter_invalid_integer")
            values["paid"] = int(paid)
        perform(desk.tx, "record_ar_status", before["id"], values)
    return {**given, "metadata": said}


def of_credit_note(desk: Desk, before: Record, given: Record) -> Record:
    """The same of a credit note: `state=POSTED` says that the books have taken it."""
    record = desk.tx.get(CREDIT_MEMO, before["id"])
    said = dict(given.get("metadata") or {})
    if not meanings.drawn_up(record) or "state" not in said:
        return given
    state = said.pop("state")
    if state != record["status"]:
        if state != "POSTED" or record["status"] != "ISSUED":
            raise _unreachable("credit note", record["status"], state)
        perform(desk.tx, "record_credit_posted", before["id"], {})
    return {**given, "metadata": said}


def _unreachable(noun: str, now: str, wanted: str) -> Exception:
    return invalid(f"This {noun} is {now}; metadata cannot make it {wanted}.", "metadata[state]", "illegal_transition")


INVOICE_STATES = ("POSTED", "POST_FAILED", "PARTIALLY_PAID", "PAID", "DISPUTED", "CREDITED", "WRITTEN_OFF")
