"""Business rules of what several roles keep a copy of: the customer hierarchy, site numbers, rate card versions."""

from __future__ import annotations

from counterfoil_mocks.kernel.errors import Problem, conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.tx import Tx

DEEPEST = 6
"""Most levels of a customer hierarchy, the root included (INV-05)."""

FROZEN_CARD_FIELDS = ("code", "card_version", "ccy", "region", "effective_from", "effective_to", "rows")


def register(role: Role, customer: Entity, site: Entity | None = None, rate_card: Entity | None = None) -> None:
    """Give a role the shared rules of those of these entities that it has.

    Customers: `ultimate_parent` is kept (null at a root) and a parent that closes a loop or makes more than 6 levels is
    refused. Sites: `customer_no` is filled. Rate cards: `publish_rate_card`, `retire_rate_card`; published rows are immutable,
    and outside the CRM, which owns them, a card is a copy and published from the start.
    """
    _register_customer(role, customer, site)
    if site is not None:
        _register_site(role, customer, site)
    if rate_card is not None:
        _register_rate_card(role, rate_card)


def _register_customer(role: Role, customer: Entity, site: Entity | None) -> None:
    @role.on_create(customer)
    def create(tx: Tx, values: Record) -> Record:
        parent = _reference(tx, customer, "parent", values.get("parent"))
        if parent is not None:
            chain = [parent, *ancestors(tx, customer, parent)]
            if len(chain) >= DEEPEST:
                raise _too_deep(len(chain) + 1)
            values = {**values, "parent": parent["id"], "ultimate_parent": chain[-1]["id"]}
        return tx.insert(customer, values)

    @role.on_update(customer)
    def update(tx: Tx, record: Record, changes: Record) -> Record:
        if "parent" in changes:
            changes = {**changes, **_new_place(tx, customer, record, changes["parent"])}
        changed = tx.update(customer, record, changes)
        if changed["ultimate_parent"] != record["ultimate_parent"]:
            _pass_down(tx, customer, changed)
        if site is not None and changed["customer_no"] != record["customer_no"]:
            for place in tx.find(site, customer=changed["id"]):
                tx.update(site, place, {"customer_no": changed["customer_no"]})
        return changed


def _register_site(role: Role, customer: Entity, site: Entity) -> None:
    @role.on_create(site)
    def create(tx: Tx, values: Record) -> Record:
        return tx.insert(site, {**values, **_owner(tx, customer, values)})

    @role.on_update(site)
    def update(tx: Tx, record: Record, changes: Record) -> Record:
        if "customer" in changes:
            changes = {**changes, **_owner(tx, customer, changes)}
        return tx.update(site, record, changes)


def _register_rate_card(role: Role, rate_card: Entity) -> None:
    owner = role.name == "crm"

    @role.on_create(rate_card)
    def create(tx: Tx, values: Record) -> Record:
        check_card(values)
        return tx.insert(rate_card, values if owner else {**values, "status": "PUBLISHED"})

    @role.on_update(rate_card)
    def update(tx: Tx, record: Record, changes: Record) -> Record:
        frozen = [name for name in FROZEN_CARD_FIELDS if name in changes]
        if record["status"] != "DRAFT" and frozen:
            raise conflict(
                "RATE_CARD_PUBLISHED",
                f"Rate card {record['key']} is {record['status']}; what it says never changes.",
                field=frozen[0],
                remedy=f"Create version {record['card_version'] + 1} and publish it.",
            )
        check_card({**record, **changes})
        return tx.update(rate_card, record, changes)

    @role.action("publish_rate_card", on=rate_card)
    def publish(tx: Tx, subject: Record, values: Record) -> Record:
        """Put a rate card version into force; its rows are immutable from now on. A published one stays as it is."""
        if not subject["rows"]:
            raise invalid("rows", "a rate card without rates cannot be published", "Give one rate for each level.")
        return tx.update(rate_card, subject, {"status": "PUBLISHED"}, event="crm.rate_card.published" if owner else "")

    @role.action("retire_rate_card", on=rate_card)
    def retire(tx: Tx, subject: Record, values: Record) -> Record:
        """Take a published version out of use; what was rated by it stays rated."""
        return tx.update(rate_card, subject, {"status": "RETIRED"}, event="")


def ancestors(tx: Tx, customer: Entity, record: Record) -> list[Record]:
    """The customers above one, nearest first; a loop in the rows is walked once."""
    above: list[Record] = []
    seen = {record["id"]}
    while record["parent"] is not None and record["parent"] not in seen:
        parent = tx.look_up(customer, record["parent"])
        if parent is None:
            break
        seen.add(parent["id"])
        above.append(parent)
        record = parent
    return above


def check_card(card: Record) -> None:
    """Refuse a card whose rate is ambiguous: two rows for one level, or an end before its start."""
    levels = [row["level"] for row in card.get("rows") or []]
    twice = sorted({level for level in levels if levels.count(level) > 1})
    if twice:
        raise invalid("rows", f"{', '.join(twice)} has more than one rate", "Give one rate for each level.")
    end = card.get("effective_to")
    if end is not None and end < card["effective_from"]:
        raise invalid(
            "effective_to", f"{end} is before {card['effective_from']}", "End the card on or after its start."
        )


def _new_place(tx: Tx, customer: Entity, record: Record, parent_value: str | None) -> Record:
    parent = _reference(tx, customer, "parent", parent_value)
    if parent is None:
        return {"parent": None, "ultimate_parent": None}
    chain = [parent, *ancestors(tx, customer, parent)]
    if any(each["id"] == record["id"] for each in chain):
        raise conflict(
            "HIERARCHY_CYCLE",
            f"{parent['name']} stands below {record['name']} (or is it); it cannot become its parent.",
            field="parent",
            remedy="Choose a parent outside the customer's own branch.",
        )
    levels = len(chain) + _height(tx, customer, record)
    if levels > DEEPEST:
        raise _too_deep(levels)
    return {"parent": parent["id"], "ultimate_parent": chain[-1]["id"]}


def _height(tx: Tx, customer: Entity, record: Record) -> int:
    """Levels of the branch that starts at a customer, itself included."""
    levels, row = 0, [record["id"]]
    while row and levels <= DEEPEST:
        levels += 1
        row = [child["id"] for child in tx.find(customer, parent=row)]
    return levels


def _pass_down(tx: Tx, customer: Entity, record: Record) -> None:
    """Give every customer below one its new ultimate parent."""
    top = record["ultimate_parent"] or record["id"]
    row, seen = [record["id"]], {record["id"]}
    while row:
        below = [child for child in tx.find(customer, parent=row) if child["id"] not in seen]
        for child in below:
            tx.update(customer, child, {"ultimate_parent": top})
        row = [child["id"] for child in below]
        seen.update(row)


def _too_deep(levels: int) -> Problem:
    return conflict(
        "HIERARCHY_CYCLE",
        f"The hierarchy would have {levels} levels; {DEEPEST} is the most.",
        field="parent",
        remedy="Attach the customer higher up.",
    )


def _owner(tx: Tx, customer: Entity, values: Record) -> Record:
    owner = _reference(tx, customer, "customer", values.get("customer"))
    if owner is None:
        raise invalid("customer", "a site belongs to a customer", "Give the id or customer number of a live customer.")
    return {"customer": owner["id"], "customer_no": owner["customer_no"]}


def _reference(tx: Tx, entity: Entity, field: str, value: str | None) -> Record | None:
    """The record that a reference names; raises Problem 422 where there is none."""
    if value is None:
        return None
    found = tx.look_up(entity, value)
    if found is None:
        raise invalid(field, f"there is no {entity.name} {value!r}", "Give the id or business key of a live record.")
    return found
