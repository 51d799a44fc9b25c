"""Business deeds on doubtful receivables: disputes, the allowance by age, write-offs and what comes in after all (P9; domain §3.15).

None of them touches recognised revenue; a price concession is a credit memo.
"""

from __future__ import annotations

from datetime import date

from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor, refuse_self_approval, step
from counterfoil_mocks.erp import cash, ledger, posting
from counterfoil_mocks.erp.model import ALLOWANCE, AR_DOCUMENT, PERIOD, ROLE
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import conflict
from counterfoil_mocks.kernel.fields import Record, amount, boolean, day, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.routes import reach

MATRIX = (
    ("CURRENT", 0, 5_000),
    ("1-30", 30, 20_000),
    ("31-60", 60, 50_000),
    ("61-90", 90, 150_000),
    (">90", None, 400_000),
)
"""Bucket, most days past due, expected loss (scaled by 10⁶): ASC 326, IFRS 9 simplified."""


def bucket_of(due: str, at: str) -> int:
    """Position in MATRIX of a receivable due on a date, at another."""
    days = (date.fromisoformat(at) - date.fromisoformat(due)).days
    return next(number for number, (_, most, _) in enumerate(MATRIX) if most is None or days <= most)


def required(open_amounts: list[int]) -> list[int]:
    """Allowance of each bucket for what is open in it, minor units."""
    return [money.share(each, rate) for each, (_, _, rate) in zip(open_amounts, MATRIX, strict=True)]


@ROLE.action(
    "run_provision",
    *ledger.OF_PERIOD,
    returns=ALLOWANCE,
)
def run_provision(tx: Tx, subject: Record, values: Record) -> Record:
    """Bring the allowance to what the age of open receivables requires at a period's end, in the books' currency.

    Repeated, it books only what has moved since. Raises Problem 409 PERIOD_CLOSED.
    """
    period = tx.get(PERIOD, f"{values['legal_entity']}/{values['period']}")
    entity, at = entity_of(tx, period["legal_entity"]), period["to_date"]
    ccy = entity["functional_ccy"]
    open_amounts = [0] * len(MATRIX)
    for document in tx.find(AR_DOCUMENT, legal_entity=entity["code"], doc_type="INVOICE"):
        if document["open_amount"] and document["issue_date"] <= at:
            converted = money.convert(
                document["open_amount"], document["fx_rate"] or money.RATE_SCALE, document["ccy"], ccy
            )
            open_amounts[bucket_of(document["due"], at)] += converted
    needed, before = required(open_amounts), -ledger.held(tx, entity["code"], "1210", at)
    expense = sum(needed) - before
    entry = ledger.post(
        tx,
        entity["code"],
        posting.legs("P9 PROVISION", {"expense": expense}),
        rule="P9",
        day=at,
        source=f"allowance {period['key']}",
        ccy=ccy,
    )
    ages = [
        {"bucket": name, "ccy": ccy, "open_amount": each, "loss_rate": rate, "required": part}
        for (name, _, rate), each, part in zip(MATRIX, open_amounts, needed, strict=True)
    ]
    figures = {"required": sum(needed), "held": before, "expense": expense, "ages": ages, "je": entry and entry["id"]}
    return tx.insert(ALLOWANCE, {"legal_entity": entity["code"], "period": period["period"], "ccy": ccy, **figures})


@ROLE.action("dispute_invoice", text("reason", limit=255, required=True), on=AR_DOCUMENT)
def dispute_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Record that a customer contests an invoice; it stays open, and the books' figures stand."""
    return step(
        tx,
        AR_DOCUMENT,
        subject,
        "DISPUTED",
        {"dispute_reason": values["reason"]},
        event="erp.invoice.disputed",
        extra={"reason": values["reason"]},
    )


@ROLE.action("resolve_dispute", text("reason", limit=255), on=AR_DOCUMENT)
def resolve_dispute(tx: Tx, subject: Record, values: Record) -> Record:
    """End a dispute: the invoice is owed as it stands."""
    target = "PARTIALLY_PAID" if subject["paid"] else "POSTED"
    told = {"reason": values.get("reason"), "resolved": True}
    return step(
        tx,
        AR_DOCUMENT,
        subject,
        target,
        {"dispute_reason": None},
        sources=("DISPUTED",),
        event="erp.invoice.disputed",
        extra=told,
    )


@ROLE.action(
    "write_off_invoice",
    text("requester", "Who asks for it.", limit=120, required=True),
    text("approver", "Who approves it; somebody else.", limit=120, required=True),
    text("reason", limit=255),
    boolean("tax_relief", "Whether the tax on it is reclaimed.", default=True),
    on=AR_DOCUMENT,
)
def write_off_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Give up what is open on an invoice: its net against the allowance, its tax where relief is allowed.

    Raises Problem 409 SELF_APPROVAL, ILLEGAL_TRANSITION, PERIOD_CLOSED.
    """
    refuse_self_approval(values["requester"], values["approver"])
    if subject["doc_type"] != "INVOICE" or subject["status"] not in ("POSTED", "PARTIALLY_PAID", "DISPUTED"):
        raise conflict(
            "ILLEGAL_TRANSITION",
            f"{subject['invoice_no']} is {subject['status']}; only what is open can be written off.",
            field="status",
            remedy="Choose an invoice on which something is open.",
        )
    left = int(subject["open_amount"])
    relief = True if values.get("tax_relief") is None else values["tax_relief"]
    tax = money.half_up(left * (subject["tax"] or 0), subject["total"]) if relief else 0
    _post(
        tx,
        subject,
        "P9 WRITE-OFF",
        {"total": left, "net": left - tax, "tax": tax},
        tx.today(entity_of(tx, subject["legal_entity"])["tz"]),
        "write-off",
        subject["fx_rate"],
    )
    changes = {
        "written_off": subject["written_off"] + left,
        "written_off_tax": tax,
        "open_amount": 0,
        "write_off_requester": values["requester"],
        "write_off_approver": values["approver"],
    }
    return reach(
        tx,
        AR_DOCUMENT,
        subject,
        "WRITTEN_OFF",
        changes,
        through=cash.OPEN_STATES,
        event="erp.invoice.written_off",
        extra={"reason": values.get("reason")},
    )


@ROLE.action(
    "recover_write_off",
    amount("amount", "What has come in, tax included.", required=True),
    day("value_date", required=True),
    text("bank_ref", limit=60, required=True),
    on=AR_DOCUMENT,
)
def recover_write_off(tx: Tx, subject: Record, values: Record) -> Record:
    """Book money for an invoice that was written off: the allowance gets its net back, relieved tax is owed again.

    Raises Problem 409 NOTHING_TO_RECOVER, PERIOD_CLOSED, FX_RATE_MISSING.
    """
    received = minor(values, "amount", subject["ccy"])
    left = subject["written_off"] - subject["recovered"]
    if not 0 < received <= left:
        raise conflict(
            "NOTHING_TO_RECOVER",
            f"{money.major(left, subject['ccy'])} of {subject['invoice_no']} is written off.",
            field="amount",
            remedy="Book at most that as recovered, the rest as a receipt.",
        )
    tax = money.half_up(received * subject["written_off_tax"], subject["written_off"])
    figures = {"total": received, "net": received - tax, "tax": tax}
    _post(tx, subject, "P9 RECOVERY", figures, values["value_date"], f"recovery {values['bank_ref']}", None)
    return tx.update(AR_DOCUMENT, subject, {"recovered": subject["recovered"] + received})


def _post(
    tx: Tx, document: Record, rule: str, figures: dict[str, int], posted: str, kind: str, rate: int | None
) -> None:
    ledger.post(
        tx,
        document["legal_entity"],
        posting.legs(rule, figures),
        rule="P9",
        day=posted,
        source=f"{kind} {document['invoice_no']}",
        ccy=document["ccy"],
        rate=rate,
        contract_no=document["contract_no"],
        customer_no=document["customer_no"],
    )
