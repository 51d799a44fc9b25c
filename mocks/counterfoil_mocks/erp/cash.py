"""Business deeds on cash: money is received, applied to invoices, and sometimes bounces (P7)."""

from __future__ import annotations

from counterfoil_mocks import fx
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor, refuse_frozen
from counterfoil_mocks.erp import ledger, posting
from counterfoil_mocks.erp.model import APPLICATION, AR_DOCUMENT, JOURNAL_ENTRY, PAYMENT, ROLE
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Record, amount, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.routes import reach

OPEN_STATES = ("POSTED", "PARTIALLY_PAID", "DISPUTED", "PAID")
PAYMENT_STATES = ("RECEIVED", "PARTIALLY_APPLIED", "APPLIED")


@ROLE.action("receive_payment", *(each for each in PAYMENT.fields if not each.computed), returns=PAYMENT)
def receive_payment(tx: Tx, subject: Record, values: Record) -> Record:
    """Book money that has come in as an unapplied receipt, at the rate of its value date.

    Raises Problem 409 DUPLICATE_BANK_REF, PERIOD_CLOSED.
    """
    entity = entity_of(tx, values["legal_entity"])
    payer = tx.look_up("customer", values["payer"])
    if payer is None:
        raise invalid("payer", f"there is no customer {values['payer']!r}", "Create the customer first.")
    if tx.one(PAYMENT, bank_ref=values["bank_ref"], legal_entity=values["legal_entity"]) is not None:
        raise conflict(
            "DUPLICATE_BANK_REF",
            f"{values['legal_entity']} has booked {values['bank_ref']} already.",
            field="bank_ref",
            remedy="Read that payment; one bank line is one receipt.",
        )
    received = minor(values, "amount", values["ccy"])
    if received <= 0:
        raise invalid("amount", "a receipt is positive", "Reverse the payment that has bounced.")
    rate = values.get("fx_rate") or fx.rate_on(tx, values["ccy"], entity["functional_ccy"], values["value_date"])
    entry = ledger.post(
        tx,
        values["legal_entity"],
        posting.legs("P7 RECEIPT", {"received": received}),
        rule="P7",
        day=values["value_date"],
        source=f"payment {values['bank_ref']}",
        ccy=values["ccy"],
        rate=rate,
        customer_no=payer["customer_no"],
    )
    figures = {"amount": received, "unapplied": received, "fx_rate": rate, "je": entry and entry["id"]}
    return tx.insert(PAYMENT, {**values, "payer": payer["id"], **figures}, event="erp.payment.received")


@ROLE.on_update(PAYMENT)
def change_payment(tx: Tx, record: Record, changes: Record) -> Record:
    """A receipt that is booked is never edited; one that has bounced is reversed."""
    refuse_frozen(record, changes)
    return tx.update(PAYMENT, record, changes)


@ROLE.action(
    "apply_payment",
    text("invoice_no", limit=21, required=True),
    amount("amount", "As much as is left on both by default."),
    on=PAYMENT,
)
def apply_payment(tx: Tx, subject: Record, values: Record) -> Record:
    """Apply a receipt to an open invoice; the difference of their rates is realised FX."""
    found = tx.find(AR_DOCUMENT, invoice_no=values["invoice_no"], doc_type="INVOICE")
    if not found:
        raise invalid(
            "invoice_no", f"there is no invoice {values['invoice_no']!r} in the books", "Post the invoice first."
        )
    document = next((each for each in found if (each["open_amount"] or 0) > 0), found[0])
    if (document["ccy"], document["legal_entity"]) != (subject["ccy"], subject["legal_entity"]):
        raise invalid(
            "invoice_no",
            f"{values['invoice_no']} is of {document['legal_entity']} in {document['ccy']}",
            "Apply it to an invoice of its own entity and currency.",
        )
    part = minor(values, "amount", subject["ccy"]) if "amount" in values else None
    if part is None:
        part = min(subject["unapplied"], document["open_amount"])
    if not 0 < part <= min(subject["unapplied"], document["open_amount"]) or subject["status"] == "REVERSED":
        raise conflict(
            "NOTHING_TO_APPLY",
            f"{money.major(subject['unapplied'], subject['ccy'])} is unapplied on the payment and "
            f"{money.major(document['open_amount'], document['ccy'])} open on {document['invoice_no']}.",
            field="amount",
            remedy="Apply at most the smaller of the two, and more than nothing.",
        )
    payment, document = _apply(tx, subject, document, part)
    tx.emit(PAYMENT, payment, "erp.payment.applied", {"invoice": AR_DOCUMENT.to_wire(document)})
    return payment


def _apply(tx: Tx, payment: Record, document: Record, part: int) -> tuple[Record, Record]:
    entity = entity_of(tx, payment["legal_entity"])
    func_ccy, ccy = entity["functional_ccy"], payment["ccy"]
    received = between(payment["applied"] + payment["refunded"], part, payment["fx_rate"], ccy, func_ccy)
    relieved = between(document["total"] - document["open_amount"], part, document["fx_rate"], ccy, func_ccy)
    gain = received - relieved
    lines = posting.legs(
        "P7 APPLY",
        {"applied": part, "relieved": part},
        functional={"applied": received, "relieved": relieved, "gain": gain},
    )
    today = tx.today(entity["tz"])
    entry = ledger.post(
        tx,
        payment["legal_entity"],
        lines,
        rule="P7",
        day=today,
        source=f"application {payment['bank_ref']}/{document['invoice_no']}",
        ccy=ccy,
        rate=payment["fx_rate"],
        contract_no=document["contract_no"],
        customer_no=document["customer_no"],
    )
    tx.insert(
        APPLICATION,
        {
            "payment": payment["id"],
            "ar_document": document["id"],
            "invoice_no": document["invoice_no"],
            "bank_ref": payment["bank_ref"],
            "contract_no": document["contract_no"],
            "legal_entity": payment["legal_entity"],
            "ccy": ccy,
            "amount": part,
            "applied_on": today,
            "func_ccy": func_ccy,
            "fx_gain_loss": gain,
            "je": entry and entry["id"],
        },
    )
    return spend(tx, payment, part), settle(tx, document, {"paid": document["paid"] + part})


def between(before: int, part: int, rate: int, ccy: str, func_ccy: str) -> int:
    """The part of an amount that is settled now, in the books' currency; all parts come to the whole, converted."""
    return money.convert(before + part, rate, ccy, func_ccy) - money.convert(before, rate, ccy, func_ccy)


def spend(tx: Tx, payment: Record, part: int, *, refund: int = 0) -> Record:
    """Apply so much more of a payment (less, when negative). refund: pay so much of it back."""
    applied, refunded = payment["applied"] + part, payment["refunded"] + refund
    left = payment["amount"] - applied - refunded
    status = ("PARTIALLY_APPLIED" if left else "APPLIED") if applied else "RECEIVED" if left else "REFUNDED"
    figures = {"applied": applied, "refunded": refunded, "unapplied": left}
    return reach(tx, PAYMENT, payment, status, figures, through=PAYMENT_STATES)


def settle(tx: Tx, document: Record, changes: Record) -> Record:
    """Write what is paid or credited on an invoice; what is open and the status follow."""
    after = {**document, **changes}
    left = after["total"] - after["paid"] - after["credited"] - after["written_off"]
    if left == 0:
        status = "WRITTEN_OFF" if after["written_off"] else "PAID" if after["paid"] else "CREDITED"
    elif after["status"] == "DISPUTED":
        status = "DISPUTED"
    else:
        status = "PARTIALLY_PAID" if after["paid"] else "POSTED"
    return reach(tx, AR_DOCUMENT, document, status, {**changes, "open_amount": left}, through=OPEN_STATES)


def make_room(tx: Tx, document: Record, credit: int) -> Record:
    """Unapply receipts, the last first, until a credit fits into what is open; what is unapplied too much is applied again."""
    for application in reversed(tx.find(APPLICATION, ar_document=document["id"], status="ACTIVE")):
        missing = credit - document["open_amount"]
        if missing <= 0:
            break
        payment, document = _unapply(tx, application, document)
        if application["amount"] > missing:
            _, document = _apply(tx, payment, document, application["amount"] - missing)
    return document


def _unapply(tx: Tx, application: Record, document: Record) -> tuple[Record, Record]:
    if application["je"] is not None:
        today = tx.today(entity_of(tx, application["legal_entity"])["tz"])
        ledger.mirror(tx, tx.get(JOURNAL_ENTRY, application["je"]), today)
    tx.update(APPLICATION, application, {"status": "REVERSED"})
    payment = spend(tx, tx.get(PAYMENT, application["payment"]), -application["amount"])
    return payment, settle(tx, document, {"paid": document["paid"] - application["amount"]})


@ROLE.action("reverse_payment", text("reason", limit=255), on=PAYMENT)
def reverse_payment(tx: Tx, subject: Record, values: Record) -> Record:
    """Take back a receipt that has bounced: all its applications are reversed and the invoices are open again."""
    if subject["status"] == "REVERSED":
        raise conflict(
            "ILLEGAL_TRANSITION",
            f"Payment {subject['key']} is reversed already.",
            field="status",
            remedy="Nothing more is to be done.",
        )
    if subject["refunded"]:
        raise conflict(
            "PAID_BACK",
            f"{money.major(subject['refunded'], subject['ccy'])} of payment {subject['key']} was paid back.",
            field="status",
            remedy="Get that back first: receive it as a payment, and correct the books by an entry.",
        )
    reopened = {}
    for application in tx.find(APPLICATION, payment=subject["id"], status="ACTIVE"):
        document = tx.get(AR_DOCUMENT, application["ar_document"])
        _, document = _unapply(tx, application, document)
        reopened[document["id"]] = AR_DOCUMENT.to_wire(document)
    payment = tx.get(PAYMENT, subject["id"])
    if payment["je"] is not None:
        today = tx.today(entity_of(tx, payment["legal_entity"])["tz"])
        ledger.mirror(tx, tx.get(JOURNAL_ENTRY, payment["je"]), today)
    told = {"reason": values.get("reason"), "invoices": list(reopened.values())}
    return tx.update(PAYMENT, payment, {"status": "REVERSED", "unapplied": 0}, event="erp.payment.reversed", extra=told)
