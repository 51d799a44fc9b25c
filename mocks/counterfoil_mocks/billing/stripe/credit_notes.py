"""Credit notes: what is taken off an invoice before it is paid, or given back after."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from counterfoil_mocks.billing.credits import credit_priced
from counterfoil_mocks.billing.model import CREDIT_MEMO
from counterfoil_mocks.billing.stripe import balances, invoices, meanings, payments, refunds, states
from counterfoil_mocks.billing.stripe.billing_objects import (
    CREDIT_NOTE,
    CREDITED,
    INVOICE,
    lines_of,
)
from counterfoil_mocks.billing.stripe.credited import drawn, issued
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import alter, merged
from counterfoil_mocks.billing.stripe.errors import invalid, missing
from counterfoil_mocks.billing.stripe.kind import kept
from counterfoil_mocks.billing.stripe.kinds import KINDS
from counterfoil_mocks.billing.stripe.params import LISTED
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.kernel.tx import perform

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

REASONS = {
    "duplicate": "DUPLICATE",
    "fraudulent": "CUSTOMER",
    "order_change": "SCOPE",
    "product_unsatisfactory": "CUSTOMER",
}

CREDITABLE = ("POSTED", "PARTIALLY_PAID", "PAID", "DISPUTED")
"""States in which the business credits an invoice: it is in the books."""


@CREDIT_NOTE.on_create
def create(desk: Desk, given: Record) -> Record:
    """Credit an invoice by its lines, by lines of one's own, or by an amount."""
    invoice = desk.named("invoice", given["invoice"], "invoice")
    desk.at(invoice["test_clock"])
    record = desk.tx.get("invoice", invoice["id"])
    if meanings.drawn_up(record) and record["status"] in CREDITABLE and _by_lines(given):
        return _of_business(desk, invoice, record, given)
    said = drawn(desk, invoice, given)
    paid = invoice["status"] == "paid"
    _check_left(desk, invoice, said["total"], paid)
    if not paid:
        _check_nothing_back(given)
    if paid:
        said |= _given_back(desk, invoice, given, said["total"])
    else:
        said |= {"type": "pre_payment", "pre_payment_amount": said["total"], "post_payment_amount": 0}
    made = _written(desk, invoice, said, given)
    if paid:
        return _after_payment(desk, invoice, made, said)
    return _before_payment(desk, invoice, made)


@CREDIT_NOTE.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """A credit note's memo and metadata."""
    if before["status"] != "void":
        given = states.of_credit_note(desk, before, given)
    return alter(desk, CREDIT_NOTE, desk.get("credit_note", before["id"]), given)


def _by_lines(given: Record) -> bool:
    """Whether parts of lines are credited, each by an amount."""
    lines = given.get("lines") or []
    return bool(lines) and all(each.get("type") == "invoice_line_item" and each.get("amount") for each in lines)


def _of_business(desk: Desk, invoice: Record, record: Record, given: Record) -> Record:
    """Credit an invoice that the firm's own engine drew up: it numbers the memo, at the invoice's own rates and rounding."""
    lines = {each["id"]: each for each in lines_of(record, desk.face)}
    wanted = []
    for number, each in enumerate(given["lines"]):
        line = lines.get(each.get("invoice_line_item") or "")
        if line is None:
            param = f"lines[{number}][invoice_line_item]"
            raise missing("invoice line item", each.get("invoice_line_item"), param=param, status=400)
        wanted.append((line["_line_no"], each["amount"], line["amount"]))
    whole = len(wanted) == len(lines) and all(amount == there for _, amount, there in wanted)
    metadata = merged({}, given.get("metadata") or {})
    values: Record = {
        "reason": metadata.pop("business_reason", None) or REASONS.get(given.get("reason") or "", "CUSTOMER"),
        "release_items": metadata.pop("release_items", "false") == "true",
        **{name: metadata.pop(name) for name in ("approved_by", "source_key") if name in metadata},
    }
    if not whole:
        values["lines"] = [{"line_no": at, "net": amount} for at, amount, _ in wanted]
    memo = perform(desk.tx, "credit_invoice", invoice["id"], values)
    paid = invoice["status"] == "paid"
    side, total = "post" if paid else "pre", -memo["total"]
    if not whole:
        credited = invoice[f"{side}_payment_credit_notes_amount"] + total
        invoices.mark(desk, invoice["id"], invoice["status"], {f"{side}_payment_credit_notes_amount": credited})
    said = {
        **{name: given.get(name) for name in ("memo", "reason")},
        "invoice": invoice["id"],
        "type": f"{side}_payment",
        "pre_payment_amount": 0 if paid else total,
        "post_payment_amount": total if paid else 0,
        "out_of_band_amount": total if paid else None,
    }
    return desk.change(
        "credit_note", memo["id"], {**said, "metadata": {**desk.get("credit_note", memo["id"])["metadata"], **metadata}}
    )


def _check_left(desk: Desk, invoice: Record, total: int, paid: bool) -> None:
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise invalid(
            "You can only create a credit note for an invoice that is open, paid or uncollectible.", "invoice"
        )
    if total < 0:
        raise invalid("The credit note total must not be negative.", "amount")
    left = invoice["amount_remaining"]
    if paid:
        credited = sum(each["total"] for each in issued(desk, invoice["id"]))
        left = max(0, invoice["total"]) - credited
    if total > left:
        words = payments.in_words
        raise invalid(
            f"The sum of credit amount, refund amount and out of band amount ({words(total, invoice['currency'])}) must not be more than"
            f" what is left of the invoice ({words(left, invoice['currency'])}).",
            "amount",
        )


def _check_nothing_back(given: Record) -> None:
    """What nobody has paid is not given back: of an open invoice there is only less to pay."""
    for name in ("refund_amount", "credit_amount", "out_of_band_amount", "refunds", "refund"):
        if given.get(name) and (name != "refunds" or given["refunds"]):
            raise invalid(f"You can only set `{name}` on a credit note of an invoice that is paid.", name)


def _given_back(desk: Desk, invoice: Record, given: Record, total: int) -> Record:
    """How a paid invoice's credit is shared out: refunds, credit to the balance, and what happens elsewhere."""
    refunds = [
        {"refund": each["refund"], "amount_refunded": each.get("amount_refunded")}
        for each in given.get("refunds") or ()
    ]
    if given.get("refund"):
        refunds.append({"refund": given["refund"], "amount_refunded": None})
    for number, each in enumerate(refunds):
        found = desk.named("refund", each["refund"], f"refunds[{number}][refund]")
        left = found["amount"] - _credited(desk, found["id"])
        each["amount_refunded"] = each["amount_refunded"] if each["amount_refunded"] is not None else left
        if not 0 < each["amount_refunded"] <= left:
            raise invalid(
                f"Other credit notes have left {payments.in_words(left, found['currency'])} of the refund {found['id']}.",
                f"refunds[{number}][amount_refunded]",
            )
    named = given.get("refund_amount"), given.get("credit_amount"), given.get("out_of_band_amount")
    refund, credit, elsewhere = (each or 0 for each in named)
    if not refunds and all(each is None for each in named):
        credit = total
    shared = refund + credit + elsewhere + sum(each["amount_refunded"] for each in refunds)
    if shared != total:
        words = payments.in_words
        raise invalid(
            f"The sum of credit amount, refund amount and out of band amount ({words(shared, invoice['currency'])}) must equal the credit note"
            f" amount ({words(total, invoice['currency'])}).",
            "credit_amount",
        )
    return {
        "type": "post_payment",
        "pre_payment_amount": 0,
        "post_payment_amount": total,
        "out_of_band_amount": elsewhere or None,
        "refunds": refunds,
        "to_refund": refund,
        "to_balance": credit,
    }


def _credited(desk: Desk, refund: str) -> int:
    """How much of a refund credit notes have told of."""
    return sum(
        int(each["amount_refunded"])
        for note in desk.all("credit_note")
        if note["status"] == "issued"
        for each in note["refunds"]
        if each["refund"] == refund
    )


def _written(desk: Desk, invoice: Record, said: Record, given: Record) -> Record:
    """The memo of the business, and what only Stripe knows of it beside."""
    record = desk.tx.get("invoice", invoice["id"])
    number = len([each for each in desk.all("credit_note") if each["invoice"] == invoice["id"]]) + 1
    lines = [{**line, "id": desk.new_id("credit_note_line_item")} for line in said["lines"]]
    own = {name: value for name, value in said.items() if not name.startswith("to_")}
    own |= {
        "invoice": invoice["id"],
        "lines": lines,
        "memo": given.get("memo"),
        "reason": given.get("reason"),
        "effective_at": given.get("effective_at") or desk.now,
        "metadata": merged({}, given.get("metadata") or {}),
    }
    if desk.clock is not None:
        own["created"] = desk.now
    head = {
        "cm_no": f"{invoice['number']}-CN-{number:02d}",
        "reason": REASONS.get(given.get("reason") or "", "CUSTOMER"),
        "release_items": False,
        **desk.stored(CREDIT_NOTE, own, None),
    }
    whole = said["total"] >= invoice["total"]
    memo = credit_priced(desk.tx, record, _priced(lines, invoice["currency"].upper()), head, whole=whole)
    return desk.shown(CREDIT_NOTE, memo)


def _priced(lines: list[Record], ccy: str) -> list[Record]:
    made = []
    for number, line in enumerate(lines, 1):
        inside = sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "inclusive")
        net = line["amount"] - line["discount_amount"] - inside
        made.append(
            {
                "line_no": number,
                "line_type": "FIXED_FEE",
                "description": (line["description"] or "")[:1000],
                "qty": money.QTY_SCALE,
                "unit_price": net * money.PRICE_SCALE // 10 ** money.exponent(ccy),
                "net": net,
                "tax": sum(tax["amount"] for tax in line["taxes"]),
            }
        )
    return made


def _before_payment(desk: Desk, invoice: Record, made: Record) -> Record:
    """Less is to be paid; an invoice of which nothing is left is paid."""
    credited = invoice["pre_payment_credit_notes_amount"] + made["total"]
    changed = invoices.mark(desk, invoice["id"], invoice["status"], {"pre_payment_credit_notes_amount": credited})
    if changed["amount_remaining"] == 0:
        invoices.settled(desk, invoice["id"], changed["amount_paid"])
    return made


def _after_payment(desk: Desk, invoice: Record, made: Record, said: Record) -> Record:
    """Money goes back, or stays as the customer's credit; what was paid stays paid."""
    changes: Record = {}
    if said["to_balance"]:
        moved = balances.move(
            desk,
            invoice["customer"],
            -said["to_balance"],
            "credit_note",
            invoice["currency"],
            credit_note=made["id"],
            invoice=invoice["id"],
        )
        changes["customer_balance_transaction"] = moved["id"]
    if said["to_refund"]:
        changes["refunds"] = [*made["refunds"], _refunded(desk, invoice, said["to_refund"])]
    credited = invoice["post_payment_credit_notes_amount"] + made["total"]
    desk.change("invoice", invoice["id"], {"post_payment_credit_notes_amount": credited})
    return desk.change("credit_note", made["id"], changes) if changes else made


def _refunded(desk: Desk, invoice: Record, amount: int) -> Record:
    for payment in desk.all("invoice_payment", invoice=invoice["id"]):
        intent = desk.find("payment_intent", payment["payment"].get("payment_intent") or "")
        charge = desk.find("charge", intent["latest_charge"]) if intent and intent["latest_charge"] else None
        if charge is not None and charge["amount_captured"] - charge["amount_refunded"] >= amount:
            made = refunds.refund(desk, charge, amount, None)
            return {"refund": made["id"], "amount_refunded": amount}
    raise invalid("There is no charge of this invoice that could be refunded by that amount.", "refund_amount")


def void(desk: Desk, id: str, given: Record) -> Record:
    """Take a credit note of an open invoice back."""
    found = desk.get("credit_note", id)
    invoice = desk.get("invoice", found["invoice"])
    desk.at(invoice["test_clock"])
    if found["status"] != "issued":
        raise invalid("You cannot void a credit note that is already voided.")
    if found["type"] != "pre_payment" or invoice["status"] != "open":
        raise invalid("You can only void a credit note of an open invoice.")
    left = invoice["pre_payment_credit_notes_amount"] - found["total"]
    invoices.mark(desk, invoice["id"], "open", {"pre_payment_credit_notes_amount": left})
    desk.change("credit_note", id, {"voided_at": desk.now})
    desk.remove("credit_note", id)
    return desk.get("credit_note", id)


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes that are more than plain objects."""

    def preview(desk: Desk, id: str, given: Record) -> Record:
        invoice = desk.named("invoice", given["invoice"], "invoice")
        said = drawn(desk, invoice, given)
        paid = invoice["status"] == "paid"
        _check_left(desk, invoice, said["total"], paid)
        said |= {"type": "post_payment" if paid else "pre_payment"}
        said |= {f"{'post' if paid else 'pre'}_payment_amount": said["total"]}
        record = desk.record(INVOICE, invoice["id"]) or {}
        blank = {each.name: None for each in (*CREDIT_MEMO.fields,)}
        stand_in = {
            **blank,
            **{name: record[name] for name in ("id", "created_at", "updated_at", "ccy", "customer")},
            "status": "ISSUED",
            "deleted_at": None,
            "cm_no": f"{invoice['number']}-CN-01",
            "custom": {
                "stripe": {
                    **said,
                    "lines": [_previewed(line) for line in said["lines"]],
                    "invoice": invoice["id"],
                    "memo": given.get("memo"),
                    "reason": given.get("reason"),
                    "effective_at": desk.now,
                }
            },
        }
        return {**CREDIT_NOTE.map.shown(stand_in, face), "id": "cn_preview"}

    def preview_lines(desk: Desk, id: str, given: Record) -> Record:
        asked = {
            name: value for name, value in given.items() if name not in ("limit", "starting_after", "ending_before")
        }
        return invoices.paged(preview(desk, id, asked)["lines"]["data"], given, "/v1/credit_notes/preview/lines")

    def lines(desk: Desk, id: str, given: Record) -> Record:
        record = desk.record(KINDS["credit_note"], id)
        if record is None:
            raise missing("credit note", id)
        mine = kept(record).get("lines") or CREDIT_NOTE.map.shown(record, face)["lines"]["data"]
        return invoices.paged(list(mine), given, f"/v1/credit_notes/{id}/lines")

    one = "/v1/credit_notes/{id}"
    yield face.post("void_credit_memo", f"{one}/void", {}, void, entity="credit_memo")
    yield face.read("list_credit_note_line", f"{one}/lines", LISTED, lines, entity="credit_memo")
    yield face.read("preview_credit_note", "/v1/credit_notes/preview", CREDITED, preview, ("invoice",))
    yield face.read(
        "preview_credit_note_lines",
        "/v1/credit_notes/preview/lines",
        {**CREDITED, **LISTED},
        preview_lines,
        ("invoice",),
    )


def _previewed(line: Record) -> Record:
    return {**line, "id": "cnli_preview"}
