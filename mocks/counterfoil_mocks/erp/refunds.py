"""Money that goes back: receipts that are not applied are paid back to whom they came from (P7)."""

from __future__ import annotations

from counterfoil_mocks import fx
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor, refuse_frozen
from counterfoil_mocks.erp import cash, ledger, posting
from counterfoil_mocks.erp.model import PAYMENT, REFUND, ROLE
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx


@ROLE.action("pay_refund", *(each for each in REFUND.fields if not each.computed), returns=REFUND)
def pay_refund(tx: Tx, subject: Record, values: Record) -> Record:
    """Pay back what is unapplied of a customer's receipts, at the rate of the value date; the difference to the rate at which they
    came is realised FX.

    Raises Problem 422 for a receipt that is another customer's, company's or currency's, or named twice; 409 NOTHING_TO_REFUND,
    DUPLICATE_BANK_REF, PERIOD_CLOSED.
    """
    company, ccy = values["legal_entity"], values["ccy"]
    func_ccy = entity_of(tx, company)["functional_ccy"]
    payee = tx.look_up("customer", values["payee"])
    if payee is None:
        raise invalid("payee", f"there is no customer {values['payee']!r}", "Pay back to the customer who has paid.")
    if tx.one(REFUND, bank_ref=values["bank_ref"], legal_entity=company) is not None:
        raise conflict(
            "DUPLICATE_BANK_REF",
            f"{company} has booked {values['bank_ref']} already.",
            field="bank_ref",
            remedy="Read that refund; one bank line is one payment out.",
        )
    rate = values.get("fx_rate") or fx.rate_on(tx, ccy, func_ccy, values["value_date"])
    told, relieved, refunded = [], 0, 0
    for at, line in enumerate(values.get("lines") or []):
        receipt, part = _part(tx, at, line, values, payee)
        spent = receipt["applied"] + receipt["refunded"]
        relieved += cash.between(spent, part, receipt["fx_rate"], ccy, func_ccy)
        refunded += part
        cash.spend(tx, receipt, 0, refund=part)
        told.append({"receipt": receipt["bank_ref"], "amount": part})
    if not told:
        raise invalid("lines", "a refund pays back one receipt at least", "Name the receipts.")
    paid = money.convert(refunded, rate, ccy, func_ccy)
    entry = ledger.post(
        tx,
        company,
        posting.legs(
            "P7 REFUND",
            {"relieved": refunded, "refunded": refunded},
            functional={"relieved": relieved, "refunded": paid, "gain": relieved - paid},
        ),
        rule="P7",
        day=values["value_date"],
        source=f"refund {values['bank_ref']}",
        ccy=ccy,
        rate=rate,
        customer_no=payee["customer_no"],
    )
    figures = {"amount": refunded, "fx_rate": rate, "func_ccy": func_ccy, "fx_gain_loss": relieved - paid}
    made = {**values, **figures, "payee": payee["id"], "lines": told, "je": entry and entry["id"]}
    return tx.insert(REFUND, made, event="erp.refund.paid")


@ROLE.on_update(REFUND)
def change_refund(tx: Tx, record: Record, changes: Record) -> Record:
    """What was paid back is never edited."""
    refuse_frozen(record, changes)
    return tx.update(REFUND, record, changes)


def _part(tx: Tx, at: int, line: Record, values: Record, payee: Record) -> tuple[Record, int]:
    """The receipt of a line, and how much of it is paid back."""
    company, ccy = values["legal_entity"], values["ccy"]
    receipt = tx.one(PAYMENT, bank_ref=line["receipt"], legal_entity=company)
    if receipt is None or (receipt["payer"], receipt["ccy"]) != (payee["id"], ccy):
        raise invalid(
            f"lines[{at}].receipt",
            f"{company} has no receipt {line['receipt']!r} of this customer in {ccy}",
            "Name one by its bank reference.",
        )
    part = minor(line, "amount", ccy) if line.get("amount") is not None else receipt["unapplied"]
    if not 0 < part <= receipt["unapplied"]:
        raise conflict(
            "NOTHING_TO_REFUND",
            f"{money.major(receipt['unapplied'], ccy)} is unapplied on receipt {receipt['key']}.",
            field=f"lines[{at}].amount",
            remedy="Pay back at most that, and more than nothing.",
        )
    return receipt, part
