"""How rate cards are written: a set, its cards by currency, the days from which they have other rates, and each role's rate.

A card of the business comes to be as soon as its set has a currency and a day; it then has no rates, which roles give it one by one.
"""

from __future__ import annotations

from typing import Any

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import removed
from counterfoil_mocks.psa.kantata.desk import Desk, whole
from counterfoil_mocks.psa.kantata.errors import invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, Kind, kept
from counterfoil_mocks.psa.kantata.objects import price_of
from counterfoil_mocks.psa.kantata.people import level_of
from counterfoil_mocks.psa.kantata.rate_cards import (
    SET_VERSIONS,
    SETS,
    kept_days,
    kept_sets,
    roles_of,
    set_of,
    sets_of,
    version_of,
)
from counterfoil_mocks.psa.kantata.values import is_day
from counterfoil_mocks.psa.kantata.view import Given

LONGEST_CODE = 40


# sets


def create_set(desk: Desk, kind: Kind, given: Given) -> Record:
    """A set without cards, whose first version is effective from today on."""
    record = desk.keep(SETS, _title(desk, given), columns={"name": str(given["title"])})
    _default(desk, record, given)
    desk.keep(SET_VERSIONS, {"effective_date": desk.system.clock.now[:10]}, columns={"owner": record["id"]})
    return _set(desk, record["id"])


def update_set(desk: Desk, kind: Kind, shown: Record, given: Given) -> Record:
    """Another default of the account; the title is what the business calls the cards, and stays."""
    if given.get("title") not in (None, "", shown["title"]):
        raise invalid("Title can't be changed", "title")
    _default(desk, _own(desk, shown["title"]), given)
    return _set(desk, set_of(desk, shown["title"]))


def delete_set(desk: Desk, kind: Kind, shown: Record) -> None:
    """With all its cards, where none of them is in use."""
    for card in desk.all("rate_card", code=shown["title"]):
        _drop(desk, card)
    own = kept_sets(desk).get(shown["title"])
    for each in [*kept_days(desk, own["id"]), own] if own else ():
        removed(desk.tx, desk.entity("vendor_object"), each["id"])


def _title(desk: Desk, given: Given) -> Record:
    title = given.get("title")
    if not isinstance(title, str) or not title.strip():
        raise invalid("Title can't be blank", "title")
    if len(title) > LONGEST_CODE:
        raise invalid(f"Title is too long (maximum is {LONGEST_CODE} characters)", "title")
    if any(each["title"] == title for each in sets_of(desk)):
        raise invalid("Title has already been taken", "title")
    return {"title": title}


def _default(desk: Desk, record: Record, given: Given) -> None:
    """Make a set the account's default one, and no other."""
    if str(given.get("account_default")).lower() == "true":
        for each in kept_sets(desk).values():
            if each["id"] != record["id"] and kept(each).get("account_default"):
                desk.keep(SETS, {"account_default": False}, each)
        desk.keep(SETS, {"account_default": True}, record)


def _own(desk: Desk, title: str) -> Record:
    """What is kept of a set; made now for one that only its cards have told of."""
    return kept_sets(desk).get(title) or desk.keep(SETS, {"title": title}, columns={"name": title})


def _set(desk: Desk, id: str) -> Record:
    return next(each for each in sets_of(desk) if each["id"] == id)


def _of(desk: Desk, given: Given) -> Record:
    """The set that a body names; raises Refused 422."""
    found = [each for each in sets_of(desk) if each["id"] == str(given.get("rate_card_set_id"))]
    if not found:
        raise invalid("Rate card set can't be found", "rate_card_set_id")
    return found[0]


# cards, and the days from which they have other rates


def create_card(desk: Desk, kind: Kind, given: Given) -> Record:
    """A card of a set in one currency, in all versions of the set; the newest is shown."""
    desk.check(kind, given)
    title, ccy = _of(desk, given)["title"], given["currency"]
    if ccy not in money.KNOWN:
        raise invalid("Currency is not included in the list", "currency")
    if desk.all("rate_card", code=title, ccy=ccy):
        raise invalid("Currency has already been taken", "currency")
    days = {each["effective_from"] for each in desk.all("rate_card", code=title)}
    own = kept_sets(desk).get(title)
    days |= {kept(each)["effective_date"] for each in kept_days(desk, own["id"])} if own else set()
    return [_card(desk, title, ccy, day) for day in sorted(days)][-1]


def delete_card(desk: Desk, kind: Kind, record: Record) -> None:
    """Where no project is priced by it."""
    _drop(desk, record)


def create_set_version(desk: Desk, kind: Kind, given: Given) -> Record:
    """A day from which the cards of a set have other rates: those of before, until somebody changes them."""
    title, day = _of(desk, given)["title"], given.get("effective_date")
    if not is_day(day):
        raise invalid("Effective date is not a date", "effective_date")
    own = _own(desk, title)
    cards = desk.all("rate_card", code=title)
    taken = {each["effective_from"] for each in cards} | {
        kept(each)["effective_date"] for each in kept_days(desk, own["id"])
    }
    if day in taken:
        raise invalid("Effective date has already been taken", "effective_date")
    made = desk.keep(SET_VERSIONS, {"effective_date": day}, columns={"owner": own["id"]})
    for ccy in dict.fromkeys(each["ccy"] for each in cards):
        before = [each for each in cards if each["ccy"] == ccy and each["effective_from"] < str(day)]
        _card(desk, title, ccy, str(day), max(before, key=lambda each: str(each["effective_from"]), default=None))
    return {"rate_card_set_id": own["id"], "effective_date": day, "active": True, "id": made["id"]}


def delete_set_version(desk: Desk, kind: Kind, shown: Record) -> None:
    """With the rates from that day on, where no project is priced by them."""
    title = next(each["title"] for each in sets_of(desk) if each["id"] == shown["rate_card_set_id"])
    for card in desk.all("rate_card", code=title, effective_from=shown["effective_date"]):
        _drop(desk, card)
    if desk.record("vendor_object", shown["id"]) is not None:
        removed(desk.tx, desk.entity("vendor_object"), shown["id"])


def _card(desk: Desk, title: str, ccy: str, day: str, like: Record | None = None) -> Record:
    number = max((each["card_version"] for each in desk.all("rate_card", code=title)), default=0) + 1
    head = {"code": title, "card_version": number, "ccy": ccy, "effective_from": day}
    rows = [{"level": row["level"], "rate": row["rate"]} for row in (like or {}).get("rows", ())]
    kind = desk.face.kinds["rate_cards"]
    own = {KEEP: {"default_rate": kept(like).get("default_rate")}} if like else {}
    return desk.make(kind, kind.maps[0], {**head, "rows": rows, "custom": own})


def _drop(desk: Desk, card: Record) -> None:
    try:
        desk.do("drop_rate_card", card["id"])
    except Problem as problem:
        if problem.code != "RATE_CARD_IN_USE":
            raise
        raise invalid("Rate card version is in use and can't be deleted") from problem


# versions of cards, and what roles cost by them


def update_version(desk: Desk, kind: Kind, shown: Record, given: Given) -> Record:
    """What those cost an hour that have no rate of their own."""
    card = desk.named("rate_card", shown["id"], "id", "Rate card version")
    if given.get("default_rate") not in (None, ""):
        card = desk.mark("rate_card", card, default_rate=_decimal(given["default_rate"]))
    return version_of(card, desk)


def delete_version(desk: Desk, kind: Kind, shown: Record) -> None:
    """Where no project is priced by it."""
    _drop(desk, desk.named("rate_card", shown["id"], "id", "Rate card version"))


def create_role(desk: Desk, kind: Kind, given: Given) -> Record:
    """What a role costs an hour by a version of a card."""
    card = desk.named("rate_card", given.get("rate_card_version_id"), "rate_card_version_id", "Rate card version")
    level = level_of(given.get("role_id"), "role_id")
    if any(row["level"] == level for row in card["rows"]):
        raise invalid("Role has already been taken", "role_id")
    return _rate(desk, card, level, given)


def update_role(desk: Desk, kind: Kind, shown: Record, given: Given) -> Record:
    """Another rate."""
    card = desk.named("rate_card", shown["rate_card_version_id"], "rate_card_version_id", "Rate card version")
    return _rate(desk, card, level_of(shown["role_id"], "role_id"), given) if "rate" in given else shown


def delete_role(desk: Desk, kind: Kind, shown: Record) -> None:
    """The role costs the version's default rate again."""
    desk.do("set_card_rate", shown["rate_card_version_id"], level=level_of(shown["role_id"], "role_id"))


def _rate(desk: Desk, card: Record, level: str, given: Given) -> Record:
    card = desk.do("set_card_rate", card["id"], level=level, rate=price_of(whole(given, "rate"), card["ccy"]))
    return next(each for each in roles_of(card) if level_of(each["role_id"], "role_id") == level)


def _decimal(value: Any) -> str:
    """An amount in main units as Kantata writes it back; raises Refused 422."""
    try:
        return money.unscaled(money.scaled(str(value), 100), 100)
    except ValueError:
        raise invalid("Default rate is not a number", "default_rate") from None
