"""The catalogue: products, prices, coupons and tax rates."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from counterfoil_mocks.billing.stripe import meanings
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import alter, altered, make, merged
from counterfoil_mocks.billing.stripe.errors import emptied, invalid, needed, too_small
from counterfoil_mocks.billing.stripe.objects import PRICE, PRODUCT, TAX_RATE
from counterfoil_mocks.billing.stripe.params import integer, plain
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record

LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""How many of each interval a price may recur in: three years."""


def currency(given: str, param: str = "currency") -> str:
    """A currency that the billing engine knows, in small letters; raises Refused."""
    if given.upper() not in money.KNOWN:
        known = ", ".join(sorted(each.lower() for each in money.KNOWN))
        raise invalid(f"Invalid currency: {given}. Stripe currently supports these currencies: {known}", param)
    return given.lower()


@PRODUCT.on_create
def create_product(desk: Desk, given: Record) -> Record:
    """A product, with its first price where one is described."""
    if given.get("name") is None:
        raise needed("name")
    if given.get("id") and desk.find("product", given["id"]) is not None:
        raise invalid("Product already exists.", "id", "resource_already_exists")
    price = given.pop("default_price_data", None)
    made = make(desk, PRODUCT, given)
    if price is None:
        return made
    first = create_price(desk, {**price, "product": made["id"]}, "default_price_data")
    return desk.change("product", made["id"], {"default_price": first["id"]})


@PRODUCT.on_change
def change_product(desk: Desk, before: Record, given: Record) -> Record:
    """A product changed."""
    if "name" in given and given["name"] is None:
        raise emptied("name")
    if given.get("default_price"):
        desk.named("price", given["default_price"], "default_price")
    return alter(desk, PRODUCT, before, given)


@PRODUCT.on_remove
def remove_product(desk: Desk, product: Record) -> None:
    """Only a product without prices is deleted."""
    if desk.all("price", product=product["id"]):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")


@PRICE.on_create
def new_price(desk: Desk, given: Record) -> Record:
    """A price that a caller makes."""
    return create_price(desk, given)


def create_price(desk: Desk, given: Record, path: str = "") -> Record:
    """A price of a product that there is, or that is described along with it. path: the parameter that describes it, where there is one."""

    def at(name: str) -> str:
        return f"{path}[{name}]" if path else name

    said = {name: value for name, value in given.items() if name != "expand" and value is not None}
    if not said.get("currency"):
        raise needed(at("currency"))
    said["currency"] = currency(said["currency"], at("currency"))
    product = said.pop("product_data", None)
    if product is not None:
        said["product"] = create_product(desk, product)["id"]
    if not said.get("product"):
        raise needed(at("product"))
    desk.named("product", said["product"], at("product"))
    if said.get("billing_scheme") == "tiered":
        said["tiers"] = _tiers(said.get("tiers"))
        if not said.get("tiers_mode"):
            raise needed("tiers_mode")
    else:
        said |= amounts(said, "unit_amount")
    form = said.get("transform_quantity")
    if form is not None:
        if not form.get("divide_by"):
            raise needed("transform_quantity[divide_by]")
        if not form.get("round"):
            raise needed("transform_quantity[round]")
        if form["divide_by"] < 1:
            raise too_small(form["divide_by"], 1, "transform_quantity[divide_by]")
    if said.get("recurring"):
        said["type"] = "recurring"
        said["recurring"] = {
            "interval_count": 1,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        } | {name: value for name, value in said["recurring"].items() if value is not None}
        longest = LONGEST[said["recurring"]["interval"]]
        if said["recurring"]["interval_count"] > longest:
            raise invalid(
                f"The maximum number of {said['recurring']['interval']}s is {longest}: a price recurs every three years at the latest.",
                "recurring[interval_count]",
            )
        if said["recurring"]["interval_count"] < 1:
            raise too_small(said["recurring"]["interval_count"], 1, "recurring[interval_count]")
        if said["recurring"].get("meter"):
            desk.named("billing.meter", said["recurring"]["meter"], "recurring[meter]")
    said["metadata"] = merged({}, said.get("metadata") or {})
    _take_key(desk, said, "")
    said.pop("transfer_lookup_key", None)
    return desk.insert("price", said)


def amounts(said: Record, name: str) -> Record:
    """An amount in both of its forms: whole minor units (null for a fraction) and a decimal text; raises Refused."""
    whole, exact = said.get(name), said.get(f"{name}_decimal")
    if whole is None and exact is None:
        raise _no_amount(name)
    if whole is not None and exact is not None:
        raise invalid(f"You may only specify one of these parameters: {name}, {name}_decimal.", name)
    if whole is not None:
        return {name: whole, f"{name}_decimal": str(whole)}
    number = Decimal(str(exact))
    return {name: int(number) if number == int(number) else None, f"{name}_decimal": plain(number)}


def _no_amount(name: str) -> Problem:
    """Neither form of an amount was given."""
    return invalid(f"Prices require an `{name}` or `{name}_decimal` parameter to be set.", name, "parameter_missing")


def _tiers(given: list[Record] | None) -> list[Record]:
    if not given:
        raise needed("tiers")
    made: list[Record] = []
    for number, tier in enumerate(given):
        if tier.get("up_to") is None:
            raise needed(f"tiers[{number}][up_to]")
        shown: Record = {}
        for name in ("flat_amount", "unit_amount"):
            known = tier.get(name) is not None or tier.get(f"{name}_decimal") is not None
            shown |= amounts(tier, name) if known else {name: None, f"{name}_decimal": None}
        upto = None if tier["up_to"] == "inf" else integer(tier["up_to"], f"tiers[{number}][up_to]")
        made.append({**shown, "up_to": upto})
    if made[-1]["up_to"] is not None:
        raise invalid("The last tier must have `up_to` set to `inf`.", f"tiers[{len(made) - 1}][up_to]")
    return made


@PRICE.on_change
def change_price(desk: Desk, before: Record, given: Record) -> Record:
    """A price changed; its amounts never do."""
    said = altered(before, given)
    _take_key(desk, said, before["id"])
    said.pop("transfer_lookup_key", None)
    if (
        said.get("tax_behavior", before["tax_behavior"]) != before["tax_behavior"]
        and before["tax_behavior"] != "unspecified"
    ):
        raise invalid("The tax behavior of a price cannot be changed once it is set.", "tax_behavior")
    return desk.change("price", before["id"], said) if said else before


def _take_key(desk: Desk, said: Record, mine: str) -> None:
    """A lookup key belongs to one price; it is taken from another only where that is asked for."""
    key = said.get("lookup_key")
    others = [] if key is None else [each for each in desk.all("price", lookup_key=key) if each["id"] != mine]
    for other in others:
        if not said.get("transfer_lookup_key"):
            raise invalid(f"A price (`{other['id']}`) already uses that lookup key.", "lookup_key")
        desk.change("price", other["id"], {"lookup_key": None})


def check_rates(desk: Desk, ids: Sequence[str] | None, path: str) -> None:
    """Refuse tax rates that there are not, or that are put aside; what has one already keeps it."""
    for number, id in enumerate(ids or ()):
        if not desk.named("tax_rate", id, f"{path}[{number}]")["active"]:
            raise invalid(f"The tax rate {id} is archived, so it cannot be used any more.", f"{path}[{number}]")


@TAX_RATE.on_create
def create_tax_rate(desk: Desk, given: Record) -> Record:
    """A tax rate: a tax code of the business."""
    said = {name: value for name, value in given.items() if name != "expand" and value is not None}
    said["metadata"] = merged({}, said.get("metadata") or {})
    exact = Decimal(said["percentage"])
    if not 0 <= exact <= 100:
        raise invalid("Invalid percentage: must be between 0 and 100", "percentage")
    if -int(exact.as_tuple().exponent) > 4:
        raise invalid(f"Invalid decimal: {said['percentage']}; must contain at maximum 4 decimal places.", "percentage")
    said["percentage"] = float(exact)
    number = desk.system.next_number("tax_rate")
    _, meant = meanings.told("tax_rate", said["metadata"], None)
    fraction = meant.get("taxable_fraction") or money.RATE_SCALE
    columns = {
        "code": f"STX-{number:05d}",
        "kind": meanings.TAX_KINDS.get(said.get("tax_type") or "", "SALES_TAX"),
        "taxable_fraction": fraction,
        "category": "S",
        "jurisdiction": (said.get("jurisdiction") or "")[:40] or None,
        **meant,
        "rate": round(exact * money.RATE_SCALE * money.RATE_SCALE / 100 / fraction),
    }
    return desk.insert("tax_rate", said, columns)
