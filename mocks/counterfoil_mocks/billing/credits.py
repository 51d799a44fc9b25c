"""Business deeds on credit memos: negative documents that correct issued invoices, line by line at the original rates."""

from __future__ import annotations

from counterfoil_mocks.billing.documents import GIVEN, added_up
from counterfoil_mocks.billing.invoices import numbered, unmark_billed
from counterfoil_mocks.billing.model import CREDIT_MEMO, INVOICE, ROLE
from counterfoil_mocks.billing.tax import Taxed, document_tax
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor, step
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record, amount, integer, lines, text
from counterfoil_mocks.kernel.tx import Tx

CREDITED_LINE = Entity(
    "credited_line",
    "credited_lines",
    "",
    (
        integer("line_no", "Line of the invoice.", low=1, high=9999, required=True),
        amount("net", "How much of its net, as a positive amount.", required=True),
    ),
)
COPIED = (
    *("contract_no", "legal_entity", "customer", "customer_no", "ccy", "project_no", "legends", "rounding_policy"),
    *("seller_vat_id", "ec_sales", "fx_rate", "local_ccy"),
)


@ROLE.action(
    "credit_invoice",
    *(CREDIT_MEMO.by_name[name] for name in ("reason", "release_items", "approved_by")),
    lines("lines", CREDITED_LINE, "What to credit; the whole invoice by default."),
    text("source_key", "Business key of what it was made from; the invoice's number by default.", limit=255),
    on=INVOICE,
    returns=CREDIT_MEMO,
)
def credit_invoice(tx: Tx, subject: Record, values: Record) -> Record:
    """Credit an invoice that is in the books, wholly or in part, at its own rates and rounding.

    Crediting the whole with release lets what it billed be billed again.
    """
    if subject["status"] not in ("POSTED", "PARTIALLY_PAID", "PAID", "DISPUTED"):
        raise conflict(
            "ILLEGAL_TRANSITION",
            f"Invoice {subject['key'] or subject['id']} is {subject['status']}; only what is in the books can be credited.",
            field="status",
            remedy="Void an invoice that the books have not taken; discard a draft.",
        )
    partial = values.get("lines") or []
    made = _part(subject, partial) if partial else [_negative(line) for line in subject["lines"]]
    entity = entity_of(tx, subject["legal_entity"])
    today = tx.today(entity["tz"])
    net, tax = sum(line["net"] for line in made), sum(line["tax"] for line in made)
    memo = tx.insert(
        CREDIT_MEMO,
        {
            **{name: subject[name] for name in COPIED},
            "cm_no": numbered(tx, entity, "CM"),
            "corrects": subject["invoice_no"],
            "reason": values["reason"],
            "release_items": bool(values.get("release_items")),
            "approved_by": values.get("approved_by"),
            "source_key": values.get("source_key") or subject["invoice_no"],
            "issue_date": today,
            "tax_point": today,
            "due": today,
            "issued_at": tx.stamp,
            "lines": made,
            "items": [] if partial else [{**row, "amount": -row["amount"]} for row in subject["items"]],
            "net": net,
            "tax": tax,
            "tax_local": _local(subject, tax),
            "total": net + tax,
            "status": "ISSUED",
        },
        event="billing.credit_memo.issued",
    )
    if not partial:
        unmark_billed(tx, subject, release=memo["release_items"])
        tx.update(INVOICE, subject, {"status": "CREDITED"})
    return memo


def _local(invoice: Record, tax: int) -> int | None:
    """Tax of a credit in the currency of the seller's country, at the invoice's own rate."""
    if invoice["local_ccy"] is None:
        return None
    return money.convert(tax, invoice["fx_rate"], invoice["ccy"], invoice["local_ccy"])


def credit_priced(tx: Tx, invoice: Record, priced: list[Record], head: Record, *, whole: bool) -> Record:
    """Credit an invoice by lines that another engine has priced and taxed (net, tax: as positive amounts).

    head: further values of the memo (`cm_no`, `reason`…). whole: nothing of the invoice is left.
    """
    entity = entity_of(tx, invoice["legal_entity"])
    today = tx.today(entity["tz"])
    figures = added_up([_negative(line) for line in priced], invoice["ccy"])
    memo = tx.insert(
        CREDIT_MEMO,
        {
            **{name: invoice[name] for name in COPIED},
            "corrects": invoice["invoice_no"],
            "source_key": invoice["invoice_no"],
            "issue_date": today,
            "tax_point": today,
            "due": today,
            "issued_at": tx.stamp,
            "status": "ISSUED",
            **figures,
            **head,
        },
        event="billing.credit_memo.issued",
    )
    if whole:
        unmark_billed(tx, invoice, release=False)
    return memo


def _negative(line: Record) -> Record:
    return {**line, "unit_price": -line["unit_price"], "net": -line["net"], "tax": -line["tax"]}


def _part(invoice: Record, wanted: list[Record]) -> list[Record]:
    by_number = {line["line_no"]: line for line in invoice["lines"]}
    made = []
    for number, part in enumerate(wanted, 1):
        original = by_number.get(part["line_no"])
        if original is None:
            raise invalid(
                "lines", f"{invoice['invoice_no']} has no line {part['line_no']}", "Give numbers of its lines."
            )
        net = minor(part, "net", invoice["ccy"])
        if not 0 < net <= original["net"]:
            raise invalid(
                "lines",
                f"line {part['line_no']} has a net of {money.major(original['net'], invoice['ccy'])}",
                "Credit at most that.",
            )
        price = net * money.PRICE_SCALE // int(10 ** money.exponent(invoice["ccy"]))
        line = {
            **original,
            "line_no": number,
            "items": [],
            "minutes": None,
            "qty": money.QTY_SCALE,
            "unit_price": -price,
        }
        made.append({**line, "net": -net})
    if invoice["rounding_policy"] == GIVEN:
        return [
            {**line, "tax": _share(line, by_number[part["line_no"]])} for line, part in zip(made, wanted, strict=True)
        ]
    taxed = [Taxed(line["net"], line["tax_rate"], line["taxable_fraction"]) for line in made]
    taxes = document_tax(taxed, invoice["rounding_policy"], invoice["ccy"])
    return [{**line, "tax": tax} for line, tax in zip(made, taxes, strict=True)]


def _share(line: Record, original: Record) -> int:
    return money.half_up(original["tax"] * line["net"], original["net"]) if original["net"] else 0


@ROLE.action("record_credit_posted", on=CREDIT_MEMO)
def record_credit_posted(tx: Tx, subject: Record, values: Record) -> Record:
    """Mirror that the books have taken the credit memo. Told again, it changes nothing."""
    return subject if subject["status"] == "POSTED" else step(tx, CREDIT_MEMO, subject, "POSTED", sources=("ISSUED",))
