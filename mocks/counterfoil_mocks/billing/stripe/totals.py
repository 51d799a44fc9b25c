"""The arithmetic of Stripe's invoices: discounts over lines, then tax by line and rate, each rounded half up, then the sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from counterfoil_mocks.billing.stripe.billing_objects import taxed
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record

WHOLE = Decimal(1)


def half_up(value: Decimal) -> int:
    """A whole number of minor units, ties away from zero."""
    return int(value.quantize(WHOLE, ROUND_HALF_UP))


def times(unit: str | int, quantity: str | int) -> int:
    """Unit amount × quantity in minor units, rounded once."""
    return half_up(Decimal(str(unit)) * Decimal(str(quantity)))


def worked_out(
    lines: Sequence[Record],
    *,
    default_rates: Sequence[str],
    rates: Mapping[str, Record],
    coupons: Mapping[str, Record],
    discounts: Sequence[str],
    exempt: str,
    by_invoice: bool = False,
) -> Record:
    """Lines with discounts and taxes, and the document's sums.

    rates: tax rates by id; coupons: by id of the discount that they came by; discounts: of the whole document. exempt: of the
    customer (`none`, `exempt`, `reverse`). by_invoice: round each rate's tax once for the document instead of on every line.
    """
    made = [{**line, "subtotal": line["amount"], "discount_amounts": [], "taxes": []} for line in lines]
    for line in made:
        for discount in line.get("discounts") or ():
            _discount([line], discount, coupons[discount])
    for discount in discounts:
        _discount([line for line in made if line["discountable"]], discount, coupons[discount])
    for line in made:
        _tax(line, line.get("_rates") or default_rates, rates, exempt)
    if by_invoice:
        _round_together(made)
    subtotal = sum(line["amount"] for line in made)
    off: dict[str, int] = {}
    for line in made:
        for each in line["discount_amounts"]:
            off[each["discount"]] = off.get(each["discount"], 0) + each["amount"]
    exclusive, inclusive = (
        sum(tax["amount"] for line in made for tax in line["taxes"] if tax["tax_behavior"] == behavior)
        for behavior in ("exclusive", "inclusive")
    )
    total = subtotal - sum(off.values()) + exclusive
    for line in made:
        for tax in line["taxes"]:
            tax.pop("_exact", None)
    return {
        "lines": made,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - sum(_inside(line, rates) for line in made),
        "total": total,
        "total_excluding_tax": total - exclusive - inclusive,
        "total_discount_amounts": [{"amount": amount, "discount": discount} for discount, amount in off.items()],
    }


def net_of(line: Record) -> int:
    """What is left of a line after discounts."""
    return int(line["amount"] - sum(each["amount"] for each in line["discount_amounts"]))


def _discount(lines: Sequence[Record], discount: str, coupon: Record) -> None:
    """Take a coupon off lines: a share of each, or an amount in proportion to what they are worth."""
    products = (coupon.get("applies_to") or {}).get("products")
    lines = [line for line in lines if not products or _product(line) in products]
    weights = [max(0, net_of(line)) for line in lines]
    if coupon.get("percent_off") is not None:
        parts = [half_up(Decimal(weight) * Decimal(str(coupon["percent_off"])) / 100) for weight in weights]
    elif sum(weights):
        parts = money.split(min(int(coupon["amount_off"]), sum(weights)), weights)
    else:
        parts = [0] * len(lines)
    for line, part in zip(lines, parts, strict=True):
        line["discount_amounts"].append({"amount": part, "discount": discount})


def _product(line: Record) -> Any:
    price = line.get("price") or ((line.get("pricing") or {}).get("price_details")) or {}
    return price.get("product")


def _tax(line: Record, ids: Sequence[str], rates: Mapping[str, Record], exempt: str) -> None:
    net = Decimal(net_of(line))
    inside = sum((Decimal(str(rates[id]["percentage"])) for id in ids if rates[id]["inclusive"]), Decimal(0))
    for id in ids:
        percent = Decimal(str(rates[id]["percentage"]))
        behavior = "inclusive" if rates[id]["inclusive"] else "exclusive"
        base = net * 100 / (100 + inside)
        exact = base * percent / 100
        if exempt != "none":
            exact = Decimal(0)
        reason = {"exempt": "customer_exempt", "reverse": "reverse_charge"}.get(exempt, "not_available")
        line["taxes"].append({**taxed(id, half_up(exact), half_up(base), behavior, reason), "_exact": exact})


def _inside(line: Record, rates: Mapping[str, Record]) -> int:
    """The inclusive tax of a line before discounts."""
    taxes = [each for each in line["taxes"] if each["tax_behavior"] == "inclusive"]
    if not any(each["amount"] for each in line["discount_amounts"]) or not any(each["amount"] for each in taxes):
        return sum(int(each["amount"]) for each in taxes)
    percents = [Decimal(str(rates[each["tax_rate_details"]["tax_rate"]]["percentage"])) for each in taxes]
    return sum(half_up(Decimal(line["amount"]) * percent / (100 + sum(percents))) for percent in percents)


def _round_together(lines: Sequence[Record]) -> None:
    """Round each rate's tax once; the lines get parts that add up to it."""
    by_rate: dict[str, list[Record]] = {}
    for line in lines:
        for tax in line["taxes"]:
            by_rate.setdefault(tax["tax_rate_details"]["tax_rate"], []).append(tax)
    for taxes in by_rate.values():
        run, given = Decimal(0), 0
        for tax in taxes:
            run += tax["_exact"]
            tax["amount"], given = half_up(run) - given, half_up(run)


def canonical_lines(
    lines: Sequence[Record], codes: Mapping[str, Any], rates: Mapping[str, Record], ccy: str
) -> list[Record]:
    """Lines as the business keeps them: what is to be paid without tax, and the tax. codes: tax code by rate id."""
    made = []
    for number, line in enumerate(lines, 1):
        inside = sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "inclusive")
        net, tax = net_of(line) - inside, sum(tax["amount"] for tax in line["taxes"])
        ids = [each["tax_rate_details"]["tax_rate"] for each in line["taxes"]]
        percent = sum((Decimal(str(rates[id]["percentage"])) for id in ids), Decimal(0))
        quantity, price = _priced(line, net, ccy)
        made.append(
            {
                "line_no": number,
                "line_type": "FIXED_FEE",
                "description": (line["description"] or "")[:1000],
                "qty": quantity,
                "unit_price": price,
                "net": net,
                "tax": tax,
                "tax_code": codes.get(ids[0]) if len(ids) == 1 else None,
                "tax_rate": half_up(percent * money.RATE_SCALE / 100) if tax else 0,
                "taxable_fraction": money.RATE_SCALE,
            }
        )
    return made


def shipped(number: int, name: str, amount: int, ccy: str) -> Record:
    """The line of the business that shipping is."""
    return {
        "line_no": number,
        "line_type": "FIXED_FEE",
        "description": name,
        "qty": money.QTY_SCALE,
        "unit_price": amount * money.PRICE_SCALE // 10 ** money.exponent(ccy),
        "net": amount,
        "tax": 0,
        "tax_code": None,
        "tax_rate": 0,
        "taxable_fraction": money.RATE_SCALE,
    }


def _priced(line: Record, net: int, ccy: str) -> tuple[int, int]:
    """Quantity and unit price of a line, where they come to its net; else one piece at it."""
    units = 10 ** money.exponent(ccy)
    quantity = Decimal(str(line.get("quantity_decimal") or line.get("quantity") or 1))
    unit = (line.get("pricing") or {}).get("unit_amount_decimal")
    if unit is not None:
        scaled, price = quantity * money.QTY_SCALE, Decimal(unit) * money.PRICE_SCALE / units
        if scaled == int(scaled) and price == int(price) and money.line_amount(int(scaled), int(price), ccy) == net:
            return int(scaled), int(price)
    return money.QTY_SCALE, net * money.PRICE_SCALE // units
