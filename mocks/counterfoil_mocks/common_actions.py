"""Business rules of what several roles keep a copy of: the customer hierarchy, site numbers, rate card versions."""

from __future__ import annotations

from counterfoil_mocks.kernel.errors import Problem, conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record, text
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.tx import Tx

DEEPEST = 6
"""Most levels of a customer hierarchy, the root included (INV-05)."""

FROZEN_CARD_FIELDS = ("code", "card_version", "ccy", "region", "effective_from", "effective_to", "rows")


def register(role: Role, customer: Entity, site: Entity | None = None, rate_card: Entity | None = None) -> None:
    """Give a role the shared rules of those of these entities that it has.

    Customers: `ultimate_parent` is kept (null at a root); in the CRM, which owns the hierarchy, a parent that closes a loop or makes
    more than 6 levels is refused, elsewhere it is a copy and taken as told. `merge_customer` makes one of two. Sites: `customer_no` is filled. Rate cards: `publish_rate_card`, `retire_rate_card`; published rows are immutable,
    and outside the CRM, which owns them, a card is a copy and published from the start.
    """
    _register_customer(role, customer, site)
    _register_merge(role, customer, site)
    if site is not None:
        _register_site(role, customer, site)
    if rate_card is not None:
        _register_rate_card(role, rate_card)


def _register_customer(role: Role, customer: Entity, site: Entity | None) -> None:
    owner = role.name == "crm"

    @role.on_create(customer)
    def create(tx: Tx, values: Record) -> Record:
        parent = _reference(tx, customer, "parent", values.get("parent"))
        if parent is not None:
            chain = [parent, *ancestors(tx, customer, parent)]
            if owner and len(chain) >= DEEPEST:
                raise _too_deep(len(chain) + 1)
            values = {**values, "parent": parent["id"], "ultimate_parent": chain[-1]["id"]}
        return tx.insert(customer, values)

    @role.on_update(customer)
    def update(tx: Tx, record: Record, changes: Record) -> Record:
        if "parent" in changes:
            changes = {**changes, **_new_place(tx, customer, record, changes["parent"], owner)}
        changed = tx.update(customer, record, changes)
        if changed["ultimate_parent"] != record["ultimate_parent"]:
            _pass_down(tx, customer, changed)
        if site is not None and changed["customer_no"] != record["customer_no"]:
            for place in tx.find(site, customer=changed["id"]):
                tx.update(site, place, {"customer_no": changed["customer_no"]})
        return changed


def _register_merge(role: Role, customer: Entity, site: Entity | None) -> None:
    refers = [
        (entity, each.name)
        for entity in role.entities
        for each in entity.fields
        if each.kind == "ref" and each.target == customer.name and each.name != "ultimate_parent"
    ]

    @role.action(
        "merge_customer", text("loser", "Id or number of the record that goes.", limit=64, required=True), on=customer
    )
    def merge(tx: Tx, subject: Record, values: Record) -> Record:
        """Make one customer of two: whatever refers to the loser refers to this one from now on, and the loser leads here.

        Issued documents keep whom they were addressed to. Told the same again, it changes nothing. Raises Problem 404 for an unknown
        loser, 409 MERGED_ELSEWHERE for one that has gone into another, 422 for one that is this record itself.
        """
        loser = tx.gone(customer, values["loser"]) or tx.get(customer, values["loser"])
        if loser["merged_into"] == subject["id"]:
            return subject
        if loser["merged_into"] is not None:
            raise conflict(
                "MERGED_ELSEWHERE",
                f"{loser['name']} has been merged into {loser['merged_into']}.",
                field="loser",
                remedy="Merge that one.",
            )
        if loser["id"] == subject["id"]:
            raise invalid("loser", "a customer cannot be merged into itself", "Name the other one.")
        subject = _above(tx, customer, subject, loser)
        for entity, field in refers:
            for record in tx.find(entity, **{field: loser["id"]}):
                if record["id"] != subject["id"]:
                    tx.update(entity, record, {field: subject["id"], **_renumbered(tx, entity, record, subject, site)})
        _pass_down(tx, customer, subject)
        gone = {"status": "MERGED", "merged_into": subject["id"], "deleted_at": tx.stamp}
        tx.update(customer, loser, gone | {"parent": None, "ultimate_parent": None}, event="")
        if role.name == "crm":
            loser_told = {"id": loser["id"], "customer_no": loser["customer_no"]}
            tx.emit(customer, subject, "crm.account.merged", {"losers": [loser_told]})
        return tx.get(customer, subject["id"])


def _above(tx: Tx, customer: Entity, winner: Record, loser: Record) -> Record:
    """The winner, taken up to the loser's place where it stands below the loser."""
    if all(each["id"] != loser["id"] for each in ancestors(tx, customer, winner)):
        return winner
    return tx.update(customer, winner, {"parent": loser["parent"], "ultimate_parent": loser["ultimate_parent"]})


def _renumbered(tx: Tx, entity: Entity, record: Record, winner: Record, site: Entity | None) -> Record:
    """The copied number of a record that goes over to the winner; a site whose code the winner has gets a free one."""
    if "customer_no" not in entity.by_name or entity.name == "customer":
        return {}
    moved: Record = {"customer_no": winner["customer_no"]}
    if site is not None and entity.name == site.name:
        taken = {each["site_code"] for each in tx.find(site, customer=winner["id"])}
        code, count = record["site_code"], 1
        while code in taken:
            count += 1
            code = f"{record['site_code'][:16]}-{count}"
        moved["site_code"] = code
    return moved


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


def _new_place(tx: Tx, customer: Entity, record: Record, parent_value: str | None, owner: bool) -> Record:
    parent = _reference(tx, customer, "parent", parent_value)
    if parent is None:
        return {"parent": None, "ultimate_parent": None}
    chain = [parent, *ancestors(tx, customer, parent)]
    if not owner:
        return {"parent": parent["id"], "ultimate_parent": chain[-1]["id"]}
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
