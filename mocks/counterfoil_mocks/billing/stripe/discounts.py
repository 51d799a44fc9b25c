"""Reductions: coupons, promotion codes, and what is redeemed of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from counterfoil_mocks.billing.stripe import catalogue
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.discount_objects import COUPON, PROMOTION_CODE, redeemable
from counterfoil_mocks.billing.stripe.documents import alter, make
from counterfoil_mocks.billing.stripe.errors import invalid, needed, too_small
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.kind import kept
from counterfoil_mocks.billing.stripe.spans import after
from counterfoil_mocks.kernel.fields import Record

CODE = re.compile(r"[A-Za-z0-9-]{1,500}")
OWN = 8
"""Characters of a code that nobody chose."""


@COUPON.on_create
def create_coupon(desk: Desk, given: Record) -> Record:
    """A coupon: a share, or an amount in a currency."""
    said = {name: value for name, value in given.items() if value is not None}
    if (said.get("percent_off") is None) == (said.get("amount_off") is None):
        raise needed("percent_off" if said.get("percent_off") is None else "amount_off")
    if said.get("amount_off") is not None:
        if not said.get("currency"):
            raise needed("currency")
        said["currency"] = catalogue.currency(said["currency"])
    if said.get("percent_off") is not None:
        percent = float(said["percent_off"])
        if not 0 < percent <= 100:
            raise invalid("Invalid percent_off: must be between 0 and 100", "percent_off")
        said["percent_off"] = percent
    if said.get("duration") == "repeating" and not said.get("duration_in_months"):
        raise needed("duration_in_months")
    if said.get("redeem_by") is not None and said["redeem_by"] <= desk.now:
        raise invalid("The redeem_by of a coupon must be in the future.", "redeem_by")
    if said.get("max_redemptions") is not None and said["max_redemptions"] < 1:
        raise too_small(said["max_redemptions"], 1, "max_redemptions")
    for number, product in enumerate((said.get("applies_to") or {}).get("products") or ()):
        desk.named("product", product, f"applies_to[products][{number}]")
    if said.get("id") and desk.find("coupon", said["id"]) is not None:
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    return make(desk, COUPON, said)


@PROMOTION_CODE.on_create
def create_code(desk: Desk, given: Record) -> Record:
    """A code for a coupon, unique among the active ones of everybody or of one customer."""
    promotion = given.get("promotion") or {}
    if not promotion.get("type"):
        raise needed("promotion[type]")
    if not promotion.get("coupon"):
        raise needed("promotion[coupon]")
    coupon = desk.named("coupon", promotion["coupon"], "promotion[coupon]")
    if given.get("customer"):
        desk.named("customer", given["customer"], "customer")
    most, all_in_all = given.get("max_redemptions"), coupon["max_redemptions"]
    if most is not None and all_in_all is not None and most > all_in_all:
        raise invalid("The max_redemptions of a promotion code cannot exceed those of its coupon.", "max_redemptions")
    number = desk.system.next_number("promotion_code")
    own = chars(OWN, desk.system.world.seed, "promotion_code", number).upper()
    said = {**given, "code": given.get("code") or own, "promotion": {"type": "coupon", "coupon": coupon["id"]}}
    if not CODE.fullmatch(said["code"]):
        raise invalid("A code consists of letters, digits and dashes.", "code")
    _check_free(desk, said["code"], given.get("customer"), "")
    if given.get("restrictions"):
        said["restrictions"] = {**PROMOTION_CODE.map.by_name["restrictions"].default, **given["restrictions"]}
    return make(desk, PROMOTION_CODE, said)


@PROMOTION_CODE.on_change
def change_code(desk: Desk, before: Record, given: Record) -> Record:
    """A code switched off or on."""
    if given.get("active") and not before["active"]:
        _check_free(desk, before["code"], before["customer"], before["id"])
    return alter(desk, PROMOTION_CODE, before, given)


def _check_free(desk: Desk, code: str, customer: str | None, mine: str) -> None:
    for each in desk.all("promotion_code", active=True):
        same = each["code"].lower() == code.lower() and each["id"] != mine
        if same and (each["customer"] is None or customer is None or each["customer"] == customer):
            raise invalid("An active promotion code with `code: " + each["code"] + "` already exists.", "code")


def redeemed(
    desk: Desk, given: list[Record] | None, path: str, customer: str | None = None, ccy: str | None = None, **owner: str
) -> list[str]:
    """Discounts by the coupons and promotion codes that callers name: ids of what is minted for each, or of one that there is.

    ccy: of what they are taken off; owner: the field of a discount that says what it belongs to, and its id.
    """
    made = []
    for number, each in enumerate(given or ()):
        at = f"{path}[{number}]"
        if each.get("discount"):
            made.append(desk.named("discount", each["discount"], f"{at}[discount]")["id"])
            continue
        code = None
        if each.get("promotion_code"):
            code = _usable(desk, each["promotion_code"], customer, f"{at}[promotion_code]")
        elif not each.get("coupon"):
            raise needed(f"{at}[coupon]")
        name = code["promotion"]["coupon"] if code is not None else each["coupon"]
        coupon = desk.named("coupon", name, f"{at}[coupon]")
        _check_coupon(desk, coupon, ccy, at)
        months = coupon["duration_in_months"] if coupon["duration"] == "repeating" else None
        end = after(desk.now, "month", months) if months else None
        said = {"source": {"type": "coupon", "coupon": coupon["id"]}, "start": desk.now, "end": end}
        said |= {"customer": customer, **owner}
        if code is not None:
            said["promotion_code"] = code["id"]
            desk.change("promotion_code", code["id"], {"times_redeemed": code["times_redeemed"] + 1})
        found = desk.insert("discount", said)
        if "subscription" in owner:
            desk.tell("discount", found["id"], "customer.discount.created")
        desk.change("coupon", coupon["id"], {"times_redeemed": coupon["times_redeemed"] + 1})
        made.append(found["id"])
    return made


def dropped(desk: Desk, ids: Iterable[str]) -> None:
    """Tell of discounts that a subscription has no more."""
    for id in ids:
        desk.tell("discount", id, "customer.discount.deleted")


def bind(desk: Desk, ids: Iterable[str], **owner: str) -> None:
    """Say what discounts that were redeemed for it belong to, once it has its id."""
    for id in ids:
        desk.change("discount", id, owner)


def _check_coupon(desk: Desk, coupon: Record, ccy: str | None, at: str) -> None:
    if not redeemable(coupon, desk.now):
        late = coupon["redeem_by"] is not None and coupon["redeem_by"] <= desk.now
        why = "has expired" if late else "is used up and cannot be applied"
        raise invalid(f"Coupon {coupon['id']} {why}.", f"{at}[coupon]", "coupon_expired")
    if ccy is not None and coupon["currency"] not in (None, ccy):
        raise invalid(
            f"The coupon {coupon['id']} takes off amounts in `{coupon['currency']}` only; this is in `{ccy}`.",
            f"{at}[coupon]",
        )


def coupons_of(desk: Desk, ids: Iterable[str]) -> dict[str, Record]:
    """The coupon of each discount, with the products that it is for."""
    table = desk.system.table(COUPON.map.entity)  # a coupon that is deleted since still takes off what it took
    named = {id: table.by_id(desk.system.name, desk.get("discount", id)["source"]["coupon"]) for id in ids}
    return {
        id: {**desk.shown(COUPON, each), "applies_to": kept(each).get("applies_to")}
        for id, each in named.items()
        if each is not None
    }


def lasting(desk: Desk, ids: list[str], *, used: bool = False) -> list[str]:
    """Those of a subscription's discounts that still take something off: not ended, and where one has been `used`, not for once only."""
    found = []
    for id in ids:
        each = desk.get("discount", id)
        coupon = desk.find("coupon", each["source"]["coupon"])
        once = coupon is not None and coupon["duration"] == "once"
        if (each["end"] is None or desk.now < each["end"]) and not (used and once):
            found.append(id)
    return found


def _usable(desk: Desk, id: str, customer: str | None, param: str) -> Record:
    """A promotion code that this customer may redeem now; raises Refused."""
    code = desk.named("promotion_code", id, param)
    expired = code["expires_at"] is not None and code["expires_at"] <= desk.now
    used_up = code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]
    if not code["active"] or expired or used_up:
        raise invalid("This promotion code has expired or is no longer active.", param, "promotion_code_expired")
    if code["customer"] is not None and customer is not None and code["customer"] != customer:
        raise invalid(
            "This promotion code cannot be redeemed by this customer.", param, "promotion_code_customer_mismatch"
        )
    return code
