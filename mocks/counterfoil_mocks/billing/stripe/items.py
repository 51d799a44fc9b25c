"""Invoice items: what waits to be invoiced; and how an amount, a price or a price's description becomes a line."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from counterfoil_mocks.billing.stripe import catalogue, discounts
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import altered, merged
from counterfoil_mocks.billing.stripe.errors import invalid, needed
from counterfoil_mocks.billing.stripe.objects import INVOICE_ITEM
from counterfoil_mocks.billing.stripe.totals import times
from counterfoil_mocks.kernel.fields import Record

EDITABLE = "Invalid invoice: This invoice is no longer editable"


def priced(desk: Desk, given: Record, ccy: str | None, path: str = "", *, own: bool = False) -> Record:
    """Amount, currency, quantity and pricing of what a caller describes by an amount, a price or a price's description.

    Raises Refused where it is none or more than one of these, or in another currency than `ccy`; and, unless the price is this engine's
    `own` choice, where it is inactive or recurs.
    """

    def at(name: str) -> str:
        return f"{path}[{name}]" if path else name

    price_id = (given.get("pricing") or {}).get("price") or given.get("price")
    quantity = given.get("quantity_decimal") or str(given["quantity"] if given.get("quantity") is not None else 1)
    if price_id:
        where = at("pricing") + "[price]" if given.get("pricing") else at("price")
        price = desk.named("price", price_id, where)
        if not own:
            _check_price(price, where)
    elif given.get("price_data"):
        price = _described(desk, given["price_data"], ccy, at("price_data"))
    elif given.get("amount") is not None:
        if given.get("quantity") is not None or given.get("quantity_decimal") is not None:
            raise invalid("You may only specify one of these parameters: amount, quantity.", at("quantity"))
        return _of_amount(desk, given["amount"], given.get("currency") or ccy, given.get("description"), at, ccy)
    elif given.get("unit_amount_decimal") is not None:
        if not (given.get("currency") or ccy):
            raise needed(at("currency"))
        price = _described(
            desk,
            {"unit_amount_decimal": given["unit_amount_decimal"], "currency": given.get("currency") or ccy},
            ccy,
            at("price_data"),
        )
    else:
        raise needed(at("amount"))
    if ccy and price["currency"] != ccy:
        raise invalid(
            f"The price specified only supports `{price['currency']}`. This doesn't match the expected currency: `{ccy}`.",
            at("price"),
        )
    unit = price["unit_amount_decimal"]
    amount = of_price(desk, price, quantity)
    return {
        "amount": amount,
        "currency": price["currency"],
        **_quantities(quantity),
        "pricing": pricing_of(price, unit),
        "_price": price["id"],
        "_product": price["product"],
    }


def _check_price(price: Record, param: str) -> None:
    if price["recurring"]:
        raise invalid(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param,
        )
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", param)


def pricing_of(price: Record, unit: str | None = None) -> Record:
    """How an item or a line says what its price is."""
    return {
        "type": "price_details",
        "price_details": {"price": price["id"], "product": price["product"]},
        "unit_amount_decimal": unit if unit is not None else price["unit_amount_decimal"],
    }


def of_price(desk: Desk, price: Record, quantity: str | int) -> int:
    """What a quantity of a price costs, in minor units; tiers as they are; in packages where it has them."""
    quantity = packages(price, quantity)
    if price["billing_scheme"] != "tiered":
        return times(price["unit_amount_decimal"] or 0, quantity)
    left, start, amount = Decimal(str(quantity)), Decimal(0), Decimal(0)
    tiers = desk.kept("price", price["id"])["tiers"]
    if price["tiers_mode"] == "volume":
        tier = next(each for each in tiers if each["up_to"] is None or left <= each["up_to"])
        return times(tier["unit_amount_decimal"] or 0, str(left)) + times(tier["flat_amount_decimal"] or 0, 1)
    for tier in tiers:
        upto = Decimal(tier["up_to"]) if tier["up_to"] is not None else left
        part = max(Decimal(0), min(left, upto) - start)
        if part > 0 or start == 0:
            amount += Decimal(tier["unit_amount_decimal"] or 0) * part + Decimal(tier["flat_amount_decimal"] or 0)
        start = upto
        if left <= upto:
            break
    return times(str(amount), 1)


def packages(price: Record, quantity: str | int) -> str | int:
    """A quantity as a price counts it: divided and rounded where the price is of so many at once."""
    form = price["transform_quantity"]
    if not form:
        return quantity
    exact = Decimal(str(quantity)) / form["divide_by"]
    return str(exact.to_integral_value(ROUND_CEILING if form["round"] == "up" else ROUND_FLOOR))


def _described(desk: Desk, data: Record, ccy: str | None, path: str) -> Record:
    if not data.get("currency"):
        data = {**data, "currency": ccy} if ccy else data
        if not data.get("currency"):
            raise needed(f"{path}[currency]")
    said = {name: value for name, value in data.items() if value is not None}
    if not said.get("product") and not said.get("product_data"):
        said["product"] = catalogue.create_product(desk, {"name": "One-off", "active": False})["id"]
    return catalogue.create_price(desk, {**said, "active": False}, path)


def _of_amount(
    desk: Desk, amount: int, ccy: str | None, description: str | None, at: Any, wanted: str | None = None
) -> Record:
    """An amount alone: an inactive one-off price and product are minted behind it."""
    if not ccy:
        raise needed(at("currency"))
    ccy = catalogue.currency(ccy, at("currency"))
    if wanted and ccy != wanted:
        raise invalid(
            f"The currency of an invoice item (`{ccy}`) must be its invoice's (`{wanted}`); create the invoice with `currency={ccy}`.",
            at("currency"),
        )
    product = catalogue.create_product(desk, {"name": description or "One-off", "active": False})
    price = catalogue.create_price(
        desk, {"currency": ccy, "product": product["id"], "unit_amount": amount, "active": False}
    )
    return {
        "amount": amount,
        "currency": ccy,
        **_quantities("1"),
        "pricing": pricing_of(price),
        "_price": price["id"],
        "_product": product["id"],
    }


def _quantities(quantity: str) -> Record:
    exact = Decimal(quantity)
    return {"quantity": int(exact) if exact == int(exact) else None, "quantity_decimal": quantity}


def described(desk: Desk, said: Record, worth: Record) -> str | None:
    """The description of an item: its own, else the product's name."""
    if said.get("description"):
        return str(said["description"])
    product = desk.find("product", worth["_product"]) if worth.get("_product") else None
    return product["name"] if product is not None and product["name"] != "One-off" else None


@INVOICE_ITEM.on_create
def create(desk: Desk, given: Record) -> Record:
    """An item that waits for the customer's next invoice, or goes onto a draft at once."""
    from counterfoil_mocks.billing.stripe import drafts

    customer = desk.named("customer", given["customer"], "customer")
    desk.at(customer["test_clock"])
    invoice = desk.named("invoice", given["invoice"], "invoice") if given.get("invoice") else None
    if invoice is not None and invoice["status"] != "draft":
        raise invalid(EDITABLE, "invoice", "invoice_not_editable")
    if invoice is not None and invoice["customer"] != customer["id"]:
        raise invalid(
            f"The invoice {invoice['id']} belongs to another customer than the invoice item: {customer['id']}.",
            "invoice",
        )
    if given.get("subscription"):
        desk.named("subscription", given["subscription"], "subscription")
    catalogue.check_rates(desk, given.get("tax_rates"), "tax_rates")
    ccy = invoice["currency"] if invoice else None
    worth = priced(desk, given, ccy)
    fix_currency(desk, customer, worth["currency"])
    said = item_of(desk, given, worth)
    said["customer"] = customer["id"]
    if given.get("subscription"):
        said["parent"] = {
            "type": "subscription_details",
            "subscription_details": {"subscription": given["subscription"], "subscription_item": None},
        }
        said["subscription"] = given["subscription"]
    made = desk.insert("invoiceitem", said)
    if invoice is not None:
        drafts.take_items(desk, invoice["id"], [made])
        made = desk.get("invoiceitem", made["id"])
    return made


def item_of(desk: Desk, given: Record, worth: Record, path: str = "") -> Record:
    """What an item keeps. path: the parameter that describes it, where it is one of several."""
    rates, off = (f"{path}[{name}]" if path else name for name in ("tax_rates", "discounts"))
    for number, rate in enumerate(given.get("tax_rates") or ()):
        desk.named("tax_rate", rate, f"{rates}[{number}]")
    now = desk.now
    period = checked_period(given, path) or {"start": now, "end": now}
    return {
        **{name: value for name, value in worth.items() if not name.startswith("_")},
        "net_amount": worth["amount"],
        "description": described(desk, given, worth),
        "discountable": given.get("discountable") if given.get("discountable") is not None else worth["amount"] >= 0,
        "discounts": discounts.redeemed(desk, given.get("discounts"), off, given.get("customer"), worth["currency"]),
        "metadata": merged({}, given.get("metadata") or {}),
        "period": period,
        "tax_rates": [desk.get("tax_rate", rate) for rate in given.get("tax_rates") or ()],
        "date": now,
    }


def checked_period(given: Record, path: str = "") -> Record | None:
    """The time that an item is for; raises Refused where it ends before it begins."""
    period: Record | None = given.get("period")
    if period and period["end"] < period["start"]:
        at = f"{path}[period][end]" if path else "period[end]"
        raise invalid("The end of a period must not be before its start.", at)
    return period


def fix_currency(desk: Desk, customer: Record, ccy: str) -> None:
    """A customer's first item, balance or subscription fixes its currency; raises Refused for another one later."""
    check_currency(customer, ccy)
    if customer["currency"] is None:
        desk.change("customer", customer["id"], {"currency": ccy})


def check_currency(customer: Record, ccy: str) -> None:
    """Refuse a currency that is not the customer's."""
    if customer["currency"] not in (None, ccy):
        raise invalid(
            f"You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount,"
            f" quote, or invoice item with currency {customer['currency']}.",
            "currency",
        )


@INVOICE_ITEM.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """An item changed; one on a draft changes its line with it."""
    from counterfoil_mocks.billing.stripe import drafts

    draft = _draft_of(desk, before)
    checked_period(given)
    desk.at(before["test_clock"])
    said = altered(
        before,
        {name: value for name, value in given.items() if name in ("description", "metadata", "period", "discountable")},
    )
    if any(
        given.get(name) is not None
        for name in ("amount", "pricing", "price", "price_data", "quantity", "quantity_decimal", "unit_amount_decimal")
    ):
        asked = dict(given)
        if given.get("amount") is None and not any(
            given.get(name) for name in ("pricing", "price", "price_data", "unit_amount_decimal")
        ):
            asked["price"] = before["pricing"]["price_details"]["price"]
        worth = priced(desk, asked, before["currency"], own=asked.get("price") != given.get("price"))
        said |= {name: value for name, value in worth.items() if not name.startswith("_")}
        said["net_amount"] = worth["amount"]
    if "tax_rates" in given:
        said["tax_rates"] = [
            desk.named("tax_rate", rate, f"tax_rates[{n}]") for n, rate in enumerate(given["tax_rates"] or ())
        ]
    if "discounts" in given:
        said["discounts"] = discounts.redeemed(desk, given["discounts"], "discounts", before["customer"])
    changed = desk.change("invoiceitem", before["id"], said) if said else before
    if draft:
        drafts.refresh_items(desk, draft, [changed])
    return desk.get("invoiceitem", before["id"])


def _draft_of(desk: Desk, item: Record) -> str | None:
    """The draft that an item is on, None for a pending one; raises Refused where its invoice is final."""
    if item["invoice"] is None:
        return None
    invoice = desk.find("invoice", item["invoice"])
    if invoice is None or invoice["status"] != "draft":
        raise invalid(EDITABLE, None, "invoice_not_editable")
    return str(item["invoice"])


@INVOICE_ITEM.on_remove
def remove(desk: Desk, item: Record) -> None:
    """A pending item, or one on a draft, is deleted with its line."""
    from counterfoil_mocks.billing.stripe import drafts

    draft = _draft_of(desk, item)
    if draft:
        drafts.drop_items(desk, draft, [item["id"]])
