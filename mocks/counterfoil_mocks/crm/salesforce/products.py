"""Price books, line items, and the quotes that deals have them from: what Salesforce does around a write of these."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from counterfoil_mocks.crm.model import OPPORTUNITY, QUOTE
from counterfoil_mocks.crm.salesforce import errors
from counterfoil_mocks.crm.salesforce.desk import Change, Desk
from counterfoil_mocks.crm.salesforce.errors import Refused, integrity
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.crm.salesforce.views import OBJECTS
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record

LINES = ("OpportunityLineItem", "QuoteLineItem", "OrderItem")
SYNCED = ("PricebookEntryId", "Quantity", "UnitPrice", "Discount", "ServiceDate", "Description")
"""What a product of a deal has from the line item of the quote that it is synced with."""


def before_entry(change: Change) -> None:
    """A price book entry: one for each product and currency of a book, in a custom one after the standard one."""
    desk, said = change.desk, change.said
    if change.before is not None:
        _repriced(change)
        return
    product = desk.record(OBJECTS["product2"], said["Product2Id"])
    book = desk.record(OBJECTS["pricebook2"], said["Pricebook2Id"])
    if _same_product(desk, book["id"], said):
        raise Refused(
            400,
            "DUPLICATE_VALUE",
            "This price definition already exists in this price book",
            ["Pricebook2Id", "Product2Id"],
        )
    if not book["custom"].get("IsStandard"):
        standard = _same_product(desk, desk.face.org.standard_book, said)
        if not standard:
            message = "Before creating a custom price, create a standard price."
            raise Refused(400, "STANDARD_PRICE_NOT_DEFINED", message, [])
        if said.get("UseStandardPrice"):
            change.custom["UnitPrice"] = standard[0]["custom"].get("UnitPrice")
    change.custom |= {"Name": product["name"], "ProductCode": product["custom"].get("ProductCode")}


def _repriced(change: Change) -> None:
    """An entry that uses the standard price has no other."""
    assert change.before is not None
    if not change.now("UseStandardPrice"):
        return
    if "UnitPrice" in change.said:
        raise integrity("UnitPrice (cannot be set while the standard price is used)", ["UnitPrice"])
    if change.said.get("UseStandardPrice"):
        standard = _same_product(change.desk, change.desk.face.org.standard_book, change.before["custom"])
        change.custom["UnitPrice"] = standard[0]["custom"].get("UnitPrice") if standard else None


def _same_product(desk: Desk, book: str | None, custom: Mapping[str, Any]) -> list[Record]:
    """The entries of a book, or of all, for a product in a currency."""
    about = [custom.get(name) for name in ("Product2Id", "CurrencyIsoCode")]
    entries = desk.vendor("PricebookEntry", owner=book)
    return [
        each for each in entries if [each["custom"].get(name) for name in ("Product2Id", "CurrencyIsoCode")] == about
    ]


def after_entry(change: Change) -> None:
    """Entries that use the standard price follow it."""
    entry = change.after
    if entry is None or entry["owner"] != change.desk.face.org.standard_book or "UnitPrice" not in change.said:
        return
    for other in _same_product(change.desk, None, entry["custom"]):
        if other["custom"].get("UseStandardPrice") and other["id"] != entry["id"]:
            custom = {**other["custom"], "UnitPrice": entry["custom"].get("UnitPrice")}
            change.tx.update(change.desk.entity(change.object), other, {"custom": custom})


def after_product(change: Change) -> None:
    """Price book entries are called as their product is."""
    product = change.after
    if product is None or change.before is None or not {"Name", "ProductCode"} & set(change.said):
        return
    named = {"Name": product["name"], "ProductCode": product["custom"].get("ProductCode")}
    for entry in change.desk.vendor("PricebookEntry"):
        if entry["custom"].get("Product2Id") == product["id"]:
            change.tx.update(change.desk.entity(change.object), entry, {"custom": {**entry["custom"], **named}})


def before_book(change: Change) -> None:
    """A price book: the standard one stays so."""
    change.custom.setdefault("IsStandard", bool(((change.before or {}).get("custom") or {}).get("IsStandard")))


def before_line(change: Change) -> None:
    """A line item of a deal, a quote or an order: its price book entry, its prices."""
    parent = _parent_of(change)
    if change.object.name == "OrderItem" and parent["custom"].get("Status") == "Activated":
        raise integrity("unknown (an activated order's products cannot be changed)", ["OrderId"])
    if change.before is None:
        _chosen(change, parent)
        if change.object.name != "OpportunityLineItem":
            name = "LineNumber" if change.object.name == "QuoteLineItem" else "OrderItemNumber"
            change.custom[name] = f"{change.desk.face.system.next_number(f'number:{change.object.name}'):08d}"
    _priced(change, parent)


def _parent_of(change: Change) -> Record:
    name = {"OpportunityLineItem": "Opportunity", "QuoteLineItem": "Quote", "OrderItem": "Order"}[change.object.name]
    owner = change.values.get("owner") or (change.before or {}).get("owner")
    return change.desk.record(OBJECTS[name.lower()], str(owner))


def _chosen(change: Change, parent: Record) -> None:
    """The price book entry of a new line, which must be of the parent's price book; a parent without one gets the entry's."""
    desk, said = change.desk, change.said
    book = (parent["custom"] or {}).get("Pricebook2Id")
    entry: Record | None = None
    if said.get("PricebookEntryId"):
        entry = desk.record(OBJECTS["pricebookentry"], said["PricebookEntryId"])
    elif said.get("Product2Id"):
        entry = next(
            (each for each in desk.vendor("PricebookEntry", owner=book or desk.face.org.standard_book)
             if each["custom"].get("Product2Id") == said["Product2Id"]),
            None,
        )  # fmt: skip
    if entry is None:
        if said.get("Product2Id"):
            raise integrity("PricebookEntryId (no price book entry for this product)", ["PricebookEntryId"])
        raise errors.missing(["PricebookEntryId"])
    kind = {"OpportunityLineItem": "opportunity", "QuoteLineItem": "quote", "OrderItem": "order"}[change.object.name]
    if book and entry["owner"] != book:
        message = f"PricebookEntryId (pricebook entry is in a different pricebook than the one assigned to the {kind})"
        raise integrity(message, ["PricebookEntryId"])
    product = desk.record(OBJECTS["product2"], entry["custom"]["Product2Id"])
    if not entry["custom"].get("IsActive") or not product["custom"].get("IsActive"):
        raise integrity("PricebookEntryId (pricebook entry is inactive)", ["PricebookEntryId"])
    currency = parent.get("ccy") or (parent["custom"] or {}).get("CurrencyIsoCode") or "USD"
    if entry["custom"].get("CurrencyIsoCode", "USD") != currency:
        message = f"PricebookEntryId (pricebook entry currency code does not match {kind} currency code)"
        raise integrity(message, ["PricebookEntryId"])
    if not book:
        parent_object = change.desk.object(kind)
        custom = {**(parent["custom"] or {}), "Pricebook2Id": entry["owner"]}
        change.tx.update(desk.entity(parent_object), parent, {"custom": custom})
    change.custom |= {
        "PricebookEntryId": entry["id"],
        "Product2Id": product["id"],
        "ProductCode": product["custom"].get("ProductCode"),
        "ListPrice": entry["custom"].get("UnitPrice"),
        "CurrencyIsoCode": currency,
    }
    if change.object.name == "OpportunityLineItem":
        change.custom["Name"] = f"{(parent['name'] or '')} {product['name']}"[:376]


def _priced(change: Change, parent: Record) -> None:
    said, before_custom = change.said, (change.before or {}).get("custom") or {}
    is_deal = change.object.name == "OpportunityLineItem"
    if is_deal and said.get("UnitPrice") is not None and said.get("TotalPrice") is not None:
        if change.before is None:
            raise integrity("unknown (cannot specify both unit price and total price)", ["UnitPrice", "TotalPrice"])
        raise Refused(400, "INVALID_FIELD", "Cannot change both 'UnitPrice' and 'TotalPrice' in update call", [])
    if is_deal and change.before is None and said.get("UnitPrice") is None and said.get("TotalPrice") is None:
        raise integrity("unknown (must specify unit price or total price)", [])

    def figure(name: str) -> Decimal:
        value = said[name] if name in said else before_custom.get(name)
        return Decimal(str(value)) if value is not None else Decimal(0)

    quantity, discount = figure("Quantity"), figure("Discount") / 100
    if quantity == 0 and is_deal:
        raise integrity("Quantity (quantity must be non-zero)", ["Quantity"])
    currency = str(change.custom.get("CurrencyIsoCode") or before_custom.get("CurrencyIsoCode") or "USD")
    smallest = Decimal(1).scaleb(-money.exponent(currency))
    if is_deal and said.get("TotalPrice") is not None:
        total = figure("TotalPrice").quantize(smallest, ROUND_HALF_UP)
        unit = total / quantity / (1 - discount) if discount != 1 else total / quantity
        change.custom["UnitPrice"] = float(unit.quantize(Decimal("0.0001"), ROUND_HALF_UP))
    else:
        total = (figure("UnitPrice") * quantity * (1 - discount)).quantize(smallest, ROUND_HALF_UP)
    change.custom["TotalPrice"] = float(total)
    if change.object.name != "OrderItem":
        per_unit = (
            figure("UnitPrice")
            if not is_deal or said.get("TotalPrice") is None
            else Decimal(str(change.custom["UnitPrice"]))
        )
        change.custom["Subtotal"] = float((per_unit * quantity).quantize(smallest, ROUND_HALF_UP))


def after_line(change: Change) -> None:
    """What a line item is part of is reckoned anew."""
    reckoned(change.desk, change.object, str(change.after["owner"]) if change.after else "")


def reckoned(desk: Desk, each: SObject, owner: str) -> None:
    """Reckon anew what a line item is part of."""
    if each.name == "OpportunityLineItem":
        roll_up(desk, owner)
    elif each.name == "QuoteLineItem":
        quote = desk.tx.look_up(QUOTE, owner)
        deal = None if quote is None else desk.tx.look_up(OPPORTUNITY, quote["opportunity"])
        if deal is not None and (deal["custom"] or {}).get("SyncedQuoteId") == owner:
            synced(desk, deal["id"], owner)


def roll_up(desk: Desk, deal_id: str) -> None:
    """A deal with lines is worth their total; with the last line gone it keeps what it had."""
    lines = desk.vendor("OpportunityLineItem", owner=deal_id)
    deal = desk.tx.look_up(OPPORTUNITY, deal_id)
    if not lines or deal is None:
        return
    total = sum((Decimal(str(each["custom"].get("TotalPrice") or 0)) for each in lines), Decimal(0))
    minor = int((total * 10 ** money.exponent(deal["ccy"])).quantize(Decimal(1), ROUND_HALF_UP))
    if minor != deal["amount"]:
        desk.tx.update(OPPORTUNITY, deal, {"amount": minor})


# quotes that deals have their products from


def synced(desk: Desk, deal_id: str, quote_id: str) -> None:
    """A deal has the products of the quote that it is synced with, instead of its own."""
    product, deals_object = OBJECTS["opportunitylineitem"], OBJECTS["opportunity"]
    deal, quote = desk.record(deals_object, deal_id), desk.record(OBJECTS["quote"], quote_id)
    if quote["opportunity"] != deal["id"]:
        raise integrity("SyncedQuoteId (the quote belongs to another opportunity)", ["SyncedQuoteId"])
    for line in desk.vendor("OpportunityLineItem", owner=deal["id"]):
        desk.delete(product, line["id"])
    book = (quote["custom"] or {}).get("Pricebook2Id")
    deal = desk.record(deals_object, deal_id)
    desk.tx.update(OPPORTUNITY, deal, {"custom": {**(deal["custom"] or {}), "Pricebook2Id": book}})
    for line in desk.vendor("QuoteLineItem", owner=quote["id"]):
        shown = {name: line["custom"][name] for name in SYNCED if line["custom"].get(name) is not None}
        desk.create(product, {"OpportunityId": deal["id"], **shown})
