"""Rate cards with their sets, versions and roles. The business keeps each version of a card, in one currency, as one record.

A set that was made here, and the days from which its cards have other rates, are kept beside: the business has no card without both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa.kantata.conditions import of_set, references_of
from counterfoil_mocks.psa.kantata.kind import VENDOR, Kind, Link, computed, derived, kept, mapped
from counterfoil_mocks.psa.kantata.objects import cents, currency, role_id


def kept_sets(view: Any) -> dict[str, Record]:
    """Sets that were made here, by title."""
    return {kept(each)["title"]: each for each in view.all("vendor_object", vendor=VENDOR, kind=SETS)}


def kept_days(view: Any, set_id: str) -> list[Record]:
    """Versions of a set that were made here."""
    found: list[Record] = view.all("vendor_object", vendor=VENDOR, kind=SET_VERSIONS, owner=set_id)
    return found


def set_of(view: Any, code: str) -> str:
    """The id of the set of a code: its own where it was made here, else that of its first card."""
    own = kept_sets(view).get(code)
    return str((own or view.all("rate_card", code=code)[0])["id"])


def default_rate(card: Record) -> str:
    """What a role costs that a version has no rate for, as Kantata writes it."""
    return str(kept(card).get("default_rate") or "0.00")


SETS, SET_VERSIONS = "rate_card_sets", "rate_card_set_versions"
RATE_CARD = mapped(
    "rate_cards",
    "rate_card",
    computed("title", lambda record, view: record["code"]),
    computed("rate_card_set_id", lambda record, view: set_of(view, record["code"])),
    *currency(),
    computed("default_rate", lambda record, view: default_rate(record)),
)


def sets_of(view: Any) -> list[Record]:
    """Sets of rate cards: the cards of one code, in all their versions, currencies and regions, and those that have no cards yet."""
    own = kept_sets(view)
    firsts: dict[str, Record] = {}
    for card in view.all("rate_card"):
        firsts.setdefault(card["code"], card)
    chosen = next((title for title, each in own.items() if kept(each).get("account_default")), next(iter(firsts), ""))
    return [
        {
            "title": title,
            "account_default": title == chosen,
            "active_currencies": sorted({card["ccy"] for card in view.all("rate_card", code=title)}),
            "created_at": view.local(each["created_at"]),
            "updated_at": view.local(each["updated_at"]),
            "id": each["id"],
        }
        for title, each in {**firsts, **own}.items()
    ]


def set_versions_of(view: Any) -> list[Record]:
    """Versions of sets: the days from which their cards have other rates."""
    sets = {each["title"]: each["id"] for each in sets_of(view)}
    found: dict[tuple[str, str], Record] = {}
    for card in view.all("rate_card"):
        found.setdefault(
            (card["code"], card["effective_from"]),
            {
                "rate_card_set_id": sets[card["code"]],
                "effective_date": card["effective_from"],
                "active": card["status"] == "PUBLISHED",
                "id": card["id"],
            },
        )
    for title, own in kept_sets(view).items():
        for each in kept_days(view, own["id"]):
            day = kept(each)["effective_date"]
            shown = {"rate_card_set_id": own["id"], "effective_date": day, "active": True}
            found[title, day] = {**shown, **found.get((title, day), {}), "id": each["id"]}
    return list(found.values())


def version_of(card: Record, view: Any) -> Record:
    """A rate card's version: the business keeps each version of a card as a record, so both have one id."""
    return {
        "rate_card_id": card["id"],
        "effective_date": card["effective_from"],
        "active": card["status"] == "PUBLISHED",
        "default_rate": default_rate(card),
        "created_at": view.local(card["created_at"]),
        "updated_at": view.local(card["updated_at"]),
        "id": card["id"],
    }


def roles_of(card: Record) -> list[Record]:
    """What each role costs an hour by a version of a rate card, in cents."""
    return [
        {
            "rate_card_version_id": card["id"],
            "role_id": role_id(row["level"]),
            "rate": cents(row["rate"], row["ccy"] or card["ccy"]),
            "id": f"{card['id']}{role_id(row['level'])}",
        }
        for row in card["rows"]
    ]


def _derived(key: str, holds: Callable[[Any, Record, Record], bool]) -> Callable[[Any, Record], list[Record]]:
    """The objects of a kind that is worked out of cards of which something holds: holds(view, object, record)."""

    def get(view: Any, record: Record) -> list[Record]:
        return [each for each in DERIVED[key](view) if holds(view, each, record)]

    return get


def _named(key: str, name: str) -> Callable[[Any, Record], list[Record]]:
    """The object of a kind that a member of a record names."""
    return _derived(key, lambda view, each, record: each["id"] == record[name])


def _same(view: Any, card: Record) -> list[Record]:
    """All versions of a card: those of its code, region and currency."""
    found: list[Record] = view.all("rate_card", code=card["code"], region=card["region"], ccy=card["ccy"])
    return found


def _versions(view: Any, card: Record) -> list[Record]:
    return [version_of(each, view) for each in _same(view, card)]


def _effective(view: Any, card: Record) -> list[Record]:
    begun = [each for each in _versions(view, card) if each["effective_date"] <= view.system.clock.now[:10]]
    return sorted(begun, key=lambda each: str(each["effective_date"]))[-1:]


def _cards_of_set(view: Any, record: Record) -> list[Record]:
    found: list[Record] = view.all("rate_card", code=record["title"])
    return found


def _set_version_of(view: Any, version: Record) -> list[Record]:
    card = view.record("rate_card", version["id"])
    of, day = set_of(view, card["code"]), version["effective_date"]
    return [each for each in set_versions_of(view) if each["rate_card_set_id"] == of and each["effective_date"] == day]


def _versions_of_set_version(view: Any, record: Record) -> list[Record]:
    title = next(each["title"] for each in sets_of(view) if each["id"] == record["rate_card_set_id"])
    cards = view.all("rate_card", code=title, effective_from=record["effective_date"])
    return [version_of(each, view) for each in cards]


def _set_of_card(view: Any, card: Record) -> list[Record]:
    id = set_of(view, card["code"])
    return [each for each in sets_of(view) if each["id"] == id]


WRITTEN = "create list get update delete"
KINDS: tuple[Kind, ...] = (
    Kind(
        "rate_cards",
        "rate_card",
        "RateCard",
        "rate_card",
        (RATE_CARD,),
        links={
            "rate_card_set": Link("rate_card_set_id", SETS, _set_of_card, column=True),
            "rate_card_versions": Link("rate_card_version_ids", "rate_card_versions", _versions),
            "effective_rate_card_version": Link("effective_rate_card_version_id", "rate_card_versions", _effective),
            "external_references": references_of("RateCard"),
        },
        filters={"rate_card_set_id": of_set},
        required={"rate_card_set_id": "Rate card set can't be blank", "currency": "Currency can't be blank"},
        verbs="create list get delete",
    ),
    derived(
        SETS,
        "rate_card_set",
        "RateCardSet",
        "rate_card_set",
        verbs=WRITTEN,
        links={
            "rate_cards": Link("rate_card_ids", "rate_cards", _cards_of_set),
            "rate_card_set_versions": Link(
                "rate_card_set_version_ids",
                SET_VERSIONS,
                _derived(SET_VERSIONS, lambda view, each, record: each["rate_card_set_id"] == record["id"]),
            ),
        },
    ),
    derived(
        SET_VERSIONS,
        "rate_card_set_version",
        "RateCardSetVersion",
        "rate_card_set_version",
        "rate_card_set_id",
        verbs="create list get delete",
        links={
            "rate_card_set": Link("rate_card_set_id", SETS, _named(SETS, "rate_card_set_id"), column=True),
            "rate_card_versions": Link("rate_card_version_ids", "rate_card_versions", _versions_of_set_version),
        },
    ),
    derived(
        "rate_card_versions",
        "rate_card_version",
        "RateCardVersion",
        "rate_card_version",
        "rate_card_id",
        verbs="list get update delete",
        links={
            "rate_card": Link(
                "rate_card_id", "rate_cards", lambda view, record: view.some("rate_card", [record["id"]]), column=True
            ),
            "rate_card_set_version": Link("rate_card_set_version_id", SET_VERSIONS, _set_version_of),
            "rate_card_roles": Link(
                "rate_card_role_ids",
                "rate_card_roles",
                _derived("rate_card_roles", lambda view, each, record: each["rate_card_version_id"] == record["id"]),
            ),
        },
    ),
    derived(
        "rate_card_roles",
        "rate_card_role",
        "RateCardRole",
        "rate_card_role",
        "rate_card_version_id",
        "role_id",
        verbs=WRITTEN,
        links={
            "role": Link(
                "role_id",
                "roles",
                lambda view, record: [
                    each
                    for each in view.face.derived(view.face.kinds["roles"], view)
                    if each["id"] == record["role_id"]
                ],
                column=True,
            ),
            "rate_card_version": Link(
                "rate_card_version_id",
                "rate_card_versions",
                _named("rate_card_versions", "rate_card_version_id"),
                column=True,
            ),
        },
    ),
)
DERIVED: Mapping[str, Callable[[Any], list[Record]]] = {
    SETS: sets_of,
    SET_VERSIONS: set_versions_of,
    "rate_card_versions": lambda view: [version_of(card, view) for card in view.all("rate_card")],
    "rate_card_roles": lambda view: [each for card in view.all("rate_card") for each in roles_of(card)],
}
"""What is worked out of the business's rate cards, by collection."""
