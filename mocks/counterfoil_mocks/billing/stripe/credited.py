"""What a credit note takes off an invoice: parts of its lines with their taxes and discounts, lines of one's own, or an amount."""

from __future__ import annotations

from decimal import Decimal

from counterfoil_mocks.billing.stripe import payments, totals
from counterfoil_mocks.billing.stripe.billing_objects import INVOICE, lines_of, taxed, total_taxes
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import invalid, missing, needed, too_small
from counterfoil_mocks.kernel.fields import Record


def issued(desk: Desk, invoice: str) -> list[Record]:
    """The credit notes of an invoice that are in force."""
    return [each for each in desk.all("credit_note") if each["invoice"] == invoice and each["status"] == "issued"]


def drawn(desk: Desk, invoice: Record, given: Record) -> Record:
    """Lines and sums of a credit note, not yet written."""
    if given.get("lines"):
        lines = [_line(desk, invoice, line, number) for number, line in enumerate(given["lines"])]
        _check_lines(desk, invoice, lines)
    elif given.get("amount") is not None:
        if given["amount"] < 1:
            raise too_small(given["amount"], 1, "amount")
        lines = [_amount(invoice, given["amount"])]
    else:
        asked = [given.get(name) for name in ("refund_amount", "credit_amount", "out_of_band_amount")]
        if any(each is not None for each in asked):
            lines = [_amount(invoice, sum(each or 0 for each in asked))]
        else:
            raise needed("amount")
    subtotal = sum(line["amount"] for line in lines)
    off = sum(line["discount_amount"] for line in lines)
    exclusive, inclusive = (
        sum(tax["amount"] for line in lines for tax in line["taxes"] if tax["tax_behavior"] == behavior)
        for behavior in ("exclusive", "inclusive")
    )
    total = subtotal - off + exclusive
    if given.get("lines") and given.get("amount") not in (None, total):
        words = payments.in_words
        raise invalid(
            f"The amount ({words(given['amount'], invoice['currency'])}) must be the total of the lines"
            f" ({words(total, invoice['currency'])}).",
            "amount",
        )
    return {
        "amount": total,
        "discount_amount": off,
        "lines": lines,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive,
        "total": total,
        "total_excluding_tax": total - exclusive - inclusive,
        "total_taxes": total_taxes(lines),
    }


def _check_lines(desk: Desk, invoice: Record, lines: list[Record]) -> None:
    """Refuse to credit more of a line than was billed by it, all credit notes together."""
    record = desk.record(INVOICE, invoice["id"])
    assert record is not None
    left = {each["id"]: each["amount"] for each in lines_of(record, desk.face)}
    for note in issued(desk, invoice["id"]):
        for each in desk.kept("credit_note", note["id"]).get("lines") or ():
            if each["invoice_line_item"] in left:
                left[each["invoice_line_item"]] -= each["amount"]
    for number, each in enumerate(lines):
        id = each["invoice_line_item"]
        if id is None:
            continue
        if 0 <= left[id] < each["amount"]:
            raise invalid("The credited amount is more than what is left of the line.", f"lines[{number}][amount]")
        left[id] -= each["amount"]


def _blank(amount: int, **more: object) -> Record:
    return {
        "id": None,
        "object": "credit_note_line_item",
        "amount": amount,
        "description": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": None,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": None,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": None,
        "unit_amount_decimal": None,
        **more,
    }


def _amount(invoice: Record, amount: int) -> Record:
    return _blank(
        amount,
        description=f"Credit for invoice {invoice['number']}",
        quantity=1,
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )


def _line(desk: Desk, invoice: Record, given: Record, number: int) -> Record:
    path = f"lines[{number}]"
    if not given.get("type"):
        raise needed(f"{path}[type]")
    if given["type"] == "custom_line_item":
        return _custom(desk, given, path)
    if not given.get("invoice_line_item"):
        raise needed(f"{path}[invoice_line_item]")
    record = desk.record(INVOICE, invoice["id"])
    assert record is not None
    found = next((line for line in lines_of(record, desk.face) if line["id"] == given["invoice_line_item"]), None)
    if found is None:
        raise missing("invoice line item", given["invoice_line_item"], param=f"{path}[invoice_line_item]", status=400)
    amount, quantity = given.get("amount"), given.get("quantity")
    if (amount is None) == (quantity is None):
        raise invalid("You must specify exactly one of `amount` or `quantity`.", f"{path}[amount]")
    credited: int = amount if amount is not None else 0
    if quantity is not None:
        whole = Decimal(found["quantity_decimal"] or "1")
        credited = totals.half_up(Decimal(found["amount"]) * quantity / whole)
    if credited > found["amount"]:
        raise invalid("The credited amount is more than the amount of the line.", f"{path}[amount]")
    part = _Part(desk, invoice["id"], found, credited)
    taxes = [
        {**tax, **{name: part.of(tax, "taxes", name) for name in ("amount", "taxable_amount")}}
        for tax in found["taxes"]
    ]
    off = [{**each, "amount": part.of(each, "discount_amounts", "amount")} for each in found["discount_amounts"]]
    return _blank(
        credited,
        description=found["description"],
        discount_amount=sum(each["amount"] for each in off),
        discount_amounts=off,
        invoice_line_item=found["id"],
        quantity=quantity,
        taxes=taxes,
        type="invoice_line_item",
    )


class _Part:
    """The part of an invoice's line that is credited: in proportion, and the last part is what the earlier ones have left."""

    def __init__(self, desk: Desk, invoice: str, line: Record, credited: int) -> None:
        self.share = Decimal(credited) / line["amount"] if line["amount"] else Decimal(0)
        earlier = [
            each
            for note in issued(desk, invoice)
            for each in desk.kept("credit_note", note["id"]).get("lines") or ()
            if each["invoice_line_item"] == line["id"]
        ]
        last = credited + sum(each["amount"] for each in earlier) == line["amount"]
        self.earlier = earlier if last else None

    def of(self, whole: Record, member: str, name: str) -> int:
        """The part of one amount of a tax or a discount."""
        if self.earlier is None:
            return totals.half_up(whole[name] * self.share)
        key = "tax_rate_details" if member == "taxes" else "discount"
        told = (each for line in self.earlier for each in line[member] if each[key] == whole[key])
        return int(whole[name]) - sum(int(each[name]) for each in told)


def _custom(desk: Desk, given: Record, path: str) -> Record:
    unit = given.get("unit_amount_decimal") if given.get("unit_amount") is None else given["unit_amount"]
    quantity: int = given["quantity"] if given.get("quantity") is not None else 1
    if unit is None and given.get("amount") is None:
        raise needed(f"{path}[unit_amount]")
    amount = totals.times(unit, quantity) if unit is not None else given["amount"]
    rates = [
        desk.named("tax_rate", rate, f"{path}[tax_rates][{n}]") for n, rate in enumerate(given.get("tax_rates") or ())
    ]
    taxes = []
    for rate in rates:
        percent = Decimal(str(rate["percentage"]))
        base = Decimal(amount) * 100 / (100 + percent) if rate["inclusive"] else Decimal(amount)
        behavior = "inclusive" if rate["inclusive"] else "exclusive"
        taxes.append(taxed(rate["id"], totals.half_up(base * percent / 100), totals.half_up(base), behavior))
    return _blank(
        amount,
        description=given.get("description"),
        quantity=quantity,
        tax_rates=rates,
        taxes=taxes,
        unit_amount=amount
        if unit is None
        else int(Decimal(str(unit)))
        if Decimal(str(unit)) == int(Decimal(str(unit)))
        else None,
        unit_amount_decimal=str(unit if unit is not None else amount),
    )
