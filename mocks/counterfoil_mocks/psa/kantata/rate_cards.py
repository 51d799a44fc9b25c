"""Rate cards with their sets, versions and roles. The business keeps each version of a card as one record; all of it can only be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa.kantata.conditions import of_set
from counterfoil_mocks.psa.kantata.kind import Kind, computed, derived, mapped
from counterfoil_mocks.psa.kantata.objects import cents, currency, role_id


def cards_of(view: Any, record: Record) -> list[Record]:
    """All versions of a rate card, the first one first; they are one set."""
    found: list[Record] = view.all("rate_card", code=record["code"])
    return found


RATE_CARD = mapped(
    "rate_cards",
    "rate_card",
    computed("title", lambda record, view: record["code"]),
    computed("rate_card_set_id", lambda record, view: cards_of(view, record)[0]["id"]),
    *currency(),
    computed("default_rate", lambda record, view: None),
)


def sets_of(view: Any) -> list[Record]:
    """Sets of rate cards: the cards of one code, in all their versions, currencies and regions. A set has the id of its first card."""
    found: dict[str, Record] = {}
    for card in view.all("rate_card"):
        found.setdefault(
            card["code"],
            {
                "title": card["code"],
                "account_default": not found,
                "created_at": view.local(card["created_at"]),
                "updated_at": view.local(card["updated_at"]),
                "id": card["id"],
            },
        )
    return list(found.values())


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
    return list(found.values())


def version_of(card: Record, view: Any) -> Record:
    """A rate card's version: the business keeps each version of a card as a record, so both have one id."""
    return {
        "rate_card_id": card["id"],
        "effective_date": card["effective_from"],
        "active": card["status"] == "PUBLISHED",
        "default_rate": None,
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
            "id": f"{card['id']}{number}",
        }
        for number, row in enumerate(card["rows"], 1)
    ]


KINDS: tuple[Kind, ...] = (
    Kind(
        "rate_cards",
        "rate_card",
        "RateCard",
        "rate_card",
        (RATE_CARD,),
        filters={"rate_card_set_id": of_set},
        verbs="list get",
    ),
    derived("rate_card_sets", "rate_card_set", "RateCardSet", "rate_card_set"),
    derived(
        "rate_card_set_versions",
        "rate_card_set_version",
        "RateCardSetVersion",
        "rate_card_set_version",
        "rate_card_set_id",
    ),
    derived("rate_card_versions", "rate_card_version", "RateCardVersion", "rate_card_version", "rate_card_id"),
    derived("rate_card_roles", "rate_card_role", "RateCardRole", "rate_card_role", "rate_card_version_id", "role_id"),
)
DERIVED: Mapping[str, Callable[[Any], list[Record]]] = {
    "rate_card_sets": sets_of,
    "rate_card_set_versions": set_versions_of,
    "rate_card_versions": lambda view: [version_of(card, view) for card in view.all("rate_card")],
    "rate_card_roles": lambda view: [each for card in view.all("rate_card") for each in roles_of(card)],
}
"""What is worked out of the business's rate cards, by collection."""
